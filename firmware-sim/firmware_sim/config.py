"""The simulator's configuration: a small tree of frozen, typed values, read once."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from contract.clock import ClockConfig
from contract.configuration import load_toml
from contract.errors import UserError
from firmware_sim.control import SOCKET_NAME
from firmware_sim.faults import FaultPlan
from firmware_sim.sites import Site

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]


class StationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One station.

    Attributes:
        profile: name of a file in the profiles folder.
        unit: its address on the line.
        response_time_s: from the end of a request to the first byte of the answer.
        series_station: which station of a replayed file it follows; left out: chosen by distance.
    """

    id: Name
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)]
    profile: str
    site: Site = Site()
    response_time_s: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.02
    series_station: str | None = None
    fault: tuple[FaultPlan, ...] = ()


class LineConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One RS-485 line; `name` is also the name of its port in the directory."""

    name: Name
    station: tuple[StationConfig, ...]
    baud: Annotated[int, msgspec.Meta(ge=300, le=921600)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    timing: bool = True
    """False: bytes take no time; for tests."""


class WeatherConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the weather comes from.

    Attributes:
        source: `model` (computed) or `replay` (measured, from `file`).
        seed: of the model; another seed is another year.
        fill: what a replayed file does not measure at all: from the `model`, or `none`: the device's invalid marker.
        between: rows of a replayed file are held (`hold`) until the next, or joined by straight lines (`linear`).
        gap_max_s: rows further apart leave a gap; left out: 2.5 times the file's usual step.
        shift_ms: added to the city's time before looking into the file.
        loop: start again at the file's beginning after its end.
        lenient: take values that are no numbers and rows that do not fit for gaps, instead of refusing the file.
    """

    source: Literal["model", "replay"] = "model"
    seed: int = 0
    file: str | None = None
    stations_file: str | None = None
    fill: Literal["model", "none"] = "model"
    between: Literal["hold", "linear"] = "linear"
    gap_max_s: Annotated[float, msgspec.Meta(gt=0.0)] | None = None
    shift_ms: int = 0
    loop: bool = False
    lenient: bool = False


class SimConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A city of simulated stations.

    Attributes:
        directory: where the ports (links to pseudo terminals) and the control socket appear; made if missing.
        profiles: folder of device profiles.
        control: name of the control socket in the directory.
        served_log: folder for one JSON-lines file a station of every answer that a master could use.
    """

    directory: str
    line: tuple[LineConfig, ...]
    profiles: str = "devices"
    control: Name = SOCKET_NAME
    served_log: str | None = None
    weather: WeatherConfig = WeatherConfig()
    clock: ClockConfig = ClockConfig()


def load_config(path: Path) -> SimConfig:
    """Reads and checks a file; `profiles`, `weather.file` and `weather.stations_file` are relative to it, the rest to where one stands."""
    config = load_toml(path, SimConfig)
    base = path.resolve().parent
    weather = msgspec.structs.replace(
        config.weather,
        file=None if config.weather.file is None else str(base / config.weather.file),
        stations_file=None if config.weather.stations_file is None else str(base / config.weather.stations_file),
    )
    config = msgspec.structs.replace(config, profiles=str(base / config.profiles), weather=weather)
    check_config(config, str(path))
    return config


def check_config(config: SimConfig, where: str = "configuration") -> None:
    """The relations between values. Raises UserError naming the field."""
    if not config.line or not all(line.station for line in config.line):
        raise UserError("a city needs a line, and each line a station", where=f"{where}: line")
    names = [line.name for line in config.line]
    for name in names:
        if name == config.control:
            raise UserError(f"a line cannot be named like the control socket {name!r}", where=f"{where}: line.name")
        if names.count(name) > 1:
            raise UserError(f"two lines are named {name!r}", where=f"{where}: line.name")
    seen: set[str] = set()
    for line in config.line:
        units: dict[int, str] = {}
        for station in line.station:
            if station.id in seen:
                raise UserError(f"two stations are named {station.id!r}", where=f"{where}: line.station.id")
            if station.unit in units:
                raise UserError(
                    f"{units[station.unit]!r} and {station.id!r} both have unit {station.unit} on {line.name}",
                    where=f"{where}: line.station.unit",
                )
            seen.add(station.id)
            units[station.unit] = station.id
    if config.weather.source == "replay" and config.weather.file is None:
        raise UserError("replay needs a file", where=f"{where}: weather.file")
    try:
        config.clock.build()
    except ValueError as error:
        raise UserError(str(error), where=f"{where}: clock") from None
