"""A ticket as people take it: a QR code drawn with block characters, and the line below it for those without a camera."""

import io
from typing import Final

import segno

from contract.provisioning import Ticket

_WHITE_ON_BLACK: Final = "\x1b[97;40m"
_RESET: Final = "\x1b[0m"


def drawn(ticket: Ticket, *, coloured: bool) -> str:
    """Two modules a character, error correction M. The blocks are the light modules: without colours it needs a dark terminal."""
    text = io.StringIO()
    segno.make(ticket.text(), error="m", micro=False).terminal(text, compact=True)
    lines = text.getvalue().splitlines()
    if coloured:
        lines = [f"{_WHITE_ON_BLACK}{line}{_RESET}" for line in lines]
    return "\n".join([*lines, "", ticket.text(), ""])
