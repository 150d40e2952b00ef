"""The ray kernels: what of the sky each cell sees, and which cells the sun reaches.

A ray is followed for a whole block of 128 cells at once: at step k every cell looks at the cell that lies the same
offset away, lowered by what the ray has risen. A building blocks where that is higher than the start. A canopy blocks
where its top, lowered by the rise of the step before, is above the start while its underside, lowered by this step's
rise, is not: the ray has then crossed the crown between two steps.
"""

import numpy as np
from numba import prange

from central.heat.compiled import kernel
from central.heat.geometry.blocks import BLOCK, NOWHERE_LOW
from central.heat.geometry.dome import PATCHES, WORDS

CROSSED_M = np.float32(1e-6)
ZERO = np.float32(0.0)
ZENITH = PATCHES - 1

SHADED_BY_BUILDING = np.uint8(0)
SHADED_BY_CANOPY = np.uint8(1)
SUNLIT = np.uint8(2)


@kernel(inline="always")
def _follow(
    solid, canopy_top, canopy_base, solid_block_top, canopy_block_top, any_block_top,
    row, block, floor, step_rows, step_columns, rise, first, last, start, horizon, crossing,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Fill ``horizon`` (128,) with the highest lowered building and ``crossing`` (128,) with the deepest crown crossing."""
    rows, width = solid.shape
    rise_before = ZERO
    origin = block * BLOCK + BLOCK
    for step in range(first, last):
        other_row = row + step_rows[step]
        other = origin + step_columns[step]
        if other_row < 0 or other_row >= rows or other <= 0 or other + BLOCK >= width:
            break
        lowered = rise[step]
        left = other // BLOCK
        right = (other + BLOCK - 1) // BLOCK
        if max(any_block_top[other_row, left], any_block_top[other_row, right]) - rise_before > floor:
            if max(solid_block_top[other_row, left], solid_block_top[other_row, right]) - lowered > floor:
                for i in range(BLOCK):
                    horizon[i] = max(horizon[i], solid[other_row, other + i] - lowered)
            if max(canopy_block_top[other_row, left], canopy_block_top[other_row, right]) - rise_before > floor:
                for i in range(BLOCK):
                    below_top = canopy_top[other_row, other + i] - rise_before - start[i]
                    above_base = start[i] + lowered - canopy_base[other_row, other + i]
                    crossing[i] = max(crossing[i], min(below_top, above_base))
        rise_before = lowered


@kernel(parallel=True)
def cast_shadow(
    solid, canopy_top, canopy_base, solid_block_top, canopy_block_top, any_block_top, block_floor,
    step_rows, step_columns, rise, shade,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Write into ``shade`` (rows, blocks * 128) uint8 what stands between each cell and the sun."""
    rows, blocks = block_floor.shape
    for row in prange(rows):
        start = np.empty(BLOCK, np.float32)
        horizon = np.empty(BLOCK, np.float32)
        crossing = np.empty(BLOCK, np.float32)
        for block in range(blocks):
            for i in range(BLOCK):
                start[i] = solid[row, block * BLOCK + BLOCK + i]
                horizon[i] = NOWHERE_LOW
                crossing[i] = ZERO
            _follow(
                solid, canopy_top, canopy_base, solid_block_top, canopy_block_top, any_block_top,
                row, block, block_floor[row, block], step_rows, step_columns, rise, 0, rise.size,
                start, horizon, crossing,
            )  # fmt: skip
            for i in range(BLOCK):
                shade[row, block * BLOCK + i] = (
                    SHADED_BY_BUILDING
                    if horizon[i] > start[i]
                    else (SHADED_BY_CANOPY if crossing[i] > CROSSED_M else SUNLIT)
                )


@kernel(parallel=True)
def see_sky(
    solid, canopy_top, canopy_base, solid_block_top, canopy_block_top, any_block_top, block_floor,
    step_rows, step_columns, rise, ray_starts, word_of, bit_of, first_row, last_row, blocked,
):  # type: ignore[no-untyped-def]  # fmt: skip
    """Set the bits of ``blocked`` (rows, blocks, 6, 128) for some rows: words 0-2 by buildings, 3-5 by trees only."""
    blocks = block_floor.shape[1]
    for row in prange(first_row, last_row):
        start = np.empty(BLOCK, np.float32)
        horizon = np.empty(BLOCK, np.float32)
        crossing = np.empty(BLOCK, np.float32)
        bits = np.empty((2 * WORDS, BLOCK), np.uint64)
        for block in range(blocks):
            for i in range(BLOCK):
                start[i] = solid[row, block * BLOCK + BLOCK + i]
            bits[:] = 0
            for patch in range(ZENITH):
                for i in range(BLOCK):
                    horizon[i] = NOWHERE_LOW
                    crossing[i] = ZERO
                _follow(
                    solid, canopy_top, canopy_base, solid_block_top, canopy_block_top, any_block_top,
                    row, block, block_floor[row, block], step_rows, step_columns, rise,
                    ray_starts[patch], ray_starts[patch + 1], start, horizon, crossing,
                )  # fmt: skip
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
                if canopy_top[row, block * BLOCK + BLOCK + i] > start[i]:
                    bits[WORDS + word_of[ZENITH], i] |= zenith
            for word in range(2 * WORDS):
                for i in range(BLOCK):
                    blocked[row, block, word, i] = bits[word, i]
