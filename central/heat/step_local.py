# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""A step where air, ground or the past differ from place to place: what ``step`` hands its fields to."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from central.heat.comfort.chebyshev import fitted_powers
from central.heat.comfort.humidity import saturation_vapour_pressure_hpa
from central.heat.comfort.utci import VAPOUR_PRESSURE_MAX_HPA
from central.heat.comfort.utci_polynomial import centred
from central.heat.comfort.wbgt_variation import WbgtVariation, wbgt_variation
from central.heat.geometry.dome import sky_dome
from central.heat.geometry.types import Floats32, Floats64
from central.heat.land_cover import LandCover, ground_table
from central.heat.memory import Memory
from central.heat.moment import Moment
from central.heat.radiation.bitplanes import quantise
from central.heat.radiation.weights import (
    ABSORPTIVITY_LONG,
    BEAM_SHARE,
    END_SHARE,
    KELVIN,
    STEFAN_BOLTZMANN,
    Materials,
)
from central.heat.step_local_kernel import LocalFields, LocalWeights
from central.heat.sun import Sun
from central.heat.weather import RANGES, Weather

VIEW_BITS = 4
SATURATION_DEGREE = 6
AIR_SPAN_MAX_K = 20.0
"""More than this no city's air differs; beyond it the step's fits are no longer exact to 0.05 C."""


@dataclass(frozen=True, eq=False)
class Local:
    """What differs from place to place at one step; each left out where one value holds everywhere."""

    air_temperature_degc: Floats32 | None = None
    relative_humidity_pct: Floats32 | None = None
    land_cover: LandCover | None = None
    memory: Memory | None = None
    elapsed_s: float = 0.0

    @property
    def is_uniform(self) -> bool:
        """Whether nothing differs."""
        return all(
            value is None
            for value in (self.air_temperature_degc, self.relative_humidity_pct, self.land_cover, self.memory)
        )


@dataclass(frozen=True)
class Span:
    """Centre, lowest and highest value of a field."""

    centre: float
    lowest: float
    highest: float


def checked_field(
    name: str, field: npt.NDArray[np.float32] | None, value: float, shape: tuple[int, int]
) -> tuple[Floats32, Span]:
    """A field, or one value for all cells, as an array for the kernel; ``name`` is that of the weather's quantity.

    Raises:
        ValueError: not of real numbers, another shape than the city's, NaN or out of range; names the first such cell.
    """
    if field is None:
        return np.full((1, 1), value, dtype=np.float32), Span(value, value, value)
    prefix, unit = name.rsplit("_", 1)
    called = f"{prefix.removesuffix('_speed')}_field_{unit}"
    given: npt.NDArray[Any] = np.asarray(field)
    if given.dtype.kind not in "biuf":
        raise ValueError(f"{called} is not an array of real numbers: its type is {given.dtype}")
    with np.errstate(over="ignore"):  # what overflows is infinite, and refused below
        array = np.ascontiguousarray(given, dtype=np.float32)
    if not array.flags.writeable:
        array = array.copy()  # for a read-only array the kernel would be compiled once more, which takes seconds
    if array.shape != shape:
        raise ValueError(f"{called} has shape {array.shape}, the city has {shape}")
    lowest, highest = float(array.min()), float(array.max())
    bounds = RANGES[name]
    if not (bounds[0] <= lowest and highest <= bounds[1]):
        is_wrong = ~((array >= bounds[0]) & (array <= bounds[1]))
        row, column = (int(index) for index in np.unravel_index(int(np.argmax(is_wrong)), shape))
        raise ValueError(
            f"{called} is {array[row, column]:g} at row {row}, column {column}, must lie in {bounds[0]:g} .. "
            f"{bounds[1]:g}"
        )
    return array, Span(0.5 * (lowest + highest), lowest, highest)


def check_local(local: Local, shape: tuple[int, int]) -> None:
    """Raises ValueError where land cover, memory or the time since the last step do not fit."""
    if local.land_cover is not None and local.land_cover.codes.shape != shape:
        raise ValueError(f"land_cover has shape {local.land_cover.codes.shape}, the city has {shape}")
    if local.memory is not None and local.memory.ground_heating_k.shape != shape:
        raise ValueError(f"memory has shape {local.memory.ground_heating_k.shape}, the city has {shape}")
    if local.memory is not None and not (math.isfinite(local.elapsed_s) and local.elapsed_s >= 0.0):
        raise ValueError(f"elapsed_s is {local.elapsed_s:g}, must be 0 or more")


