"""The agent, wired by hand: buses -> quality -> outbox -> uplink, health beside them, and a stop that is clean.

First SIGTERM or SIGINT: the buses end their sweep, what they read is committed and given a moment to be receipted, presence goes offline.
A second one stops trying: what is committed stays in the outbox.
"""

import asyncio
import contextlib
import fcntl
import importlib.metadata
import os
import signal
import sqlite3
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import structlog

from contract.clock import Clock
from contract.errors import UserError
from contract.messages import Health, Reading
from contract.topics import Stream
from edge import clock as edge_clock
from edge import health, uplink
from edge.config import BusConfig, Setup
from edge.fieldbus.bus import Bus
from edge.fieldbus.device import Device, Sample
from edge.outbox import Outbox
from edge.quality import Quality

EXIT_BUG: Final = 70

_log = structlog.get_logger("edge.main")


class Collector:
    """Turns samples into readings, and asks for one commit when each of the fastest buses has delivered its sweep.

    Called from each bus's thread; each bus has its own quality record, and the set of buses that delivered is only a hint: what it
    misses is committed after the commit interval.
    """

    def __init__(self, outbox: Outbox, clock: Clock, boot_id: str, buses: Sequence[BusConfig]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._boot_id = boot_id
        self._quality = {bus.name: Quality() for bus in buses}
        fastest_s = min(bus.interval_s for bus in buses)
        self._awaited = {bus.name for bus in buses if bus.interval_s == fastest_s}
        self._delivered: set[str] = set()

    def __call__(self, bus: str, samples: Sequence[Sample]) -> None:
        synchronised = self._clock.synchronised()
        readings = [
            Reading(
                seq=1,
                station=sample.station,
                at_ms=sample.at_ms,
                monotonic_ms=sample.monotonic_ms,
                boot_id=self._boot_id,
                values=sample.values,
                flags=self._quality[bus].check(sample.station, sample.at_ms, sample.values, sample.flags),
                clock_synchronised=synchronised,
            )
            for sample in samples
        ]
        self._delivered.add(bus)
        complete = self._delivered >= self._awaited
        if complete:
            self._delivered.clear()
        self._outbox.append(readings, flush=complete)


def run(setup: Setup) -> int:
    """Runs the agent until a signal. Returns the exit code: 0 after a clean stop, 1 when a second signal cut it short.

    A bug that ends one of its threads ends the process with 70.

    Raises UserError when it cannot start: the data folder, another agent on it, or certificates.
    """
    threading.excepthook = _end_with_thread
    with _sole_owner(setup.data_dir):
        return asyncio.run(_run(setup))


async def _run(setup: Setup) -> int:
    config = setup.config
    clock = edge_clock.build(config.clock)
    boot_id = edge_clock.boot_id()
    started_s = clock.monotonic_s()
    try:
        outbox = Outbox(setup.data_dir / "outbox.db", config.outbox)
    except sqlite3.Error as error:
        raise UserError(f"the outbox cannot be opened: {error}", where=str(setup.data_dir / "outbox.db")) from None
    collector = Collector(outbox, clock, boot_id, config.bus)
    buses = [
        Bus(
            bus,
            [Device(station, setup.profiles[station.profile], bus) for station in bus.station],
            clock,
            collector,
        )
        for bus in config.bus
    ]
    identity = uplink.Identity(
        gateway=config.gateway,
        software=f"kumagaya-edge {importlib.metadata.version('kumagaya')}",
        boot_id=boot_id,
        stations=tuple(device.info for bus in buses for device in bus.devices),
    )
    link = uplink.Uplink(config.mqtt, identity, outbox, clock, tls=_tls(setup))
    loop = asyncio.get_running_loop()
    outbox.on_commit = lambda: loop.call_soon_threadsafe(link.wake)

    stop, hurry = asyncio.Event(), asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, lambda: hurry.set() if stop.is_set() else stop.set())

    outbox.start()
    for bus in buses:
        bus.start()
    _log.info(
        "started",
        gateway=config.gateway,
        stations=len(identity.stations),
        buses=len(buses),
        waiting=_waiting(outbox),
    )
    leave = asyncio.Event()
    talking = asyncio.create_task(link.run(leave), name="uplink")
    reporting = asyncio.create_task(
        _report_health(
            link,
            lambda: health.report(
                clock,
                boot_id=boot_id,
                started_s=started_s,
                devices=[device for bus in buses for device in bus.health()],
                outbox=outbox.health(),
                data_dir=setup.data_dir,
            ),
            config.health.interval_s,
        ),
        name="health",
    )
    hurrying = asyncio.create_task(hurry.wait(), name="second-signal")
    await _first_of(stop, talking)
    _log.info("stopping")
    await asyncio.gather(*(asyncio.to_thread(bus.stop) for bus in buses))
    await asyncio.wrap_future(outbox.flush())
    leave.set()
    await asyncio.wait({talking, hurrying}, return_when=asyncio.FIRST_COMPLETED)
    cut_short = not talking.done()
    for task in (talking, reporting, hurrying):
        task.cancel()
    await asyncio.gather(talking, reporting, hurrying, return_exceptions=True)
    await asyncio.to_thread(outbox.stop)
    _log.info("stopped", cut_short=cut_short, waiting=_waiting(outbox))
    if not cut_short:
        talking.result()
    return 1 if cut_short else 0


def _end_with_thread(ended: threading.ExceptHookArgs) -> None:
    """A thread that ends by a bug would leave an agent that only seems to work: better none, and a new one from systemd.

    Nothing is lost by it: what counts is on disk.
    """
    name = "" if ended.thread is None else ended.thread.name
    _log.critical("thread_ended", thread=name, exc_info=ended.exc_value)
    os._exit(EXIT_BUG)


def _waiting(outbox: Outbox) -> int:
    """Items without a receipt, tombstones not counted apart."""
    states = [outbox.state(stream) for stream in Stream]
    return sum(state.next_seq - state.oldest_seq for state in states)


async def _first_of(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    stopping = asyncio.create_task(stop.wait(), name="first-signal")
    await asyncio.wait({stopping, task}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


async def _report_health(link: uplink.Uplink, report: Callable[[], Health], interval_s: float) -> None:
    """Soon after the start, so that a technician sees something, then every interval."""
    await asyncio.sleep(min(5.0, interval_s))
    while True:
        await link.publish_health(report())
        await asyncio.sleep(interval_s)


def _tls(setup: Setup) -> ssl.SSLContext | None:
    tls = setup.config.mqtt.tls
    if tls is None:
        return None
    certificate = None if tls.certificate is None else str(setup.beside(tls.certificate))
    key = None if tls.key is None else str(setup.beside(tls.key))
    try:
        return uplink.tls_context(str(setup.beside(tls.ca)), certificate, key)
    except OSError as error:
        raise UserError(
            f"certificates cannot be used: {error}",
            where=f"{setup.path}: mqtt.tls",
            hint="PEM files, readable by this user",
        ) from None


@contextlib.contextmanager
def _sole_owner(data_dir: Path) -> Iterator[None]:
    """Holds the data folder: two agents on one outbox or one bus would spoil each other's work."""
    lock = data_dir / "agent.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UserError(f"no data folder: {error.strerror}", where=str(data_dir), hint="set data_dir") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UserError("another agent is running on this data folder", where=str(data_dir)) from None
    try:
        yield
    finally:
        os.close(descriptor)
