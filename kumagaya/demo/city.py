"""Runs a demonstration: prepares, starts, shows, watches, ends."""

import fcntl
import json
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from contract.clock import ClockConfig
from contract.errors import UserError
from kumagaya.demo import options as demo_options
from kumagaya.demo.options import Options
from kumagaya.demo.places import places_of
from kumagaya.demo.plan import Files, Folders, Replay, write
from kumagaya.demo.progress import ProgressFile, Report, shown
from kumagaya.demo.replay import first_morning_ms, measured_noon_utc_ms, shift_ms
from kumagaya.demo.supervisor import Supervisor, free_port, listens, require_free_port
from kumagaya.resources import config_dir

PREPARE_TIMEOUT_S: Final = 900.0
"""A whole municipality on a small machine; a downtown takes seconds."""
FRAME_TIMEOUT_S: Final = 120.0
BROKER_TIMEOUT_S: Final = 15.0
LINES_TIMEOUT_S: Final = 60.0
RESTARTS_MAX: Final = 5
RESTART_WINDOW_S: Final = 60.0
LINE_NAMES: Final = ("line-a", "line-b")


@dataclass(frozen=True)
class Running:
    """A city that runs: where it is seen."""

    url: str
    folders: Folders
    files: Files
    mqtt_port: int


def run(options: Options, console: Console) -> int:
    """The demonstration until Ctrl-C or SIGTERM; 0 when it was ended so, 1 when a part would not stay up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with started(options, console) as (city, supervisor):
        console.print(
            f"\n  Kumagaya is running: [bold]{city.url}[/bold]   (Ctrl-C ends it; logs in {city.folders.logs})\n"
        )
        try:
            return _watch(supervisor, console)
        except KeyboardInterrupt:
            console.print("\n  ending ...")
            return 0


@contextmanager
def started(options: Options, console: Console, *, served_log: bool = False) -> Iterator[tuple[Running, Supervisor]]:
    """A city that runs while the context is open: the first heat map is there when it is entered.

    Raises:
        UserError: a port in use, a city or series that cannot be read, mosquitto missing, a part that does not come up.

    """
    demo_options.check(options)
    require_free_port(options.host, options.port, option="--port")
    mosquitto = _mosquitto()
    shipped = config_dir()
    folders = Folders(options.data_dir.resolve())
    with _sole_user(folders.data_dir), Supervisor(folders.logs) as supervisor:
        _empty(folders.run)
        folders.logs.mkdir(parents=True, exist_ok=True)
        with shown(console) as report:
            report("places", 0.0)
            places = places_of(options.city, shipped)
            replay, starts_at_ms = _weather(options)
            report("places", 1.0)
            mqtt_port = free_port()

            def configure(anchored_at_unix_s: float) -> Files:
                clock = ClockConfig(options.speed, starts_at_ms, anchored_at_unix_s)
                return write(
                    options,
                    folders,
                    shipped,
                    mqtt_port=mqtt_port,
                    places=places,
                    clock=clock,
                    replay=replay,
                    served_log=served_log,
                )

            files = configure(time.time())
            supervisor.start("mosquitto", [mosquitto, "-c", str(files.mosquitto)])
            supervisor.wait_until(
                lambda: listens("127.0.0.1", mqtt_port), what="the message broker", timeout_s=BROKER_TIMEOUT_S
            )
            report("broker", 1.0)
            _start(supervisor, "sim", "sim", "city", "--config", str(files.sim))
            _start(supervisor, "central", "central", "serve", "--config", str(files.central))
            supervisor.wait_until(
                lambda: all((folders.lines / name).exists() for name in LINE_NAMES),
                what="the simulated stations",
                timeout_s=LINES_TIMEOUT_S,
            )
            report("stations", 1.0)
            url = f"http://{options.host}:{options.port}"
            supervisor.wait_until(
                _prepared(folders.progress, report), what="preparing the city", timeout_s=PREPARE_TIMEOUT_S
            )
            _start(supervisor, "edge", "edge", "run", "--config", str(files.edge))
            report("frame", 0.0)
            supervisor.wait_until(
                lambda: get_json(f"{url}/v1/heat/frames/latest") is not None,
                what="the first heat map",
                timeout_s=FRAME_TIMEOUT_S,
            )
            report("frame", 1.0)
        yield Running(url, folders, files, mqtt_port), supervisor


def get_json(url: str, timeout_s: float = 5.0) -> Any:
    """What a service of this city answers; None while it does not (yet)."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - our own http address
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None


def _start(supervisor: Supervisor, name: str, *words: str) -> None:
    supervisor.start(name, [sys.executable, "-m", "kumagaya", *words])


def _prepared(path: Path, report: Report) -> Callable[[], bool]:
    """A question that passes central's progress on, and is true once the city is ready."""
    file = ProgressFile(path)

    def ready() -> bool:
        for stage, share, message in file.news():
            if stage == "failed":
                raise UserError(message, where="city")
            if stage == "ready":
                return True
            if stage != "waiting":
                report(stage, share)
        return False

    return ready


def _weather(options: Options) -> tuple[Replay | None, int]:
    """The series to replay, if any, and the city time [Unix ms] to begin with."""
    if options.weather is None:
        start = options.start or demo_options.parse_start(demo_options.RECORD_DAY_MORNING)
        return None, round(start.timestamp() * 1000)
    from firmware_sim.recording_files import load_recording

    recording = load_recording(options.weather, lenient=options.lenient)
    shift = shift_ms(measured_noon_utc_ms(recording.series.values()))
    first_ms, last_ms = recording.span_ms
    start_ms = round(options.start.timestamp() * 1000) if options.start else first_morning_ms(first_ms, last_ms, shift)
    return Replay(options.weather.resolve(), shift), start_ms


def _watch(supervisor: Supervisor, console: Console) -> int:
    """Starts again what dies, as systemd would; gives up when it will not stay up."""
    restarts: list[float] = []
    while True:
        time.sleep(0.5)
        dead = supervisor.first_dead()
        if dead is None:
            continue
        now = time.monotonic()
        restarts = [moment for moment in restarts if now - moment < RESTART_WINDOW_S] + [now]
        if len(restarts) > RESTARTS_MAX:
            console.print(f"  {dead.name} does not stay up: {dead.last_words()} (log: {dead.log})")
            return 1
        console.print(f"  {dead.name} ended with {dead.process.returncode}; starting it again")
        supervisor.restart(dead)


def _mosquitto() -> str:
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise UserError(
            "mosquitto is not installed",
            where="message broker",
            hint="sudo apt-get install -y --no-install-recommends mosquitto",
        )
    return found


def _empty(folder: Path) -> None:
    """Removes the last demonstration's run; only ever the `run` folder of a demonstration."""
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)


@contextmanager
def _sole_user(data_dir: Path) -> Iterator[None]:
    """Holds the data folder. Raises UserError when it cannot be made or another demonstration runs in it."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "demo.lock").open("w")
    except OSError as error:
        raise UserError(f"cannot be used: {error.strerror}", where=f"--data-dir {data_dir}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                "another demonstration runs in this folder",
                where=f"--data-dir {data_dir}",
                hint="end it, or choose another folder",
            ) from None
        yield


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
