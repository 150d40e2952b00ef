# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""Sky view factors from the packed bits."""

import numpy as np
from numba import prange

from central.heat.compiled import PARALLEL, kernel
from central.heat.geometry.bits import count_bits
from central.heat.geometry.blocks import BLOCK
from central.heat.geometry.dome import BAND_PATCHES, BAND_WORD, PATCHES, WORDS, pack, sky_dome
from central.heat.geometry.types import Bits, Bytes, Floats32, Integers, Words

BANDS = len(BAND_PATCHES)
CANOPY_TRANSMISSIVITY = 0.03
"""Short-wave radiation that passes a crown in leaf (Konarska et al. 2014, Theor. Appl. Climatol. 117:363-376)."""
OPENNESS_LEVELS = 256
"""Sky views are told apart in this many levels where the height of the surrounding walls is looked up."""


@kernel(parallel=True)
def _sky_view(
    blocked: Words,
    band_mask: Words,
    band_word: Integers,
    band_share: Floats32,
    by_buildings: Floats32,
    by_trees: Floats32,
    level: Bytes,
) -> None:
    rows, blocks = blocked.shape[:2]
    for row in prange(rows):
        for block in range(blocks):
            for i in range(BLOCK):
                open_sky = np.float32(1.0)
                tree_free = np.float32(1.0)
                for band in range(BANDS):
                    word = band_word[band]
                    open_sky -= band_share[band] * np.float32(
                        np.int64(count_bits(blocked[row, block, word, i] & band_mask[band]))
                    )
                    tree_free -= band_share[band] * np.float32(
                        np.int64(count_bits(blocked[row, block, WORDS + word, i] & band_mask[band]))
                    )
                column = block * BLOCK + i
                by_buildings[row, column] = max(open_sky, np.float32(0.0))
                by_trees[row, column] = max(tree_free, np.float32(0.0))
                level[row, column] = np.uint8(
                    min(max(np.int32(open_sky * OPENNESS_LEVELS), np.int32(0)), np.int32(OPENNESS_LEVELS - 1))
                )


def sky_view(blocked: Words, part: Bits | None = None) -> tuple[Floats32, Floats32, Bytes]:
    """Sky view factors of a level plane at every cell.

    Args:
        blocked: (rows, blocks, 6, 128) packed patches.
        part: (153,) the patches that count, the whole sky where left out; an open place has 1 all the same.

    Returns:
        sky view with the buildings alone, sky view with the trees alone, both (rows, blocks * 128) from 0 to 1, and
        the first as a level from 0 to 255.
    """
    dome = sky_dome()
    counted = np.ones(PATCHES, dtype=np.bool_) if part is None else part
    whole = float(dome.plan_share[counted].sum())
    rows, blocks = blocked.shape[:2]
    band_mask = np.zeros(BANDS, dtype=np.uint64)
    for band in range(BANDS):
        band_mask[band] = pack((dome.band == band) & counted)[BAND_WORD[band]]
    shares = [dome.plan_share[dome.band == band][0] / whole for band in range(BANDS)]
    band_share = np.array(shares, dtype=np.float32)
    by_buildings = np.empty((rows, blocks * BLOCK), dtype=np.float32)
    by_trees = np.empty_like(by_buildings)
    level = np.empty(by_buildings.shape, dtype=np.uint8)
    with PARALLEL:
        _sky_view(blocked, band_mask, np.array(BAND_WORD, dtype=np.int64), band_share, by_buildings, by_trees, level)
    return by_buildings, by_trees, level


def seen_through_crowns(by_buildings: Floats32, by_trees: Floats32) -> Floats32:
    """Sky view past buildings and trees: crowns are not closed, they let a little of the sky through."""
    hidden = (np.float32(1.0) - by_trees) * np.float32(1.0 - CANOPY_TRANSMISSIVITY)
    return np.asarray(np.clip(by_buildings - hidden, 0.0, 1.0), dtype=np.float32)


def half_sky(azimuth_deg: float) -> Bits:
    """(153,) the patches on one side: within 90 degrees of an azimuth, and those on the border of both halves."""
    dome = sky_dome()
    is_zenith = dome.altitude_deg > 89.0
    return np.asarray((np.cos(np.radians(dome.azimuth_deg - azimuth_deg)) > -1e-9) | is_zenith)
