"""Turns the shipped configurations into those of one demonstration: the same files, with its places, ports and clock put in."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import tomli_w

from contract.clock import ClockConfig
from contract.configuration import load_toml
from kumagaya.demo.options import Options

FAULTS: Final = {
    # Station -> what its line does now and then. Mild: every station goes on giving most of its readings.
    "kmg-02": ({"kind": "late", "probability": 0.01, "late_s": 0.6},),
    "kmg-05": ({"kind": "crc", "probability": 0.02},),
    "kmg-08": ({"kind": "silence", "probability": 0.02},),
}


@dataclass(frozen=True)
class Folders:
    """Where a demonstration keeps things. `run` is emptied at every start, because its readings are of a simulated day."""

    data_dir: Path

    @property
    def run(self) -> Path:
        return self.data_dir / "run"

    @property
    def lines(self) -> Path:
        return self.run / "lines"

    @property
    def logs(self) -> Path:
        return self.run / "logs"

    @property
    def central(self) -> Path:
        return self.run / "central"

    @property
    def progress(self) -> Path:
        return self.central / "progress.jsonl"


@dataclass(frozen=True)
class Replay:
    """A measured series and how its time maps to the city's."""

    file: Path
    shift_ms: int


@dataclass(frozen=True)
class Place:
    """Where a station stands in this city."""

    id: str
    name_ja: str
    name_en: str
    lat: float
    lon: float
    surface: str


@dataclass(frozen=True)
class Files:
    """The configuration files of one demonstration."""

    mosquitto: Path
    sim: Path
    central: Path
    edge: Path


def write(
    options: Options,
    folders: Folders,
    shipped: Path,
    *,
    mqtt_port: int,
    places: Sequence[Place],
    clock: ClockConfig,
    replay: Replay | None,
    served_log: bool = False,
) -> Files:
    """Writes the four files and says where they are. `shipped` is the folder of the configurations that come with the program."""
    folders.run.mkdir(parents=True, exist_ok=True)
    files = Files(*(folders.run / name for name in ("mosquitto.conf", "sim.toml", "central.toml", "edge.toml")))
    files.mosquitto.write_text(mosquitto_conf(mqtt_port), encoding="utf-8")
    clock_table = {key: value for key, value in msgspec.to_builtins(clock).items() if value is not None}

    sim = _shipped(shipped / "sim-city.toml")
    sim |= {"directory": str(folders.lines), "profiles": str(shipped / "devices"), "clock": clock_table}
    if served_log:
        sim["served_log"] = str(folders.run / "served")
    sim["weather"] = {"source": "model", "seed": options.seed}
    if replay is not None:
        sim["weather"] |= {
            "source": "replay",
            "file": str(replay.file),
            "shift_ms": replay.shift_ms,
            "loop": True,
            "lenient": options.lenient,
        }
    by_id = {place.id: place for place in places}
    for station in (station for line in sim["line"] for station in line["station"]):
        place = by_id[station["id"]]
        station["site"] = station.get("site", {}) | {"lat": place.lat, "lon": place.lon}
        if options.faults and station["id"] in FAULTS:
            station["fault"] = list(FAULTS[station["id"]])
    _write(files.sim, sim)

    central = _shipped(shipped / "central.toml")
    central |= {"data_dir": str(folders.central), "clock": clock_table}
    del central["stations_file"]  # the places of this city come instead
    central["mqtt"] = {"host": "127.0.0.1", "port": mqtt_port}
    central["web"] = {"host": options.host, "port": options.port}
    central["simulation"] = central.get("simulation", {}) | {"simulated_weather": True}
    if options.city is not None:
        central["simulation"]["city"] = str(options.city.resolve())
    if options.walking is not None:
        central["simulation"]["walking"] = str(options.walking.resolve())
    profiles = {station["id"]: station["profile"] for line in sim["line"] for station in line["station"]}
    central["station"] = [msgspec.to_builtins(place) | {"profile": profiles[place.id]} for place in places]
    _write(files.central, central)

    edge = _shipped(shipped / "edge.toml")
    edge |= {"data_dir": str(folders.run / "edge"), "profiles_dir": str(shipped / "devices"), "clock": clock_table}
    edge["mqtt"] = {"host": "127.0.0.1", "port": mqtt_port}
    edge["health"] = {"interval_s": 10.0}
    edge["bus"] = [_bus(line, folders) for line in sim["line"]]
    _write(files.edge, edge)
    return files


def _bus(line: dict[str, Any], folders: Folders) -> dict[str, Any]:
    """The edge's side of a simulated line."""
    stations = [{"id": one["id"], "profile": one["profile"], "unit_address": one["unit"]} for one in line["station"]]
    settings: dict[str, Any] = {key: line[key] for key in ("baud", "parity", "stop_bits") if key in line}
    return {"name": line["name"], "port": str(folders.lines / line["name"]), **settings, "station": stations}


def mosquitto_conf(port: int) -> str:
    """A broker for this machine only: it keeps nothing, because the outboxes do."""
    user = "user root\n" if os.geteuid() == 0 else ""
    return (
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n{user}"
        # The windows of gateways and central limit what is under way; the broker's own default of 20 would limit a commit to 20 messages.
        "max_inflight_messages 0\nmax_queued_messages 0\nmessage_size_limit 300000\n"
        "log_dest stderr\nlog_type error\nlog_type warning\nlog_type notice\nconnection_messages true\n"
    )


def _shipped(path: Path) -> dict[str, Any]:
    return load_toml(path, dict[str, Any])


def _write(path: Path, table: dict[str, Any]) -> None:
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
