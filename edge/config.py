"""What a technician can set: one TOML file, read once at the start and handed down."""

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from contract.clock import ClockConfig
from contract.configuration import load_toml
from contract.errors import UserError
from contract.messages import BATCH_BYTES_MAX, BATCH_ITEMS_MAX, Identifier
from contract.profiles import Profile, load_profiles
from contract.topics import GATEWAY_ID

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class TlsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Paths of PEM files, relative to the configuration file."""

    ca: str
    certificate: str | None = None
    key: str | None = None


class MqttConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker and how patiently it is talked to.

    Attributes:
        receipt_timeout_s: without a receipt for so long, what was sent is sent again; when the broker is as silent, the link is dropped.
        keepalive_s: a broker that is silent for twice as long is given up.
        backlog_items_per_s: how fast at most a backlog is sent after an outage; new items are not held back.
        window_batches: how many batches may wait for their receipt at once.
        backoff_max_s: longest pause between two attempts to connect.
        stop_flush_s: how long a stop waits for the receipts of what was just polled.
    """

    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    keepalive_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 6
    username: str | None = None
    password: str | None = None
    tls: TlsConfig | None = None
    receipt_timeout_s: Positive = 10.0
    window_batches: Count = 4
    batch_bytes_max: Annotated[int, msgspec.Meta(ge=4096, le=BATCH_BYTES_MAX)] = 65_536
    batch_items_max: Annotated[int, msgspec.Meta(ge=1, le=BATCH_ITEMS_MAX)] = 500
    backlog_items_per_s: Positive = 2_000.0
    backoff_max_s: Positive = 30.0
    stop_flush_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 3.0


class StationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One weather station on a bus. `quantities` limits what is read; left out, everything in the profile is."""

    id: Identifier
    profile: str
    unit_address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    quantities: tuple[str, ...] | None = None


class BusConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One RS-485 line. `quiet_s`: the silence kept after a lost or broken reply; left out, the slowest profile's response time."""

    name: Identifier
    port: str
    baud: Annotated[int, msgspec.Meta(ge=300, le=921_600)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    interval_s: Annotated[float, msgspec.Meta(ge=0.1, le=3600)] = 1.0
    quiet_s: Annotated[float, msgspec.Meta(ge=0.01, le=10)] | None = None
    station: tuple[StationConfig, ...] = ()


class OutboxConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may wait on disk, and how long a reading may wait for its commit when a bus is late.

    Attributes:
        bytes_max, rows_max: quota of the telemetry stream; above it the oldest is thinned, then dropped, with a tombstone.
        thin_keep_every: of so many commits one is kept when a stretch is thinned.
        events_bytes_max, events_rows_max: quota of the events stream; above it a new event is refused, none is ever given up.
    """

    commit_interval_s: Positive = 1.0
    bytes_max: Annotated[int, msgspec.Meta(ge=65_536)] = 512 * 1024 * 1024
    rows_max: Annotated[int, msgspec.Meta(ge=64)] = 2_000_000
    thin_keep_every: Annotated[int, msgspec.Meta(ge=2)] = 60
    events_bytes_max: Annotated[int, msgspec.Meta(ge=65_536)] = 64 * 1024 * 1024
    events_rows_max: Annotated[int, msgspec.Meta(ge=64)] = 200_000


class HealthConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    interval_s: Annotated[float, msgspec.Meta(ge=1)] = 60.0


class EdgeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. Relative paths are meant from the folder of the file."""

    gateway: str
    data_dir: str
    mqtt: MqttConfig
    bus: tuple[BusConfig, ...]
    outbox: OutboxConfig = OutboxConfig()
    health: HealthConfig = HealthConfig()
    clock: ClockConfig = ClockConfig()
    profiles_dir: str = "devices"


class Setup(msgspec.Struct, frozen=True):
    """A configuration that was checked, with what it points to."""

    path: Path
    config: EdgeConfig
    profiles: Mapping[str, Profile]
    data_dir: Path

    def beside(self, relative: str) -> Path:
        """A path of the file, meant from the file's own folder."""
        return self.path.parent / Path(relative).expanduser()


def load(path: Path) -> Setup:
    """Reads and checks the file and the device profiles it names. Raises UserError; says file, field, value and what to do."""
    config = load_toml(path, EdgeConfig)
    profiles = load_profiles((path.parent / Path(config.profiles_dir).expanduser()).resolve())
    check(config, profiles, str(path))
    return Setup(path.resolve(), config, profiles, (path.parent / Path(config.data_dir).expanduser()).resolve())


def check(config: EdgeConfig, profiles: Mapping[str, Profile], where: str) -> None:
    """The relations between values that their types cannot say. Raises UserError for the first that does not hold."""
    if not GATEWAY_ID.fullmatch(config.gateway):
        raise UserError(
            f"{config.gateway!r} is no gateway id",
            where=f"{where}: gateway",
            hint="lower case letters, digits and hyphens, at most 32",
        )
    if not any(bus.station for bus in config.bus):
        raise UserError("no station on any bus", where=f"{where}: bus", hint="add a [[bus.station]]")
    try:
        config.clock.build()
    except ValueError as error:
        raise UserError(str(error), where=f"{where}: clock") from None
    if config.mqtt.tls is not None and (config.mqtt.tls.certificate is None) != (config.mqtt.tls.key is None):
        raise UserError("certificate and key belong together", where=f"{where}: mqtt.tls")
    _check_distinct(((f"bus[{index}].name", bus.name) for index, bus in enumerate(config.bus)), where)
    _check_distinct(((f"bus[{index}].port", bus.port) for index, bus in enumerate(config.bus)), where)
    places = [
        (f"bus[{i}].station[{j}]", bus, station)
        for i, bus in enumerate(config.bus)
        for j, station in enumerate(bus.station)
    ]
    _check_distinct(((f"{place}.id", station.id) for place, _, station in places), where)
    for bus, group in itertools.groupby(places, key=lambda place: place[1]):
        _check_distinct(
            ((f"{place}.unit_address", station.unit_address) for place, _, station in group), where, f" on {bus.name}"
        )
    for place, _, station in places:
        profile = profiles.get(station.profile)
        if profile is None:
            known = ", ".join(sorted(profiles))
            raise UserError(
                f"unknown profile {station.profile!r}", where=f"{where}: {place}.profile", hint=f"known: {known}"
            )
        served = [register.quantity for register in profile.register]
        for quantity in station.quantities or ():
            if quantity not in served:
                raise UserError(
                    f"{quantity!r} is not served by {profile.name}",
                    where=f"{where}: {place}.quantities",
                    hint=f"served: {', '.join(served)}",
                )
        if station.quantities == ():
            raise UserError("an empty list reads nothing", where=f"{where}: {place}.quantities", hint="leave it out")


def _check_distinct(values: Iterable[tuple[str, object]], where: str, among: str = "") -> None:
    seen: dict[object, str] = {}
    for field, value in values:
        if value in seen:
            raise UserError(f"{value!r} is used twice{among}", where=f"{where}: {field}", hint=f"also at {seen[value]}")
        seen[value] = field
