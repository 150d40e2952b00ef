"""Which boot this is, and whether the wall clock of this machine can be trusted."""

import ctypes
import secrets
from pathlib import Path

from contract.clock import Clock, ClockConfig, SystemClock

_TIME_ERROR = 5
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
    """The machine's own clock that knows whether it is disciplined; the kernel is asked at most every ten seconds."""

    ASK_EVERY_S = 10.0

    def __init__(self) -> None:
        self._asked_at_s = float("-inf")
        self._synchronised = False

    def synchronised(self) -> bool:
        now_s = self.monotonic_s()
        if now_s - self._asked_at_s >= self.ASK_EVERY_S:
            self._asked_at_s = now_s
            self._synchronised = kernel_synchronised()
        return self._synchronised


def build(config: ClockConfig) -> Clock:
    """The city's clock; without a simulated one, the machine's."""
    clock = config.build()
    return MachineClock() if isinstance(clock, SystemClock) else clock
