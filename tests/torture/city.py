"""The city under torture: eight counting stations on two lines, one edge, mosquitto, central, and links between them that can be cut."""

import ctypes
import os
import shutil
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import tomli_w

from tests.processes import MOSQUITTO, free_port
from tests.torture import counting
from tests.torture.agent import ClockFile
from tests.torture.link import Link
from tests.torture.plan import Target
from tests.torture.processes import PYTHON, Process

GATEWAY = "ekimae"
DISK_BYTES = 8 * 1024 * 1024
_CLONE_NEWNS = 0x20000
_MS_REC_PRIVATE = 0x4000 | 0x40000


@dataclass(frozen=True)
class Settings:
    """`baud`, `interval_s`: of the lines; `rows_max`, `bytes_max`: the outbox's quota. `patience_s`: the edge's for a receipt."""

    lines: int = 2
    stations_a_line: int = 4
    baud: int = 115_200
    interval_s: float = 0.25
    response_time_s: float = 0.002
    commit_interval_s: float = 1.0
    rows_max: int = 400
    bytes_max: int = 256 * 1024
    patience_s: float = 2.0
    backoff_max_s: float = 2.0
    small_disk: bool = True
    true_clock: bool = False
    """The edge lives on the machine's own clock: nothing of ours in its process."""
    links: bool = True
    persistent_broker: bool = True


