"""Which of the middles that a border follows are kept as its points; see `areas.lines`."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel

POINT_COST: Final = 0.8
"""What one more point has to save of squared distance [cells^2] beyond what stairs explain."""
STAIRS: Final = 0.09
"""The mean square distance of the middles of a straight border from it [cells^2]: 1/12 for a place known to the cell, and a little more."""
LINK_MAX: Final = 400
"""No link passes more middles than this: it bounds the time."""
_SLIDES: Final = (0.0, -0.2, 0.2, -0.4, 0.4, -0.6, 0.6, -0.8, 0.8)
TURNED_BACK: Final = 1.0
"""A link ends before its border comes back by so much [cells]."""

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]


KEEP_ALL: Final = 2
ENDS_ONLY: Final = 3
"""Levels of arcs of which no points are chosen."""


@kernel(fastmath=False)
def choose_points(  # noqa: PLR0917 - a kernel takes its arrays one by one
    points: Floats, arc_ends: Ints, allowed: Floats, axes: Ints, level: Flags, chosen: Ints, sizes: Ints, lines: Floats
) -> None:
    """Chooses the points of those arcs that have no size yet.

    Args:
        points: (n, 2) of all arcs, both ends included.
        arc_ends: (arcs,) where each ends in `points`.
        allowed: (n,) how far from each point a link may pass.
        axes: (arcs, 2) along which axis the first and the last point may slide, by no more than is allowed; -1 for not at all.
        level: (arcs,) KEEP_ALL, ENDS_ONLY, or anything else to choose.
        chosen: (n,) out: from the arc's begin on which of its points are kept, counted from its begin.
        sizes: (arcs,) out: how many are kept; arcs above 0 are passed over.
        lines: (n, 2) out: from the arc's begin on the points kept, slid.

    """
    end = 0
    for arc in range(arc_ends.shape[0]):
        begin, end = end, arc_ends[arc]
        if sizes[arc]:
            continue
        first_slide = last_slide = 0.0
        if level[arc] == KEEP_ALL:
            kept = np.arange(end - begin).astype(np.int32)
        elif level[arc] == ENDS_ONLY:
            kept = np.array((0, end - begin - 1), np.int32)
        else:
            kept, first_slide, last_slide = _choose(points[begin:end], allowed[begin:end], axes[arc, 0], axes[arc, 1])
        size = sizes[arc] = kept.shape[0]
        chosen[begin : begin + size] = kept
        for index in range(size):
            lines[begin + index] = points[begin + kept[index]]
        if axes[arc, 0] >= 0:
            lines[begin, axes[arc, 0]] += first_slide
        if axes[arc, 1] >= 0:
            lines[begin + size - 1, axes[arc, 1]] += last_slide


@kernel(fastmath=False)
def _choose(points: Floats, allowed: Floats, start_axis: int, end_axis: int) -> tuple[Ints, float, float]:
    """Which points one border keeps, by dynamic programming over all links that stay within the tolerance.

    Also how far its first and last point slide.
    """
    last = points.shape[0] - 1
    sums = np.zeros((last + 2, 6))
    for at in range(last + 1):
        x, y = points[at, 0] - points[0, 0], points[at, 1] - points[0, 1]
        # Where it slides along the edge of the map, an end says nothing of where the border runs.
        weight = 0.0 if (at == 0 and start_axis >= 0) or (at == last and end_axis >= 0) else 1.0
        for index, value in enumerate((1.0, x, y, x * x, x * y, y * y)):
            sums[at + 1, index] = sums[at, index] + weight * value
    cost = np.full(last + 1, np.inf)
    before = np.zeros(last + 1, np.int32)
    slid_first = np.zeros(last + 1)
    slid_last = 0.0
    slides = len(_SLIDES) if end_axis >= 0 else 1
    cost[0] = 0.0
    for start in range(last):
        for first_turn in range(len(_SLIDES) if start == 0 and start_axis >= 0 else 1):
            first_slide = _SLIDES[first_turn]
            if first_turn and abs(first_slide) > allowed[0]:
                break
            sx = points[start, 0] + (first_slide if start == 0 and start_axis == 0 else 0.0)
            sy = points[start, 1] + (first_slide if start == 0 and start_axis == 1 else 0.0)
            # The cone of directions that pass all discs so far, between (rx, ry) and (lx, ly); none yet while it is open.
            is_open = True
            rx = ry = lx = ly = furthest = 0.0
            base = cost[start] + POINT_COST + 0.01 * abs(first_slide)
            for at in range(start + 1, min(last, start + LINK_MAX) + 1):
                vx, vy = points[at, 0] - sx, points[at, 1] - sy
                distance = np.sqrt(vx * vx + vy * vy)
                if base < cost[at]:
                    total = base + _misfit(sums, start, at)
                    for turn in range(slides if at == last else 1):
                        slide = _SLIDES[turn]
                        if turn and abs(slide) > allowed[last]:
                            break
                        wx, wy = vx + (slide if end_axis == 0 else 0.0), vy + (slide if end_axis == 1 else 0.0)
                        length = distance if turn == 0 else np.sqrt(wx * wx + wy * wy)
                        is_seen = is_open or (rx * wy - ry * wx >= 0.0 and lx * wy - ly * wx <= 0.0)
                        if is_seen and length > max(0.3, furthest - 0.5) and total + 0.01 * abs(slide) < cost[at]:
                            cost[at], before[at], slid_first[at] = total + 0.01 * abs(slide), start, first_slide
                            if at == last:
                                slid_last = slide
                furthest = max(furthest, distance)
                if distance < furthest - TURNED_BACK:
                    break
                if distance > allowed[at]:
                    sine = allowed[at] / distance
                    cosine = np.sqrt(1.0 - sine * sine)
                    ax, ay = vx * cosine + vy * sine, vy * cosine - vx * sine
                    bx, by = vx * cosine - vy * sine, vy * cosine + vx * sine
                    if is_open:
                        is_open, rx, ry, lx, ly = False, ax, ay, bx, by
                    else:
                        if rx * ay - ry * ax > 0.0:
                            rx, ry = ax, ay
                        if lx * by - ly * bx < 0.0:
                            lx, ly = bx, by
                        if rx * ly - ry * lx < 0.0:
                            break
    kept = 1
    at = last
    while at > 0:
        kept += 1
        at = before[at]
    chosen = np.empty(kept, np.int32)
    at = last
    for index in range(kept - 1, -1, -1):
        chosen[index] = at
        at = before[at]
    return chosen, slid_first[chosen[1]], slid_last


@kernel(fastmath=False, inline="always")
def _misfit(sums: Floats, first: int, last: int) -> float:
    """The sum of squared distances of the points first .. last to the straight line that fits them best, less what stairs explain."""
    count = sums[last + 1, 0] - sums[first, 0]
    if count < 3.0:
        return 0.0
    x, y = sums[last + 1, 1] - sums[first, 1], sums[last + 1, 2] - sums[first, 2]
    xx = sums[last + 1, 3] - sums[first, 3] - x * x / count
    xy = sums[last + 1, 4] - sums[first, 4] - x * y / count
    yy = sums[last + 1, 5] - sums[first, 5] - y * y / count
    misfit = max(0.0, 0.5 * (xx + yy - np.sqrt((xx - yy) ** 2 + 4.0 * xy * xy)))
    # The little that is always left decides between borders with equally many points.
    return float(max(0.02 * misfit, misfit - STAIRS * count))
