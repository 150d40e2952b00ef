"""The agent's own state, gathered from the rooms' counters and /proc; no dependency for it."""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from contract.clock import Clock
from contract.messages import VERSION, DeviceHealth, Health, OutboxHealth


def resident_memory_bytes() -> int | None:
    """The resident set of this process, or None where /proc does not tell."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def disk_free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def report(
    clock: Clock,
    *,
    boot_id: str,
    started_s: float,
    devices: Sequence[DeviceHealth],
    outbox: Sequence[OutboxHealth],
    data_dir: Path,
) -> Health:
    """`started_s`: the clock's monotonic time when the agent began."""
    return Health(
        v=VERSION,
        at_ms=clock.unix_ms(),
        boot_id=boot_id,
        uptime_s=round(clock.monotonic_s() - started_s, 1),
        clock_synchronised=clock.synchronised(),
        devices=list(devices),
        outbox=list(outbox),
        resident_memory_bytes=resident_memory_bytes(),
        cpu_s=round(time.process_time(), 2),
        disk_free_bytes=disk_free_bytes(data_dir),
        monotonic_ms=int(clock.monotonic_s() * 1000),
    )
