"""Roll-ups of readings: counts, sums, extremes per station and interval, computed for a group of readings at once. Pure.

Sums can be added and extremes merged, so late and out-of-order readings only add their share to the interval they belong to.
Directions are summed as unit vectors (the unit-vector mean of EPA-454/R-99-005, section 6.2): 359 and 1 degrees make 0, not 180.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from contract.quantities import QUANTITIES

NAMES: Final = tuple(QUANTITIES)
DIRECTIONS: Final = tuple(name for name in NAMES if name.endswith("_deg"))
MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
RESOLUTIONS_S: Final = (MINUTE_S, HOUR_S, DAY_S)
JST_AHEAD_OF_UTC_MS: Final = 9 * 3_600_000
"""Days are Japan's. Japan has had no daylight saving time since 1951, so the offset is constant."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def columns(name: str) -> tuple[str, ...]:
    """The columns of one quantity in the roll-up table, in the order of `deltas`."""
    if name in DIRECTIONS:
        return (f"{name}_n", f"{name}_sin", f"{name}_cos")
    return (f"{name}_n", f"{name}_sum", f"{name}_min", f"{name}_max")


COLUMNS: Final = tuple(column for name in NAMES for column in columns(name))


def interval_start_ms(at_ms: Ints, resolution_s: int) -> Ints:
    """Start of the interval each moment lies in: `at_ms` shape (n,), Unix ms."""
    length_ms = resolution_s * 1000
    offset_ms = JST_AHEAD_OF_UTC_MS if resolution_s == DAY_S else 0
    return (at_ms + offset_ms) // length_ms * length_ms - offset_ms


def deltas(station_keys: Sequence[int], at_ms: Sequence[int], values: Floats) -> list[tuple[float | None, ...]]:
    """What a group of readings adds to the roll-ups.

    Args:
        station_keys: one per reading.
        at_ms: one per reading, Unix ms.
        values: (n readings, n quantities in the order of `NAMES`), NaN where missing or flagged.

    Returns:
        Rows (resolution_s, station_key, interval start [ms], readings, *COLUMNS), one a touched interval, finest first; extremes None
        where nothing valid was measured.

    """
    keys = np.asarray(station_keys, dtype=np.int64)
    start = interval_start_ms(np.asarray(at_ms, dtype=np.int64), MINUTE_S)
    count = np.ones(len(keys), dtype=np.int64)
    parts = _parts(values)
    rows: list[tuple[float | None, ...]] = []
    for resolution_s in RESOLUTIONS_S:
        start = interval_start_ms(start, resolution_s)
        order = np.lexsort((start, keys))
        keys, start = keys[order], start[order]
        first = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]) | (start[1:] != start[:-1])])
        # An hour's share is made of the minutes' shares, a day's of the hours'.
        count = np.add.reduceat(count[order], first)
        parts = [_reduce(kind, part[order], first) for kind, part in zip(_KINDS, parts, strict=True)]
        keys, start = keys[first], start[first]
        heads = zip([resolution_s] * len(keys), keys.tolist(), start.tolist(), count.tolist(), strict=True)
        rows.extend((*head, *tail) for head, tail in zip(heads, _rows(parts), strict=True))
    return rows


_KINDS: Final = ("sum", "sum", "min", "max", "sum", "sum")
_DIRECTION_INDEX: Final = [NAMES.index(name) for name in DIRECTIONS]


def _parts(values: Floats) -> list[Floats]:
    valid = ~np.isnan(values)
    angle = np.radians(values[:, _DIRECTION_INDEX])
    known = valid[:, _DIRECTION_INDEX]
    return [
        valid.astype(np.float64),
        np.where(valid, values, 0.0),
        np.where(valid, values, np.inf),
        np.where(valid, values, -np.inf),
        np.where(known, np.sin(angle), 0.0),
        np.where(known, np.cos(angle), 0.0),
    ]


def _reduce(kind: str, part: Floats, first: npt.NDArray[np.intp]) -> Floats:
    if kind == "sum":
        return np.add.reduceat(part, first, axis=0)
    return np.minimum.reduceat(part, first, axis=0) if kind == "min" else np.maximum.reduceat(part, first, axis=0)


def _rows(parts: list[Floats]) -> list[list[float | None]]:
    """(n, quantities) parts -> one list a row, in the order of `COLUMNS`."""
    count, total, low, high, sine, cosine = parts
    pieces: list[Floats] = []
    for index, name in enumerate(NAMES):
        if name in DIRECTIONS:
            place = DIRECTIONS.index(name)
            pieces += [count[:, index], sine[:, place], cosine[:, place]]
        else:
            pieces += [count[:, index], total[:, index], low[:, index], high[:, index]]
    return [[None if math.isinf(value) else value for value in row] for row in np.stack(pieces, axis=1).tolist()]
