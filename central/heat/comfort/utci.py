"""The Universal Thermal Climate Index."""

import numpy as np
import numpy.typing as npt

from central.heat.comfort.humidity import Floats, saturation_vapour_pressure_hpa
from central.heat.comfort.utci_coefficients import ROWS

DEGREE = 6
VAPOUR_PRESSURE_MAX_HPA = 50.0
"""Above this the polynomial was never fitted and runs away by tens of degrees."""
WIND_MIN_MS, WIND_MAX_MS = 0.5, 17.0
"""Winds at 10 m outside the fitted range are taken as its nearer end, as Broede et al. recommend."""


def _coefficient_array() -> Floats:
    """(7, 7, 7, 7) coefficients by exponent of vapour pressure, radiation, wind and air temperature."""
    coefficients = np.zeros((DEGREE + 1,) * 4)
    rows = iter(ROWS)
    for p in range(DEGREE + 1):
        for d in range(DEGREE + 1 - p):
            for v in range(DEGREE + 1 - p - d):
                row = next(rows)
                coefficients[p, d, v, : len(row)] = row
    return coefficients


COEFFICIENTS = _coefficient_array()


def vapour_pressure_for_utci_hpa(air_temperature_degc: npt.ArrayLike, relative_humidity_pct: npt.ArrayLike) -> Floats:
    """Vapour pressure [hPa] of air, refused above 50 hPa.

    Raises:
        ValueError: naming the first pair of temperature and humidity that holds more vapour than UTCI is defined for.
    """
    pressure_hpa = saturation_vapour_pressure_hpa(air_temperature_degc) * np.asarray(relative_humidity_pct) / 100.0
    too_wet = np.atleast_1d(pressure_hpa > VAPOUR_PRESSURE_MAX_HPA)
    if too_wet.any():
        index = int(np.argmax(too_wet))
        temperature, humidity, pressure = (
            float(values.ravel()[index])
            for values in np.broadcast_arrays(air_temperature_degc, relative_humidity_pct, pressure_hpa)
        )
        raise ValueError(
            f"relative_humidity_pct {humidity:g} at air_temperature_degc {temperature:g} is a vapour pressure of "
            f"{pressure:.1f} hPa: UTCI is defined up to {VAPOUR_PRESSURE_MAX_HPA:g} hPa"
        )
    return np.asarray(pressure_hpa)


def utci(
    air_temperature_degc: npt.ArrayLike,
    mean_radiant_temperature_degc: npt.ArrayLike,
    wind_speed_ms: npt.ArrayLike,
    relative_humidity_pct: npt.ArrayLike,
) -> Floats:
    """UTCI [degC] by the operational polynomial (Broede et al. 2012, Int. J. Biometeorol. 56:481-494).

    Args:
        air_temperature_degc: at 2 m, within -50 .. 50.
        mean_radiant_temperature_degc: air temperature -30 .. +70.
        wind_speed_ms: at 10 m; below 0.5 counts as 0.5, above 17 as 17.
        relative_humidity_pct: 0 .. 100; arrays are broadcast against each other.

    Raises:
        ValueError: a vapour pressure above 50 hPa.
    """
    air = np.asarray(air_temperature_degc, dtype=np.float64)
    surplus = np.asarray(mean_radiant_temperature_degc, dtype=np.float64) - air
    wind = np.clip(np.asarray(wind_speed_ms, dtype=np.float64), WIND_MIN_MS, WIND_MAX_MS)
    vapour_kpa = vapour_pressure_for_utci_hpa(air, relative_humidity_pct) / 10.0
    offset = np.zeros(np.broadcast_shapes(air.shape, surplus.shape, wind.shape, vapour_kpa.shape))
    for p in reversed(range(DEGREE + 1)):
        by_radiation = np.zeros_like(offset)
        for d in reversed(range(DEGREE + 1 - p)):
            by_wind = np.zeros_like(offset)
            for v in reversed(range(DEGREE + 1 - p - d)):
                row = COEFFICIENTS[p, d, v, : DEGREE + 1 - p - d - v]
                by_wind = by_wind * wind + np.polynomial.polynomial.polyval(air, row)
            by_radiation = by_radiation * surplus + by_wind
        offset = offset * vapour_kpa + by_radiation
    return air + offset


def utci_surface(air_temperature_degc: float, relative_humidity_pct: float) -> Floats:
    """The polynomial at one air temperature and humidity: 28 coefficients instead of 210.

    Returns:
        (28,) K, with UTCI = air temperature + sum K[d, v] (Tmrt - air temperature)^d wind^v, d + v up to 6: the seven of
        d = 0 first.

    Raises:
        ValueError: a vapour pressure above 50 hPa.
    """
    vapour_kpa = float(vapour_pressure_for_utci_hpa(air_temperature_degc, relative_humidity_pct)) / 10.0
    exponents = np.arange(DEGREE + 1)
    at_temperature = COEFFICIENTS @ (air_temperature_degc**exponents)
    by_exponents = np.tensordot(vapour_kpa**exponents, at_temperature, axes=1)
    return np.concatenate([by_exponents[d, : DEGREE + 1 - d] for d in exponents])
