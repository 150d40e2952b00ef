"""Where a device keeps who it is: `<data_dir>/identity`.

    current -> 1763766000-5f3a...      the identity in use: changed by exchanging this link, key and certificate together
    1763766000-5f3a.../                key.pem (0600), certificate.pem, authority.pem, issued.json, origin
    pending/                           key.pem (0600), request.csr, purpose: asked for and not yet answered

Whatever moment the power goes: either the old identity is whole and in use, or the new one. A pending key survives, so that the
same question is asked again and central gives the same answer.
"""

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from contract.errors import UserError
from contract.provisioning import VERSION, Issued, RefusalReason, Refused, decode_answer, encode
from edge.files import PRIVATE, point_at, sync_folder, write_atomically
from edge.provision import keys, trust

RENEWAL: Final = "renewal "
"""How the purpose of a renewal begins."""
KEPT: Final = 2
"""Generations kept: the one in use and the one before."""


class Identity(msgspec.Struct, frozen=True):
    """The one in use. The paths go through `current` and stay the same when it is renewed."""

    gateway: str
    key: Path
    certificate: Path
    authority: Path
    issued: Issued

    @property
    def pin(self) -> str:
        return trust.root_pin_of(self.issued.authority_pem)


class Pending(msgspec.Struct, frozen=True):
    """A key without its certificate yet, and what it was made for (`claim <hash of the code>`, `stick`, `renewal <serial>`)."""

    key: ec.EllipticCurvePrivateKey
    csr_pem: str
    purpose: str


class IdentityFolder:
    """See the module. Raises UserError when the folder cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending = path / "pending"

    def current(self) -> Identity | None:
        """Raises UserError when there is one and it is broken."""
        link = self.path / "current"
        try:
            content = (link / "issued.json").read_bytes()
        except FileNotFoundError:
            if link.is_symlink():
                raise UserError(
                    "leads nowhere", where=str(link), hint="provision again with --replace, or restore the folder"
                ) from None
            return None
        except OSError as error:
            raise UserError(f"cannot be read: {error.strerror}", where=str(link / "issued.json")) from None
        issued = decode_answer(content)
        if isinstance(issued, Refused):
            raise UserError(f"is damaged: {issued.detail}", where=str(link / "issued.json"))
        return Identity(issued.gateway, link / "key.pem", link / "certificate.pem", link / "authority.pem", issued)

    def ask(self, gateway: str, purpose: str) -> Pending:
        """The pending key for this purpose, made when there is none; one for another purpose is forgotten."""
        known = self.pending()
        if known is not None and known.purpose == purpose:
            return known
        key = keys.new_key()
        csr_pem = keys.signing_request(gateway, key)
        with self._writing():
            self.forget_pending()
            self._pending.mkdir(mode=0o700, parents=True)
            write_atomically(self._pending / "key.pem", keys.key_pem(key), PRIVATE)
            write_atomically(self._pending / "request.csr", csr_pem.encode())
            # Last: with it the others are complete.
            write_atomically(self._pending / "purpose", purpose.encode())
            sync_folder(self.path)
        return Pending(key, csr_pem, purpose)

    def pending(self) -> Pending | None:
        try:
            purpose = (self._pending / "purpose").read_text(encoding="utf-8")
            csr_pem = (self._pending / "request.csr").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None
        return Pending(keys.load_key(self._pending / "key.pem"), csr_pem, purpose)

    def forget_pending(self, purpose: str | None = None) -> None:
        """Whatever is pending, or only what is pending for `purpose`."""
        if purpose is not None:
            pending = self.pending()
            if pending is None or pending.purpose != purpose:
                return
        with self._writing():
            shutil.rmtree(self._pending, ignore_errors=True)

    def install(
        self, issued: Issued, pending: Pending, gateway: str, pin: str | None, now_ms: int
    ) -> Identity | Refused:
        """Puts certificate and key in use together. Refused, with nothing changed, when it does not fit or is not believed."""
        problem = trust.problem_of(issued, gateway, keys.public_der(pending.key.public_key()), pin, now_ms)
        if problem is not None:
            return Refused(VERSION, RefusalReason.MALFORMED, f"the certificate is not accepted: {problem}")
        serial = x509.load_pem_x509_certificate(issued.certificate_pem.encode()).serial_number
        name = f"{issued.not_before_ms // 1000:010d}-{serial:x}"
        with self._writing():
            building = self.path / f".{name}"
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir(mode=0o700)
            write_atomically(building / "key.pem", keys.key_pem(pending.key), PRIVATE)
            write_atomically(building / "certificate.pem", issued.certificate_pem.encode())
            write_atomically(building / "authority.pem", issued.authority_pem.encode())
            write_atomically(building / "origin", self._origin_after(pending).encode())
            write_atomically(building / "issued.json", encode(issued))
            if not (self.path / name).exists():
                building.rename(self.path / name)
            sync_folder(self.path)
            point_at(self.path / "current", name)
            self.forget_pending()
            self._prune(name)
        identity = self.current()
        assert identity is not None
        return identity

    def origin(self) -> str | None:
        """The purpose that brought the first certificate of the identity in use; renewals keep it."""
        try:
            return (self.path / "current" / "origin").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _origin_after(self, pending: Pending) -> str:
        return (self.origin() or "") if pending.purpose.startswith(RENEWAL) else pending.purpose

    def _prune(self, name: str) -> None:
        """Also what a loss of power left half-built."""
        generations = sorted(path for path in self.path.iterdir() if path.is_dir() and not path.is_symlink())
        spare = [path for path in generations if path.name not in {name, "pending"}]
        finished = [path for path in spare if not path.name.startswith(".")]
        for path in spare:
            if path not in finished[len(finished) - (KEPT - 1) :]:
                shutil.rmtree(path, ignore_errors=True)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            yield
        except OSError as error:
            raise UserError(f"cannot be written: {error.strerror}", where=str(self.path)) from None
