"""One moment of the city: weather and sun in, maps of heat out."""

import math
from dataclasses import dataclass

import numpy as np

from central.heat.comfort.utci import utci_surface
from central.heat.comfort.wbgt import SENSOR_HEIGHT_M, wind_ratio
from central.heat.comfort.wbgt_tables import WbgtTables, wbgt_tables
from central.heat.compiled import PARALLEL
from central.heat.geometry import Geometry
from central.heat.geometry.dome import pack
from central.heat.geometry.types import Floats32
from central.heat.radiation.bitplanes import quantise
from central.heat.radiation.clearness import Irradiance, clearness_index, haurwitz_wm2, split
from central.heat.radiation.weights import Absorbed, Materials, absorbed, canopy_transmissivity
from central.heat.step_kernel import StepWeights, fill_maps
from central.heat.sun import Sun

WALL_BITS, TREE_BITS, SUNLIT_BITS = 7, 6, 5
"""Bits that the weights of walls, trees and sunshine on walls are written with: 0.03 K of Tmrt at the worst."""
WIND_REFERENCE_HEIGHT_M = 10.0
TWILIGHT_DEG = -6.0
"""Sun below which a pyranometer's reading is an offset, not light."""

RANGES = {
    "air_temperature_degc": (-50.0, 50.0),
    "relative_humidity_pct": (0.0, 100.0),
    "wind_speed_ms": (0.0, 75.0),
    "air_pressure_hpa": (500.0, 1100.0),
    "global_radiation_wm2": (-20.0, 1500.0),
    "direct_normal_wm2": (-20.0, 1500.0),
    "diffuse_horizontal_wm2": (-20.0, 1500.0),
    "clearness": (0.0, 1.0),
}


@dataclass(frozen=True)
class Weather:
    """Weather over the whole city at one moment.

    Radiation is given as direct and diffuse, or as global alone, which is then split; with none of the three the sky
    is taken as cloudless.

    Raises:
        ValueError: a value is NaN or out of its range, or only one of direct and diffuse is given; names the field.
    """

    air_temperature_degc: float
    relative_humidity_pct: float
    wind_speed_ms: float
    """At 10 m above open ground."""
    global_radiation_wm2: float | None = None
    """On a level plane in the open."""
    direct_normal_wm2: float | None = None
    """Of the sun alone, on a plane that faces it."""
    diffuse_horizontal_wm2: float | None = None
    """Of the sky alone, on a level plane."""
    air_pressure_hpa: float = 1013.25
    """At the city, not reduced to sea level."""
    clearness: float | None = None
    """1 cloudless .. 0 overcast; from the radiation by day and 1 at night where left out."""

    def __post_init__(self) -> None:
        for name, (lowest, highest) in RANGES.items():
            value = getattr(self, name)
            if value is not None and not lowest <= value <= highest:
                raise ValueError(f"{name} is {value:g}, must lie in {lowest:g} .. {highest:g}")
        if (self.direct_normal_wm2 is None) != (self.diffuse_horizontal_wm2 is None):
            missing = "direct_normal_wm2" if self.direct_normal_wm2 is None else "diffuse_horizontal_wm2"
            raise ValueError(f"{missing} is missing: direct and diffuse radiation are given together or not at all")


@dataclass(frozen=True, eq=False)
class Frame:
    """Maps of one moment, each (rows, columns) float32, row 0 north."""

    tmrt_degc: Floats32
    """Mean radiant temperature of a standing person."""
    utci_degc: Floats32
    """Universal Thermal Climate Index."""
    wbgt_degc: Floats32
    """Wet-bulb globe temperature."""
    shadow: Floats32
    """Share of the sun's beam that arrives: 1 sun, 0 shade of a building, in between under a crown; 0 at night."""

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> "Frame":
        """Room for the maps of a city of this shape."""
        return cls(*(np.empty(shape, dtype=np.float32) for _ in range(4)))


def irradiance_of(weather: Weather, sun: Sun) -> Irradiance:
    """The weather's radiation as direct and diffuse; whatever is missing is filled in, see ``Weather``."""
    if sun.altitude_deg < TWILIGHT_DEG:
        return Irradiance(0.0, 0.0, 0.0)
    if weather.direct_normal_wm2 is not None and weather.diffuse_horizontal_wm2 is not None:
        direct = max(weather.direct_normal_wm2, 0.0) if sun.is_up else 0.0
        diffuse = max(weather.diffuse_horizontal_wm2, 0.0)
        level = direct * math.sin(math.radians(max(sun.altitude_deg, 0.0))) + diffuse
        return Irradiance(level, direct, diffuse)
    measured = weather.global_radiation_wm2 if weather.global_radiation_wm2 is not None else haurwitz_wm2(sun)
    return split(measured, sun, weather.air_temperature_degc, weather.relative_humidity_pct)


def clearness_of(weather: Weather, sun: Sun, irradiance: Irradiance) -> float:
    """How clear the sky is, 1 to 0: as given, or from the radiation."""
    if weather.clearness is not None:
        return weather.clearness
    return clearness_index(
        sun,
        irradiance.global_wm2,
        weather.air_temperature_degc,
        weather.relative_humidity_pct,
        weather.air_pressure_hpa,
    )


@dataclass(frozen=True, eq=False)
class Moment:
    """All that one step needs besides the geometry: the same for every cell."""

    irradiance: Irradiance
    absorbed: Absorbed
    utci_coefficients: Floats32
    wbgt: WbgtTables
    level_radiation: tuple[float, float, float]
    """The beam, the sky's light and the walls' light on a level plane [W/m2]."""
    canopy_transmissivity: float


