"""All that one step needs besides the geometry: the same for every cell."""

import math
from dataclasses import dataclass, replace

import numpy as np

from central.heat.comfort.utci import utci_surface
from central.heat.comfort.wbgt import SENSOR_HEIGHT_M, wind_ratio
from central.heat.comfort.wbgt_surface import WbgtSurface, wbgt_surface
from central.heat.geometry.types import Floats32, Floats64
from central.heat.memory import Memory
from central.heat.radiation.clearness import Irradiance, haurwitz_wm2
from central.heat.radiation.weights import (
    Absorbed,
    Materials,
    absorbed,
    canopy_transmissivity,
    heating_course_k,
    sunlit_walls,
)
from central.heat.sun import Sun
from central.heat.weather import Weather, clearness_of, irradiance_of

WIND_REFERENCE_HEIGHT_M = 10.0
BRIGHTER_THAN_HAURWITZ = 1.1
"""The cleanest cloudless sky over Haurwitz's mean one."""


@dataclass(frozen=True, eq=False)
class Moment:
    """Weather and sun as the few hundred numbers that the passes over the city read."""

    irradiance: Irradiance
    clearness: float
    """Of the moment: 1 cloudless .. 0 overcast."""
    absorbed: Absorbed
    utci_coefficients: Floats32
    """(7, 7); zeros where the air is too wet for UTCI and that was to be left blank."""
    wbgt: WbgtSurface
    level_radiation: tuple[float, float, float]
    """The beam, the sky's light and the walls' light on a level plane [W/m2]."""
    canopy_transmissivity: float
    sunlit_heating_k: Floats64 | float
    """Rise of sunlit walls over the air [K], one value or one per patch."""


def moment(
    weather: Weather,
    sun: Sun,
    wind_range_ms: tuple[float, float],
    materials: Materials,
    *,
    memory: Memory | None = None,
    elapsed_s: float = 0.0,
    with_utci: bool = True,
) -> Moment:
    """Prepare a step.

    Args:
        weather: of the city.
        sun: its position.
        wind_range_ms: lowest and highest wind of the map.
        materials: ground and walls.
        memory: of sky and walls; advanced by ``elapsed_s``.
        elapsed_s: since the memory's last step.
        with_utci: False where UTCI is not computed from uniform air, which then may be as wet as it likes.

    Raises:
        ValueError: the air holds more vapour than UTCI is defined for (above 50 hPa).
    """
    if memory is not None and weather.direct_normal_wm2 is None and weather.global_radiation_wm2 is not None:
        cloudless_wm2 = BRIGHTER_THAN_HAURWITZ * haurwitz_wm2(sun)
        surplus_wm2 = max(weather.global_radiation_wm2 - cloudless_wm2, 0.0) if sun.is_up else 0.0
        held_wm2 = weather.global_radiation_wm2 - surplus_wm2 + memory.follow_brightening(surplus_wm2, elapsed_s)
        weather = replace(weather, global_radiation_wm2=held_wm2)
    irradiance = irradiance_of(weather, sun)
    clearness = clearness_of(weather, sun, irradiance)
    transmissivity = canopy_transmissivity(sun, materials)
    cos_zenith = max(math.sin(math.radians(sun.altitude_deg)), 0.0)
    beam = irradiance.direct_normal_wm2 * cos_zenith
    wall_light = 0.5 * materials.wall_albedo * irradiance.global_wm2
    utci_coefficients = np.zeros(28, dtype=np.float32)
    if with_utci:
        surface = utci_surface(weather.air_temperature_degc, weather.relative_humidity_pct)
        utci_coefficients = surface.astype(np.float32)
    course_k = heating_course_k(
        sun, materials.surface_heating_k_per_deg, materials.surface_heating_start_k, materials.hottest_hour
    )
    walls, sky_clearness = None, clearness
    if memory is not None:
        sky_clearness = memory.follow_sky(clearness, sun.altitude_deg, elapsed_s)
        walls = memory.follow_walls(course_k, clearness if sun.is_up else 0.0, sunlit_walls(sun), elapsed_s)
    return Moment(
        irradiance=irradiance,
        clearness=clearness,
        absorbed=absorbed(
            sun,
            irradiance,
            sky_clearness,
            weather.air_temperature_degc,
            weather.relative_humidity_pct,
            transmissivity,
            materials,
            wall_heating=walls,
        ),
        utci_coefficients=utci_coefficients,
        wbgt=wbgt_surface(
            weather.air_temperature_degc,
            weather.relative_humidity_pct,
            weather.air_pressure_hpa,
            wind_range_ms,
            wind_ratio(SENSOR_HEIGHT_M, WIND_REFERENCE_HEIGHT_M),
            max(irradiance.diffuse_wm2, wall_light),
            beam,
            cos_zenith,
        ),
        level_radiation=(beam, irradiance.diffuse_wm2, wall_light),
        canopy_transmissivity=transmissivity,
        sunlit_heating_k=course_k * clearness if walls is None else walls.sunlit,
    )
