"""The weather of the coming hours out of the station's own past: pure.

A quantity is its climatology at that hour of the day, plus what is left of today's anomaly:

    forecast(t + lead) = climatology(t + lead) + now_share(lead) * anomaly(t) + day_share(lead) * mean anomaly of the last 24 h

The climatology is the mean of the last CLIMATOLOGY_DAYS days at each hour. The shares are fitted by least squares to the past,
pulled to a prior in which an anomaly fades with FADING_H (damped persistence: Wilks 2011, Statistical Methods in the Atmospheric
Sciences, ch. 9), so that a station with three days behind it is not led astray by them. With less than MIN_DAYS the climatology
is a shape alone (`DEFAULT_SHAPE`), hung up at the present value. Dew point, not humidity, is forecast, because it hardly has a
day of its own; the sky is forecast as clearness, measured radiation over that of a cloudless sky, because the sun is known.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MS_PER_HOUR: Final = 3_600_000
LOCAL_OFFSET_H: Final = 9
"""Japan Standard Time: the hour of the day is the local one."""
CLIMATOLOGY_DAYS: Final = 20
FIT_DAYS: Final = 60
MIN_DAYS: Final = 3
PRIOR_DAYS: Final = 10.0
"""How many days of the past the prior weighs."""
LEAD_MAX_H: Final = 24

QUANTITIES: Final = ("air_temperature_degc", "dew_point_degc", "wind_speed_ms", "clearness")
FADING_H: Final[Mapping[str, float]] = {
    "air_temperature_degc": 18.0,
    "dew_point_degc": 24.0,
    "wind_speed_ms": 6.0,
    "clearness": 5.0,
}
LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "air_temperature_degc": (-40.0, 48.0),
    "dew_point_degc": (-50.0, 36.0),
    "wind_speed_ms": (0.1, 40.0),
    "clearness": (0.05, 1.15),
}
DEFAULT_SHAPE: Final[Mapping[str, tuple[float, float]]] = {
    # Half the swing of a fair summer day inland, and the hour of the highest value.
    "air_temperature_degc": (4.0, 14.5),
    "dew_point_degc": (0.0, 0.0),
    "wind_speed_ms": (0.6, 15.0),
    "clearness": (0.0, 0.0),
}


@dataclass(frozen=True, slots=True)
class History:
    """A city's weather hour by hour.

    Args:
        begins_ms: the first hour, a full one.
        values: quantity -> (hours,) value at each full hour, NaN where it is not known.
    """

    begins_ms: int
    values: Mapping[str, Floats]

    @property
    def hours(self) -> int:
        return len(next(iter(self.values.values()), ()))

    def days_of(self, quantity: str) -> float:
        """How much is known of a quantity, in days."""
        return float(np.isfinite(self.values[quantity]).sum()) / 24.0 if quantity in self.values else 0.0


def hour_of_day(at_ms: int) -> int:
    """Local hour, 0 .. 23, that a moment falls into."""
    return (at_ms // MS_PER_HOUR + LOCAL_OFFSET_H) % 24


def forecast(history: History, now: Mapping[str, float | None], now_ms: int, valid_ms: list[int]) -> dict[str, Floats]:
    """Each quantity at each moment.

    Args:
        history: up to now at most; what is later is not looked at.
        now: the present values; None or absent where one is not known: then its anomaly counts as none.
        now_ms: the present.
        valid_ms: moments, LEAD_MAX_H ahead at most.

    Returns:
        quantity -> (moments,) values within LIMITS. A quantity of which nothing at all is known is left out.

    """
    return {
        quantity: values
        for quantity in QUANTITIES
        if (values := _one(quantity, history, now.get(quantity), now_ms, valid_ms)) is not None
    }


def _one(quantity: str, history: History, now: float | None, now_ms: int, valid_ms: list[int]) -> Floats | None:
    known = np.asarray(history.values.get(quantity, ()), dtype=np.float64)
    hours_past = max(0, min(len(known), (now_ms - history.begins_ms) // MS_PER_HOUR + 1))
    past = known[max(0, hours_past - 24 * FIT_DAYS) : hours_past]
    begins_ms = history.begins_ms + MS_PER_HOUR * (hours_past - len(past))
    days = float(np.isfinite(past).sum()) / 24.0
    if days < MIN_DAYS and now is None:
        return None
    leads_h = [(at_ms - now_ms) / MS_PER_HOUR for at_ms in valid_ms]
    shape = np.array([default_shape(quantity, at_ms) for at_ms in valid_ms])
    if days < MIN_DAYS:
        assert now is not None
        values = now + shape - default_shape(quantity, now_ms)
        return np.asarray(np.clip(values, *LIMITS[quantity]))
    table = climatology(
        quantity, past[-24 * CLIMATOLOGY_DAYS :], begins_ms + MS_PER_HOUR * max(0, len(past) - 24 * CLIMATOLOGY_DAYS)
    )
    expected = np.array([_at(table, at_ms) for at_ms in valid_ms])
    anomalies = past - table[_hours(begins_ms, len(past))]
    anomaly_now = 0.0 if now is None else now - _at(table, now_ms)
    with_day = _mean_of_day(anomalies)
    anomaly_day = with_day[-1] if len(with_day) and math.isfinite(with_day[-1]) else anomaly_now
    shares = fit_shares(quantity, anomalies, with_day)
    left = [
        float(np.interp(lead_h, np.arange(LEAD_MAX_H + 1), shares[:, 0])) * anomaly_now
        + float(np.interp(lead_h, np.arange(LEAD_MAX_H + 1), shares[:, 1])) * anomaly_day
        for lead_h in leads_h
    ]
    return np.asarray(np.clip(expected + np.array(left), *LIMITS[quantity]))


def default_shape(quantity: str, at_ms: int) -> float:
    """How far a quantity usually is from its day's mean at this moment, in its unit."""
    half_swing, top_hour = DEFAULT_SHAPE[quantity]
    hour = (at_ms / MS_PER_HOUR + LOCAL_OFFSET_H) % 24.0
    return half_swing * math.cos(math.tau * (hour - top_hour) / 24.0)


