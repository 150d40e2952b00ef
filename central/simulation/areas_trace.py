"""Outlines of a raster of classes as one coverage: neighbours keep one common edge, and every ring is simple by construction.

The outline of a piece runs through the middles of the cells' edges, so that stairs become slanted lines. Where three or four
classes meet, it runs through the corner itself. Where two cells of one class touch at a corner only, they are joined there (of
two such pairs the one of the higher class): no ring ever touches itself. Then each arc between two meeting points is
simplified (Douglas & Peucker 1973, Cartographica 10:112-122) by less than half of what separates any two arcs before it, and
the same way for both of its sides.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel

OUTSIDE: Final = 255
"""Stands for what lies off the raster; no class may have this number."""
TOLERANCE_CELLS: Final = 0.35
"""How far an arc may leave the line through the edges' middles. Two arcs lie 0.707 cells apart at least."""

_E, _N, _W, _S = 0, 1, 2, 3

Classes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Flags = NDArray[np.uint8]


def trace(classes: Classes) -> tuple[NDArray[np.float64], Ints, Ints, Ints]:
    """The rings round all pieces of the classes above 0.

    Args:
        classes: (rows, columns), below OUTSIDE.

    Returns:
        points: (n, 2) column and row of the rings' vertices in cells from the outer corner of cell (0, 0), rings closed.
        ends: (rings,) where each ring ends in `points`.
        piece: (rings,) which piece it bounds; the pieces' numbers are not contiguous.
        class_of: (rings,) its class.

        A piece's outer ring runs anticlockwise on a map whose north is up, its holes clockwise.

    """
    padded = np.full((classes.shape[0] + 2, classes.shape[1] + 2), OUTSIDE, np.uint8)
    padded[1:-1, 1:-1] = classes
    joined = np.zeros((classes.shape[0] + 1, classes.shape[1] + 1), np.uint8)
    pieces = _pieces(padded, joined)
    edges = _edge_count(padded)
    raw = np.empty((2 * edges + 1, 2), np.int32)
    is_node = np.zeros(2 * edges + 1, np.uint8)
    ends = np.empty(edges + 1, np.int32)
    piece = np.empty(edges + 1, np.int32)
    class_of = np.empty(edges + 1, np.int32)
    rings = _walk(padded, pieces, joined, raw, is_node, ends, piece, class_of)
    ends, piece, class_of = ends[:rings].copy(), piece[:rings].copy(), class_of[:rings].copy()
    points = np.empty((raw.shape[0] + rings, 2), np.float64)
    points_used = _simplify(raw, is_node, ends, 2.0 * TOLERANCE_CELLS, points)
    return points[:points_used] * 0.5, ends, piece, class_of


def warm_up() -> None:
    """Compiles what `trace` needs."""
    trace(np.eye(3, dtype=np.uint8))


