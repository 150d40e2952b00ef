"""A device's first identity: made on the device, claimed once, never overwritten unawares, whole after every loss of power."""

import shutil

import msgspec
import pytest
from cryptography import x509

from contract.errors import UserError
from contract.provisioning import RefusalReason, Refused, encode
from edge.provision import keys, provisioning
from edge.provision.identity import IdentityFolder
from edge.provision.provisioning import Done
from tests.edge.provision.central import CODE, DAY_MS, NOW_MS, Central, certificate, pem


@pytest.fixture
def central():
    return Central()


@pytest.fixture
def folder(tmp_path):
    return IdentityFolder(tmp_path / "identity")


def claim(folder, central, **more):
    return provisioning.claim(folder, "gw-01", central.ticket(), central, NOW_MS, **more)


class TestAClaim:
    def test_brings_a_certificate_for_a_key_that_was_made_here(self, folder, central):
        done = claim(folder, central)
        assert isinstance(done, Done)
        key = keys.load_key(done.identity.key)
        leaf = x509.load_pem_x509_certificates(done.identity.certificate.read_bytes())[0]
        assert leaf.public_key() == key.public_key()
        assert folder.current() == done.identity

    def test_never_sends_the_key(self, folder, central):
        done = claim(folder, central)
        sent = encode(central.asked[0])
        assert b"PRIVATE" not in sent
        number = keys.load_key(done.identity.key).private_numbers().private_value
        assert number.to_bytes(32, "big").hex().encode() not in sent
        csr = x509.load_pem_x509_csr(central.asked[0].csr_pem.encode())
        assert csr.is_signature_valid
        assert csr.subject.rfc4514_string() == "CN=gw-01"

    def test_keeps_the_key_for_its_owner_alone(self, folder, central):
        identity = claim(folder, central).identity
        assert identity.key.stat().st_mode & 0o777 == 0o600
        assert identity.key.parent.resolve().stat().st_mode & 0o777 == 0o700

    def test_goes_on_with_the_same_key_when_the_answer_was_lost(self, folder, central):
        central.lost = 1
        with pytest.raises(OSError, match="lost"):
            claim(folder, central)
        assert folder.current() is None
        claim(folder, central)
        assert central.asked[0].csr_pem == central.asked[1].csr_pem

    def test_with_a_new_ticket_begins_with_a_new_key(self, folder, central):
        central.lost = 1
        with pytest.raises(OSError, match="lost"):
            claim(folder, central)
        provisioning.claim(folder, "gw-01", central.ticket(code=CODE[::-1]), central, NOW_MS)
        assert central.asked[0].csr_pem != central.asked[1].csr_pem

    def test_made_twice_with_one_ticket_changes_nothing(self, folder, central):
        first, second = claim(folder, central), claim(folder, central)
        assert second == Done(first.identity, already=True)
        assert len(central.asked) == 1

    def test_does_not_overwrite_an_identity(self, folder, central):
        claim(folder, central)
        with pytest.raises(UserError, match="--replace"):
            provisioning.claim(folder, "gw-01", central.ticket(code=CODE[::-1]), central, NOW_MS)

    def test_that_replaces_keeps_the_old_identity_until_the_new_one_is_complete(self, folder, central):
        old = claim(folder, central).identity.certificate.read_text()
        central.lost = 1
        ticket = central.ticket(code=CODE[::-1])
        with pytest.raises(OSError, match="lost"):
            provisioning.claim(folder, "gw-01", ticket, central, NOW_MS, replace=True)
        assert folder.current().certificate.read_text() == old
        new = provisioning.claim(folder, "gw-01", ticket, central, NOW_MS, replace=True).identity
        assert new.certificate.read_text() != old

    def test_with_another_gateways_ticket_is_not_even_sent(self, folder, central):
        with pytest.raises(UserError, match="the ticket is for 'gw-02', this gateway is 'gw-01'"):
            provisioning.claim(folder, "gw-01", central.ticket("gw-02"), central, NOW_MS)
        assert central.asked == []

    def test_that_central_refuses_comes_back_as_a_value_and_leaves_nothing_in_use(self, folder, central):
        central.refuse_with = Refused(1, RefusalReason.CLAIM_CODE_EXPIRED, "run out")
        assert claim(folder, central) == central.refuse_with
        assert folder.current() is None


