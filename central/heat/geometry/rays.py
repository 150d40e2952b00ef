# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""The ray kernels: what of the sky each cell sees, and which cells the sun reaches.

A ray is followed for a whole block of 128 cells at once: at step k every cell looks at the cell that lies the same
offset away, lowered by what the ray has risen. A building blocks where that is higher than the start. A canopy blocks
where its top, lowered by the rise of the step before, is above the start while its underside, lowered by this step's
rise, is not: the ray has then crossed the crown between two steps.
"""

import numpy as np
from numba import prange

from central.heat.compiled import kernel
from central.heat.geometry.blocks import BLOCK, NOWHERE_LOW, BlockedHeights
from central.heat.geometry.dome import PATCHES, WORDS
from central.heat.geometry.march import March
from central.heat.geometry.types import Bytes, Floats32, Integers, Words

CROSSED_M = np.float32(1e-6)
BUSH_BELOW_M = np.float32(1.0)
"""A crown that begins lower than this above the ground is a bush: who stands in its cell has leaves all around."""
ZERO = np.float32(0.0)
ONE = np.float32(1.0)
ZENITH = PATCHES - 1

SHADED_BY_BUILDING = np.uint8(0)
SHADED_BY_CANOPY = np.uint8(1)
SUNLIT = np.uint8(2)


@kernel(inline="always")
def _follow(
    heights: BlockedHeights,
    row: int,
    block: int,
    ray: March,
    first: int,
    last: int,
    start: Floats32,
    horizon: Floats32,
    crossing: Floats32,
) -> None:
    """Follow steps ``first`` to ``last`` of the ray from one block.

    Leaves the highest lowered building in ``horizon`` and the deepest crossing of a crown in ``crossing``, (128,) each.
    """
    rows, width = heights.solid.shape
    floor = heights.block_floor[row, block]
    rise_before = ZERO
    origin = block * BLOCK + BLOCK
    for step in range(first, last):
        other_row = row + ray.rows[step]
        other = origin + ray.columns[step]
        if other_row < 0 or other_row >= rows or other <= 0 or other + BLOCK >= width:
            break
        rise = ray.rise_m[step]
        left = other // BLOCK
        right = (other + BLOCK - 1) // BLOCK
        if max(heights.any_block_top[other_row, left], heights.any_block_top[other_row, right]) - rise_before > floor:
            if max(heights.solid_block_top[other_row, left], heights.solid_block_top[other_row, right]) - rise > floor:
                for i in range(BLOCK):
                    horizon[i] = max(horizon[i], heights.solid[other_row, other + i] - rise)
            if (
                max(heights.canopy_block_top[other_row, left], heights.canopy_block_top[other_row, right]) - rise_before
                > floor
            ):
                for i in range(BLOCK):
                    below_top = heights.canopy_top[other_row, other + i] - rise_before - start[i]
                    above_base = start[i] + rise - heights.canopy_base[other_row, other + i]
                    crossing[i] = max(crossing[i], min(below_top, above_base))
        rise_before = rise


@kernel(inline="always")
def _begin(heights: BlockedHeights, row: int, block: int, start: Floats32, bush: Floats32) -> None:
    """Where a block's rays begin; ``bush`` is 1 where they begin within a crown, which they then have crossed."""
    origin = block * BLOCK + BLOCK
    for i in range(BLOCK):
        start[i] = heights.solid[row, origin + i]
        bush[i] = ZERO
    if heights.canopy_block_top[row, block + 1] > heights.block_floor[row, block]:
        for i in range(BLOCK):
            is_above = heights.canopy_top[row, origin + i] > start[i]
            is_low = heights.canopy_base[row, origin + i] - start[i] < BUSH_BELOW_M
            bush[i] = ONE if is_above and is_low else ZERO


@kernel(parallel=True)
def cast_shadow(heights: BlockedHeights, ray: March, shade: Bytes) -> None:
    """Write into ``shade`` (rows, blocks * 128) what stands between each cell and the sun."""
    rows, blocks = heights.block_floor.shape
    for row in prange(rows):
        start = np.empty(BLOCK, np.float32)
        horizon = np.empty(BLOCK, np.float32)
        crossing = np.empty(BLOCK, np.float32)
        for block in range(blocks):
            _begin(heights, row, block, start, crossing)
            for i in range(BLOCK):
                horizon[i] = NOWHERE_LOW
            _follow(heights, row, block, ray, 0, ray.rows.size, start, horizon, crossing)
            for i in range(BLOCK):
                shade[row, block * BLOCK + i] = (
                    SHADED_BY_BUILDING
                    if horizon[i] > start[i]
                    else (SHADED_BY_CANOPY if crossing[i] > CROSSED_M else SUNLIT)
                )


@kernel(parallel=True)
def see_sky(
    heights: BlockedHeights,
    rays: March,
    ray_starts: Integers,
    word_of: Integers,
    bit_of: Integers,
    first_row: int,
    last_row: int,
    blocked: Words,
) -> None:
    """Set the bits of ``blocked`` (rows, blocks, 6, 128) for some rows: words 0-2 by buildings, 3-5 by trees alone."""
    blocks = heights.block_floor.shape[1]
    for row in prange(first_row, last_row):
        start = np.empty(BLOCK, np.float32)
        horizon = np.empty(BLOCK, np.float32)
        bush = np.empty(BLOCK, np.float32)
        crossing = np.empty(BLOCK, np.float32)
        bits = np.empty((2 * WORDS, BLOCK), np.uint64)
        for block in range(blocks):
            _begin(heights, row, block, start, bush)
            bits[:] = 0
            for patch in range(ZENITH):
                for i in range(BLOCK):
                    horizon[i] = NOWHERE_LOW
                    crossing[i] = bush[i]
                _follow(heights, row, block, rays, ray_starts[patch], ray_starts[patch + 1], start, horizon, crossing)
                word = word_of[patch]
                flag = np.uint64(1) << np.uint64(bit_of[patch])
                none = np.uint64(0)
                for i in range(BLOCK):
                    by_building = horizon[i] > start[i]
                    bits[word, i] |= flag if by_building else none
                    bits[WORDS + word, i] |= flag if (crossing[i] > CROSSED_M and not by_building) else none
            # Straight up only the canopy over the cell itself can stand in the way.
            zenith = np.uint64(1) << np.uint64(bit_of[ZENITH])
            for i in range(BLOCK):
                if heights.canopy_top[row, block * BLOCK + BLOCK + i] > start[i]:
                    bits[WORDS + word_of[ZENITH], i] |= zenith
            for word in range(2 * WORDS):
                for i in range(BLOCK):
                    blocked[row, block, word, i] = bits[word, i]
