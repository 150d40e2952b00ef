"""Where the points of borders go once they are chosen; see `areas.lines`."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel

MOVE_MAX: Final = 0.7
"""How far a point may go from its middle [cells]."""
SHIFT_MAX: Final = 0.2
"""How far all points together may be moved at once to keep the areas' size [cells]."""
BALANCE_TURNS: Final = 3
"""How often: a move that would take a link too far from the border is not made, and the others make up for it."""
INSET: Final = 0.25
"""How near points may come to the edge of the map [cells]."""

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Flags = NDArray[np.uint8]


@kernel(fastmath=False)
def settle_points(  # noqa: PLR0917 - a kernel takes its arrays one by one
    points: Floats,
    arc_ends: Ints,
    allowed: Floats,
    axes: Ints,
    todo: Flags,
    chosen: Ints,
    sizes: Ints,
    extent: tuple[int, int],
    lines: Floats,
) -> Flags:
    """Moves the chosen points of the arcs `todo` (1: with all liberties, 2: not at all).

    Args:
        points: (n, 2) of all arcs, this and the following as `areas_links.choose_points` takes and leaves them.
        arc_ends: (arcs,).
        allowed: (n,).
        axes: (arcs, 2).
        todo: (arcs,) 0 for arcs to pass over.
        chosen: (n,).
        sizes: (arcs,).
        extent: columns and rows of the raster.
        lines: (n, 2) changed.

    Returns:
        (arcs,) 1 for rings that have collapsed or turned inside out.

    """
    collapsed = np.zeros(arc_ends.shape[0], np.uint8)
    end = 0
    for arc in range(arc_ends.shape[0]):
        begin, end = end, arc_ends[arc]
        if not todo[arc]:
            continue
        own, line = points[begin:end], lines[begin : begin + sizes[arc]]
        loops = own[0, 0] == own[-1, 0] and own[0, 1] == own[-1, 1]
        if todo[arc] == 1:
            # A ring without a node begins at a middle, one of whose coordinates is not whole.
            is_ring = loops and own[0, 0] + own[0, 1] != np.floor(own[0, 0] + own[0, 1])
            kept, near = chosen[begin : begin + sizes[arc]], allowed[begin:end]
            _settle(own, near, kept, is_ring, axes[arc], extent, line)
            stairs = _twice_area_of_stairs(own)
            for _ in range(BALANCE_TURNS):
                short = stairs - _twice_area(line) - _cross(own[0], line[0]) - _cross(line[-1], own[-1])
                _balance(own, near, kept, is_ring, short, extent, line)
        if loops:
            area, raw_area = _twice_area(line), _twice_area(own)
            if sizes[arc] < 4 or area * raw_area <= 0.0 or abs(area) < 0.5 * abs(raw_area):
                collapsed[arc] = 1
    return collapsed


@kernel(fastmath=False)
def _settle(  # noqa: PLR0917 - a kernel takes its arrays one by one
    points: Floats, allowed: Floats, chosen: Ints, is_ring: bool, axes: Ints, extent: tuple[int, int], line: Floats
) -> None:
    """Moves the points in `line`, which lie at the `chosen` places, to where the lines fitted through their two links meet.

    Ends stay, or slide along their axis. A point stays where a link of its would leave the tolerance by going.
    """
    links = chosen.shape[0] - 1
    fitted = np.zeros((links, 5))  # a place on the line, its direction, 1 where there is a line
    for link in range(links):
        first, last = chosen[link], chosen[link + 1]
        count = 0.0
        x = y = xx = xy = yy = 0.0
        for at in range(first, last + 1):
            if (at == 0 and not is_ring) or (at == points.shape[0] - 1 and not is_ring):
                continue
            count += 1.0
            x += points[at, 0]
            y += points[at, 1]
        if count < 2.0:
            continue
        x, y = x / count, y / count
        for at in range(first, last + 1):
            if (at == 0 and not is_ring) or (at == points.shape[0] - 1 and not is_ring):
                continue
            dx, dy = points[at, 0] - x, points[at, 1] - y
            xx, xy, yy = xx + dx * dx, xy + dx * dy, yy + dy * dy
        angle = 0.5 * np.arctan2(2.0 * xy, xx - yy)
        fitted[link, 0], fitted[link, 1], fitted[link, 4] = x, y, 1.0
        fitted[link, 2], fitted[link, 3] = np.cos(angle), np.sin(angle)
    settled = line[: links + 1].copy()
    for index in range(links + 1):
        if is_ring and index == links:
            _put(settled, index, settled, 0)
        elif is_ring or 0 < index < links:
            _meet(fitted[index - 1 if index > 0 else links - 1], fitted[index], points[chosen[index]], settled[index])
            settled[index, 0] = min(max(settled[index, 0], INSET), extent[0] - INSET)
            settled[index, 1] = min(max(settled[index, 1], INSET), extent[1] - INSET)
        elif axes[0 if index == 0 else 1] >= 0:
            axis = axes[0 if index == 0 else 1]
            end = fitted[0 if index == 0 else links - 1]
            place = points[chosen[index]]
            if end[4] > 0.0 and abs(end[3 - axis]) > 0.1:
                met = end[axis] + (place[1 - axis] - end[1 - axis]) * end[2 + axis] / end[3 - axis]
                reach = allowed[0 if index == 0 else points.shape[0] - 1]
                met = min(max(met, place[axis] - reach), place[axis] + reach)
                settled[index, axis] = min(max(met, INSET), extent[axis] - INSET)
    _keep_within(points, allowed, chosen, is_ring, line, settled)


