"""Who may ask for what costs the city's computer minutes: its staff.

With a token (`web.staff_token_file`) whoever sends `Authorization: Bearer TOKEN`. Without one only who sits at the machine itself: a
connection from a loopback address, to a loopback name, that no proxy has passed on and no page of somebody else has sent. It is a lock
for one door, not a system of accounts.
"""

import hmac
import ipaddress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from central.web.problems import STAFF_ONLY, ProblemError
from contract.errors import UserError

TOKEN_CHARACTERS_MIN: Final = 20
PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers that proxies add: then the connection's address is the proxy's."""


class StaffDoor:
    """Decides about requests.

    Args:
        token: what the staff send; None when only the machine itself is trusted.
    """

    def __init__(self, token: str | None = None) -> None:
        self._token = token

    def check(self, request: Request) -> None:
        """Raises ProblemError for somebody else."""
        if self._token is not None:
            scheme, _, given = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
                raise ProblemError(STAFF_ONLY, "needs the header Authorization: Bearer with the staff's token")
        elif not is_from_here(request):
            raise ProblemError(
                STAFF_ONLY, "is for the machine itself, since no web.staff_token_file is configured", field=None
            )


def is_from_here(request: Request) -> bool:
    """Whether somebody at this machine asks, not a proxy for somebody else nor a page of another origin in their browser."""
    if request.client is None or not _is_loopback(request.client.host):
        return False
    if any(name in request.headers for name in PASSED_ON):
        return False
    asked = urlsplit(f"//{request.headers.get('host', '')}")
    origin = request.headers.get("origin")
    return _is_loopback(asked.hostname or "") and (origin is None or urlsplit(origin).netloc == asked.netloc)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_token(path: Path) -> str:
    """The token: the file's first line.

    Raises:
        UserError: unreadable, or too short to keep anybody out.
    """
    hint = "make one with: openssl rand -hex 32"
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from None
    except UnicodeDecodeError:
        raise UserError("is not ASCII text", where=str(path), hint=hint) from None
    token = lines[0].strip() if lines else ""
    if len(token) < TOKEN_CHARACTERS_MIN or any(character.isspace() for character in token):
        raise UserError(
            f"its first line is no token of {TOKEN_CHARACTERS_MIN} characters or more", where=str(path), hint=hint
        )
    return token
