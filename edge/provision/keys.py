"""Keys and what is asked to be signed for them. A key is made where it stays: in a file of its owner alone, or in a token."""

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from contract.errors import UserError

PKCS11_PREFIX: Final = "pkcs11:"
_PATH_NAMES: Final = frozenset({
    "token", "manufacturer", "serial", "model", "library-manufacturer", "library-version", "library-description",
    "object", "type", "id", "slot-id", "slot-manufacturer", "slot-description",
})  # fmt: skip
_QUERY_NAMES: Final = frozenset({"pin-source", "pin-value", "module-name", "module-path"})
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class Pkcs11Uri(msgspec.Struct, frozen=True):
    """A key inside a token (RFC 7512), percent-decoded."""

    path: dict[str, str]
    query: dict[str, str]


def parse_pkcs11(text: str, where: str = "key") -> Pkcs11Uri:
    """Raises UserError naming the attribute that is wrong. A PIN belongs into a file (`pin-source`), never into the address."""
    body = text.removeprefix(PKCS11_PREFIX)
    if body == text:
        raise UserError(f"{text[:40]!r} is no PKCS#11 address", where=where, hint="pkcs11:token=...;object=...")
    path_text, _, query_text = body.partition("?")
    path = _attributes(path_text, ";", _PATH_NAMES, where)
    query = _attributes(query_text, "&", _QUERY_NAMES, where)
    if "pin-value" in query:
        raise UserError("the PIN stands in the address, where others see it", where=where, hint="use pin-source=FILE")
    if not {"object", "id"} & set(path):
        raise UserError("names no key", where=where, hint="add object=LABEL or id=%01")
    if path.get("type", "private") != "private":
        raise UserError(f"type is {path['type']!r}, has to be private", where=where)
    return Pkcs11Uri(path, query)


def refuse_token_key(uri: Pkcs11Uri, where: str = "key") -> UserError:
    """What to tell somebody whose key lies in a token. Python's ssl takes keys from files alone; nothing here pretends otherwise."""
    name = uri.path.get("object") or uri.path.get("id", "")
    return UserError(
        f"the key {name!r} lies in a token, and Python's ssl module cannot use it there",
        where=where,
        hint="leave --key out: the key is made in a file of mode 0600; to bind it to the TPM, put data_dir on a volume "
        "sealed with systemd-cryptenroll --tpm2-device=auto (apt-get install systemd-cryptsetup tpm2-tools)",
    )


def new_key() -> ec.EllipticCurvePrivateKey:
    """P-256: what every TLS stack, TPM and small token knows."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Raises UserError: missing, readable by others, or no P-256 key."""
    try:
        content = path.read_bytes()
        mode = path.stat().st_mode
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from None
    if mode & 0o077:
        raise UserError("others may read this key", where=str(path), hint=f"chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        raise UserError("is no private key in PEM", where=str(path)) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UserError("is no key on the curve P-256", where=str(path))
    return key


def signing_request(gateway: str, key: ec.EllipticCurvePrivateKey) -> str:
    """PEM: the gateway's id as the common name, its URI as the alternative name, signed by the key itself."""
    uri = x509.UniformResourceIdentifier(f"urn:kumagaya:gateway:{gateway}")
    return (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, gateway)]))
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


def public_der(key: object) -> bytes:
    """SubjectPublicKeyInfo. Raises ValueError for anything but an elliptic-curve key."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("no elliptic-curve key")  # noqa: TRY004 - the value of a certificate, not a wrong call
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(key: object) -> str:
    """SHA-256 of the public key in hex, in groups that people can compare with what central prints."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public_der(key))
    return digest.finalize().hex()


def _attributes(text: str, separator: str, names: frozenset[str], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, text.split(separator)):
        name, equals, value = part.partition("=")
        if not equals or _ESCAPE.search(value):
            raise UserError(f"{part[:40]!r} is no name=value", where=where)
        if name not in names and not name.startswith("x-"):
            raise UserError(f"unknown attribute {name[:40]!r}", where=where, hint=f"known: {', '.join(sorted(names))}")
        if name in found:
            raise UserError(f"{name!r} is given twice", where=where)
        found[name] = unquote(value)
    return found
