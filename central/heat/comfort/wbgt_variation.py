# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""How WBGT changes with the air of a place: a few polynomials fitted anew for each step.

The polynomials of ``wbgt_surface`` hold for one air temperature and humidity. Where these differ from place to place, WBGT
differs from them by a function of four numbers: the surplus of air temperature s and of relative humidity r, the
radiation x and the wind y (as ``wbgt_surface`` counts them). Over 20 K and all humidities it spans 35 C, so that no
single polynomial short enough for each cell of a map follows it. Two things do:

- The air's own radiation goes with the 0.143th power of the vapour pressure (Oke 1987), which is steep in dry and in
  cold air. So the eighth root q of the humidity stands beside the humidity itself.
- The air acts nearly alike under all radiations and winds. So the change is taken as U1(s, r, q) + U2(s, r, q) V2(x, y)
  + U3(s, r, q) V3(x, y): the mean over radiation and wind, and what the two greatest singular vectors add.

The terms of each factor are those that the solved balances of 120 random weathers could spare least.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import prange

from central.heat.comfort.least_squares import least_squares
from central.heat.comfort.liljegren import (
    COS_ZENITH_MIN,
    WIND_MIN_MS,
    globe_radiation_k4,
    globe_temperature_k,
    natural_wet_bulb_k,
    saturation_pressure_hpa,
    wick_radiation_wm2,
)
from central.heat.comfort.wbgt import KELVIN
from central.heat.comfort.wbgt_surface import WbgtSurface
from central.heat.compiled import PARALLEL, kernel
from central.heat.geometry.types import Floats32, Floats64

AIR_NODES: Final = -np.cos(np.pi * np.arange(6) / 5)
HUMIDITY_NODES: Final = np.array([-1.0, -0.98, -0.9, -0.7, -0.4, 0.1, 0.6, 1.0])
"""Close together at the dry end, where the air's radiation is steep."""
WIND_NODES: Final = -np.cos(np.pi * np.arange(6) / 5)
RADIATION_NODES: Final = np.array([(0.1, 0.0), (0.5, 0.0), (1.0, 0.0), (0.2, 1.0), (1.0, 1.0)])
"""Diffuse and direct radiation as shares of the most that a place may get; walls leave no place without any light."""
HUMIDITY_MIN_PCT: Final = 0.1
RIDGE: Final = 1e-9
ROUNDS: Final = 12
"""Of the search for the two greatest singular vectors; what is left of others than these two is small anyway."""

# Exponents of s, r and q in U1, U2 and U3, and of x and y in V2 and V3, in the order of ``wbgt_surplus``. The constants
# of V2 and V3 are carried by U1, which has all terms of the other two.
MEAN_TERMS: Final = np.array(
    [
        (0, 0, 0),
        (0, 1, 0),
        (0, 2, 0),
        (0, 3, 0),
        (0, 0, 1),
        (0, 0, 2),
        (1, 0, 0),
        (1, 1, 0),
        (1, 2, 0),
        (1, 3, 0),
        (1, 0, 1),
        (2, 0, 0),
        (2, 1, 0),
        (2, 2, 0),
    ]
)
OTHER_TERMS: Final = np.array(
    [(0, 0, 0), (0, 1, 0), (0, 2, 0), (0, 0, 1), (1, 0, 0), (1, 1, 0), (1, 2, 0), (1, 0, 1), (2, 0, 0)]
)
PLACES_IN_MEAN: Final = np.array([0, 1, 2, 4, 6, 7, 8, 10, 11])
"""Where the terms of U2 and U3 stand among those of U1."""
SECOND_TERMS: Final = np.array(
    [(0, 0), (0, 1), (0, 2), (0, 4), (0, 5), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3)]
)
THIRD_TERMS: Final = np.array([(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1)])
TERMS: Final = 2 + len(MEAN_TERMS) + 2 * len(OTHER_TERMS) + len(SECOND_TERMS) - 1 + len(THIRD_TERMS) - 1


class WbgtVariation(NamedTuple):
    """The fitted polynomials; zeros where the air is the same everywhere."""

    coefficients: Floats32
    """(55,) humidity over half its span at the centre and at 0.1 %, then in the order of ``wbgt_surplus``."""
    centre: Floats32
    """(4,) air temperature [degC], 1 / half its span, humidity [%], 1 / half its span."""


