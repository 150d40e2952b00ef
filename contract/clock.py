"""The time that all processes of one city agree on.

Live, it is the machine's clock. For a demonstration or a replay it runs from a chosen moment at a chosen speed, and
every process derives it from the same three numbers, so that readings, sun and charts stay in step.
"""

import time
from pathlib import Path
from typing import Protocol

import msgspec


class Clock(Protocol):
    """What any room may ask about time. `unix_ms` can jump when the machine's clock is set; `monotonic_s` cannot."""

    def unix_ms(self) -> int:
        """The city's wall time, milliseconds since 1970-01-01 UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds since an arbitrary moment of this boot; real seconds also under a simulated clock."""
        ...

    def synchronised(self) -> bool:
        """Whether the wall time can be trusted."""
        ...


class SystemClock:
    """The machine's own clock; `synchronised` is asked of the given probe."""

    def unix_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()

    def synchronised(self) -> bool:
        return True


class SimulatedClock:
    """A wall clock that showed `starts_at_ms` when the machine's clock showed `anchored_at_unix_s` and runs `speed` times as fast."""

    def __init__(self, starts_at_ms: int, anchored_at_unix_s: float, speed: float) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self.starts_at_ms = starts_at_ms
        self.anchored_at_unix_s = anchored_at_unix_s
        self.speed = speed

    def unix_ms(self) -> int:
        return self.starts_at_ms + round((time.time() - self.anchored_at_unix_s) * 1000 * self.speed)

    def monotonic_s(self) -> float:
        return time.monotonic()

    def synchronised(self) -> bool:
        return True


class OffsetClock:
    """The machine's clock, off by what a file says: for tests that set a clock while others look at it.

    The file holds two numbers, read at each question: milliseconds ahead, and 1 while the clock calls itself synchronised, else 0. Without
    the file, or with anything else in it, the clock is right and synchronised.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def unix_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._state()[0]

    def monotonic_s(self) -> float:
        return time.monotonic()

    def synchronised(self) -> bool:
        return self._state()[1]

    def _state(self) -> tuple[int, bool]:
        try:
            offset_ms, synchronised = self._file.read_text(encoding="ascii").split()
            return int(offset_ms), synchronised == "1"
        except (OSError, ValueError):
            return 0, True


class ClockConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `[clock]` section of a configuration: leave it out to live in the present.

    `starts_at_ms` and `anchored_at_unix_s` belong together and are written by `kumagaya demo`. `offset_file` is for tests (`OffsetClock`).
    """

    speed: float = 1.0
    starts_at_ms: int | None = None
    anchored_at_unix_s: float | None = None
    offset_file: str | None = None

    def build(self) -> Clock:
        """Raises ValueError when only one of the two anchors is given, speed is not 1 without them, or an offset goes with them."""
        if self.starts_at_ms is None and self.anchored_at_unix_s is None:
            if self.speed != 1.0:
                raise ValueError("clock.speed needs clock.starts_at_ms and clock.anchored_at_unix_s")
            return SystemClock() if self.offset_file is None else OffsetClock(Path(self.offset_file))
        if self.starts_at_ms is None or self.anchored_at_unix_s is None:
            raise ValueError("clock.starts_at_ms and clock.anchored_at_unix_s belong together")
        if self.offset_file is not None:
            raise ValueError("clock.offset_file does not go with a simulated clock")
        return SimulatedClock(self.starts_at_ms, self.anchored_at_unix_s, self.speed)
