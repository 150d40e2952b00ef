"""One code, one device, one place: what a claim needs, and by which name it is refused."""

import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.fleet.registry import Status
from contract.provisioning import ClaimRequest, Issued, Refused, code_hash, parse_ticket
from edge.provision import keys


def code_for(office, gateway="gw-01", **more):
    return office.invite(gateway, **more).code


def reason(answer):
    assert isinstance(answer, Refused), answer
    return answer.reason


class TestAnInvitedDevice:
    def test_gets_a_certificate_under_its_name_for_thirty_days(self, office, device, clock):
        issued = device.claim(code_for(office))
        assert isinstance(issued, Issued)
        leaf, issuer = x509.load_pem_x509_certificates(issued.certificate_pem.encode())
        leaf.verify_directly_issued_by(issuer)
        issuer.verify_directly_issued_by(x509.load_pem_x509_certificate(issued.authority_pem.encode()))
        assert leaf.subject.rfc4514_string() == "CN=gw-01"
        assert leaf.public_key() == device.key.public_key()
        assert list(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
            ExtendedKeyUsageOID.CLIENT_AUTH
        ]
        assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert issued.not_after_ms == clock() + 30 * 86_400_000
        assert clock() + 19 * 86_400_000 < issued.renew_after_ms < clock() + 21 * 86_400_000

    def test_is_active_from_then_on(self, office, device, clock):
        device.claim(code_for(office, site="駅前"))
        with office.registry.view() as view:
            gateway = view.gateway("gw-01")
            assert (gateway.status, gateway.site, gateway.claimed_ms) == (Status.ACTIVE, "駅前", clock())

    def test_may_ask_again_when_the_answer_was_lost(self, office, device):
        code = code_for(office)
        first = device.claim(code)
        assert device.claim(code) == first
        with office.registry.view() as view:
            assert len(view.certificates("gw-01")) == 1

    def test_may_type_its_code_carelessly(self, office, device):
        code = code_for(office)
        assert isinstance(device.claim("-".join([code[:13].lower(), code[13:]])), Issued)


class TestACode:
    def test_is_remembered_as_a_hash_only(self, office, tmp_path):
        code = code_for(office)
        assert all(code.encode() not in path.read_bytes() for path in tmp_path.glob("fleet.db*"))
        with office.registry.view() as view:
            assert view.code(code_hash(code)) is not None

    def test_has_128_random_bits(self, office):
        codes = {code_for(office, f"gw-{number}") for number in range(50)}
        assert len(codes) == 50
        assert all(len(code) == 26 for code in codes)

    def test_that_nobody_gave_is_unknown(self, device):
        assert reason(device.claim("0" * 26)) == "claim_code_unknown"

    def test_is_used_up_by_the_first_device(self, office, device):
        code = code_for(office)
        device.claim(code)
        device.key = keys.new_key()
        assert reason(device.claim(code)) == "claim_code_used"

    def test_runs_out(self, office, device, clock):
        code = code_for(office)
        clock.later(hours=72.1)
        assert reason(device.claim(code)) == "claim_code_expired"

    def test_of_another_gateway_opens_nothing_and_stays_good(self, office, device):
        code_for(office)
        other = code_for(office, "gw-02")
        assert reason(device.claim(other)) == "claim_code_other_gateway"
        device.gateway = "gw-02"
        assert isinstance(device.claim(other), Issued)

    def test_ends_when_a_newer_one_is_given(self, office, device):
        old, new = code_for(office), code_for(office)
        assert reason(device.claim(old)) == "claim_code_unknown"
        assert isinstance(device.claim(new), Issued)

    def test_ends_with_a_revocation(self, office, device):
        code = code_for(office)
        office.revoke("gw-01", "never arrived")
        assert reason(device.claim(code)) == "claim_code_unknown"

    def test_claimed_by_many_at_once_makes_one_certificate(self, office):
        """Every claimant has a key of its own; the transaction lets one win."""
        code = code_for(office)
        answers = []

        def try_it():
            request = ClaimRequest(1, "gw-01", code, keys.signing_request("gw-01", keys.new_key()))
            answers.append(office.claim(request))

        threads = [threading.Thread(target=try_it) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(type(answer).__name__ for answer in answers) == ["Issued"] + ["Refused"] * 7
        assert {answer.reason for answer in answers if isinstance(answer, Refused)} == {"claim_code_used"}

    def test_stands_on_a_ticket_that_can_be_read_back(self, office):
        ticket = office.invite("gw-01")
        assert parse_ticket(ticket.text()) == ticket


class TestAnInvitation:
    def test_of_an_active_gateway_has_to_be_meant(self, office, device):
        device.claim(code_for(office))
        assert reason(office.invite("gw-01")) == "gateway_active"

    def test_that_replaces_ends_the_old_device_when_the_new_one_claims(self, office, device):
        old = device.claim(code_for(office))
        code = code_for(office, replace=True)
        with office.registry.view() as view:
            assert view.revoked() == []
        device.key = keys.new_key()
        device.claim(code)
        serial = x509.load_pem_x509_certificate(old.certificate_pem.encode()).serial_number
        with office.registry.view() as view:
            assert [number for number, _ in view.revoked()] == [serial]

    @pytest.mark.parametrize(
        "name", ["", "GW", "gw/01", "gw+", "#", "+", "../gw", "gw 01", "a" * 33, "central.ingest", "-x", "gw\n"]
    )
    def test_needs_a_name_that_is_safe_everywhere(self, office, name):
        assert reason(office.invite(name)) == "gateway_id_malformed"


def csr(subject, key=None, extensions=(), algorithm=hashes.SHA256()):  # noqa: B008
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key or keys.new_key(), algorithm).public_bytes(serialization.Encoding.PEM).decode()


