"""The city's weather hour by hour out of the stations' hourly roll-ups."""

import math
import statistics
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from central.heat.radiation.clearness import clear_sky_wm2
from central.heat.sun import sun_position
from central.simulation.forcing import CLEARNESS_FROM_WM2, humidity_from_dew_point, upper_quartile
from central.simulation.forecast.weather import FIT_DAYS, MS_PER_HOUR, QUANTITIES, History
from central.store.door import Resolution, Series, Station

PRESSURE_HPA: Final = 1010.0
"""Good enough for the ratio to a cloudless sky."""
ROWS_MAX: Final = 10_000


class HistoryStore(Protocol):
    """What is asked of the store."""

    def stations(self) -> list[Station]: ...
    def readings(  # noqa: PLR0917 - the door has it so
        self,
        station: str,
        from_ms: int,
        to_ms: int,
        resolution: Resolution = ...,
        limit: int = ...,
        after: str | None = None,
    ) -> Series: ...


def dew_point_degc(air_temperature_degc: float, relative_humidity_pct: float) -> float:
    """Magnus formula over water (WMO-No. 8, vol. I, annex 4.B), turned round."""
    gamma = math.log(max(relative_humidity_pct, 0.5) / 100.0) + 17.62 * air_temperature_degc / (
        243.12 + air_temperature_degc
    )
    return 243.12 * gamma / (17.62 - gamma)


def humidity_pct(air_temperature_degc: float, dew_point: float) -> float:
    """Relative humidity [%], 1 .. 100."""
    return min(max(humidity_from_dew_point(air_temperature_degc, dew_point), 1.0), 100.0)


def read_history(store: HistoryStore, now_ms: int, place: tuple[float, float]) -> History:
    """What is known of the last FIT_DAYS, at full hours; the hour that still runs is left out.

    A roll-up is a mean over its hour: the value at a full hour is the mean of the two beside it, or the only one there is.

    Args:
        store: where readings are kept.
        now_ms: the present.
        place: (lat, lon) of the city [degrees].

    """
    end_ms = now_ms // MS_PER_HOUR * MS_PER_HOUR
    begins_ms = end_ms - 24 * FIT_DAYS * MS_PER_HOUR
    heard: dict[int, dict[str, list[float]]] = {}
    for station in store.stations():
        series = store.readings(station.id, begins_ms, end_ms, Resolution.HOUR, ROWS_MAX)
        for row in series.rows:
            values = dict(zip(series.columns, row, strict=True))
            of_hour = heard.setdefault(int(values["at_ms"]), {})
            for name in ("air_temperature_degc", "relative_humidity_pct", "wind_speed_ms", "global_radiation_wm2"):
                value = values.get(name)
                if value is not None and math.isfinite(value):
                    of_hour.setdefault(name, []).append(float(value))
    if not heard:
        return History(end_ms, {quantity: np.zeros(0) for quantity in QUANTITIES})
    first_ms = min(heard)
    count = (end_ms - first_ms) // MS_PER_HOUR
    means = {quantity: np.full(count, np.nan) for quantity in QUANTITIES}
    for at_ms, of_hour in heard.items():
        for quantity, value in _city_hour(at_ms, of_hour, place).items():
            means[quantity][(at_ms - first_ms) // MS_PER_HOUR] = value
    return History(first_ms, {quantity: _at_full_hours(mean) for quantity, mean in means.items()})


def _city_hour(
    at_ms: int, heard: dict[str, Sequence[float]] | dict[str, list[float]], place: tuple[float, float]
) -> dict[str, float]:
    """One hour's mean weather of the city; quantities that nobody measured are left out."""
    found: dict[str, float] = {}
    temperatures, humidities = heard.get("air_temperature_degc"), heard.get("relative_humidity_pct")
    if temperatures:
        found["air_temperature_degc"] = statistics.median(temperatures)
    if temperatures and humidities:
        temperature, humidity = statistics.median(temperatures), statistics.median(humidities)
        found["dew_point_degc"] = dew_point_degc(temperature, humidity)
        radiations = heard.get("global_radiation_wm2")
        if radiations:
            clear_wm2 = clear_sky_wm2(
                sun_position(at_ms + MS_PER_HOUR // 2, *place), temperature, humidity, PRESSURE_HPA
            )
            if clear_wm2 >= CLEARNESS_FROM_WM2:
                found["clearness"] = max(upper_quartile(radiations), 0.0) / clear_wm2
    if speeds := heard.get("wind_speed_ms"):
        found["wind_speed_ms"] = statistics.fmean(speeds)
    return found


def _at_full_hours(mean: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """(hours,) the mean of the hour before and the hour after each full hour."""
    before = np.concatenate(([np.nan], mean[:-1]))
    known = np.isfinite(before).astype(int) + np.isfinite(mean)
    total = np.where(np.isfinite(before), before, 0.0) + np.where(np.isfinite(mean), mean, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known > 0, total / known, np.nan)