@kernel(fastmath=False)
def _root(parent: Ints, index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index


@kernel(fastmath=False)
def _pieces(padded: Classes, joined: Flags) -> Ints:
    """Numbers the pieces, and marks the corners where two cells are joined: 1 for NW and SE, 2 for NE and SW."""
    height, width = padded.shape
    parent = np.arange(height * width).astype(np.int32)
    for row in range(height - 1):
        for column in range(width - 1):
            here = row * width + column
            nw, ne = padded[row, column], padded[row, column + 1]
            sw, se = padded[row + 1, column], padded[row + 1, column + 1]
            # Every pair of neighbours is met at some corner; the last row and column are padding.
            if nw == ne:
                a, b = _root(parent, here), _root(parent, here + 1)
                parent[max(a, b)] = min(a, b)
            if nw == sw:
                a, b = _root(parent, here), _root(parent, here + width)
                parent[max(a, b)] = min(a, b)
            if nw == se and nw not in {ne, sw} and (ne != sw or nw > ne):
                joined[row, column] = 1
                a, b = _root(parent, here), _root(parent, here + width + 1)
                parent[max(a, b)] = min(a, b)
            elif ne == sw and ne not in {nw, se} and (nw != se or ne > nw):
                joined[row, column] = 2
                a, b = _root(parent, here + 1), _root(parent, here + width)
                parent[max(a, b)] = min(a, b)
    pieces = np.empty((height, width), np.int32)
    for row in range(height):
        for column in range(width):
            pieces[row, column] = _root(parent, row * width + column)
    return pieces


@kernel(fastmath=False)
def _edge_count(padded: Classes) -> int:
    """How many edges have a piece above class 0 on one side, counted once for each such side."""
    count = 0
    for row in range(padded.shape[0]):
        for column in range(padded.shape[1]):
            here = padded[row, column]
            if column + 1 < padded.shape[1] and padded[row, column + 1] != here:
                count += _is_wanted(here) + _is_wanted(padded[row, column + 1])
            if row + 1 < padded.shape[0] and padded[row + 1, column] != here:
                count += _is_wanted(here) + _is_wanted(padded[row + 1, column])
    return count


@kernel(fastmath=False, inline="always")
def _is_wanted(value: int) -> int:
    return 1 if 0 < value < OUTSIDE else 0


@kernel(fastmath=False)
def _walk(  # noqa: PLR0917 - a kernel takes its arrays one by one
    padded: Classes,
    pieces: Ints,
    joined: Flags,
    raw: Ints,
    is_node: Flags,
    ends: Ints,
    piece: Ints,
    class_of: Ints,
) -> int:
    """Walks round every piece with the piece on the left; vertices in half cells, open rings. Returns how many rings."""
    height, width = joined.shape
    # Every ring has an eastward edge: each is begun at one, and only those need to be remembered.
    walked = np.zeros((height, width), np.uint8)
    rings = used = 0
    for start_row in range(height):
        for start_column in range(width - 1):
            value = padded[start_row, start_column + 1]
            if (
                not _is_wanted(value)
                or padded[start_row + 1, start_column + 1] == value
                or walked[start_row, start_column]
            ):
                continue
            row, column, way = start_row, start_column, _E
            while True:
                if way == _E:
                    if walked[row, column]:
                        break
                    walked[row, column] = 1
                step_row = 1 if way == _S else (-1 if way == _N else 0)
                step_column = 1 if way == _E else (-1 if way == _W else 0)
                raw[used, 0], raw[used, 1] = 2 * column + step_column, 2 * row + step_row
                is_node[used] = 0
                used += 1
                row, column = row + step_row, column + step_column
                nw, ne = padded[row, column], padded[row, column + 1]
                sw, se = padded[row + 1, column], padded[row + 1, column + 1]
                if way == _E:
                    ahead_left, ahead_right = ne, se
                elif way == _N:
                    ahead_left, ahead_right = nw, ne
                elif way == _W:
                    ahead_left, ahead_right = sw, nw
                else:
                    ahead_left, ahead_right = se, sw
                if _meets(nw, ne, sw, se) and joined[row, column] == 0:
                    raw[used, 0], raw[used, 1] = 2 * column, 2 * row
                    is_node[used] = 1
                    used += 1
                if ahead_left == value:
                    if ahead_right == value:
                        way = (way + 3) % 4
                elif ahead_right == value and joined[row, column] == (1 if way in {_E, _W} else 2):
                    way = (way + 3) % 4
                else:
                    way = (way + 1) % 4
            ends[rings] = used
            piece[rings] = pieces[start_row, start_column + 1]
            class_of[rings] = value
            rings += 1
    return rings


@kernel(fastmath=False, inline="always")
def _meets(nw: int, ne: int, sw: int, se: int) -> bool:
    """Whether the outline runs through this corner: more than two classes meet, or it is a corner of the raster."""
    changes = int(nw != ne) + int(ne != se) + int(se != sw) + int(sw != nw)
    outside = int(nw == OUTSIDE) + int(ne == OUTSIDE) + int(sw == OUTSIDE) + int(se == OUTSIDE)
    return changes > 2 or outside == 3


@kernel(fastmath=False)
def _simplify(raw: Ints, is_node: Flags, ends: Ints, tolerance: float, points: NDArray[np.float64]) -> int:
    """Writes the rings simplified and closed, and changes `ends` to where they end there. Returns how many points."""
    longest = start = 0
    for end in ends:
        longest = max(longest, end - start)
        start = end
    arc = np.empty((longest + 1, 2), np.int32)
    keep = np.empty(longest + 1, np.uint8)
    stack = np.empty((longest + 2, 2), np.int32)
    start = used = 0
    for ring in range(ends.shape[0]):
        end = ends[ring]
        size = end - start
        # An arc has to begin at the same place whichever side it is seen from: at a node, else at the least vertex.
        first = -1
        for index in range(size):
            if is_node[start + index]:
                first = index
                break
        if first < 0:
            first = 0
            for index in range(1, size):
                if _before(raw[start + index], raw[start + first]):
                    first = index
        ring_begins = used
        begin = 0
        while begin < size:
            length = 1
            while begin + length < size and not is_node[start + (first + begin + length) % size]:
                length += 1
            for index in range(length + 1):
                arc[index] = raw[start + (first + begin + index) % size]
            kept = _arc(arc[: length + 1], tolerance, keep, stack, points, used)
            used += kept - 1  # its end is the next one's begin
            begin += length
        points[used] = points[ring_begins]
        used += 1
        start = end
        ends[ring] = used
    return used


@kernel(fastmath=False, inline="always")
def _before(one: Ints, other: Ints) -> bool:
    return bool(one[1] < other[1] or (one[1] == other[1] and one[0] < other[0]))


@kernel(fastmath=False)
def _arc(  # noqa: PLR0917 - a kernel takes its arrays one by one
    arc: Ints, tolerance: float, keep: Flags, stack: Ints, points: NDArray[np.float64], used: int
) -> int:
    """Writes the kept points of one arc in its own direction; returns how many."""
    last = arc.shape[0] - 1
    keep[: last + 1] = 0
    keep[0] = keep[last] = 1
    # Ties are broken by the place, not by the direction, so that both sides choose alike.
    depth = 1
    stack[0, 0], stack[0, 1] = 0, last
    while depth > 0:
        depth -= 1
        low, high = stack[depth, 0], stack[depth, 1]
        if high - low < 2:
            continue
        ax, ay = float(arc[low, 0]), float(arc[low, 1])
        dx, dy = arc[high, 0] - ax, arc[high, 1] - ay
        span = dx * dx + dy * dy
        worst, at = -1.0, low
        for index in range(low + 1, high):
            px, py = arc[index, 0] - ax, arc[index, 1] - ay
            along = px * dx + py * dy
            if span == 0.0 or along <= 0.0:
                square = px * px + py * py
            elif along >= span:
                square = (px - dx) ** 2 + (py - dy) ** 2
            else:
                square = (px * dy - py * dx) ** 2 / span
            if square > worst + 1e-9 or (square > worst - 1e-9 and _before(arc[index], arc[at])):
                worst, at = square, index
        if worst > tolerance * tolerance:
            keep[at] = 1
            stack[depth, 0], stack[depth, 1] = low, at
            stack[depth + 1, 0], stack[depth + 1, 1] = at, high
            depth += 2
    kept = 0
    for index in range(last + 1):
        if keep[index]:
            points[used + kept, 0], points[used + kept, 1] = arc[index, 0], arc[index, 1]
            kept += 1
    return kept
