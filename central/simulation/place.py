"""The city once it is loaded, and how far the loading is: written by one thread, read by all.

Every step of the way is also appended to a file, one JSON object a line, so that whoever started the process can draw a bar:
`{"at_unix_ms": .., "stage": "city|geometry|kernels|ready|failed", "share": 0.42, "message": ".."}`.
"""

import threading
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from central.city.model import City

SHARE_STEP: Final = 0.02
"""Smaller advances are not written down."""


class Stage(StrEnum):
    """What is being done before the first frame."""

    WAITING = "waiting"
    CITY = "city"
    GEOMETRY = "geometry"
    KERNELS = "kernels"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Progress:
    """`share` of the stage, 0 .. 1; `message` is for people, in one line."""

    stage: Stage
    share: float
    message: str


class Place:
    """Holds the city and the progress towards it."""

    def __init__(self, progress_path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._progress = Progress(Stage.WAITING, 0.0, "not started")
        self._city: City | None = None
        self._path = progress_path

    @property
    def city(self) -> City | None:
        """The city, None while it is being loaded."""
        with self._lock:
            return self._city

    @property
    def progress(self) -> Progress:
        with self._lock:
            return self._progress

    def set_city(self, city: City) -> None:
        with self._lock:
            self._city = city

    def report(self, stage: Stage, share: float, message: str = "") -> None:
        """Says how far it is; small advances within a stage are kept, but not written to the file."""
        progress = Progress(stage, min(max(share, 0.0), 1.0), message)
        with self._lock:
            before = self._progress
            if stage is before.stage and share < 1.0 and share - before.share < SHARE_STEP:
                return
            self._progress = progress
        self._write(progress)

    def _write(self, progress: Progress) -> None:
        if self._path is None:
            return
        line = msgspec.json.encode(
            {
                "at_unix_ms": time.time_ns() // 1_000_000,
                "stage": progress.stage,
                "share": round(progress.share, 3),
                "message": progress.message,
            }
        )
        try:
            with self._path.open("ab") as file:
                file.write(line + b"\n")
        except OSError:
            # A bar on somebody's screen is not worth a stop.
            self._path = None
