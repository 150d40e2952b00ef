"""A ticket as people take it: a QR code drawn with block characters, and the line below it for those without a camera."""

import io

import segno

from contract.provisioning import Ticket


def drawn(ticket: Ticket) -> str:
    """For a terminal, dark on light whatever the terminal's own colours; error correction M."""
    text = io.StringIO()
    segno.make(ticket.text(), error="m", micro=False).terminal(text, compact=True)
    return f"{text.getvalue()}\n{ticket.text()}\n"
