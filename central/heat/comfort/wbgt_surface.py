# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""WBGT for whole maps: both heat balances as two polynomials that are valid for one moment.

At one air temperature, humidity and pressure the globe's temperature depends on its radiation term and the wind alone,
the wick's likewise. Over the fourth root of the wind both are smooth enough for all terms up to the sixth degree:
within 0.01 C, and, unlike a table, without looking anything up from cell to cell, which is what costs time.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from central.heat.comfort.chebyshev import chebyshev_powers, chebyshev_series
from central.heat.comfort.liljegren import (
    COS_ZENITH_MIN,
    WIND_MIN_MS,
    globe_radiation_k4,
    globe_temperature_k,
    natural_wet_bulb_k,
    saturation_pressure_hpa,
    wick_radiation_wm2,
)
from central.heat.comfort.utci_polynomial import degree_6
from central.heat.comfort.wbgt import KELVIN
from central.heat.compiled import kernel
from central.heat.geometry.types import Floats32, Floats64

DEGREE = 6
TERMS = (DEGREE + 1) * (DEGREE + 2) // 2
NODES = 10
"""Chebyshev nodes along each side that the polynomials are fitted to."""


class WbgtSurface(NamedTuple):
    """WBGT of one moment. A place's radiation terms are linear in its direct and diffuse level radiation [W/m2]."""

    coefficients: Floats32
    """(56,) 0.2 of the globe's temperature, then 0.1 of the air's and 0.7 of the wick's [degC]: 28 each, ordered by the
    exponents of radiation and wind."""
    globe_terms: Floats32
    """(3,) the globe's radiation, -1 .. 1 = terms @ (1, diffuse, direct)."""
    wick_terms: Floats32
    """(3,) the wick's radiation, likewise."""
    wind_terms: Floats32
    """(3,) wind, -1 .. 1 = (fourth root of (wind * first) - second) * third; below -1 counts as -1."""


@kernel(fastmath=False)
def _solve(
    air_k: float,
    vapour_hpa: float,
    pressure_hpa: float,
    winds_ms: Floats64,
    globe_k4: Floats64,
    wick_wm2: Floats64,
    globe: Floats64,
    wick: Floats64,
) -> None:
    for row in range(NODES):
        for column in range(NODES):
            wind = winds_ms[row]
            globe[row, column] = globe_temperature_k(air_k, globe_k4[column], pressure_hpa, wind) - KELVIN
            wick[row, column] = natural_wet_bulb_k(air_k, vapour_hpa, wick_wm2[column], pressure_hpa, wind) - KELVIN


@cache
def _fit() -> tuple[Floats64, Floats64]:
    """(10,) nodes of one side, and (28, 10, 10) what the value at each node (wind, radiation) adds to each term."""
    nodes, series = chebyshev_series(DEGREE, NODES)
    to_powers = chebyshev_powers(DEGREE)
    # Terms above the sixth degree are left out while they are Chebyshev's, where that costs least.
    kept = np.add.outer(np.arange(DEGREE + 1), np.arange(DEGREE + 1)) <= DEGREE
    by_exponent = np.einsum("ia,jb,ab,ac,bw->ijwc", to_powers, to_powers, kept, series, series, optimize=True)
    return nodes, np.stack([by_exponent[i, j] for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)])


def wbgt_surface(
    air_temperature_degc: float,
    relative_humidity_pct: float,
    air_pressure_hpa: float,
    wind_range_ms: tuple[float, float],
    wind_factor: float,
    diffuse_max_wm2: float,
    direct_max_wm2: float,
    cos_zenith: float,
) -> WbgtSurface:
    """Polynomials that cover every place with up to so much level radiation and wind within a range.

    Args:
        air_temperature_degc: of the whole city, as are the next two.
        relative_humidity_pct: 0 .. 100.
        air_pressure_hpa: at the city.
        wind_range_ms: lowest and highest wind of the map.
        wind_factor: wind at 2 m over the map's wind.
        diffuse_max_wm2: most diffuse radiation on the level that a place may get.
        direct_max_wm2: the sun's beam on the level; must be 0 where ``cos_zenith`` is below 0.00873.
        cos_zenith: cosine of the sun's zenith angle.
    """
    air_k = air_temperature_degc + KELVIN
    vapour_hpa = max(relative_humidity_pct, 0.1) / 100.0 * saturation_pressure_hpa(air_k)
    cosine = cos_zenith if cos_zenith >= COS_ZENITH_MIN else 0.0
    nodes, fit = _fit()

    def axis(balance: Callable[..., float]) -> tuple[Floats64, Floats32]:
        none, diffuse, direct = (
            balance(air_k, vapour_hpa, *radiation, cosine) for radiation in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
        )
        per_diffuse, per_direct = diffuse - none, direct - none
        corners = [
            none + per_diffuse * diffuse_share + per_direct * direct_share
            for diffuse_share in (0.0, diffuse_max_wm2)
            for direct_share in (0.0, direct_max_wm2)
        ]
        lowest, highest = min(corners), max(corners)
        highest = max(highest, lowest * (1.0 + 1e-4))
        middle, scale = 0.5 * (lowest + highest), 2.0 / (highest - lowest)
        terms = np.array([(none - middle) * scale, per_diffuse * scale, per_direct * scale], dtype=np.float32)
        return middle + nodes / scale, terms

    globe_k4, globe_terms = axis(globe_radiation_k4)
    wick_wm2, wick_terms = axis(wick_radiation_wm2)
    first_root, last_root = (math.pow(max(wind * wind_factor, WIND_MIN_MS), 0.25) for wind in wind_range_ms)
    last_root = max(last_root, first_root + 1e-3)
    half = 0.5 * (last_root - first_root)
    winds_ms = (first_root + half + nodes * half) ** 4
    globe, wick = np.empty((NODES, NODES)), np.empty((NODES, NODES))
    _solve(air_k, vapour_hpa, air_pressure_hpa, winds_ms, globe_k4, wick_wm2, globe, wick)
    coefficients = np.concatenate([(fit * balance).sum(axis=(1, 2)) for balance in (0.2 * globe, 0.7 * wick)])
    coefficients[TERMS] += 0.1 * air_temperature_degc
    wind_terms = np.array([wind_factor, first_root + half, 1.0 / half], dtype=np.float32)
    return WbgtSurface(coefficients.astype(np.float32), globe_terms, wick_terms, wind_terms)


@kernel(inline="always")
def wbgt_at(c: Floats32, globe: float, wick: float, wind: float) -> Any:
    """WBGT [degC] at a place's two radiation terms and its wind, each as a share -1 .. 1 of its range."""
    return degree_6(c, 0, globe, wind) + degree_6(c, TERMS, wick, wind)
