"""The agent renews its certificate by itself, over the link that it uses anyway; once it has run out, over HTTPS.

Each renewal makes a new key. It is kept until the answer is in place: a restart in between asks the same question again.
"""

import base64
from collections.abc import Callable

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from contract.provisioning import VERSION, Refused, RenewalRequest, decode_answer, encode, renewal_to_sign
from edge.provision import keys
from edge.provision.identity import RENEWAL, Identity, IdentityFolder

Exchange = Callable[[bytes], bytes]
"""Carries a request to central and brings the answer's bytes back. Raises OSError (or UserError) when it cannot."""


class NotDue(msgspec.Struct, frozen=True):
    """Nothing to do before `due_ms`."""

    due_ms: int


def due(identity: Identity, now_ms: int) -> bool:
    """Whether two thirds of the certificate's life are over."""
    return now_ms >= identity.issued.renew_after_ms


def expired(identity: Identity, now_ms: int) -> bool:
    """Then the broker no longer lets us in, and only HTTPS is left."""
    return now_ms >= identity.issued.not_after_ms


def request(folder: IdentityFolder, identity: Identity) -> bytes:
    """The question, signed with the key in use. Asked again it is for the same new key. Raises UserError."""
    certificate_pem = identity.issued.certificate_pem
    serial = x509.load_pem_x509_certificate(certificate_pem.encode()).serial_number
    pending = folder.ask(identity.gateway, f"{RENEWAL}{serial:x}")
    proof = keys.load_key(identity.key).sign(
        renewal_to_sign(identity.gateway, pending.csr_pem), ec.ECDSA(hashes.SHA256())
    )
    leaf_pem = certificate_pem[: certificate_pem.index("-----END CERTIFICATE-----") + 26]
    return encode(
        RenewalRequest(VERSION, identity.gateway, pending.csr_pem, leaf_pem, base64.b64encode(proof).decode())
    )


def take(folder: IdentityFolder, identity: Identity, payload: bytes, now_ms: int) -> Identity | Refused | None:
    """Installs central's answer. None when nothing was asked (an answer that came twice). The root may not change on the way."""
    pending = folder.pending()
    if pending is None or not pending.purpose.startswith(RENEWAL):
        return None
    answer = decode_answer(payload)
    if isinstance(answer, Refused):
        return answer
    return folder.install(answer, pending, identity.gateway, identity.pin, now_ms)


def renew_if_due(folder: IdentityFolder, now_ms: int, exchange: Exchange) -> Identity | Refused | NotDue | None:
    """One renewal from question to installed answer, when it is due. None without an identity. Raises what `exchange` raises."""
    identity = folder.current()
    if identity is None:
        return None
    if not due(identity, now_ms):
        return NotDue(identity.issued.renew_after_ms)
    return take(folder, identity, exchange(request(folder, identity)), now_ms)
