# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""The one pass over the city that turns a moment's weights into four maps."""

from typing import NamedTuple

import numpy as np
from numba import prange

from central.heat.comfort.utci import WIND_MAX_MS, WIND_MIN_MS
from central.heat.comfort.utci_polynomial import at_second, degree_6, power_6
from central.heat.comfort.wbgt_surface import TERMS, WbgtSurface, wbgt_at
from central.heat.compiled import kernel
from central.heat.geometry.blocks import BLOCK
from central.heat.geometry.dome import WORDS
from central.heat.geometry.rays import SHADED_BY_BUILDING, SHADED_BY_CANOPY
from central.heat.geometry.types import Bytes, Floats32, Words
from central.heat.radiation.bitplanes import Planes
from central.heat.radiation.weights import ABSORPTIVITY_LONG, KELVIN, STEFAN_BOLTZMANN
from central.heat.step_blocks import add_patches, keep_sunlit, load_words

KELVIN_32 = np.float32(KELVIN)
K4_PER_WM2 = np.float32(1.0 / (ABSORPTIVITY_LONG * STEFAN_BOLTZMANN))
UTCI_WIND_MIN = np.float32(WIND_MIN_MS)
UTCI_WIND_MAX = np.float32(WIND_MAX_MS)
ZERO = np.float32(0.0)
ONE = np.float32(1.0)


class StepWeights(NamedTuple):
    """What a person absorbs, ready for the kernel [W per m2 of body]."""

    sky_sum: Floats32
    """(1,) from an open sky all around."""
    wall: Planes
    """What a wall in a patch changes against the sky there."""
    tree: Planes
    """The same for a crown."""
    sunlit: Planes
    """What sunshine adds to a wall."""
    sunlit_masks: Words
    """(3, 256) patches whose walls are sunlit, by level of openness."""
    beam_and_ground: Floats32
    """(3,) the beam and the ground, in the shade of a building, of a crown, in the sun."""


@kernel(parallel=True)
def fill_maps(
    blocked: Words,
    openness_level: Bytes,
    sky_view: Floats32,
    shade: Bytes,
    wind: Floats32,
    weights: StepWeights,
    surface: WbgtSurface,
    utci_coefficients: Floats32,
    scalars: Floats32,
    tmrt: Floats32,
    utci: Floats32,
    wbgt: Floats32,
    shadow: Floats32,
) -> None:
    """Write Tmrt, UTCI, WBGT [degC] and shadow of every cell.

    Args:
        blocked: of the geometry, as the next two; padded to blocks.
        openness_level: (rows, padded).
        sky_view: (rows, padded).
        shade: (rows, padded) 0 building, 1 canopy, 2 sun.
        wind: (rows, columns) or (1, 1) wind at 10 m [m/s].
        weights: what patches, beam and ground send.
        surface: of WBGT.
        utci_coefficients: (28,) by the exponents of Tmrt - air temperature and wind.
        scalars: (5,) air temperature [degC], share of the beam under a crown; beam, sky's light and walls' light on
            the level [W/m2].
        tmrt: (rows, columns) output, as the next three.
        utci: output.
        wbgt: output.
        shadow: output.
    """
    rows, columns = tmrt.shape
    blocks = blocked.shape[1]
    wind_is_uniform = wind.size == 1
    k = utci_coefficients
    # Named here: parallel loops take arrays, not tuples within tuples.
    wbgt_coefficients = surface.coefficients
    globe_terms = surface.globe_terms
    wick_terms = surface.wick_terms
    wind_terms = surface.wind_terms
    base = weights.sky_sum[0]
    in_building_shade = weights.beam_and_ground[0]
    in_canopy_shade = weights.beam_and_ground[1]
    in_sun = weights.beam_and_ground[2]
    sunlit_masks = weights.sunlit_masks
    wall_words, wall_scale = weights.wall.words, weights.wall.scale
    tree_words, tree_scale = weights.tree.words, weights.tree.scale
    sunlit_words, sunlit_scale = weights.sunlit.words, weights.sunlit.scale
    air_temperature_degc = scalars[0]
    canopy_transmissivity = scalars[1]
    beam = scalars[2]
    sky_light = scalars[3]
    wall_light = scalars[4]
    # With one wind everywhere each polynomial comes down to seven terms.
    place = max((np.sqrt(np.sqrt(wind[0, 0] * wind_terms[0])) - wind_terms[1]) * wind_terms[2], -ONE)
    utci_along = at_second(k, 0, min(max(wind[0, 0], UTCI_WIND_MIN), UTCI_WIND_MAX))
    globe_along = at_second(wbgt_coefficients, 0, place)
    wick_along = at_second(wbgt_coefficients, TERMS, place)
    for row in prange(rows):
        absorbed = np.empty(BLOCK, np.float32)
        surplus = np.empty(BLOCK, np.float32)
        reached = np.empty(BLOCK, np.float32)
        speed = np.full(BLOCK, wind[0, 0], np.float32)
        globe = np.empty(BLOCK, np.float32)
        wick = np.empty(BLOCK, np.float32)
        counts = np.empty(BLOCK, np.uint64)
        word_0 = np.empty(BLOCK, np.uint64)
        word_1 = np.empty(BLOCK, np.uint64)
        word_2 = np.empty(BLOCK, np.uint64)
        out_tmrt = np.empty(BLOCK, np.float32)
        out_utci = np.empty(BLOCK, np.float32)
        out_wbgt = np.empty(BLOCK, np.float32)
        for block in range(blocks):
            origin = block * BLOCK
            size = min(BLOCK, columns - origin)
            for i in range(BLOCK):
                absorbed[i] = base
            load_words(blocked, row, block, 0, word_0, word_1, word_2)
            add_patches(word_0, word_1, word_2, wall_words, wall_scale, counts, absorbed)
            keep_sunlit(openness_level[row, origin : origin + BLOCK], sunlit_masks, word_0, word_1, word_2)
            add_patches(word_0, word_1, word_2, sunlit_words, sunlit_scale, counts, absorbed)
            if load_words(blocked, row, block, WORDS, word_0, word_1, word_2):
                add_patches(word_0, word_1, word_2, tree_words, tree_scale, counts, absorbed)

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
            for i in range(BLOCK):
                open_sky = sky_view[row, origin + i]
                direct = beam * reached[i]
                diffuse = sky_light * open_sky + wall_light * (ONE - open_sky)
                globe[i] = globe_terms[0] + globe_terms[1] * diffuse + globe_terms[2] * direct
                wick[i] = wick_terms[0] + wick_terms[1] * diffuse + wick_terms[2] * direct

            if wind_is_uniform:
                for i in range(BLOCK):
                    out_utci[i] = air_temperature_degc + power_6(utci_along, surplus[i])
                for i in range(BLOCK):
                    out_wbgt[i] = power_6(globe_along, globe[i]) + power_6(wick_along, wick[i])
            else:
                for i in range(size):
                    speed[i] = wind[row, origin + i]
                for i in range(BLOCK):
                    v = min(max(speed[i], UTCI_WIND_MIN), UTCI_WIND_MAX)
                    out_utci[i] = air_temperature_degc + degree_6(k, 0, surplus[i], v)
                for i in range(BLOCK):
                    y = max((np.sqrt(np.sqrt(speed[i] * wind_terms[0])) - wind_terms[1]) * wind_terms[2], -ONE)
                    out_wbgt[i] = wbgt_at(wbgt_coefficients, globe[i], wick[i], y)

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
