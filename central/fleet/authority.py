"""The city's own certificate authority: a root that can be taken offline, an issuer that signs, short-lived leaves.

All keys are P-256, all signatures ECDSA with SHA-256 (profiles of RFC 5280). Times are handed in.
"""

import datetime as dt
import ipaddress
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.fleet.files import PRIVATE, private_folder, read, write_atomically
from contract.errors import UserError
from contract.provisioning import pin_of

ROOT_YEARS: Final = 20
ISSUER_YEARS: Final = 5
CRL_DAYS: Final = 365
"""A list that ran out would lock every gateway out, so it is long-lived and written anew with every change and every day."""
SLACK_MS: Final = 3_600_000
"""Certificates begin an hour early: the clocks of gateways are not exact."""
DAY_MS: Final = 86_400_000
ORGANISATION: Final = "Kumagaya"
_INIT: Final = "run: kumagaya central fleet init"


class Authority:
    """Signs with the issuer's key. Made by `create` or `load`."""

    def __init__(
        self, root: x509.Certificate, issuer: x509.Certificate, issuer_key: ec.EllipticCurvePrivateKey
    ) -> None:
        self.root = root
        self.issuer = issuer
        self._key = issuer_key

    @property
    def pin(self) -> str:
        """What tickets know the root by."""
        return pin_of(_spki(self.root.public_key()))

    @property
    def root_pem(self) -> str:
        return _pem(self.root)

    @property
    def trust_pem(self) -> str:
        """Root and issuer: what the broker checks clients against."""
        return _pem(self.root) + _pem(self.issuer)

    def chain_pem(self, leaf: x509.Certificate) -> str:
        return _pem(leaf) + _pem(self.issuer)

    def gateway_certificate(
        self, gateway: str, key: ec.EllipticCurvePublicKey, now_ms: int, life_ms: int
    ) -> x509.Certificate:
        """A client certificate whose common name is the gateway's id: the broker takes it for the user name."""
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(gateway_uri(gateway))])
        return self._leaf(gateway, key, now_ms, life_ms, ExtendedKeyUsageOID.CLIENT_AUTH, names)

    def role_certificate(
        self, role: str, key: ec.EllipticCurvePublicKey, now_ms: int, life_ms: int
    ) -> x509.Certificate:
        """A client certificate for a part of central. Role names hold a dot, which no gateway id can."""
        if "." not in role:
            raise ValueError(f"a role's name holds a dot: {role!r}")
        return self._leaf(role, key, now_ms, life_ms, ExtendedKeyUsageOID.CLIENT_AUTH, None)

    def server_certificate(
        self, hosts: Sequence[str], key: ec.EllipticCurvePublicKey, now_ms: int, life_ms: int
    ) -> x509.Certificate:
        """For the broker and the claim service; `hosts` are names or addresses."""
        names = x509.SubjectAlternativeName([_host_name(host) for host in hosts])
        return self._leaf(hosts[0], key, now_ms, life_ms, ExtendedKeyUsageOID.SERVER_AUTH, names)

    def revocation_list(self, revoked: Iterable[tuple[int, int]], number: int, now_ms: int) -> bytes:
        """PEM. `revoked` are (serial, when [Unix ms]); `number` grows with every list."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.issuer.subject)
            .last_update(_moment(now_ms - SLACK_MS))
            .next_update(_moment(now_ms + CRL_DAYS * DAY_MS))
            .add_extension(x509.CRLNumber(number), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for serial, at_ms in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_moment(at_ms)).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def signed(self, certificate: x509.Certificate) -> bool:
        """Whether the issuer's key made this certificate. Says nothing of its times or of revocation."""
        try:
            certificate.verify_directly_issued_by(self.issuer)
        except Exception:  # every kind of wrongness in a foreign certificate means the same: not ours
            return False
        return True

    def _leaf(  # noqa: PLR0917 - the parts of a certificate
        self,
        common_name: str,
        key: ec.EllipticCurvePublicKey,
        now_ms: int,
        life_ms: int,
        usage: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
    ) -> x509.Certificate:
        until = min(_moment(now_ms + life_ms), self.issuer.not_valid_after_utc)
        if until <= _moment(now_ms):
            raise UserError(
                "the issuer's certificate has run out", where="fleet", hint="kumagaya central fleet renew-issuer"
            )
        builder = _builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]), key)
        builder = (
            builder.issuer_name(self.issuer.subject)
            .not_valid_before(_moment(now_ms - SLACK_MS))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def create(folder: Path, now_ms: int) -> Authority:
    """A new root and a new issuer in `folder`. Raises UserError when there is one already: it is never overwritten."""
    private_folder(folder)
    if (folder / "root.pem").exists() or (folder / "issuer.pem").exists():
        raise UserError("there is a certificate authority already", where=str(folder), hint="it is never overwritten")
    root_key = new_key()
    root = _root(root_key, now_ms)
    issuer_key = new_key()
    issuer = _issuer(issuer_key.public_key(), root, root_key, now_ms)
    write_atomically(folder / "root.key", key_pem(root_key), PRIVATE)
    write_atomically(folder / "issuer.key", key_pem(issuer_key), PRIVATE)
    write_atomically(folder / "issuer.pem", _pem(issuer).encode())
    # Last: its presence says that the others are complete.
    write_atomically(folder / "root.pem", _pem(root).encode())
    return Authority(root, issuer, issuer_key)


def load(folder: Path) -> Authority:
    """Raises UserError naming the file that is missing, unreadable by others' permissions, or no key."""
    root = _certificate(folder / "root.pem")
    issuer = _certificate(folder / "issuer.pem")
    key = load_key(folder / "issuer.key")
    if key.public_key() != issuer.public_key():
        raise UserError("does not belong to issuer.pem", where=str(folder / "issuer.key"))
    return Authority(root, issuer, key)


def renew_issuer(folder: Path, root_key_path: Path, now_ms: int) -> Authority:
    """The issuer's certificate with new dates, for the same key, so that everything it signed stays good. Needs the root's key."""
    authority = load(folder)
    root_key = load_key(root_key_path)
    if root_key.public_key() != authority.root.public_key():
        raise UserError("is not the key of this root", where=str(root_key_path))
    public_key = authority.issuer.public_key()
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    issuer = _issuer(public_key, authority.root, root_key, now_ms)
    write_atomically(folder / "issuer.pem", _pem(issuer).encode())
    return load(folder)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Raises UserError; a key that others may read is refused."""
    content = read(path, _INIT)
    if path.stat().st_mode & 0o077:
        raise UserError("others may read this key", where=str(path), hint=f"chmod 600 {path}")
    try:
        key = serialization.load_pem_private_key(content, None)
    except (ValueError, TypeError):
        raise UserError("is no private key in PEM", where=str(path)) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise UserError("is no elliptic-curve key", where=str(path))
    return key


def gateway_uri(gateway: str) -> str:
    return f"urn:kumagaya:gateway:{gateway}"


def key_fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the public key in hex: what both ends print, so that people can compare."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(_spki(key))
    return digest.finalize().hex()


def unix_ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def _root(key: ec.EllipticCurvePrivateKey, now_ms: int) -> x509.Certificate:
    name = _authority_name("fleet root")
    return (
        _builder(name, key.public_key())
        .issuer_name(name)
        .not_valid_before(_moment(now_ms - SLACK_MS))
        .not_valid_after(_moment(now_ms + ROOT_YEARS * 365 * DAY_MS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _issuer(
    key: ec.EllipticCurvePublicKey, root: x509.Certificate, root_key: ec.EllipticCurvePrivateKey, now_ms: int
) -> x509.Certificate:
    return (
        _builder(_authority_name("fleet issuer"), key)
        .issuer_name(root.subject)
        .not_valid_before(_moment(now_ms - SLACK_MS))
        .not_valid_after(min(_moment(now_ms + ISSUER_YEARS * 365 * DAY_MS), root.not_valid_after_utc))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )


def _builder(subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _authority_name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{ORGANISATION} {common_name}"),
        ]
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(read(path, _INIT))
    except ValueError:
        raise UserError("is no certificate in PEM", where=str(path)) from None


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _spki(key: object) -> bytes:
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _moment(unix_milliseconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(unix_milliseconds // 1000, tz=dt.UTC)