def climatology(quantity: str, past: Floats, begins_ms: int) -> Floats:
    """(24,) mean at each local hour, with one day's weight of the default shape hung up at the mean of the past."""
    hours = _hours(begins_ms, len(past))
    is_known = np.isfinite(past)
    count = np.bincount(hours[is_known], minlength=24)
    total = np.bincount(hours[is_known], weights=past[is_known], minlength=24)
    shape = np.array([default_shape(quantity, (hour - LOCAL_OFFSET_H) * MS_PER_HOUR) for hour in range(24)])
    mean = float(np.mean(total[count > 0] / count[count > 0] - shape[count > 0]))
    return np.asarray((total + mean + shape) / (count + 1.0))


def fit_shares(quantity: str, anomalies: Floats, with_day: Floats) -> Floats:
    """(LEAD_MAX_H + 1, 2) which share of the anomaly now, and of the last day's mean anomaly, is left after each hour."""
    leads = np.arange(LEAD_MAX_H + 1)
    prior = np.column_stack((np.exp(-leads / FADING_H[quantity]), np.zeros(len(leads))))
    shares = prior.copy()
    spread = float(np.nanvar(anomalies))
    if not spread > 0.0:
        return shares
    pull = 24.0 * PRIOR_DAYS * spread * np.eye(2) * 0.1
    for lead in range(1, LEAD_MAX_H + 1):
        given, then = np.column_stack((anomalies, with_day))[:-lead], anomalies[lead:]
        is_known = np.isfinite(given).all(axis=1) & np.isfinite(then)
        x, y = given[is_known], then[is_known]
        shares[lead] += np.linalg.solve(x.T @ x + pull, x.T @ (y - x @ prior[lead]))
    shares[0] = (1.0, 0.0)
    return shares


def _mean_of_day(anomalies: Floats) -> Floats:
    """(hours,) mean of the 24 hours up to and with each; NaN where fewer than 12 are known."""
    is_known = np.isfinite(anomalies)
    total = np.concatenate((np.zeros(24), np.cumsum(np.where(is_known, anomalies, 0.0))))
    count = np.concatenate((np.zeros(24), np.cumsum(is_known)))
    known = count[24:] - count[:-24]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known >= 12, (total[24:] - total[:-24]) / known, np.nan)


def _hours(begins_ms: int, count: int) -> NDArray[np.intp]:
    return (np.arange(count) + hour_of_day(begins_ms)) % 24


def _at(table: Floats, at_ms: int) -> float:
    """The table between its hours."""
    hour = (at_ms / MS_PER_HOUR + LOCAL_OFFSET_H) % 24.0
    low = int(hour)
    share = hour - low
    return float((1.0 - share) * table[low % 24] + share * table[(low + 1) % 24])
