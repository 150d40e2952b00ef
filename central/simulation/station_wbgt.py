"""WBGT at one station: from its own words now, and minute by minute through the past: pure."""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from central.heat.comfort.wbgt import station_wbgt
from central.heat.sun import Sun, sun_position
from central.simulation.forcing import ASSUMED_WIND_MS, standard_pressure_hpa
from central.simulation.wind import wind_for_heat_ms
from central.store.door import Frame, Series

COMPLETED_FROM: Final = ("global_radiation_wm2", "wind_speed_ms", "air_pressure_hpa")
"""What may come from the city's weather where a station does not measure it itself."""
WEATHER_WITHIN_MS: Final = 10 * 60_000
"""So far from a minute the city's weather may be: older frames are kept one in ten minutes."""
MINUTE_MS: Final = 60_000
DECIMALS: Final = 2

Own = Callable[[str], float | None]
"""Quantity -> what the station measured, None where it has no good value."""


@dataclass(frozen=True, slots=True)
class Mast:
    """What is the same for all stations of a city: place [degrees], height above the sea [m], height of the anemometers [m]."""

    lat: float
    lon: float
    altitude_m: float = 0.0
    wind_height_m: float = 10.0


def wbgt_of(own: Own, city: Mapping[str, float] | None, sun: Sun, mast: Mast) -> float | None:
    """WBGT [degC] to two digits after Liljegren, from the station's own words.

    What it does not measure itself of sun, wind and pressure is taken from the city's weather. Without that the wind is light
    air and the pressure the standard atmosphere's, but without the sun's radiation there is no WBGT.

    Args:
        own: the station's good values.
        city: the city's weather at that moment; None where it is not known.
        sun: where it stood at that moment.
        mast: place and heights.

    Returns:
        None where temperature, humidity or radiation is missing, or the index is not defined for them.

    """
    temperature, humidity = own("air_temperature_degc"), own("relative_humidity_pct")
    if temperature is None or humidity is None:
        return None

    def own_or_city(quantity: str, otherwise: float) -> float:
        measured = own(quantity)
        if measured is not None:
            return measured
        return otherwise if city is None else float(city.get(quantity, otherwise))

    radiation = own_or_city("global_radiation_wm2", math.nan)
    if math.isnan(radiation):
        return None
    try:
        value = station_wbgt(
            temperature,
            humidity,
            wind_for_heat_ms(own_or_city("wind_speed_ms", ASSUMED_WIND_MS)),
            radiation,
            own_or_city("air_pressure_hpa", standard_pressure_hpa(mast.altitude_m)),
            sun,
            wind_height_m=mast.wind_height_m,
        )
    except ValueError:
        # Valid for the thermometer, yet outside what the index is defined for.
        return None
    return round(value, DECIMALS) if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class PastWeather:
    """The city's weather of past moments, oldest first."""

    at_ms: tuple[int, ...] = ()
    weather: tuple[Mapping[str, float], ...] = ()

    def near(self, at_ms: int) -> Mapping[str, float] | None:
        """That of the nearest moment; None when it is more than ten minutes away."""
        after = bisect_left(self.at_ms, at_ms)
        close = [index for index in (after - 1, after) if 0 <= index < len(self.at_ms)]
        if not close:
            return None
        best = min(close, key=lambda index: abs(self.at_ms[index] - at_ms))
        return self.weather[best] if abs(self.at_ms[best] - at_ms) <= WEATHER_WITHIN_MS else None


def past_weather(frames: Sequence[Frame]) -> PastWeather:
    """What the frames were computed with: the same weather that completed the stations' words at the time."""
    ordered = sorted(frames, key=lambda frame: frame.at_ms)
    return PastWeather(
        tuple(frame.at_ms for frame in ordered),
        tuple(
            {name: float(value) for name in COMPLETED_FROM if isinstance(value := weather.get(name), int | float)}
            for weather in (frame.meta.get("weather", {}) for frame in ordered)
        ),
    )


def needs_weather(series: Series) -> bool:
    """Whether some row has temperature and humidity, but not all that WBGT asks for besides."""
    columns = series.columns
    if "air_temperature_degc" not in columns or "relative_humidity_pct" not in columns:
        return False
    return any(
        name not in columns or any(row[columns.index(name)] is None for row in series.rows) for name in COMPLETED_FROM
    )


def with_wbgt(series: Series, weather: PastWeather, mast: Mast) -> Series:
    """The series with a last column `wbgt_degc`: what `wbgt_of` makes of each row.

    Args:
        series: roll-ups by the minute: means over good values.
        weather: completes what the station does not measure itself.
        mast: place and heights.

    """
    index_of = {name: index for index, name in enumerate(series.columns)}
    at = index_of["at_ms"]
    rows = []
    for row in series.rows:
        # A minute's mean belongs to its middle.
        moment_ms = row[at] + MINUTE_MS // 2

        def own(quantity: str, row: tuple[object, ...] = row) -> float | None:
            value = row[index_of[quantity]] if quantity in index_of else None
            return float(value) if isinstance(value, int | float) else None

        sun = sun_position(moment_ms, mast.lat, mast.lon)
        rows.append((*row, wbgt_of(own, weather.near(moment_ms), sun, mast)))
    return Series((*series.columns, "wbgt_degc"), rows, series.next_cursor)
