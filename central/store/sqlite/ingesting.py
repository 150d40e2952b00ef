"""Batches into tables, on the writer's thread: identities, readings, events, roll-ups, last readings, gaps, tombstones."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from central.store.door import Incoming, Ingested
from central.store.progress import Progress
from central.store.rollup import COLUMNS, NAMES, deltas
from central.store.sqlite.dating import BY_BOUND, BY_OFFSET, BY_OWN_CLOCK, FUTURE_TOLERANCE_MS, PROOF_STEP_MS, Boots
from central.store.sqlite.inserting import RowInsert
from contract.messages import Event, Reading, Shed
from contract.topics import Stream

_READING_HEAD: Final = (
    "station_key", "at_ms", "stream_key", "seq", "received_at_ms", "clock_synchronised", "monotonic_ms", "boot_id", "flags",
)  # fmt: skip
_HEAD: Final = len(_READING_HEAD)

# The identity is checked before; OR IGNORE is the second net under it.
_INSERT_READINGS: Final = RowInsert(
    f"INSERT OR IGNORE INTO readings ({', '.join((*_READING_HEAD, *NAMES))})", _HEAD + len(NAMES)
)


def _merged(column: str) -> str:
    if column.endswith("_min"):
        return f"{column} = min(coalesce({column}, excluded.{column}), coalesce(excluded.{column}, {column}))"
    if column.endswith("_max"):
        return f"{column} = max(coalesce({column}, excluded.{column}), coalesce(excluded.{column}, {column}))"
    return f"{column} = {column} + excluded.{column}"


_UPSERT_ROLLUPS: Final = RowInsert(
    f"INSERT INTO rollups (resolution_s, station_key, at_ms, readings, {', '.join(COLUMNS)})",
    4 + len(COLUMNS),
    "ON CONFLICT (resolution_s, station_key, at_ms) DO UPDATE SET readings = readings + excluded.readings, "
    + ", ".join(map(_merged, COLUMNS)),
)
_INSERT_EVENTS: Final = RowInsert(
    "INSERT OR IGNORE INTO events"
    " (stream_key, seq, name, at_ms, received_at_ms, clock_synchronised, monotonic_ms, boot_id, body)",
    9,
)
_UPSERT_LAST: Final = RowInsert(
    "INSERT INTO last_readings (station_key, gateway, seq, at_ms, received_at_ms, received_unix_ms, clock_synchronised,"
    " reading_values, flags)",
    9,
    "ON CONFLICT (station_key) DO UPDATE SET gateway = excluded.gateway, seq = excluded.seq, at_ms = excluded.at_ms, "
    "received_at_ms = excluded.received_at_ms, received_unix_ms = excluded.received_unix_ms, "
    "clock_synchronised = excluded.clock_synchronised, reading_values = excluded.reading_values, flags = excluded.flags",
)

_encode = msgspec.json.Encoder().encode


class _Stream(msgspec.Struct):
    """What the writer remembers of a row of `streams`."""

    key: int
    progress: Progress
    stored: int
    duplicates: int
    missing: int
    last_at_ms: int
    new: bool = False


class _Station(msgspec.Struct):
    """`last_at_ms`, `last_of`: date, stream and number of its last reading."""

    key: int
    gateway: str | None
    last_at_ms: int
    last_of: tuple[int, int]

    def gives_way(self, at_ms: int, of: tuple[int, int], now_ms: int) -> bool:
        """Whether a reading of that date, stream and number takes the place of the last one.

        Within a stream the number decides, so that a clock that was set back does not hold the newest readings up until it has caught
        up. Between streams the date does; but one dated into the future gives way to whatever comes next.
        """
        if of[0] == self.last_of[0]:
            return of[1] > self.last_of[1]
        return at_ms >= self.last_at_ms or self.last_at_ms > now_ms + FUTURE_TOLERANCE_MS


class _Group(msgspec.Struct):
    """What the batches of one transaction add up to."""

    received_at_ms: int
    rows: list[tuple[Any, ...]] = []
    events: list[tuple[Any, ...]] = []
    flagged: list[tuple[int, str]] = []
    last: dict[str, tuple[str, Reading, int, int]] = {}
    touched: dict[int, _Stream] = {}


class Ingestion:
    """Remembers streams and stations between transactions; `forget` when one was rolled back."""

    def __init__(self) -> None:
        self._data_version = -1
        self._streams: dict[tuple[str, Stream, str], _Stream] = {}
        self._stations: dict[str, _Station] = {}
        self._boots = Boots()

    def forget(self) -> None:
        self._streams.clear()
        self._stations.clear()
        self._boots.forget()

    def run(
        self, connection: sqlite3.Connection, batches: Sequence[Incoming], received_at_ms: int, received_unix_ms: int
    ) -> list[Ingested]:
        # It differs when another connection has committed: then what is remembered may be out of date.
        data_version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        if data_version != self._data_version:
            self.forget()
            self._data_version = data_version
        for incoming in batches:
            self._date(connection, incoming, received_at_ms)
        group = _Group(received_at_ms)
        results = [self._batch(connection, incoming, group) for incoming in batches]
        if group.events:
            _INSERT_EVENTS.run(connection, group.events)
        if group.rows:
            _INSERT_READINGS.run(connection, group.rows)
            self._roll_up(connection, group)
            self._keep_last(connection, group, received_unix_ms)
        for stream in group.touched.values():
            _write_stream(connection, stream)
        return results

    def note_boot(
        self,
        connection: sqlite3.Connection,
        gateway: str,
        boot_id: str,
        offset_ms: int,
        received_at_ms: int,
        *,
        proven: bool,
    ) -> None:
        """The wall time less the monotonic time of a boot: as its synchronised clock says, or at most."""
        note = self._boots.prove if proven else self._boots.bound
        if note(connection, gateway, boot_id, offset_ms, received_at_ms):
            # Their newest readings may be others now.
            self._stations.clear()

    def _date(self, connection: sqlite3.Connection, incoming: Incoming, received_at_ms: int) -> None:
        """Takes from a batch what it says of the gateway's boots, before its items are dated."""
        proofs: dict[str, list[list[int]]] = {}
        newest_ms: dict[str, int] = {}
        for item in incoming.batch.items:
            if isinstance(item, Shed):
                continue
            if item.clock_synchronised:
                monotonic_ms = item.monotonic_ms
                offset_ms = item.at_ms - monotonic_ms
                said = proofs.setdefault(item.boot_id, [])
                # Of those that agree, the first and the last in monotonic time tell all.
                if said and abs(said[-1][2] - offset_ms) <= PROOF_STEP_MS and monotonic_ms >= said[-1][1]:
                    said[-1][1] = monotonic_ms
                else:
                    said.append([monotonic_ms, monotonic_ms, offset_ms])
            else:
                newest_ms[item.boot_id] = max(item.monotonic_ms, newest_ms.get(item.boot_id, 0))
        for boot_id, said in proofs.items():
            shown = [(moment_ms, offset_ms) for first, last, offset_ms in said for moment_ms in (first, last)]
            if self._boots.prove_by_items(connection, incoming.gateway, boot_id, shown, received_at_ms):
                self._stations.clear()
        for boot_id, monotonic_ms in newest_ms.items():
            offset_ms = received_at_ms - monotonic_ms
            self.note_boot(connection, incoming.gateway, boot_id, offset_ms, received_at_ms, proven=False)

    def _dated(self, connection: sqlite3.Connection, gateway: str, item: Reading | Event) -> tuple[int, int]:
        """When it was, and how that is known."""
        boot = self._boots.known(connection, gateway, item.boot_id)
        if boot is None:
            raise LookupError(f"boot {item.boot_id} was not noted")
        return max(0, item.monotonic_ms + boot.at(item.monotonic_ms)), BY_OFFSET if boot.proven else BY_BOUND

    def _batch(self, connection: sqlite3.Connection, incoming: Incoming, group: _Group) -> Ingested:
        batch = incoming.batch
        stream = self._stream(connection, incoming.gateway, incoming.stream, batch.epoch, group.received_at_ms)
        group.touched[stream.key] = stream
        progress = stream.progress
        missing_before, shed_before = stream.missing, progress.shed_total
        gaps = progress.raise_floor(batch.oldest_seq)
        if gaps:
            _add_gaps(connection, stream, gaps, group.received_at_ms)
        stored = duplicates = 0
        healed: list[int] = []
        take, floor = progress.take, progress.up_to
        for item in batch.items:
            if isinstance(item, Shed):
                duplicates += not _add_shed(connection, stream, item)
            elif take(item.seq):
                stored += 1
                if item.seq <= floor:
                    healed.append(item.seq)
                if isinstance(item, Reading):
                    self._reading(connection, incoming.gateway, stream.key, item, group)
                else:
                    self._event(connection, incoming.gateway, stream.key, item, group)
            else:
                duplicates += 1
        progress.settle()
        if healed:
            _heal_gaps(connection, stream, healed)
        stream.stored += stored
        stream.duplicates += duplicates
        stream.last_at_ms = group.received_at_ms
        return Ingested(
            progress.up_to,
            stored,
            duplicates,
            shed=progress.shed_total - shed_before,
            missing=max(0, stream.missing - missing_before),
        )

    def _reading(
        self, connection: sqlite3.Connection, gateway: str, stream_key: int, item: Reading, group: _Group
    ) -> None:
        name = item.station
        station = self._stations.get(name) or self._station(connection, name)
        at_ms, mark, monotonic_ms, boot_id = item.at_ms, BY_OWN_CLOCK, None, None
        if not item.clock_synchronised:
            at_ms, mark = self._dated(connection, gateway, item)
            monotonic_ms, boot_id = item.monotonic_ms, item.boot_id
        flags = None
        if item.flags:
            flags = _encode(item.flags).decode()
            row = len(group.rows)
            group.flagged.extend((row, quantity) for quantity in item.flags)
        head = (station.key, at_ms, stream_key, item.seq, group.received_at_ms, mark, monotonic_ms, boot_id, flags)
        group.rows.append((*head, *map(item.values.get, NAMES)))
        of = stream_key, item.seq
        if station.gives_way(at_ms, of, group.received_at_ms):
            station.last_at_ms, station.last_of = at_ms, of
            group.last[name] = (gateway, item, at_ms, mark)

    def _event(self, connection: sqlite3.Connection, gateway: str, stream_key: int, item: Event, group: _Group) -> None:
        at_ms, mark = item.at_ms, BY_OWN_CLOCK
        if not item.clock_synchronised:
            at_ms, mark = self._dated(connection, gateway, item)
        moments = (at_ms, group.received_at_ms, mark, item.monotonic_ms, item.boot_id)
        group.events.append((stream_key, item.seq, item.name, *moments, _encode(item.body).decode()))

    def _roll_up(self, connection: sqlite3.Connection, group: _Group) -> None:
        values = np.array([row[_HEAD:] for row in group.rows], dtype=np.float64)
        for row, quantity in group.flagged:
            values[row, NAMES.index(quantity)] = np.nan
        rows = deltas([row[0] for row in group.rows], [row[1] for row in group.rows], values)
        _UPSERT_ROLLUPS.run(connection, rows)

    def _keep_last(self, connection: sqlite3.Connection, group: _Group, received_unix_ms: int) -> None:
        rows: list[tuple[Any, ...]] = []
        for name, (gateway, item, at_ms, mark) in group.last.items():
            station = self._stations[name]
            if station.gateway != gateway:
                connection.execute("UPDATE stations SET gateway = ? WHERE key = ?", (gateway, station.key))
                station.gateway = gateway
            flags = _encode(item.flags).decode() if item.flags else None
            moments = (at_ms, group.received_at_ms, received_unix_ms, mark)
            rows.append((station.key, gateway, item.seq, *moments, _encode(item.values).decode(), flags))
        _UPSERT_LAST.run(connection, rows)

    def _stream(self, connection: sqlite3.Connection, gateway: str, stream: Stream, epoch: str, now_ms: int) -> _Stream:
        known = self._streams.get((gateway, stream, epoch))
        if known is not None:
            return known
        row = connection.execute(
            "SELECT key, progress, stored, duplicates, missing, last_at_ms FROM streams"
            " WHERE gateway = ? AND stream = ? AND epoch = ?",
            (gateway, stream, epoch),
        ).fetchone()
        if row is None:
            connection.execute("INSERT INTO gateways (gateway) VALUES (?) ON CONFLICT (gateway) DO NOTHING", (gateway,))
            key = connection.execute(
                "INSERT INTO streams (gateway, stream, epoch, progress, up_to_seq, stored, duplicates, shed, missing, last_at_ms)"
                " VALUES (?, ?, ?, '{}', 0, 0, 0, 0, 0, ?) RETURNING key",
                (gateway, stream, epoch, now_ms),
            ).fetchone()[0]
            known = _Stream(key, Progress(), 0, 0, 0, now_ms, new=True)
        else:
            known = _Stream(row[0], msgspec.json.decode(row[1], type=Progress), *row[2:])
        self._streams[gateway, stream, epoch] = known
        return known

    def _station(self, connection: sqlite3.Connection, name: str) -> _Station:
        select = (
            "SELECT key, stations.gateway, l.at_ms, l.seq, (SELECT max(stream_key) FROM readings AS r"
            " WHERE r.station_key = key AND r.at_ms = l.at_ms AND r.seq = l.seq)"
            " FROM stations LEFT JOIN last_readings AS l ON l.station_key = key WHERE id = ?"
        )
        row = connection.execute(select, (name,)).fetchone()
        if row is None:
            connection.execute(
                "INSERT INTO stations (id, name_ja, name_en, surface, configured) VALUES (?, ?, ?, '', 0)",
                (name, name, name),
            )
            row = connection.execute(select, (name,)).fetchone()
        station = _Station(row[0], row[1], -1 if row[2] is None else row[2], (row[4] or 0, row[3] or 0))
        self._stations[name] = station
        return station


