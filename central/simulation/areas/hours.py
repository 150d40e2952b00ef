"""How long each cell was hot: hours of one day at and above the limits of WBGT, counted frame by frame.

A frame speaks for the time that is nearer to it than to the frames before and after. Where frames lie more than GAP_MAX_MS apart
nobody looked, and nothing is counted: `watched_ms` says how much of the day was watched. Days are those of Japan Standard Time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel
from central.simulation.frames import LEVEL_MAX, NO_VALUE, Field, Layer, LayerKind

LIMITS_DEGC: Final = (28, 31)
"""From here on: severe warning, danger."""
MS_PER_HOUR: Final = 3_600_000
MS_PER_DAY: Final = 24 * MS_PER_HOUR
LOCAL_OFFSET_MS: Final = 9 * MS_PER_HOUR
GAP_MAX_MS: Final = 30 * 60_000

Levels = NDArray[np.uint8]
Milliseconds = NDArray[np.uint32]

KINDS: Final = {
    limit: LayerKind(
        f"hours_above_{limit}", f"WBGT {limit} 以上の時間", f"Hours at WBGT {limit} and above", "h", 0.1, -0.1
    )
    for limit in LIMITS_DEGC
}


def day_of(at_ms: int) -> int:
    """Which day of Japan Standard Time a moment lies in, counted from 1970-01-01."""
    return (at_ms + LOCAL_OFFSET_MS) // MS_PER_DAY


def midnight_ms(day: int) -> int:
    """When the day begins."""
    return day * MS_PER_DAY - LOCAL_OFFSET_MS


def reached(wbgt: Layer) -> Levels:
    """(rows, columns) how many of the limits each cell has reached; 0 in buildings."""
    value = wbgt.offset + wbgt.step * np.arange(LEVEL_MAX + 1) + wbgt.step * 1e-6
    levels: Levels = np.zeros(wbgt.level.shape, np.uint8)
    for limit in LIMITS_DEGC:
        # Values rise with the levels, so that a comparison does what a table would, five times as fast.
        from_level = max(int(np.searchsorted(value, limit)), NO_VALUE + 1)
        if from_level <= LEVEL_MAX:
            levels += (wbgt.level >= np.uint8(from_level)).view(np.uint8)
    return levels


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The last frame that was counted."""

    at_ms: int
    reached: Levels


class HoursAbove:
    """The count of one day. Not for two threads at once.

    Between two frames hardly a cell changes, so only those that do are touched: a cell that rises above a limit has the time
    watched so far subtracted, one that falls below has it added, and whoever asks adds the time watched to those still above. Whole
    milliseconds modulo 2^32: exact, whatever the order.

    Args:
        shape: (rows, columns).
        day: which day, see `day_of`.
    """

    def __init__(self, shape: tuple[int, int], day: int) -> None:
        self.day = day
        self.shape = shape
        self.watched_ms = 0
        self.last: Seen | None = None
        self._balance_ms: Milliseconds = np.zeros((len(LIMITS_DEGC), *shape), np.uint32)

    def add(self, at_ms: int, cells: Levels) -> None:
        """Counts a frame. One of another day begins that day; one no later than the last only takes its place.

        Raises:
            ValueError: another shape than the day's.

        """
        if cells.shape != self.shape:
            raise ValueError(f"frame {cells.shape} and day {self.shape} differ in shape")
        day, last = day_of(at_ms), self.last
        if day != self.day:
            self.day = day
            self._balance_ms[:] = 0
            self.watched_ms = 0
        before_ms = after_ms = 0
        if last is not None and 0 < at_ms - last.at_ms <= GAP_MAX_MS:
            # What of the time between the two belongs to this day, and which frame is nearer to it.
            begin_ms, middle_ms = midnight_ms(day), last.at_ms + (at_ms - last.at_ms) // 2
            before_ms = max(0, middle_ms - max(begin_ms, last.at_ms))
            after_ms = at_ms - max(begin_ms, middle_ms)
        self.watched_ms += before_ms
        self._change(np.zeros(self.shape, np.uint8) if last is None else last.reached, cells)
        self.watched_ms += after_ms
        self.last = Seen(at_ms, cells)

    def counted_ms(self) -> Milliseconds:
        """(limits, rows, columns) how long each cell was at and above each limit."""
        counted = self._balance_ms.copy()
        if self.last is not None:
            for limit in range(len(LIMITS_DEGC)):
                counted[limit] += np.uint32(self.watched_ms) * (self.last.reached > limit)
        return counted

    def take_up(self, counted_ms: Milliseconds, watched_ms: int, last: Seen) -> None:
        """Goes on from what another one had counted."""
        self._balance_ms[:] = counted_ms
        # As if all had been below until now: whatever is above enters it at the time watched.
        self.watched_ms, self.last = watched_ms, last
        self._change(np.zeros(self.shape, np.uint8), last.reached)

    def hours(self, limit_index: int) -> Field:
        """(rows, columns) hours at and above a limit so far."""
        counted = self._balance_ms[limit_index]
        if self.last is not None:
            counted = counted + np.uint32(self.watched_ms) * (self.last.reached > limit_index)
        hours: Field = counted.astype(np.float32)
        hours /= MS_PER_HOUR
        return hours

    def _change(self, before: Levels, after: Levels) -> None:
        """The cells go from one state to the other at `watched_ms`."""
        changed = np.flatnonzero(before != after)
        if changed.size:
            balance = self._balance_ms.reshape(len(LIMITS_DEGC), -1)
            _cross(balance, changed, before.ravel(), after.ravel(), np.uint32(self.watched_ms))


@kernel(fastmath=False)
def _cross(
    balance_ms: Milliseconds, changed: NDArray[np.int64], before: Levels, after: Levels, watched_ms: np.uint32
) -> None:
    for limit in range(balance_ms.shape[0]):
        for cell in changed:
            was, is_now = before[cell] > limit, after[cell] > limit
            if is_now and not was:
                balance_ms[limit, cell] -= watched_ms
            elif was and not is_now:
                balance_ms[limit, cell] += watched_ms


def warm_up() -> None:
    """Compiles what `HoursAbove.add` needs."""
    day = HoursAbove((2, 2), 0)
    for at_ms in (0, 1):
        day.add(at_ms, np.full((2, 2), at_ms, np.uint8))


def hours_ahead(now: Seen, coming: Sequence[Seen], until_ms: int) -> NDArray[np.float32]:
    """(limits, rows, columns) hours at and above each limit from `now` until `until_ms`, each moment judged by the nearest frame.

    Args:
        now: what is known of the present.
        coming: forecast hours by time, all later than `now`.
        until_ms: the end.

    """
    frames = [now, *coming]
    middles_ms = [(one.at_ms + other.at_ms) // 2 for one, other in pairwise(frames)]
    begins_ms, ends_ms = [now.at_ms, *middles_ms], [*middles_ms, until_ms]
    hours = np.zeros((len(LIMITS_DEGC), *now.reached.shape), np.float32)
    for frame, begin_ms, end_ms in zip(frames, begins_ms, ends_ms, strict=True):
        share = np.float32(max(0, min(end_ms, until_ms) - begin_ms) / MS_PER_HOUR)
        for limit in range(len(LIMITS_DEGC)):
            hours[limit] += share * (frame.reached > limit)
    return hours
