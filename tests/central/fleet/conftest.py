"""A fleet on a clock that a test moves, and the device's half of a claim."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from central.fleet import authority as authorities
from central.fleet.config import FleetConfig
from central.fleet.office import Office
from central.fleet.registry import Registry
from contract.provisioning import ClaimRequest, RenewalRequest, renewal_to_sign
from edge.provision import keys

START_MS = 1_780_000_000_000


class Clock:
    def __init__(self):
        self.now_ms = START_MS

    def __call__(self):
        return self.now_ms

    def later(self, *, days=0.0, hours=0.0):
        self.now_ms += round((days * 24 + hours) * 3_600_000)


class Device:
    """Makes keys, claims and renews, as the edge does."""

    def __init__(self, office, gateway="gw-01"):
        self.office, self.gateway = office, gateway
        self.key = keys.new_key()

    def request(self, code):
        return ClaimRequest(1, self.gateway, code, keys.signing_request(self.gateway, self.key))

    def claim(self, code):
        return self.office.claim(self.request(code))

    def renewal(self, issued, new_key, *, signer=None, gateway=None):
        gateway = gateway or self.gateway
        csr = keys.signing_request(gateway, new_key)
        proof = (signer or self.key).sign(renewal_to_sign(gateway, csr), ec.ECDSA(hashes.SHA256()))
        return RenewalRequest(1, gateway, csr, issued.certificate_pem, base64.b64encode(proof).decode())

    def renew(self, issued, new_key, **more):
        return self.office.renew(self.renewal(issued, new_key, **more))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def office(tmp_path, clock):
    authority = authorities.create(tmp_path / "authority", clock())
    return Office(FleetConfig(), authority, Registry(tmp_path / "fleet.db"), clock)


@pytest.fixture
def device(office):
    return Device(office)
