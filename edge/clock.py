"""Which boot this is, whether the wall clock of this machine can be trusted, and before which moment it cannot be."""

import contextlib
import ctypes
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from contract.clock import Clock, ClockConfig, SystemClock

_TIME_ERROR = 5
RELEASED_MS: Final = 1_735_689_600_000
"""2025-01-01: earlier than that it cannot be while this program runs."""
LATEST_MS: Final = 4_102_444_800_000
STEP_MS: Final = 500
_TIMEX_BYTES = 512
"""More than `struct timex` takes on any Linux; adjtimex(2) with modes = 0 only reads."""


def boot_id() -> str:
    """The kernel's id of this boot: the one `monotonic_ms` counts in. Random where the kernel tells none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex(16)


def kernel_synchronised() -> bool:
    """Whether a time daemon (chrony, ntpd, systemd-timesyncd) disciplines the kernel's clock: adjtimex(2), state not TIME_ERROR."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state: int = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return False
    return state not in {-1, _TIME_ERROR}


class MachineClock(SystemClock):
    """The machine's own clock that knows whether it is disciplined; the kernel is asked every ten seconds, and at once after a step."""

    ASK_EVERY_S = 10.0

    def __init__(self) -> None:
        self._asked_at_s = float("-inf")
        self._asked_at_offset_ms = 0
        self._synchronised = False

    def synchronised(self) -> bool:
        now_s = self.monotonic_s()
        offset_ms = self.unix_ms() - round(now_s * 1000)
        if now_s - self._asked_at_s >= self.ASK_EVERY_S or abs(offset_ms - self._asked_at_offset_ms) > STEP_MS:
            self._asked_at_s, self._asked_at_offset_ms = now_s, offset_ms
            self._synchronised = kernel_synchronised()
        return self._synchronised


def moment(clock: Clock) -> tuple[int, int, bool]:
    """Wall time [Unix ms], monotonic time [ms], and whether the wall time could be trusted, all of one moment.

    Trusted only when it was so before and after: a trusted mark on a wrong time would prove a wrong offset of the whole boot.
    """
    before = clock.synchronised()
    at_ms, monotonic_ms = clock.unix_ms(), int(clock.monotonic_s() * 1000)
    return at_ms, monotonic_ms, clock.synchronised() and before


class TimeFloor:
    """Before this moment it cannot be: what a synchronised clock once said, kept over restarts, and what has passed since.

    A Raspberry Pi without a battery wakes up in the past, where every certificate is not yet valid and no renewal is due. The floor
    never goes back; an SD card is spared: the file is written every WRITE_EVERY_S at most.
    """

    WRITE_EVERY_S: Final = 600.0

    def __init__(
        self,
        file: Path,
        unix_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads the file; one that is missing or holds no moment counts for nothing."""
        self._file = file
        self._unix_ms = unix_ms
        self._monotonic_s = monotonic_s
        self._written_ms = _moment_in(file)
        self._floor_ms = max(RELEASED_MS, self._written_ms)
        self._floor_at_s = monotonic_s()
        self._written_at_s = float("-inf")

    def now_ms(self) -> int:
        """The machine's real time, or the floor where that is later."""
        passed_ms = round((self._monotonic_s() - self._floor_at_s) * 1000)
        return max(self._unix_ms(), self._floor_ms + passed_ms)

    def note(self, *, synchronised: bool) -> None:
        """Raises the floor to what a synchronised clock says. To be called every minute or so; never raises OSError."""
        now_s, unix_ms = self._monotonic_s(), self._unix_ms()
        if synchronised and self._floor_ms < unix_ms <= LATEST_MS:
            self._floor_ms, self._floor_at_s = unix_ms, now_s
        if self._floor_ms > max(self._written_ms, RELEASED_MS) and now_s - self._written_at_s >= self.WRITE_EVERY_S:
            # Also a disk that refuses is asked no more often.
            self._written_at_s = now_s
            with contextlib.suppress(OSError):
                self._write(self._floor_ms)

    def _write(self, moment_ms: int) -> None:
        part = self._file.with_name(self._file.name + ".part")
        with part.open("w", encoding="ascii") as file:
            file.write(f"{moment_ms}\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._file)
        self._written_ms = moment_ms


def _moment_in(file: Path) -> int:
    try:
        moment_ms = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0
    return moment_ms if 0 <= moment_ms <= LATEST_MS else 0


def build(config: ClockConfig) -> Clock:
    """The city's clock; without a simulated one, the machine's."""
    clock = config.build()
    return MachineClock() if isinstance(clock, SystemClock) else clock
