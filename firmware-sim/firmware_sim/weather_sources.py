"""Gives each configured station its weather: computed, or replayed from a file."""

import math
from collections.abc import Callable
from pathlib import Path

from contract.errors import UserError
from firmware_sim.config import SimConfig, StationConfig
from firmware_sim.recording import Recording, ReplayWeather
from firmware_sim.recording_files import load_recording
from firmware_sim.sites import REFERENCE_SITE
from firmware_sim.weather import WeatherSource
from firmware_sim.weather_model import PhysicalWeather


def weather_for(config: SimConfig) -> Callable[[StationConfig], WeatherSource]:
    """A maker of weather by the `[weather]` section; reads the file, if there is one, here. Raises UserError for a wrong file."""
    weather = config.weather

    def modelled(station: StationConfig) -> WeatherSource:
        return PhysicalWeather(station.site, seed=weather.seed, name=station.id)

    if weather.source == "model" or weather.file is None:
        return modelled
    recording = load_recording(
        Path(weather.file),
        lenient=weather.lenient,
        stations_file=None if weather.stations_file is None else Path(weather.stations_file),
    )
    stations = [station for line in config.line for station in line.station]
    assigned = assign(stations, recording, weather.file)

    def replayed(station: StationConfig) -> WeatherSource:
        return ReplayWeather(
            recording.series[assigned[station.id]],
            fill=modelled(station) if weather.fill == "model" else None,
            between=weather.between,
            gap_max_s=weather.gap_max_s,
            shift_ms=weather.shift_ms,
            loop_ms=recording.span_ms if weather.loop else None,
        )

    return replayed


def assign(stations: list[StationConfig], recording: Recording, where: str = "recording") -> dict[str, str]:
    """Which series each station follows, by station id.

    First the one it names (`series_station`) or that has its name. The others take, in their order, the series that is not yet taken,
    measures most and is nearest to the reference site (without coordinates: in the file's order), and begin again when all are taken:
    our stations stand within 2 km, measured ones 10 km apart, and eight times the nearest would be eight times the same.
    """
    assigned: dict[str, str] = {}
    for station in stations:
        wanted = station.series_station or station.id
        if wanted in recording.series:
            assigned[station.id] = wanted
        elif station.series_station is not None:
            raise UserError(
                f"no series {wanted!r} for {station.id}", where=where, hint=f"it has {', '.join(recording.series)}"
            )
    best_first = sorted(
        recording.series,
        key=lambda name: (-len(recording.series[name].columns), _distance_deg(recording.coordinates.get(name))),
    )
    free = [name for name in best_first if name not in assigned.values()]
    rest = [station for station in stations if station.id not in assigned]
    for index, station in enumerate(rest):
        assigned[station.id] = free[index] if index < len(free) else best_first[index % len(best_first)]
    return assigned


def _distance_deg(place: tuple[float, float] | None) -> float:
    if place is None:
        return math.inf
    lat, lon = place
    return math.hypot(lat - REFERENCE_SITE.lat, (lon - REFERENCE_SITE.lon) * math.cos(math.radians(REFERENCE_SITE.lat)))
