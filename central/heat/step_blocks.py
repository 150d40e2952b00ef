# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""What the passes over the city share: a block's sum over patches, and its WBGT out of the tables."""

from typing import Any

import numpy as np

from central.heat.comfort.wbgt_tables import NODES
from central.heat.compiled import kernel
from central.heat.geometry.bits import count_bits
from central.heat.geometry.blocks import BLOCK
from central.heat.geometry.types import Floats32, Words

LAST_CELL = np.int32(NODES - 2)
NONE = np.int32(0)
GLOBE_SHARE, WICK_SHARE = np.float32(0.2), np.float32(0.7)


@kernel(inline="always")
def add_patches(
    word_0: Words, word_1: Words, word_2: Words, words: Words, scale: Floats32, counts: Words, total: Floats32
) -> None:
    """Add to ``total`` (128,) the weights of the patches set in each cell's three words; see ``bitplanes``."""
    lowest, step = scale[0], scale[1]
    for i in range(BLOCK):
        counts[i] = count_bits(word_0[i]) + count_bits(word_1[i]) + count_bits(word_2[i])
    for i in range(BLOCK):
        total[i] += lowest * np.float32(np.int64(counts[i]))
    for i in range(BLOCK):
        counts[i] = 0
    # Planes outside, cells inside: the counts then run in wide registers.
    for plane in range(words.shape[0]):
        mask_0 = words[plane, 0]
        mask_1 = words[plane, 1]
        mask_2 = words[plane, 2]
        place = np.uint64(plane)
        for i in range(BLOCK):
            counts[i] += (
                count_bits(word_0[i] & mask_0) + count_bits(word_1[i] & mask_1) + count_bits(word_2[i] & mask_2)
            ) << place
    for i in range(BLOCK):
        total[i] += step * np.float32(np.int64(counts[i]))


@kernel(inline="always")
def globe_and_wick(globe_flat: Floats32, wick_flat: Floats32, x: float, y: float, z: float) -> Any:
    """0.2 of the globe's and 0.7 of the wick's temperature [C]; columns ``x`` and ``z``, row ``y`` of the tables."""
    line = min(max(np.int32(y), NONE), LAST_CELL)
    left = min(max(np.int32(x), NONE), LAST_CELL)
    wick_left = min(max(np.int32(z), NONE), LAST_CELL)
    up = y - np.float32(line)
    along = x - np.float32(left)
    wick_along = z - np.float32(wick_left)
    at = line * NODES + left
    low = globe_flat[at] + along * (globe_flat[at + 1] - globe_flat[at])
    high = globe_flat[at + NODES] + along * (globe_flat[at + NODES + 1] - globe_flat[at + NODES])
    globe = low + up * (high - low)
    at = line * NODES + wick_left
    low = wick_flat[at] + wick_along * (wick_flat[at + 1] - wick_flat[at])
    high = wick_flat[at + NODES] + wick_along * (wick_flat[at + NODES + 1] - wick_flat[at + NODES])
    return GLOBE_SHARE * globe + WICK_SHARE * (low + up * (high - low))