@kernel(fastmath=False)
def _wbgt_degc(
    air_degc: float,
    humidity_pct: float,
    wind_ms: float,
    diffuse_wm2: float,
    direct_wm2: float,
    pressure_hpa: float,
    cosine: float,
) -> float:
    """WBGT of one point, wind at 2 m, both heat balances solved."""
    air_k = air_degc + KELVIN
    vapour_hpa = max(humidity_pct, HUMIDITY_MIN_PCT) / 100.0 * saturation_pressure_hpa(air_k)
    globe_k4 = globe_radiation_k4(air_k, vapour_hpa, diffuse_wm2, direct_wm2, cosine)
    wick_wm2 = wick_radiation_wm2(air_k, vapour_hpa, diffuse_wm2, direct_wm2, cosine)
    globe = globe_temperature_k(air_k, globe_k4, pressure_hpa, wind_ms) - KELVIN
    wick = natural_wet_bulb_k(air_k, vapour_hpa, wick_wm2, pressure_hpa, wind_ms) - KELVIN
    return 0.7 * wick + 0.2 * globe + 0.1 * air_degc


@kernel(parallel=True, fastmath=False)
def _sample(airs: Floats64, roots: Floats64, light: Floats64, pressure_hpa: float, cosine: float) -> Floats64:
    """(airs, places) change of WBGT against the first of the airs, places being winds by radiations.

    ``airs`` (n, 2) temperature [degC] and humidity [%]; ``roots`` fourth roots of the wind at 2 m; ``light`` (m, 2) diffuse
    and direct [W/m2].
    """
    change = np.empty((airs.shape[0], roots.size * light.shape[0]))
    for place in prange(change.shape[1]):
        speed = roots[place // light.shape[0]] ** 4
        diffuse, direct = light[place % light.shape[0]]
        centre = _wbgt_degc(airs[0, 0], airs[0, 1], speed, diffuse, direct, pressure_hpa, cosine)
        for air in range(airs.shape[0]):
            there = _wbgt_degc(airs[air, 0], airs[air, 1], speed, diffuse, direct, pressure_hpa, cosine)
            change[air, place] = there - centre
    return change


@kernel(fastmath=False)
def _times(matrix: Floats64, vector: Floats64) -> Floats64:
    """Their product, without a library whose threads would go on waiting on the step's cores."""
    result = np.zeros(matrix.shape[0])
    for row in range(matrix.shape[0]):
        for column in range(matrix.shape[1]):
            result[row] += matrix[row, column] * vector[column]
    return result


@kernel(fastmath=False)
def _greatest(values: Floats64) -> tuple[Floats64, Floats64]:
    """(airs,) and (places,) whose product leaves the least squares of ``values``, which is reduced by it."""
    airs, places = values.shape
    along = np.zeros(places)
    for place in range(places):
        along[place] = np.sum(values[:, place] ** 2)
    strength = np.zeros(airs)
    for _ in range(ROUNDS):
        length = np.sqrt(np.sum(along**2))
        if length == 0.0:
            break
        along /= length
        strength = _times(values, along)
        along = _times(values.T, strength)
    length = np.sqrt(np.sum(along**2))
    if length > 0.0:
        along /= length
    strength = _times(values, along)
    for air in range(airs):
        for place in range(places):
            values[air, place] -= strength[air] * along[place]
    return strength, along


@kernel(fastmath=False)
def _terms(exponents: Any, first: Floats64, second: Floats64, third: Floats64) -> Floats64:
    """(points, terms) products of powers of up to three quantities (points,)."""
    design = np.empty((first.size, exponents.shape[0]))
    for point in range(first.size):
        for term in range(exponents.shape[0]):
            design[point, term] = first[point] ** exponents[term, 0] * second[point] ** exponents[term, 1]
            if exponents.shape[1] == 3:
                design[point, term] *= third[point] ** exponents[term, 2]
    return design


@kernel(fastmath=False)
def _fit(change: Floats64, s: Floats64, r: Floats64, q: Floats64, x: Floats64, y: Floats64) -> Floats64:
    """(53,) coefficients of U1, U2, U3, V2 and V3."""
    of_air = _terms(MEAN_TERMS, s, r, q)
    of_air_too = _terms(OTHER_TERMS, s, r, q)
    mean = np.zeros(s.size)
    for air in range(s.size):
        mean[air] = np.mean(change[air])
        change[air] -= mean[air]
    second, along_second = _greatest(change)
    third, along_third = _greatest(change)
    # The ridge keeps the equations solvable at night, when all radiation is the same, and in air of one humidity.
    u1 = least_squares(of_air, mean, RIDGE)
    u2 = least_squares(of_air_too, second, RIDGE)
    u3 = least_squares(of_air_too, third, RIDGE)
    v2 = least_squares(_terms(SECOND_TERMS, x, y, y), along_second, RIDGE)
    v3 = least_squares(_terms(THIRD_TERMS, x, y, y), along_third, RIDGE)
    for term in range(PLACES_IN_MEAN.size):
        u1[PLACES_IN_MEAN[term]] += v2[0] * u2[term] + v3[0] * u3[term]
    return np.concatenate((u1, u2, u3, v2[1:], v3[1:]))


def wbgt_variation(
    surface: WbgtSurface,
    air_degc: tuple[float, float, float],
    humidity_pct: tuple[float, float, float],
    air_pressure_hpa: float,
    wind_range_ms: tuple[float, float],
    diffuse_max_wm2: float,
    direct_max_wm2: float,
    cos_zenith: float,
) -> WbgtVariation:
    """Fit the change of WBGT over a city's air.

    Within 0.05 C of the balances where the humidity spans up to 40 points of %, and 0.1 C from dry to saturated air, for
    air within 20 K between -20 and 45 C and wind up to 40 m/s.

    Args:
        surface: at the centre's air temperature and humidity.
        air_degc: centre, lowest and highest air temperature.
        humidity_pct: centre, lowest and highest relative humidity.
        air_pressure_hpa: as given to ``wbgt_surface``, like the four that follow.
        wind_range_ms: lowest and highest wind of the map.
        diffuse_max_wm2: most diffuse radiation on the level.
        direct_max_wm2: the beam on the level.
        cos_zenith: cosine of the sun's zenith angle.
    """
    half_k, half_pct = (
        max(high - centre, centre - low, least) for (centre, low, high), least in ((air_degc, 0.1), (humidity_pct, 1.0))
    )
    cosine = cos_zenith if cos_zenith >= COS_ZENITH_MIN else 0.0
    first, last = (max(wind * float(surface.wind_terms[0]), WIND_MIN_MS) ** 0.25 for wind in wind_range_ms)
    roots = first + 0.5 * (WIND_NODES + 1.0) * (last - first)
    light = RADIATION_NODES * (diffuse_max_wm2, direct_max_wm2)
    x = surface.wick_terms[0] + surface.wick_terms[1] * light[:, 0] + surface.wick_terms[2] * light[:, 1]
    y = np.clip((roots - surface.wind_terms[1]) * surface.wind_terms[2], -1.0, 1.0)
    s = np.repeat(AIR_NODES, len(HUMIDITY_NODES))
    humidity = np.clip(humidity_pct[0] + half_pct * HUMIDITY_NODES, *humidity_pct[1:])
    moist = np.tile(humidity, len(AIR_NODES))
    airs = np.vstack([(air_degc[0], humidity_pct[0]), np.column_stack([air_degc[0] + half_k * s, moist])])
    with PARALLEL:
        change = _sample(airs, roots, light, air_pressure_hpa, cosine)
    found = _fit(
        change[1:].copy(),
        s,
        (moist - humidity_pct[0]) / half_pct,
        (2.0 * np.maximum(moist, HUMIDITY_MIN_PCT) / half_pct) ** 0.125,
        np.tile(x, len(roots)),
        np.repeat(y, len(light)),
    )
    of_humidity = (humidity_pct[0] / half_pct, HUMIDITY_MIN_PCT / half_pct)
    centre = np.array([air_degc[0], 1.0 / half_k, humidity_pct[0], 1.0 / half_pct], dtype=np.float32)
    return WbgtVariation(np.concatenate([of_humidity, found]).astype(np.float32), centre)


@kernel(inline="always")
def wbgt_surplus(c: Floats32, s: float, r: float, x: float, y: float) -> Any:
    """WBGT over that of the surface [C].

    ``s`` and ``r``: surplus of air temperature and humidity as shares of half their span; ``x`` and ``y``: radiation and
    wind, each -1 .. 1, as the surface counts them.
    """
    # The greater of two without a branch, doubled; the doubling is part of the fit.
    t = c[0] + r
    q = np.sqrt(np.sqrt(np.sqrt((t + c[1]) + abs(t - c[1]))))
    none = c[2] + r * (c[3] + r * (c[4] + r * c[5])) + q * (c[6] + q * c[7])
    once = c[8] + r * (c[9] + r * (c[10] + r * c[11])) + q * c[12]
    mean = none + s * (once + s * (c[13] + r * (c[14] + r * c[15])))
    once = c[20] + r * (c[21] + r * c[22]) + q * c[23]
    second = c[16] + r * (c[17] + r * c[18]) + q * c[19] + s * (once + s * c[24])
    once = c[29] + r * (c[30] + r * c[31]) + q * c[32]
    third = c[25] + r * (c[26] + r * c[27]) + q * c[28] + s * (once + s * c[33])
    none = y * (c[34] + y * (c[35] + y * y * (c[36] + y * c[37])))
    once = c[38] + y * (c[39] + y * (c[40] + y * c[41]))
    twice = c[42] + y * (c[43] + y * (c[44] + y * c[45]))
    of_second = none + x * (once + x * twice)
    none = y * (c[46] + y * (c[47] + y * c[48]))
    once = c[49] + y * (c[50] + y * (c[51] + y * c[52]))
    of_third = none + x * (once + x * (c[53] + y * c[54]))
    return mean + second * of_second + third * of_third
