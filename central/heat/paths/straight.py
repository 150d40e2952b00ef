# ruff: noqa: PLR0917 - a kernel takes its arrays one by one
"""Pulls a walk over open ground straight, as a string is pulled.

A network over open ground has so many directions; a walk on it goes in steps where a person would walk straight. The line that is offered
is the best one through some of the walk's places (a shortest path over the straight pieces between them that are clear), whose
corners are then moved as long as that helps. Every change leaves the walk no longer than it was and no dearer in ``per_m * length +
per_dose * dose``, the price that it was searched with.
"""

from typing import NamedTuple

import numpy as np

from central.heat.compiled import kernel
from central.heat.geometry.types import Bytes, Floats32, Integers
from central.heat.paths.walker import is_clear

PROBE_CELLS = 0.5
"""A walk is looked at every half cell."""
REACH_PLACES = 12
"""A straight piece replaces this many pieces at most in one pass; a long one comes about in several passes."""
PASSES_MAX = 12
ROUNDS_MAX = 4
SWEEPS_MAX = 8
LEAST_GAIN = 1e-9
"""A smaller share of a price is a rounding error."""
STEPS = np.array(
    [(4 * row, 4 * column) for row in (-1, 0, 1) for column in (-1, 0, 1) if (row, column) != (0, 0)]
    + [(row, column) for row in range(-2, 3) for column in range(-2, 3) if (row, column) != (0, 0)],
    dtype=np.int64,
)
"""(rows, columns) where a corner is tried, far ones first."""


class Ground(NamedTuple):
    """What a walk lies on, and what it costs there."""

    clearance: Bytes
    """(rows, columns) see ``walker.clearance_of``."""
    field: Floats32
    """(rows, columns) UTCI or WBGT [degC], finite."""
    threshold: float
    """What lies below it costs nothing [degC]."""
    per_cell: float
    """Price of one cell's length."""
    per_excess: float
    """Price of one cell's length at one degree above the threshold."""


@kernel(fastmath=False)
def excess_between(field: Floats32, threshold: float, x0: float, y0: float, x1: float, y1: float) -> float:
    """Mean of how far the field exceeds the threshold on the straight line between two places, in cells; see ``Network``."""
    rows, columns = field.shape
    across, down = x1 - x0, y1 - y0
    probes = max(1, int(np.ceil(np.sqrt(across * across + down * down) / PROBE_CELLS)))
    every_x, every_y = across / probes, down / probes
    from_x, from_y = x0 + 0.5 * every_x, y0 + 0.5 * every_y
    total = 0.0
    for probe in range(probes):
        row = min(max(int(from_y + probe * every_y), 0), rows - 1)
        column = min(max(int(from_x + probe * every_x), 0), columns - 1)
        total += max(float(field[row, column]) - threshold, 0.0)
    return total / probes


@kernel(fastmath=False)
def excess_along(field: Floats32, threshold: float, x: Floats32, y: Floats32) -> float:
    """Integral of the excess over the length of a line of straight pieces, in degrees times cells."""
    total = 0.0
    for at in range(x.size - 1):
        x0, y0, x1, y1 = float(x[at]), float(y[at]), float(x[at + 1]), float(y[at + 1])
        total += excess_between(field, threshold, x0, y0, x1, y1) * np.hypot(x1 - x0, y1 - y0)
    return total


@kernel(fastmath=False)
def _cells_between(row: int, column: int, to_row: int, to_column: int) -> float:
    return float(np.hypot(float(to_row - row), float(to_column - column)))


@kernel(fastmath=False)
def _price(ground: Ground, row: int, column: int, to_row: int, to_column: int) -> float:
    """Price of a straight piece."""
    excess = 0.0
    if ground.per_excess > 0.0:
        excess = excess_between(ground.field, ground.threshold, column + 0.5, row + 0.5, to_column + 0.5, to_row + 0.5)
    return _cells_between(row, column, to_row, to_column) * (ground.per_cell + ground.per_excess * excess)


