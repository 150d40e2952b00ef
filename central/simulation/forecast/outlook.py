"""The heat of today's remaining hours: made anew every hour of the city's time, beside the live frames and behind them.

The weather until midnight comes from `forecast.course`; the sun is known; the heat room makes a frame of each full hour. Between
the hours it is stepped too (`moments_until`), because shadows pass there and the ground remembers them. The thread that does so
runs at low priority and rests after each step for as long as the step took, so that a live frame waits for one step at most and
the forecast never takes more than half of the time. It also keeps the day's hours of heat (`areas.day`) and scores what was said
before.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from central.city.model import City
from central.heat.sun import sun_position
from central.simulation.areas.day import DayKeeper
from central.simulation.areas.hours import day_of, midnight_ms
from central.simulation.areas.hours import warm_up as warm_up_hours
from central.simulation.areas.trace import warm_up as warm_up_areas
from central.simulation.engine import Engine, StepResult
from central.simulation.forcing import Forcing
from central.simulation.forecast.course import Place, weather_of_moments
from central.simulation.forecast.history import HistoryStore, read_history
from central.simulation.forecast.shelf import Forecast, ForecastHour, ForecastShelf, SuppliedNote, hour_id
from central.simulation.forecast.supplied import Supplied, parse
from central.simulation.forecast.weather import MS_PER_HOUR
from central.simulation.frames import LAYERS, Layer, quantise
from central.simulation.library import FrameLibrary, FrameMeta, frame_id, meta_dict, shows
from central.store.door import Frame
from contract.clock import Clock

MS_PER_MINUTE: Final = 60_000
ISSUE_EVERY_MS: Final = MS_PER_HOUR
LEAST_REAL_S: Final = 20.0
"""However fast the city's clock runs, a forecast is made at most this often."""
REST_MIN_S: Final = 0.001
"""Long enough for a live step that waits to go first."""
BETWEEN_MIN: Final = (49, 40, 32, 25, 19, 13, 8, 4)
"""So long before each full hour of the day the city is stepped for its memory alone [minutes].

A step does not know when within it the edge of a shadow passed. What that makes wrong fades with 45 minutes
(`central.heat.memory`), so steps may grow with exp(time before the hour / 45 min): these eight do what eleven equal ones do."""
WAKE_S: Final = 1.0
NICENESS: Final = 10
OBSERVED_WITHIN_MS: Final = 10 * 60_000
"""A frame so soon after a full hour says what the weather was at that hour."""
PRESENT_FOR_MS: Final = 20 * 60_000
"""A weather older than this is no present to start from."""

log = structlog.get_logger("central.simulation")
Describe = Callable[[City, Forcing, StepResult, list[Layer]], FrameMeta]


@dataclass(frozen=True, slots=True)
class _Present:
    """The weather of the last frame."""

    at_ms: int
    forcing: Forcing


