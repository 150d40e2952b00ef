"""The real agent on a machine whose wall clock somebody else sets: `python -m tests.torture.agent CLOCKFILE edge run --config FILE`.

Nothing of the agent is changed but what its machine says: `time.time` and `time.time_ns` are off by what the file says, and the kernel
calls its clock disciplined or not as the file says. `time.monotonic` is left alone, as `settimeofday` leaves it alone.
"""

import mmap
import struct
import sys
import time
from pathlib import Path

_FORM = struct.Struct("<qq")


class ClockFile:
    """The clock of the edge's machine: how far it is off, and whether the machine believes it."""

    def __init__(self, path: Path, *, make: bool = False) -> None:
        if make:
            path.write_bytes(_FORM.pack(0, 1))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FORM.size)

    @property
    def offset_ms(self) -> int:
        return int(_FORM.unpack_from(self._map)[0])

    @property
    def synchronised(self) -> bool:
        return bool(_FORM.unpack_from(self._map)[1])

    def set(self, offset_ms: int, *, synchronised: bool) -> None:
        _FORM.pack_into(self._map, 0, offset_ms, synchronised)

    def close(self) -> None:
        self._map.close()


def main() -> int:
    clock = ClockFile(Path(sys.argv[1]))
    true_time, true_time_ns = time.time, time.time_ns
    time.time = lambda: true_time() + clock.offset_ms / 1000
    time.time_ns = lambda: true_time_ns() + clock.offset_ms * 1_000_000

    import edge.clock  # after the clock was set: modules keep what they find
    from kumagaya.cli import main as kumagaya

    edge.clock.kernel_synchronised = lambda: clock.synchronised
    edge.clock.MachineClock.ASK_EVERY_S = 0.0
    return kumagaya(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
