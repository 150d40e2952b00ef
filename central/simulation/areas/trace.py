"""Outlines of a raster of classes as one coverage: neighbours keep one common line, and every ring is simple.

The border of a piece (`areas.pieces`) runs through the middles of the cells' edges. Where three or four classes meet, it runs through
the corner itself. Where two cells are joined at a corner only, it leaves the corner to their side: no ring ever touches itself. The
borders are cut where classes meet, each of these arcs is drawn once (`areas.lines`), and the rings of both its sides are put together
from that one line.
"""

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel
from central.simulation.areas.lines import draw_arcs
from central.simulation.areas.pieces import OUTSIDE, Classes, Flags, Ints, number_pieces, padded_with_outside
from central.simulation.areas.sieve import sieve_gently
from central.simulation.areas.text import point_texts

_E, _N, _W, _S = 0, 1, 2, 3


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
    padded = padded_with_outside(classes)
    joined = np.zeros((classes.shape[0] + 1, classes.shape[1] + 1), np.uint8)
    pieces = number_pieces(padded, joined)
    edges = _edge_count(padded)
    raw = np.empty((2 * edges + 1, 2), np.int32)
    is_node = np.zeros(2 * edges + 1, np.uint8)
    ends = np.empty(edges + 1, np.int32)
    piece = np.empty(edges + 1, np.int32)
    class_of = np.empty(edges + 1, np.int32)
    rings = _walk(padded, pieces, joined, raw, is_node, ends, piece, class_of)
    ends, piece, class_of = ends[:rings].copy(), piece[:rings].copy(), class_of[:rings].copy()
    middles = np.zeros((2 * classes.shape[0] + 1, classes.shape[1] + 1), np.int32)
    steps, arc_ends, ring_arcs, ring_ends = _arcs(raw, is_node, ends, middles)
    lines, line_ends = draw_arcs(steps, arc_ends, middles, classes.shape)
    points, ends = _rings(ring_arcs, ring_ends, lines, line_ends)
    return points, ends, piece, class_of


def warm_up() -> None:
    """Compiles what heat areas need."""
    classes, _ = sieve_gently(np.eye(3, dtype=np.uint8), 2)
    points, *_ = trace(classes)
    point_texts(points, 1)


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
                elif ahead_right == value and joined[row, column] == (1 if way % 2 == _E else 2):
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
def _arcs(raw: Ints, is_node: Flags, ends: Ints, middles: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Cuts the rings at the nodes into arcs, each kept once.

    `middles`: (2 rows + 1, columns + 1) zeros; becomes 1 + the place in `steps` of the middle at half cells (x, y) in [y, x // 2].

    Returns:
        steps: (n, 2) column and row in half cells of each arc's points, both ends included.
        arc_ends: (arcs,) where each ends in `steps`.
        ring_arcs: the arcs of each ring in its order: number + 1, negative where the ring runs against the arc.
        ring_ends: (rings,) where each ring ends in `ring_arcs`.

    """
    count = raw.shape[0]
    steps = np.empty((2 * count, 2), np.int32)
    arc_of = np.empty(2 * count, np.int32)
    arc_ends = np.empty(count, np.int32)
    ring_arcs = np.empty(count, np.int32)
    ring_ends = np.empty(ends.shape[0], np.int32)
    arcs = used = listed = start = 0
    for ring in range(ends.shape[0]):
        size = ends[ring] - start
        first = -1
        for index in range(size):
            if is_node[start + index]:
                first = index
                break
        if first < 0:
            # Begun where it bends most, since the line of a ring keeps the point that it begins at.
            first = _bend(raw[start : ends[ring]])
        begin = 0
        while begin < size:
            length = 1
            while begin + length < size and not is_node[start + (first + begin + length) % size]:
                length += 1
            # Between two nodes lies at least one middle; a ring without nodes begins at one.
            known = 0
            for index in range(2):
                place = start + (first + begin + index) % size
                if not is_node[place]:
                    known = middles[raw[place, 1], raw[place, 0] // 2]
                    break
            if known:
                ring_arcs[listed] = -1 - arc_of[known - 1]
            else:
                for index in range(length + 1):
                    place = start + (first + begin + index) % size
                    steps[used, 0], steps[used, 1] = raw[place, 0], raw[place, 1]
                    arc_of[used] = arcs
                    if not is_node[place] and middles[raw[place, 1], raw[place, 0] // 2] == 0:
                        middles[raw[place, 1], raw[place, 0] // 2] = used + 1
                    used += 1
                arc_ends[arcs] = used
                arcs += 1
                ring_arcs[listed] = arcs
            listed += 1
            begin += length
        ring_ends[ring] = listed
        start = ends[ring]
    return steps[:used].copy(), arc_ends[:arcs].copy(), ring_arcs[:listed].copy(), ring_ends


@kernel(fastmath=False)
def _bend(ring: Ints) -> int:
    """The place round which a closed line of middles bends most; the first of them."""
    count = ring.shape[0]
    span = min(4, count // 4)
    best, least = 0, 1_000_000
    for at in range(count):
        one, other = ring[at - span], ring[(at + span) % count]
        square = (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2
        if square < least:
            best, least = at, square
    return best


@kernel(fastmath=False)
def _rings(
    ring_arcs: Ints, ring_ends: Ints, lines: NDArray[np.float64], line_ends: Ints
) -> tuple[NDArray[np.float64], Ints]:
    """Puts the drawn arcs together to closed rings."""
    count = ring_ends.shape[0]
    for at in range(ring_arcs.shape[0]):
        arc = abs(ring_arcs[at]) - 1
        count += line_ends[arc] - (line_ends[arc - 1] if arc else 0) - 1
    points = np.empty((count, 2), np.float64)
    ends = np.empty(ring_ends.shape[0], np.int32)
    used = at = 0
    for ring in range(ring_ends.shape[0]):
        ring_begins = used
        while at < ring_ends[ring]:
            arc = abs(ring_arcs[at]) - 1
            begin, end = (line_ends[arc - 1] if arc else 0), line_ends[arc]
            for index in range(end - begin - 1):  # its end is the next one's begin
                place = begin + index if ring_arcs[at] > 0 else end - 1 - index
                points[used, 0], points[used, 1] = lines[place, 0], lines[place, 1]
                used += 1
            at += 1
        points[used, 0], points[used, 1] = points[ring_begins, 0], points[ring_begins, 1]
        used += 1
        ends[ring] = used
    return points, ends
