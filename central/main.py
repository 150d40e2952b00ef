"""The composition root: everything central runs is made here, by hand, and ended here in the reverse order."""

import errno
import logging
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from prometheus_client import CollectorRegistry

from central.config import CentralConfig, RolesConfig, StationConfig, WebConfig
from central.ingest.metrics import IngestMetrics
from central.ingest.service import IngestService
from central.store.door import Station, Store, StoreUnavailable
from central.store.sqlite import maintenance, open_store
from central.store.sqlite.connection import InUse
from central.store.sqlite.connection import migrate as migrate_store
from contract.clock import Clock
from contract.errors import UserError

SWITCH_INTERVAL_S: Final = 0.000_5
"""How long one thread keeps the interpreter while others wait. SQLite lets go of it at every statement: with Python's 5 ms each
statement of a writer beside a busy thread waits that long to go on."""
STOP_S: Final = 4.5
"""A stop takes at most so long, whatever hangs."""
WEB_GRACE_S: Final = 1
"""Live streams never end by themselves: so long they may take to notice."""

log = structlog.get_logger("central")


def serve(config: CentralConfig) -> int:
    """Ingest, simulation and web in one process, as `config.roles` says, until SIGTERM or SIGINT. Returns the exit code.

    Raises:
        UserError: the port is in use, the store cannot be opened, ... ; what was started is stopped again.

    """
    return _run(config, config.roles)


def ingest(config: CentralConfig) -> int:
    """Ingest alone. See `serve`."""
    return _run(config, RolesConfig(ingest=True, simulate=False, web=False))


def simulate(config: CentralConfig) -> int:
    """The simulation alone. See `serve`."""
    return _run(config, RolesConfig(ingest=False, simulate=True, web=False))


def migrate(config: CentralConfig) -> list[str]:
    """Runs pending migrations of the store; returns their names. Raises UserError."""
    config.store_path.parent.mkdir(parents=True, exist_ok=True)
    in_use = InUse(config.store_path, alone=False)
    try:
        return [f"{step.number:04d}_{step.name}" for step in migrate_store(config.store_path)]
    finally:
        in_use.release()


def backup(config: CentralConfig, target: Path) -> None:
    """Copies the store to `target`; central may run meanwhile. Raises UserError."""
    maintenance.backup(config.store_path, target)


def restore(config: CentralConfig, source: Path, *, replace: bool) -> Path | None:
    """Puts a backup in the store's place; see `maintenance.restore`. Raises UserError."""
    return maintenance.restore(source, config.store_path, replace=replace)


def _run(config: CentralConfig, roles: RolesConfig) -> int:
    if not (roles.ingest or roles.simulate or roles.web):
        raise UserError("every role is switched off: nothing to run", where="[roles]")
    configure_logs()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    clock = config.clock.build()
    registry = CollectorRegistry()
    stopping = _Stopping()
    with stopping.on_signals(), ExitStack() as running:
        # The port first: it is the likeliest to be refused, and nothing has been started yet.
        listener = running.enter_context(_listener(config.web)) if roles.web else None
        walking = _walking(config) if roles.web else None
        staff_token = _staff_token(config) if roles.web else None
        store = open_store(config.store_path, clock)
        running.callback(store.close)
        _register_stations(store, config.station)
        services: list[Callable[[], None]] = []
        checks: dict[str, Callable[[], tuple[bool, str]]] = {}
        running.callback(_stop_all, services, stopping)
        if roles.ingest:
            metrics = IngestMetrics(registry)
            service = IngestService(store, clock, config.mqtt, metrics, random.Random(), stopping.because_of_failure)
            services.append(service.stop)
            checks["broker"] = partial(_broker_check, service)
            service.start()
        if roles.simulate or roles.web:
            simulation = _simulation(config, store, clock, computes=roles.simulate)
            services.append(simulation.stop)
            simulation.start()
            if listener is not None:
                if walking is not None:
                    checks["walking"] = partial(_walking_check, walking, simulation)
                _serve_web(config, store, clock, simulation, registry, checks, listener, stopping, walking, staff_token)
        if listener is None:
            stopping.wait()
    log.info("stopped")
    return stopping.exit_code


def _broker_check(service: IngestService) -> tuple[bool, str]:
    """For /healthz: whether readings can come in."""
    state = service.state
    problem = state.broker_problem if not state.connected else state.store_problem
    return (
        state.connected and problem is None,
        problem or f"connected to {state.broker}, {state.waiting} messages waiting",
    )


class _Stopping:
    """Who asked us to stop: a signal (exit code 0), or a part that failed for good (1, so that the supervisor restarts us)."""

    def __init__(self) -> None:
        self.exit_code = 0
        self._asked_at_s: float | None = None
        self._asked = threading.Event()
        self._hooks: list[Callable[[], None]] = []

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._by_signal) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def because_of_failure(self) -> None:
        self.exit_code = 1
        self._ask()

    def also(self, hook: Callable[[], None]) -> None:
        """Calls `hook` when a stop is asked for; at once when it already was."""
        self._hooks.append(hook)
        if self._asked.is_set():
            hook()

    def wait(self) -> None:
        # With a timeout, so that the signal's handler gets its turn on every platform.
        while not self._asked.wait(0.5):
            pass

    def _by_signal(self, _number: int, _frame: Any) -> None:
        self._ask()

    def seconds_left(self) -> float:
        """Of STOP_S, counted from the first request."""
        asked_at_s = time.monotonic() if self._asked_at_s is None else self._asked_at_s
        return max(0.0, asked_at_s + STOP_S - time.monotonic())

    def _ask(self) -> None:
        if self._asked_at_s is None:
            self._asked_at_s = time.monotonic()
        self._asked.set()
        for hook in self._hooks:
            hook()


