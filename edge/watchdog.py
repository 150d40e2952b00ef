"""Tells systemd that the agent is well, and only while each of its loops gets on: else systemd ends it and starts a new one.

Progress is a loop's own word that it came round, not success: a dead network, a full disk or a pulled adapter is nothing that a
restart would mend. What a restart does mend is a loop that hangs in a call which never returns.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

POLL_LIMIT_S: Final = 45.0
"""A line says it is alive at every poll. The longest poll: every block of a slow device unanswered, and the quiet after it."""
DISK_LIMIT_S: Final = 60.0
"""A worn SD card may stall a commit for many seconds."""
UPLINK_LIMIT_S: Final = 90.0
"""The longest wait of the uplink: each step of a connection up to its timeout."""


class Stalled(msgspec.Struct, frozen=True):
    """A loop that has not come round for too long."""

    loop: str
    for_s: float
    limit_s: float

    def __str__(self) -> str:
        return f"{self.loop} has not moved for {self.for_s:.0f} s (limit {self.limit_s:.0f} s)"


class Progress:
    """When each loop came round last. `beat` may be called from any thread.

    Args:
        limits: loop -> longest time between two beats, seconds; counted from now on.
        monotonic_s: the clock.

    """

    def __init__(self, limits: Mapping[str, float], monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._limits = dict(limits)
        self._monotonic_s = monotonic_s
        self._beats = dict.fromkeys(self._limits, monotonic_s())

    def beat(self, loop: str) -> None:
        """Raises KeyError for a loop nobody watches."""
        if loop not in self._limits:
            raise KeyError(loop)
        self._beats[loop] = self._monotonic_s()

    def stalled(self) -> tuple[Stalled, ...]:
        """Loops beyond their limit, in the order they were named; empty: all is well."""
        now_s = self._monotonic_s()
        return tuple(
            Stalled(loop, now_s - self._beats[loop], limit_s)
            for loop, limit_s in self._limits.items()
            if now_s - self._beats[loop] > limit_s
        )


class Systemd:
    """The service manager that started us, or nobody: then nothing is sent. See sd_notify(3) and sd_watchdog_enabled(3).

    Attributes:
        watchdog_s: how long the manager waits for a sign of life; None: it does not.

    """

    def __init__(self, environment: Mapping[str, str] = os.environ, pid: int | None = None) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        # "@name" stands for the abstract name "\0name"; anything but these and a path is of a kind we do not speak.
        self._address = "\0" + address[1:] if address.startswith("@") else address if address.startswith("/") else ""
        micros, for_pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        meant = not for_pid or for_pid == str(os.getpid() if pid is None else pid)
        self.watchdog_s = int(micros) / 1e6 if self._address and meant and micros.isdecimal() and int(micros) else None

    def tell(self, *lines: str) -> bool:
        """Sends states such as READY=1. Never waits and never raises; whether it was sent."""
        if not self._address:
            return False
        try:
            with socket.socket(
                socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            ) as sender:
                sender.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            return False
        return True


class Feeder:
    """Feeds the watchdog while nothing is stalled. `feed` is called every `interval_s`."""

    def __init__(self, progress: Progress, systemd: Systemd) -> None:
        self._progress = progress
        self._systemd = systemd
        self.interval_s = 5.0 if systemd.watchdog_s is None else min(5.0, systemd.watchdog_s / 3)

    def feed(self, status: str) -> tuple[Stalled, ...]:
        """Sends WATCHDOG=1 with the status line, or the stalled loops as the status and no WATCHDOG=1. Returns what is stalled."""
        stalled = self._progress.stalled()
        if stalled:
            self._systemd.tell("STATUS=stalled: " + ", ".join(map(str, stalled)))
        else:
            self._systemd.tell("WATCHDOG=1", f"STATUS={status}")
        return stalled
