"""What may be believed: range, jump and stuck checks on each value of each station, in the order WMO-No. 8, vol. V, ch. 1 gives.

Pure: times are handed in, in the city's time.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from contract.quantities import QUANTITIES, Flag, check_range

JUMP_WINDOW_MS: Final = 66_000
"""`jump_max` is stated for readings at most a minute apart; a poll may come a tenth late."""


class _Past(msgspec.Struct):
    value: float
    at_ms: int
    good_value: float
    good_at_ms: int
    unchanged_since_ms: int


class Quality:
    """Remembers the last value of each (station, quantity); one per bus, since a bus is one thread."""

    def __init__(self) -> None:
        self._past: dict[tuple[str, str], _Past] = {}

    def check(
        self, station: str, at_ms: int, values: Mapping[str, float | None], flags: Mapping[str, Flag]
    ) -> dict[str, Flag]:
        """The flags of a reading: those it came with, and what the checks add. A good value has none."""
        result = dict(flags)
        for name, value in values.items():
            if value is None or name in result:
                continue
            flag = self._check_value(station, name, at_ms, value)
            if flag is not Flag.OK:
                result[name] = flag
        return result

    def _check_value(self, station: str, name: str, at_ms: int, value: float) -> Flag:
        flag = check_range(name, value)
        if flag is not Flag.OK:
            return flag
        past = self._past.get((station, name))
        if past is None or at_ms < past.at_ms:
            # A clock that was set back makes the past worthless, not the value.
            self._past[station, name] = _Past(value, at_ms, value, at_ms, at_ms)
            return Flag.OK
        quantity = QUANTITIES[name]
        if quantity.jump_max is not None:
            # A spike is flagged on its way up only: coming back to the last good value is no second jump,
            # and a level that stays is believed.
            neighbours = ((past.value, past.at_ms), (past.good_value, past.good_at_ms))
            recent = [known for known, known_at_ms in neighbours if at_ms - known_at_ms <= JUMP_WINDOW_MS]
            if recent and all(abs(value - known) > quantity.jump_max for known in recent):
                flag = Flag.JUMP
        if value != past.value:
            past.unchanged_since_ms = at_ms
        elif (
            flag is Flag.OK
            and quantity.stuck_after_s is not None
            and at_ms - past.unchanged_since_ms > quantity.stuck_after_s * 1000
        ):
            flag = Flag.STUCK
        past.value, past.at_ms = value, at_ms
        if flag is Flag.OK:
            past.good_value, past.good_at_ms = value, at_ms
        return flag