def saturation_polynomial(air: Span) -> Floats64:
    """(7,) saturation vapour pressure [hPa] around the centre, by powers of the surplus of air temperature."""
    half = max(air.highest - air.centre, air.centre - air.lowest, 0.5)
    powers = fitted_powers(saturation_vapour_pressure_hpa, air.centre, half, SATURATION_DEGREE)
    return np.asarray(powers / half ** np.arange(SATURATION_DEGREE + 1))


def too_wet(air_degc: Floats32, humidity_pct: Floats32) -> npt.NDArray[np.bool_]:
    """Where the air holds more vapour than UTCI is defined for."""
    vapour_hpa = saturation_vapour_pressure_hpa(air_degc) * humidity_pct / 100.0
    return np.asarray(vapour_hpa > VAPOUR_PRESSURE_MAX_HPA)


def local_weights(sun: Sun, now: Moment, materials: Materials, local: Local, air: Span, humidity: Span) -> LocalWeights:
    """What the pass needs besides the patches' weights. Advances the memory's courses, not its maps."""
    dome = sky_dome()
    long_view = (BEAM_SHARE * dome.cos_altitude + END_SHARE * dome.sin_altitude) * dome.solid_angle_sr / math.pi
    # Ground before a wall is as warm as the place, so its reflection in the wall changes with the place too.
    wall_emits = materials.wall_emissivity + (1.0 - materials.wall_emissivity) * 0.5 * materials.ground_emissivity
    ground = ground_table(sun, materials)
    transmissivity = now.canopy_transmissivity
    sunshine, reached = now.clearness if sun.is_up else 0.0, np.array([0.0, transmissivity, 1.0])
    kept, added_k = 0.0, ground.course_k[:, np.newaxis, np.newaxis] * sunshine * np.tile(reached, (3, 1))
    if local.memory is not None:
        kept = local.memory.fade(local.elapsed_s).kept
        added_k = local.memory.follow_ground(ground.course_k, sunshine, reached, local.elapsed_s)
    codes = slice(None) if local.land_cover is not None else np.full(256, 255)
    saturation_hpa = saturation_polynomial(air)
    vapour_kpa = float(saturation_hpa[0]) * humidity.centre / 1000.0
    air_k = air.centre + KELVIN
    long_part = 4.0 * STEFAN_BOLTZMANN * ABSORPTIVITY_LONG * materials.wall_emissivity * long_view
    heated_k = now.sunlit_heating_k
    per_kelvin = float(np.sum(long_part * ((air_k + heated_k) ** 3 - air_k**3)))
    scalars = (
        air.centre,
        vapour_kpa,
        transmissivity,
        *now.level_radiation,
        STEFAN_BOLTZMANN * air_k**4,
        per_kelvin / max(float(np.sum(now.absorbed.sunlit_surplus)), 1e-6),
        kept,
    )
    return LocalWeights(
        hidden_view=quantise(ABSORPTIVITY_LONG * wall_emits * long_view, VIEW_BITS),
        hidden_view_tree=quantise(ABSORPTIVITY_LONG * materials.leaf_emissivity * long_view, VIEW_BITS),
        beam=now.absorbed.beam.astype(np.float32),
        ground_emits=ground.emissivity[codes].copy(),
        ground_reflects=(ground.albedo[codes] - materials.ground_albedo).astype(np.float32),
        ground_added_k=added_k[codes].astype(np.float32).ravel(),
        saturation_kpa=(saturation_hpa / 1000.0).astype(np.float32),
        utci=centred(vapour_kpa, air.centre).astype(np.float32),
        scalars=np.array(scalars, dtype=np.float32),
    )


def variation(weather: Weather, sun: Sun, now: Moment, air: Span, humidity: Span, wind: Span) -> WbgtVariation | None:
    """How WBGT changes over the city's air; None where the air is the same everywhere."""
    if air.lowest == air.highest and humidity.lowest == humidity.highest:
        return None
    beam, sky_light, wall_light = now.level_radiation
    return wbgt_variation(
        now.wbgt,
        (air.centre, air.lowest, air.highest),
        (humidity.centre, humidity.lowest, humidity.highest),
        weather.air_pressure_hpa,
        (wind.lowest, wind.highest),
        max(sky_light, wall_light),
        beam,
        max(math.sin(math.radians(sun.altitude_deg)), 0.0),
    )


def fields_of(local: Local, air: Floats32, humidity: Floats32, wind: Floats32) -> LocalFields:
    """The arrays as the kernel wants them."""
    cover = local.land_cover.codes if local.land_cover is not None else np.zeros((1, 1), dtype=np.uint8)
    heating, shade = np.zeros((1, 1), dtype=np.float32), np.zeros((1, 1), dtype=np.uint8)
    if local.memory is not None:
        heating, shade = local.memory.ground_heating_k, local.memory.shade
    return LocalFields(air, humidity, wind, cover, heating, shade)
