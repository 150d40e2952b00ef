"""How a gateway gets and keeps its identity: the ticket on the QR code, the claim, the renewal and central's answers.

The private key never travels. A device claims its place once with a one-time code (HTTPS to central, whose root it knows by the pin
on the ticket), or by files on a stick; later it renews over its own MQTT link, or, once the certificate has run out, over HTTPS. A
renewal is signed with the key of the certificate in use, so that it proves possession on any way it comes.

JSON, one object a message, `v` first; unknown fields are ignored within a version. Certificates and requests are PEM.
"""

import base64
import hashlib
import re
from enum import StrEnum
from typing import Annotated, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from contract import topics
from contract.errors import UserError
from contract.messages import UnixMs
from contract.topics import GATEWAY_ID

VERSION: Final = 1
MESSAGE_BYTES_MAX: Final = 32_768
CODE_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a code survives being read aloud."""
CODE_BITS: Final = 128
CODE_LENGTH: Final = 26
PIN_LENGTH: Final = 43
TICKET_PREFIX: Final = "KMG1"
CLAIM_PATH: Final = "/v1/fleet/claim"
RENEW_PATH: Final = "/v1/fleet/renew"
AUTHORITY_PATH: Final = "/v1/fleet/authority"
RENEW_FRACTION: Final = 2 / 3
"""A certificate is renewed when this share of its life is over."""
ALL_RENEWALS: Final = f"{topics.ROOT}/+/up/fleet/renew"

_CODE: Final = re.compile(f"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}")
_PIN: Final = re.compile(f"[A-Za-z0-9_-]{{{PIN_LENGTH}}}")
_Pem = Annotated[str, msgspec.Meta(max_length=16_384)]


def renew_topic(gateway: str) -> str:
    """Where a gateway asks for a new certificate. One level deeper than what ingest listens to."""
    return f"{topics.ROOT}/{gateway}/up/fleet/renew"


def certificate_topic(gateway: str) -> str:
    """Where central answers."""
    return f"{topics.ROOT}/{gateway}/down/fleet/certificate"


class RefusalReason(StrEnum):
    """Why central gives no certificate. Names never change."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNSUPPORTED_VERSION = "unsupported_version"
    GATEWAY_ID_MALFORMED = "gateway_id_malformed"
    GATEWAY_UNKNOWN = "gateway_unknown"
    GATEWAY_NOT_CLAIMED = "gateway_not_claimed"
    GATEWAY_ACTIVE = "gateway_active"
    GATEWAY_REVOKED = "gateway_revoked"
    CLAIM_CODE_UNKNOWN = "claim_code_unknown"
    CLAIM_CODE_OTHER_GATEWAY = "claim_code_other_gateway"
    CLAIM_CODE_USED = "claim_code_used"
    CLAIM_CODE_EXPIRED = "claim_code_expired"
    CSR_MALFORMED = "csr_malformed"
    CSR_SIGNATURE_INVALID = "csr_signature_invalid"
    CSR_KEY_UNSUPPORTED = "csr_key_unsupported"
    CSR_NAME_MISMATCH = "csr_name_mismatch"
    CSR_KEY_IN_USE = "csr_key_in_use"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_REVOKED = "certificate_revoked"
    CERTIFICATE_EXPIRED = "certificate_expired"
    PROOF_INVALID = "proof_invalid"
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    AUTHORITY_UNAVAILABLE = "authority_unavailable"


class ClaimRequest(msgspec.Struct, frozen=True):
    """A device asks for its place, once, with the code of its ticket."""

    v: int
    gateway: Annotated[str, msgspec.Meta(max_length=64)]
    code: Annotated[str, msgspec.Meta(max_length=64)]
    csr_pem: _Pem


class RenewalRequest(msgspec.Struct, frozen=True):
    """A device asks for the next certificate.

    `proof` is the ECDSA signature (DER, base64) by the key of `certificate_pem` over `renewal_to_sign`. Played back it only ever
    fetches a certificate for the key in the request, which is of no use without that key.
    """

    v: int
    gateway: Annotated[str, msgspec.Meta(max_length=64)]
    csr_pem: _Pem
    certificate_pem: _Pem
    proof: Annotated[str, msgspec.Meta(max_length=256)]


class Issued(msgspec.Struct, frozen=True, tag="issued", tag_field="kind"):
    """A certificate, with what a gateway needs beside it. Also the file that comes back on a stick.

    Attributes:
        certificate_pem: the gateway's certificate, then the issuer's.
        authority_pem: the root that the broker's certificate leads to.
        renew_after_ms: when to ask for the next one.
    """

    v: int
    gateway: str
    certificate_pem: _Pem
    authority_pem: _Pem
    broker_host: str
    broker_port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    claim_url: str
    not_before_ms: UnixMs
    not_after_ms: UnixMs
    renew_after_ms: UnixMs


class Refused(msgspec.Struct, frozen=True, tag="refused", tag_field="kind"):
    """No certificate, and why. `retry_after_s` is 0 when trying again will not help."""

    v: int
    reason: RefusalReason
    detail: str
    retry_after_s: int = 0


