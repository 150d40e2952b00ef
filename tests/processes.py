"""Children that tests start: a real mosquitto on a private port, and ports that nobody else has.

Every child is ended by its own handle; nothing is found or killed by name.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from kumagaya.demo.supervisor import free_port

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def wait_for_port(port: int, timeout_s: float = 10.0) -> None:
    """Returns when 127.0.0.1:port accepts a connection; raises TimeoutError when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1.0):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing listens on 127.0.0.1:{port} after {timeout_s} s") from None
            time.sleep(0.02)


class Broker:
    """A mosquitto child. `stop`, `kill`, `freeze` and `thaw` do what they say; `start` begins again on the same port and folder."""

    def __init__(self, folder: Path, port: int, extra: str = "") -> None:
        self.folder = folder
        self.port = port
        self.log_path = folder / "mosquitto.log"
        self._config = folder / "mosquitto.conf"
        # mosquitto started by root becomes its own user, which cannot read a test's private folder.
        user = "user root\n" if os.geteuid() == 0 else ""
        self._config.write_text(
            f"{user}listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {folder}/\nmax_queued_messages 0\nmax_inflight_messages 0\n{extra}\n"
        )
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self._child is None, "already started"
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen([str(MOSQUITTO), "-c", str(self._config)], stdout=log, stderr=log)
        try:
            wait_for_port(self.port)
        except TimeoutError:
            self.kill()
            raise RuntimeError(f"mosquitto did not start: {self.log_path.read_text()}") from None

    def stop(self) -> None:
        """SIGTERM: sessions and queued messages are saved. Harmless when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what was not saved is lost. Harmless when it does not run."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        if self._child is None:
            return
        self._child.send_signal(number)
        self._child.send_signal(signal.SIGCONT)
        try:
            self._child.wait(10.0)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(10.0)
        self._child = None


def start_mosquitto(folder: Path, port: int | None = None, extra: str = "") -> Broker:
    """A running broker whose configuration, log and saved sessions lie in `folder`; skips the calling test without mosquitto.

    The caller ends it with `stop()` or `kill()`. `extra` is appended to its configuration.
    """
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")
    folder.mkdir(parents=True, exist_ok=True)
    broker = Broker(folder, free_port() if port is None else port, extra)
    broker.start()
    return broker
