"""Scenarios of the city that is being served: weather from its frames, walks from its roads."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.city.model import City, LandCover, Outline
from central.city.walking import walkable_ground
from central.heat.step import Weather
from central.heat.surface import Surface
from central.simulation.library import meta_of
from central.simulation.whatif.compare import Moment
from central.simulation.wind import wind_at_10m_ms
from central.store.door import Frame

MS_PER_HOUR: Final = 3_600_000
JST_MS: Final = 9 * MS_PER_HOUR
NEAR_MS: Final = MS_PER_HOUR // 2
"""A frame stands for an hour when it is no further from it than this."""
PAVED_SHARE_MIN: Final = 0.02


def moment_of(frame: Frame, wind_height_m: float) -> Moment:
    """Sun and weather of a frame.

    Raises:
        ValueError: the frame was computed from a weather that is not complete.
    """
    weather = meta_of(frame).weather

    def number(name: str) -> float:
        value = weather.get(name)
        if not isinstance(value, int | float):
            raise ValueError(f"frame {frame.id} has no {name}")  # noqa: TRY004 - it is the weather that is not complete
        return float(value)

    return Moment(
        frame.at_ms,
        Weather(
            air_temperature_degc=number("air_temperature_degc"),
            relative_humidity_pct=number("relative_humidity_pct"),
            wind_speed_ms=wind_at_10m_ms(number("wind_speed_ms"), wind_height_m),
            global_radiation_wm2=number("global_radiation_wm2"),
            air_pressure_hpa=number("air_pressure_hpa"),
        ),
    )


def frames_at_hours(frames: Iterable[Frame], newest: Frame, hours: Iterable[int]) -> dict[int, Frame | None]:
    """For each hour of the newest frame's day (JST) the frame nearest to it; None where none is near."""
    midnight_ms = (newest.at_ms + JST_MS) // (24 * MS_PER_HOUR) * 24 * MS_PER_HOUR - JST_MS
    known = list(frames)
    found: dict[int, Frame | None] = {}
    for hour in hours:
        wanted_ms = midnight_ms + hour * MS_PER_HOUR
        nearest = min(known, key=lambda frame: abs(frame.at_ms - wanted_ms), default=None)
        found[hour] = nearest if nearest is not None and abs(nearest.at_ms - wanted_ms) <= NEAR_MS else None
    return found


def walks_of(city: City, surface: Surface) -> NDArray[np.bool_]:
    """(rows, columns) where means are taken: road surfaces; else paved ground; else all ground that can be walked on."""
    is_ground = surface.dsm - surface.dem < 1.0
    walkable = walkable_ground(city, is_ground)
    if walkable.by_roads:
        return walkable.mask
    return paved(walkable.mask, city.land_cover)


def paved(is_walkable: NDArray[np.bool_], land_cover: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Asphalt and paving among the walkable cells; all of these where the land cover tells of hardly any."""
    is_paved = is_walkable & np.isin(land_cover, (LandCover.ASPHALT, LandCover.COBBLE))
    return is_paved if is_paved.mean() >= PAVED_SHARE_MIN else is_walkable


def building_outline(city: City, name: str) -> Outline | None:
    """The outline of the building of this id."""
    return next((building.outline for building in city.buildings if building.id == name), None)
