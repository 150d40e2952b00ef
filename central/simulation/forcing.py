"""From the last words of the stations to one weather for the whole city: pure.

One station may lie: it stands in the shade, its fan has stopped, its wire is loose. So each quantity is taken by a rule that
one liar in the crowd cannot move far, and only from values that are good and fresh.

    air temperature, humidity, pressure   median
    wind speed                            mean; all stations measure at the height of a mast (about 3 m), the step is told so
    wind direction                        mean of the vectors, so that 350 and 10 degrees make 0
    global radiation                      upper quartile (the next value above it): a shaded pyranometer reads too little and
                                          never too much, so the most open ones are right; with five or more the very
                                          highest is left out, lest one broken instrument lights the whole city

What is missing:

    air temperature        no weather: there is nothing to stand in for it (`no_air_temperature`); so too when half of the stations tell of
                           one that heat stress is not defined for, as thermometers in the sun do
    humidity               from the dew point where one is measured, else no weather (`no_humidity`): WBGT without it is a guess
    wind                   ASSUMED_WIND_MS, light air: on the safe side for heat
    wind direction         none
    pressure               the standard atmosphere at the city's height
    global radiation       from the illuminance where one is measured, else a clear sky, dimmed by the last measured ratio
                           of measured to clear sky when it is recent (`radiation_source` = "modelled")

Everything that was not measured is named in `assumed`.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from central.heat.radiation.clearness import clear_sky_wm2
from central.heat.sun import Sun
from central.heat.weather import RANGES
from contract.quantities import Flag

ASSUMED_WIND_MS: Final = 1.0
LUX_PER_WM2: Final = 110.0
"""Daylight's luminous efficacy [lm/W], between an overcast (115) and a clear sky (105); Littlefair 1985, Lighting Res. Technol. 17."""
TWILIGHT_DEG: Final = -6.0
NIGHT_OFFSET_WM2: Final = 10.0
"""What a good pyranometer may still show in the dark."""
CLEARNESS_FROM_WM2: Final = 50.0
"""Under less clear-sky radiation the ratio to it says nothing."""
STALE_AFTER_MIN_S: Final = 30.0
STALE_AFTER_INTERVALS: Final = 3.0


class RadiationSource(StrEnum):
    MEASURED = "measured"
    MODELLED = "modelled"


class NoForcing(StrEnum):
    """Why there is no weather to simulate with."""

    NO_FRESH_STATION = "no_fresh_station"
    NO_AIR_TEMPERATURE = "no_air_temperature"
    NO_HUMIDITY = "no_humidity"


@dataclass(frozen=True, slots=True)
class StationWord:
    """What one station said last.

    Args:
        station: its name.
        is_fresh: whether it was said recently, see `stale_after_s`.
        values: quantity -> value, None where nothing valid was measured.
        flags: quantity -> flag of quality control, only for values that are not ok.
    """

    station: str
    is_fresh: bool
    values: Mapping[str, float | None]
    flags: Mapping[str, Flag]

    def good(self, quantity: str) -> float | None:
        """The value when it is there, finite and not flagged."""
        value = self.values.get(quantity)
        if value is None or not math.isfinite(value) or self.flags.get(quantity, Flag.OK) is not Flag.OK:
            return None
        return value


@dataclass(frozen=True, slots=True)
class Forcing:
    """One weather for the city.

    `clearness` is measured to clear-sky radiation, None when it was not measured or the sun is low; `assumed` names the
    quantities that no station gave.
    """

    air_temperature_degc: float
    relative_humidity_pct: float
    wind_speed_ms: float
    wind_direction_deg: float | None
    global_radiation_wm2: float
    air_pressure_hpa: float
    radiation_source: RadiationSource
    stations_used: tuple[str, ...]
    assumed: tuple[str, ...] = ()
    clearness: float | None = None

    def is_like(self, other: "Forcing") -> bool:
        """Whether a step with the one would show what a step with the other shows."""
        return self.radiation_source is other.radiation_source and all(
            abs(getattr(self, name) - getattr(other, name)) <= difference for name, difference in _NOTICEABLE.items()
        )


_NOTICEABLE: Final = {
    "air_temperature_degc": 0.05,
    "relative_humidity_pct": 0.5,
    "wind_speed_ms": 0.1,
    "global_radiation_wm2": 5.0,
    "air_pressure_hpa": 1.0,
}


def stale_after_s(interval_s: float) -> float:
    """How long [real seconds] a station that is read every `interval_s` may be silent before its last word is stale."""
    return max(STALE_AFTER_INTERVALS * interval_s, STALE_AFTER_MIN_S)


