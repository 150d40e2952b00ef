"""What waits for its receipt: numbers items, keeps them on disk, forgets only what central confirmed. One thread of its own.

Nobody else touches the file: other rooms hand over readings and receipts, and ask for items to send.
"""

import queue
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Final

import msgspec
import structlog

from contract.messages import OutboxHealth, Reading, Shed, StreamState, encode_item
from contract.topics import Stream
from edge.config import OutboxConfig
from edge.outbox_file import Item, OutboxFile, corrupt

PENDING_MAX: Final = 10_000
"""Readings kept in memory while the disk refuses them; above, the older half is given up with a tombstone."""
RETRY_S: Final = 1.0
IDLE_DELETE_S: Final = 10.0
"""When nothing is appended, receipted rows still go after so long."""
LOG_EVERY_REFUSALS: Final = 60
BEAT_S: Final = 5.0
"""An idle outbox says so often that it is alive."""
_STOP_S: Final = 5.0

_log = structlog.get_logger("edge.outbox")


class _Append(msgspec.Struct, frozen=True):
    readings: Sequence[Reading]
    flush: bool


class _Receipt(msgspec.Struct, frozen=True):
    stream: Stream
    epoch: str
    up_to_seq: int
    stored_at_ms: int


class _Read(msgspec.Struct, frozen=True):
    stream: Stream
    from_seq: int
    until_seq: int
    items_max: int
    bytes_max: int
    answer: "Future[list[Item]]"


class _Flush(msgspec.Struct, frozen=True):
    answer: "Future[None]"


class _Stop(msgspec.Struct, frozen=True):
    pass


