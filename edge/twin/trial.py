"""Whether a line still answers after its plan was changed. Pure: what was seen is handed in.

A new station that does not answer yet is no failure: it may be mounted tomorrow. What answered before has to answer again.
"""

from typing import Final

import msgspec

from contract.twin import Refusal, Refused

SWEEPS_MAX: Final = 5
"""So many sweeps may pass without an answer."""
SWEEPS_MAX_SLOW: Final = 2
SLOW_INTERVAL_S: Final = 60.0
"""On a line that is swept less often, fewer sweeps have to do."""
SECONDS_MIN: Final = 3.0
"""But at least so long: a fast line has done five sweeps before a slow adapter has delivered."""


class Expectation(msgspec.Struct, frozen=True):
    """What was true of a line before the change, and what changed.

    Attributes:
        bus: its name.
        answered_before: stations that answered at their last poll before.
        stations: stations that it has now.
        changed: those that are asked at another address or by another profile than before.
        interval_s: between its sweeps now.
    """

    bus: str
    answered_before: frozenset[str]
    stations: frozenset[str]
    changed: frozenset[str]
    interval_s: float = 1.0


class Seen(msgspec.Struct, frozen=True):
    """What a line did since it took its newest plan: sweeps ended, seconds passed, stations that answered."""

    sweeps: int
    for_s: float
    answered: frozenset[str]


class Passed(msgspec.Struct, frozen=True):
    """`silent`: stations that have not answered, and were not expected to."""

    silent: frozenset[str]


def judge(expectation: Expectation, seen: Seen) -> Passed | Refused | None:
    """The verdict on one line; None while it is too early."""
    sweeps_max = SWEEPS_MAX if expectation.interval_s <= SLOW_INTERVAL_S else SWEEPS_MAX_SLOW
    missed = (expectation.changed & expectation.answered_before) - seen.answered
    survivors = expectation.answered_before & expectation.stations
    silent = bool(expectation.answered_before and expectation.stations) and not (
        seen.answered & (survivors or expectation.stations)
    )
    exhausted = seen.sweeps >= sweeps_max and seen.for_s >= SECONDS_MIN
    if not silent and not missed:
        # Newcomers get the whole time before they are called silent.
        waiting = expectation.stations - seen.answered
        return Passed(waiting) if seen.sweeps and (exhausted or not waiting) else None
    if not exhausted:
        return None
    if silent:
        before = ", ".join(sorted(expectation.answered_before))
        return Refused(
            Refusal.BUS_SILENT,
            f"{expectation.bus}: none of {', '.join(sorted(survivors or expectation.stations))} answered in"
            f" {seen.sweeps} sweeps; before, {before} did",
        )
    return Refused(
        Refusal.STATION_SILENT,
        f"{expectation.bus}: {', '.join(sorted(missed))} did not answer in {seen.sweeps} sweeps, and did before the change",
    )
