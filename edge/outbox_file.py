"""The outbox on disk: one SQLite file, one table a stream, one row a commit's worth of items.

Few bytes for an SD card: the items of a sweep lie in one row, deflated, so that a commit touches one page; receipts delete
in the same transaction. The newest row stays until a newer one comes, and with it the numbering survives a restart.
Used by one thread.
"""

import sqlite3
import uuid
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from contract.messages import Shed, encode_item
from contract.topics import Stream
from edge.shedding import STRETCH_SHARE, Pack, plan, tombstone

SCHEMA_VERSION: Final = 1
ROW_OVERHEAD_BYTES: Final = 48
"""What a row costs besides its payload: eight integers, cell and pointer."""
_LEVEL: Final = 6
_WAL_BYTES_MAX: Final = 4 * 1024 * 1024
_FAILED_PAGE_CHECKS: Final = ("malformed", "not a database", "disk image", "corrupt")


class Item(msgspec.Struct, frozen=True):
    """One item as it goes into a batch: `payload` is its JSON."""

    seq: int
    first_seq: int
    payload: bytes


class Tally(msgspec.Struct):
    """What waits in one stream. `first_seq` is that of the oldest row, `next_seq` the number of the next item."""

    epoch: str
    first_seq: int = 1
    next_seq: int = 1
    rows: int = 0
    items: int = 0
    size_bytes: int = 0
    oldest_at_ms: int | None = None
    shed_total: int = 0


