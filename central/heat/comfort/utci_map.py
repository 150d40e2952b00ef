# ruff: noqa: PLR0917 - kernels take their arrays one by one
"""UTCI of many points at once, each with its own air, radiation and wind."""

import numpy as np
import numpy.typing as npt
from numba import prange

from central.heat.comfort.humidity import Floats, saturation_vapour_pressure_hpa
from central.heat.comfort.utci import VAPOUR_PRESSURE_MAX_HPA, WIND_MAX_MS, WIND_MIN_MS, vapour_pressure_for_utci_hpa
from central.heat.comfort.utci_polynomial import centred, utci_offset
from central.heat.compiled import PARALLEL, kernel
from central.heat.geometry.blocks import BLOCK

SATURATION_DEGREE = 12
"""Of the polynomial that stands for the saturation pressure between the lowest and highest air temperature: 1e-6 hPa."""
ROW_BLOCKS = 64


@kernel(parallel=True)
def _fill(
    air: Floats, tmrt: Floats, wind: Floats, humidity: Floats, saturation: Floats, scale: Floats, k: Floats, out: Floats
) -> None:
    blocks = -(-out.size // BLOCK)
    for chunk in prange(-(-blocks // ROW_BLOCKS)):
        warmer = np.zeros(BLOCK)
        surplus = np.zeros(BLOCK)
        vapour = np.zeros(BLOCK)
        speed = np.zeros(BLOCK)
        moist = np.zeros(BLOCK)
        result = np.zeros(BLOCK)
        for block in range(chunk * ROW_BLOCKS, min(blocks, (chunk + 1) * ROW_BLOCKS)):
            origin = block * BLOCK
            size = min(BLOCK, out.size - origin)
            for i in range(size):
                warmer[i] = air[origin + i] - scale[0]
                surplus[i] = tmrt[origin + i] - air[origin + i]
                speed[i] = min(max(wind[origin + i], WIND_MIN_MS), WIND_MAX_MS)
                moist[i] = humidity[origin + i]
            for i in range(BLOCK):
                vapour[i] = saturation[SATURATION_DEGREE]
            for term in range(SATURATION_DEGREE - 1, -1, -1):
                for i in range(BLOCK):
                    vapour[i] = vapour[i] * (warmer[i] * scale[1]) + saturation[term]
            for i in range(BLOCK):
                e = vapour[i] * moist[i] - scale[2]
                result[i] = scale[0] + warmer[i] + utci_offset(k, e, warmer[i], surplus[i], speed[i])
            for i in range(size):
                out[origin + i] = result[i]


def utci_map(
    air_temperature_degc: npt.ArrayLike,
    mean_radiant_temperature_degc: npt.ArrayLike,
    wind_speed_ms: npt.ArrayLike,
    relative_humidity_pct: npt.ArrayLike,
) -> Floats:
    """UTCI [degC] as ``utci.utci`` gives it, within 1e-5 C, fifty times as fast.

    Args:
        air_temperature_degc: -50 .. 50; all four of one shape.
        mean_radiant_temperature_degc: air temperature -30 .. +70.
        wind_speed_ms: at 10 m.
        relative_humidity_pct: 0 .. 100.

    Raises:
        ValueError: shapes differ, a value is NaN, or a vapour pressure exceeds 50 hPa.
    """
    given = [
        np.ascontiguousarray(values, dtype=np.float64)
        for values in (air_temperature_degc, mean_radiant_temperature_degc, wind_speed_ms, relative_humidity_pct)
    ]
    if len({array.shape for array in given}) > 1:
        raise ValueError(f"arrays differ in shape: {', '.join(str(array.shape) for array in given)}")
    air, _, _, humidity = given
    if air.size == 0:
        return np.empty(air.shape)
    for array in given:
        # One sum tells of any NaN, ten times as fast as asking each value.
        if not np.isfinite(array.sum()):
            raise ValueError("a value is not finite")
    lowest, highest = float(air.min()), float(air.max())
    if float(saturation_vapour_pressure_hpa(highest)) * float(humidity.max()) / 100.0 > VAPOUR_PRESSURE_MAX_HPA:
        vapour_pressure_for_utci_hpa(air, humidity)  # refuses, or finds that heat and moisture do not meet
    centre, half = 0.5 * (lowest + highest), max(0.5 * (highest - lowest), 0.5)
    nodes = np.cos(np.pi * (np.arange(32) + 0.5) / 32)
    fitted = np.polynomial.Polynomial.fit(
        nodes, saturation_vapour_pressure_hpa(centre + half * nodes) / 1000.0, SATURATION_DEGREE, domain=[-1, 1]
    ).convert()
    saturation = np.zeros(SATURATION_DEGREE + 1)
    saturation[: len(fitted.coef)] = fitted.coef
    vapour_kpa = float(saturation[0]) * 50.0
    out = np.empty(air.size)
    flat = [array.ravel() for array in given]
    with PARALLEL:
        _fill(
            flat[0],
            flat[1],
            flat[2],
            flat[3],
            saturation,
            np.array([centre, 1.0 / half, vapour_kpa]),
            centred(vapour_kpa, centre),
            out,
        )
    return out.reshape(air.shape)
