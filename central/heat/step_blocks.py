# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""What the passes over the city share: a block's sum over patches."""

from typing import Any

import numpy as np

from central.heat.compiled import kernel
from central.heat.geometry.bits import count_bits
from central.heat.geometry.blocks import BLOCK
from central.heat.geometry.types import Bytes, Floats32, Words


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
def load_words(blocked: Words, row: int, block: int, first: int, word_0: Words, word_1: Words, word_2: Words) -> Any:
    """Copy a block's three words from ``first`` on; any bit that is set in them."""
    any_bit = np.uint64(0)
    for i in range(BLOCK):
        word_0[i] = blocked[row, block, first, i]
        word_1[i] = blocked[row, block, first + 1, i]
        word_2[i] = blocked[row, block, first + 2, i]
        any_bit |= word_0[i] | word_1[i] | word_2[i]
    return any_bit


@kernel(inline="always")
def keep_sunlit(levels: Bytes, masks: Words, word_0: Words, word_1: Words, word_2: Words) -> None:
    """Leave the patches whose walls are sunlit, by each cell's level of openness."""
    for i in range(BLOCK):
        level = levels[i]
        word_0[i] &= masks[0, level]
        word_1[i] &= masks[1, level]
        word_2[i] &= masks[2, level]