class Outlook:
    """Forecast and day's hours of one city.

    Args:
        store: where readings are kept.
        library: the live frames.
        clock: the city's time.
        data_dir: `forecast/`, `hours-above.npz` and the supplied `forecast.csv` lie here.
        describe: makes a frame's description.
        computes: False in a process that only serves what another one computes.
        between_min: as BETWEEN_MIN.
    """

    def __init__(
        self,
        *,
        store: HistoryStore,
        library: FrameLibrary,
        clock: Clock,
        data_dir: Path,
        describe: Describe,
        computes: bool = True,
        between_min: Sequence[int] = BETWEEN_MIN,
    ) -> None:
        self.shelf = ForecastShelf(data_dir / "forecast")
        self.day = DayKeeper(data_dir / "hours-above.npz", library, counts=computes)
        self.supplied_path = data_dir / "forecast.csv"
        self._store = store
        self._clock = clock
        self._describe = describe
        self._computes = computes
        self._between_min = between_min
        self._engine: Engine | None = None
        self._city: City | None = None
        self._present: _Present | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._tried: tuple[int, int] | None = None
        self._tried_at_s = float("-inf")
        self._observed_ms = 0
        self._failed: set[str] = set()

    # Called by the simulation

    def begin(self, city: City, engine: Engine) -> None:
        """The city is there and, when this process computes, prepared."""
        self._city = city
        if self._computes:
            self._engine = engine
            warm_up_hours()
            current = self.shelf.current()
            if current is not None and not all(_is_of(hour, city) for hour in current.hours):
                self.shelf.forget()
        self.day.begin(city, self._clock.unix_ms())

    def start(self) -> None:
        """Begins to work in a thread of its own. After `begin`."""
        self._thread = threading.Thread(target=self._run, name="simulation-outlook", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Ends the thread and writes what was counted."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        self.day.save(self._clock.monotonic_s(), at_once=True)

    def observe(self, frame: Frame, forcing: Forcing, wbgt: Layer) -> None:
        """A live frame was made. Quick: the rest is done by the thread."""
        self.day.observe(frame, wbgt)
        self._present = _Present(frame.at_ms, forcing)
        self._wake.set()

    # The work

    def _run(self) -> None:
        _be_nice()
        warm_up_areas()
        while not self._stopping.is_set():
            self._wake.wait(WAKE_S)
            self._wake.clear()
            try:
                self.work()
            except Exception as error:
                # The live map goes on without a forecast; each kind is told once.
                if (kind := type(error).__name__) not in self._failed:
                    self._failed.add(kind)
                    log.exception("the forecast failed; the next hour tries again")

    def work(self) -> bool:
        """What is due now; True when a forecast was made. Called by the thread, or by a test."""
        self._score()
        self.day.save(self._clock.monotonic_s())
        present, now_s = self._present, self._clock.monotonic_s()
        if present is None or not 0 <= self._clock.unix_ms() - present.at_ms <= PRESENT_FOR_MS:
            return False
        cause = (present.at_ms // ISSUE_EVERY_MS, _changed_ns(self.supplied_path))
        if cause == self._tried or now_s - self._tried_at_s < LEAST_REAL_S:
            return False
        self._tried, self._tried_at_s = cause, now_s
        return self._issue(present)

    def _score(self) -> None:
        present = self._present
        if present is None:
            return
        hour_ms = present.at_ms // MS_PER_HOUR * MS_PER_HOUR
        if hour_ms == self._observed_ms or present.at_ms - hour_ms > OBSERVED_WITHIN_MS:
            return
        self._observed_ms = hour_ms
        skill = self.shelf.skill()
        if skill.pending:
            self.shelf.keep_skill(skill.observed(hour_ms, _values(present.forcing)))

    def _issue(self, present: _Present) -> bool:
        city, engine = self._city, self._engine
        if city is None or engine is None:
            return False
        supplied = _read(self.supplied_path, city.center)
        history = read_history(self._store, present.at_ms, city.center)
        # From the live engine as it is now: the first hour to come remembers the hours that were, each further one the hour before.
        ahead = engine.fork()
        # The live map goes on meanwhile, and may have been stepped since the present was seen.
        begins_ms = max(present.at_ms, ahead.stepped_at_ms or present.at_ms)
        full_hours = hours_until_midnight(begins_ms)
        moments = moments_until(full_hours, begins_ms, city.center, self._between_min)
        weathers = weather_of_moments(
            history, present.forcing, present.at_ms, moments, supplied=supplied, place=city.center
        )
        course = dict(zip(moments, weathers, strict=True))
        hours = self._step_through(city, ahead, present.at_ms, course, full_hours)
        if hours is None:
            return False
        note = None
        if supplied is not None:
            note = SuppliedNote(supplied.rows, len(supplied.hours), list(supplied.problems))
            if supplied.problems:
                log.warning(
                    "part of the supplied forecast cannot be used",
                    path=str(self.supplied_path),
                    rows=note.rows,
                    usable=note.usable,
                    problems=note.problems,
                )
        days = round(history.days_of("air_temperature_degc"), 2)
        self.shelf.publish(Forecast(present.at_ms, days, hours, note))
        said = {valid_ms: _values(course[valid_ms][0]) for valid_ms in full_hours}
        self.shelf.keep_skill(self.shelf.skill().issued(present.at_ms, said, _values(present.forcing)))
        return True

    def _step_through(
        self,
        city: City,
        ahead: Engine,
        issued_ms: int,
        course: Mapping[int, tuple[Forcing, str]],
        full_hours: Sequence[int],
    ) -> list[ForecastHour] | None:
        """Steps a fork of the live engine through the course and puts a frame of each full hour on the shelf; None when stopped."""
        hours: list[ForecastHour] = []
        without_utci: list[str] = []
        for at_ms, (forcing, source) in course.items():
            if self._stopping.is_set():
                return None
            began_s = time.perf_counter()
            result = ahead.step(forcing, at_ms)
            if at_ms in full_hours:
                layers = [quantise(LAYERS[name], field, result.is_ground) for name, field in result.fields.items()]
                name = hour_id(at_ms, issued_ms)
                self.shelf.put_hour(name, layers)
                hours.append(ForecastHour(name, at_ms, source, self._describe(city, forcing, result, layers)))
                if not result.has_utci:
                    without_utci.append(frame_id(at_ms))
            self._stopping.wait(max(REST_MIN_S, time.perf_counter() - began_s))
        if without_utci:
            log.warning(
                "in hours of the forecast the air holds more than 50 hPa of vapour, UTCI is not defined there: its layer stays blank",
                hours=without_utci,
            )
        return hours


def hours_until_midnight(now_ms: int) -> list[int]:
    """The full hours after now, up to and with the midnight (JST) that ends the day."""
    end_ms = midnight_ms(day_of(now_ms) + 1)
    return list(range((now_ms // MS_PER_HOUR + 1) * MS_PER_HOUR, end_ms + 1, MS_PER_HOUR))


def moments_until(
    hours: Sequence[int], now_ms: int, place: Place, between_min: Sequence[int] = BETWEEN_MIN
) -> list[int]:
    """The hours and the moments between them at which the city is stepped, in order. Between hours without sun there are none."""
    moments = []
    for hour_ms in hours:
        if any(sun_position(end_ms, *place).is_up for end_ms in (hour_ms - MS_PER_HOUR, hour_ms)):
            before = (hour_ms - minutes * MS_PER_MINUTE for minutes in between_min)
            moments += [at_ms for at_ms in before if at_ms > now_ms]
        moments.append(hour_ms)
    return moments


def _values(forcing: Forcing) -> Mapping[str, float]:
    """What is scored."""
    return {
        "air_temperature_degc": forcing.air_temperature_degc,
        "relative_humidity_pct": forcing.relative_humidity_pct,
        "wind_speed_ms": forcing.wind_speed_ms,
        "global_radiation_wm2": forcing.global_radiation_wm2,
    }


def _is_of(hour: ForecastHour, city: City) -> bool:
    return shows(Frame(hour.id, hour.valid_ms, hour.valid_ms, meta_dict(hour.meta)), city)


def _read(path: Path, place: Place) -> Supplied | None:
    """The supplied file; None when there is none."""
    try:
        return parse(path.read_bytes(), place)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Supplied((), 0, (f"cannot be read: {error.strerror}",))


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _be_nice() -> None:
    """Lets live frames go first. On Linux a thread has a priority of its own; elsewhere it stays as it is."""
    with contextlib.suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
