# ruff: noqa: PLR0917 - physics takes its quantities one by one, i j k l as exponents
"""How WBGT changes with the air of a place: a polynomial fitted anew for each step.

The polynomials of ``wbgt_surface`` hold for one air temperature and humidity. Where these differ from place to place, the
difference of WBGT against them is a smooth function of four numbers: the surplus of air temperature, the surplus
of humidity, the radiation and the wind (as ``wbgt_surface`` counts them). All 55 terms up to the fourth degree that
vanish with the two surpluses are fitted by least squares to the heat balances solved at 625 points.
"""

from typing import Any, NamedTuple

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
from central.heat.comfort.utci_polynomial import degree_0, degree_1, degree_2, degree_3
from central.heat.comfort.wbgt import KELVIN
from central.heat.comfort.wbgt_surface import WbgtSurface
from central.heat.compiled import PARALLEL, kernel
from central.heat.geometry.types import Floats32, Floats64

DEGREE = 4
TERMS = 55
SURPLUS_NODES = np.array([-1.0, -0.55, 0.0, 0.55, 1.0])
WIND_NODES = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
RADIATION_NODES = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.4, 0.5), (0.3, 1.0)])
"""Diffuse and direct radiation as shares of the most that a place may get."""
HUMIDITY_MIN_PCT = 0.1
RIDGE = 1e-9


class WbgtVariation(NamedTuple):
    """The fitted polynomial."""

    coefficients: Floats32
    """(55,) in the order of ``wbgt_surplus``."""
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
    vapour_hpa = humidity_pct / 100.0 * saturation_pressure_hpa(air_k)
    globe_k4 = globe_radiation_k4(air_k, vapour_hpa, diffuse_wm2, direct_wm2, cosine)
    wick_wm2 = wick_radiation_wm2(air_k, vapour_hpa, diffuse_wm2, direct_wm2, cosine)
    globe = globe_temperature_k(air_k, globe_k4, pressure_hpa, wind_ms) - KELVIN
    wick = natural_wet_bulb_k(air_k, vapour_hpa, wick_wm2, pressure_hpa, wind_ms) - KELVIN
    return 0.7 * wick + 0.2 * globe + 0.1 * air_degc


@kernel(parallel=True, fastmath=False)
def _sample(
    air: Floats64,
    humidity: Floats64,
    roots: Floats64,
    radiation: Floats64,
    winds: Floats64,
    surplus: Floats64,
    pressure_hpa: float,
    cosine: float,
    design: Floats64,
    change: Floats64,
) -> None:
    """Fill a row of terms and the change of WBGT for each combination of the nodes.

    ``air``, ``humidity``: centre and half span; ``roots`` (5,) fourth roots of the wind; ``radiation`` (5, 3) diffuse, direct
    and the sum's place -1 .. 1; ``winds`` (5,) the winds' places -1 .. 1; ``surplus`` (5,) of air and humidity.
    """
    count = surplus.size
    for place in prange(roots.size * radiation.shape[0]):
        wind, light = place // radiation.shape[0], place % radiation.shape[0]
        speed = roots[wind] ** 4
        diffuse, direct, x = radiation[light]
        y = winds[wind]
        dry = max(humidity[0], HUMIDITY_MIN_PCT)
        centre = _wbgt_degc(air[0], dry, speed, diffuse, direct, pressure_hpa, cosine)
        for node in range(count * count):
            s, moist = surplus[node // count], humidity[0] + humidity[1] * surplus[node % count]
            moist = min(max(moist, HUMIDITY_MIN_PCT), 100.0)
            r = (moist - humidity[0]) / humidity[1]
            row = place * count * count + node
            there = _wbgt_degc(air[0] + s * air[1], moist, speed, diffuse, direct, pressure_hpa, cosine)
            change[row] = there - centre
            term = 0
            of_s = 1.0
            for i in range(DEGREE + 1):
                of_r = of_s
                for j in range(DEGREE + 1 - i):
                    of_x = of_r
                    for k in range(DEGREE + 1 - i - j):
                        of_y = of_x
                        for _ in range(DEGREE + 1 - i - j - k):
                            if i + j > 0:
                                design[row, term] = of_y
                                term += 1
                            of_y *= y
                        of_x *= x
                    of_r *= r
                of_s *= s


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
    half = [
        max(high - centre, centre - low, least) for (centre, low, high), least in ((air_degc, 0.1), (humidity_pct, 1.0))
    ]
    cosine = cos_zenith if cos_zenith >= COS_ZENITH_MIN else 0.0
    first, last = (max(wind * float(surface.wind_terms[0]), WIND_MIN_MS) ** 0.25 for wind in wind_range_ms)
    roots = first + WIND_NODES * (last - first)
    winds = np.clip((roots - surface.wind_terms[1]) * surface.wind_terms[2], -1.0, 1.0)
    light = RADIATION_NODES * (diffuse_max_wm2, direct_max_wm2)
    places = surface.wick_terms[0] + surface.wick_terms[1] * light[:, 0] + surface.wick_terms[2] * light[:, 1]
    rows = len(SURPLUS_NODES) ** 2 * len(roots) * len(light)
    design, change = np.empty((rows, TERMS)), np.empty(rows)
    with PARALLEL:
        _sample(
            np.array([air_degc[0], half[0]]),
            np.array([humidity_pct[0], half[1]]),
            roots,
            np.column_stack([light, places]),
            winds,
            SURPLUS_NODES,
            air_pressure_hpa,
            cosine,
            design,
            change,
        )
    # The ridge keeps the equations solvable at night, when all radiation is the same.
    coefficients = least_squares(design, change, RIDGE)
    centre = np.array([air_degc[0], 1.0 / half[0], humidity_pct[0], 1.0 / half[1]], dtype=np.float32)
    return WbgtVariation(coefficients.astype(np.float32), centre)


@kernel(inline="always")
def wbgt_surplus(c: Floats32, s: float, r: float, x: float, y: float) -> Any:
    """WBGT over that of the surface [C].

    ``s`` and ``r``: surplus of air temperature and humidity as shares of half their span; ``x`` and ``y``: radiation and
    wind as shares of the wick's table.
    """
    none = degree_3(c, 0, x, y) + r * (degree_2(c, 10, x, y) + r * (degree_1(c, 16, x, y) + r * degree_0(c, 19, x, y)))
    once = degree_3(c, 20, x, y) + r * (degree_2(c, 30, x, y) + r * (degree_1(c, 36, x, y) + r * degree_0(c, 39, x, y)))
    twice = degree_2(c, 40, x, y) + r * (degree_1(c, 46, x, y) + r * degree_0(c, 49, x, y))
    thrice = degree_1(c, 50, x, y) + r * degree_0(c, 53, x, y)
    return r * none + s * (once + s * (twice + s * (thrice + s * degree_0(c, 54, x, y))))
