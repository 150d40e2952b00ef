# ruff: noqa: PLR0917 - kernels take their arrays one by one
"""UTCI of many points at once, each with its own air, radiation and wind."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import prange

from central.heat.comfort.chebyshev import fitted_powers
from central.heat.comfort.humidity import saturation_vapour_pressure_hpa
from central.heat.comfort.utci import VAPOUR_PRESSURE_MAX_HPA, WIND_MAX_MS, WIND_MIN_MS, vapour_pressure_for_utci_hpa
from central.heat.comfort.utci_polynomial import Floats, centred, utci_offsets
from central.heat.compiled import PARALLEL, kernel
from central.heat.geometry.blocks import BLOCK
from central.heat.geometry.types import Floats64

SATURATION_DEGREE = 12
"""Of the polynomial that stands for the saturation pressure between the lowest and highest air temperature: 1e-6 hPa."""
CHUNK = 64 * BLOCK


@kernel(parallel=True, fastmath={"reassoc", "nsz", "contract"})
def _sums(air: Floats, tmrt: Floats, wind: Floats, humidity: Floats, out: Floats64) -> None:
    """(4, chunks) sums: NaN and infinity show in them, which a search that may assume there are none would miss."""
    for chunk in prange(out.shape[1]):
        first, last = chunk * CHUNK, min(air.size, (chunk + 1) * CHUNK)
        out[0, chunk] = air[first:last].sum()
        out[1, chunk] = tmrt[first:last].sum()
        out[2, chunk] = wind[first:last].sum()
        out[3, chunk] = humidity[first:last].sum()


@kernel(parallel=True)
def _ranges(air: Floats, humidity: Floats, out: Floats64) -> None:
    """(3, chunks) lowest and highest air temperature, highest humidity."""
    for chunk in prange(out.shape[1]):
        first = chunk * CHUNK
        low, high, moist = air[first], air[first], humidity[first]
        for i in range(first, min(air.size, first + CHUNK)):
            low, high, moist = min(low, air[i]), max(high, air[i]), max(moist, humidity[i])
        out[0, chunk], out[1, chunk], out[2, chunk] = low, high, moist


@kernel(parallel=True)
def _fill(
    air: Floats,
    tmrt: Floats,
    wind: Floats,
    humidity: Floats,
    saturation: Floats64,
    scale: Floats64,
    k: Floats64,
    out: Floats,
) -> None:
    for chunk in prange(-(-out.size // CHUNK)):
        warmer = np.zeros(BLOCK)
        surplus = np.zeros(BLOCK)
        vapour = np.zeros(BLOCK)
        speed = np.zeros(BLOCK)
        moist = np.zeros(BLOCK)
        result = np.zeros(BLOCK)
        for origin in range(chunk * CHUNK, min(out.size, (chunk + 1) * CHUNK), BLOCK):
            size = min(BLOCK, out.size - origin)
            for i in range(size):
                warmer[i] = air[origin + i] - scale[0]
                surplus[i] = np.float64(tmrt[origin + i]) - air[origin + i]
                speed[i] = min(max(np.float64(wind[origin + i]), WIND_MIN_MS), WIND_MAX_MS)
                moist[i] = humidity[origin + i]
            for i in range(BLOCK):
                vapour[i] = saturation[SATURATION_DEGREE]
            for term in range(SATURATION_DEGREE - 1, -1, -1):
                for i in range(BLOCK):
                    vapour[i] = vapour[i] * (warmer[i] * scale[1]) + saturation[term]
            for i in range(BLOCK):
                vapour[i] = vapour[i] * moist[i] - scale[2]
            utci_offsets(k, vapour, warmer, surplus, speed, moist, result)
            for i in range(size):
                out[origin + i] = scale[0] + warmer[i] + result[i]


def utci_map(
    air_temperature_degc: npt.ArrayLike,
    mean_radiant_temperature_degc: npt.ArrayLike,
    wind_speed_ms: npt.ArrayLike,
    relative_humidity_pct: npt.ArrayLike,
    out: Floats | None = None,
) -> Floats:
    """UTCI [degC] as ``utci.utci`` gives it, within 1e-5 C, a hundred times as fast.

    Args:
        air_temperature_degc: -50 .. 50; all four of one shape.
        mean_radiant_temperature_degc: air temperature -30 .. +70.
        wind_speed_ms: at 10 m.
        relative_humidity_pct: 0 .. 100.
        out: where to write, float32 or float64; made where left out, float32 when all four are (computed in double
            precision all the same).

    Raises:
        ValueError: shapes differ, a value is NaN, or a vapour pressure exceeds 50 hPa.
    """
    given = [
        np.asarray(values)
        for values in (air_temperature_degc, mean_radiant_temperature_degc, wind_speed_ms, relative_humidity_pct)
    ]
    single = all(array.dtype == np.float32 for array in given)
    air, tmrt, wind, humidity = (_plain(array, np.float32 if single else np.float64) for array in given)
    shape = given[0].shape
    if len({array.shape for array in given}) > 1:
        raise ValueError(f"arrays differ in shape: {', '.join(str(array.shape) for array in given)}")
    if out is None:
        out = np.empty(shape, dtype=air.dtype)
    elif out.shape != shape or out.dtype not in {np.dtype(np.float32), np.dtype(np.float64)} or not out.flags.carray:
        raise ValueError(f"out has shape {out.shape} and type {out.dtype}, must be {shape}, floating and contiguous")
    if out.size == 0:
        return out
    chunks = -(-out.size // CHUNK)
    with PARALLEL:
        sums, ranges = np.empty((4, chunks)), np.empty((3, chunks))
        _sums(air, tmrt, wind, humidity, sums)
        if not np.isfinite(sums).all():
            raise ValueError("a value is not finite")
        _ranges(air, humidity, ranges)
    low, high, moistest = float(ranges[0].min()), float(ranges[1].max()), float(ranges[2].max())
    if float(saturation_vapour_pressure_hpa(high)) * moistest / 100.0 > VAPOUR_PRESSURE_MAX_HPA:
        vapour_pressure_for_utci_hpa(given[0], given[3])  # refuses, or finds that heat and moisture do not meet
    centre, half = 0.5 * (low + high), max(0.5 * (high - low), 0.5)
    saturation = fitted_powers(saturation_vapour_pressure_hpa, centre, half, SATURATION_DEGREE) / 1000.0
    vapour_kpa = float(saturation[0]) * 50.0
    scale = np.array([centre, 1.0 / half, vapour_kpa])
    with PARALLEL:
        _fill(air, tmrt, wind, humidity, saturation, scale, centred(vapour_kpa, centre), out.reshape(-1))
    return out


def _plain(array: npt.NDArray[Any], dtype: type[np.floating[Any]]) -> Floats:
    """The values one after the other, as the kernels want them: writeable too, or they are compiled once more."""
    flat = np.ascontiguousarray(array, dtype=dtype).reshape(-1)
    return flat if flat.flags.writeable else flat.copy()
