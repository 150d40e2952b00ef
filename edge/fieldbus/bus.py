"""One thread per RS-485 line: sweeps over its stations at whole intervals of the real clock."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import minimalmodbus
import msgspec
import structlog

from contract.clock import Clock
from contract.messages import DeviceHealth
from contract.profiles import Block  # noqa: TC001 - read by a dict annotation at run time only
from edge.clock import moment
from edge.config import BusConfig
from edge.fieldbus.device import Device, Sample, decode
from edge.fieldbus.frames import REQUEST_BYTES, Fault
from edge.fieldbus.port import BITS_PER_CHARACTER, GAP_S, BusFaultError, GuardedPort, PortLostError
from edge.fieldbus.reads import Read

LISTEN_S_MIN: Final = 0.1
"""A probe listens at least so long: a living station begins its answer within a few hundredths of a second."""
RESERVE_S: Final = 0.02
REOPEN_S_MAX: Final = 30.0
BEAT_S: Final = 5.0
"""A line that waits for its next sweep says so often that it is alive."""

_log = structlog.get_logger("edge.fieldbus")


class Sink(Protocol):
    """Where a sweep goes. Called from the bus's thread at the end of each sweep, with nothing when nothing answered."""

    def __call__(self, bus: str, samples: Sequence[Sample]) -> None: ...


class SincePlan(msgspec.Struct, frozen=True):
    """What a line did since it took the plan of this number: sweeps that ended, and who answered in them."""

    number: int
    at_s: float
    sweeps: int = 0
    answered: frozenset[str] = frozenset()