Answer = Issued | Refused


class Ticket(msgspec.Struct, frozen=True):
    """What the QR code says: where to claim which place with which code, and by which root central is known.

    Attributes:
        pin: SHA-256 of the root's public key (its SubjectPublicKeyInfo), base64url without padding.
        url: `https://host[:port]` of the claim service.
    """

    gateway: str
    code: str
    pin: str
    url: str

    def text(self) -> str:
        """One word without characters that a shell or a QR code's alphabet would stumble over."""
        return f"{TICKET_PREFIX}/{self.gateway}/{self.code}/{self.pin}/{self.url}"


def parse_ticket(text: str) -> Ticket:
    """Raises UserError that names the part that is wrong, never the code itself."""
    parts = text.strip().split("/", 4)
    hint = "scan the QR code again, or paste the whole line below it"
    if len(parts) != 5 or parts[0] != TICKET_PREFIX:
        raise UserError("is no claim ticket", where="claim", hint=hint)
    _, gateway, code, pin, url = parts
    if not GATEWAY_ID.fullmatch(gateway):
        raise UserError(f"{gateway!r} is no gateway id", where="claim: gateway", hint=hint)
    code = normal_code(code)
    if not _CODE.fullmatch(code):
        raise UserError(f"the code has to be {CODE_LENGTH} letters and digits", where="claim: code", hint=hint)
    if not _PIN.fullmatch(pin):
        raise UserError(f"the pin has to be {PIN_LENGTH} characters", where="claim: pin", hint=hint)
    check_url(url, "claim: url")
    return Ticket(gateway, code, pin, url)


def check_url(url: str, where: str) -> tuple[str, int]:
    """Host and port of an `https://host[:port]`. Raises UserError."""
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port or 443
    except ValueError as error:
        raise UserError(f"{url!r} is no address: {error}", where=where) from None
    if split.scheme != "https" or not host or split.path not in {"", "/"} or split.query or split.username:
        raise UserError(f"{url!r} is no address of the form https://host:port", where=where)
    return host, port


def normal_code(typed: str) -> str:
    """A code as people type it: lower case, hyphens and spaces, O for 0 and I or L for 1 are forgiven."""
    plain = typed.upper().replace("-", "").replace(" ", "")
    return plain.translate(str.maketrans("OIL", "011"))


def code_of(secret: bytes) -> str:
    """A code from 16 random bytes."""
    number = int.from_bytes(secret, "big")
    return "".join(CODE_ALPHABET[number >> 5 * place & 31] for place in reversed(range(CODE_LENGTH)))


def code_hash(code: str) -> str:
    """How central remembers a code. No salt and no slow hash: 128 random bits cannot be searched."""
    return hashlib.sha256(b"kumagaya claim code 1\0" + code.encode()).hexdigest()


def pin_of(public_key_der: bytes) -> str:
    """The pin of a public key given as SubjectPublicKeyInfo, DER."""
    return base64.urlsafe_b64encode(hashlib.sha256(public_key_der).digest()).rstrip(b"=").decode()


def renewal_to_sign(gateway: str, csr_pem: str) -> bytes:
    """What the key in use signs: the purpose, the gateway and the request, each told apart from the next."""
    digest = hashlib.sha256(csr_pem.encode()).digest()
    return b"kumagaya renewal 1\0" + gateway.encode() + b"\0" + digest


Message = TypeVar("Message", ClaimRequest, RenewalRequest)


class _Versioned(msgspec.Struct):
    v: int


_encoder = msgspec.json.Encoder()
_version = msgspec.json.Decoder(_Versioned)
_answer: Final[msgspec.json.Decoder[Answer]] = msgspec.json.Decoder(Answer)


def encode(message: ClaimRequest | RenewalRequest | Answer) -> bytes:
    return _encoder.encode(message)


def decode(kind: type[Message], payload: bytes) -> Message | Refused:
    """The request, or why it is none. Never raises for any input, and never repeats what may be a code."""
    refused = _refused_version(payload)
    if refused is not None:
        return refused
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(VERSION, RefusalReason.MALFORMED, str(error))


def decode_answer(payload: bytes) -> Answer:
    """Central's answer; `Refused` with `malformed` when it is none. Never raises for any input."""
    refused = _refused_version(payload)
    if refused is not None:
        return refused
    try:
        return _answer.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(VERSION, RefusalReason.MALFORMED, str(error))


def _refused_version(payload: bytes) -> Refused | None:
    if len(payload) > MESSAGE_BYTES_MAX:
        return Refused(VERSION, RefusalReason.TOO_LARGE, f"{len(payload)} bytes, at most {MESSAGE_BYTES_MAX}")
    try:
        version = _version.decode(payload).v
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refused(VERSION, RefusalReason.MALFORMED, str(error))
    if version != VERSION:
        return Refused(VERSION, RefusalReason.UNSUPPORTED_VERSION, f"version {version}, known: {VERSION}")
    return None
