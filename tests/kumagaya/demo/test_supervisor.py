"""Children are started, watched and ended; nothing is left behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from contract.errors import UserError
from kumagaya.demo.supervisor import Supervisor, free_port, listens, require_free_port

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"


def up(child) -> bool:
    return child.log.read_text() == "up\n"


def test_children_end_with_the_supervisor(tmp_path):
    with Supervisor(tmp_path) as supervisor:
        children = [supervisor.start(name, SLEEPER) for name in ("one", "two")]
        supervisor.wait_until(lambda: all(map(up, children)), what="children", timeout_s=20)
    assert all(gone(child.process.pid) for child in children)


def test_one_that_will_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("kumagaya.demo.supervisor.STOP_TIMEOUT_S", 0.3)
    with Supervisor(tmp_path) as supervisor:
        child = supervisor.start("stubborn", STUBBORN)
        supervisor.wait_until(lambda: up(child), what="child", timeout_s=20)
    assert child.process.returncode == -signal.SIGKILL


def test_one_that_dies_early_is_told_with_its_last_words(tmp_path):
    with (
        Supervisor(tmp_path) as supervisor,
        pytest.raises(UserError, match=r"broker ended with exit code 3: no such luck"),
    ):
        supervisor.start("broker", [sys.executable, "-c", "import sys; print('no such luck'); sys.exit(3)"])
        supervisor.wait_until(lambda: False, what="the broker", timeout_s=20)


def test_what_takes_too_long_is_named(tmp_path):
    with Supervisor(tmp_path) as supervisor, pytest.raises(UserError, match="the city took longer"):
        supervisor.wait_until(lambda: False, what="the city", timeout_s=0.1)


def test_a_supervisor_that_is_killed_takes_its_children_along(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from kumagaya.demo.supervisor import Supervisor\n"
        f"s = Supervisor(Path({str(tmp_path)!r})); s.__enter__(); c = s.start('child', {SLEEPER!r})\n"
        "print(c.process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(pid)


def test_a_port_in_use_is_named_with_what_to_do():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert listens("127.0.0.1", port)
        with pytest.raises(UserError, match=rf"--port: port {port} .*--port N"):
            require_free_port("127.0.0.1", port, option="--port")
    require_free_port("127.0.0.1", free_port(), option="--port")
