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
from central.heat.radiation.weights import Materials, mean_radiant_temperature_degc
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
    by_building, by_crown = hidden_patches(geometry)
    weights = now.absorbed
    lit = weights.is_sunlit[geometry.openness_level[:, : geometry.columns]]  # (rows, columns, 153)
    total = weights.beam_and_ground[shade]
    for patch in range(by_building.shape[0]):
        filled = np.where(
            by_building[patch],
            weights.wall[patch] + weights.sunlit_surplus[patch] * lit[:, :, patch],
            np.where(by_crown[patch], weights.tree[patch], weights.sky[patch]),
        )
        total = total + filled
    return np.asarray(total)


def _wbgt(geometry: Geometry, weather: Weather, sun: Sun, now: Moment, reached: Floats64, wind: Floats64) -> Floats64:
    beam, sky_light, wall_light = now.level_radiation
    to_sensor = wind_ratio(SENSOR_HEIGHT_M, WIND_REFERENCE_HEIGHT_M)
    cos_zenith = max(np.sin(np.radians(sun.altitude_deg)), 0.0)
    result = np.empty(geometry.shape)
    for cell in np.ndindex(geometry.shape):
        direct = beam * reached[cell]
        total = direct + sky_light * geometry.sky_view[cell] + wall_light * (1.0 - geometry.sky_view[cell])
        result[cell] = wbgt(
            weather.air_temperature_degc,
            weather.relative_humidity_pct,
            float(wind[cell] * to_sensor),
            float(total),
            weather.air_pressure_hpa,
            direct_fraction=float(direct / total) if total > 0.0 else 0.0,
            cos_zenith=float(cos_zenith),
        ).wbgt_degc
    return result
