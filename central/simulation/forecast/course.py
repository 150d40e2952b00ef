"""The weather of the coming hours as one course, without a step where a supplied forecast begins or ends: pure.

Where somebody else's forecast tells a quantity, that counts. Elsewhere the blend of `forecast.weather` stands in, pulled towards
what was told beside it:

    said(t) = blend(t) + (1 - s) error(low) fade(t - low) + s error(high) fade(high - t),    fade(lead) = exp(-lead / FADING_H)

`low` is the last moment before t that is told, or the present, where the error is 0; `high` the next one that is told. s rises from
0 to 1 between them, and is 0 behind the last row. An error is told minus blend. It fades as an anomaly does in the blend's prior: who
was right about 38 C at 18:00 knows more of 19:00 than the past does, and hardly more of tomorrow. The sky is followed as clearness,
radiation over that of a cloudless sky, also between two rows: the sun between them is known.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from central.heat.radiation.clearness import clear_sky_wm2
from central.heat.sun import sun_position
from central.simulation.forcing import CLEARNESS_FROM_WM2, Forcing, RadiationSource
from central.simulation.forecast.history import dew_point_degc, humidity_pct
from central.simulation.forecast.supplied import INTERPOLATED_MS, Supplied, SuppliedHour, clearness_under
from central.simulation.forecast.weather import (
    FADING_H,
    LEAD_MAX_H,
    LIMITS,
    MS_PER_HOUR,
    QUANTITIES,
    Floats,
    History,
    forecast,
)

CLEARNESS_GUESS: Final = 0.8

Place = tuple[float, float]
"""(lat, lon) [degrees]."""
Blend = Mapping[str, Mapping[int, float]]
"""Quantity -> moment -> value."""


@dataclass(frozen=True, slots=True)
class _Errors:
    """Told minus blend of one quantity: at the present 0, then at each row to come that tells it. By time."""

    at_ms: Sequence[int]
    errors: Sequence[float]
    fading_h: float

    def pull(self, valid_ms: int) -> float:
        """What is left of the errors beside a moment that is not told."""
        index = bisect_right(self.at_ms, valid_ms)
        low_ms, low = self.at_ms[index - 1], self.errors[index - 1] * self._fade(valid_ms - self.at_ms[index - 1])
        if index == len(self.at_ms):
            return low
        high_ms, high = self.at_ms[index], self.errors[index] * self._fade(self.at_ms[index] - valid_ms)
        share = (valid_ms - low_ms) / (high_ms - low_ms)
        return (1.0 - share) * low + share * high

    def _fade(self, lead_ms: int) -> float:
        return math.exp(-lead_ms / MS_PER_HOUR / self.fading_h)


def weather_of_moments(
    history: History,
    now: Forcing,
    now_ms: int,
    moments: Sequence[int],
    *,
    supplied: Supplied | None,
    place: Place,
) -> list[tuple[Forcing, str]]:
    """The weather at each moment, and whether its air temperature was "supplied" or "blended".

    Args:
        history: the city's past.
        now: its present weather.
        now_ms: the moment of it.
        moments: later ones, in order, LEAD_MAX_H ahead at most.
        supplied: somebody else's forecast, where there is one.
        place: where the city lies.

    """
    rows = _rows_near(supplied, now_ms, moments)
    asked = sorted({now_ms, *moments, *(row.valid_ms for row in rows)})
    blend = _blend(history, now, now_ms, asked)
    row_moments = {row.valid_ms for row in rows}
    told = Supplied(tuple(_with_course(row, now, blend, place) for row in rows), len(rows), ())
    errors = {quantity: _errors(quantity, told, now_ms, blend[quantity]) for quantity in QUANTITIES}

    def pulled(quantity: str, valid_ms: int) -> float:
        low, high = LIMITS[quantity]
        return min(max(blend[quantity][valid_ms] + errors[quantity].pull(valid_ms), low), high)

    made = []
    for valid_ms in moments:
        given = told.at(valid_ms)
        temperature = given.get("air_temperature_degc", pulled("air_temperature_degc", valid_ms))
        # Air holds no more vapour than it can. Above 50 hPa UTCI has no value, as on the live map, and the rest goes on.
        humidity = given.get(
            "relative_humidity_pct",
            humidity_pct(temperature, min(pulled("dew_point_degc", valid_ms), temperature)),
        )
        pressure = given.get("air_pressure_hpa", now.air_pressure_hpa)
        clear_wm2 = clear_sky_wm2(sun_position(valid_ms, *place), temperature, humidity, pressure)
        if valid_ms in row_moments and "global_radiation_wm2" in given:
            radiation = given["global_radiation_wm2"]
        else:
            radiation = clear_wm2 * given.get("clearness", pulled("clearness", valid_ms))
        forcing = Forcing(
            air_temperature_degc=round(temperature, 2),
            relative_humidity_pct=round(humidity, 1),
            wind_speed_ms=round(given.get("wind_speed_ms", pulled("wind_speed_ms", valid_ms)), 2),
            wind_direction_deg=None,
            global_radiation_wm2=round(radiation, 1),
            air_pressure_hpa=round(pressure, 1),
            radiation_source=RadiationSource.MODELLED,
            stations_used=(),
        )
        made.append((forcing, "supplied" if "air_temperature_degc" in given else "blended"))
    return made


def _rows_near(supplied: Supplied | None, now_ms: int, moments: Sequence[int]) -> list[SuppliedHour]:
    """The rows that can matter: from the one before the present to those within LEAD_MAX_H of the last moment."""
    if supplied is None or not moments:
        return []
    first = bisect_left(supplied.hours, now_ms - INTERPOLATED_MS, key=_valid_ms)
    end = bisect_right(supplied.hours, moments[-1] + LEAD_MAX_H * MS_PER_HOUR, key=_valid_ms)
    return list(supplied.hours[first:end])


def _valid_ms(row: SuppliedHour) -> int:
    return row.valid_ms


def _blend(history: History, now: Forcing, now_ms: int, asked: Sequence[int]) -> Blend:
    """Every quantity at every moment; the sky is guessed where nothing is known of it."""
    present = {
        "air_temperature_degc": now.air_temperature_degc,
        "dew_point_degc": dew_point_degc(now.air_temperature_degc, now.relative_humidity_pct),
        "wind_speed_ms": now.wind_speed_ms,
        "clearness": now.clearness,
    }
    found: dict[str, Floats] = forecast(history, present, now_ms, list(asked))
    found.setdefault("clearness", np.full(len(asked), CLEARNESS_GUESS))
    return {quantity: dict(zip(asked, values.tolist(), strict=True)) for quantity, values in found.items()}


def _with_course(row: SuppliedHour, now: Forcing, blend: Blend, place: Place) -> SuppliedHour:
    """The row with its dew point and clearness, where they follow from it."""
    values = dict(row.values)
    temperature = values["air_temperature_degc"]
    if "relative_humidity_pct" in values:
        values["dew_point_degc"] = dew_point_degc(temperature, values["relative_humidity_pct"])
    if "global_radiation_wm2" in values:
        humidity = values.get(
            "relative_humidity_pct", humidity_pct(temperature, min(blend["dew_point_degc"][row.valid_ms], temperature))
        )
        pressure = values.get("air_pressure_hpa", now.air_pressure_hpa)
        clear_wm2 = clear_sky_wm2(sun_position(row.valid_ms, *place), temperature, humidity, pressure)
        if clear_wm2 >= CLEARNESS_FROM_WM2:
            values["clearness"] = min(values["global_radiation_wm2"] / clear_wm2, LIMITS["clearness"][1])
    elif "cloud_cover_pct" in values:
        values["clearness"] = clearness_under(values["cloud_cover_pct"])
    return SuppliedHour(row.valid_ms, values)


def _errors(quantity: str, told: Supplied, now_ms: int, blend: Mapping[int, float]) -> _Errors:
    later = [row for row in told.hours if row.valid_ms > now_ms and quantity in row.values]
    return _Errors(
        [now_ms, *(row.valid_ms for row in later)],
        [0.0, *(row.values[quantity] - blend[row.valid_ms] for row in later)],
        FADING_H[quantity],
    )