def _write_stream(connection: sqlite3.Connection, stream: _Stream) -> None:
    progress = stream.progress
    connection.execute(
        "UPDATE streams SET progress = ?, up_to_seq = ?, stored = ?, duplicates = ?, shed = ?, missing = ?, last_at_ms = ? WHERE key = ?",
        (
            _encode(progress).decode(),
            progress.up_to,
            stream.stored,
            stream.duplicates,
            progress.shed_total,
            stream.missing,
            stream.last_at_ms,
            stream.key,
        ),
    )
    stream.new = False


def _add_gaps(
    connection: sqlite3.Connection, stream: _Stream, gaps: list[tuple[int, int, int]], noticed_at_ms: int
) -> None:
    for first, last, count in gaps:
        connection.execute(
            "INSERT INTO gaps (stream_key, first_seq, last_seq, count, noticed_at_ms, first_contact) VALUES (?, ?, ?, ?, ?, ?)",
            (stream.key, first, last, count, noticed_at_ms, stream.new),
        )
        stream.missing += count


def _heal_gaps(connection: sqlite3.Connection, stream: _Stream, seqs: list[int]) -> None:
    """Items of a gap came after all: the gap shrinks to what is still missing."""
    overlapping = connection.execute(
        "SELECT id, first_seq, last_seq, count, noticed_at_ms, first_contact FROM gaps"
        " WHERE stream_key = ? AND first_seq <= ? AND last_seq >= ?",
        (stream.key, seqs[-1], seqs[0]),
    ).fetchall()
    for gap_id, first, last, count, noticed_at_ms, first_contact in overlapping:
        came = sum(first <= seq <= last for seq in seqs)
        if came == 0:
            continue
        connection.execute("DELETE FROM gaps WHERE id = ?", (gap_id,))
        left = count - came
        stream.missing -= came
        for low, high in stream.progress.holes(first, last):
            part = min(left, high - low + 1)
            left -= part
            connection.execute(
                "INSERT INTO gaps (stream_key, first_seq, last_seq, count, noticed_at_ms, first_contact) VALUES (?, ?, ?, ?, ?, ?)",
                (stream.key, low, high, part, noticed_at_ms, first_contact),
            )


def _add_shed(connection: sqlite3.Connection, stream: _Stream, item: Shed) -> bool:
    """False when this tombstone was known. One that covers earlier ones takes their place."""
    covering = connection.execute(
        "SELECT count(*) FROM shed_ranges WHERE stream_key = ? AND first_seq <= ? AND last_seq >= ?",
        (stream.key, item.first_seq, item.seq),
    ).fetchone()[0]
    if covering:
        return False
    connection.execute(
        "DELETE FROM shed_ranges WHERE stream_key = ? AND first_seq >= ? AND last_seq <= ?",
        (stream.key, item.first_seq, item.seq),
    )
    connection.execute(
        "INSERT INTO shed_ranges (stream_key, first_seq, last_seq, count, first_at_ms, last_at_ms, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (stream.key, item.first_seq, item.seq, item.count, item.first_at_ms, item.last_at_ms, item.reason),
    )
    stream.progress.shed(item.first_seq, item.seq, item.count)
    return True