@dataclass
class City:
    """A context: when it is left, nothing of it runs any more. `started_unix_s`: what the stations count from."""

    folder: Path
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        folder = self.folder
        self.run = folder / "run"
        self.run.mkdir(parents=True)
        self.served = folder / "served"
        self.lines = folder / "lines"
        self.edge_data = folder / "edge"
        self.edge_data.mkdir()
        self.database = folder / "central" / "central.db"
        self.started_unix_s = time.time()
        a_line = self.settings.stations_a_line
        self.station_ids = tuple(f"s{number:02d}" for number in range(1, self.settings.lines * a_line + 1))
        self.line_of = {station: f"line-{index // a_line + 1}" for index, station in enumerate(self.station_ids)}
        self.broker_port = free_port()
        self.links: dict[Target, Link] = {}
        if self.settings.links:
            self.links = {
                target: Link(free_port(), self.broker_port) for target in (Target.EDGE_LINK, Target.CENTRAL_LINK)
            }
        self.disk = False
        self._stack = ExitStack()
        self.processes: dict[Target, Process] = {}

    def __enter__(self) -> Self:
        try:
            self._stack.callback(self._end_all)
            if self.settings.small_disk:
                self.disk = self._mount()
            self._configure()
            self.clock = ClockFile(self.run / "clock", make=True)
            self._stack.callback(self.clock.close)
            for link in self.links.values():
                self._stack.enter_context(link)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self) -> None:
        for target in (Target.BROKER, Target.STATIONS, Target.CENTRAL, Target.EDGE):
            self.processes[target].start()

    @property
    def outbox(self) -> Path:
        return self.edge_data / "outbox.db"

    def outbox_bytes(self) -> int:
        """What the outbox takes of the disk at this moment, journals included."""
        size = 0
        for path in self.edge_data.glob("outbox.db*"):
            with suppress(FileNotFoundError):
                size += path.stat().st_size
        return size

    def fill_disk(self) -> None:
        """Leaves no byte."""
        with (self.edge_data / "ballast").open("ab", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def free_disk(self) -> None:
        (self.edge_data / "ballast").unlink(missing_ok=True)

    def unplug_lines(self) -> None:
        """Removes the names of lines whose simulator was killed: the kernel gives their terminals to whoever asks next."""
        for line in set(self.line_of.values()):
            (self.lines / line).unlink(missing_ok=True)

    def _end_all(self) -> None:
        for process in self.processes.values():
            process.kill()

    def _mount(self) -> bool:
        """A small file system for the outbox, seen by this process and its children only: it goes when they do."""
        if os.geteuid() != 0:
            return False
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNS) or libc.mount(None, b"/", None, _MS_REC_PRIVATE, None):
            return False
        options = f"size={DISK_BYTES}".encode()
        if libc.mount(b"tmpfs", str(self.edge_data).encode(), b"tmpfs", 0, options):
            return False
        self._stack.callback(libc.umount2, str(self.edge_data).encode(), 2)
        return True

    def _configure(self) -> None:
        run, settings = self.run, self.settings
        counting.write_profile(run / "devices")
        names = list(dict.fromkeys(self.line_of.values()))
        units = {station: index % settings.stations_a_line + 1 for index, station in enumerate(self.station_ids)}

        def on(line: str) -> list[str]:
            return [station for station in self.station_ids if self.line_of[station] == line]

        edge_port = self.links[Target.EDGE_LINK].port if self.links else self.broker_port
        central_port = self.links[Target.CENTRAL_LINK].port if self.links else self.broker_port
        sim: dict[str, Any] = {
            "directory": str(self.lines),
            "profiles": str(run / "devices"),
            "served_log": str(self.served),
            "line": [
                {
                    "name": line,
                    "baud": settings.baud,
                    "station": [
                        {
                            "id": station,
                            "unit": units[station],
                            "profile": counting.PROFILE,
                            "response_time_s": settings.response_time_s,
                        }
                        for station in on(line)
                    ],
                }
                for line in names
            ],
        }
        edge: dict[str, Any] = {
            "gateway": GATEWAY,
            "data_dir": str(self.edge_data),
            "profiles_dir": str(run / "devices"),
            "mqtt": {
                "host": "127.0.0.1",
                "port": edge_port,
                "keepalive_s": 5,
                "receipt_timeout_s": settings.patience_s,
                "backoff_max_s": settings.backoff_max_s,
                "stop_flush_s": 2.0,
            },
            "outbox": {
                "commit_interval_s": settings.commit_interval_s,
                "rows_max": settings.rows_max,
                "bytes_max": settings.bytes_max,
                "thin_keep_every": 4,
            },
            "health": {"interval_s": 5.0},
            "bus": [
                {
                    "name": line,
                    "port": str(self.lines / line),
                    "baud": settings.baud,
                    "interval_s": settings.interval_s,
                    "station": [
                        {"id": station, "profile": counting.PROFILE, "unit_address": units[station]}
                        for station in on(line)
                    ],
                }
                for line in names
            ],
        }
        central: dict[str, Any] = {
            "data_dir": str(self.folder / "central"),
            "mqtt": {"host": "127.0.0.1", "port": central_port, "keepalive_s": 5},
            "roles": {"ingest": True, "simulate": False, "web": False},
        }
        files = {name: run / f"{name}.toml" for name in ("sim", "edge", "central")}
        for name, table in {"sim": sim, "edge": edge, "central": central}.items():
            files[name].write_text(tomli_w.dumps(table))
        (self.folder / "broker").mkdir()
        (run / "mosquitto.conf").write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\nlog_type error\nlog_type warning\n"
            + ("user root\n" if os.geteuid() == 0 else "")
            + ("persistence true\n" if settings.persistent_broker else "persistence false\n")
            + f"persistence_location {self.folder / 'broker'}/\nautosave_interval 5\n"
        )
        kumagaya = [PYTHON, "-m", "kumagaya"]
        agent = kumagaya if settings.true_clock else [PYTHON, "-m", "tests.torture.agent", str(run / "clock")]
        commands: dict[Target, list[str]] = {
            Target.BROKER: [str(MOSQUITTO), "-c", str(run / "mosquitto.conf")],
            Target.STATIONS: [PYTHON, "-m", "tests.torture.counting", str(files["sim"]), str(self.started_unix_s)],
            Target.CENTRAL: [*kumagaya, "central", "serve", "--config", str(files["central"])],
            Target.EDGE: [*agent, "edge", "run", "--log", "json", "--config", str(files["edge"])],
        }
        self.processes = {
            target: Process(target.value, command, run / f"{target.value}.log") for target, command in commands.items()
        }


def discard(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def short(value: Any, limit: int = 400) -> str:
    text = str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