def moment(weather: Weather, sun: Sun, wind_range_ms: tuple[float, float], materials: Materials) -> Moment:
    """Prepare a step: a few hundred numbers from weather and sun.

    Raises:
        ValueError: the air holds more vapour than UTCI is defined for (above 50 hPa).
    """
    irradiance = irradiance_of(weather, sun)
    clearness = clearness_of(weather, sun, irradiance)
    transmissivity = canopy_transmissivity(sun, materials)
    cos_zenith = max(math.sin(math.radians(sun.altitude_deg)), 0.0)
    beam = irradiance.direct_normal_wm2 * cos_zenith
    wall_light = 0.5 * materials.wall_albedo * irradiance.global_wm2
    return Moment(
        irradiance=irradiance,
        absorbed=absorbed(
            sun,
            irradiance,
            clearness,
            weather.air_temperature_degc,
            weather.relative_humidity_pct,
            transmissivity,
            materials,
        ),
        utci_coefficients=utci_surface(weather.air_temperature_degc, weather.relative_humidity_pct).astype(np.float32),
        wbgt=wbgt_tables(
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
    )


def step(
    geometry: Geometry,
    weather: Weather,
    sun: Sun,
    out: Frame | None = None,
    *,
    wind_field_ms: Floats32 | None = None,
    materials: Materials | None = None,
) -> Frame:
    """Mean radiant temperature, UTCI, WBGT and shadow of every cell at one moment.

    Nothing is remembered between steps. About 10 ms for a million cells on two threads.

    Args:
        geometry: the prepared city.
        weather: air temperature and humidity of the whole city, wind in the open, radiation.
        sun: ``sun_position`` of the moment and the city's centre.
        out: maps to write into; made where left out.
        wind_field_ms: (rows, columns) wind of each cell as the speed at 10 m over open ground that would give the
            cell's wind at person height; the weather's wind everywhere where left out.
        materials: ground and walls; the usual mixed city where left out.

    Raises:
        ValueError: a map or the wind field has the wrong shape or type, the wind field holds a value that is NaN or
            out of range, or the vapour pressure exceeds 50 hPa.
    """
    maps = Frame.empty(geometry.shape) if out is None else out
    _check_maps(maps, geometry.shape)
    wind, wind_range_ms = _wind(weather, wind_field_ms, geometry.shape)
    now = moment(weather, sun, wind_range_ms, materials or Materials())
    shade = np.empty(geometry.openness_level.shape, dtype=np.uint8)
    if now.irradiance.direct_normal_wm2 > 0.0:
        geometry.cast_shadow(sun.azimuth_deg, sun.altitude_deg, shade)
    elif sun.is_up:
        # Overcast to the last beam: shade is still told, for whoever draws it.
        geometry.cast_shadow(sun.azimuth_deg, max(sun.altitude_deg, 0.5), shade)
    else:
        shade[:] = 0
    with PARALLEL:
        fill_maps(
            geometry.blocked,
            geometry.openness_level,
            geometry.sky_view_padded,
            shade,
            wind,
            _packed(now.absorbed),
            now.wbgt,
            now.utci_coefficients,
            np.array([weather.air_temperature_degc, now.canopy_transmissivity, *now.level_radiation], dtype=np.float32),
            maps.tmrt_degc,
            maps.utci_degc,
            maps.wbgt_degc,
            maps.shadow,
        )
    return maps


def _packed(weights: Absorbed) -> StepWeights:
    """The weights of the patches as the kernel wants them."""
    return StepWeights(
        sky_sum=np.array([weights.sky.sum()], dtype=np.float32),
        wall=quantise(weights.wall - weights.sky, WALL_BITS),
        tree=quantise(weights.tree - weights.sky, TREE_BITS),
        sunlit=quantise(weights.sunlit_surplus, SUNLIT_BITS),
        sunlit_masks=np.ascontiguousarray(pack(weights.is_sunlit).T),
        beam_and_ground=weights.beam_and_ground.astype(np.float32),
    )


def _check_maps(maps: Frame, shape: tuple[int, int]) -> None:
    for name, array in vars(maps).items():
        if array.shape != shape or array.dtype != np.float32 or not array.flags.carray:
            raise ValueError(
                f"out.{name} has shape {array.shape} and type {array.dtype}, must be {shape} float32, contiguous and "
                "writeable"
            )


def _wind(weather: Weather, field_ms: Floats32 | None, shape: tuple[int, int]) -> tuple[Floats32, tuple[float, float]]:
    """The wind as an array of one cell or one per cell, with its lowest and highest value."""
    if field_ms is None:
        speed = weather.wind_speed_ms
        return np.full((1, 1), speed, dtype=np.float32), (speed, speed)
    wind = np.ascontiguousarray(field_ms, dtype=np.float32)
    if not wind.flags.writeable:
        wind = wind.copy()  # for a read-only array the kernel would be compiled once more, which takes seconds
    if wind.shape != shape:
        raise ValueError(f"wind_field_ms has shape {wind.shape}, the city has {shape}")
    lowest, highest = float(wind.min()), float(wind.max())
    bounds = RANGES["wind_speed_ms"]
    if not (bounds[0] <= lowest and highest <= bounds[1]):
        raise ValueError(f"wind_field_ms spans {lowest:g} .. {highest:g}, must lie in {bounds[0]:g} .. {bounds[1]:g}")
    return wind, (lowest, highest)
