# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""WBGT for whole maps: both heat balances in two small tables that are valid for one moment.

At one air temperature, humidity and pressure the globe's temperature depends on its radiation term and the wind alone,
the wick's likewise. Each table has the radiation along its columns and the fourth root of the wind along its rows,
where both temperatures are nearly straight lines; between the nodes a map interpolates.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import prange

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
from central.heat.compiled import PARALLEL, kernel
from central.heat.geometry.types import Floats32, Floats64

NODES = 24
"""Nodes along each side: 0.01 C at the worst point between them."""


class WbgtTables(NamedTuple):
    """Lookup of one moment. A place's radiation terms are linear in its direct and diffuse level radiation [W/m2]."""

    globe: Floats32
    """(24, 24) globe temperature [degC] by wind and radiation."""
    wick: Floats32
    """(24, 24) natural wet bulb temperature [degC]."""
    globe_terms: Floats32
    """(3,) column of the globe's table = terms @ (1, diffuse, direct)."""
    wick_terms: Floats32
    """(3,) column of the wick's table, likewise."""
    wind_terms: Floats32
    """(3,) row = (fourth root of (wind * first) - second) * third; below 0 counts as 0."""


@kernel(parallel=True, fastmath=False)
def _fill(
    air_k: float,
    vapour_hpa: float,
    pressure_hpa: float,
    wind_roots: Floats64,
    globe_k4: Floats64,
    wick_wm2: Floats64,
    globe: Floats32,
    wick: Floats32,
) -> None:
    for row in prange(NODES):
        wind = wind_roots[row] ** 4
        for column in range(NODES):
            globe[row, column] = globe_temperature_k(air_k, globe_k4[column], pressure_hpa, wind) - KELVIN
            wick[row, column] = natural_wet_bulb_k(air_k, vapour_hpa, wick_wm2[column], pressure_hpa, wind) - KELVIN


def wbgt_tables(
    air_temperature_degc: float,
    relative_humidity_pct: float,
    air_pressure_hpa: float,
    wind_range_ms: tuple[float, float],
    wind_factor: float,
    diffuse_max_wm2: float,
    direct_max_wm2: float,
    cos_zenith: float,
) -> WbgtTables:
    """Tables that cover every place with up to so much level radiation and wind within a range.

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
        scale = (NODES - 1) / (highest - lowest)
        terms = np.array([(none - lowest) * scale, per_diffuse * scale, per_direct * scale], dtype=np.float32)
        return np.linspace(lowest, highest, NODES), terms

    globe_k4, globe_terms = axis(globe_radiation_k4)
    wick_wm2, wick_terms = axis(wick_radiation_wm2)
    first_root, last_root = (math.pow(max(wind * wind_factor, WIND_MIN_MS), 0.25) for wind in wind_range_ms)
    last_root = max(last_root, first_root + 1e-3)
    globe = np.empty((NODES, NODES), dtype=np.float32)
    wick = np.empty((NODES, NODES), dtype=np.float32)
    with PARALLEL:
        _fill(
            air_k,
            vapour_hpa,
            air_pressure_hpa,
            np.linspace(first_root, last_root, NODES),
            globe_k4,
            wick_wm2,
            globe,
            wick,
        )
    wind_terms = np.array([wind_factor, first_root, (NODES - 1) / (last_root - first_root)], dtype=np.float32)
    return WbgtTables(globe, wick, globe_terms, wick_terms, wind_terms)
