"""Gives each configured station its weather: computed, or replayed from a file."""

from collections.abc import Callable

from firmware_sim.config import SimConfig, StationConfig
from firmware_sim.weather import WeatherSource
from firmware_sim.weather_model import PhysicalWeather


def weather_for(config: SimConfig) -> Callable[[StationConfig], WeatherSource]:
    """A maker of weather by the `[weather]` section."""

    def modelled(station: StationConfig) -> WeatherSource:
        return PhysicalWeather(station.site, seed=config.weather.seed, name=station.id)

    return modelled
