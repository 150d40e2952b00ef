"""A process that is started, killed, frozen and started again, and that dies with whoever started it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

PYTHON = sys.executable
_SETPRIV = shutil.which("setpriv")


class State(StrEnum):
    DOWN = "down"
    UP = "up"
    FROZEN = "frozen"
    ENDING = "ending"


class Process:
    """`ended_itself`: exit codes of ends that nobody had asked for."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name = name
        self.log = log
        self.state = State.DOWN
        self.starts = 0
        self.ended_itself: list[int] = []
        self._command = [*((_SETPRIV, "--pdeathsig", "KILL", "--") if _SETPRIV else ()), *command]
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    def start(self) -> None:
        """From the main thread: the child dies with the thread that started it."""
        assert self.state is State.DOWN, f"{self.name} is {self.state}"
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                start_new_session=True,
            )
        self.state = State.UP
        self.starts += 1

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._child, self.state = None, State.DOWN

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)
        self.state = State.FROZEN

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)
        self.state = State.UP

    def ask_to_end(self) -> None:
        self._signal(signal.SIGTERM)
        self.state = State.ENDING

    def ended(self) -> int | None:
        """The exit code once it has ended; then it may be started again."""
        if self._child is None:
            return 0
        code = self._child.poll()
        if code is not None:
            if self.state in {State.UP, State.FROZEN}:
                self.ended_itself.append(code)
            self._child, self.state = None, State.DOWN
        return code

    def end(self, timeout_s: float) -> int | None:
        """Asks and waits. The exit code; None when it had to be killed."""
        if self._child is None:
            return 0
        if self.state is State.FROZEN:
            self.thaw()
        self.ask_to_end()
        until_s = time.monotonic() + timeout_s
        while time.monotonic() < until_s:
            code = self.ended()
            if code is not None:
                return code
            time.sleep(0.02)
        self.kill()
        return None

    def last_words(self, lines: int = 6) -> str:
        with suppress(OSError):
            return " | ".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _signal(self, number: signal.Signals) -> None:
        assert self._child is not None, f"{self.name} does not run"
        with suppress(ProcessLookupError):
            self._child.send_signal(number)
