"""Which heat a question means: the newest frame, one that is kept, or an hour of the forecast."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from central.simulation.areas.day import kept_frames
from central.simulation.forecast.shelf import Forecast, ForecastHour
from central.simulation.frames import LAYERS, Layer
from central.simulation.library import corners_of
from central.store.door import Frame
from central.web.moments import iso
from central.web.problems import NO_FRAME_YET, UNKNOWN_FRAME, UNKNOWN_LAYER, ProblemError
from central.web.services import Services

KEPT_WITHIN_MS: Final = 10 * 60_000
"""Older frames are kept one in ten minutes: nearer than this there is one, or there was none."""
HOUR_WITHIN_MS: Final = 30 * 60_000


@dataclass(frozen=True, slots=True)
class ShownHeat:
    """The heat of one moment. `find`: a layer by its name, None when its file is gone."""

    id: str
    at_ms: int
    is_forecast: bool
    find: Callable[[str], Layer | None]

    def layer(self, name: str) -> Layer:
        """Raises ProblemError for a layer that there is not."""
        layer = self.find(name) if name in LAYERS else None
        if layer is None:
            raise ProblemError(
                UNKNOWN_LAYER,
                f"frame {self.id} has no layer {name[:40]!r}; layers: {', '.join(LAYERS)}",
                field="layer",
            )
        return layer


class HeatAt:
    """Finds the heat of a moment."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lock = threading.Lock()
        self._kept: tuple[str, list[tuple[int, str]]] = ("", [])

    def latest_frame(self) -> Frame:
        """Raises ProblemError before the first frame."""
        services = self._services
        frame = services.latest_frame()
        if frame is None:
            progress = services.simulation.place.progress
            refusal = services.simulation.state.refusal
            why = f"no weather: {refusal}" if refusal else f"{progress.stage}: {progress.share:.0%} {progress.message}"
            raise ProblemError(NO_FRAME_YET, why.strip(), retry_after_s=2)
        return frame

    def forecast(self) -> Forecast | None:
        """None before the first forecast of this city."""
        city, forecast = self._services.simulation.place.city, self._services.simulation.outlook.shelf.current()
        if (
            city is None
            or forecast is None
            or not all(hour.meta.corners == corners_of(city) for hour in forecast.hours)
        ):
            return None
        return forecast

    def latest(self) -> ShownHeat:
        return self.of_frame(self.latest_frame())

    def of_frame(self, frame: Frame) -> ShownHeat:
        return ShownHeat(frame.id, frame.at_ms, False, partial(self._services.simulation.library.layer, frame))

    def of_hour(self, hour: ForecastHour) -> ShownHeat:
        shelf = self._services.simulation.outlook.shelf
        return ShownHeat(hour.id, hour.valid_ms, True, partial(shelf.layer, hour))

    def at(self, at_ms: int | None) -> ShownHeat:
        """The newest frame for None; else what is nearest: a kept frame in the past, an hour of the forecast ahead.

        Raises:
            ProblemError: there is no frame yet, or nothing near enough to the moment.

        """
        newest = self.latest_frame()
        if at_ms is None:
            return self.of_frame(newest)
        if at_ms <= newest.at_ms:
            found = self._nearest_kept(newest, at_ms)
            if found is not None:
                return self.of_frame(found)
            raise ProblemError(UNKNOWN_FRAME, f"no frame of {iso(at_ms)} is kept", field="at")
        distance_ms = at_ms - newest.at_ms
        forecast = self.forecast()
        hours = [hour for hour in forecast.hours if hour.valid_ms > newest.at_ms] if forecast is not None else []
        nearest = min(hours, key=lambda hour: abs(hour.valid_ms - at_ms), default=None)
        if nearest is not None and abs(nearest.valid_ms - at_ms) <= min(HOUR_WITHIN_MS, distance_ms):
            return self.of_hour(nearest)
        if distance_ms <= HOUR_WITHIN_MS:
            return self.of_frame(newest)
        until = f"the forecast ends at {iso(hours[-1].valid_ms)}" if hours else "there is no forecast yet"
        raise ProblemError(UNKNOWN_FRAME, f"nothing is known of {iso(at_ms)}: {until}", field="at")

    def _nearest_kept(self, newest: Frame, at_ms: int) -> Frame | None:
        with self._lock:
            if self._kept[0] != newest.id:
                kept = kept_frames(self._services.simulation.library)
                self._kept = newest.id, [(frame.at_ms, frame.id) for frame in kept]
            moments = self._kept[1]
        near = sorted(
            (abs(moment_ms - at_ms), name) for moment_ms, name in moments if abs(moment_ms - at_ms) <= KEPT_WITHIN_MS
        )
        # The nearest may have been pruned, or be one of another city.
        return next((frame for _, name in near if (frame := self._services.frame(name)) is not None), None)
