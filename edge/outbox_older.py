"""Older epochs: what was numbered in another outbox than today's and still waits for its receipt.

Two ways lead here. A damaged file is set aside, and the rows that can still be read are saved from it. While the disk refused to write,
readings were numbered in memory; they are copied to disk when it takes them again. Either way the items keep their epoch and their
numbers, so that what central has already is known there as sent again, and nothing is stored twice. Used by the outbox's thread.
"""

import os
import re
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from contract.messages import Event, Reading, Shed
from contract.messages import Item as Message
from contract.topics import Stream
from edge.outbox_file import Item, OutboxFile, corrupt
from edge.shedding import Pack

_NAME: Final = re.compile(r"\.(older|damaged)-(\d+)$")
_SKIP_MAX: Final = 2**40
_item = msgspec.json.Decoder(Message)

_log = structlog.get_logger("edge.outbox")


class OlderBatch(msgspec.Struct, frozen=True):
    """Items of one older epoch, ascending; the gateway answers for nothing below the first."""

    stream: Stream
    epoch: str
    items: list[Item]

    @property
    def oldest_seq(self) -> int:
        return self.items[0].first_seq


class _Source(msgspec.Struct):
    """A file of older epochs. `removable`: it goes when everything in it has its receipt."""

    file: OutboxFile
    removable: bool
    receipted: dict[Stream, int]

    def waiting(self, stream: Stream) -> bool:
        return self.receipted[stream] < self.file.tally[stream].next_seq - 1


class OlderEpochs:
    """The files beside the outbox at `path`. No method raises sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sources: list[_Source] = []

    def open(self) -> None:
        """Finds what earlier runs have left, damaged files that nobody has looked into among them."""
        for path in _numbered(self._path, "damaged"):
            if not _marker(path).exists():
                self.save_from(path)
        known = {source.file.path for source in self._sources}
        for path in _numbered(self._path, "older"):
            if path not in known:
                self._add(path)

    def rows(self) -> int:
        return sum(
            source.file.tally[stream].items for source in self._sources for stream in Stream if source.waiting(stream)
        )

    def borrow(self, file: OutboxFile, receipted: dict[Stream, int]) -> None:
        """Also sends from `file`, which stays where it is, until it is given back."""
        self._sources.append(_Source(file, removable=False, receipted=dict(receipted)))

    def give_back(self, file: OutboxFile) -> dict[Stream, int]:
        """Up to where each stream of a borrowed file has been receipted."""
        (source,) = [source for source in self._sources if source.file is file]
        self._sources.remove(source)
        return source.receipted

    def keep(self, memory: OutboxFile) -> bool:
        """Writes an outbox that lived in memory to disk, to be sent from there. False: the disk refuses it."""
        target = _free(self._path, "older")
        part = target.with_name(target.name + ".part")
        try:
            part.unlink(missing_ok=True)
            memory.copy_to(part)
            part.replace(target)
            _sync_folder(target.parent)
        except (sqlite3.Error, OSError) as error:
            _log.warning("memory_not_kept", reason=str(error))
            return False
        self._add(target)
        return True

    def save_from(self, damaged: Path) -> int:
        """Saves the items of a damaged file that can be read and are what they say. How many."""
        target = _free(self._path, "older")
        saved = 0
        try:
            fresh = OutboxFile(target)
            for stream in Stream:
                epoch, packs = _readable(damaged, stream)
                if epoch is not None:
                    fresh.adopt(stream, epoch, packs)
                    saved += fresh.tally[stream].items
            fresh.commit()
            fresh.close()
            _marker(damaged).touch()
        except (sqlite3.Error, OSError) as error:
            _log.error("not_saved", damaged=str(damaged), reason=str(error))
            return 0
        _log.warning("saved_from_damaged", damaged=str(damaged), items=saved)
        self._add(target)
        return saved

    def read(self, items_max: int, bytes_max: int) -> OlderBatch | None:
        """The next batch to send; events first. The same again until its receipt comes."""
        for stream in (Stream.EVENTS, Stream.TELEMETRY):
            for source in self._sources:
                if not source.waiting(stream):
                    continue
                try:
                    items = source.file.read(stream, source.receipted[stream] + 1, 2**62, items_max, bytes_max)
                except (sqlite3.Error, zlib.error) as error:
                    _log.error("older_epoch_unreadable", file=str(source.file.path), reason=str(error))
                    items = []
                if items:
                    return OlderBatch(stream, source.file.tally[stream].epoch, _unbroken(items))
                source.receipted[stream] = source.file.tally[stream].next_seq - 1
        self._drop_finished()
        return None

    def receipt(self, stream: Stream, epoch: str, up_to_seq: int) -> bool:
        """Whether the epoch is one of these."""
        for source in self._sources:
            tally = source.file.tally[stream]
            if tally.epoch != epoch or up_to_seq >= tally.next_seq:
                continue
            if up_to_seq > source.receipted[stream]:
                source.receipted[stream] = up_to_seq
                if source.removable:
                    self._delete(source, stream)
            self._drop_finished()
            return True
        return False

    def close(self) -> None:
        for source in self._sources:
            if source.removable:
                source.file.close()
        self._sources.clear()

    def _add(self, path: Path) -> None:
        try:
            file = OutboxFile(path)
        except sqlite3.Error as error:
            _log.error("older_epoch_unreadable", file=str(path), reason=str(error))
            return
        self._sources.append(_Source(file, True, {stream: file.tally[stream].first_seq - 1 for stream in Stream}))
        self._drop_finished()

    def _delete(self, source: _Source, stream: Stream) -> None:
        try:
            source.file.delete(stream, source.receipted[stream])
            source.file.commit()
        except sqlite3.Error as error:
            # Sent again after a restart, and known at central: no harm.
            _log.warning("older_epoch_not_deleted", file=str(source.file.path), reason=str(error))

    def _drop_finished(self) -> None:
        for source in [each for each in self._sources if each.removable]:
            if any(source.waiting(stream) for stream in Stream):
                continue
            self._sources.remove(source)
            source.file.close()
            if source.file.path is not None:
                for suffix in ("", "-wal", "-shm"):
                    source.file.path.with_name(source.file.path.name + suffix).unlink(missing_ok=True)


def _unbroken(items: list[Item]) -> list[Item]:
    """Up to the first hole: central's receipt goes no further, and what is behind it would be sent twice."""
    for index in range(1, len(items)):
        if items[index].first_seq != items[index - 1].seq + 1:
            return items[:index]
    return items