class Bus:
    """The stations of one line, polled by one thread between `start` and `stop`.

    A sweep asks the healthy stations first; those that failed are probed at its end, only while there is time before the next
    interval, so that a dead station costs the living nothing. A sweep that overruns skips intervals, they never pile up (`next_slot`).
    """

    def __init__(
        self,
        config: BusConfig,
        devices: Sequence[Device],
        clock: Clock,
        sink: Sink,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        self.name = config.name
        self.devices = tuple(devices)
        self.sweeps = 0
        self.overruns = 0
        self.strays = 0
        self.beat: Callable[[], object] = _nothing
        """Called from the bus's thread: at every poll, and while it waits at least every BEAT_S. Set it before `start`."""
        self.since_plan = SincePlan(0, time.monotonic())
        self._plans = 0
        self._next: deque[tuple[int, BusConfig, tuple[Device, ...]]] = deque(maxlen=1)
        self._told = threading.Event()
        self._config = config
        self._clock = clock
        self._sink = sink
        self._unix_s = unix_s
        self._quiet_s = _quiet_s(config, devices)
        self._character_s = BITS_PER_CHARACTER / config.baud
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"bus-{config.name}", daemon=True)
        self._port: GuardedPort | None = None
        self._instrument: minimalmodbus.Instrument | None = None
        self._reopen_at_s = 0.0
        self._reopen_failures = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ends the sweep after the request under way. The thread is a daemon: a hung driver does not keep the agent alive."""
        self._stop.set()
        self._told.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def interval_s(self) -> float:
        return self._config.interval_s

    def health(self) -> list[DeviceHealth]:
        return [device.health() for device in self.devices]

    def answering(self) -> frozenset[str]:
        """Stations whose last poll was answered."""
        return frozenset(device.station for device in self.devices if device.answering)

    def replan(self, config: BusConfig, devices: Sequence[Device]) -> int:
        """Other stations or another interval from the next sweep on; port and line settings stay. Returns the plan's number.

        `since_plan` carries that number as soon as the plan is taken, between two sweeps.
        """
        self._plans += 1
        self._next.append((self._plans, config, tuple(devices)))
        self._told.set()
        return self._plans

    def _take_plan(self, slot: int | None) -> int | None:
        """Takes the newest plan, if there is one. Returns the interval to go on from."""
        if not self._next:
            return slot
        number, config, devices = self._next.pop()
        before = {device.unit_address: device for device in self.devices}
        for device in devices:
            if device.unit_address in before:
                device.succeed(before[device.unit_address])
        if config.interval_s != self._config.interval_s:
            slot = None
        self._config, self.devices = config, devices
        self._quiet_s = _quiet_s(config, devices)
        self.since_plan = SincePlan(number, time.monotonic())
        _log.info("replanned", bus=self.name, stations=len(devices), interval_s=config.interval_s)
        return slot

    def _run(self) -> None:
        slot: int | None = None
        while not self._stop.is_set():
            slot = self._take_plan(slot)
            self.beat()
            wait_s, coming = next_slot(self._unix_s(), self._config.interval_s, slot)
            if self._told.wait(min(wait_s, BEAT_S)):
                self._told.clear()
                continue
            if wait_s > BEAT_S:
                continue
            slot = coming
            samples: list[Sample] = []
            left_s = (slot + 1) * self._config.interval_s - self._unix_s()
            try:
                self._sweep(time.monotonic() + min(left_s, self._config.interval_s), samples)
            except PortLostError as error:
                self._lose_port(str(error))
            self.sweeps += 1
            since = self.since_plan
            answered = since.answered | {sample.station for sample in samples}
            self.since_plan = msgspec.structs.replace(since, sweeps=since.sweeps + 1, answered=answered)
            if self._unix_s() >= (slot + 1) * self._config.interval_s:
                self.overruns += 1
            self._sink(self.name, samples)
        if self._port is not None:
            self._port.close()

    def _sweep(self, until_s: float, samples: list[Sample]) -> None:
        if not self._open_port():
            return
        failed: list[Device] = []
        for device in self.devices:
            if self._stop.is_set():
                return
            if not device.suspect:
                self._poll(device, samples, device.response_s, self._quiet_s)
            if device.suspect:
                failed.append(device)
        for device in sorted(failed, key=lambda device: device.not_before_s):
            if self._stop.is_set() or not self._probe(device, until_s, samples):
                return

    def _probe(self, device: Device, until_s: float, samples: list[Sample]) -> bool:
        """Asks a suspect whether it is back, within what is left of the sweep. False: no time for this or any further probe."""
        now_s = time.monotonic()
        if now_s < device.not_before_s:
            return True
        spare_s = until_s - now_s - RESERVE_S - self._wire_s(device)
        listen_s = min(device.response_s, spare_s / 2)
        if listen_s < min(LISTEN_S_MIN, device.response_s):
            return False
        self._poll(device, samples, listen_s, min(self._quiet_s, spare_s - listen_s))
        return True

    def _poll(self, device: Device, samples: list[Sample], listen_s: float, quiet_s: float) -> None:
        """Reads all blocks of a device and appends its sample. `listen_s`: how long its first answer may take to begin."""
        self.beat()
        began_s = time.monotonic()
        plan = device.plan(began_s)
        if plan is None:
            return
        device.begin_poll()
        answers: dict[Block, tuple[int, ...] | None] = {}
        for block, reads in plan:
            words: dict[int, int] = {}
            for read in reads:
                try:
                    answer = self._request(device, block.function, read, listen_s)
                except _RefusedError as refusal:
                    device.note_exception(refusal.code, read.count, time.monotonic())
                    break
                except BusFaultError as error:
                    self._note_fault(device, error, read.count, quiet_s)
                    return
                words.update(enumerate(answer, read.address))
                listen_s = device.response_s
            wanted = range(block.address, block.address + block.count)
            answers[block] = tuple(words[at] for at in wanted) if all(at in words for at in wanted) else None
        if all(words is None for words in answers.values()):
            return
        values, flags = decode(device.profile, answers)
        at_ms, monotonic_ms, synchronised = moment(self._clock)
        device.note_good(at_ms, time.monotonic() - began_s)
        samples.append(Sample(device.station, at_ms, monotonic_ms, values, flags, synchronised))

    def _request(self, device: Device, function: int, read: Read, listen_s: float) -> list[int]:
        """One read request: its registers. Raises BusFaultError, PortLostError, or _RefusedError with the exception code."""
        port, instrument = self._port, self._instrument
        if port is None or instrument is None:
            raise PortLostError("the port is closed")
        port.response_s = listen_s
        instrument.address = device.unit_address
        try:
            words: list[int] = instrument.read_registers(read.address, read.count, functioncode=function)
        except minimalmodbus.SlaveReportedException:
            raise _RefusedError(port.last_reply[2]) from None
        except minimalmodbus.ModbusException as error:
            # The port only lets true replies through, so that this is minimalmodbus seeing what the port did not.
            _log.warning("reply_refused", bus=self.name, station=device.station, reason=str(error))
            raise BusFaultError(Fault.NOISE) from None
        return words

    def _note_fault(self, device: Device, error: BusFaultError, count: int, quiet_s: float) -> None:
        was_good = device.failures == 0
        device.note_fault(error.fault, count, time.monotonic(), garbled=error.garbled)
        if was_good:
            _log.info("poll_failed", bus=self.name, station=device.station, fault=str(error.fault))
        if self._port is None:
            return
        if error.garbled:
            # The device has answered, only badly: nothing more is to come. Should it all the same, then no length tells a lie.
            quiet_s = min(quiet_s, GAP_S)
        elif error.fault is not Fault.TIMEOUT:
            # Something came at once, the answer may still be under way: as long as it may take, counted from the question.
            quiet_s = min(quiet_s, max(error.due_in_s, GAP_S))
        self._port.drain(quiet_s)

    def _wire_s(self, device: Device) -> float:
        """The time on the wire of a poll of the device, in two parts a block."""
        return sum(2 * (REQUEST_BYTES + 13) + 2 * block.count for block in device.blocks) * self._character_s + GAP_S

    def _open_port(self) -> bool:
        if self._port is not None:
            return True
        if time.monotonic() < self._reopen_at_s:
            return False
        try:
            port = GuardedPort(self._config.port, self._config.baud, self._config.parity, self._config.stop_bits)
        except PortLostError as error:
            self._lose_port(str(error))
            return False
        if self._reopen_failures:
            _log.info("port_opened", bus=self.name, port=self._config.port)
        self._port, self._reopen_failures = port, 0
        self._instrument = minimalmodbus.Instrument(port, 1)
        # Whoever used the line before us may still be answered.
        port.drain(self._quiet_s)
        return True

    def _lose_port(self, reason: str) -> None:
        if self._port is not None:
            self.strays += self._port.strays
            self._port.close()
        self._port = self._instrument = None
        if self._reopen_failures == 0:
            _log.warning("port_lost", bus=self.name, port=self._config.port, reason=reason)
        self._reopen_failures += 1
        pause_s = min(REOPEN_S_MAX, self._config.interval_s * 2.0 ** min(self._reopen_failures - 1, 10))
        self._reopen_at_s = time.monotonic() + pause_s


def next_slot(now_s: float, interval_s: float, slot: int | None) -> tuple[float, int]:
    """How long to wait for the next sweep, and which interval it is for: sweep k belongs to k * interval_s on the wall clock.

    A sweep that ran into the first half of the next interval is followed at once by that interval's own; one that ran further skips
    it. After the clock was set, forward or back, sweeps go on at the next whole interval.

    Args:
        now_s: wall time, seconds since 1970.
        interval_s: between sweeps.
        slot: the interval of the sweep before; None at the start.

    """
    current = math.floor(now_s / interval_s)
    if slot is not None and current > slot and now_s - current * interval_s < interval_s / 2:
        return 0.0, current
    return max(0.0, (current + 1) * interval_s - now_s), current + 1


def _quiet_s(config: BusConfig, devices: Sequence[Device]) -> float:
    return config.quiet_s or max((device.response_s for device in devices), default=0.5)


def _nothing() -> None:
    return


class _RefusedError(Exception):
    """The device answered with an exception code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(f"exception {code}")
