"""How well a unit is heard: many requests in, shares and a verdict out. Pure."""

import statistics
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from edge.check.asking import Answer, Kind
from edge.fieldbus.frames import Fault

GOOD_SHARE_MIN: Final = 0.99
"""One bad reply in a hundred is an installation that will fail in the first thunderstorm; below, look at the wiring."""
POOR_SHARE_MIN: Final = 0.8
CONFLICT_SHARE_MIN: Final = 0.3
"""Two devices at one address spoil at least so many replies, while their neighbours on the same wire are heard well."""


class Verdict(StrEnum):
    GOOD = "good"
    POOR = "poor"
    BAD = "bad"


class Signal(msgspec.Struct, frozen=True):
    """What `tries` requests came to. `broken`: replies that came and could not be used (checksum, torn, noise).

    `noisy`: good replies with stray bytes around them; `twice`: good replies with a second one behind.
    """

    tries: int
    good: int
    timeouts: int
    checksum_errors: int
    broken: int
    echoes: int
    noisy: int
    twice: int
    response_ms_median: float | None
    response_ms_max: float | None

    @property
    def good_share(self) -> float:
        return self.good / self.tries if self.tries else 0.0

    @property
    def verdict(self) -> Verdict:
        if self.good_share >= GOOD_SHARE_MIN:
            return Verdict.GOOD
        return Verdict.POOR if self.good_share >= POOR_SHARE_MIN else Verdict.BAD


def summarise(answers: Sequence[Answer]) -> Signal:
    """An exception is a well heard reply."""
    heard = [answer for answer in answers if answer.kind is not Kind.FAULT]
    faults = [answer.fault for answer in answers if answer.fault is not None]
    took_ms = [1000 * answer.took_s for answer in heard]
    return Signal(
        tries=len(answers),
        good=len(heard),
        timeouts=faults.count(Fault.TIMEOUT),
        checksum_errors=faults.count(Fault.CHECKSUM),
        broken=len(faults) - faults.count(Fault.TIMEOUT),
        echoes=sum(answer.echo for answer in answers),
        noisy=sum(answer.stray_bytes > 0 and not answer.twice for answer in heard),
        twice=sum(answer.twice for answer in heard),
        response_ms_median=round(statistics.median(took_ms), 1) if took_ms else None,
        response_ms_max=round(max(took_ms), 1) if took_ms else None,
    )


def conflicting(signal: Signal, others: Sequence[Signal]) -> str | None:
    """Why two devices seem to share the address; None when they do not.

    Args:
        signal: of the unit, asked with a pause after each reply.
        others: of the other units on the line: where they are bad too, it is the line and not the address.

    """
    if signal.twice:
        return f"a second reply followed {signal.twice} of {signal.tries} requests"
    if signal.tries and signal.broken >= CONFLICT_SHARE_MIN * signal.tries:
        heard_well = [other for other in others if other.verdict is Verdict.GOOD]
        if heard_well:
            return f"{signal.broken} of {signal.tries} replies are garbled, while its neighbours are heard well"
    return None