class TestAnAnswerIsNotBelieved:
    """Whatever goes wrong on the way, an identity that does not fit is never put in use."""

    def refused(self, folder, central, change):
        pending = folder.ask("gw-01", "claim x")
        issued = change(central.issue(pending.csr_pem))
        answer = folder.install(issued, pending, "gw-01", central.pin, NOW_MS)
        assert isinstance(answer, Refused)
        assert folder.current() is None
        return answer.detail

    def test_from_another_root(self, folder, central):
        other = Central()
        assert "its root has the pin" in self.refused(
            folder, central, lambda issued: msgspec.structs.replace(issued, authority_pem=pem(other.root))
        )

    def test_signed_by_another_authority_under_the_right_root(self, folder, central):
        other = Central()

        def change(issued):
            return msgspec.structs.replace(other.issue(folder.pending().csr_pem), authority_pem=pem(central.root))

        assert "do not lead to the root" in self.refused(folder, central, change)

    def test_for_another_key(self, folder, central):
        change = lambda issued: central.issue(keys.signing_request("gw-01", keys.new_key()))  # noqa: E731
        assert "another key" in self.refused(folder, central, change)

    def test_for_another_gateway(self, folder, central):
        change = lambda issued: central.issue(folder.pending().csr_pem, "gw-02")  # noqa: E731
        assert "'gw-02'" in self.refused(folder, central, change)

    def test_signed_by_a_leaf(self, folder, central):
        """A gateway's own certificate signs nothing, however well it leads to the root."""
        middle = keys.new_key()
        leaf_as_issuer = certificate(
            "middle", middle.public_key(), "issuer", central.issuer_key, NOW_MS, NOW_MS + DAY_MS
        )

        def change(issued):
            csr = x509.load_pem_x509_csr(folder.pending().csr_pem.encode())
            mine = certificate("gw-01", csr.public_key(), "middle", middle, NOW_MS, NOW_MS + DAY_MS)
            return msgspec.structs.replace(issued, certificate_pem=pem(mine, leaf_as_issuer, central.issuer))

        assert "do not lead to the root" in self.refused(folder, central, change)

    def test_that_ran_out(self, folder, central):
        central.now_ms -= 40 * DAY_MS
        assert "ran out" in self.refused(folder, central, lambda issued: issued)

    def test_that_holds_nothing(self, folder, central):
        change = lambda issued: msgspec.structs.replace(issued, certificate_pem="")  # noqa: E731
        assert "no usable certificates" in self.refused(folder, central, change)

    def test_but_a_clock_that_stands_at_1970_does_no_harm(self, folder, central):
        pending = folder.ask("gw-01", "claim x")
        issued = central.issue(pending.csr_pem)
        assert not isinstance(folder.install(issued, pending, "gw-01", central.pin, 0), Refused)


class TestAStick:
    def test_carries_the_request_there_and_the_certificate_back(self, folder, central, tmp_path):
        stick = tmp_path / "stick"
        stick.mkdir()
        path, _ = provisioning.write_request(folder, "gw-01", stick)
        assert path == stick / "gw-01.csr"
        assert all("PRIVATE" not in one.read_text() for one in stick.iterdir())
        (stick / "gw-01.issued.json").write_bytes(encode(central.issue(path.read_text())))
        done = provisioning.install_from(folder, "gw-01", stick, central.pin, NOW_MS)
        assert folder.current() == done.identity
        assert provisioning.install_from(folder, "gw-01", stick, central.pin, NOW_MS).already

    def test_written_twice_carries_the_same_request(self, folder, tmp_path):
        first = provisioning.write_request(folder, "gw-01", tmp_path)[0].read_text()
        assert provisioning.write_request(folder, "gw-01", tmp_path)[0].read_text() == first

    def test_of_another_device_is_not_taken(self, folder, central, tmp_path):
        other = IdentityFolder(tmp_path / "other")
        path, _ = provisioning.write_request(other, "gw-01", tmp_path)
        (tmp_path / "gw-01.issued.json").write_bytes(encode(central.issue(path.read_text())))
        with pytest.raises(UserError, match="its key is not here"):
            provisioning.install_from(folder, "gw-01", tmp_path, None, NOW_MS)

    def test_from_another_root_than_the_pin_says_is_refused(self, folder, central, tmp_path):
        path, _ = provisioning.write_request(folder, "gw-01", tmp_path)
        (tmp_path / "gw-01.issued.json").write_bytes(encode(central.issue(path.read_text())))
        answer = provisioning.install_from(folder, "gw-01", tmp_path, Central().pin, NOW_MS)
        assert isinstance(answer, Refused)

    @pytest.mark.parametrize("content", [b"", b"{", b'{"v":1,"kind":"issued"}', b"\xff"])
    def test_with_rubbish_is_refused_by_name(self, folder, tmp_path, content):
        provisioning.write_request(folder, "gw-01", tmp_path)
        (tmp_path / "gw-01.issued.json").write_bytes(content)
        assert provisioning.install_from(folder, "gw-01", tmp_path, None, NOW_MS).reason == "malformed"

    def test_that_is_not_there_is_one_clear_line(self, folder, tmp_path):
        with pytest.raises(UserError, match="is the stick mounted"):
            provisioning.write_request(folder, "gw-01", tmp_path / "nothing")
        with pytest.raises(UserError, match="sign-request"):
            provisioning.install_from(folder, "gw-01", tmp_path / "nothing", None, NOW_MS)


