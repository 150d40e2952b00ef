# ruff: noqa: E741, PLR0917 - physics takes its quantities one by one, i j k l as exponents
"""How WBGT changes with the air of a place: a polynomial fitted anew for each step.

The tables of ``wbgt_tables`` hold for one air temperature and humidity. Where these differ from place to place, the
difference of WBGT against the tables is a smooth function of four numbers: the surplus of air temperature, the surplus
of humidity, the radiation and the wind (as places in the wick's table). All 55 terms up to the fourth degree that
vanish with the two surpluses are fitted by least squares to the heat balances solved at 625 points.
"""

from itertools import product
from typing import Any, NamedTuple

import numpy as np

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
from central.heat.comfort.wbgt_tables import NODES, WbgtTables
from central.heat.compiled import kernel
from central.heat.geometry.types import Floats32, Floats64

DEGREE = 4
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


def _exponents() -> list[tuple[int, int, int, int]]:
    """Of air temperature, humidity, radiation and wind."""
    return [
        (i, j, k, l)
        for i in range(DEGREE + 1)
        for j in range(DEGREE + 1 - i)
        if i + j > 0
        for k in range(DEGREE + 1 - i - j)
        for l in range(DEGREE + 1 - i - j - k)
    ]


@kernel(fastmath=False)
def _solve(points: Floats64, pressure_hpa: float, cos_zenith: float, out: Floats64) -> None:
    """WBGT at rows of air temperature [degC], humidity [%], wind at 2 m [m/s], diffuse and direct radiation [W/m2]."""
    for i in range(points.shape[0]):
        air_k = points[i, 0] + KELVIN
        vapour_hpa = points[i, 1] / 100.0 * saturation_pressure_hpa(air_k)
        wind, diffuse, direct = points[i, 2], points[i, 3], points[i, 4]
        globe_k4 = globe_radiation_k4(air_k, vapour_hpa, diffuse, direct, cos_zenith)
        wick_wm2 = wick_radiation_wm2(air_k, vapour_hpa, diffuse, direct, cos_zenith)
        globe = globe_temperature_k(air_k, globe_k4, pressure_hpa, wind) - KELVIN
        wick = natural_wet_bulb_k(air_k, vapour_hpa, wick_wm2, pressure_hpa, wind) - KELVIN
        out[i] = 0.7 * wick + 0.2 * globe + 0.1 * points[i, 0]


def wbgt_variation(
    tables: WbgtTables,
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
        tables: at the centre's air temperature and humidity.
        air_degc: centre, lowest and highest air temperature.
        humidity_pct: centre, lowest and highest relative humidity.
        air_pressure_hpa: as given to ``wbgt_tables``, like the four that follow.
        wind_range_ms: lowest and highest wind of the map.
        diffuse_max_wm2: most diffuse radiation on the level.
        direct_max_wm2: the beam on the level.
        cos_zenith: cosine of the sun's zenith angle.
    """
    half = [
        max(high - centre, centre - low, least) for (centre, low, high), least in ((air_degc, 0.1), (humidity_pct, 1.0))
    ]
    cosine = cos_zenith if cos_zenith >= COS_ZENITH_MIN else 0.0
    first, last = (max(wind * float(tables.wind_terms[0]), WIND_MIN_MS) ** 0.25 for wind in wind_range_ms)
    rows = np.array(
        [
            (
                air_degc[0] + air * half[0],
                min(max(humidity_pct[0] + humidity * half[1], HUMIDITY_MIN_PCT), 100.0),
                (first + wind * (last - first)) ** 4,
                radiation[0] * diffuse_max_wm2,
                radiation[1] * direct_max_wm2,
            )
            for air, humidity, wind, radiation in product(SURPLUS_NODES, SURPLUS_NODES, WIND_NODES, RADIATION_NODES)
        ]
    )
    at_centre = rows.copy()
    at_centre[:, :2] = air_degc[0], max(humidity_pct[0], HUMIDITY_MIN_PCT)
    values, base = np.empty(len(rows)), np.empty(len(rows))
    _solve(rows, air_pressure_hpa, cosine, values)
    _solve(at_centre, air_pressure_hpa, cosine, base)
    scale = 1.0 / (NODES - 1)
    s = (rows[:, 0] - air_degc[0]) / half[0]
    r = (rows[:, 1] - humidity_pct[0]) / half[1]
    x = scale * (tables.wick_terms[0] + tables.wick_terms[1] * rows[:, 3] + tables.wick_terms[2] * rows[:, 4])
    y = np.clip((rows[:, 2] ** 0.25 - tables.wind_terms[1]) * tables.wind_terms[2] * scale, 0.0, 1.0)
    design = np.stack([s**i * r**j * x**k * y**l for i, j, k, l in _exponents()], axis=1)
    # The ridge keeps the equations solvable at night, when all radiation is the same.
    normal = design.T @ design + RIDGE * len(rows) * np.eye(design.shape[1])
    coefficients = np.linalg.solve(normal, design.T @ (values - base))
    centre = np.array([air_degc[0], 1.0 / half[0], humidity_pct[0], 1.0 / half[1]], dtype=np.float32)
    return WbgtVariation(coefficients.astype(np.float32), centre)


@kernel(inline="always")
def wbgt_surplus(c: Floats32, s: float, r: float, x: float, y: float) -> Any:
    """WBGT over that of the tables [C].

    ``s`` and ``r``: surplus of air temperature and humidity as shares of half their span; ``x`` and ``y``: radiation and
    wind as shares of the wick's table.
    """
    none = degree_3(c, 0, x, y) + r * (degree_2(c, 10, x, y) + r * (degree_1(c, 16, x, y) + r * degree_0(c, 19, x, y)))
    once = degree_3(c, 20, x, y) + r * (degree_2(c, 30, x, y) + r * (degree_1(c, 36, x, y) + r * degree_0(c, 39, x, y)))
    twice = degree_2(c, 40, x, y) + r * (degree_1(c, 46, x, y) + r * degree_0(c, 49, x, y))
    thrice = degree_1(c, 50, x, y) + r * degree_0(c, 53, x, y)
    return r * none + s * (once + s * (twice + s * (thrice + s * degree_0(c, 54, x, y))))
