"""A certificate is renewed by proof of its key, and only while its gateway is in good standing."""

import msgspec
import pytest

from central.fleet.registry import Status
from contract.provisioning import Issued, Refused
from edge.provision import keys


@pytest.fixture
def issued(office, device):
    return device.claim(office.invite("gw-01").code)


def reason(answer):
    assert isinstance(answer, Refused), answer
    return answer.reason


def test_a_new_certificate_for_a_new_key_while_the_old_one_goes_on(office, device, issued, clock):
    clock.later(days=21)
    new_key = keys.new_key()
    renewed = device.renew(issued, new_key)
    assert isinstance(renewed, Issued)
    assert renewed.not_after_ms == clock() + 30 * 86_400_000
    with office.registry.view() as view:
        assert len(view.certificates("gw-01")) == 2
        assert view.revoked() == []
        assert view.gateway("gw-01").renewed_ms == clock()


def test_asked_again_it_gives_the_same_answer(office, device, issued, clock):
    clock.later(days=21)
    request = device.renewal(issued, keys.new_key())
    assert office.renew(request) == office.renew(request)


def test_after_its_end_it_is_renewed_within_the_days_of_grace(device, issued, clock):
    clock.later(days=30 + 179)
    assert isinstance(device.renew(issued, keys.new_key()), Issued)


def test_after_the_days_of_grace_it_is_not(device, issued, clock):
    clock.later(days=30 + 181)
    assert reason(device.renew(issued, keys.new_key())) == "certificate_expired"


def test_a_request_that_another_key_signed_is_refused(device, issued):
    assert reason(device.renew(issued, keys.new_key(), signer=keys.new_key())) == "proof_invalid"


def test_a_proof_for_another_request_is_refused(office, device, issued):
    good, other = device.renewal(issued, keys.new_key()), device.renewal(issued, keys.new_key())
    assert reason(office.renew(msgspec.structs.replace(good, proof=other.proof))) == "proof_invalid"


@pytest.mark.parametrize("proof", ["", "????", "AAAA"])
def test_a_proof_that_is_none_is_refused(office, device, issued, proof):
    request = msgspec.structs.replace(device.renewal(issued, keys.new_key()), proof=proof)
    assert reason(office.renew(request)) in {"malformed", "proof_invalid"}


def test_for_another_gateways_name_it_is_refused(office, device, issued):
    office.invite("gw-02")
    assert reason(device.renew(issued, keys.new_key(), gateway="gw-02")) == "certificate_unknown"


def test_a_revoked_gateway_gets_none(office, device, issued):
    office.revoke("gw-01", "stolen")
    assert reason(device.renew(issued, keys.new_key())) == "gateway_revoked"


def test_a_device_that_was_replaced_gets_none(office, device, issued):
    code = office.invite("gw-01", replace=True).code
    old_key, device.key = device.key, keys.new_key()
    device.claim(code)
    assert reason(device.renew(issued, keys.new_key(), signer=old_key)) == "certificate_revoked"


def test_a_certificate_of_another_authority_under_a_known_serial_is_none_of_ours(
    office, device, issued, tmp_path, clock
):
    from cryptography import x509

    from central.fleet import authority as authorities

    foreign = authorities.create(tmp_path / "foreign", clock())
    mine = x509.load_pem_x509_certificate(issued.certificate_pem.encode())
    made = foreign.gateway_certificate("gw-01", device.key.public_key(), clock(), 86_400_000)
    assert made.serial_number != mine.serial_number
    forged = msgspec.structs.replace(issued, certificate_pem=foreign.chain_pem(made))
    assert reason(device.renew(forged, keys.new_key())) == "certificate_unknown"


def test_a_revoked_gateway_that_is_invited_anew_starts_anew(office, device, issued):
    office.revoke("gw-01", "sent for repair")
    old_key, device.key = device.key, keys.new_key()
    assert isinstance(device.claim(office.invite("gw-01").code), Issued)
    assert reason(device.renew(issued, keys.new_key(), signer=old_key)) == "certificate_revoked"
    with office.registry.view() as view:
        assert view.gateway("gw-01").status is Status.ACTIVE


class TestAStick:
    def test_a_request_for_an_invited_place_is_signed_without_a_code(self, office):
        office.invite("gw-01")
        assert isinstance(office.sign_request(keys.signing_request("gw-01", keys.new_key())), Issued)

    def test_signed_twice_it_is_the_same_answer(self, office):
        office.invite("gw-01")
        request = keys.signing_request("gw-01", keys.new_key())
        assert office.sign_request(request) == office.sign_request(request)

    def test_it_uses_up_the_code_that_was_given(self, office, device):
        code = office.invite("gw-01").code
        office.sign_request(keys.signing_request("gw-01", keys.new_key()))
        assert reason(device.claim(code)) == "claim_code_unknown"

    def test_nobody_comes_in_who_was_not_invited(self, office):
        assert reason(office.sign_request(keys.signing_request("gw-09", keys.new_key()))) == "gateway_unknown"

    def test_an_active_place_is_not_taken_unawares(self, office, device, issued):
        request = keys.signing_request("gw-01", keys.new_key())
        assert reason(office.sign_request(request)) == "gateway_active"
        assert isinstance(office.sign_request(request, replace=True), Issued)

    def test_a_revoked_place_is_not_signed_for(self, office, issued):
        office.revoke("gw-01", "")
        assert reason(office.sign_request(keys.signing_request("gw-01", keys.new_key()))) == "gateway_revoked"

    @pytest.mark.parametrize("name", ["+", "#", "gw-01/x", "central.ingest"])
    def test_a_name_that_would_reach_further_is_refused(self, office, name):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.x509.oid import NameOID

        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .sign(keys.new_key(), hashes.SHA256())
            .public_bytes(serialization.Encoding.PEM)
            .decode()
        )
        assert reason(office.sign_request(request)) == "gateway_id_malformed"