@kernel(fastmath=False)
def _balance(  # noqa: PLR0917 - as above
    points: Floats,
    allowed: Floats,
    chosen: Ints,
    is_ring: bool,
    twice_area: float,
    extent: tuple[int, int],
    line: Floats,
) -> None:
    """Moves all points of `line` but its ends to one side by the same little, so that it takes from neither neighbour.

    `twice_area`: how much more than the line the raster's border has on its one side, as sums of x1 y2 - x2 y1.
    """
    links = chosen.shape[0] - 1
    moved = line[: links + 1].copy()
    gain = 0.0
    for turn in range(2):
        for index in range(0 if is_ring else 1, links):
            after, prior = line[index + 1], line[index - 1 if index > 0 else links - 1]
            # Moved by d along the normal of the line past it, a point adds d times that line's length to twice the area.
            nx, ny = after[1] - prior[1], prior[0] - after[0]
            length = np.sqrt(nx * nx + ny * ny)
            if turn == 0:
                gain += length
            elif length > 0.0:
                shift = min(max(twice_area / gain, -SHIFT_MAX), SHIFT_MAX) / length
                moved[index, 0] = min(max(moved[index, 0] + shift * nx, INSET), extent[0] - INSET)
                moved[index, 1] = min(max(moved[index, 1] + shift * ny, INSET), extent[1] - INSET)
    if is_ring:
        _put(moved, links, moved, 0)
    _keep_within(points, allowed, chosen, is_ring, line, moved)


@kernel(fastmath=False)
def _keep_within(  # noqa: PLR0917 - as above
    points: Floats, allowed: Floats, chosen: Ints, is_ring: bool, line: Floats, settled: Floats
) -> None:
    """Takes `settled` over into `line` where its links stay within the tolerance."""
    links = chosen.shape[0] - 1
    # Every link that leaves the tolerance takes both of its points back, which may make its neighbours leave it.
    is_settled = np.ones(links + 1, np.uint8)
    has_changed = True
    while has_changed:
        has_changed = False
        for link in range(links):
            if not (is_settled[link] or is_settled[link + 1]):
                continue
            if not _holds(points, allowed, chosen[link], chosen[link + 1], settled[link], settled[link + 1]):
                for index in range(link, link + 2):
                    _put(settled, index, line, index)
                    is_settled[index] = 0
                if is_ring and (link == 0 or link == links - 1):
                    other = links if link == 0 else 0
                    _put(settled, other, line, other)
                    is_settled[other] = 0
                has_changed = True
    for index in range(links + 1):
        _put(line, index, settled, index)


@kernel(fastmath=False)
def _put(points: Floats, index: int, others: Floats, other: int) -> None:
    points[index, 0], points[index, 1] = others[other, 0], others[other, 1]


@kernel(fastmath=False)
def _meet(one: Floats, other: Floats, place: Floats, met: Floats) -> None:
    """Where two lines meet, or nearly so where that is far from `place`: least squares, held to the place by a weak spring."""
    spring = 0.05
    a, b, c = spring, 0.0, spring
    x = y = 0.0
    for turn in range(2):
        line = one if turn == 0 else other
        if line[4] > 0.0:
            nx, ny = -line[3], line[2]
            off = nx * (line[0] - place[0]) + ny * (line[1] - place[1])
            a, b, c = a + nx * nx, b + nx * ny, c + ny * ny
            x, y = x + nx * off, y + ny * off
    determinant = a * c - b * b
    dx, dy = (c * x - b * y) / determinant, (a * y - b * x) / determinant
    far = max(1.0, np.sqrt(dx * dx + dy * dy) / MOVE_MAX)
    met[0], met[1] = place[0] + dx / far, place[1] + dy / far


@kernel(fastmath=False)
def _holds(  # noqa: PLR0917 - as above
    points: Floats, allowed: Floats, first: int, last: int, begin: Floats, end: Floats
) -> bool:
    """Whether the link passes all its points within what is allowed."""
    dx, dy = end[0] - begin[0], end[1] - begin[1]
    span = dx * dx + dy * dy
    for at in range(first, last + 1):
        px, py = points[at, 0] - begin[0], points[at, 1] - begin[1]
        share = min(max((px * dx + py * dy) / span, 0.0), 1.0) if span > 0.0 else 0.0
        if (px - share * dx) ** 2 + (py - share * dy) ** 2 > allowed[at] ** 2:
            return False
    return True


@kernel(fastmath=False, inline="always")
def _cross(one: Floats, other: Floats) -> float:
    return float(one[0] * other[1] - other[0] * one[1])


@kernel(fastmath=False)
def _twice_area(line: Floats) -> float:
    total = 0.0
    for at in range(line.shape[0] - 1):
        total += _cross(line[at], line[at + 1])
    return total


@kernel(fastmath=False)
def _twice_area_of_stairs(points: Floats) -> float:
    """As `_twice_area`, of the cells' edges that the points are the middles of."""
    total = 0.0
    for at in range(points.shape[0] - 1):
        ax, ay, bx, by = points[at, 0], points[at, 1], points[at + 1, 0], points[at + 1, 1]
        # An edge is upright where its middle lies on a whole column.
        is_upright = ax == np.floor(ax)
        cx, cy = (ax, by) if is_upright else (bx, ay)
        total += ax * cy - cx * ay + cx * by - bx * cy
    return total
