"""How the agent fares, for the person beside it: told by the running agent through a socket in its data folder, else read from the outbox.

The socket is for the agent's own user and root (0600). A caller is answered with one JSON object and the end of the stream.
"""

import asyncio
import contextlib
import os
import socket
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from contract.errors import UserError
from contract.messages import DeviceHealth, OutboxHealth
from contract.topics import Stream
from contract.twin import Refusal, TwinState

VERSION: Final = 1
SOCKET_NAME: Final = "agent.sock"
ANSWER_S: Final = 3.0
STATUS_BYTES_MAX: Final = 4 * 1024 * 1024
CERTIFICATE_WARNING_S: Final = 14 * 86_400.0
RECEIPT_LATE_S: Final = 300.0
"""Readings that waited so long without a receipt are worth a word."""


class UplinkStatus(msgspec.Struct, frozen=True):
    connected: bool
    broker: str
    connects: int
    batches_sent: int
    receipts: int
    resends: int


class LineStatus(msgspec.Struct, frozen=True):
    """One line. `stray_bytes`: heard when nobody had asked."""

    name: str
    port: str
    interval_s: float
    sweeps: int
    overruns: int
    stray_bytes: int
    devices: list[DeviceHealth]


class TwinStatus(msgspec.Struct, frozen=True):
    """`applied_version` 0: the agent runs by its own file."""

    state: TwinState
    applied_version: int
    reason: Refusal | None
    detail: str


class Status(msgspec.Struct, frozen=True):
    """All that `kumagaya edge status` shows. Times are the agent's (city) Unix milliseconds.

    Attributes:
        certificate_expires_at_ms: real time; None where no client certificate is configured or it cannot be read.
        stalled: loops that do not get on, in words.
    """

    v: int
    at_ms: int
    pid: int
    gateway: str
    software: str
    boot_id: str
    uptime_s: float
    clock_synchronised: bool
    uplink: UplinkStatus
    outbox: list[OutboxHealth]
    lines: list[LineStatus]
    twin: TwinStatus
    certificate_expires_at_ms: int | None = None
    stalled: list[str] = []
    resident_memory_bytes: int | None = None
    disk_free_bytes: int | None = None


class NotRunning(msgspec.Struct, frozen=True):
    """Nobody listens: what lies in the outbox on disk, or why it cannot be read."""

    outbox: list[OutboxHealth]
    problem: str | None = None


class NoAnswer(msgspec.Struct, frozen=True):
    """Somebody listens and does not answer: the agent hangs."""

    reason: str


class Problem(msgspec.Struct, frozen=True):
    """One thing that is not as it should be: an exact name, what it concerns, and what to do."""

    name: str
    what: str
    advice: str


class Door:
    """Serves the status until closed. Raises OSError when the socket cannot be made."""

    def __init__(self, data_dir: Path, status: Callable[[], Status]) -> None:
        self._status = status
        self._path = data_dir / SOCKET_NAME
        with contextlib.suppress(FileNotFoundError):
            # Whoever holds the folder's lock is the only agent: a socket found here belongs to one that was killed.
            self._path.unlink()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            # Before bind: the file never exists with wider rights.
            os.fchmod(self._socket.fileno(), 0o600)
            with _short_path(data_dir) as folder:
                self._socket.bind(f"{folder}/{SOCKET_NAME}")
            self._path.chmod(0o600)
            self._socket.listen(8)
        except OSError:
            self._socket.close()
            raise

    async def serve(self) -> None:
        """Until cancelled; then the socket is gone."""
        try:
            server = await asyncio.start_unix_server(self._answer, sock=self._socket)
            async with server:
                await server.serve_forever()
        finally:
            self._socket.close()
            with contextlib.suppress(OSError):
                self._path.unlink()

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                writer.write(msgspec.json.encode(self._status()))
                await writer.drain()
        writer.close()


