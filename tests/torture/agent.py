"""The real agent on a machine whose wall clock somebody else sets: `python -m tests.torture.agent CLOCKFILE edge run --config FILE`.

Nothing of the agent is changed but what its machine says: `time.time` and `time.time_ns` are off by what the file says, and the kernel
calls its clock disciplined or not as the file says. `time.monotonic` is left alone, as `settimeofday` leaves it alone.

Beside the agent's own tasks a ticket machine gives events to its outbox, as a terminal will. What it hands in, and what it was told is
safe, it writes to two files beside the clock's before it does anything else.
"""

import mmap
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_FORM = struct.Struct("<qq")


class ClockFile:
    """The clock of the edge's machine: how far it is off, and whether the machine believes it."""

    def __init__(self, path: Path, *, make: bool = False) -> None:
        if make:
            path.write_bytes(_FORM.pack(0, 1))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FORM.size)

    @property
    def both(self) -> tuple[int, bool]:
        """How far off [ms], and whether believed, of one moment."""
        offset_ms, synchronised = _FORM.unpack_from(self._map)
        return offset_ms, bool(synchronised)

    @property
    def offset_ms(self) -> int:
        return self.both[0]

    @property
    def synchronised(self) -> bool:
        return self.both[1]

    def set(self, offset_ms: int, *, synchronised: bool) -> None:
        _FORM.pack_into(self._map, 0, offset_ms, synchronised)

    def close(self) -> None:
        self._map.close()


EVENT = "torture.ticket"
EVENT_EVERY_S = 0.3
ANSWER_S_MAX = 5.0


class TicketMachine:
    """Hands in an event now and then, each with a number of its own, and waits for its answer as a driver would."""

    def __init__(self, outbox: Any, folder: Path, clock: ClockFile, true_time_ns: Callable[[], int]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._offered = folder / "events.offered"
        self._taken = folder / "events.taken"
        self._true_time_ns = true_time_ns
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tickets", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No more events: what was handed in has its answer when this returns."""
        self._closing.set()
        self._thread.join(ANSWER_S_MAX)

    def _run(self) -> None:
        from contract.messages import Event
        from edge.clock import boot_id

        boot = boot_id()
        with self._offered.open("a", buffering=1) as offered, self._taken.open("a", buffering=1) as taken:
            while not self._closing.wait(EVENT_EVERY_S):
                number = self._true_time_ns() // 1_000_000
                offered.write(f"{number}\n")
                offset_ms, synchronised = self._clock.both
                event = Event(
                    1, EVENT, number + offset_ms, int(time.monotonic() * 1000), boot, {"n": number}, synchronised
                )
                try:
                    answer = self._outbox.append_event(event).result(ANSWER_S_MAX)
                except TimeoutError:
                    continue
                if isinstance(answer, int):
                    taken.write(f"{number}\n")


def main() -> int:
    clock = ClockFile(Path(sys.argv[1]))
    true_time, true_time_ns = time.time, time.time_ns
    time.time = lambda: true_time() + clock.offset_ms / 1000
    time.time_ns = lambda: true_time_ns() + clock.offset_ms * 1_000_000

    import edge.clock  # after the clock was set: modules keep what they find
    import edge.outbox
    from kumagaya.cli import main as kumagaya

    edge.clock.kernel_synchronised = lambda: clock.synchronised
    edge.clock.MachineClock.ASK_EVERY_S = 0.0

    start_outbox, flush_outbox = edge.outbox.Outbox.start, edge.outbox.Outbox.flush
    machines: list[TicketMachine] = []

    def start(outbox: edge.outbox.Outbox) -> None:
        start_outbox(outbox)
        machines.append(TicketMachine(outbox, Path(sys.argv[1]).parent, clock, true_time_ns))
        machines[-1].start()

    def flush(outbox: edge.outbox.Outbox) -> Any:
        # The agent's stop: buses are quiet by then, and so must the terminals be. What comes later waits on the disk for the next start.
        for machine in machines:
            machine.stop()
        return flush_outbox(outbox)

    edge.outbox.Outbox.start = start  # type: ignore[method-assign, assignment]
    edge.outbox.Outbox.flush = flush  # type: ignore[method-assign, assignment]
    return kumagaya(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
