"""The time that all processes of one city agree on.

Live, it is the machine's clock. For a demonstration or a replay it runs from a chosen moment at a chosen speed, and
every process derives it from the same three numbers, so that readings, sun and charts stay in step.
"""

import time
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


class ClockConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `[clock]` section of a configuration: leave it out to live in the present.

    `starts_at_ms` and `anchored_at_unix_s` belong together and are written by `kumagaya demo`.
    """

    speed: float = 1.0
    starts_at_ms: int | None = None
    anchored_at_unix_s: float | None = None

    def build(self) -> Clock:
        """Raises ValueError when only one of the two anchors is given, or speed is not 1 without them."""
        if self.starts_at_ms is None and self.anchored_at_unix_s is None:
            if self.speed != 1.0:
                raise ValueError("clock.speed needs clock.starts_at_ms and clock.anchored_at_unix_s")
            return SystemClock()
        if self.starts_at_ms is None or self.anchored_at_unix_s is None:
            raise ValueError("clock.starts_at_ms and clock.anchored_at_unix_s belong together")
        return SimulatedClock(self.starts_at_ms, self.anchored_at_unix_s, self.speed)
