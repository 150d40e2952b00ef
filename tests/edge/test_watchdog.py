"""systemd is fed only while every loop gets on."""

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from edge.watchdog import Feeder, Progress, Stalled, Systemd
from tests.edge.test_main import ROOT, stations, write_config
from tests.processes import free_port

__all__ = ["stations"]


class Manager:
    """Takes the place of systemd: a datagram socket that keeps what it is told."""

    def __init__(self, address):
        self.address = address
        self.told = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(0.1)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                self.told.append((time.monotonic(), self._socket.recv(4096).decode()))

    def wait(self, condition, timeout_s=20.0):
        deadline = time.monotonic() + timeout_s
        while not condition([text for _, text in self.told]):
            assert time.monotonic() < deadline, self.told
            time.sleep(0.02)

    def fed(self):
        return sum("WATCHDOG=1" in text for _, text in self.told)

    def close(self):
        self._stop.set()
        self._thread.join()
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    address = str(tmp_path / "notify") if request.param == "path" else f"@kumagaya-test-{os.getpid()}"
    one = Manager(address)
    yield one
    one.close()


def test_a_loop_is_stalled_beyond_its_own_limit():
    now = [100.0]
    progress = Progress({"poll": 10.0, "disk": 60.0}, lambda: now[0])
    now[0] = 110.0
    assert progress.stalled() == ()
    now[0] = 110.5
    assert progress.stalled() == (Stalled("poll", 10.5, 10.0),)
    progress.beat("poll")
    assert progress.stalled() == ()
    now[0] = 170.0
    assert [stall.loop for stall in progress.stalled()] == ["poll", "disk"]
    with pytest.raises(KeyError):
        progress.beat("nobody")


@pytest.mark.parametrize(
    ("environment", "watchdog_s", "sends"),
    [
        ({}, None, False),
        ({"NOTIFY_SOCKET": ""}, None, False),
        ({"NOTIFY_SOCKET": "vsock:2:1234", "WATCHDOG_USEC": "1000000"}, None, False),
        ({"NOTIFY_SOCKET": "/no/such/socket", "WATCHDOG_USEC": "1000000"}, 1.0, False),
        ({"WATCHDOG_USEC": "30000000"}, None, False),
        ({"NOTIFY_SOCKET": "THERE"}, None, True),
        ({"NOTIFY_SOCKET": "THERE", "WATCHDOG_USEC": "30000000"}, 30.0, True),
        ({"NOTIFY_SOCKET": "THERE", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 30.0, True),
        ({"NOTIFY_SOCKET": "THERE", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None, True),
        ({"NOTIFY_SOCKET": "THERE", "WATCHDOG_USEC": "soon"}, None, True),
        ({"NOTIFY_SOCKET": "THERE", "WATCHDOG_USEC": "0"}, None, True),
    ],
)
def test_what_the_environment_says_of_systemd(manager, environment, watchdog_s, sends):
    environment = {name: manager.address if value == "THERE" else value for name, value in environment.items()}
    systemd = Systemd(environment, pid=7)
    assert systemd.watchdog_s == watchdog_s
    assert systemd.tell("READY=1", "STATUS=well") is sends
    if sends:
        manager.wait(lambda told: told == ["READY=1\nSTATUS=well"])


def test_it_is_fed_while_all_get_on_and_told_who_does_not(manager):
    now = [0.0]
    progress = Progress({"poll line-a": 10.0, "disk": 10.0}, lambda: now[0])
    feeder = Feeder(progress, Systemd({"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "9000000"}))
    assert feeder.interval_s == 3.0
    assert feeder.feed("fine") == ()
    manager.wait(lambda told: told == ["WATCHDOG=1\nSTATUS=fine"])
    now[0] = 12.0
    progress.beat("disk")
    assert [stall.loop for stall in feeder.feed("fine")] == ["poll line-a"]
    manager.wait(lambda told: told[1:] == ["STATUS=stalled: poll line-a has not moved for 12 s (limit 10 s)"])


FREEZING = """
import sys, threading
from pathlib import Path
from edge import config, logs, main, outbox, watchdog
from edge.fieldbus import bus
from edge.fieldbus.bus import Bus
from edge.outbox import Outbox

where, marker = sys.argv[2], Path(sys.argv[3])
watchdog.POLL_LIMIT_S = watchdog.DISK_LIMIT_S = 2.0
bus.BEAT_S = outbox.BEAT_S = 0.5
room, name = {"poll": (Bus, "_sweep"), "disk": (Outbox, "_commit"), "nothing": (Bus, "none")}[where]
original = getattr(room, name, None)

def freeze(*arguments):
    if marker.exists():
        threading.Event().wait()
    return original(*arguments)

setattr(room, name, freeze)
logs.configure(as_json=True)
sys.exit(main.run(config.load(Path(sys.argv[1]))))
"""


@pytest.mark.parametrize("where", ["poll", "disk"])
def test_a_frozen_loop_ends_the_feeding(tmp_path, stations, where):
    manager = Manager(str(tmp_path / "notify"))
    marker = tmp_path / "freeze"
    environment = {**os.environ, "NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1500000"}
    environment.pop("WATCHDOG_PID", None)
    config = write_config(tmp_path, free_port())
    command = [sys.executable, "-c", FREEZING, str(config), where, str(marker)]
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
    try:
        manager.wait(lambda told: "READY=1" in told, timeout_s=30.0)
        manager.wait(lambda told: sum("WATCHDOG=1" in text for text in told) >= 3)
        assert any("stations answer" in text and "not connected" in text for _, text in manager.told), (
            "a dead network is no reason to stop feeding"
        )
        marker.touch()
        manager.wait(lambda told: any(text.startswith("STATUS=stalled") for text in told), timeout_s=15.0)
        assert where in manager.told[-1][1]
        fed = manager.fed()
        time.sleep(2.0)
        assert manager.fed() == fed, "it is fed no more"
        assert f'"loop": "{where}' in (tmp_path / "log").read_text()
    finally:
        child.kill()
        child.wait()
        manager.close()


def test_a_healthy_agent_is_fed_without_a_broker_and_says_when_it_stops(tmp_path, stations):
    manager = Manager(str(tmp_path / "notify"))
    environment = {**os.environ, "NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "900000"}
    command = [sys.executable, "-m", "kumagaya", "edge", "run", "--config", str(write_config(tmp_path, free_port()))]
    child = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        manager.wait(lambda told: sum("WATCHDOG=1" in text for text in told) >= 10, timeout_s=30.0)
        times = [at_s for at_s, text in manager.told if "WATCHDOG=1" in text]
        assert max(after - before for before, after in itertools.pairwise(times)) < 0.9
        child.send_signal(signal.SIGTERM)
        assert child.wait(15.0) == 0
        manager.wait(lambda told: "STOPPING=1" in told)
        assert manager.told[0][1] == "READY=1"
    finally:
        child.kill()
        child.wait()
        manager.close()
