"""Borders of areas drawn with few points: as a map maker would, straight where the border is straight in all but its stairs.

An arc runs from one place where classes meet to the next (or round a piece). Its points are the middles of the cells' edges that
it follows. Of all polylines through some of them that stay within a tolerance of those they pass (Imai & Iri 1988, in Computational
Morphology, 71-86) the one is sought that has few links and leaves little of squared distance to the straight lines fitted through
the middles (as Selinger 2003, "Potrace: a polygon-based tracing algorithm", does for letters); then each point goes to where the
fitted lines of its two links meet, so that a border is as often on one side of the raster's as on the other and areas keep their size.

What a straight border's stairs leave of squared distance is free; beyond it a point has to save POINT_COST. In the end all points
of a border are moved to one side by the little that makes it take from both neighbours alike.

The tolerance is TOLERANCE_CELLS, less where another border is near: no line gets further than about half way to the next. All lines
are tested against each other in the end; whoever crosses is drawn again more closely, and at last middle by middle.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel
from central.simulation.areas.crossings import crossing_arcs
from central.simulation.areas.links import ENDS_ONLY, KEEP_ALL, choose_points
from central.simulation.areas.settle import settle_points

TOLERANCE_CELLS: Final = 0.8
"""No middle of an edge of a cell between two classes lies further than this from the border drawn for it."""
CLOSE_CELLS: Final = 0.35
"""The tolerance where borders lie as close as they can: the lines through the middles of edges are 0.707 cells apart at least."""
FITTED = 0
_REACH = 2

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]


def draw_arcs(steps: Ints, arc_ends: Ints, middles: Ints, shape: tuple[int, int]) -> tuple[Floats, Ints]:
    """Draws every arc.

    Args:
        steps: (n, 2) column and row in half cells of the arcs' points: middles of edges, at the ends the corners where they meet.
        arc_ends: (arcs,) where each arc ends in `steps`.
        middles: (2 rows + 1, columns + 1) 1 + the place in `steps` of the middle at half cells (x, y) in [y, x // 2]; 0 for none.
        shape: rows, columns.

    Returns:
        lines: (m, 2) column and row in cells.
        line_ends: (arcs,) where each arc ends in `lines`.

    """
    points = steps.astype(np.float64) * 0.5
    clearance = _clearance(steps, arc_ends, middles, shape[0], shape[1])
    level = _levels(steps, arc_ends, shape[0], shape[1])
    chosen = np.empty(len(steps), np.int32)
    sizes = np.zeros(len(arc_ends), np.int32)
    slots = np.empty(
        (len(steps), 2), np.float64
    )  # each arc's line from its own place on: none has more points than its arc
    while True:
        todo = np.where(sizes > 0, 0, np.where(level == FITTED, 1, 2)).astype(np.uint8)
        allowed, axes = _liberties(steps, arc_ends, clearance, level, shape)
        choose_points(points, arc_ends, allowed, axes, level, chosen, sizes, slots)
        failed = settle_points(points, arc_ends, allowed, axes, todo, chosen, sizes, (shape[1], shape[0]), slots) > 0
        lines, line_ends = _close_up(steps, arc_ends, sizes, slots, level, shape)
        failed = (failed | crossing_arcs(lines, line_ends, shape)) & (level < KEEP_ALL)
        if not failed.any():
            return lines, line_ends
        level[failed] += 1
        sizes[failed] = 0


@kernel(fastmath=False, inline="always")
def _on_frame(x: int, y: int, height: int, width: int) -> bool:
    return x == 0 or y == 0 or x == 2 * width or y == 2 * height


@kernel(fastmath=False)
def _clearance(steps: Ints, arc_ends: Ints, middles: Ints, height: int, width: int) -> Floats:
    """(n,) how far a line may pass each point: less than half way to any middle that is near but not along the border."""
    count = steps.shape[0]
    arc_of = np.empty(count, np.int32)
    begin = 0
    for arc in range(arc_ends.shape[0]):
        arc_of[begin : arc_ends[arc]] = arc
        begin = arc_ends[arc]
    tolerance = np.full(count, CLOSE_CELLS)
    reach = 2 * _REACH
    for at in range(count):
        x, y = steps[at, 0], steps[at, 1]
        if (x + y) % 2 == 0 or _on_frame(x, y, height, width):
            continue
        arc = arc_of[at]
        first, last = (arc_ends[arc - 1] if arc else 0), arc_ends[arc] - 1
        is_closed = steps[first, 0] == steps[last, 0] and steps[first, 1] == steps[last, 1]
        nearest = 1_000_000
        for dy in range(max(-reach, 1 - y), min(reach, 2 * height - 1 - y) + 1):
            for dx in range(-reach + (1 + x + y + dy + reach) % 2, reach + 1, 2):
                if x + dx < 1 or x + dx > 2 * width - 1:
                    continue
                other = middles[y + dy, (x + dx) // 2] - 1
                if other < 0 or dx * dx + dy * dy >= nearest:
                    continue
                if arc_of[other] == arc:
                    along = abs(other - at)
                    if is_closed:
                        along = min(along, last - first - along)
                    if 2 * along <= abs(dx) + abs(dy) + 4:
                        continue
                nearest = dx * dx + dy * dy
        tolerance[at] = min(TOLERANCE_CELLS, max(CLOSE_CELLS, 0.25 * np.sqrt(nearest) - 0.1))
    return tolerance


@kernel(fastmath=False)
def _levels(steps: Ints, arc_ends: Ints, height: int, width: int) -> Flags:
    """(arcs,) how freely each arc is drawn at first: along the frame it is a straight line."""
    level = np.zeros(arc_ends.shape[0], np.uint8)
    begin = 0
    for arc in range(arc_ends.shape[0]):
        # An arc's second point is a middle.
        if _on_frame(steps[begin + 1, 0], steps[begin + 1, 1], height, width):
            level[arc] = ENDS_ONLY
        begin = arc_ends[arc]
    return level


@kernel(fastmath=False)
def _liberties(
    steps: Ints, arc_ends: Ints, clearance: Floats, level: Flags, shape: tuple[int, int]
) -> tuple[Floats, Ints]:
    """The tolerance of each point, and (arcs, 2) along which axis an arc's ends may slide, -1 for not at all."""
    allowed = np.full(clearance.shape[0], CLOSE_CELLS)
    axes = np.full((arc_ends.shape[0], 2), -1, np.int32)
    end = 0
    for arc in range(arc_ends.shape[0]):
        begin, end = end, arc_ends[arc]
        if level[arc] != FITTED:
            continue
        allowed[begin:end] = clearance[begin:end]
        for tip, place, inner in ((0, begin, begin + 1), (1, end - 1, end - 2)):
            x, y = steps[place, 0], steps[place, 1]
            if (x + y) % 2 == 0:
                # A node. On the edge of the map it may slide where no other border is near; within it stays.
                allowed[place] = clearance[inner]
                if clearance[inner] > CLOSE_CELLS and _on_frame(x, y, shape[0], shape[1]):
                    axes[arc, tip] = _side(x, y, shape[0], shape[1])[1]
    return allowed, axes


@kernel(fastmath=False)
def _close_up(  # noqa: PLR0917 - a kernel takes its arrays one by one
    steps: Ints, arc_ends: Ints, sizes: Ints, slots: Floats, level: Flags, shape: tuple[int, int]
) -> tuple[Floats, Ints]:
    """The lines one after the other, those along the frame between the ends that have slid there."""
    height, width = shape
    slid = np.zeros((4, max(height, width) + 1))
    line_ends = np.cumsum(sizes).astype(np.int32)
    lines = np.empty((line_ends[-1] if line_ends.shape[0] else 0, 2))
    for turn in range(2):
        end = used = 0
        for arc in range(arc_ends.shape[0]):
            begin, end = end, arc_ends[arc]
            if turn == 0:
                for index in range(sizes[arc]):
                    lines[used + index] = slots[begin + index]
            for tip, index in ((begin, used), (end - 1, used + sizes[arc] - 1)):
                x, y = steps[tip, 0], steps[tip, 1]
                if (x + y) % 2 == 0 and _on_frame(x, y, height, width):
                    side, axis = _side(x, y, height, width)
                    if turn == 0 and level[arc] != ENDS_ONLY:
                        slid[side, steps[tip, axis] // 2] = lines[index, axis] - 0.5 * steps[tip, axis]
                    elif turn == 1 and level[arc] == ENDS_ONLY and side >= 0:
                        lines[index, axis] += slid[side, steps[tip, axis] // 2]
            used += sizes[arc]
    return lines, line_ends


@kernel(fastmath=False, inline="always")
def _side(x: int, y: int, height: int, width: int) -> tuple[int, int]:
    """Which side of the frame a node on it lies on, and the axis along that side; -1 for the frame's corners."""
    is_level, is_upright = y % (2 * height) == 0, x % (2 * width) == 0
    if is_level and is_upright:
        return -1, 0
    if is_level:
        return (0 if y == 0 else 1), 0
    return (2 if x == 0 else 3), 1
