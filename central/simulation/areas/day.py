"""The day's hours of heat as they are kept: counted with every frame, on disk every minute, made up for after a restart.

What was counted is written to one file. After a restart the frames that are still kept and newer than it are counted too; without
the file all of today's kept frames are. So a restart costs nothing that the frames do not tell.
"""

import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import structlog

from central.city.model import City
from central.simulation.areas.hours import GAP_MAX_MS, LIMITS_DEGC, HoursAbove, Seen, day_of, reached
from central.simulation.frames import Field, Layer
from central.simulation.library import FrameLibrary, corners_of, shows
from central.store.door import Frame
from contract.whole_file import whole_file

SAVE_EVERY_S: Final = 60.0
log = structlog.get_logger("central.simulation")


@dataclass(frozen=True, slots=True, eq=False)
class DayHours:
    """A copy of the count. `hours`: one (rows, columns) array [h] for each of LIMITS_DEGC; `last`: the frame it reaches to."""

    day: int
    watched_ms: int
    hours: tuple[Field, ...]
    last: Seen


class DayKeeper:
    """The one who counts, or (`counts` False, in a process that only serves) reads what another process counted.

    Args:
        path: the file.
        library: frames, to make up for a restart.
    """

    def __init__(self, path: Path, library: FrameLibrary, *, counts: bool = True) -> None:
        self._path = path
        self._library = library
        self._counts = counts
        self._lock = threading.Lock()
        self._count: HoursAbove | None = None
        self._place = ""
        self._saved_at_s = float("-inf")
        self._is_new = False
        self._read_ns = 0

    def begin(self, city: City, now_ms: int) -> None:
        """Takes up the day where it was left."""
        place = repr((city.grid.shape, corners_of(city)))
        count = self._load(city.grid.shape, place)
        if count is None or (count.last is not None and count.last.at_ms > now_ms + GAP_MAX_MS):
            # Counted until later than now: by a clock that was set back since, as in a demonstration that begins anew.
            count = HoursAbove(city.grid.shape, day_of(now_ms))
        if self._counts:
            self._catch_up(count, city, now_ms)
        with self._lock:
            self._count, self._place = count, place

    def observe(self, frame: Frame, wbgt: Layer) -> None:
        """Counts a frame that was just made."""
        with self._lock:
            if self._count is not None and wbgt.level.shape == self._count.shape:
                self._count.add(frame.at_ms, reached(wbgt))
                self._is_new = True

    def now(self) -> DayHours | None:
        """The count so far; None before the first frame."""
        if not self._counts:
            self._reread()
        with self._lock:
            count = self._count
            if count is None or count.last is None:
                return None
            hours = tuple(count.hours(index) for index in range(len(LIMITS_DEGC)))
            return DayHours(count.day, count.watched_ms, hours, count.last)

    def save(self, monotonic_s: float, *, at_once: bool = False) -> None:
        """Writes the count when it is new and the last time was a while ago."""
        if not self._counts or not (at_once or monotonic_s - self._saved_at_s >= SAVE_EVERY_S):
            return
        with self._lock:
            count = self._count
            if count is None or count.last is None or not self._is_new:
                return
            self._is_new = False
            day, watched_ms, last, counted_ms = count.day, count.watched_ms, count.last, count.counted_ms()
        self._saved_at_s = monotonic_s
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path) as part, part.open("wb") as file:
                np.savez(
                    file,
                    place=np.array(self._place),
                    numbers=np.array([day, watched_ms, last.at_ms], np.int64),
                    counted_ms=counted_ms,
                    reached=last.reached,
                )
        except OSError as error:
            log.warning("the day's hours of heat cannot be kept", path=str(self._path), reason=str(error))

    def _load(self, shape: tuple[int, int], place: str) -> HoursAbove | None:
        try:
            self._read_ns = self._path.stat().st_mtime_ns
            with np.load(self._path, allow_pickle=False) as kept:
                if str(kept["place"]) != place:
                    return None
                day, watched_ms, at_ms = (int(number) for number in kept["numbers"])
                count = HoursAbove(shape, day)
                counted_ms, cells = kept["counted_ms"], kept["reached"]
            if counted_ms.shape != (len(LIMITS_DEGC), *shape) or cells.shape != shape:
                return None
            count.take_up(counted_ms, watched_ms, Seen(at_ms, np.ascontiguousarray(cells, np.uint8)))
            return count
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            log.warning(
                "the day's hours of heat cannot be read: they begin anew", path=str(self._path), reason=str(error)
            )
            return None

    def _reread(self) -> None:
        with self._lock:
            count, place = self._count, self._place
        try:
            is_newer = count is not None and self._path.stat().st_mtime_ns != self._read_ns
        except OSError:
            return
        if count is not None and is_newer:
            newer = self._load(count.shape, place)
            with self._lock:
                self._count = newer or count

    def _catch_up(self, count: HoursAbove, city: City, now_ms: int) -> None:
        """Counts the kept frames of today that the count does not know."""
        since_ms = count.last.at_ms if count.last is not None else -1
        missed = [
            frame
            for frame in kept_frames(self._library)
            if since_ms < frame.at_ms <= now_ms and day_of(frame.at_ms) == day_of(now_ms) and shows(frame, city)
        ]
        for frame in sorted(missed, key=lambda one: one.at_ms):
            layer = self._library.layer(frame, "wbgt")
            if layer is not None and layer.level.shape == count.shape:
                count.add(frame.at_ms, reached(layer))


def kept_frames(library: FrameLibrary, stop: Callable[[Frame], bool] = lambda _: False) -> list[Frame]:
    """All frames that are kept, the one added last first, up to the first that `stop` names."""
    found: list[Frame] = []
    after: str | None = None
    while True:
        page = library.page(500, after)
        for frame in page.frames:
            if stop(frame):
                return found
            found.append(frame)
        after = page.next_cursor
        if after is None:
            return found