def city_forcing(
    words: Sequence[StationWord], sun: Sun, altitude_m: float, *, last_clearness: float | None = None
) -> Forcing | NoForcing:
    """The weather of this moment, or why there is none.

    Args:
        words: what each station said last, in any order.
        sun: where the sun stands now.
        altitude_m: height of the city above sea level [m].
        last_clearness: measured to clear-sky radiation when it was last known and is recent; None: a clear sky.

    """
    fresh = [word for word in words if word.is_fresh]
    if not fresh:
        return NoForcing.NO_FRESH_STATION
    temperatures = _good(fresh, "air_temperature_degc")
    if not temperatures:
        return NoForcing.NO_AIR_TEMPERATURE
    air_temperature = statistics.median(temperatures.values())
    lowest_degc, highest_degc = RANGES["air_temperature_degc"]
    if not lowest_degc <= air_temperature <= highest_degc:
        return NoForcing.NO_AIR_TEMPERATURE
    used = set(temperatures)
    assumed: list[str] = []

    humidities = _good(fresh, "relative_humidity_pct")
    dew_points = _good(fresh, "dew_point_degc")
    if humidities:
        humidity = statistics.median(humidities.values())
        used |= set(humidities)
    elif dew_points:
        humidity = humidity_from_dew_point(air_temperature, statistics.median(dew_points.values()))
        used |= set(dew_points)
        assumed.append("relative_humidity_pct")
    else:
        return NoForcing.NO_HUMIDITY

    speeds = _good(fresh, "wind_speed_ms")
    if speeds:
        wind_speed = statistics.fmean(speeds.values())
        used |= set(speeds)
    else:
        wind_speed = ASSUMED_WIND_MS
        assumed.append("wind_speed_ms")
    wind_direction = vector_mean_deg(
        (speeds[word.station], direction)
        for word in fresh
        if word.station in speeds and (direction := word.good("wind_direction_deg")) is not None
    )

    pressures = _good(fresh, "air_pressure_hpa")
    if pressures:
        pressure = statistics.median(pressures.values())
        used |= set(pressures)
    else:
        pressure = standard_pressure_hpa(altitude_m)
        assumed.append("air_pressure_hpa")

    clear_wm2 = clear_sky_wm2(sun, air_temperature, humidity, pressure)
    radiation, source, givers = _radiation(fresh, sun, clear_wm2, last_clearness)
    used |= givers
    if source is RadiationSource.MODELLED:
        assumed.append("global_radiation_wm2")
    is_told = source is RadiationSource.MEASURED and clear_wm2 >= CLEARNESS_FROM_WM2
    return Forcing(
        air_temperature_degc=round(air_temperature, 2),
        relative_humidity_pct=round(min(max(humidity, 0.0), 100.0), 1),
        wind_speed_ms=round(wind_speed, 2),
        wind_direction_deg=None if wind_direction is None else round(wind_direction, 1) % 360.0,
        global_radiation_wm2=round(radiation, 1),
        air_pressure_hpa=round(pressure, 1),
        radiation_source=source,
        stations_used=tuple(sorted(used)),
        assumed=tuple(sorted(assumed)),
        clearness=round(radiation / clear_wm2, 3) if is_told else None,
    )


def _good(words: Iterable[StationWord], quantity: str) -> dict[str, float]:
    """Station -> value where the value is good."""
    return {word.station: value for word in words if (value := word.good(quantity)) is not None}


def _radiation(
    words: Sequence[StationWord], sun: Sun, clear_wm2: float, last_clearness: float | None
) -> tuple[float, RadiationSource, set[str]]:
    """Global radiation [W/m2], whether it was measured, and by whom."""
    credible = credible_radiation_wm2(sun)
    measured = {
        station: max(value, 0.0) for station, value in _good(words, "global_radiation_wm2").items() if value <= credible
    }
    if measured:
        return upper_quartile(list(measured.values())), RadiationSource.MEASURED, set(measured)
    bright = {
        station: value / LUX_PER_WM2
        for station, value in _good(words, "illuminance_lx").items()
        if value / LUX_PER_WM2 <= credible
    }
    if bright:
        return upper_quartile(list(bright.values())), RadiationSource.MODELLED, set(bright)
    clearness = 1.0 if last_clearness is None else min(max(last_clearness, 0.0), 1.2)
    return clear_wm2 * clearness, RadiationSource.MODELLED, set()


def upper_quartile(values: Sequence[float]) -> float:
    """The value at or next above the upper quartile: of up to four values the highest, of eight the second highest."""
    ordered = sorted(values)
    return ordered[math.ceil(0.75 * (len(ordered) - 1))]


def vector_mean_deg(winds: Iterable[tuple[float, float]]) -> float | None:
    """Direction of the mean of (speed, direction [deg]) vectors; None when they cancel out or none blows."""
    east = north = total = 0.0
    for speed, direction in winds:
        east += speed * math.sin(math.radians(direction))
        north += speed * math.cos(math.radians(direction))
        total += speed
    if total == 0.0 or math.hypot(east, north) < 1e-3 * total:
        return None
    return math.degrees(math.atan2(east, north)) % 360.0


def credible_radiation_wm2(sun: Sun) -> float:
    """More global radiation than this is next to never seen [W/m2]: Long & Dutton 2002, BSRN checks, "extremely rare" limit.

    Never more than a step takes.
    """
    if sun.altitude_deg < TWILIGHT_DEG:
        return NIGHT_OFFSET_WM2
    cosine = max(0.0, math.sin(math.radians(sun.altitude_deg)))
    most: float = sun.extraterrestrial_wm2 * 1.2 * cosine**1.2 + 50.0
    return min(most, RANGES["global_radiation_wm2"][1])


def standard_pressure_hpa(altitude_m: float) -> float:
    """Pressure of the standard atmosphere [hPa] (ISO 2533)."""
    pressure: float = 1013.25 * (1.0 - 2.25577e-5 * altitude_m) ** 5.25588
    return pressure


def humidity_from_dew_point(air_temperature_degc: float, dew_point_degc: float) -> float:
    """Relative humidity [%] by the Magnus formula over water (WMO-No. 8, vol. I, annex 4.B)."""

    def magnus(degc: float) -> float:
        return 17.62 * degc / (243.12 + degc)

    return 100.0 * math.exp(magnus(dew_point_degc) - magnus(air_temperature_degc))
