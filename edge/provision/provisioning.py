"""How a device comes by its first identity: by a ticket over the network, or by files on a stick. Both can be run again."""

from pathlib import Path
from typing import Final, Protocol

import msgspec

from contract.errors import UserError
from contract.provisioning import (
    CLAIM_PATH,
    VERSION,
    ClaimRequest,
    Refused,
    Ticket,
    code_hash,
    decode_answer,
    encode,
)
from edge.files import write_atomically
from edge.provision.identity import Identity, IdentityFolder, Pending

STICK: Final = "stick"


class Central(Protocol):
    """A way to central that was proven to lead there (`https.PinnedCentral`)."""

    def post(self, path: str, body: bytes) -> bytes: ...


class Done(msgspec.Struct, frozen=True):
    """`already` when this very ticket or stick had been installed before: nothing was changed."""

    identity: Identity
    already: bool = False


def claim(
    folder: IdentityFolder, gateway: str, ticket: Ticket, central: Central, now_ms: int, *, replace: bool = False
) -> Done | Refused:
    """Claims the place on the ticket. The key is made first and kept until the answer is in place, so a claim that broke off goes on.

    Raises:
        UserError: the ticket is for another gateway, there is an identity already, central cannot be reached or proven.

    """
    if ticket.gateway != gateway:
        raise UserError(
            f"the ticket is for {ticket.gateway!r}, this gateway is {gateway!r}",
            where="claim: gateway",
            hint="take this gateway's ticket, or correct `gateway` in the configuration",
        )
    purpose = f"claim {code_hash(ticket.code)}"
    held = _held(folder, replace=replace, purpose=purpose)
    if held is not None:
        # A loss of power just after the installation leaves the key behind that is in use by now.
        folder.forget_pending(purpose)
        return Done(held, already=True)
    pending = folder.ask(gateway, purpose)
    request = ClaimRequest(VERSION, gateway, ticket.code, pending.csr_pem)
    answer = decode_answer(central.post(CLAIM_PATH, encode(request)))
    if isinstance(answer, Refused):
        return answer
    outcome = folder.install(answer, pending, gateway, ticket.pin, now_ms)
    return outcome if isinstance(outcome, Refused) else Done(outcome)


def write_request(folder: IdentityFolder, gateway: str, stick: Path, *, replace: bool = False) -> tuple[Path, Pending]:
    """Puts the request, never the key, on the stick. Run again it writes the same request. Raises UserError."""
    _held(folder, replace=replace, purpose=None)
    if not stick.is_dir():
        raise UserError("no such folder", where=str(stick), hint="is the stick mounted?")
    pending = folder.ask(gateway, STICK)
    path = stick / f"{gateway}.csr"
    try:
        write_atomically(path, pending.csr_pem.encode())
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from None
    return path, pending


def install_from(folder: IdentityFolder, gateway: str, stick: Path, pin: str | None, now_ms: int) -> Done | Refused:
    """Takes the certificate that central wrote beside the request. Raises UserError."""
    path = stick / f"{gateway}.issued.json"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            hint=f"kumagaya central fleet sign-request {gateway}.csr writes it",
        ) from None
    answer = decode_answer(content)
    if isinstance(answer, Refused):
        return answer
    current, pending = folder.current(), folder.pending()
    if current is not None and current.issued.certificate_pem == answer.certificate_pem:
        return Done(current, already=True)
    if pending is None or pending.purpose != STICK:
        raise UserError(
            "this device did not ask for it: its key is not here", where=str(path), hint="begin with --offline --out"
        )
    outcome = folder.install(answer, pending, gateway, pin, now_ms)
    return outcome if isinstance(outcome, Refused) else Done(outcome)


def _held(folder: IdentityFolder, *, replace: bool, purpose: str | None) -> Identity | None:
    """The identity that this very purpose brought; None when there is nothing to keep. Raises UserError before one is overwritten."""
    if purpose is not None and folder.origin() == purpose:
        return folder.current()
    if replace:
        return None
    current = folder.current()
    if current is None:
        return None
    raise UserError(
        f"has an identity already: {current.gateway}",
        where=str(folder.path),
        hint="with --replace it is exchanged once the new one is complete",
    )
