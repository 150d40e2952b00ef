"""A city of simulated stations in one process: ports, loop, control. `build_city` to hold it in a test, `run` to serve until told."""

import contextlib
import selectors
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from contract.clock import Clock
from contract.errors import UserError
from contract.profiles import Profile, load_profile
from contract.quantities import QUANTITIES
from firmware_sim.bus import Bus
from firmware_sim.config import LineConfig, SimConfig, StationConfig, check_config
from firmware_sim.control import AskStatus, ClearFault, ControlRequest, SetFault, SetValues
from firmware_sim.control_server import ControlServer
from firmware_sim.faults import FaultPlan
from firmware_sim.ports import PseudoPort
from firmware_sim.served_log import ServedLog
from firmware_sim.station import Served, Station
from firmware_sim.timing import LineTiming
from firmware_sim.weather import WeatherSource
from firmware_sim.weather_sources import weather_for

_STOP_POLL_S = 0.1

WeatherMaker = Callable[[StationConfig], WeatherSource]


class City:
    """All lines of a city, open from `__enter__` to `__exit__`; served while `serve` runs.

    Attributes:
        stations: by id.
        ports: the path a master opens, by line name.

    """

    def __init__(self, config: SimConfig, clock: Clock, weather: WeatherMaker) -> None:
        self.stations: dict[str, Station] = {}
        self.ports: dict[str, Path] = {}
        self._directory = Path(config.directory)
        self._control_name = config.control
        self._clock = clock
        self._started_s = clock.monotonic_s()
        self._served_log = None if config.served_log is None else ServedLog(Path(config.served_log))
        profiles: dict[str, Profile] = {}
        self._buses: list[Bus] = []
        for line in config.line:
            members = []
            for member in line.station:
                if member.profile not in profiles:
                    profiles[member.profile] = load_profile(Path(config.profiles) / f"{member.profile}.toml")
                station = Station(
                    member.id,
                    member.unit,
                    profiles[member.profile],
                    weather(member),
                    response_time_s=member.response_time_s,
                    faults=member.fault,
                    seed=config.weather.seed,
                )
                self.stations[member.id] = station
                members.append(station)
            self._buses.append(self._bus(line, tuple(members)))
        self._open: list[tuple[Bus, PseudoPort]] = []
        self._control: ControlServer | None = None

    def _bus(self, line: LineConfig, stations: tuple[Station, ...]) -> Bus:
        timing = LineTiming(line.baud, line.parity, line.stop_bits, emulated=line.timing)
        return Bus(line.name, stations, timing, self._clock.unix_ms, self._on_served)

    def _on_served(self, served: Served) -> None:
        if self._served_log is not None:
            self._served_log.write(served)

    def __enter__(self) -> Self:
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot make this directory: {error.strerror}", where=str(self._directory)) from None
        try:
            self._control = ControlServer(self._directory / self._control_name, self.handle)
            for bus in self._buses:
                port = PseudoPort(self._directory / bus.name)
                self._open.append((bus, port))
                self.ports[bus.name] = port.link
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes links and socket; may be called twice."""
        for _, port in self._open:
            port.close()
        self._open.clear()
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._served_log is not None:
            self._served_log.close()

    def serve(self, stop_event: threading.Event) -> None:
        """Answers masters and control requests until the event is set (seen within 0.1 s)."""
        with contextlib.closing(selectors.DefaultSelector()) as selector:
            for bus, port in self._open:
                selector.register(port, selectors.EVENT_READ, lambda bus=bus, port=port: self._hear(bus, port))
            if self._control is not None:
                self._control.register(selector)
            while not stop_event.is_set():
                for key, _ in selector.select(self._wait_s()):
                    key.data()
                for bus, port in self._open:
                    for data in bus.due(self._elapsed_s()):
                        port.write(data)

    def _hear(self, bus: Bus, port: PseudoPort) -> None:
        data = port.read()
        if data:
            bus.receive(data, self._elapsed_s())

    def _wait_s(self) -> float:
        moments = [moment for bus, _ in self._open if (moment := bus.next_s()) is not None]
        return min(_STOP_POLL_S, max(0.0, min(moments, default=_STOP_POLL_S + self._elapsed_s()) - self._elapsed_s()))

    def _elapsed_s(self) -> float:
        return self._clock.monotonic_s() - self._started_s

    def handle(self, request: ControlRequest) -> dict[str, Any]:
        """Does what a control request asks. Raises UserError for an unknown station or quantity."""
        if isinstance(request, AskStatus):
            return self.status()
        station = self.stations.get(request.station)
        if station is None:
            raise UserError(f"no station {request.station!r}", hint=f"known: {', '.join(self.stations)}")
        match request:
            case SetFault():
                plan = FaultPlan(
                    request.kind,
                    probability=request.probability,
                    late_s=request.late_s,
                    exception_code=request.exception_code,
                )
                station.inject(plan, None if request.for_s is None else self._elapsed_s() + request.for_s)
            case ClearFault():
                return {"cleared": station.clear_faults(request.kind)}
            case SetValues():
                self._set(station, request)
        return {"done": True}

    def _set(self, station: Station, request: SetValues) -> None:
        measured = {register.quantity for register in station.profile.register}
        for name in (*request.values, *request.release):
            if name not in QUANTITIES:
                raise UserError(f"unknown quantity {name!r}", hint=f"known: {', '.join(sorted(QUANTITIES))}")
            if name not in measured:
                raise UserError(
                    f"{station.station_id} ({station.profile.name}) does not measure {name!r}",
                    hint=f"it measures {', '.join(sorted(measured))}",
                )
        station.overrides.update(request.values)
        for name in request.release:
            station.overrides.pop(name, None)

    def status(self) -> dict[str, Any]:
        """Lines with their ports and stations with counters, faults that are on, and the values of this moment."""
        at_ms = self._clock.unix_ms()
        lines = []
        for bus in self._buses:
            stations = []
            for station in bus.stations.values():
                sample = station.sample(at_ms)
                stations.append(
                    {
                        "id": station.station_id,
                        "unit": station.unit,
                        "profile": station.profile.name,
                        "requests": station.counters.requests,
                        "answers": station.counters.answers,
                        "exceptions": station.counters.exceptions,
                        "faults_struck": station.counters.faults,
                        "faults_on": [fault.kind.value for fault in station.faults_at(self._elapsed_s())],
                        "overrides": dict(station.overrides),
                        "values": {
                            register.quantity: sample.get(register.quantity) for register in station.profile.register
                        },
                    }
                )
            lines.append(
                {
                    "name": bus.name,
                    "port": str(self.ports.get(bus.name, "")),
                    "baud": bus.timing.baud,
                    "bad_frames": bus.bad_frames,
                    "ignored_frames": bus.ignored_frames,
                    "stations": stations,
                }
            )
        return {"at_ms": at_ms, "lines": lines}


def build_city(config: SimConfig, *, clock: Clock | None = None, weather: WeatherMaker | None = None) -> City:
    """A city ready for `with`. Raises UserError for a wrong configuration, profile or weather file.

    Args:
        config: as loaded by `firmware_sim.config.load_config`, or built in code.
        clock: instead of the configuration's, for tests.
        weather: makes the weather of a station instead of the configuration's section.

    """
    check_config(config)
    return City(config, clock or config.clock.build(), weather or weather_for(config))


def run(config: SimConfig, stop_event: threading.Event, *, on_open: Callable[[City], None] = lambda _: None) -> None:
    """Opens the city and serves it until the event is set; `on_open` is told when the ports are there."""
    with build_city(config) as city:
        on_open(city)
        city.serve(stop_event)


@contextlib.contextmanager
def running(config: SimConfig, *, clock: Clock | None = None, weather: WeatherMaker | None = None) -> Iterator[City]:
    """A city served by a thread of its own while the block runs: for tests and notebooks."""
    stop_event = threading.Event()
    with build_city(config, clock=clock, weather=weather) as city:
        thread = threading.Thread(target=city.serve, args=(stop_event,), name="firmware-sim")
        thread.start()
        try:
            yield city
        finally:
            stop_event.set()
            thread.join()
