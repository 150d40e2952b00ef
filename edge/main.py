"""The agent, wired by hand: buses -> quality -> outbox -> uplink, health beside them, and a stop that is clean.

First SIGTERM or SIGINT: the buses end their sweep, what they read is committed and given a moment to be receipted, presence goes offline.
A second one stops trying: what is committed stays in the outbox.
"""

import asyncio
import contextlib
import errno
import fcntl
import functools
import importlib.metadata
import os
import signal
import ssl
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from contract.errors import UserError
from contract.messages import Reading
from contract.topics import Stream
from edge import attendants, report, uplink, watchdog
from edge import clock as edge_clock
from edge.config import BusConfig, MqttConfig, Setup
from edge.fieldbus.bus import Bus
from edge.fieldbus.device import Sample
from edge.outbox import Outbox
from edge.quality import Quality
from edge.twin.keeper import Twin
from edge.twin.lines import RunningLines, devices_of
from edge.twin.merging import Plan, local_plan

if TYPE_CHECKING:
    from edge.provision.agent import Renewer

EXIT_BUG: Final = 70
FLOOR_S: Final = 60.0
_DISK_REFUSES: Final = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO})

_log = structlog.get_logger("edge.main")


class Collector:
    """Turns samples into readings, and asks for one commit when each of the fastest buses has delivered its sweep.

    Called from each bus's thread; each bus has its own quality record, and the set of buses that delivered is only a hint: what it
    misses is committed after the commit interval.
    """

    def __init__(self, outbox: Outbox, boot_id: str, buses: Sequence[BusConfig]) -> None:
        self._outbox = outbox
        self._boot_id = boot_id
        self._quality = {bus.name: Quality() for bus in buses}
        self._awaited: set[str] = set()
        self._delivered: set[str] = set()
        self.follow(buses)

    def follow(self, buses: Sequence[BusConfig]) -> None:
        """The same buses with other intervals."""
        fastest_s = min(bus.interval_s for bus in buses)
        self._awaited = {bus.name for bus in buses if bus.interval_s == fastest_s}

    def __call__(self, bus: str, samples: Sequence[Sample]) -> None:
        readings = [
            Reading(
                seq=1,
                station=sample.station,
                at_ms=sample.at_ms,
                monotonic_ms=sample.monotonic_ms,
                boot_id=self._boot_id,
                values=sample.values,
                flags=self._quality[bus].check(sample.station, sample.at_ms, sample.values, sample.flags),
                clock_synchronised=sample.clock_synchronised,
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
    outbox = Outbox(setup.data_dir / "outbox.db", config.outbox)
    twin = Twin(local_plan(config, setup.profiles), setup.data_dir, clock, boot_id)
    plan = twin.plan
    outbox.set_quota(plan.config.outbox.bytes_max, plan.config.outbox.rows_max)
    collector = Collector(outbox, boot_id, plan.config.bus)
    buses = [Bus(bus, devices_of(plan, bus.name), clock, collector) for bus in plan.config.bus]
    identity = uplink.Identity(
        gateway=config.gateway,
        software=f"kumagaya-edge {importlib.metadata.version('kumagaya')}",
        boot_id=boot_id,
        stations=tuple(device.info for bus in buses for device in bus.devices),
    )
    tls = _tls(setup)
    link = uplink.Uplink(config.mqtt, identity, outbox, clock, tls=tls)
    link.reported, link.on_desired = twin.reported, twin.offer
    floor = edge_clock.TimeFloor(setup.data_dir / "time-floor")
    renewer = _renewer(setup, link, tls, floor)
    running = _Running(plan, collector, outbox, link)
    twin.begin(RunningLines(buses, running.follow))
    progress = _watched(config.mqtt, buses, outbox, link)
    systemd = watchdog.Systemd()
    feeder = watchdog.Feeder(progress, systemd)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(uplink.closing_noise)
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
    systemd.tell("READY=1")

    parts = report.Parts(setup, clock, identity, started_s, buses, outbox, link, twin, progress)
    beside = [
        asyncio.create_task(
            attendants.report_health(link, parts.health, lambda: running.plan.config.health.interval_s), name="health"
        ),
        asyncio.create_task(attendants.feed_watchdog(feeder, parts.words), name="watchdog"),
        asyncio.create_task(attendants.tend_twin(twin, link), name="twin"),
        asyncio.create_task(attendants.open_door(setup.data_dir, parts.status), name="status"),
    ]
    for attendant in beside:
        attendant.add_done_callback(_end_with_task)
    beside.append(asyncio.create_task(_keep_floor(floor), name="time-floor"))
    if renewer is not None:
        beside.append(asyncio.create_task(renewer.run(), name="renewal"))
    hurrying = asyncio.create_task(hurry.wait(), name="second-signal")
    await _first_of(stop, talking)
    _log.info("stopping")
    systemd.tell("STOPPING=1")
    await asyncio.gather(*(asyncio.to_thread(bus.stop) for bus in buses))
    await asyncio.wrap_future(outbox.flush())
    leave.set()
    await asyncio.wait({talking, hurrying}, return_when=asyncio.FIRST_COMPLETED)
    cut_short = not talking.done()
    for task in (talking, hurrying, *beside):
        task.cancel()
    await asyncio.gather(talking, hurrying, *beside, return_exceptions=True)
    twin.close()
    await asyncio.to_thread(outbox.stop)
    _log.info("stopped", cut_short=cut_short, waiting=_waiting(outbox))
    if not cut_short:
        talking.result()
    return 1 if cut_short else 0


async def _keep_floor(floor: edge_clock.TimeFloor) -> None:
    """The machine's own clock, also where the city's is simulated: certificates know no other."""
    while True:
        await asyncio.to_thread(floor.note, synchronised=edge_clock.kernel_synchronised())
        await asyncio.sleep(FLOOR_S)


def _end_with_thread(ended: threading.ExceptHookArgs) -> None:
    """A thread that ends by a bug would leave an agent that only seems to work: better none, and a new one from systemd.

    Nothing is lost by it: what counts is on disk.
    """
    name = "" if ended.thread is None else ended.thread.name
    _log.critical("thread_ended", thread=name, exc_info=ended.exc_value)
    os._exit(EXIT_BUG)


def _end_with_task(task: asyncio.Task[None]) -> None:
    """As `_end_with_thread`: an agent whose watchdog or twin has ended by a bug only seems to work."""
    if not task.cancelled() and task.exception() is not None:
        _log.critical("task_ended", task=task.get_name(), exc_info=task.exception())
        os._exit(EXIT_BUG)


def _waiting(outbox: Outbox) -> int:
    """Items without a receipt, tombstones not counted apart."""
    states = [outbox.state(stream) for stream in Stream]
    return sum(state.next_seq - state.oldest_seq for state in states)


async def _first_of(stop: asyncio.Event, task: asyncio.Task[None]) -> None:
    stopping = asyncio.create_task(stop.wait(), name="first-signal")
    await asyncio.wait({stopping, task}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()


class _Running:
    """What the agent runs by, and all of it that follows a new plan besides the buses."""

    def __init__(self, plan: Plan, collector: Collector, outbox: Outbox, link: uplink.Uplink) -> None:
        self.plan = plan
        self._collector = collector
        self._outbox = outbox
        self._link = link

    def follow(self, plan: Plan) -> None:
        self.plan = plan
        self._collector.follow(plan.config.bus)
        self._outbox.set_quota(plan.config.outbox.bytes_max, plan.config.outbox.rows_max)
        self._link.introduce(tuple(device.info for bus in plan.config.bus for device in devices_of(plan, bus.name)))


def _watched(mqtt: MqttConfig, buses: Sequence[Bus], outbox: Outbox, link: uplink.Uplink) -> watchdog.Progress:
    """Every loop that has to get on, each told where to say so."""
    # Each step of a connection may take the receipt timeout, and a pause lie before it.
    uplink_limit_s = max(watchdog.UPLINK_LIMIT_S, mqtt.backoff_max_s + 8 * mqtt.receipt_timeout_s)
    limits = {f"poll {bus.name}": watchdog.POLL_LIMIT_S for bus in buses}
    progress = watchdog.Progress({**limits, "disk": watchdog.DISK_LIMIT_S, "uplink": uplink_limit_s})
    for bus in buses:
        bus.beat = functools.partial(progress.beat, f"poll {bus.name}")
    outbox.beat = functools.partial(progress.beat, "disk")
    link.beat = functools.partial(progress.beat, "uplink")
    return progress


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


def _renewer(
    setup: Setup, link: uplink.Uplink, tls: ssl.SSLContext | None, floor: edge_clock.TimeFloor
) -> "Renewer | None":
    """None without TLS: then there is no identity to look after, and cryptography need not be loaded."""
    if tls is None:
        return None
    from edge.provision import agent  # noqa: PLC0415
    from edge.provision.identity import IdentityFolder  # noqa: PLC0415

    return agent.beside(link, setup.config.gateway, IdentityFolder(setup.data_dir / "identity"), tls, floor.now_ms)


@contextlib.contextmanager
def _sole_owner(data_dir: Path) -> Iterator[None]:
    """Holds the data folder: two agents on one outbox or one bus would spoil each other's work."""
    lock = data_dir / "agent.lock"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        # A disk that is full or has become read-only is no reason to stop measuring: the folder itself serves as the lock.
        if error.errno not in _DISK_REFUSES or not data_dir.is_dir():
            raise UserError(f"no data folder: {error.strerror}", where=str(data_dir), hint="set data_dir") from None
        descriptor = os.open(lock if lock.exists() else data_dir, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise UserError("another agent is running on this data folder", where=str(data_dir)) from None
    try:
        yield
    finally:
        os.close(descriptor)