def _readable(damaged: Path, stream: Stream) -> tuple[str | None, list[tuple[Pack, bytes]]]:
    """The epoch and all packs of a stream that SQLite can still reach and that hold what their row says."""
    database = sqlite3.connect(damaged)
    try:
        (epoch,) = database.execute("SELECT epoch FROM stream WHERE name = ?", (stream,)).fetchone()
        return str(epoch), list(_packs(database, stream))
    except (sqlite3.Error, TypeError):
        return None, []
    finally:
        database.close()


def _packs(database: sqlite3.Connection, stream: Stream) -> Iterator[tuple[Pack, bytes]]:
    """Walks by key; where a page is broken, goes on behind it in ever longer steps."""
    after, skip, end = 0, 1, 0
    while skip <= _SKIP_MAX:
        try:
            rows = database.execute(
                "SELECT first_seq, last_seq, first_at_ms, last_at_ms, shed, thinned, payload"  # noqa: S608
                f" FROM {stream} WHERE last_seq > ? ORDER BY last_seq",
                (after,),
            )
            for row in rows:
                skip, after = 1, max(after, row[1]) if isinstance(row[1], int) else after
                found = _proven(row, stream)
                if found is not None and found[0].first_seq > end:
                    end = found[0].last_seq
                    yield found
            return
        except sqlite3.DatabaseError as error:
            if not corrupt(error):
                raise
            after, skip = after + skip, skip * 2


def _proven(row: tuple[Any, ...], stream: Stream) -> tuple[Pack, bytes] | None:
    """The row, when all that it says of itself holds."""
    try:
        first_seq, last_seq, first_at_ms, last_at_ms, shed, thinned, deflated = row
        pack = Pack(first_seq, last_seq, first_at_ms, last_at_ms, shed, bool(thinned))
        payload = zlib.decompress(deflated)
        items = [_item.decode(line) for line in ([payload] if pack.shed else payload.split(b"\n"))]
    except (zlib.error, msgspec.DecodeError, TypeError, UnicodeDecodeError):
        return None
    if pack.shed:
        (only,) = items
        right = isinstance(only, Shed) and (only.first_seq, only.seq) == (pack.first_seq, pack.last_seq)
    else:
        kind = Event if stream is Stream.EVENTS else Reading
        right = all(isinstance(item, kind) for item in items)
        right = right and [item.seq for item in items] == list(range(pack.first_seq, pack.last_seq + 1))
    return (pack, payload) if right else None


def _numbered(path: Path, kind: str) -> list[Path]:
    found = {}
    for each in path.parent.glob(f"{path.name}.{kind}-*"):
        match = _NAME.search(each.name)
        if match is not None:
            found[int(match[2])] = each
    return [found[number] for number in sorted(found)]


def _free(path: Path, kind: str) -> Path:
    number = 1
    while (free := path.with_name(f"{path.name}.{kind}-{number}")).exists():
        number += 1
    return free


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _marker(damaged: Path) -> Path:
    """Says that a damaged file has been looked into."""
    return damaged.with_name(damaged.name + ".saved")
