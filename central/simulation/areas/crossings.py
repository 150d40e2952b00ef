"""Which of many polylines cross or touch one another other than at their common ends."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel

BUCKET_CELLS: Final = 8

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


def crossing_arcs(lines: Floats, line_ends: Ints, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """(arcs,) True for polylines that cross or touch one another or themselves.

    Args:
        lines: (n, 2) column and row in cells, within the raster.
        line_ends: (arcs,) where each polyline ends in `lines`.
        shape: rows, columns.

    """
    return _crossing(lines, line_ends, shape[0] // BUCKET_CELLS + 1, shape[1] // BUCKET_CELLS + 1).view(np.bool_)


@kernel(fastmath=False)
def _crossing(lines: Floats, line_ends: Ints, rows: int, columns: int) -> NDArray[np.uint8]:
    """Segments are sorted into square buckets by their bounding boxes, and compared within each."""
    crossing = np.zeros(line_ends.shape[0], np.uint8)
    arc_of = np.full(lines.shape[0], -1, np.int32)  # of the segment that begins at a point; -1 at the ends
    is_tip = np.zeros(lines.shape[0], np.uint8)
    begin = 0
    for arc in range(line_ends.shape[0]):
        arc_of[begin : line_ends[arc] - 1] = arc
        is_tip[begin] = is_tip[line_ends[arc] - 1] = 1
        begin = line_ends[arc]
    starts = np.zeros(rows * columns + 2, np.int32)
    held = np.empty(0, np.int32)
    # Counted first, then filled in.
    for turn in range(2):
        for at in range(lines.shape[0]):
            if arc_of[at] < 0:
                continue
            top, bottom = _buckets(lines[at, 1], lines[at + 1, 1])
            left, right = _buckets(lines[at, 0], lines[at + 1, 0])
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    bucket = row * columns + column
                    if turn == 0:
                        starts[bucket + 2] += 1
                    else:
                        held[starts[bucket + 1]] = at
                        starts[bucket + 1] += 1
        if turn == 0:
            for bucket in range(starts.shape[0] - 1):
                starts[bucket + 1] += starts[bucket]
            held = np.empty(starts[-1], np.int32)
    for bucket in range(rows * columns):
        for one in range(starts[bucket], starts[bucket + 1]):
            for two in range(one + 1, starts[bucket + 1]):
                a, b = held[one], held[two]
                if _apart(lines, a, b, 0) or _apart(lines, a, b, 1):
                    continue
                if _meet_halfway(lines, is_tip, a, b) or _touch(lines[a], lines[a + 1], lines[b], lines[b + 1]):
                    crossing[arc_of[a]] = crossing[arc_of[b]] = 1
    return crossing


@kernel(fastmath=False, inline="always")
def _buckets(one: float, other: float) -> tuple[int, int]:
    return int(min(one, other) // BUCKET_CELLS), int(max(one, other) // BUCKET_CELLS)


@kernel(fastmath=False, inline="always")
def _apart(lines: Floats, a: int, b: int, axis: int) -> bool:
    one, two = lines[a, axis], lines[a + 1, axis]
    three, four = lines[b, axis], lines[b + 1, axis]
    return bool(max(one, two) < min(three, four) or max(three, four) < min(one, two))


@kernel(fastmath=False)
def _meet_halfway(lines: Floats, is_tip: NDArray[np.uint8], a: int, b: int) -> bool:
    """Whether two segments have an end in common that is not an end of both polylines, nor the point between the two."""
    for one in range(a, a + 2):
        for other in range(b, b + 2):
            if one != other and not (is_tip[one] and is_tip[other]) and _same(lines[one], lines[other]):
                return True
    return False


@kernel(fastmath=False, inline="always")
def _turn(a: Floats, b: Floats, c: Floats) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


@kernel(fastmath=False, inline="always")
def _same(a: Floats, b: Floats) -> bool:
    return bool(a[0] == b[0] and a[1] == b[1])


@kernel(fastmath=False)
def _touch(a: Floats, b: Floats, c: Floats, d: Floats) -> bool:
    """Whether segments ab and cd, whose boxes overlap, have a point in common other than an end of both."""
    if _same(a, c) or _same(a, d) or _same(b, c) or _same(b, d):
        shared = a if _same(a, c) or _same(a, d) else b
        one = b if shared is a else a
        other = d if _same(shared, c) else c
        ahead = (one[0] - shared[0]) * (other[0] - shared[0]) + (one[1] - shared[1]) * (other[1] - shared[1])
        return ahead > 0.0 and _turn(shared, one, other) == 0.0
    return _turn(a, b, c) * _turn(a, b, d) <= 0.0 and _turn(c, d, a) * _turn(c, d, b) <= 0.0
