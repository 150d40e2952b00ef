"""What waits for its receipt: numbers items, keeps them on disk, forgets only what central confirmed. One thread of its own.

Nobody else touches the file: other rooms hand over readings, events and receipts, and ask for items to send.

A disk that refuses (full, read-only, worn out) is tried again for some seconds, with everything kept; then the agent goes on in memory,
under an epoch of its own, and says so. It returns to the disk when the disk takes writes again, with what has no receipt yet.
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

from contract.messages import (
    EVENT_BODY_BYTES_MAX,
    Event,
    OutboxHealth,
    Reading,
    Shed,
    StreamState,
    body_bytes,
    encode_item,
)
from contract.topics import Stream
from edge.config import OutboxConfig
from edge.outbox_commands import Append, Command, EventRefused, Flush, Read, ReadOlder, Receipted, Record, Stop
from edge.outbox_file import Item, OutboxFile, corrupt
from edge.outbox_older import OlderBatch, OlderEpochs

PENDING_MAX: Final = 10_000
"""Readings kept while a commit is refused; above, the older half is given up with a tombstone."""
MEMORY_AFTER_S: Final = 10.0
"""After so long of refusals the agent goes on in memory."""
MEMORY_BYTES_MAX: Final = 8 * 1024 * 1024
MEMORY_ROWS_MAX: Final = 50_000
PROBE_S: Final = 1.0
PROBE_S_MAX: Final = 30.0
RETRY_S: Final = 1.0
IDLE_DELETE_S: Final = 10.0
"""When nothing is appended, receipted rows still go after so long."""
LOG_EVERY_REFUSALS: Final = 60
BEAT_S: Final = 5.0
"""An idle outbox says so often that it is alive."""
_STOP_S: Final = 5.0

_log = structlog.get_logger("edge.outbox")


class Outbox:
    """Appends are committed together: at once with `flush`, else at most `commit_interval_s` after the first of them.

    `on_commit` is called from the outbox's thread after each commit that added items; set it before `start`.
    """

    def __init__(self, path: Path, config: OutboxConfig, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        """Opens the file, or sets a damaged one aside and begins a new epoch, or begins in memory when the disk allows neither."""
        self.on_commit: Callable[[], object] = lambda: None
        self.beat: Callable[[], object] = lambda: None
        """Called from the outbox's thread each time it comes round, at least every BEAT_S. Set it before `start`."""
        self.commits = 0
        self.commit_failures = 0
        self.foreign_receipts = 0
        self.problem: str | None = None
        """Why the disk refuses, while it does."""
        self.older_rows = 0
        """Items of older epochs that wait for their receipt."""
        self._path = path
        self._config = config
        self._monotonic_s = monotonic_s
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._stopped = False
        self._pending: list[Reading] = []
        self._grave: Shed | None = None
        self._pending_since_s: float | None = None
        self._retry_at_s = 0.0
        self._receipted = dict.fromkeys(Stream, 0)
        self._received_at_ms: dict[Stream, int] = {}
        self._receipted_since_s: float | None = None
        self._refused_in_a_row = 0
        self._refused_since_s = 0.0
        self._in_memory = False
        self._disk: OutboxFile | None = None
        self._probe_at_s = 0.0
        self._probe_s = PROBE_S
        self._older = OlderEpochs(path)
        try:
            self._file = OutboxFile(path)
            self._tell_set_aside()
        except (sqlite3.Error, OSError) as error:
            self._file = OutboxFile(None)
            self._note_memory(str(error))
        self._older.open()
        self._note_states()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def append(self, readings: Sequence[Reading], *, flush: bool) -> None:
        """Takes readings of the telemetry stream; their `seq` is given here. Returns at once."""
        self._commands.put(Append(readings, flush))

    def append_event(self, event: Event) -> "Future[int | EventRefused]":
        """Takes an event; its `seq` is given here. Resolves when it is on disk, with its number, or with the reason why it is not taken."""
        answer: Future[int | EventRefused] = Future()
        if self._stopped:
            answer.set_result(EventRefused.STOPPED)
        else:
            self._commands.put(Record(event, answer))
        return answer

    def receipt(self, stream: Stream, epoch: str, up_to_seq: int, stored_at_ms: int) -> None:
        """Everything of this epoch up to `up_to_seq` is safe: it goes with the next commit. An unknown epoch's is ignored and counted."""
        self._commands.put(Receipted(stream, epoch, up_to_seq, stored_at_ms))

    def read(  # noqa: PLR0917 - a range and its limits
        self, stream: Stream, from_seq: int, until_seq: int, items_max: int, bytes_max: int, epoch: str | None = None
    ) -> "Future[list[Item]]":
        """Committed items of a range, as `OutboxFile.read` gives them; none when the stream is no longer in `epoch`."""
        answer: Future[list[Item]] = Future()
        self._commands.put(Read(stream, epoch, from_seq, until_seq, items_max, bytes_max, answer))
        return answer

    def read_older(self, items_max: int, bytes_max: int) -> "Future[OlderBatch | None]":
        """The next batch of an older epoch; the same again until its receipt has come."""
        answer: Future[OlderBatch | None] = Future()
        self._commands.put(ReadOlder(items_max, bytes_max, answer))
        return answer

    def flush(self) -> "Future[None]":
        """Commits what was handed over before; done when the disk has taken or refused it."""
        answer: Future[None] = Future()
        self._commands.put(Flush(answer))
        return answer

    def state(self, stream: Stream) -> StreamState:
        """Where the stream stands after the last commit and receipt."""
        return self._states[stream]

    def set_quota(self, bytes_max: int, rows_max: int) -> None:
        """Of telemetry; holds from the next commit on."""
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
                in_memory=self._in_memory,
                problem=self.problem,
                older_epochs_rows=self.older_rows if stream is Stream.TELEMETRY else 0,
            )
            for stream, tally in self._file.tally.items()
        ]

    def stop(self) -> None:
        """Commits what is pending and closes the file."""
        self._stopped = True
        self._commands.put(Stop())
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while True:
            self.beat()
            try:
                command = self._commands.get(timeout=self._wait_s())
            except queue.Empty:
                command = None
            match command:
                case Append():
                    self._take(command)
                case Record():
                    self._record(command)
                case Receipted():
                    self._apply(command)
                case Read():
                    self._answer(command)
                case ReadOlder():
                    self._answer_older(command)
                case Flush():
                    self._commit()
                    command.answer.set_result(None)
                case Stop():
                    self._finish()
                    return
            now_s = self._monotonic_s()
            if self._in_memory and self._probe_at_s <= now_s:
                self._return_to_disk()
            due_s = self._due_s()
            if due_s is not None and due_s <= now_s:
                self._commit()

    def _due_s(self) -> float | None:
        """When the next commit is due without anybody asking for it; None: nothing to do."""
        if self._pending_since_s is not None:
            return max(self._retry_at_s, self._pending_since_s + self._config.commit_interval_s)
        if self._receipted_since_s is not None:
            return max(self._retry_at_s, self._receipted_since_s + IDLE_DELETE_S)
        return None

    def _wait_s(self) -> float:
        due_s = [self._monotonic_s() + BEAT_S, self._due_s(), self._probe_at_s if self._in_memory else None]
        return max(0.0, min(moment for moment in due_s if moment is not None) - self._monotonic_s())

    def _finish(self) -> None:
        self._commit()
        if self._in_memory:
            self._return_to_disk()
        if self._in_memory:
            waiting = sum(self._states[stream].next_seq - self._states[stream].oldest_seq for stream in Stream)
            if waiting:
                _log.error("lost_with_memory", items=waiting, reason=self.problem)
        self._older.close()
        self._file.close()
        if self._disk is not None:
            self._disk.close()
        while not self._commands.empty():
            left = self._commands.get()
            if isinstance(left, Record):
                left.answer.set_result(EventRefused.STOPPED)

    def _take(self, command: Append) -> None:
        self._pending.extend(command.readings)
        if len(self._pending) > PENDING_MAX:
            self._give_up_pending()
        if self._pending and self._pending_since_s is None:
            self._pending_since_s = self._monotonic_s()
        if command.flush and self._pending and self._monotonic_s() >= self._retry_at_s:
            self._commit()

    def _record(self, command: Record) -> None:
        refusal = self._refusal(command.event)
        seq = None if refusal else self._commit(command.event)
        if command.answer.set_running_or_notify_cancel():
            command.answer.set_result(seq or refusal or EventRefused.DISK_REFUSES)

    def _refusal(self, event: Event) -> EventRefused | None:
        try:
            size_bytes = body_bytes(event.body)
        except (TypeError, ValueError, OverflowError, RecursionError):
            return EventRefused.BODY_NOT_JSON
        if size_bytes > EVENT_BODY_BYTES_MAX:
            return EventRefused.BODY_TOO_LARGE
        if self._in_memory:
            return EventRefused.DISK_REFUSES
        tally = self._file.tally[Stream.EVENTS]
        # What has its receipt does not count, also where its row is still there.
        waiting = tally.next_seq - 1 - max(self._receipted[Stream.EVENTS], tally.first_seq - 1)
        if waiting == 0:
            return None
        config = self._config
        full = waiting >= config.events_rows_max or tally.size_bytes + size_bytes > config.events_bytes_max
        return EventRefused.QUOTA_FULL if full else None

    def _apply(self, receipt: Receipted) -> None:
        tally = self._file.tally[receipt.stream]
        if receipt.epoch != tally.epoch:
            if self._older.receipt(receipt.stream, receipt.epoch, receipt.up_to_seq):
                self.older_rows = self._older.rows()
            else:
                self.foreign_receipts += 1
            return
        if receipt.up_to_seq >= tally.next_seq:
            self.foreign_receipts += 1
            return
        if receipt.up_to_seq > self._receipted[receipt.stream]:
            self._receipted[receipt.stream] = receipt.up_to_seq
            self._received_at_ms[receipt.stream] = receipt.stored_at_ms
            self._states[receipt.stream] = self._state(receipt.stream)
            self._receipted_since_s = self._receipted_since_s or self._monotonic_s()

    def _answer(self, read: Read) -> None:
        items: list[Item] = []
        if read.epoch is None or read.epoch == self._file.tally[read.stream].epoch:
            try:
                items = self._file.read(read.stream, read.from_seq, read.until_seq, read.items_max, read.bytes_max)
            except (sqlite3.Error, zlib.error) as error:
                self._note_failure(error)
        if read.answer.set_running_or_notify_cancel():
            read.answer.set_result(items)

    def _answer_older(self, read: ReadOlder) -> None:
        batch = self._older.read(read.items_max, read.bytes_max)
        self.older_rows = self._older.rows()
        if read.answer.set_running_or_notify_cancel():
            read.answer.set_result(batch)

    def _commit(self, event: Event | None = None) -> int | None:
        """One transaction: deletes of what was receipted, the event, shedding where the quota asks for it, and the pending readings.

        Returns the number of the event; None without one, and when nothing could be written.
        """
        if event is None and not self._pending and self._grave is None and self._receipted_since_s is None:
            return None
        added = bool(self._pending) or event is not None
        seq = None
        try:
            for stream, up_to_seq in self._receipted.items():
                self._file.delete(stream, up_to_seq)
            if event is None:
                # An event does not wait for it: somebody stands before the reader.
                self._shed_if_full(Stream.TELEMETRY)
            else:
                seq = self._file.tally[Stream.EVENTS].next_seq
                payload = encode_item(msgspec.structs.replace(event, seq=seq))
                self._file.append(Stream.EVENTS, [payload], event.at_ms, event.at_ms)
            self._write_pending(Stream.TELEMETRY)
            self._file.commit()
        except (sqlite3.Error, zlib.error) as error:
            self._note_failure(error)
            return None
        self.commits += 1
        self._pending, self._pending_since_s, self._grave = [], None, None
        self._receipted_since_s = None
        self._refused_in_a_row = 0
        if not self._in_memory:
            self.problem = None
        self._note_states()
        if added:
            self.on_commit()
        return seq

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
        tally, config = self._file.tally[stream], self._config
        bytes_max = min(config.bytes_max, MEMORY_BYTES_MAX) if self._in_memory else config.bytes_max
        rows_max = min(config.rows_max, MEMORY_ROWS_MAX) if self._in_memory else config.rows_max
        if tally.size_bytes <= bytes_max and tally.items <= rows_max:
            return
        reason = "memory quota" if self._in_memory else "disk quota"
        given_up = self._file.shed(stream, config.thin_keep_every, reason)
        _log.warning("shed", stream=str(stream), items=given_up, size_bytes=self._file.tally[stream].size_bytes)

    def _give_up_pending(self) -> None:
        """The disk has refused writes for long: the older half of what is pending becomes one tombstone."""
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
        """A disk that refuses is tried again with everything kept; a damaged file is replaced, and what can be read of it saved."""
        now_s = self._monotonic_s()
        self.commit_failures += 1
        self._refused_in_a_row += 1
        if self._refused_in_a_row == 1:
            self._refused_since_s = now_s
        self._retry_at_s = now_s + RETRY_S
        self.problem = str(error)
        usable = False
        try:
            if isinstance(error, zlib.error) or (isinstance(error, sqlite3.Error) and corrupt(error)):
                self._file = self._file.replaced()
                self._receipted = dict.fromkeys(Stream, 0)
                self._tell_set_aside()
                self._note_states()
                return
            self._file.rollback()
            usable = True
        except (sqlite3.Error, OSError) as second:
            self.problem = str(second)
        if self._refused_in_a_row % LOG_EVERY_REFUSALS == 1:
            _log.error("disk_refused", reason=self.problem, pending=len(self._pending), refusals=self._refused_in_a_row)
        if not self._in_memory and (not usable or now_s - self._refused_since_s >= MEMORY_AFTER_S):
            self._go_on_in_memory(usable)

    def _go_on_in_memory(self, usable: bool) -> None:
        """`usable`: whether the file on disk can still be read from."""
        self._disk = None
        if usable:
            self._older.borrow(self._file, self._receipted)
            self._disk = self._file
        self._file = OutboxFile(None)
        self._receipted = dict.fromkeys(Stream, 0)
        self._note_memory(self.problem or "")
        self._note_states()
        self._retry_at_s = 0.0
        self._commit()

    def _return_to_disk(self) -> None:
        """Asks the disk whether it takes writes again; what memory holds without a receipt goes with us."""
        self._probe_s = min(PROBE_S_MAX, self._probe_s * 1.5)
        self._probe_at_s = self._monotonic_s() + self._probe_s
        memory = self._file
        try:
            disk = OutboxFile(self._path) if self._disk is None else self._disk
            if self._disk is None:
                # Opened, but not yet ours: it stays closed to the rest until it has proven itself.
                self._disk = disk
                self._older.borrow(disk, dict.fromkeys(Stream, 0))
            disk.probe()
            for stream, up_to_seq in self._receipted.items():
                memory.delete(stream, up_to_seq)
            memory.commit()
        except (sqlite3.Error, OSError) as error:
            self.problem = str(error)
            if self._disk is not None and isinstance(error, sqlite3.Error) and corrupt(error):
                self._older.give_back(self._disk)
                self._disk.close()
                self._disk = None
            return
        states = [self._state(stream) for stream in Stream]
        if any(state.oldest_seq < state.next_seq for state in states) and not self._older.keep(memory):
            return
        self._file, self._disk, self._in_memory, self.problem = disk, None, False, None
        self._receipted = self._older.give_back(disk)
        self._refused_in_a_row = 0
        memory.close()
        self._tell_set_aside()
        self._older.open()
        self._note_states()
        _log.info("back_on_disk", older_epochs_rows=self.older_rows)
        self.on_commit()

    def _note_memory(self, reason: str) -> None:
        self._in_memory, self.problem = True, reason
        self._probe_s = PROBE_S
        self._probe_at_s = self._monotonic_s() + PROBE_S
        _log.error("in_memory", reason=reason, epoch=self._file.tally[Stream.TELEMETRY].epoch)

    def _tell_set_aside(self) -> None:
        """Says that a damaged file was replaced, and saves from it what can be read."""
        aside = self._file.set_aside
        if aside is not None:
            self._file.set_aside = None
            _log.error("outbox_damaged", set_aside=str(aside), new_epoch=self._file.tally[Stream.TELEMETRY].epoch)
            self._older.save_from(aside)

    def _note_states(self) -> None:
        self._states = {stream: self._state(stream) for stream in Stream}
        self.older_rows = self._older.rows()

    def _state(self, stream: Stream) -> StreamState:
        tally = self._file.tally[stream]
        return StreamState(tally.epoch, max(tally.first_seq, self._receipted[stream] + 1), tally.next_seq)
