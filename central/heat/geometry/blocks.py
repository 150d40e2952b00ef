"""Heights laid out for the kernels: rows padded to whole blocks of 128 cells, the highest of each block beside them.

Every inner loop then has the same known number of turns, which is what lets the compiler use wide registers, and most
steps of a ray are skipped after one look at the block's highest cell.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from central.heat.compiled import PARALLEL, kernel
from central.heat.geometry.types import Floats32

BLOCK = 128
"""Cells in a block. Half or twice as many is slower by a tenth on the machines tried."""

NOWHERE_LOW = np.float32(-1e9)
NOWHERE_HIGH = np.float32(1e9)


class BlockedHeights(NamedTuple):
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
def _lay_out(solid: Floats32, canopy_top: Floats32, canopy_base: Floats32, out: BlockedHeights) -> None:
    rows, columns = solid.shape
    blocks = out.block_floor.shape[1]
    # Named here, because a parallel loop must not reach into the tuple itself.
    solid_out, top_out, base_out = out.solid, out.canopy_top, out.canopy_base
    solid_tops, canopy_tops, any_tops = out.solid_block_top, out.canopy_block_top, out.any_block_top
    floors = out.block_floor
    for row in prange(rows):
        for column in range(solid_out.shape[1]):
            solid_out[row, column] = NOWHERE_LOW
            top_out[row, column] = NOWHERE_LOW
            base_out[row, column] = NOWHERE_HIGH
        for column in range(columns):
            solid_out[row, column + BLOCK] = solid[row, column]
            top_out[row, column + BLOCK] = canopy_top[row, column]
            base_out[row, column + BLOCK] = canopy_base[row, column]
        for block in range(blocks):
            highest = NOWHERE_LOW
            highest_canopy = NOWHERE_LOW
            lowest = NOWHERE_HIGH
            for column in range(block * BLOCK, min(columns, block * BLOCK + BLOCK)):
                highest = max(highest, solid[row, column])
                highest_canopy = max(highest_canopy, canopy_top[row, column])
                lowest = min(lowest, solid[row, column])
            solid_tops[row, block + 1] = highest
            canopy_tops[row, block + 1] = highest_canopy
            any_tops[row, block + 1] = max(highest, highest_canopy)
            floors[row, block] = lowest
        for edge in (0, blocks + 1):
            solid_tops[row, edge] = NOWHERE_LOW
            canopy_tops[row, edge] = NOWHERE_LOW
            any_tops[row, edge] = NOWHERE_LOW


def lay_out(solid: Floats32, canopy_top: Floats32, canopy_base: Floats32) -> BlockedHeights:
    """Lay (rows, columns) heights [m] out in padded rows and blocks."""
    rows, columns = solid.shape
    blocks = -(-columns // BLOCK)
    padded, tops = (rows, (blocks + 2) * BLOCK), (rows, blocks + 2)
    shapes = (padded, padded, padded, tops, tops, tops, (rows, blocks))
    heights = BlockedHeights._make(np.empty(shape, dtype=np.float32) for shape in shapes)
    with PARALLEL:
        _lay_out(solid, canopy_top, canopy_base, heights)
    return heights
