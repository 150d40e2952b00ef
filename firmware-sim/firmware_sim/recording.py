"""A measured weather series in memory, and what it says at any moment. Gaps stay gaps; faults stay in, as the instrument gave them."""

import bisect
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from firmware_sim.weather import Sample, WeatherSource
from firmware_sim.weather_model import LUMINOUS_EFFICACY_LM_W, relative_humidity_pct, vapour_pressure_hpa

if TYPE_CHECKING:
    from array import array

_GAP_STEPS = 2.5
_CIRCULAR = "wind_direction_deg"


@dataclass(frozen=True)
class Series:
    """One station's rows.

    Attributes:
        times_ms: UTC, ascending, without repeats.
        columns: by quantity, as long as `times_ms`, in the units of `contract.quantities`; NaN where nothing was measured. What this
            station never measured has no column.
        step_ms: the usual distance of two rows (median).

    """

    station: str
    times_ms: Sequence[int]
    columns: dict[str, "array[float]"]
    step_ms: int = field(init=False)

    def __post_init__(self) -> None:
        steps = [after - before for before, after in zip(self.times_ms, self.times_ms[1:], strict=False)]
        object.__setattr__(self, "step_ms", round(statistics.median(steps)) if steps else 60_000)


@dataclass(frozen=True)
class Recording:
    """A file's series by station, in the file's order.

    Attributes:
        coordinates: (lat, lon) of the stations that have them.
        gaps: values missing in the columns, by quantity.
        doubtful: values or rows that were no numbers and were taken for gaps (`lenient`).

    """

    series: dict[str, Series]
    coordinates: dict[str, tuple[float, float]]
    gaps: dict[str, int]
    doubtful: int = 0

    @property
    def span_ms(self) -> tuple[int, int]:
        """The first and the last moment measured."""
        return (
            min(series.times_ms[0] for series in self.series.values()),
            max(series.times_ms[-1] for series in self.series.values()),
        )


class ReplayWeather:
    """A `WeatherSource` that says what was measured.

    Between two rows a value is held or joined by a straight line (directions along the shorter way). Where rows are further apart than
    `gap_max_s`, and after the last, a row holds for one usual step and then there is nothing. A row's missing value is nothing until
    the next row.

    Args:
        fill: says what the series never has at all; None: those stay nothing.
        shift_ms: added to the city's time before looking into the series.
        loop_ms: (first, last) of the recording: after the last moment it starts again; None: it ends.

    """

    def __init__(
        self,
        series: Series,
        *,
        fill: WeatherSource | None = None,
        between: Literal["hold", "linear"] = "linear",
        gap_max_s: float | None = None,
        shift_ms: int = 0,
        loop_ms: tuple[int, int] | None = None,
    ) -> None:
        self._series = series
        self._fill = fill
        self._linear = between == "linear"
        self._gap_ms = _GAP_STEPS * series.step_ms if gap_max_s is None else gap_max_s * 1000.0
        self._shift_ms = shift_ms
        self._loop_ms = loop_ms

    def at(self, unix_ms: int) -> Sample:
        measured = self._measured(self._series_ms(unix_ms))
        if self._fill is None:
            return measured
        model = self._fill.at(unix_ms)
        return {**model, **_follow(measured, model), **measured}

    def _series_ms(self, unix_ms: int) -> int:
        moment = unix_ms + self._shift_ms
        if self._loop_ms is not None:
            first, last = self._loop_ms
            moment = first + (moment - first) % (last - first + self._series.step_ms)
        return moment

    def _measured(self, moment_ms: int) -> dict[str, float | None]:
        times = self._series.times_ms
        left = bisect.bisect_right(times, moment_ms) - 1
        if left < 0:
            return dict.fromkeys(self._series.columns)
        right = left + 1
        is_gap = right == len(times) or times[right] - times[left] > self._gap_ms
        if is_gap and moment_ms - times[left] >= self._series.step_ms:
            return dict.fromkeys(self._series.columns)
        part = 0.0
        if self._linear and not is_gap:
            part = (moment_ms - times[left]) / (times[right] - times[left])
        return {
            name: _join(name, column[left], column[right] if part else math.nan, part)
            for name, column in self._series.columns.items()
        }


def _join(name: str, left: float, right: float, part: float) -> float | None:
    if math.isnan(left):
        return None
    if not part or math.isnan(right):
        return left
    if name == _CIRCULAR:
        turn = (right - left + 180.0) % 360.0 - 180.0
        return (left + turn * part) % 360.0
    return left + (right - left) * part


def _follow(measured: Sample, model: Sample) -> dict[str, float | None]:
    """What an instrument beside the measured ones would have said: it goes with them, not with the model; gaps go along."""
    follows: dict[str, float | None] = {}
    if "global_radiation_wm2" in measured:
        radiation = measured["global_radiation_wm2"]
        follows["illuminance_lx"] = None if radiation is None else max(0.0, radiation) * LUMINOUS_EFFICACY_LM_W
    if "air_temperature_degc" in measured:
        temperature, dew_point = measured["air_temperature_degc"], model.get("dew_point_degc")
        if "relative_humidity_pct" in measured:
            follows["dew_point_degc"] = dew_point_degc(temperature, measured["relative_humidity_pct"])
        elif temperature is None or dew_point is None:
            follows["relative_humidity_pct"] = None
        else:
            follows["dew_point_degc"] = min(dew_point, temperature)
            follows["relative_humidity_pct"] = relative_humidity_pct(temperature, min(dew_point, temperature))
    if "wind_speed_ms" in measured:
        speed, mean, gust = measured["wind_speed_ms"], model.get("wind_speed_ms"), model.get("wind_gust_ms")
        follows["wind_gust_ms"] = None if speed is None or not mean or gust is None else speed * gust / mean
    if "rain_accumulated_mm" in measured and "rain_intensity_mmh" not in measured:
        follows["rain_intensity_mmh"] = None
    return follows


def dew_point_degc(temperature_degc: float | None, humidity_pct: float | None) -> float | None:
    """The Magnus formula turned round (WMO-No. 8, vol. I, annex 4.B); None where an input is missing or no humidity."""
    if temperature_degc is None or humidity_pct is None or humidity_pct <= 0.0:
        return None
    ratio = math.log(vapour_pressure_hpa(temperature_degc) * humidity_pct / 100.0 / 6.112)
    return 243.12 * ratio / (17.62 - ratio)