class TestALossOfPower:
    """Cut at every write of an installation: what is in use is whole, and the same claim goes on."""

    def test_leaves_the_old_identity_or_the_new_one_never_half(self, tmp_path, central, monkeypatch):
        from edge.provision import identity as module

        for cut_at in range(1, 40):
            path = tmp_path / f"cut-{cut_at}"
            folder = IdentityFolder(path)
            first = claim(folder, central).identity.certificate.read_text()
            steps = 0

            def cut(real, cut_at=cut_at):
                def step(*args, **more):
                    nonlocal steps
                    steps += 1
                    if steps == cut_at:
                        raise KeyboardInterrupt
                    return real(*args, **more)

                return step

            ticket = central.ticket(code=CODE[::-1])
            with monkeypatch.context() as patched:
                for name in ("write_atomically", "point_at", "sync_folder"):
                    patched.setattr(module, name, cut(getattr(module, name)))
                patched.setattr(shutil, "rmtree", cut(shutil.rmtree))
                try:
                    provisioning.claim(folder, "gw-01", ticket, central, NOW_MS, replace=True)
                    whole = True
                except KeyboardInterrupt:
                    whole = False
            held = folder.current()
            leaf = x509.load_pem_x509_certificates(held.certificate.read_bytes())[0]
            assert keys.load_key(held.key).public_key() == leaf.public_key()
            if whole:
                assert cut_at > 8, "the test did cut"
                break
            done = provisioning.claim(folder, "gw-01", ticket, central, NOW_MS, replace=True)
            assert done.identity.certificate.read_text() != first
            left = sorted(one.name for one in path.iterdir() if one.name.startswith(".") or one.name == "pending")
            assert left == [], f"cut at {cut_at} left {left}"
        else:
            pytest.fail("the installation never came to its end")


class TestKeys:
    def test_a_key_that_others_may_read_is_refused(self, tmp_path):
        path = tmp_path / "key.pem"
        path.write_bytes(keys.key_pem(keys.new_key()))
        path.chmod(0o640)
        with pytest.raises(UserError, match="chmod 600"):
            keys.load_key(path)

    def test_a_token_is_refused_with_what_to_do_instead(self):
        uri = keys.parse_pkcs11("pkcs11:token=city;object=gw-01?pin-source=/etc/pin")
        assert uri.path == {"token": "city", "object": "gw-01"}
        assert "systemd-cryptenroll" in str(keys.refuse_token_key(uri))

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("pkcs12:x", "is no PKCS#11 address"),
            ("pkcs11:token=city", "names no key"),
            ("pkcs11:object=a;object=b", "given twice"),
            ("pkcs11:object=a;colour=red", "unknown attribute 'colour'"),
            ("pkcs11:object=%zz", "is no name=value"),
            ("pkcs11:object", "is no name=value"),
            ("pkcs11:object=a?pin-value=1234", "the PIN stands in the address"),
            ("pkcs11:object=a;type=cert", "has to be private"),
        ],
    )
    def test_an_address_that_is_wrong_is_named(self, text, word):
        with pytest.raises(UserError, match=word):
            keys.parse_pkcs11(text)


def test_a_damaged_identity_is_named_and_not_taken_for_none(folder, central):
    identity = claim(folder, central).identity
    (identity.key.parent / "issued.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        folder.current()
    shutil.rmtree(identity.key.parent.resolve())
    with pytest.raises(UserError, match="leads nowhere"):
        folder.current()