@contextlib.contextmanager
def _short_path(folder: Path) -> Iterator[str]:
    """The folder under a name that fits a socket address (108 bytes), however deep it lies."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def ask(data_dir: Path) -> Status | NoAnswer | None:
    """The running agent's status; None when none runs. Raises UserError when we may not ask."""
    try:
        with _short_path(data_dir) as folder, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
            caller.settimeout(ANSWER_S)
            caller.connect(f"{folder}/{SOCKET_NAME}")
            received = bytearray()
            while chunk := caller.recv(65_536):
                received += chunk
                if len(received) > STATUS_BYTES_MAX:
                    return NoAnswer("it says more than a status")
    except (FileNotFoundError, ConnectionRefusedError):
        return None
    except PermissionError:
        raise UserError(
            "not allowed to ask the agent", where=str(data_dir), hint="run it as the agent's user or with sudo"
        ) from None
    except OSError as error:
        return NoAnswer(str(error) or type(error).__name__)
    try:
        return msgspec.json.decode(received, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return NoAnswer(f"no status came back: {error}")


def look(data_dir: Path) -> NotRunning:
    """What waits in the outbox of an agent that does not run. The file is only read."""
    path = data_dir / "outbox.db"
    if not path.exists():
        return NotRunning([], f"{path}: no outbox yet")
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2.0)) as database:
            return NotRunning([_stream(database, stream) for stream in Stream])
    except sqlite3.Error as error:
        return NotRunning([], f"{path}: {error}")


def _stream(database: sqlite3.Connection, stream: Stream) -> OutboxHealth:
    items, size_bytes, oldest_at_ms, shed = database.execute(
        f"SELECT coalesce(sum(CASE WHEN shed > 0 THEN 1 ELSE last_seq - first_seq + 1 END), 0),"  # noqa: S608
        f" coalesce(sum(length(payload)), 0), min(first_at_ms), coalesce(sum(shed), 0) FROM {stream}"
    ).fetchone()
    return OutboxHealth(stream, items, size_bytes, shed, oldest_at_ms)


def certificate_expires_at_ms(path: Path) -> int | None:
    """When a PEM certificate ends, Unix milliseconds; None when there is none to be read."""
    from cryptography import x509  # noqa: PLC0415 - slow to load, and needed only where there is a certificate

    try:
        return round(x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc.timestamp() * 1000)
    except (OSError, ValueError):
        return None


def problems(status: Status, unix_ms: int) -> list[Problem]:
    """What is wrong with a running agent, in the order of urgency. `unix_ms`: the real time, for the certificate."""
    found = [
        Problem("stalled", words, "systemd restarts the agent; by hand: systemctl restart kumagaya-edge")
        for words in status.stalled
    ]
    if not status.uplink.connected:
        found.append(
            Problem(
                "not_connected",
                f"no connection to the broker {status.uplink.broker}",
                "readings wait in the outbox; look at network, address and certificates (journalctl -u kumagaya-edge)",
            )
        )
    expires_ms = status.certificate_expires_at_ms
    if expires_ms is not None and expires_ms - unix_ms < CERTIFICATE_WARNING_S * 1000:
        days = (expires_ms - unix_ms) / 86_400_000
        name, when = (
            ("certificate_expired", f"{-days:.0f} days ago")
            if days < 0
            else ("certificate_expires", f"in {days:.0f} days")
        )
        found.append(Problem(name, f"the certificate ends {when}", "kumagaya edge provision --help"))
    found.extend(_device_problems(status))
    for waiting in status.outbox:
        if waiting.shed_total:
            found.append(
                Problem(
                    "shed",
                    f"{waiting.shed_total} items of {waiting.stream} were given up",
                    "the disk quota was full: see docs/edge.md, [outbox]",
                )
            )
        late_ms = 0 if waiting.oldest_at_ms is None or waiting.rows < 2 else status.at_ms - waiting.oldest_at_ms
        if status.uplink.connected and late_ms > RECEIPT_LATE_S * 1000:
            found.append(
                Problem(
                    "receipts_late",
                    f"the oldest of {waiting.stream} waits for {late_ms / 60_000:.0f} minutes",
                    "a backlog is being sent, or central does not store",
                )
            )
    if status.twin.state in {TwinState.REFUSED, TwinState.ROLLED_BACK}:
        found.append(
            Problem(
                f"desired_{status.twin.state}",
                f"{status.twin.reason}: {status.twin.detail}",
                "publish a corrected document: docs/twin.md",
            )
        )
    if not status.clock_synchronised:
        found.append(
            Problem(
                "clock_not_synchronised",
                "the clock is not disciplined",
                "timedatectl; central dates the readings later",
            )
        )
    return found


def _device_problems(status: Status) -> list[Problem]:
    found = []
    for line in status.lines:
        for device in line.devices:
            if device.good == 0 and device.polls == 0:
                continue
            if device.backoff_s > 0 or device.good == 0:
                found.append(
                    Problem(
                        "device_silent",
                        f"{device.station} on {line.name}: {device.last_error}",
                        "kumagaya edge check (stop the agent first)",
                    )
                )
    return found
