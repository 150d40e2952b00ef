"""Carries a plan out on a running city, and keeps the evidence of what was done when."""

import heapq
import itertools
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from contract.errors import UserError
from firmware_sim.control import SetFault, ask
from firmware_sim.faults import FaultKind
from tests.torture.books import ClockChange, Span
from tests.torture.city import City, short
from tests.torture.counting import RESPONSE_S
from tests.torture.plan import LINKS, PROCESSES, Action, Disturbance, Target
from tests.torture.processes import Process, State

END_TIMEOUT_S = 20.0
"""A process that was asked to end must have ended by then."""
RECOVERY_S = 4 * RESPONSE_S
"""How long a line may stay unreadable after trouble: a time-out, the silence kept after it, a sweep, another one."""
STALL_S = 0.3
"""When this process was not given the machine for so long, the others may not have been either."""


LATE_S = 1.2
"""How late a late reply is: the agent has long given up."""
BACK_ON_DISK_S = 4.0
"""So long after there is room again an agent may still keep readings in memory: the longest pause between two of its attempts
(1 s and half as much again each time) when the disk was full for 5 s at most, with half a second for the attempt."""
COMPLAINTS_MAX = 25


class HopelessError(Exception):
    """A process that will not stay up: the run tells nothing."""


@dataclass
class Record:
    """What happened. Times in true Unix ms."""

    done: Counter[tuple[Target, Action]] = field(default_factory=Counter)
    kills: Counter[Target] = field(default_factory=Counter)
    edge_kills_ms: list[int] = field(default_factory=list)
    trouble: list[Span] = field(default_factory=list)
    refused: list[Span] = field(default_factory=list)
    clock: list[ClockChange] = field(default_factory=list)
    complaints: Counter[str] = field(default_factory=Counter)
    outbox_bytes_max: int = 0
    stalled_s: float = 0.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Storm:
    """One thread, the one that started the city, acts; another only watches for stalls of the machine."""

    def __init__(self, city: City, tell: Callable[[str], None]) -> None:
        self._city = city
        self._tell = tell
        self.record = Record()
        self._began_s = time.monotonic()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._frozen_since_ms: dict[Target, int] = {}
        self._down_since_ms: dict[Target, int] = {}
        self._asked_at_s: dict[Target, float] = {}
        self._full_since_ms = 0
        self._full = False
        self._asked_while_full = False
        self._refusing_until_ms = 0
        self._quiet = threading.Event()

    def rage(self, plan: Sequence[Disturbance]) -> None:
        """Returns when the last disturbance is over and every process runs again."""
        watcher = threading.Thread(target=self._watch_for_stalls, name="stalls", daemon=True)
        watcher.start()
        self._began_s = time.monotonic()
        for one in plan:
            self._at(one.at_s, lambda one=one: self._begin(one))  # type: ignore[misc]
        try:
            while self._queue:
                at_s, _, act = heapq.heappop(self._queue)
                while (wait_s := at_s - (time.monotonic() - self._began_s)) > 0:
                    time.sleep(min(wait_s, 0.25))
                    self._look()
                act()
        finally:
            self._quiet.set()
            watcher.join()

    def wait(self, done: Callable[[], bool], timeout_s: float) -> float | None:
        """Watches over the processes meanwhile. Seconds until `done`, None when it took too long."""
        began_s = time.monotonic()
        while not done():
            if time.monotonic() - began_s > timeout_s:
                return None
            self._look()
            while self._queue and self._queue[0][0] <= time.monotonic() - self._began_s:
                heapq.heappop(self._queue)[2]()
            time.sleep(0.4)
        return time.monotonic() - began_s

    def watch(self, for_s: float) -> None:
        """Lets the city run, and watches over its processes."""
        until_s = time.monotonic() + for_s
        self.wait(lambda: time.monotonic() >= until_s, for_s + 10.0)

    def _at(self, at_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at_s, next(self._order), act))

    def _in(self, for_s: float, act: Callable[[], None]) -> None:
        self._at(time.monotonic() - self._began_s + for_s, act)

    def _look(self) -> None:
        """A process that ended though nobody asked it to is a complaint, and started again."""
        record = self.record
        record.outbox_bytes_max = max(record.outbox_bytes_max, self._city.outbox_bytes())
        for target, process in self._city.processes.items():
            if process.state is State.UP and process.ended() is not None:
                code = process.ended_itself[-1]
                record.complaints[f"{target} ended by itself with {code}: {short(process.last_words(2))}"] += 1
                if record.complaints.total() > COMPLAINTS_MAX:
                    raise HopelessError(f"it will not stay up: {record.complaints.most_common(3)}")
                self._down_since_ms[target] = now_ms() - 1000
                if target is Target.EDGE:
                    record.edge_kills_ms.append(now_ms())
                self._start(target, process)

    def _begin(self, one: Disturbance) -> None:
        self._tell(str(one))
        self._look()
        self.record.done[one.target, one.action] += 1
        if one.target in PROCESSES:
            self._begin_process(one, self._city.processes[one.target])
        elif one.target in LINKS:
            link = self._city.links[one.target]
            link.cut(one.action, one.amount)
            if one.action is not Action.TEAR:
                self._in(one.for_s, link.heal)
        elif one.target is Target.LINE:
            self._fault(one)
        elif one.target is Target.CLOCK:
            self._set_clock(one)
        else:
            self._full, self._full_since_ms = True, now_ms()
            self._city.fill_disk()
            self._refusing_until_ms = now_ms() + round(1000 * (one.for_s + BACK_ON_DISK_S))
            self._in(one.for_s, self._free_disk)

    def _free_disk(self) -> None:
        self._city.free_disk()
        self._full = False

    def _begin_process(self, one: Disturbance, process: Process) -> None:
        target = one.target
        if process.state is not State.UP:
            # The one before has not come to its end yet: a process that takes long to stop.
            self._in(0.2, lambda: self._begin_process(one, process))
            return
        match one.action:
            case Action.KILL:
                self._kill(target, process)
                self._in(one.for_s, lambda: self._start(target, process))
            case Action.STOP:
                self._down_since_ms[target] = now_ms()
                self._asked_at_s[target] = time.monotonic()
                if target is Target.EDGE:
                    self._asked_while_full = self._full
                process.ask_to_end()
                self._in(one.for_s, lambda: self._ended(target, process))
            case Action.FREEZE:
                self._freeze(target, process)
                self._in(one.for_s, lambda: self._thaw(target, process))
            case Action.FREEZE_KILL:
                self._freeze(target, process)
                self._in(one.for_s, lambda: self._kill_and_start(target, process))

    def _kill(self, target: Target, process: Process) -> None:
        process.kill()
        moment_ms = now_ms()
        if target is Target.STATIONS:
            self._city.unplug_lines()
        self.record.kills[target] += 1
        self._down_since_ms[target] = self._frozen_since_ms.pop(target, moment_ms)
        if target is Target.EDGE:
            self.record.edge_kills_ms.append(self._down_since_ms[target])
            if moment_ms < self._refusing_until_ms:
                self._lose_memory(moment_ms)

    def _lose_memory(self, until_ms: int) -> None:
        """The agent ended while the disk took nothing: what it held goes with it, however it ended."""
        self.record.refused.append(Span(self._full_since_ms - self._commit_ms, until_ms))

    def _kill_and_start(self, target: Target, process: Process) -> None:
        self._kill(target, process)
        self._start(target, process)

    def _start(self, target: Target, process: Process) -> None:
        process.start()
        if target is Target.STATIONS:
            # An answer may have been logged and not sent, or asked for and never logged.
            self._trouble(self._down_since_ms[target], now_ms())
        elif target is Target.EDGE and self._down_since_ms[target] < now_ms() - 100:
            # Frozen and then killed: what was asked before the freeze was served to nobody.
            self._trouble(self._down_since_ms[target], now_ms())

    def _ended(self, target: Target, process: Process) -> None:
        code = process.ended()
        if code is not None and target is Target.EDGE and (self._asked_while_full or self._full):
            # With room at the time of the signal nothing may be lost: an agent that ends in good order tries once more.
            self._lose_memory(now_ms())
        if code not in {None, 0, -signal.SIGTERM}:
            self.record.complaints[f"{target} ended with {code} on SIGTERM: {short(process.last_words(2))}"] += 1
        if code is None:
            if time.monotonic() - self._asked_at_s[target] > END_TIMEOUT_S:
                self.record.complaints[f"{target} did not end within {END_TIMEOUT_S:.0f} s of SIGTERM"] += 1
                self._kill(target, process)
            else:
                self._in(0.05, lambda: self._ended(target, process))
                return
        self._start(target, process) if target is not Target.EDGE else process.start()

    def _freeze(self, target: Target, process: Process) -> None:
        self._frozen_since_ms[target] = now_ms()
        process.freeze()

    def _thaw(self, target: Target, process: Process) -> None:
        process.thaw()
        since_ms = self._frozen_since_ms.pop(target)
        if target in {Target.EDGE, Target.STATIONS}:
            self._trouble(since_ms, now_ms())

    def _fault(self, one: Disturbance) -> None:
        kind, station = one.what.split()
        fault = SetFault(station, FaultKind(kind), for_s=one.for_s, probability=one.amount, late_s=LATE_S)
        if self._city.processes[Target.STATIONS].state is not State.UP:
            return
        with suppress(UserError):
            ask(self._city.lines, fault, timeout_s=0.5)
        end_ms = now_ms() + round(1000 * one.for_s)
        self._trouble(now_ms(), end_ms, frozenset({self._city.line_of[station]}))

    def _set_clock(self, one: Disturbance) -> None:
        clock = self._city.clock
        if one.action is Action.STEP:
            self._note_clock(clock.offset_ms + round(1000 * one.amount), synchronised=True)
        else:
            before_ms = clock.offset_ms
            self._note_clock(before_ms + round(1000 * one.amount), synchronised=False)
            self._in(one.for_s, lambda: self._note_clock(before_ms, synchronised=True))

    def _note_clock(self, offset_ms: int, *, synchronised: bool) -> None:
        self._city.clock.set(offset_ms, synchronised=synchronised)
        self.record.clock.append(ClockChange(now_ms(), offset_ms, synchronised))

    def _trouble(self, from_ms: int, to_ms: int, lines: frozenset[str] = frozenset()) -> None:
        spread_ms = round(1000 * RESPONSE_S)
        span = Span(from_ms - spread_ms, to_ms + round(1000 * RECOVERY_S), lines, still=not lines)
        self.record.trouble.append(span)

    @property
    def _commit_ms(self) -> int:
        return round(1000 * self._city.settings.commit_interval_s) + 500

    def _watch_for_stalls(self) -> None:
        before_s = time.monotonic()
        while not self._quiet.wait(0.02):
            now_s = time.monotonic()
            if now_s - before_s > STALL_S:
                self.record.stalled_s += now_s - before_s
                self._trouble(now_ms() - round(1000 * (now_s - before_s)), now_ms())
            before_s = now_s