CN, O = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME  # noqa: E741


class TestARequest:
    """Whatever it says of itself, only the name on the ticket is certified, and a request that asks for more is refused."""

    @pytest.mark.parametrize(
        "subject",
        [
            [(CN, "gw-02")],
            [(CN, "+")],
            [(CN, "#")],
            [(CN, "gw-01/#")],
            [(CN, "gw-01/../gw-02")],
            [(CN, "GW-01")],
            [(CN, "central.ingest")],
            [(CN, "gw-01"), (CN, "gw-02")],
            [(CN, "gw-02"), (CN, "gw-01")],
            [(CN, "gw-01"), (O, "Kumagaya")],
            [(O, "gw-01")],
            [],
        ],
    )
    def test_under_another_name_is_refused(self, office, subject):
        code = code_for(office)
        assert reason(office.claim(ClaimRequest(1, "gw-01", code, csr(subject)))) == "csr_name_mismatch"

    @pytest.mark.parametrize(
        "extension",
        [
            x509.BasicConstraints(ca=True, path_length=None),
            x509.SubjectAlternativeName([x509.DNSName("broker.example")]),
            x509.SubjectAlternativeName([x509.UniformResourceIdentifier("urn:kumagaya:gateway:gw-02")]),
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        ],
    )
    def test_that_wants_more_than_its_place_is_refused(self, office, extension):
        request = csr([(CN, "gw-01")], extensions=[extension])
        assert reason(office.claim(ClaimRequest(1, "gw-01", code_for(office), request))) == "csr_name_mismatch"

    @pytest.mark.parametrize(
        "key",
        [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)],
        ids=["p-384", "rsa"],
    )
    def test_for_another_kind_of_key_is_refused(self, office, key):
        request = csr([(CN, "gw-01")], key)
        assert reason(office.claim(ClaimRequest(1, "gw-01", code_for(office), request))) == "csr_key_unsupported"

    def test_for_an_edwards_key_is_refused(self, office):
        request = csr([(CN, "gw-01")], ed25519.Ed25519PrivateKey.generate(), algorithm=None)
        assert reason(office.claim(ClaimRequest(1, "gw-01", code_for(office), request))) == "csr_key_unsupported"

    def test_that_its_key_did_not_sign_is_refused(self, office):
        pem = csr([(CN, "gw-01")])
        der = bytearray(x509.load_pem_x509_csr(pem.encode()).public_bytes(serialization.Encoding.DER))
        der[-1] ^= 1
        import base64

        forged = (
            "-----BEGIN CERTIFICATE REQUEST-----\n"
            + base64.encodebytes(bytes(der)).decode()
            + "-----END CERTIFICATE REQUEST-----\n"
        )
        assert reason(office.claim(ClaimRequest(1, "gw-01", code_for(office), forged))) == "csr_signature_invalid"

    @pytest.mark.parametrize(
        "text",
        ["", "x", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n", "A" * 9000, "\0"],
    )
    def test_that_is_none_is_refused(self, office, text):
        assert reason(office.claim(ClaimRequest(1, "gw-01", code_for(office), text))) == "csr_malformed"

    def test_for_a_key_that_has_a_certificate_is_refused(self, office, device):
        device.claim(code_for(office))
        device.gateway = "gw-02"
        assert reason(device.claim(code_for(office, "gw-02"))) == "csr_key_in_use"

    def test_that_was_refused_leaves_the_code_good(self, office, device):
        code = code_for(office)
        office.claim(ClaimRequest(1, "gw-01", code, csr([(CN, "#")])))
        assert isinstance(device.claim(code), Issued)
