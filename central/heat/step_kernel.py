"""The one pass over the city that turns a moment's weights into four maps."""

import numpy as np
from numba import prange

from central.heat.comfort.utci import WIND_MAX_MS, WIND_MIN_MS
from central.heat.comfort.wbgt_tables import NODES
from central.heat.compiled import kernel
from central.heat.geometry.bits import count_bits
from central.heat.geometry.blocks import BLOCK, Floats32
from central.heat.geometry.dome import WORDS
from central.heat.geometry.rays import SHADED_BY_BUILDING, SHADED_BY_CANOPY
from central.heat.geometry.types import Bytes, Words
from central.heat.radiation.weights import ABSORPTIVITY_LONG, KELVIN, STEFAN_BOLTZMANN

KELVIN_32 = np.float32(KELVIN)
K4_PER_WM2 = np.float32(1.0 / (ABSORPTIVITY_LONG * STEFAN_BOLTZMANN))
UTCI_WIND_MIN = np.float32(WIND_MIN_MS)
UTCI_WIND_MAX = np.float32(WIND_MAX_MS)
LAST_CELL = np.int32(NODES - 2)
NONE = np.int32(0)
ZERO = np.float32(0.0)
ONE = np.float32(1.0)
GLOBE_SHARE, WICK_SHARE = np.float32(0.2), np.float32(0.7)


@kernel(inline="always")
def _add_patches(
    word_0: Words,
    word_1: Words,
    word_2: Words,
    planes: Words,
    lowest: float,
    step: float,
    counts: Words,
    total: Floats32,
) -> None:
    """Add to ``total`` (128,) the weights of the patches set in each cell's three words; see ``bitplanes``."""
    for i in range(BLOCK):
        counts[i] = count_bits(word_0[i]) + count_bits(word_1[i]) + count_bits(word_2[i])
    for i in range(BLOCK):
        total[i] += lowest * np.float32(np.int64(counts[i]))
    for i in range(BLOCK):
        counts[i] = 0
    # Planes outside, cells inside: the counts then run in wide registers.
    for plane in range(planes.shape[0]):
        mask_0 = planes[plane, 0]
        mask_1 = planes[plane, 1]
        mask_2 = planes[plane, 2]
        place = np.uint64(plane)
        for i in range(BLOCK):
            counts[i] += (
                count_bits(word_0[i] & mask_0) + count_bits(word_1[i] & mask_1) + count_bits(word_2[i] & mask_2)
            ) << place
    for i in range(BLOCK):
        total[i] += step * np.float32(np.int64(counts[i]))