class Outbox:
    """Appends are committed together: at once with `flush`, else at most `commit_interval_s` after the first of them.

    `on_commit` is called from the outbox's thread after each commit that added items; set it before `start`.
    """

    def __init__(self, path: Path, config: OutboxConfig, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Opens the file, or sets a damaged one aside and begins a new epoch. Raises sqlite3.Error when the disk allows neither."""
        self.on_commit: Callable[[], object] = lambda: None
        self.beat: Callable[[], object] = lambda: None
        """Called from the outbox's thread each time it comes round, at least every BEAT_S. Set it before `start`."""
        self.commits = 0
        self.commit_failures = 0
        self.foreign_receipts = 0
        self._config = config
        self._monotonic_s = monotonic_s
        self._file = OutboxFile(path)
        self._tell_set_aside()
        self._commands: queue.SimpleQueue[_Append | _Receipt | _Read | _Flush | _Stop] = queue.SimpleQueue()
        self._pending: list[Reading] = []
        self._grave: Shed | None = None
        self._pending_since_s: float | None = None
        self._retry_at_s = 0.0
        self._receipted = dict.fromkeys(Stream, 0)
        self._received_at_ms: dict[Stream, int] = {}
        self._receipted_since_s: float | None = None
        self._refused_in_a_row = 0
        self._states = {stream: self._state(stream) for stream in Stream}
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def append(self, readings: Sequence[Reading], *, flush: bool) -> None:
        """Takes readings of the telemetry stream; their `seq` is given here. Returns at once."""
        self._commands.put(_Append(readings, flush))

    def receipt(self, stream: Stream, epoch: str, up_to_seq: int, stored_at_ms: int) -> None:
        """Everything of this epoch up to `up_to_seq` is safe: it goes with the next commit. Another epoch's is ignored and counted."""
        self._commands.put(_Receipt(stream, epoch, up_to_seq, stored_at_ms))

    def read(
        self, stream: Stream, from_seq: int, until_seq: int, items_max: int, bytes_max: int
    ) -> "Future[list[Item]]":
        """Committed items of a range, as `OutboxFile.read` gives them."""
        answer: Future[list[Item]] = Future()
        self._commands.put(_Read(stream, from_seq, until_seq, items_max, bytes_max, answer))
        return answer

    def flush(self) -> "Future[None]":
        """Commits what was handed over before; done when the disk has taken or refused it."""
        answer: Future[None] = Future()
        self._commands.put(_Flush(answer))
        return answer

    def state(self, stream: Stream) -> StreamState:
        """Where the stream stands after the last commit and receipt."""
        return self._states[stream]

    def set_quota(self, bytes_max: int, rows_max: int) -> None:
        """Holds from the next commit on."""
        self._config = msgspec.structs.replace(self._config, bytes_max=bytes_max, rows_max=rows_max)

    def health(self) -> list[OutboxHealth]:
        return [
            OutboxHealth(
                stream=stream,
                rows=tally.items,
                size_bytes=tally.size_bytes,
                shed_total=tally.shed_total,
                oldest_at_ms=tally.oldest_at_ms,
                last_receipt_at_ms=self._received_at_ms.get(stream),
            )
            for stream, tally in self._file.tally.items()
        ]

    def stop(self) -> None:
        """Commits what is pending and closes the file."""
        self._commands.put(_Stop())
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while True:
            self.beat()
            try:
                command = self._commands.get(timeout=self._wait_s())
            except queue.Empty:
                command = None
            match command:
                case _Append():
                    self._take(command)
                case _Receipt():
                    self._apply(command)
                case _Read():
                    self._answer(command)
                case _Flush():
                    self._commit()
                    command.answer.set_result(None)
                case _Stop():
                    self._commit()
                    self._file.close()
                    return
            due_s = self._due_s()
            if due_s is not None and due_s <= self._monotonic_s():
                self._commit()

    def _due_s(self) -> float | None:
        """When the next commit is due without anybody asking for it; None: nothing to do."""
        if self._pending_since_s is not None:
            return max(self._retry_at_s, self._pending_since_s + self._config.commit_interval_s)
        if self._receipted_since_s is not None:
            return max(self._retry_at_s, self._receipted_since_s + IDLE_DELETE_S)
        return None

    def _wait_s(self) -> float:
        due_s = self._due_s()
        return BEAT_S if due_s is None else min(BEAT_S, max(0.0, due_s - self._monotonic_s()))

    def _take(self, command: _Append) -> None:
        self._pending.extend(command.readings)
        if len(self._pending) > PENDING_MAX:
            self._give_up_pending()
        if self._pending and self._pending_since_s is None:
            self._pending_since_s = self._monotonic_s()
        if command.flush and self._pending and self._monotonic_s() >= self._retry_at_s:
            self._commit()

    def _apply(self, receipt: _Receipt) -> None:
        tally = self._file.tally[receipt.stream]
        if receipt.epoch != tally.epoch or receipt.up_to_seq >= tally.next_seq:
            self.foreign_receipts += 1
            return
        if receipt.up_to_seq > self._receipted[receipt.stream]:
            self._receipted[receipt.stream] = receipt.up_to_seq
            self._received_at_ms[receipt.stream] = receipt.stored_at_ms
            self._states[receipt.stream] = self._state(receipt.stream)
            self._receipted_since_s = self._receipted_since_s or self._monotonic_s()

    def _answer(self, read: _Read) -> None:
        items: list[Item] = []
        try:
            items = self._file.read(read.stream, read.from_seq, read.until_seq, read.items_max, read.bytes_max)
        except (sqlite3.Error, zlib.error) as error:
            self._note_failure(error)
        if read.answer.set_running_or_notify_cancel():
            read.answer.set_result(items)

    def _commit(self) -> None:
        """One transaction: deletes of what was receipted, shedding where the quota asks for it, and the pending readings."""
        if not self._pending and self._grave is None and self._receipted_since_s is None:
            return
        added = bool(self._pending)
        try:
            for stream, up_to_seq in self._receipted.items():
                self._file.delete(stream, up_to_seq)
            self._shed_if_full(Stream.TELEMETRY)
            self._write_pending(Stream.TELEMETRY)
            self._file.commit()
        except (sqlite3.Error, zlib.error) as error:
            self._note_failure(error)
            return
        self.commits += 1
        self._pending, self._pending_since_s, self._grave = [], None, None
        self._receipted_since_s = None
        self._refused_in_a_row = 0
        self._states = {stream: self._state(stream) for stream in Stream}
        if added:
            self.on_commit()

    def _write_pending(self, stream: Stream) -> None:
        if self._grave is not None:
            self._file.bury(stream, self._grave)
        if self._pending:
            first_seq = self._file.tally[stream].next_seq
            items = [
                encode_item(msgspec.structs.replace(reading, seq=seq))
                for seq, reading in enumerate(self._pending, first_seq)
            ]
            times = [reading.at_ms for reading in self._pending]
            self._file.append(stream, items, min(times), max(times))

    def _shed_if_full(self, stream: Stream) -> None:
        tally = self._file.tally[stream]
        if tally.size_bytes <= self._config.bytes_max and tally.items <= self._config.rows_max:
            return
        given_up = self._file.shed(stream, self._config.thin_keep_every, "disk quota")
        _log.warning("shed", stream=str(stream), items=given_up, size_bytes=self._file.tally[stream].size_bytes)

    def _give_up_pending(self) -> None:
        """The disk has refused writes for long: the older half of what memory holds becomes one tombstone."""
        half = len(self._pending) // 2
        old, self._pending = self._pending[:half], self._pending[half:]
        times = [reading.at_ms for reading in old]
        grave = self._grave or Shed(1, 1, 0, min(times), max(times), reason="disk refused writes")
        self._grave = msgspec.structs.replace(
            grave,
            count=grave.count + half,
            first_at_ms=min(grave.first_at_ms, *times),
            last_at_ms=max(grave.last_at_ms, *times),
        )
        _log.warning("shed", stream=str(Stream.TELEMETRY), items=half, reason=grave.reason)

    def _note_failure(self, error: Exception) -> None:
        """A disk that refuses is tried again with everything kept; a damaged file is replaced, and its unsent rows with it."""
        self.commit_failures += 1
        self._refused_in_a_row += 1
        self._retry_at_s = self._monotonic_s() + RETRY_S
        try:
            if isinstance(error, zlib.error) or (isinstance(error, sqlite3.Error) and corrupt(error)):
                self._file = self._file.replaced()
                self._receipted = dict.fromkeys(Stream, 0)
                self._states = {stream: self._state(stream) for stream in Stream}
                self._tell_set_aside()
                return
            self._file.rollback()
        except sqlite3.Error as second:
            error = second
        if self._refused_in_a_row % LOG_EVERY_REFUSALS == 1:
            _log.error("disk_refused", reason=str(error), pending=len(self._pending), refusals=self._refused_in_a_row)

    def _tell_set_aside(self) -> None:
        if self._file.set_aside is not None:
            epoch = self._file.tally[Stream.TELEMETRY].epoch
            _log.error("outbox_damaged", set_aside=str(self._file.set_aside), new_epoch=epoch)

    def _state(self, stream: Stream) -> StreamState:
        tally = self._file.tally[stream]
        return StreamState(tally.epoch, max(tally.first_seq, self._receipted[stream] + 1), tally.next_seq)
