"""One moment of the city: weather and sun in, maps of heat out."""

from dataclasses import dataclass, replace

import numpy as np

from central.heat.comfort.humidity import saturation_vapour_pressure_hpa
from central.heat.comfort.utci import VAPOUR_PRESSURE_MAX_HPA, vapour_pressure_for_utci_hpa
from central.heat.compiled import PARALLEL
from central.heat.geometry import Geometry
from central.heat.geometry.dome import pack
from central.heat.geometry.types import Bits, Bytes, Floats32
from central.heat.land_cover import LandCover
from central.heat.memory import Memory
from central.heat.moment import WIND_REFERENCE_HEIGHT_M, Moment, moment
from central.heat.radiation.bitplanes import quantise
from central.heat.radiation.weights import Absorbed, Materials
from central.heat.step_kernel import StepWeights, fill_maps
from central.heat.step_local import (
    AIR_SPAN_MAX_K,
    Local,
    Span,
    check_local,
    checked_field,
    fields_of,
    local_weights,
    too_wet,
    variation,
)
from central.heat.step_local_kernel import fill_local_maps
from central.heat.sun import Sun
from central.heat.weather import RANGES, Weather, clearness_of, irradiance_of

__all__ = [
    "RANGES",
    "WIND_REFERENCE_HEIGHT_M",
    "Frame",
    "Moment",
    "Weather",
    "clearness_of",
    "irradiance_of",
    "moment",
    "step",
]

WALL_BITS, TREE_BITS, SUNLIT_BITS = 7, 6, 5
"""Bits that the weights of walls, trees and sunshine on walls are written with: 0.03 K of Tmrt at the worst."""


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


def step(
    geometry: Geometry,
    weather: Weather,
    sun: Sun,
    out: Frame | None = None,
    *,
    wind_field_ms: Floats32 | None = None,
    materials: Materials | None = None,
    air_temperature_field_degc: Floats32 | None = None,
    relative_humidity_field_pct: Floats32 | None = None,
    land_cover: LandCover | None = None,
    memory: Memory | None = None,
    elapsed_s: float = 0.0,
    blank_utci: bool = False,
) -> Frame:
    """Mean radiant temperature, UTCI, WBGT and shadow of every cell at one moment.

    About 8 ms for a million cells on two threads; 17 ms with fields, land cover and memory. Without a memory nothing is
    remembered between steps: ground and walls follow sun and clouds at once.

    Args:
        geometry: the prepared city.
        weather: air temperature and humidity of the whole city, wind in the open, radiation.
        sun: ``sun_position`` of the moment and the city's centre.
        out: maps to write into; made where left out.
        wind_field_ms: (rows, columns) wind of each cell as the speed at 10 m over open ground that would give the
            cell's wind at person height; the weather's wind everywhere where left out.
        materials: ground and walls; the usual mixed city where left out.
        air_temperature_field_degc: (rows, columns) air temperature of each cell, within 20 K; walls, crowns and ground
            go with it, the sky with the middle between its lowest and highest value.
        relative_humidity_field_pct: (rows, columns) relative humidity of each cell.
        land_cover: what the ground is made of; the materials' ground where left out.
        memory: what the city remembers; changed by this step.
        elapsed_s: time since the memory's last step.
        blank_utci: where the air holds more than 50 hPa of vapour, write NaN into the map of UTCI instead of refusing.

    Raises:
        ValueError: a map or field has the wrong shape or type, a field holds a value that is NaN or out of range, the
            memory is another city's, or the vapour pressure exceeds 50 hPa and ``blank_utci`` is False.
    """
    maps = Frame.empty(geometry.shape) if out is None else out
    _check_maps(maps, geometry.shape)
    local = Local(air_temperature_field_degc, relative_humidity_field_pct, land_cover, memory, elapsed_s)
    check_local(local, geometry.shape)
    wind, wind_span = checked_field("wind_speed_ms", wind_field_ms, weather.wind_speed_ms, geometry.shape)
    air, air_span = checked_field(
        "air_temperature_degc", air_temperature_field_degc, weather.air_temperature_degc, geometry.shape
    )
    if air_span.highest - air_span.lowest > AIR_SPAN_MAX_K:
        raise ValueError(
            f"air_temperature_field_degc spans {air_span.lowest:g} .. {air_span.highest:g}: more than "
            f"{AIR_SPAN_MAX_K:g} K within one city"
        )
    humidity, humidity_span = checked_field(
        "relative_humidity_pct", relative_humidity_field_pct, weather.relative_humidity_pct, geometry.shape
    )
    blank = _blank_where(air, humidity, air_span, humidity_span, allowed=blank_utci)
    weather = replace(weather, air_temperature_degc=air_span.centre, relative_humidity_pct=humidity_span.centre)
    given = materials or Materials()
    now = moment(
        weather,
        sun,
        (wind_span.lowest, wind_span.highest),
        given,
        memory=memory,
        elapsed_s=elapsed_s,
        with_utci=local.is_uniform and blank is None,
    )
    shade = _shade(geometry, sun, now.irradiance.direct_normal_wm2)
    shape_maps = (maps.tmrt_degc, maps.utci_degc, maps.wbgt_degc, maps.shadow)
    views = (geometry.blocked, geometry.openness_level, geometry.sky_view_padded, shade)
    if local.is_uniform:
        numbers = [weather.air_temperature_degc, now.canopy_transmissivity, *now.level_radiation]
        scalars = np.array(numbers, dtype=np.float32)
        with PARALLEL:
            fill_maps(*views, wind, _packed(now.absorbed), now.wbgt, now.utci_coefficients, scalars, *shape_maps)
    else:
        weights = local_weights(sun, now, given, local, air_span, humidity_span)
        change = variation(weather, sun, now, air_span, humidity_span, wind_span)
        fields = fields_of(local, air, humidity, wind)
        with PARALLEL:
            fill_local_maps(*views, fields, _packed(now.absorbed), weights, now.wbgt, change, *shape_maps)
    if memory is not None:
        memory.is_fresh = False
    if blank is not None:
        maps.utci_degc[np.broadcast_to(blank, geometry.shape)] = np.nan
    return maps


def _shade(geometry: Geometry, sun: Sun, direct_normal_wm2: float) -> Bytes:
    """(rows, padded) what stands between each cell and the sun."""
    shade = np.empty(geometry.openness_level.shape, dtype=np.uint8)
    if direct_normal_wm2 > 0.0:
        geometry.cast_shadow(sun.azimuth_deg, sun.altitude_deg, shade)
    elif sun.is_up:
        # Overcast to the last beam: shade is still told, for whoever draws it.
        geometry.cast_shadow(sun.azimuth_deg, max(sun.altitude_deg, 0.5), shade)
    else:
        shade[:] = 0
    return shade


def _blank_where(
    air: Floats32, humidity: Floats32, air_span: Span, humidity_span: Span, *, allowed: bool
) -> Bits | None:
    """The cells that have no UTCI, or None where all have one; raises ValueError for them unless it is allowed."""
    most_hpa = float(saturation_vapour_pressure_hpa(air_span.highest)) * humidity_span.highest / 100.0
    if most_hpa <= VAPOUR_PRESSURE_MAX_HPA:
        return None
    blank = too_wet(air, humidity)
    if not blank.any():
        return None
    if not allowed:
        vapour_pressure_for_utci_hpa(air, humidity)
    return blank


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
