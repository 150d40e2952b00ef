"""Starts the city's processes, watches them and ends them: nothing is left behind, however the supervisor itself ends."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from contract.errors import UserError

STOP_TIMEOUT_S: Final = 8.0
KILL_TIMEOUT_S: Final = 3.0
LOG_TAIL_LINES: Final = 5
_PR_SET_PDEATHSIG: Final = 1


class Child:
    """One process with its log file."""

    def __init__(self, name: str, command: Sequence[str], process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.command = command
        self.process = process
        self.log = log

    def running(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        """The end of its log, on one line."""
        with suppress(OSError):
            lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
            return " | ".join(lines[-LOG_TAIL_LINES:])
        return ""


class Supervisor:
    """A context: every child started inside is ended, last started first, when it is left.

    Each child also asks the kernel to be terminated should the supervisor die without a word.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []
        self._libc = ctypes.CDLL(None, use_errno=True)

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def children(self) -> Sequence[Child]:
        return tuple(self._children)

    def start(self, name: str, command: Sequence[str]) -> Child:
        """Starts a process in a session of its own, so that Ctrl-C reaches only the supervisor, which then stops them in order."""
        path = self._logs / f"{name}.log"
        child = Child(name, tuple(command), self._spawn(command, path), path)
        self._children.append(child)
        return child

    def restart(self, child: Child) -> None:
        """Starts a child that ended once more, in its old place."""
        child.process = self._spawn(child.command, child.log)

    def _spawn(self, command: Sequence[str], path: Path) -> subprocess.Popen[bytes]:
        with path.open("ab") as log:
            return subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
                preexec_fn=self._die_with_parent,  # noqa: PLW1509 - no threads run yet when children are started
            )

    def _die_with_parent(self) -> None:
        self._libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)

    def first_dead(self) -> Child | None:
        return next((child for child in self._children if not child.running()), None)

    def wait_until(self, ready: Callable[[], bool], *, what: str, timeout_s: float, poll_s: float = 0.05) -> None:
        """Waits for `ready`. Raises UserError when a child ends first or time runs out, with the end of its log."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            dead = self.first_dead()
            if dead is not None:
                code = dead.process.returncode
                raise UserError(f"{dead.name} ended with exit code {code}: {dead.last_words()}", where=str(dead.log))
            if time.monotonic() > deadline:
                raise UserError(
                    f"{what} took longer than {timeout_s:.0f} s", where=str(self._logs), hint="see the logs there"
                )
            time.sleep(poll_s)

    def stop(self) -> None:
        """SIGTERM to all, last started first (the edge before the broker, so that what it holds is flushed); SIGKILL to what stays."""
        for child in reversed(self._children):
            if child.running():
                with suppress(ProcessLookupError):
                    child.process.send_signal(signal.SIGTERM)
                try:
                    child.process.wait(STOP_TIMEOUT_S)
                except subprocess.TimeoutExpired:
                    with suppress(ProcessLookupError):
                        os.killpg(child.process.pid, signal.SIGKILL)
                    child.process.wait(KILL_TIMEOUT_S)
        self._children.clear()


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def require_free_port(host: str, port: int, *, option: str) -> None:
    """Raises UserError naming the port when somebody listens there already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(
                f"port {port} on {host} cannot be used: {error.strerror}",
                where=option,
                hint=f"choose another with {option} N",
            ) from None


def listens(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0
