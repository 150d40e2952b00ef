"""Central's configuration: a small tree of frozen values, read once at the start and handed down.

Relative paths in the file are relative to the file's folder. Every key with its default is shown in `config/central.toml`.
"""

import re
from pathlib import Path
from typing import Annotated, Final

import msgspec

from central.fleet.config import FleetConfig
from contract.clock import ClockConfig
from contract.configuration import load_toml
from contract.errors import UserError

STATION_ID: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class MqttConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the broker is.

    Attributes:
        client_id: names the session at the broker; two centrals with one id throw each other out.
        username, password_file: the password is the file's first line.
        ca_file, cert_file, key_file: TLS when `ca_file` is given; a client certificate with the other two.
    """

    host: str = "127.0.0.1"
    port: Port = 1883
    client_id: str = "kumagaya-central"
    keepalive_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 6
    username: str | None = None
    password_file: str | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


class StoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`path`: the database file; relative to `data_dir`."""

    path: str = "central.db"


class WebConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the web listens.

    Attributes:
        staff_token_file: its first line is what the city's staff send to start scenarios; None: only who sits at this machine may.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    staff_token_file: str | None = None


class SimulationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The heat simulation.

    Attributes:
        tick_interval_s: a frame at most this often, real seconds.
        sun_interval_s: without new readings a frame at least this often, real seconds: the sun moves on.
        city: CityGML file or folder; None for the built-in downtown.
        walking: an Overpass answer (JSON, plain or gzip) with the streets that people walk on; None for the city's roads or open ground.
        frames_recent_max: newest frames kept; older ones are thinned.
        wind_height_m: height of the anemometers above the ground.
        simulated_weather: the readings come from simulated stations: the page says so.
    """

    tick_interval_s: Annotated[float, msgspec.Meta(gt=0)] = 0.5
    sun_interval_s: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    city: str | None = None
    walking: str | None = None
    frames_recent_max: Annotated[int, msgspec.Meta(ge=1)] = 120
    wind_height_m: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    simulated_weather: bool = False


class StationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One weather station: its id as the gateways say it, and what people should read."""

    id: str
    name_ja: str
    name_en: str
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)]
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)]
    surface: str = ""
    profile: str | None = None
    shade_ja: str = ""
    shade_en: str = ""


class StationsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file of [[station]] tables and nothing else."""

    station: tuple[StationConfig, ...]


class RolesConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `kumagaya central serve` runs in its process."""

    ingest: bool = True
    simulate: bool = True
    web: bool = True


class CentralConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        data_dir: holds the store and the frames.
        stations_file: a file of [[station]] tables; those in this file come on top.
        station: names and places; may stay empty, because stations announce themselves.
    """

    data_dir: str = "data"
    mqtt: MqttConfig = MqttConfig()
    store: StoreConfig = StoreConfig()
    web: WebConfig = WebConfig()
    simulation: SimulationConfig = SimulationConfig()
    clock: ClockConfig = ClockConfig()
    roles: RolesConfig = RolesConfig()
    fleet: FleetConfig = FleetConfig()
    stations_file: str | None = None
    station: tuple[StationConfig, ...] = ()

    @property
    def store_path(self) -> Path:
        return Path(self.data_dir) / self.store.path

    @property
    def fleet_path(self) -> Path:
        return Path(self.data_dir) / self.fleet.dir

    @property
    def city_path(self) -> Path | None:
        return None if self.simulation.city is None else Path(self.simulation.city)

    @property
    def walking_path(self) -> Path | None:
        return None if self.simulation.walking is None else Path(self.simulation.walking)


def load_config(path: Path) -> CentralConfig:
    """Reads and checks the file; its paths come back absolute.

    Raises:
        UserError: unreadable, an unknown key, a value out of its range or contradicting another; names file, field and value.

    """
    config = _with_stations(_with_absolute_paths(load_toml(path, CentralConfig), path.resolve().parent))
    _check(config, path)
    return config


def _with_stations(config: CentralConfig) -> CentralConfig:
    if config.stations_file is None:
        return config
    listed = load_toml(Path(config.stations_file), StationsFile).station
    return msgspec.structs.replace(config, station=(*listed, *config.station))


def _with_absolute_paths(config: CentralConfig, folder: Path) -> CentralConfig:
    def absolute(given: str | None) -> str | None:
        return None if given is None else str(folder / Path(given).expanduser())

    mqtt = msgspec.structs.replace(
        config.mqtt,
        password_file=absolute(config.mqtt.password_file),
        ca_file=absolute(config.mqtt.ca_file),
        cert_file=absolute(config.mqtt.cert_file),
        key_file=absolute(config.mqtt.key_file),
    )
    simulation = msgspec.structs.replace(
        config.simulation, city=absolute(config.simulation.city), walking=absolute(config.simulation.walking)
    )
    web = msgspec.structs.replace(config.web, staff_token_file=absolute(config.web.staff_token_file))
    fleet = msgspec.structs.replace(
        config.fleet,
        broker_pid_file=absolute(config.fleet.broker_pid_file),
        broker_dir=absolute(config.fleet.broker_dir),
    )
    return msgspec.structs.replace(
        config,
        data_dir=str(folder / Path(config.data_dir).expanduser()),
        mqtt=mqtt,
        web=web,
        simulation=simulation,
        fleet=fleet,
        stations_file=absolute(config.stations_file),
    )


def _check(config: CentralConfig, path: Path) -> None:
    try:
        config.clock.build()
    except ValueError as error:
        raise UserError(str(error), where=str(path)) from None
    seen: set[str] = set()
    for index, station in enumerate(config.station):
        where = f"{path}: station[{index}].id"
        if not STATION_ID.fullmatch(station.id):
            raise UserError(f"{station.id!r} is no station id", where=where, hint="a-z, 0-9, dot, underscore, hyphen")
        if station.id in seen:
            raise UserError(f"{station.id!r} is listed twice", where=where)
        seen.add(station.id)
    if (config.mqtt.cert_file is None) != (config.mqtt.key_file is None):
        raise UserError("mqtt.cert_file and mqtt.key_file belong together", where=str(path))
    if config.mqtt.cert_file is not None and config.mqtt.ca_file is None:
        raise UserError("mqtt.cert_file needs mqtt.ca_file", where=str(path))
    for field in ("password_file", "ca_file", "cert_file", "key_file"):
        named = getattr(config.mqtt, field)
        if named is not None and not Path(named).is_file():
            raise UserError(f"no such file: {named}", where=f"{path}: mqtt.{field}")
    if config.city_path is not None and not config.city_path.exists():
        raise UserError(f"no such file or folder: {config.city_path}", where=f"{path}: simulation.city")
    if config.walking_path is not None and not config.walking_path.is_file():
        raise UserError(
            f"no such file: {config.walking_path}",
            where=f"{path}: simulation.walking",
            hint="an Overpass answer with way[highway] and their nodes, or leave it out",
        )