@kernel(fastmath=False)
def _choose(ground: Ground, rows: Integers, columns: Integers, size: int) -> int:
    """Keeps the places of the best line through some of them, in front; how many they are."""
    best = np.full(size, np.inf)
    before = np.zeros(size, np.int64)
    best[0] = 0.0
    for place in range(1, size):
        for start in range(place - 1, max(-1, place - 1 - REACH_PLACES), -1):
            # Of two equal lines the one with fewer corners is taken: it comes later.
            enough = best[place] * (1.0 + LEAST_GAIN)
            least = best[start] + ground.per_cell * _cells_between(
                rows[start], columns[start], rows[place], columns[place]
            )
            if least > enough:
                continue
            # Places that follow each other are joined by a piece of the network.
            if start < place - 1 and not is_clear(
                ground.clearance, rows[start], columns[start], rows[place], columns[place]
            ):
                continue
            reached = best[start] + _price(ground, rows[start], columns[start], rows[place], columns[place])
            if reached <= enough:
                best[place] = min(reached, best[place])
                before[place] = start
    kept = np.empty(size, np.int64)
    count, place = 0, size - 1
    while place > 0:
        kept[count] = place
        count, place = count + 1, before[place]
    for at in range(count):
        rows[at + 1], columns[at + 1] = rows[kept[count - 1 - at]], columns[kept[count - 1 - at]]
    return count + 1


@kernel(fastmath=False)
def _move_corner(ground: Ground, rows: Integers, columns: Integers, at: int) -> bool:
    """Moves one corner to a better cell nearby; whether there was one."""
    clearance = ground.clearance
    r0, c0, r1, c1 = rows[at - 1], columns[at - 1], rows[at + 1], columns[at + 1]
    row, column = rows[at], columns[at]
    length = _cells_between(r0, c0, row, column) + _cells_between(row, column, r1, c1)
    price = _price(ground, r0, c0, row, column) + _price(ground, row, column, r1, c1)
    for step in range(STEPS.shape[0]):
        to_row, to_column = row + STEPS[step, 0], column + STEPS[step, 1]
        if not (0 <= to_row < clearance.shape[0] and 0 <= to_column < clearance.shape[1]):
            continue
        moved = _cells_between(r0, c0, to_row, to_column) + _cells_between(to_row, to_column, r1, c1)
        if moved > length or ground.per_cell * moved >= price * (1.0 - LEAST_GAIN):
            continue
        if not (is_clear(clearance, r0, c0, to_row, to_column) and is_clear(clearance, to_row, to_column, r1, c1)):
            continue
        reached = _price(ground, r0, c0, to_row, to_column) + _price(ground, to_row, to_column, r1, c1)
        if reached < price * (1.0 - LEAST_GAIN):
            rows[at], columns[at] = to_row, to_column
            return True
    return False


@kernel(fastmath=False)
def pull(ground: Ground, rows: Integers, columns: Integers) -> int:
    """Pulls a walk straight where it lies: its corners are then the first of its cells; how many they are is the answer.

    Args:
        ground: what it lies on.
        rows: (places,) cells of the walk, one or more, changed in place; between those that follow each other the way is clear.
        columns: the same.
    """
    size = rows.size
    for _ in range(ROUNDS_MAX):
        for _ in range(PASSES_MAX):
            was, size = size, _choose(ground, rows, columns, size)
            if size == was:
                break
        has_moved = False
        is_settled = np.zeros(size, np.bool_)
        for _ in range(SWEEPS_MAX):
            moved = 0
            for at in range(1, size - 1):
                if is_settled[at]:
                    continue
                is_settled[at] = True
                if _move_corner(ground, rows, columns, at):
                    # It may be moved again, and so may its neighbours now.
                    is_settled[at - 1 : at + 2] = False
                    moved += 1
            has_moved = has_moved or moved > 0
            if moved == 0:
                break
        if not has_moved:
            break
    return size