def _simulation(config: CentralConfig, store: Store, clock: Clock, *, computes: bool) -> Any:
    # Late: brings Numba and the city's libraries, which ingest alone does not need.
    from central.simulation.service import SimulationService  # noqa: PLC0415

    settings = config.simulation
    return SimulationService(
        store=store,
        clock=clock,
        data_dir=Path(config.data_dir),
        city_path=config.city_path,
        speed=config.clock.speed,
        tick_interval_s=settings.tick_interval_s,
        sun_interval_s=settings.sun_interval_s,
        frames_recent_max=settings.frames_recent_max,
        wind_height_m=settings.wind_height_m,
        computes=computes,
    )


def _walking(config: CentralConfig) -> Any:
    """The streets to walk on, read before anything is started. Raises UserError naming file and key."""
    if config.walking_path is None:
        return None
    from central.simulation.paths.walking import WalkingFile  # noqa: PLC0415

    try:
        return WalkingFile(config.walking_path)
    except UserError as error:
        hint = error.hint or "ask Overpass again, or leave simulation.walking out"
        raise UserError(error.what, where=f"simulation.walking: {error.where}", hint=hint) from None


def _staff_token(config: CentralConfig) -> str | None:
    if config.web.staff_token_file is None:
        return None
    from central.web.staff import read_token  # noqa: PLC0415

    return read_token(Path(config.web.staff_token_file))


def _walking_check(walking: Any, simulation: Any) -> tuple[bool, str]:
    """For /healthz."""
    told: tuple[bool, str] = walking.check(simulation.place.city)
    return told


def _serve_web(  # noqa: PLR0917 - wiring
    config: CentralConfig,
    store: Store,
    clock: Clock,
    simulation: Any,
    registry: CollectorRegistry,
    checks: Mapping[str, Callable[[], tuple[bool, str]]],
    listener: socket.socket,
    stopping: _Stopping,
    walking: Any,
    staff_token: str | None,
) -> None:
    """Returns when a stop was asked for."""
    import uvicorn  # noqa: PLC0415

    from central.simulation.paths.cool import CoolPaths  # noqa: PLC0415
    from central.web.app import create_app  # noqa: PLC0415

    app = create_app(
        store=store,
        simulation=simulation,
        clock=clock,
        speed=config.clock.speed,
        simulated_weather=config.simulation.simulated_weather,
        registry=registry,
        checks=checks,
        cool_paths=None if walking is None else CoolPaths(walking.lines),
        staff_token=staff_token,
    )
    settings = uvicorn.Config(
        app,
        loop="uvloop",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=WEB_GRACE_S,
    )
    server = uvicorn.Server(settings)
    logging.getLogger("uvicorn.error").addFilter(_not_a_cut_stream)

    def leave() -> None:
        server.should_exit = True

    stopping.also(leave)
    log.info("web is up", url=f"http://{config.web.host}:{config.web.port}")
    server.run(sockets=[listener])


def _not_a_cut_stream(record: logging.LogRecord) -> bool:
    """A live stream that a stop has cut off is no error, though uvicorn logs it as one."""
    return record.msg != "ASGI callable returned without completing response."


@contextmanager
def _listener(config: WebConfig) -> Iterator[socket.socket]:
    where = f"web.host {config.host}, web.port {config.port}"
    try:
        family = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((config.host, config.port), family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            hint = "stop what listens there, or choose another web.port"
            raise UserError(f"port {config.port} is in use", where=where, hint=hint) from None
        raise UserError(f"cannot listen: {error.strerror or error}", where=where) from None
    with listener:
        yield listener


def _register_stations(store: Store, configured: tuple[StationConfig, ...]) -> None:
    """Makes the stations of the configuration known; one that is no longer in it stays with its readings, as not configured."""
    wanted = {
        one.id: Station(one.id, one.name_ja, one.name_en, one.lat, one.lon, one.surface, one.profile)
        for one in configured
    }
    known = {station.id: station for station in store.stations()}
    changes = [
        station
        for station in wanted.values()
        if station.id not in known or msgspec.structs.replace(known[station.id], gateway=None) != station
    ]
    changes += [
        msgspec.structs.replace(station, configured=False)
        for station in known.values()
        if station.configured and station.id not in wanted
    ]
    try:
        for future in [store.station_upsert(station) for station in changes]:
            future.result()
    except StoreUnavailable as error:
        raise UserError(f"the store cannot be written: {error}", where="store") from None


def _stop_all(stops: list[Callable[[], None]], stopping: _Stopping) -> None:
    """All at once, each on its own thread: the slowest one decides, within the time for a stop."""
    threads = [threading.Thread(target=stop, name=f"stop-{index}", daemon=True) for index, stop in enumerate(stops)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(stopping.seconds_left())
        if thread.is_alive():
            log.warning("a part did not stop in time", thread=thread.name)


def configure_logs() -> None:
    """One line an event on standard error: for people on a terminal, JSON otherwise."""
    renderer: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if not sys.stderr.isatty() else _as_it_is,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)


def _as_it_is(_logger: Any, _name: str, event: Any) -> Any:
    return event