class OutboxFile:
    """Raises sqlite3.Error from any method; after one that is not `corrupt`, the same call may be tried again.

    Without a path it lives in memory, as long as the process.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.set_aside: Path | None = None
        try:
            self._database = _open(path)
            self.tally = {stream: self._count(stream) for stream in Stream}
        except sqlite3.DatabaseError as error:
            if path is None or not corrupt(error):
                raise
            self.set_aside = _set_aside(path)
            self._database = _open(path)
            self.tally = {stream: self._count(stream) for stream in Stream}

    def close(self) -> None:
        self._database.close()

    def replaced(self) -> "OutboxFile":
        """A new file with a new epoch in the place of this one, which turned out to be damaged and is set aside."""
        self._database.close()
        if self.path is None:
            return OutboxFile(None)
        aside = _set_aside(self.path)
        fresh = OutboxFile(self.path)
        fresh.set_aside = aside
        return fresh

    def copy_to(self, path: Path) -> None:
        """Everything as it stands, to a new file: complete and durable, or sqlite3.Error."""
        target = sqlite3.connect(path)
        try:
            target.execute("PRAGMA synchronous = FULL")
            self._database.backup(target)
        finally:
            target.close()

    def adopt(self, stream: Stream, epoch: str, packs: Iterable[tuple[Pack, bytes]]) -> None:
        """Makes the empty stream that of another epoch, with its packs and their payloads; with the next commit."""
        self._database.execute("UPDATE stream SET epoch = ? WHERE name = ?", (epoch, stream))
        for pack, payload in packs:
            self._insert(stream, pack, payload, counted=False)
        self.tally[stream] = self._count(stream)

    def probe(self) -> None:
        """Writes and makes it durable, whatever waits with it. Raises sqlite3.Error while the disk refuses."""
        self._database.execute("UPDATE stream SET epoch = epoch")
        self._database.commit()

    def append(self, stream: Stream, items: Sequence[bytes], first_at_ms: int, last_at_ms: int) -> None:
        """Adds encoded items, numbered from `next_seq`, as one row; with the next commit."""
        first_seq = self.tally[stream].next_seq
        pack = Pack(first_seq, first_seq + len(items) - 1, first_at_ms, last_at_ms)
        self._insert(stream, pack, b"\n".join(items))

    def bury(self, stream: Stream, grave: Shed) -> None:
        """Adds a tombstone for `grave.count` items that were given up before they had a number; with the next commit."""
        first_seq = self.tally[stream].next_seq
        grave = msgspec.structs.replace(grave, first_seq=first_seq, seq=first_seq + grave.count - 1)
        pack = Pack(first_seq, grave.seq, grave.first_at_ms, grave.last_at_ms, shed=grave.count)
        self._insert(stream, pack, encode_item(grave))

    def commit(self) -> None:
        """Makes everything since the last commit durable, together."""
        self._database.commit()

    def rollback(self) -> None:
        """Forgets what was done since the last commit."""
        self._database.rollback()
        self.tally = {stream: self._count(stream) for stream in Stream}

    def delete(self, stream: Stream, up_to_seq: int) -> None:
        """Removes the rows that lie wholly at or below `up_to_seq`, except the newest, which keeps the numbering; with the next commit."""
        tally = self.tally[stream]
        gone = self._database.execute(
            f"DELETE FROM {stream} WHERE last_seq <= ? RETURNING last_seq - first_seq + 1, shed, length(payload)",  # noqa: S608
            (min(up_to_seq, tally.next_seq - 2),),
        ).fetchall()
        if gone:
            tally.rows -= len(gone)
            tally.items -= sum(1 if shed else items for items, shed, _ in gone)
            tally.size_bytes -= sum(size + ROW_OVERHEAD_BYTES for _, _, size in gone)
            self._note_oldest(stream)

    def read(self, stream: Stream, from_seq: int, until_seq: int, items_max: int, bytes_max: int) -> list[Item]:
        """Items from `from_seq` to below `until_seq`, ascending, within both limits; at least one if there is any."""
        found: list[Item] = []
        size = 0
        rows = self._database.execute(
            f"SELECT first_seq, last_seq, shed, payload FROM {stream} WHERE last_seq >= ? ORDER BY last_seq",  # noqa: S608
            (from_seq,),
        )
        for first_seq, last_seq, shed, payload in rows:
            if shed:
                items = [Item(last_seq, first_seq, zlib.decompress(payload))]
            else:
                lines = zlib.decompress(payload).split(b"\n")
                items = [Item(seq, seq, line) for seq, line in enumerate(lines, first_seq)]
            for item in items:
                if item.seq < from_seq:
                    continue
                full = len(found) >= items_max or size + len(item.payload) + 1 > bytes_max
                if item.seq >= until_seq or (found and full):
                    rows.close()
                    return found
                found.append(item)
                size += len(item.payload) + 1
        return found

    def shed(self, stream: Stream, keep_every: int, reason: str) -> int:
        """Thins or drops the oldest quarter, leaving tombstones; with the next commit. How many items were given up."""
        stretch = max(2, int(self.tally[stream].rows * STRETCH_SHARE))
        packs = [
            Pack(first_seq, last_seq, first_at_ms, last_at_ms, shed, bool(thinned))
            for first_seq, last_seq, first_at_ms, last_at_ms, shed, thinned in self._database.execute(
                f"SELECT first_seq, last_seq, first_at_ms, last_at_ms, shed, thinned FROM {stream} ORDER BY last_seq LIMIT ?",  # noqa: S608
                (stretch,),
            )
        ]
        given_up = 0
        for run in plan(packs, keep_every):
            grave = tombstone(run)
            item = Shed(grave.last_seq, grave.first_seq, grave.shed, grave.first_at_ms, grave.last_at_ms, reason=reason)
            self._database.execute(
                f"DELETE FROM {stream} WHERE last_seq BETWEEN ? AND ?",  # noqa: S608
                (run[0].last_seq, run[-1].last_seq),
            )
            self._insert(stream, grave, encode_item(item), counted=False)
            given_up += sum(pack.items for pack in run if not pack.shed)
        if packs:
            self._database.execute(f"UPDATE {stream} SET thinned = 1 WHERE last_seq <= ?", (packs[-1].last_seq,))  # noqa: S608
        shed_total = self.tally[stream].shed_total + given_up
        self.tally[stream] = self._count(stream)
        self.tally[stream].shed_total = shed_total
        return given_up

    def _insert(self, stream: Stream, pack: Pack, payload: bytes, *, counted: bool = True) -> None:
        deflated = zlib.compress(payload, _LEVEL)
        self._database.execute(
            f"INSERT INTO {stream} VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (pack.last_seq, pack.first_seq, pack.first_at_ms, pack.last_at_ms, pack.shed, pack.thinned, deflated),
        )
        if counted:
            tally = self.tally[stream]
            tally.next_seq = pack.last_seq + 1
            tally.rows += 1
            tally.items += 1 if pack.shed else pack.items
            tally.shed_total += pack.shed
            tally.size_bytes += len(deflated) + ROW_OVERHEAD_BYTES
            if tally.rows == 1:
                tally.first_seq, tally.oldest_at_ms = pack.first_seq, pack.first_at_ms

    def _count(self, stream: Stream) -> Tally:
        (epoch,) = self._database.execute("SELECT epoch FROM stream WHERE name = ?", (stream,)).fetchone()
        rows, items, size, last_seq, shed = self._database.execute(
            f"SELECT count(*), coalesce(sum(CASE WHEN shed > 0 THEN 1 ELSE last_seq - first_seq + 1 END), 0),"  # noqa: S608
            f" coalesce(sum(length(payload)), 0), coalesce(max(last_seq), 0), coalesce(sum(shed), 0) FROM {stream}"
        ).fetchone()
        tally = Tally(epoch, 1, last_seq + 1, rows, items, size + rows * ROW_OVERHEAD_BYTES, None, shed)
        self.tally = {**getattr(self, "tally", {}), stream: tally}
        self._note_oldest(stream)
        return tally

    def _note_oldest(self, stream: Stream) -> None:
        tally = self.tally[stream]
        row = self._database.execute(
            f"SELECT first_seq, first_at_ms FROM {stream} ORDER BY last_seq LIMIT 1"  # noqa: S608
        ).fetchone()
        tally.first_seq, tally.oldest_at_ms = row or (tally.next_seq, None)


def corrupt(error: sqlite3.Error) -> bool:
    """Whether the error means that the file itself is damaged, not that the disk is full, read-only or busy."""
    text = str(error).lower()
    return isinstance(error, sqlite3.DatabaseError) and any(word in text for word in _FAILED_PAGE_CHECKS)


def _open(path: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(":memory:" if path is None else path, timeout=5.0, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        # Some builds wipe deleted rows with zeros by default: twice the writes for readings that are no secret.
        database.execute("PRAGMA secure_delete = OFF")
        database.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_MAX}")
        (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"malformed: {verdict}")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            _create(database)
        elif version != SCHEMA_VERSION:
            raise sqlite3.DatabaseError(f"not a database of this version: {version}, known: {SCHEMA_VERSION}")
    except BaseException:
        database.close()
        raise
    return database


def _create(database: sqlite3.Connection) -> None:
    database.execute("CREATE TABLE stream (name TEXT PRIMARY KEY, epoch TEXT NOT NULL) WITHOUT ROWID")
    for stream in Stream:
        database.execute(
            f"CREATE TABLE {stream} (last_seq INTEGER PRIMARY KEY, first_seq INTEGER NOT NULL, first_at_ms INTEGER NOT NULL,"
            " last_at_ms INTEGER NOT NULL, shed INTEGER NOT NULL, thinned INTEGER NOT NULL, payload BLOB NOT NULL)"
        )
        database.execute("INSERT INTO stream VALUES (?, ?)", (stream, uuid.uuid4().hex))
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    database.commit()


def _set_aside(path: Path) -> Path:
    """Renames a damaged file and its journals out of the way: somebody may want to look at it."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("", "-wal", "-shm"):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.replace(aside.with_name(aside.name + suffix))
    return aside
