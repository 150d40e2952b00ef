"""Decides who gets a certificate: invitations, claims, renewals, requests on a stick, revocations.

Every refusal is a value with an exact name; the caller logs and counts. Whatever is decided is one transaction of the registry, so
that of two claims with one code only one wins, and an answer that was lost on its way is given again to the same key.
"""

import base64
import secrets
from collections.abc import Callable

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from central.fleet.authority import DAY_MS, Authority, key_fingerprint, unix_ms
from central.fleet.config import FleetConfig
from central.fleet.registry import Certificate, Change, Code, Gateway, Registry, Status
from central.fleet.requests import named_gateway, refused, requested_key
from contract.provisioning import (
    RENEW_FRACTION,
    VERSION,
    Answer,
    ClaimRequest,
    Issued,
    RefusalReason,
    Refused,
    RenewalRequest,
    Ticket,
    code_hash,
    code_of,
    normal_code,
    renewal_to_sign,
)
from contract.topics import GATEWAY_ID


class Office:
    """See the module.

    Args:
        config: lives of certificates and codes, addresses to tell.
        authority: signs.
        registry: remembers.
        now_ms: real time, Unix milliseconds (certificates know no simulated time).
        random_bytes: for claim codes.

    """

    def __init__(
        self,
        config: FleetConfig,
        authority: Authority,
        registry: Registry,
        now_ms: Callable[[], int],
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self.config = config
        self.authority = authority
        self.registry = registry
        self.now_ms = now_ms
        self._random_bytes = random_bytes

    def invite(self, gateway: str, site: str | None = None, *, replace: bool = False) -> Ticket | Refused:
        """A new place with a fresh code; an older unused code of the same place ends.

        An active gateway is invited again only with `replace` (a device that was exchanged): its certificates go on until the new
        device claims. A revoked one may be invited again: it starts anew.
        """
        if not GATEWAY_ID.fullmatch(gateway):
            return refused(RefusalReason.GATEWAY_ID_MALFORMED, f"{gateway[:64]!r}: a-z, 0-9 and hyphens, at most 32")
        now_ms = self.now_ms()
        code = code_of(self._random_bytes(16))
        with self.registry.change() as change:
            known = change.gateway(gateway)
            if known is None:
                change.put_gateway(Gateway(gateway, site or "", Status.INVITED, now_ms))
            elif known.status is Status.ACTIVE:
                if not replace:
                    return refused(RefusalReason.GATEWAY_ACTIVE, f"{gateway} has a certificate; replace it knowingly")
                if site is not None:
                    change.put_gateway(msgspec.structs.replace(known, site=site))
            else:
                where = known.site if site is None else site
                change.put_gateway(Gateway(gateway, where, Status.INVITED, known.created_ms))
            expires_ms = now_ms + round(self.config.code_hours * 3_600_000)
            change.add_code(Code(code_hash(code), gateway, now_ms, expires_ms))
        return Ticket(gateway, code, self.authority.pin, self.config.claim_url)

    def claim(self, request: ClaimRequest) -> Answer:
        """One code, one device. All earlier certificates of the place end with the claim."""
        if not GATEWAY_ID.fullmatch(request.gateway):
            return refused(RefusalReason.GATEWAY_ID_MALFORMED, f"{request.gateway!r} is no gateway id")
        now_ms = self.now_ms()
        with self.registry.change() as change:
            code = change.code(code_hash(normal_code(request.code)))
            if code is None:
                return refused(RefusalReason.CLAIM_CODE_UNKNOWN, "no such code, or a newer one took its place")
            if code.gateway != request.gateway:
                return refused(RefusalReason.CLAIM_CODE_OTHER_GATEWAY, "the code belongs to another gateway")
            gateway = change.gateway(code.gateway)
            assert gateway is not None
            if gateway.status is Status.REVOKED:
                return refused(RefusalReason.GATEWAY_REVOKED, f"{gateway.id} was revoked; invite it again")
            key = requested_key(request.csr_pem, gateway.id)
            if isinstance(key, Refused):
                return key
            if code.used_ms is not None:
                return self._again(change, code, key, now_ms)
            if now_ms > code.expires_ms:
                return refused(RefusalReason.CLAIM_CODE_EXPIRED, "the code has run out; invite the gateway again")
            taken = change.certificate_of_key(key_fingerprint(key))
            if taken is not None:
                return refused(RefusalReason.CSR_KEY_IN_USE, "a certificate for this key exists; make a new key")
            change.use_code(code.hash, key_fingerprint(key), now_ms)
            return self._admit(change, gateway, key, now_ms)

    def sign_request(self, csr_pem: str, *, replace: bool = False) -> Answer:
        """For a request that came as a file, at the word of the person at the keyboard: no code is needed."""
        name = named_gateway(csr_pem)
        if isinstance(name, Refused):
            return name
        key = requested_key(csr_pem, name)
        if isinstance(key, Refused):
            return key
        now_ms = self.now_ms()
        with self.registry.change() as change:
            gateway = change.gateway(name)
            if gateway is None:
                return refused(RefusalReason.GATEWAY_UNKNOWN, f"{name} was never invited")
            if gateway.status is Status.REVOKED:
                return refused(RefusalReason.GATEWAY_REVOKED, f"{name} was revoked; invite it again")
            taken = change.certificate_of_key(key_fingerprint(key))
            if taken is not None:
                if taken.gateway == name and taken.revoked_ms is None and taken.not_after_ms > now_ms:
                    return self._issued(taken)
                return refused(RefusalReason.CSR_KEY_IN_USE, "a certificate for this key exists; make a new key")
            if gateway.status is Status.ACTIVE and not replace:
                return refused(RefusalReason.GATEWAY_ACTIVE, f"{name} has a certificate; replace it knowingly")
            change.forget_codes(name)
            return self._admit(change, gateway, key, now_ms)

    def renew(self, request: RenewalRequest) -> Answer:
        """The next certificate for a gateway that proves to hold the key of one of ours, in force or within the days of grace."""
        if not GATEWAY_ID.fullmatch(request.gateway):
            return refused(RefusalReason.GATEWAY_ID_MALFORMED, f"{request.gateway!r} is no gateway id")
        now_ms = self.now_ms()
        with self.registry.change() as change:
            held = self._proven(change, request, now_ms)
            if isinstance(held, Refused):
                return held
            gateway = change.gateway(held.gateway)
            assert gateway is not None
            if gateway.status is not Status.ACTIVE:
                return refused(RefusalReason.GATEWAY_REVOKED, f"{gateway.id} was revoked")
            key = requested_key(request.csr_pem, gateway.id)
            if isinstance(key, Refused):
                return key
            taken = change.certificate_of_key(key_fingerprint(key))
            if taken is not None and (taken.gateway != gateway.id or taken.revoked_ms is not None):
                return refused(RefusalReason.CSR_KEY_IN_USE, "a certificate for this key exists; make a new key")
            if taken is not None and taken.serial != held.serial and not _due(taken, now_ms):
                # Asked for and issued before: the answer was lost on its way.
                return self._issued(taken)
            change.put_gateway(msgspec.structs.replace(gateway, renewed_ms=now_ms))
            return self._issue(change, gateway.id, key, now_ms)

    def revoke(self, gateway: str, reason: str) -> Gateway | Refused:
        """Out, with all its certificates and codes. Revoking twice changes nothing."""
        now_ms = self.now_ms()
        with self.registry.change() as change:
            known = change.gateway(gateway)
            if known is None:
                return refused(RefusalReason.GATEWAY_UNKNOWN, f"no gateway {gateway[:64]!r}")
            change.forget_codes(gateway)
            change.revoke_certificates(gateway, now_ms)
            if known.status is not Status.REVOKED:
                known = msgspec.structs.replace(known, status=Status.REVOKED, revoked_ms=now_ms, revoked_reason=reason)
                change.put_gateway(known)
            return known

    def _admit(self, change: Change, gateway: Gateway, key: ec.EllipticCurvePublicKey, now_ms: int) -> Issued:
        change.revoke_certificates(gateway.id, now_ms)
        change.put_gateway(msgspec.structs.replace(gateway, status=Status.ACTIVE, claimed_ms=now_ms))
        return self._issue(change, gateway.id, key, now_ms)

    def _again(self, change: Change, code: Code, key: ec.EllipticCurvePublicKey, now_ms: int) -> Answer:
        """A used code is good for one thing: the same key asks for the answer that it never got."""
        if code.used_by_key == key_fingerprint(key):
            issued = change.certificate_of_key(key_fingerprint(key))
            if issued is not None and issued.revoked_ms is None and issued.not_after_ms > now_ms:
                return self._issued(issued)
        return refused(RefusalReason.CLAIM_CODE_USED, "the code was used; invite the gateway again")

    def _proven(self, change: Change, request: RenewalRequest, now_ms: int) -> Certificate | Refused:
        """The certificate whose key signed the request. What counts is what the registry knows, not what the sender shows."""
        try:
            shown = x509.load_pem_x509_certificate(request.certificate_pem.encode())
            proof = base64.b64decode(request.proof, validate=True)
            key = shown.public_key()
        except (ValueError, TypeError):
            return refused(RefusalReason.MALFORMED, "certificate or proof cannot be read")
        held = change.certificate(f"{shown.serial_number:x}")
        if held is None or held.fingerprint != fingerprint(shown) or not isinstance(key, ec.EllipticCurvePublicKey):
            return refused(RefusalReason.CERTIFICATE_UNKNOWN, "the certificate shown is none of this fleet")
        if held.gateway != request.gateway:
            return refused(RefusalReason.CERTIFICATE_UNKNOWN, "the certificate shown is another gateway's")
        try:
            key.verify(proof, renewal_to_sign(request.gateway, request.csr_pem), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return refused(RefusalReason.PROOF_INVALID, "the request is not signed by the key in use")
        gateway = change.gateway(held.gateway)
        if gateway is not None and gateway.status is Status.REVOKED:
            return refused(RefusalReason.GATEWAY_REVOKED, f"{held.gateway} was revoked")
        if held.revoked_ms is not None:
            return refused(RefusalReason.CERTIFICATE_REVOKED, "another device took this place")
        if now_ms > held.not_after_ms + self.config.grace_days * DAY_MS:
            return refused(
                RefusalReason.CERTIFICATE_EXPIRED, f"more than {self.config.grace_days:g} days ago; invite it again"
            )
        return held

    def _issue(self, change: Change, gateway: str, key: ec.EllipticCurvePublicKey, now_ms: int) -> Issued:
        life_ms = round(self.config.certificate_days * DAY_MS)
        made = self.authority.gateway_certificate(gateway, key, now_ms, life_ms)
        certificate = Certificate(
            serial=f"{made.serial_number:x}",
            gateway=gateway,
            fingerprint=fingerprint(made),
            key_fingerprint=key_fingerprint(key),
            pem=self.authority.chain_pem(made),
            not_before_ms=unix_ms(made.not_valid_before_utc),
            not_after_ms=unix_ms(made.not_valid_after_utc),
        )
        change.add_certificate(certificate)
        return self._issued(certificate)

    def _issued(self, certificate: Certificate) -> Issued:
        return Issued(
            v=VERSION,
            gateway=certificate.gateway,
            certificate_pem=certificate.pem,
            authority_pem=self.authority.root_pem,
            broker_host=self.config.broker_host,
            broker_port=self.config.broker_port,
            claim_url=self.config.claim_url,
            not_before_ms=certificate.not_before_ms,
            not_after_ms=certificate.not_after_ms,
            renew_after_ms=_renew_after_ms(certificate),
        )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the whole certificate, hex."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(certificate.public_bytes(Encoding.DER))
    return digest.finalize().hex()


def _renew_after_ms(certificate: Certificate) -> int:
    life_ms = certificate.not_after_ms - certificate.not_before_ms
    return certificate.not_before_ms + round(life_ms * RENEW_FRACTION)


def _due(certificate: Certificate, now_ms: int) -> bool:
    return now_ms >= _renew_after_ms(certificate)
