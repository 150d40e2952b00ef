"""The day's hours of heat as layers: counted so far, and with the forecast of the rest of the day."""

import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from central.simulation.areas.hours import KINDS, LIMITS_DEGC, Seen, hours_ahead, midnight_ms, reached
from central.simulation.forecast.outlook import Outlook
from central.simulation.frames import NO_VALUE, Layer, quantise
from central.simulation.library import FrameLibrary
from contract.clock import Clock

HELD_FOR_S: Final = 5.0
"""A new frame changes hours by seconds: so long (real time) the maps of a million cells are not made anew."""


class Part(StrEnum):
    """Which hours of the day."""

    SO_FAR = "so_far"
    DAY = "day"


@dataclass(frozen=True, slots=True, eq=False)
class Exceedance:
    """Maps of one day (JST).

    Args:
        begins_ms, ends_ms: the day.
        counted_ms: until when frames were counted.
        watched_ms: how much of the time before was watched.
        issued_ms: when the forecast was made; None without one, then there is no `Part.DAY`.
        layers: hours [h] by part and limit.
    """

    begins_ms: int
    ends_ms: int
    counted_ms: int
    watched_ms: int
    issued_ms: int | None
    layers: dict[tuple[Part, int], Layer]

    @property
    def name(self) -> str:
        """Changes when the maps do."""
        return f"{self.counted_ms}-{self.issued_ms or 0}"


class ExceedanceMaps:
    """Makes the maps when they are asked for."""

    def __init__(self, outlook: Outlook, library: FrameLibrary, clock: Clock) -> None:
        self._outlook = outlook
        self._library = library
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Exceedance | None = None
        self._made_at_s = float("-inf")

    def now(self) -> Exceedance | None:
        """The maps of the day of the newest frame; None before it. One is made at a time."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            if self._held is None or now_s - self._made_at_s >= HELD_FOR_S:
                self._held, self._made_at_s = self._make() or self._held, now_s
            return self._held

    def _make(self) -> Exceedance | None:
        day, frame = self._outlook.day.now(), self._library.latest()
        newest = self._library.layer(frame, "wbgt") if frame is not None else None
        if day is None or newest is None or newest.level.shape != day.last.reached.shape:
            return None
        is_ground = newest.level != NO_VALUE
        layers = {
            (Part.SO_FAR, limit): quantise(KINDS[limit], hours, is_ground)
            for limit, hours in zip(LIMITS_DEGC, day.hours, strict=True)
        }
        begins_ms, ends_ms = midnight_ms(day.day), midnight_ms(day.day + 1)
        forecast, coming = self._outlook.shelf.current(), []
        for hour in forecast.hours if forecast is not None else ():
            if day.last.at_ms < hour.valid_ms <= ends_ms:
                layer = self._outlook.shelf.layer(hour, "wbgt")
                if layer is not None and layer.level.shape == is_ground.shape:
                    coming.append(Seen(hour.valid_ms, reached(layer)))
        if forecast is not None and coming and coming[-1].at_ms == ends_ms:
            ahead = hours_ahead(day.last, coming, ends_ms)
            layers |= {
                (Part.DAY, limit): quantise(KINDS[limit], hours + more, is_ground)
                for limit, hours, more in zip(LIMITS_DEGC, day.hours, ahead, strict=True)
            }
        issued_ms = forecast.issued_ms if forecast is not None and (Part.DAY, LIMITS_DEGC[0]) in layers else None
        return Exceedance(begins_ms, ends_ms, day.last.at_ms, day.watched_ms, issued_ms, layers)
