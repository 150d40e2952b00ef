# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""The step in plain NumPy and double precision: what ``step_kernel`` is held against.

No bit planes, no tables, no 28-coefficient polynomial: patch by patch, cell by cell, the published formulas.
"""

import numpy as np

from central.heat.comfort.utci import utci
from central.heat.comfort.wbgt import SENSOR_HEIGHT_M, wbgt, wind_ratio
from central.heat.geometry import Geometry
from central.heat.geometry.dome import WORDS, unpack
from central.heat.geometry.types import Bits, Bytes, Floats64
from central.heat.land_cover import GROUNDS, UNKNOWN, Ground
from central.heat.radiation.weights import (
    ABSORPTIVITY_LONG,
    ABSORPTIVITY_SHORT,
    END_SHARE,
    GROUND_VIEW,
    KELVIN,
    SIDE_SHARE,
    STEFAN_BOLTZMANN,
    Absorbed,
    Materials,
    absorbed,
    heating_course_k,
    mean_radiant_temperature_degc,
)
from central.heat.step import WIND_REFERENCE_HEIGHT_M, Frame, Moment, Weather, moment
from central.heat.sun import Sun


def step(geometry: Geometry, weather: Weather, sun: Sun, wind_ms: Floats64 | None = None) -> Frame:
    """The same maps as ``central.heat.step.step``, as float64; minutes for a real city."""
    wind = np.full(geometry.shape, weather.wind_speed_ms) if wind_ms is None else wind_ms
    now = moment(weather, sun, (float(wind.min()), float(wind.max())), Materials())
    shade = _shade(geometry, sun)
    reached = np.array([0.0, now.canopy_transmissivity, 1.0])[shade] if sun.is_up else np.zeros(geometry.shape)
    tmrt = mean_radiant_temperature_degc(_absorbed(geometry, now, shade))
    values = (
        tmrt,
        utci(weather.air_temperature_degc, tmrt, wind, weather.relative_humidity_pct),
        _wbgt(geometry, weather, sun, now, reached, wind),
        reached,
    )
    return Frame(*(np.asarray(value) for value in values))


def hidden_patches(geometry: Geometry) -> tuple[Bits, Bits]:
    """(153, rows, columns) patches hidden by buildings, and by crowns alone, out of the packed bits."""
    words = geometry.blocked.transpose(2, 0, 1, 3).reshape(2 * WORDS, geometry.rows, -1)[:, :, : geometry.columns]
    return unpack(words[:WORDS]), unpack(words[WORDS:])


def _shade(geometry: Geometry, sun: Sun) -> Bytes:
    shade = np.zeros((geometry.rows, geometry.openness_level.shape[1]), dtype=np.uint8)
    if sun.is_up:
        geometry.cast_shadow(sun.azimuth_deg, sun.altitude_deg, shade)
    return shade[:, : geometry.columns]


def _absorbed(geometry: Geometry, now: Moment, shade: Bytes) -> Floats64:
    return np.asarray(_from_patches(geometry, now.absorbed) + now.absorbed.beam_and_ground[shade])


def _from_patches(geometry: Geometry, weights: Absorbed) -> Floats64:
    by_building, by_crown = hidden_patches(geometry)
    lit = weights.is_sunlit[geometry.openness_level[:, : geometry.columns]]  # (rows, columns, 153)
    total = np.zeros(geometry.shape)
    for patch in range(by_building.shape[0]):
        filled = np.where(
            by_building[patch],
            weights.wall[patch] + weights.sunlit_surplus[patch] * lit[:, :, patch],
            np.where(by_crown[patch], weights.tree[patch], weights.sky[patch]),
        )
        total = total + filled
    return np.asarray(total)


def _wbgt(
    geometry: Geometry,
    weather: Weather,
    sun: Sun,
    now: Moment,
    reached: Floats64,
    wind: Floats64,
    air_degc: Floats64 | None = None,
    humidity_pct: Floats64 | None = None,
) -> Floats64:
    beam, sky_light, wall_light = now.level_radiation
    to_sensor = wind_ratio(SENSOR_HEIGHT_M, WIND_REFERENCE_HEIGHT_M)
    cos_zenith = max(np.sin(np.radians(sun.altitude_deg)), 0.0)
    air = np.full(geometry.shape, weather.air_temperature_degc) if air_degc is None else air_degc
    humidity = np.full(geometry.shape, weather.relative_humidity_pct) if humidity_pct is None else humidity_pct
    result = np.empty(geometry.shape)
    for cell in np.ndindex(geometry.shape):
        direct = beam * reached[cell]
        total = direct + sky_light * geometry.sky_view[cell] + wall_light * (1.0 - geometry.sky_view[cell])
        result[cell] = wbgt(
            float(air[cell]),
            float(humidity[cell]),
            float(wind[cell] * to_sensor),
            float(total),
            weather.air_pressure_hpa,
            direct_fraction=float(direct / total) if total > 0.0 else 0.0,
            cos_zenith=float(cos_zenith),
        ).wbgt_degc
    return result


def local_step(
    geometry: Geometry, weather: Weather, sun: Sun, air_degc: Floats64, humidity_pct: Floats64, cover: Bytes
) -> Frame:
    """The maps where air and ground differ from place to place, without memory; air temperature in few distinct values.

    ``weather`` holds the middle of the fields: what the sky is made of.
    """
    materials = Materials()
    wind = np.full(geometry.shape, weather.wind_speed_ms)
    now = moment(weather, sun, (weather.wind_speed_ms,) * 2, materials)
    shade = _shade(geometry, sun)
    reached = np.array([0.0, now.canopy_transmissivity, 1.0])[shade] if sun.is_up else np.zeros(geometry.shape)
    total = np.empty(geometry.shape)
    for value in np.unique(air_degc):
        weights = absorbed(
            sun,
            now.irradiance,
            now.clearness,
            weather.air_temperature_degc,
            weather.relative_humidity_pct,
            now.canopy_transmissivity,
            materials,
            surface_air_degc=float(value),
        )
        here = air_degc == value
        total[here] = (_from_patches(geometry, weights) + weights.beam[shade])[here]
    total += _from_ground(geometry, sun, now, materials, reached, air_degc, cover)
    tmrt = mean_radiant_temperature_degc(total)
    values = (
        tmrt,
        utci(air_degc, tmrt, wind, humidity_pct),
        _wbgt(geometry, weather, sun, now, reached, wind, air_degc, humidity_pct),
        reached,
    )
    return Frame(*(np.asarray(value) for value in values))


def _from_ground(
    geometry: Geometry, sun: Sun, now: Moment, materials: Materials, reached: Floats64, air_degc: Floats64, cover: Bytes
) -> Floats64:
    """What a person absorbs of the ground's own radiation, and of the light it reflects beyond the materials' albedo."""
    beam, sky_light, wall_light = now.level_radiation
    on_level = beam * reached + sky_light * geometry.sky_view + wall_light * (1.0 - geometry.sky_view)
    usual = Ground(
        materials.ground_albedo,
        materials.ground_emissivity,
        materials.surface_heating_k_per_deg,
        materials.surface_heating_start_k,
        materials.hottest_hour,
    )
    result = np.zeros(geometry.shape)
    for code, ground in {**GROUNDS, UNKNOWN: usual}.items():
        here = cover == code
        course_k = heating_course_k(sun, ground.heating_k_per_deg, ground.heating_start_k, ground.hottest_hour)
        ground_k = air_degc + course_k * now.clearness * reached + KELVIN
        sent = ABSORPTIVITY_LONG * GROUND_VIEW * ground.emissivity * STEFAN_BOLTZMANN * ground_k**4
        more = ground.albedo - materials.ground_albedo
        reflected = ABSORPTIVITY_SHORT * (END_SHARE + 2.0 * SIDE_SHARE) * more * on_level
        result[here] = (sent + reflected)[here]
    return result
