"""Times on the wire: ISO 8601 in UTC with milliseconds out, any offset in."""

from datetime import UTC, datetime
from typing import Final

from central.web.problems import INVALID_INPUT, ProblemError

UNIX_MS_MAX: Final = 4_102_444_800_000
"""The year 2100, as in the contract."""


def iso(unix_ms: int) -> str:
    """2018-07-23T05:16:00.000Z"""
    moment = datetime.fromtimestamp(unix_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % 1000:03d}Z"


def parse_iso(text: str, field: str) -> int:
    """Unix milliseconds of an ISO 8601 time. Raises ProblemError naming the field: no time, no offset, out of range."""
    hint = "give an ISO 8601 time with its offset, for example 2018-07-23T05:16:00Z"
    try:
        # A plus sign that was not percent-encoded arrives as a space.
        moment = datetime.fromisoformat(
            text.strip().replace(" ", "+") if text.count(" ") == 1 and "T" in text else text
        )
    except ValueError:
        raise ProblemError(INVALID_INPUT, f"{field}: {text[:80]!r} is not a time; {hint}", field=field) from None
    if moment.tzinfo is None:
        raise ProblemError(INVALID_INPUT, f"{field}: {text[:80]!r} has no offset from UTC; {hint}", field=field)
    unix_ms = round(moment.timestamp() * 1000)
    if not 0 <= unix_ms <= UNIX_MS_MAX:
        raise ProblemError(INVALID_INPUT, f"{field}: {text[:80]!r} is not between 1970 and 2100", field=field)
    return unix_ms