@kernel(parallel=True)
def fill_maps(
    blocked: Words,
    openness_level: Bytes,
    sky_view: Floats32,
    shade: Bytes,
    wind: Floats32,
    base: float,
    wall_planes: Words,
    wall_scale: Floats32,
    tree_planes: Words,
    tree_scale: Floats32,
    sunlit_planes: Words,
    sunlit_scale: Floats32,
    sunlit_masks: Words,
    beam_and_ground: Floats32,
    air_temperature_degc: float,
    utci_coefficients: Floats32,
    globe_table: Floats32,
    wick_table: Floats32,
    globe_terms: Floats32,
    wick_terms: Floats32,
    wind_terms: Floats32,
    level_radiation: Floats32,
    canopy_transmissivity: float,
    tmrt: Floats32,
    utci: Floats32,
    wbgt: Floats32,
    shadow: Floats32,
) -> None:
    """Write Tmrt, UTCI, WBGT [degC] and shadow of every cell.

    Args:
        blocked, openness_level, sky_view: of the geometry, padded to blocks.
        shade: (rows, padded) 0 building, 1 canopy, 2 sun.
        wind: (rows, columns) or (1, 1) wind at 10 m [m/s].
        base: sum of the sky's weights [W/m2].
        wall_planes, tree_planes: what a wall, a tree adds to the sky's weight; scale holds (lowest, step).
        sunlit_planes: what sunshine adds to a wall.
        sunlit_masks: (256, 3) patches whose walls are sunlit, by level of openness.
        beam_and_ground: (3,) by shade [W/m2].
        utci_coefficients: (7, 7) of (Tmrt - air temperature, wind).
        globe_table .. wind_terms: see ``WbgtTables``.
        level_radiation: (3,) beam, sky and wall-reflected radiation on the level [W/m2].
        tmrt, utci, wbgt, shadow: (rows, columns) outputs.
    """
    rows, columns = tmrt.shape
    blocks = blocked.shape[1]
    wind_is_uniform = wind.size == 1
    k = utci_coefficients
    globe_flat = globe_table.ravel()
    wick_flat = wick_table.ravel()
    in_building_shade = beam_and_ground[0]
    in_canopy_shade = beam_and_ground[1]
    in_sun = beam_and_ground[2]
    beam = level_radiation[0]
    sky_light = level_radiation[1]
    wall_light = level_radiation[2]
    air_tenth = np.float32(0.1) * air_temperature_degc
    for row in prange(rows):
        absorbed = np.empty(BLOCK, np.float32)
        surplus = np.empty(BLOCK, np.float32)
        reached = np.empty(BLOCK, np.float32)
        speed = np.empty(BLOCK, np.float32)
        counts = np.empty(BLOCK, np.uint64)
        word_0 = np.empty(BLOCK, np.uint64)
        word_1 = np.empty(BLOCK, np.uint64)
        word_2 = np.empty(BLOCK, np.uint64)
        out_tmrt = np.empty(BLOCK, np.float32)
        out_utci = np.empty(BLOCK, np.float32)
        out_wbgt = np.empty(BLOCK, np.float32)
        for i in range(BLOCK):
            speed[i] = wind[0, 0]
        for block in range(blocks):
            origin = block * BLOCK
            size = min(BLOCK, columns - origin)
            for i in range(BLOCK):
                absorbed[i] = base
                word_0[i] = blocked[row, block, 0, i]
                word_1[i] = blocked[row, block, 1, i]
                word_2[i] = blocked[row, block, 2, i]
            _add_patches(word_0, word_1, word_2, wall_planes, wall_scale[0], wall_scale[1], counts, absorbed)
            for i in range(BLOCK):
                level = openness_level[row, origin + i]
                word_0[i] &= sunlit_masks[0, level]
                word_1[i] &= sunlit_masks[1, level]
                word_2[i] &= sunlit_masks[2, level]
            _add_patches(word_0, word_1, word_2, sunlit_planes, sunlit_scale[0], sunlit_scale[1], counts, absorbed)
            any_tree = np.uint64(0)
            for i in range(BLOCK):
                word_0[i] = blocked[row, block, WORDS, i]
                word_1[i] = blocked[row, block, WORDS + 1, i]
                word_2[i] = blocked[row, block, WORDS + 2, i]
                any_tree |= word_0[i] | word_1[i] | word_2[i]
            if any_tree:
                _add_patches(word_0, word_1, word_2, tree_planes, tree_scale[0], tree_scale[1], counts, absorbed)

            for i in range(BLOCK):
                by = shade[row, origin + i]
                reached[i] = (
                    ZERO if by == SHADED_BY_BUILDING else (canopy_transmissivity if by == SHADED_BY_CANOPY else ONE)
                )
                total = absorbed[i] + (
                    in_building_shade
                    if by == SHADED_BY_BUILDING
                    else (in_canopy_shade if by == SHADED_BY_CANOPY else in_sun)
                )
                temperature = np.sqrt(np.sqrt(total * K4_PER_WM2)) - KELVIN_32
                out_tmrt[i] = temperature
                surplus[i] = temperature - air_temperature_degc
            if not wind_is_uniform:
                for i in range(size):
                    speed[i] = wind[row, origin + i]

            for i in range(BLOCK):
                v = min(max(speed[i], UTCI_WIND_MIN), UTCI_WIND_MAX)
                d = surplus[i]
                u = k[6, 0]
                u = u * d + (k[5, 0] + v * k[5, 1])
                u = u * d + (k[4, 0] + v * (k[4, 1] + v * k[4, 2]))
                u = u * d + (k[3, 0] + v * (k[3, 1] + v * (k[3, 2] + v * k[3, 3])))
                u = u * d + (k[2, 0] + v * (k[2, 1] + v * (k[2, 2] + v * (k[2, 3] + v * k[2, 4]))))
                u = u * d + (k[1, 0] + v * (k[1, 1] + v * (k[1, 2] + v * (k[1, 3] + v * (k[1, 4] + v * k[1, 5])))))
                u = u * d + (
                    k[0, 0]
                    + v * (k[0, 1] + v * (k[0, 2] + v * (k[0, 3] + v * (k[0, 4] + v * (k[0, 5] + v * k[0, 6])))))
                )
                out_utci[i] = air_temperature_degc + u

            for i in range(BLOCK):
                open_sky = sky_view[row, origin + i]
                direct = beam * reached[i]
                diffuse = sky_light * open_sky + wall_light * (ONE - open_sky)
                x = globe_terms[0] + globe_terms[1] * diffuse + globe_terms[2] * direct
                z = wick_terms[0] + wick_terms[1] * diffuse + wick_terms[2] * direct
                y = (np.sqrt(np.sqrt(speed[i] * wind_terms[0])) - wind_terms[1]) * wind_terms[2]
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
                out_wbgt[i] = air_tenth + GLOBE_SHARE * globe + WICK_SHARE * (low + up * (high - low))

            if size == BLOCK:
                for i in range(BLOCK):
                    tmrt[row, origin + i] = out_tmrt[i]
                for i in range(BLOCK):
                    utci[row, origin + i] = out_utci[i]
                for i in range(BLOCK):
                    wbgt[row, origin + i] = out_wbgt[i]
                for i in range(BLOCK):
                    shadow[row, origin + i] = reached[i]
            else:
                for i in range(size):
                    tmrt[row, origin + i] = out_tmrt[i]
                    utci[row, origin + i] = out_utci[i]
                    wbgt[row, origin + i] = out_wbgt[i]
                    shadow[row, origin + i] = reached[i]
