"""Whether a person gets straight from one cell to another."""

import numpy as np

from central.heat.compiled import kernel
from central.heat.geometry.types import Bits, Bytes

HALF_WIDTH_CELLS = 0.2
"""A walker is this far from the line on either side: nobody squeezes through where two buildings touch corners."""
PROBE_CELLS = 2.0 * HALF_WIDTH_CELLS
"""How often the cells beside the line are looked at: the shortest chord of a side in a cell whose corner the line itself touches."""
PROBES_PER_CELL = 1.0 / PROBE_CELLS
CLEARANCE_MAX = 255


def clearance_of(is_walkable: Bits) -> Bytes:
    """(rows, columns) how far the nearest cell is where nobody walks, in steps of a king on a chessboard.

    0 where nobody walks, 1 next to such a cell, CLEARANCE_MAX where there is none as near. What lies beyond the raster does not
    count: a straight line between two of its cells never leaves it.
    """
    clearance = np.where(is_walkable, np.uint8(CLEARANCE_MAX), np.uint8(0))
    _spread(clearance)
    return clearance


@kernel(fastmath=False)
def _spread(clearance: Bytes) -> None:
    """Two sweeps, from either corner (Rosenfeld & Pfaltz 1966)."""
    rows, columns = clearance.shape
    for row in range(rows):
        for column in range(columns):
            least = int(clearance[row, column])
            if row > 0:
                for other in range(max(0, column - 1), min(columns, column + 2)):
                    least = min(least, clearance[row - 1, other] + 1)
            if column > 0:
                least = min(least, clearance[row, column - 1] + 1)
            clearance[row, column] = least
    for row in range(rows - 1, -1, -1):
        for column in range(columns - 1, -1, -1):
            least = int(clearance[row, column])
            if row < rows - 1:
                for other in range(max(0, column - 1), min(columns, column + 2)):
                    least = min(least, clearance[row + 1, other] + 1)
            if column < columns - 1:
                least = min(least, clearance[row, column + 1] + 1)
            clearance[row, column] = least


@kernel(fastmath=False)
def is_clear(clearance: Bytes, row: int, column: int, to_row: int, to_column: int) -> bool:
    """Whether a walker as wide as said above stays on walkable cells all the way between the middles of two cells."""
    down, across = float(to_row - row), float(to_column - column)
    length = np.hypot(down, across)
    if length == 0.0:
        return bool(clearance[row, column] > 0)
    probes = int(np.ceil(length / PROBE_CELLS))
    aside_row, aside_column = -across / length * HALF_WIDTH_CELLS, down / length * HALF_WIDTH_CELLS
    every_row, every_column = down / probes, across / probes
    probe = 0
    while probe <= probes:
        at_row, at_column = row + 0.5 + probe * every_row, column + 0.5 + probe * every_column
        free = int(clearance[int(at_row), int(at_column)])
        if free == 0:
            return False
        if free == 1 and not (
            clearance[int(at_row + aside_row), int(at_column + aside_column)]
            and clearance[int(at_row - aside_row), int(at_column - aside_column)]
        ):
            return False
        # All cells nearer than `free` are walkable: so are both sides of the line for as long as it stays among them.
        probe += max(1, int((free - 1 - HALF_WIDTH_CELLS) * PROBES_PER_CELL))
    return True
