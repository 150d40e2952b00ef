# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""The one pass over the city where air, ground or the past differ from place to place."""

from typing import NamedTuple

import numpy as np
from numba import prange

from central.heat.comfort.utci_polynomial import degree_6, utci_offsets
from central.heat.comfort.wbgt_surface import WbgtSurface, wbgt_at
from central.heat.comfort.wbgt_surplus import USUAL, wbgt_surplus, wbgt_surplus_wide
from central.heat.comfort.wbgt_variation import WbgtVariation
from central.heat.compiled import kernel
from central.heat.geometry.blocks import BLOCK
from central.heat.geometry.dome import WORDS
from central.heat.geometry.rays import SHADED_BY_BUILDING, SHADED_BY_CANOPY
from central.heat.geometry.types import Bytes, Floats32, Words
from central.heat.radiation.bitplanes import Planes
from central.heat.radiation.weights import ABSORPTIVITY_SHORT, END_SHARE, GROUND_VIEW, SIDE_SHARE, STEFAN_BOLTZMANN
from central.heat.step_blocks import add_patches, keep_sunlit, load_words
from central.heat.step_kernel import K4_PER_WM2, KELVIN_32, ONE, UTCI_WIND_MAX, UTCI_WIND_MIN, ZERO, StepWeights

SIGMA = np.float32(STEFAN_BOLTZMANN)
NONE = np.int32(0)
USUAL_SIZE = USUAL.size
ALBEDO_VIEW = np.float32(ABSORPTIVITY_SHORT * (END_SHARE + 2.0 * SIDE_SHARE))
"""Share of what falls on the level that a person absorbs per unit of the ground's albedo."""
LONG_GROUND_VIEW = np.float32(0.97 * GROUND_VIEW)


class LocalFields(NamedTuple):
    """What differs from place to place, each (rows, columns), or (1, 1) where one value holds everywhere."""

    air_temperature_degc: Floats32
    relative_humidity_pct: Floats32
    wind_ms: Floats32
    cover: Bytes
    ground_heating_k: Floats32
    """Rise of the ground over the air, read and written; (1, 1) without memory."""
    shade_before: Bytes
    """What stood before the sun at the last step, read and written; (1, 1) without memory."""


class LocalWeights(NamedTuple):
    """What the pass needs besides the weights of patches at the city's air temperature."""

    hidden_view: Planes
    """Share of the body that each patch fills, for long-wave radiation of walls."""
    hidden_view_tree: Planes
    """The same for crowns."""
    beam: Floats32
    """(3,) absorbed of the beam, in the shade of a building, of a crown, in the sun [W/m2]."""
    ground_emits: Floats32
    """(256,) emissivity by cover."""
    ground_reflects: Floats32
    """(256,) albedo over the reference's by cover."""
    ground_added_k: Floats32
    """(2304,) what a step adds to the kept rise of the ground, by cover, shade before and shade now."""
    saturation_kpa: Floats32
    """(7,) saturation vapour pressure / 100 [kPa per %] as a polynomial of the surplus of air temperature."""
    utci: Floats32
    """(210,) see ``utci_polynomial.centred``."""
    scalars: Floats32
    """(10,) centre's air temperature [degC] and vapour pressure [kPa]; share of the beam under a crown; beam, sky's and
    walls' light on the level [W/m2]; sigma T^4 of the centre [W/m2]; what sunlit walls emit more per kelvin of warmer
    air, as a share of their surplus; share of the ground's rise that is kept."""


