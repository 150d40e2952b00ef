# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""Wet-bulb globe temperature for single points and stations."""

import math
from dataclasses import dataclass

from central.heat.comfort.liljegren import (
    COS_ZENITH_MIN,
    globe_radiation_k4,
    globe_temperature_k,
    natural_wet_bulb_k,
    saturation_pressure_hpa,
    wick_radiation_wm2,
)
from central.heat.sun import Sun

KELVIN = 273.15
NORMALISED_RADIATION_MAX = 0.85
DIRECT_FRACTION_MAX = 0.9
UTCI_ROUGHNESS_M = 0.01
"""Roughness length of the wind profile that UTCI assumes (Broede et al. 2012): one profile for both indices."""
SENSOR_HEIGHT_M = 2.0
"""Height of the wind in Liljegren's model."""


@dataclass(frozen=True)
class Wbgt:
    """WBGT and what it is made of [degC]."""

    wbgt_degc: float
    globe_degc: float
    natural_wet_bulb_degc: float


def wind_ratio(height_m: float, reference_height_m: float) -> float:
    """Wind at one height over wind at another, by the logarithmic profile over open ground."""
    return math.log(height_m / UTCI_ROUGHNESS_M) / math.log(reference_height_m / UTCI_ROUGHNESS_M)


def wbgt(
    air_temperature_degc: float,
    relative_humidity_pct: float,
    wind_speed_2m_ms: float,
    global_radiation_wm2: float,
    air_pressure_hpa: float,
    *,
    direct_fraction: float,
    cos_zenith: float,
) -> Wbgt:
    """WBGT in the open after Liljegren et al. (2008), J. Occup. Environ. Hyg. 5(10):645-655.

    Args:
        air_temperature_degc: at 2 m.
        relative_humidity_pct: above 0, up to 100.
        wind_speed_2m_ms: at 2 m; below 0.13 counts as 0.13, the draught that natural convection makes.
        global_radiation_wm2: on a level plane.
        air_pressure_hpa: at the place.
        direct_fraction: share of the global radiation that comes straight from the sun, 0 .. 1.
        cos_zenith: cosine of the sun's zenith angle; below 0.00873 the sun counts as set.
    """
    air_k = air_temperature_degc + KELVIN
    vapour_hpa = relative_humidity_pct / 100.0 * saturation_pressure_hpa(air_k)
    direct_wm2 = global_radiation_wm2 * direct_fraction
    diffuse_wm2 = global_radiation_wm2 - direct_wm2
    globe_k4 = globe_radiation_k4(air_k, vapour_hpa, diffuse_wm2, direct_wm2, cos_zenith)
    wick_wm2 = wick_radiation_wm2(air_k, vapour_hpa, diffuse_wm2, direct_wm2, cos_zenith)
    globe_degc = globe_temperature_k(air_k, globe_k4, air_pressure_hpa, wind_speed_2m_ms) - KELVIN
    wet_bulb_degc = natural_wet_bulb_k(air_k, vapour_hpa, wick_wm2, air_pressure_hpa, wind_speed_2m_ms) - KELVIN
    return Wbgt(
        wbgt_degc=0.7 * wet_bulb_degc + 0.2 * globe_degc + 0.1 * air_temperature_degc,
        globe_degc=globe_degc,
        natural_wet_bulb_degc=wet_bulb_degc,
    )


def radiation_for_wbgt(global_radiation_wm2: float, sun: Sun) -> tuple[float, float]:
    """Global radiation held to what the sky can send [W/m2], and the direct share in it, as Liljegren's program does.

    The share follows from the radiation over its value above the atmosphere, itself held to 0.85.
    """
    cos_zenith = math.sin(math.radians(sun.apparent_altitude_deg))
    if cos_zenith < COS_ZENITH_MIN:
        return 0.0, 0.0
    above_atmosphere_wm2 = sun.extraterrestrial_wm2 * cos_zenith
    normalised = min(global_radiation_wm2 / above_atmosphere_wm2, NORMALISED_RADIATION_MAX)
    if normalised <= 0.0:
        return 0.0, 0.0
    direct_fraction = math.exp(3.0 - 1.34 * normalised - 1.65 / normalised)
    return normalised * above_atmosphere_wm2, min(max(direct_fraction, 0.0), DIRECT_FRACTION_MAX)


def station_wbgt(
    air_temperature_degc: float,
    relative_humidity_pct: float,
    wind_speed_ms: float,
    global_radiation_wm2: float,
    air_pressure_hpa: float,
    sun: Sun,
    *,
    wind_height_m: float = 10.0,
) -> float:
    """WBGT [degC] at a weather station in the open, from what it measures and where the sun stands.

    Args:
        air_temperature_degc: -60 .. 60.
        relative_humidity_pct: 0 .. 100.
        wind_speed_ms: at ``wind_height_m``, 0 .. 100.
        global_radiation_wm2: on a level plane; a small negative offset of the sensor counts as 0.
        air_pressure_hpa: at the station, 500 .. 1100.
        sun: position at the moment of the reading.
        wind_height_m: height of the anemometer above the ground.

    Raises:
        ValueError: a quantity is not finite or out of range; the message names it.
    """
    for name, value, lowest, highest in (
        ("air_temperature_degc", air_temperature_degc, -60.0, 60.0),
        ("relative_humidity_pct", relative_humidity_pct, 0.0, 100.0),
        ("wind_speed_ms", wind_speed_ms, 0.0, 100.0),
        ("global_radiation_wm2", global_radiation_wm2, -50.0, 2000.0),
        ("air_pressure_hpa", air_pressure_hpa, 500.0, 1100.0),
        ("wind_height_m", wind_height_m, 0.5, 200.0),
    ):
        if not lowest <= value <= highest:
            raise ValueError(f"{name} is {value:g}, must lie in {lowest:g} .. {highest:g}")
    radiation_wm2, direct_fraction = radiation_for_wbgt(max(global_radiation_wm2, 0.0), sun)
    return wbgt(
        air_temperature_degc,
        max(relative_humidity_pct, 0.1),
        wind_speed_ms * wind_ratio(SENSOR_HEIGHT_M, wind_height_m),
        radiation_wm2,
        air_pressure_hpa,
        direct_fraction=direct_fraction,
        cos_zenith=math.sin(math.radians(sun.apparent_altitude_deg)),
    ).wbgt_degc
