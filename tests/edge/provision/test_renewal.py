"""The agent renews by itself after two thirds of a certificate's life, and a renewal that broke off goes on."""

import base64

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from contract.provisioning import RENEW_PATH, RefusalReason, Refused, RenewalRequest, decode, encode, renewal_to_sign
from edge.provision import provisioning, renewal
from edge.provision.identity import Identity, IdentityFolder
from edge.provision.renewal import NotDue, renew_if_due
from tests.edge.provision.central import DAY_MS, NOW_MS, Central

DUE_MS = NOW_MS + 20 * DAY_MS


@pytest.fixture
def central():
    return Central()


@pytest.fixture
def folder(tmp_path, central):
    folder = IdentityFolder(tmp_path / "identity")
    provisioning.claim(folder, "gw-01", central.ticket(), central, NOW_MS)
    return folder


def over(central, now_ms=DUE_MS):
    def exchange(payload):
        central.now_ms = now_ms
        return central.post(RENEW_PATH, payload)

    return exchange


def test_nothing_happens_before_two_thirds_of_its_life(folder, central):
    assert renew_if_due(folder, DUE_MS - 1, over(central)) == NotDue(DUE_MS)
    assert len(central.asked) == 1, "only the claim"


def test_then_it_is_renewed_with_a_new_key(folder, central):
    old = folder.current()
    old_certificate, old_key = old.certificate.read_text(), old.key.read_text()
    new = renew_if_due(folder, DUE_MS, over(central))
    assert isinstance(new, Identity)
    assert new == folder.current()
    assert new.certificate.read_text() != old_certificate
    assert new.key.read_text() != old_key
    assert new.key == old.key, "the paths stay: the configuration needs no change"
    assert renew_if_due(folder, DUE_MS, over(central)) == NotDue(DUE_MS + 20 * DAY_MS)


def test_the_request_is_signed_with_the_key_in_use(folder):
    identity = folder.current()
    request = decode(RenewalRequest, renewal.request(folder, identity))
    leaf = x509.load_pem_x509_certificate(request.certificate_pem.encode())
    signed = renewal_to_sign("gw-01", request.csr_pem)
    leaf.public_key().verify(base64.b64decode(request.proof), signed, ec.ECDSA(hashes.SHA256()))
    assert x509.load_pem_x509_csr(request.csr_pem.encode()).public_key() != leaf.public_key()


def test_a_lost_answer_is_asked_for_again_with_the_same_key(folder, central):
    central.lost = 1
    with pytest.raises(OSError, match="lost"):
        renew_if_due(folder, DUE_MS, over(central))
    again = IdentityFolder(folder.path)
    renew_if_due(again, DUE_MS + 1000, over(central))
    assert central.asked[1].csr_pem == central.asked[2].csr_pem


def test_a_refusal_changes_nothing(folder, central):
    before = folder.current()
    central.refuse_with = Refused(1, RefusalReason.GATEWAY_REVOKED, "revoked")
    assert renew_if_due(folder, DUE_MS, over(central)) == central.refuse_with
    assert folder.current() == before


def test_an_answer_under_another_root_is_not_taken(folder):
    before = folder.current()
    answer = renew_if_due(folder, DUE_MS, over(Central()))
    assert isinstance(answer, Refused)
    assert "its root has the pin" in answer.detail
    assert folder.current() == before


@pytest.mark.parametrize("payload", [b"", b"{}", b"\xff", b'{"v":2,"kind":"issued"}', b"x" * 100_000])
def test_rubbish_on_the_answers_topic_changes_nothing(folder, payload):
    before = folder.current()
    renewal.request(folder, before)
    assert isinstance(renewal.take(folder, before, payload, DUE_MS), Refused)
    assert folder.current() == before


def test_an_answer_that_comes_twice_is_taken_once(folder, central):
    identity = folder.current()
    answer = over(central)(renewal.request(folder, identity))
    assert isinstance(renewal.take(folder, identity, answer, DUE_MS), Identity)
    assert renewal.take(folder, identity, answer, DUE_MS) is None


def test_two_generations_are_kept(folder, central):
    at_ms = NOW_MS
    for _ in range(4):
        at_ms += 20 * DAY_MS
        assert isinstance(renew_if_due(folder, at_ms, over(central, at_ms)), Identity)
    kept = [path for path in folder.path.iterdir() if path.is_dir() and not path.is_symlink()]
    assert len(kept) == 2


def test_after_its_end_only_https_is_left(folder):
    identity = folder.current()
    assert not renewal.expired(identity, DUE_MS)
    assert renewal.expired(identity, NOW_MS + 30 * DAY_MS)


def test_without_an_identity_there_is_nothing_to_renew(tmp_path, central):
    assert renew_if_due(IdentityFolder(tmp_path / "none"), DUE_MS, over(central)) is None


def test_the_answer_survives_its_way(central):
    """What central encodes, the device decodes."""
    from edge.provision import keys

    issued = central.issue(keys.signing_request("gw-01", keys.new_key()))
    from contract.provisioning import decode_answer

    assert decode_answer(encode(issued)) == issued