@kernel(parallel=True)
def fill_local_maps(
    blocked: Words,
    openness_level: Bytes,
    sky_view: Floats32,
    shade: Bytes,
    fields: LocalFields,
    weights: StepWeights,
    local: LocalWeights,
    surface: WbgtSurface,
    variation: WbgtVariation | None,
    tmrt: Floats32,
    utci: Floats32,
    wbgt: Floats32,
    shadow: Floats32,
) -> None:
    """Write Tmrt, UTCI, WBGT [degC] and shadow of every cell, and the ground's heating; arguments as for ``fill_maps``.

    ``variation`` is None where the air is the same everywhere: what it would be needed for is then not even compiled.
    """
    rows, columns = tmrt.shape
    blocks = blocked.shape[1]
    air_field, humidity_field, wind_field = fields.air_temperature_degc, fields.relative_humidity_pct, fields.wind_ms
    cover_field, heating_field, before_field = fields.cover, fields.ground_heating_k, fields.shade_before
    wind_varies, cover_varies, is_remembered = wind_field.size > 1, cover_field.size > 1, heating_field.size > 1
    temperature_varies, humidity_varies = air_field.size > 1, humidity_field.size > 1
    wbgt_coefficients = surface.coefficients
    globe_terms, wick_terms, wind_terms = surface.globe_terms, surface.wick_terms, surface.wind_terms
    change, centre = wbgt_coefficients, wbgt_coefficients
    if variation is not None:
        change, centre = variation.coefficients, variation.centre
    air_varies_widely = change.size > USUAL_SIZE
    base = weights.sky_sum[0]
    sunlit_masks = weights.sunlit_masks
    wall_words, wall_scale = weights.wall.words, weights.wall.scale
    tree_words, tree_scale = weights.tree.words, weights.tree.scale
    sunlit_words, sunlit_scale = weights.sunlit.words, weights.sunlit.scale
    view_words, view_scale = local.hidden_view.words, local.hidden_view.scale
    tree_view_words, tree_view_scale = local.hidden_view_tree.words, local.hidden_view_tree.scale
    beam_absorbed, emits, reflects, added = (
        local.beam,
        local.ground_emits,
        local.ground_reflects,
        local.ground_added_k,
    )
    saturation, k = local.saturation_kpa, local.utci
    air_0, vapour_0, under_crown = local.scalars[0], local.scalars[1], local.scalars[2]
    beam, sky_light, wall_light = local.scalars[3], local.scalars[4], local.scalars[5]
    air_0_wm2, lit_per_k, kept = local.scalars[6], local.scalars[7], local.scalars[8]
    for row in prange(rows):
        absorbed = np.empty(BLOCK, np.float32)
        sunlit = np.empty(BLOCK, np.float32)
        hidden = np.empty(BLOCK, np.float32)
        surplus = np.empty(BLOCK, np.float32)
        reached = np.empty(BLOCK, np.float32)
        level_light = np.empty(BLOCK, np.float32)
        speed = np.empty(BLOCK, np.float32)
        warmer = np.empty(BLOCK, np.float32)
        humidity = np.empty(BLOCK, np.float32)
        vapour = np.empty(BLOCK, np.float32)
        felt = np.empty(BLOCK, np.float32)
        work = np.empty(BLOCK, np.float32)
        heating = np.zeros(BLOCK, np.float32)
        before = np.zeros(BLOCK, np.uint8)
        emissivity = np.empty(BLOCK, np.float32)
        out_tmrt = np.empty(BLOCK, np.float32)
        out_utci = np.empty(BLOCK, np.float32)
        out_wbgt = np.empty(BLOCK, np.float32)
        counts = np.empty(BLOCK, np.uint64)
        word_0 = np.empty(BLOCK, np.uint64)
        word_1 = np.empty(BLOCK, np.uint64)
        word_2 = np.empty(BLOCK, np.uint64)
        for i in range(BLOCK):
            speed[i] = wind_field[0, 0]
            warmer[i] = air_field[0, 0] - air_0
            humidity[i] = humidity_field[0, 0]
        for block in range(blocks):
            origin = block * BLOCK
            size = min(BLOCK, columns - origin)
            for i in range(BLOCK):
                absorbed[i] = base
                sunlit[i] = ZERO
                hidden[i] = ZERO
            load_words(blocked, row, block, 0, word_0, word_1, word_2)
            add_patches(word_0, word_1, word_2, wall_words, wall_scale, counts, absorbed)
            if temperature_varies:
                add_patches(word_0, word_1, word_2, view_words, view_scale, counts, hidden)
            keep_sunlit(openness_level[row, origin : origin + BLOCK], sunlit_masks, word_0, word_1, word_2)
            add_patches(word_0, word_1, word_2, sunlit_words, sunlit_scale, counts, sunlit)
            if load_words(blocked, row, block, WORDS, word_0, word_1, word_2):
                add_patches(word_0, word_1, word_2, tree_words, tree_scale, counts, absorbed)
                if temperature_varies:
                    add_patches(word_0, word_1, word_2, tree_view_words, tree_view_scale, counts, hidden)

            if wind_varies:
                for i in range(size):
                    speed[i] = wind_field[row, origin + i]
            if temperature_varies:
                for i in range(size):
                    warmer[i] = air_field[row, origin + i] - air_0
            if humidity_varies:
                for i in range(size):
                    humidity[i] = humidity_field[row, origin + i]
            if is_remembered:
                for i in range(size):
                    heating[i] = heating_field[row, origin + i]
                for i in range(size):
                    before[i] = before_field[row, origin + i]

            for i in range(BLOCK):
                by = shade[row, origin + i]
                reached[i] = ZERO if by == SHADED_BY_BUILDING else (under_crown if by == SHADED_BY_CANOPY else ONE)
                absorbed[i] += beam_absorbed[by]
                open_sky = sky_view[row, origin + i]
                level_light[i] = sky_light * open_sky + wall_light * (ONE - open_sky)
            for i in range(size):
                code = np.int32(cover_field[row, origin + i]) if cover_varies else NONE
                emissivity[i] = emits[code]
                absorbed[i] += ALBEDO_VIEW * reflects[code] * (level_light[i] + beam * reached[i])
                part = 9 * code + 3 * np.int32(before[i]) + np.int32(shade[row, origin + i])
                heating[i] = max(kept * heating[i] + added[part], ZERO)
            if is_remembered:
                for i in range(size):
                    heating_field[row, origin + i] = heating[i]
                for i in range(size):
                    before_field[row, origin + i] = shade[row, origin + i]
            for i in range(BLOCK):
                air_k = air_0 + warmer[i] + KELVIN_32
                ground_k = air_k + heating[i]
                air_wm2 = SIGMA * (air_k * air_k) * (air_k * air_k)
                total = (
                    absorbed[i]
                    + sunlit[i] * (ONE + lit_per_k * warmer[i])
                    + hidden[i] * (air_wm2 - air_0_wm2)
                    + LONG_GROUND_VIEW * emissivity[i] * SIGMA * (ground_k * ground_k) * (ground_k * ground_k)
                )
                temperature = np.sqrt(np.sqrt(total * K4_PER_WM2)) - KELVIN_32
                out_tmrt[i] = temperature
                surplus[i] = temperature - (air_0 + warmer[i])

            if variation is not None:
                for i in range(BLOCK):
                    t = warmer[i]
                    s = saturation[6]
                    s = s * t + saturation[5]
                    s = s * t + saturation[4]
                    s = s * t + saturation[3]
                    s = s * t + saturation[2]
                    s = s * t + saturation[1]
                    s = s * t + saturation[0]
                    vapour[i] = s * humidity[i] - vapour_0
                for i in range(BLOCK):
                    felt[i] = min(max(speed[i], UTCI_WIND_MIN), UTCI_WIND_MAX)
                utci_offsets(k, vapour, warmer, surplus, felt, work, out_utci)
                for i in range(BLOCK):
                    out_utci[i] += air_0 + warmer[i]
            else:
                for i in range(BLOCK):
                    v = min(max(speed[i], UTCI_WIND_MIN), UTCI_WIND_MAX)
                    out_utci[i] = air_0 + degree_6(k, 0, surplus[i], v)

            for i in range(BLOCK):
                direct = beam * reached[i]
                x = globe_terms[0] + globe_terms[1] * level_light[i] + globe_terms[2] * direct
                z = wick_terms[0] + wick_terms[1] * level_light[i] + wick_terms[2] * direct
                y = max((np.sqrt(np.sqrt(speed[i] * wind_terms[0])) - wind_terms[1]) * wind_terms[2], -ONE)
                out_wbgt[i] = wbgt_at(wbgt_coefficients, x, z, y)
                sunlit[i] = z
                hidden[i] = y
            if variation is not None:
                if air_varies_widely:
                    for i in range(BLOCK):
                        s = warmer[i] * centre[1]
                        r = (humidity[i] - centre[2]) * centre[3]
                        x = globe_terms[0] + globe_terms[1] * level_light[i] + globe_terms[2] * (beam * reached[i])
                        out_wbgt[i] += wbgt_surplus_wide(change, s, r, sunlit[i], hidden[i], x)
                else:
                    for i in range(BLOCK):
                        s = warmer[i] * centre[1]
                        r = (humidity[i] - centre[2]) * centre[3]
                        out_wbgt[i] += wbgt_surplus(change, s, r, sunlit[i], hidden[i])

            for i in range(size):
                tmrt[row, origin + i] = out_tmrt[i]
            for i in range(size):
                utci[row, origin + i] = out_utci[i]
            for i in range(size):
                wbgt[row, origin + i] = out_wbgt[i]
            for i in range(size):
                shadow[row, origin + i] = reached[i]
