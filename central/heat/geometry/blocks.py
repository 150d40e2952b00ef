"""Heights laid out for the kernels: rows padded to whole blocks of 128 cells, the highest of each block beside them.

Every inner loop then has the same known number of turns, which is what lets the compiler use wide registers, and most
steps of a ray are skipped after one look at the block's highest cell.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import prange

from central.heat.compiled import PARALLEL, kernel

Floats32 = npt.NDArray[np.float32]

BLOCK = 128
"""Cells in a block. Half or twice as many is slower by a tenth on the machines tried."""

NOWHERE_LOW = np.float32(-1e9)
NOWHERE_HIGH = np.float32(1e9)


@dataclass(frozen=True, eq=False)
class BlockedHeights:
    """Heights above sea level [m]; ``columns`` is rounded up to whole blocks, one empty block stands on either side.

    Padded arrays are (rows, (blocks + 2) * 128), block arrays (rows, blocks + 2), ``floor`` (rows, blocks).
    """

    solid: Floats32
    """Ground and buildings."""
    canopy_top: Floats32
    """Top of the canopy, far below everything where there is none."""
    canopy_base: Floats32
    """Underside of the canopy, far above everything where there is none."""
    solid_block_top: Floats32
    canopy_block_top: Floats32
    any_block_top: Floats32
    block_floor: Floats32
    """Lowest ground or roof of each block, without the empty blocks."""

    @property
    def relief_m(self) -> float:
        """Height of the highest thing above the lowest ground [m]."""
        return float(self.any_block_top.max() - self.block_floor.min())


@kernel(parallel=True)
def _lay_out(solid_in, top_in, base_in, solid, canopy_top, canopy_base, solid_top, canopy_block_top, any_top, floor):  # type: ignore[no-untyped-def]
    rows, columns = solid_in.shape
    blocks = floor.shape[1]
    for row in prange(rows):
        for column in range(solid.shape[1]):
            solid[row, column] = NOWHERE_LOW
            canopy_top[row, column] = NOWHERE_LOW
            canopy_base[row, column] = NOWHERE_HIGH
        for column in range(columns):
            solid[row, column + BLOCK] = solid_in[row, column]
            canopy_top[row, column + BLOCK] = top_in[row, column]
            canopy_base[row, column + BLOCK] = base_in[row, column]
        for block in range(blocks):
            highest = NOWHERE_LOW
            highest_canopy = NOWHERE_LOW
            lowest = NOWHERE_HIGH
            for column in range(block * BLOCK, min(columns, block * BLOCK + BLOCK)):
                highest = max(highest, solid_in[row, column])
                highest_canopy = max(highest_canopy, top_in[row, column])
                lowest = min(lowest, solid_in[row, column])
            solid_top[row, block + 1] = highest
            canopy_block_top[row, block + 1] = highest_canopy
            any_top[row, block + 1] = max(highest, highest_canopy)
            floor[row, block] = lowest
        for edge in (0, blocks + 1):
            solid_top[row, edge] = NOWHERE_LOW
            canopy_block_top[row, edge] = NOWHERE_LOW
            any_top[row, edge] = NOWHERE_LOW


def lay_out(solid: Floats32, canopy_top: Floats32, canopy_base: Floats32) -> BlockedHeights:
    """Lay (rows, columns) heights [m] out in padded rows and blocks."""
    rows, columns = solid.shape
    blocks = -(-columns // BLOCK)
    padded = [np.empty((rows, (blocks + 2) * BLOCK), dtype=np.float32) for _ in range(3)]
    tops = [np.empty((rows, blocks + 2), dtype=np.float32) for _ in range(3)]
    floor = np.empty((rows, blocks), dtype=np.float32)
    with PARALLEL:
        _lay_out(solid, canopy_top, canopy_base, *padded, *tops, floor)
    return BlockedHeights(*padded, *tops, floor)
