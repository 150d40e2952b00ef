"""Rows out of the tables: one function a question, each on a connection it is given."""

import sqlite3
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from central.store import rollup
from central.store.door import (
    FRAMES_LIMIT_MAX,
    READINGS_LIMIT_MAX,
    BadCursor,
    Frame,
    FramePage,
    Gap,
    GatewayState,
    LastReading,
    Reject,
    Resolution,
    Series,
    ShedRange,
    Station,
    StoredEvent,
    StreamProgress,
)
from central.store.sqlite.dating import BY_BOUND
from contract.messages import Health, Hello, Presence, RejectReason
from contract.quantities import Flag
from contract.topics import Stream

_RESOLUTION_S: Final = {
    Resolution.MINUTE: rollup.MINUTE_S,
    Resolution.HOUR: rollup.HOUR_S,
    Resolution.DAY: rollup.DAY_S,
}
_values = msgspec.json.Decoder(dict[str, float | None])
_flags = msgspec.json.Decoder(dict[str, Flag])
_meta = msgspec.json.Decoder(dict[str, Any])


def stations(connection: sqlite3.Connection) -> list[Station]:
    rows = connection.execute(
        "SELECT id, name_ja, name_en, lat, lon, surface, profile, gateway, configured FROM stations ORDER BY id"
    ).fetchall()
    return [Station(*row[:8], *map(bool, row[8:])) for row in rows]


def last_readings(connection: sqlite3.Connection) -> list[LastReading]:
    rows = connection.execute(
        "SELECT id, l.gateway, seq, at_ms, received_at_ms, received_unix_ms, reading_values, flags, clock_synchronised"
        " FROM last_readings AS l JOIN stations AS s ON s.key = l.station_key ORDER BY id"
    ).fetchall()
    return [
        LastReading(
            station,
            gateway,
            seq,
            at_ms,
            received_at_ms,
            received_unix_ms,
            _values.decode(values),
            _flags.decode(flags) if flags else {},
            bool(synchronised),
        )
        for station, gateway, seq, at_ms, received_at_ms, received_unix_ms, values, flags, synchronised in rows
    ]


def readings(
    connection: sqlite3.Connection,
    station: str,
    span_ms: tuple[int, int],
    resolution: Resolution,
    *,
    limit: int,
    after: str | None,
    quantities: Sequence[str] | None,
) -> Series:
    if not 1 <= limit <= READINGS_LIMIT_MAX:
        raise ValueError(f"limit {limit} is not in 1 .. {READINGS_LIMIT_MAX}")
    names = rollup.NAMES if quantities is None else tuple(quantities)
    for name in names:
        if name not in rollup.NAMES:
            raise ValueError(f"unknown quantity {name!r}")
    if resolution is Resolution.RAW:
        return _raw(connection, station, span_ms, limit=limit, after=after, names=names)
    return _rolled_up(connection, station, span_ms, _RESOLUTION_S[resolution], limit=limit, after=after, names=names)


def _raw(
    connection: sqlite3.Connection,
    station: str,
    span_ms: tuple[int, int],
    *,
    limit: int,
    after: str | None,
    names: tuple[str, ...],
) -> Series:
    from_ms, to_ms = span_ms
    columns = ("at_ms", *names, "dating", "flags")
    # As `Series` says: nothing for a reading with its own date.
    dating = "CASE clock_synchronised WHEN 0 THEN 'by_receipt' WHEN 2 THEN 'by_boot' END"
    position = (from_ms, -1, -1) if after is None else _cursor(after, 3)
    rows = connection.execute(
        f"SELECT {', '.join(('at_ms', *names))}, {dating}, flags, stream_key, seq FROM readings"  # noqa: S608 - names are checked against the table of quantities
        " WHERE station_key = (SELECT key FROM stations WHERE id = ?) AND at_ms >= ? AND at_ms < ?"
        " AND (at_ms, stream_key, seq) > (?, ?, ?) ORDER BY at_ms, stream_key, seq LIMIT ?",
        (station, max(from_ms, position[0]), to_ms, *position, limit + 1),
    ).fetchall()
    cursor = None
    if len(rows) > limit:
        rows.pop()
        cursor = f"{rows[-1][0]}.{rows[-1][-2]}.{rows[-1][-1]}"
    return Series(columns, [row[:-2] for row in rows], cursor)


def _rolled_up(
    connection: sqlite3.Connection,
    station: str,
    span_ms: tuple[int, int],
    resolution_s: int,
    *,
    limit: int,
    after: str | None,
    names: tuple[str, ...],
) -> Series:
    from_ms, to_ms = span_ms
    columns = ["at_ms"]
    expressions = ["at_ms"]
    for name in names:
        if name in rollup.DIRECTIONS:
            # Vectors that cancel out have no direction.
            columns.append(name)
            expressions.append(
                f"CASE WHEN {name}_sin * {name}_sin + {name}_cos * {name}_cos > 1e-12 * {name}_n * {name}_n"
                f" THEN degrees(atan2({name}_sin, {name}_cos)) + 360.0 * ({name}_sin < 0) END"
            )
        else:
            columns += [name, f"{name}_min", f"{name}_max"]
            expressions += [f"{name}_sum / nullif({name}_n, 0)", f"{name}_min", f"{name}_max"]
    begin_ms = from_ms if after is None else max(from_ms, _cursor(after, 1)[0] + 1)
    rows = connection.execute(
        f"SELECT {', '.join(expressions)}, readings FROM rollups"  # noqa: S608 - names are checked against the table of quantities
        " WHERE resolution_s = ? AND station_key = (SELECT key FROM stations WHERE id = ?) AND at_ms >= ? AND at_ms < ?"
        " ORDER BY at_ms LIMIT ?",
        (resolution_s, station, begin_ms, to_ms, limit + 1),
    ).fetchall()
    cursor = None
    if len(rows) > limit:
        rows.pop()
        cursor = str(rows[-1][0])
    return Series((*columns, "readings"), rows, cursor)


def _cursor(text: str, parts: int) -> tuple[int, ...]:
    pieces = text.split(".")
    # 18 digits stay within SQLite's 64-bit integers.
    if len(pieces) != parts or not all(piece.isascii() and piece.isdigit() and len(piece) <= 18 for piece in pieces):
        raise BadCursor(f"cursor {text[:60]!r} is not one of ours")
    return tuple(int(piece) for piece in pieces)


_FRAME: Final = "SELECT id, at_ms, computed_at_ms, meta, number FROM frames"


def _frame(row: tuple[Any, ...]) -> Frame:
    return Frame(row[0], row[1], row[2], _meta.decode(row[3]))


def latest_frame(connection: sqlite3.Connection) -> Frame | None:
    row = connection.execute(f"{_FRAME} ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else _frame(row)


def frame(connection: sqlite3.Connection, frame_id: str) -> Frame | None:
    row = connection.execute(f"{_FRAME} WHERE id = ?", (frame_id,)).fetchone()
    return None if row is None else _frame(row)


def frames(connection: sqlite3.Connection, limit: int, after: str | None) -> FramePage:
    if not 1 <= limit <= FRAMES_LIMIT_MAX:
        raise ValueError(f"limit {limit} is not in 1 .. {FRAMES_LIMIT_MAX}")
    below = 2**62 if after is None else _cursor(after, 1)[0]
    rows = connection.execute(f"{_FRAME} WHERE number < ? ORDER BY number DESC LIMIT ?", (below, limit + 1)).fetchall()
    cursor = None
    if len(rows) > limit:
        rows.pop()
        cursor = str(rows[-1][4])
    return FramePage([_frame(row) for row in rows], cursor)


def gateways(connection: sqlite3.Connection) -> list[GatewayState]:
    streams: dict[str, list[StreamProgress]] = {}
    for gateway, *row in connection.execute(
        "SELECT gateway, stream, epoch, up_to_seq, stored, duplicates, shed, missing, last_at_ms FROM streams ORDER BY key"
    ):
        streams.setdefault(gateway, []).append(StreamProgress(Stream(row[0]), *row[1:]))
    states: list[GatewayState] = []
    for gateway, presence, presence_at_ms, hello, hello_at_ms, health, health_at_ms in connection.execute(
        "SELECT gateway, presence, presence_at_ms, hello, hello_at_ms, health, health_at_ms FROM gateways ORDER BY gateway"
    ):
        online = None if presence is None else msgspec.json.decode(presence, type=Presence).online
        said_hello = None if hello is None else msgspec.json.decode(hello, type=Hello)
        said_health = None if health is None else msgspec.json.decode(health, type=Health)
        states.append(
            GatewayState(
                gateway,
                online,
                presence_at_ms,
                said_hello,
                hello_at_ms,
                said_health,
                health_at_ms,
                streams.get(gateway, []),
            )
        )
    return states


def gaps(connection: sqlite3.Connection) -> list[Gap]:
    rows = connection.execute(
        "SELECT gateway, stream, epoch, first_seq, last_seq, count, noticed_at_ms, first_contact"
        " FROM gaps JOIN streams ON streams.key = stream_key ORDER BY id DESC"
    )
    return [Gap(row[0], Stream(row[1]), *row[2:7], *map(bool, row[7:])) for row in rows]


def events(connection: sqlite3.Connection, after: int, limit: int, name: str | None) -> list[StoredEvent]:
    rows = connection.execute(
        "SELECT number, gateway, epoch, seq, name, at_ms, received_at_ms, body, clock_synchronised"
        " FROM events JOIN streams ON streams.key = stream_key"
        " WHERE number > ? AND (? IS NULL OR name = ?) ORDER BY number LIMIT ?",
        (after, name, name, limit),
    )
    return [
        StoredEvent(number, gateway, epoch, seq, called, at_ms, received_at_ms, _meta.decode(body), mark != BY_BOUND)
        for number, gateway, epoch, seq, called, at_ms, received_at_ms, body, mark in rows
    ]


def shed_ranges(connection: sqlite3.Connection) -> list[ShedRange]:
    rows = connection.execute(
        "SELECT gateway, stream, epoch, first_seq, last_seq, count, first_at_ms, shed_ranges.last_at_ms, reason"
        " FROM shed_ranges JOIN streams ON streams.key = stream_key ORDER BY id DESC"
    )
    return [ShedRange(row[0], Stream(row[1]), *row[2:]) for row in rows]


def rejects(connection: sqlite3.Connection, limit: int) -> list[Reject]:
    rows = connection.execute(
        "SELECT gateway, topic, reason, detail, payload_head, at_ms FROM rejects ORDER BY id DESC LIMIT ?", (limit,)
    )
    return [Reject(row[0], row[1], RejectReason(row[2]), *row[3:]) for row in rows]


def reject_counts(connection: sqlite3.Connection) -> dict[tuple[str, RejectReason], int]:
    rows = connection.execute("SELECT gateway, reason, count FROM reject_counts")
    return {(gateway, RejectReason(reason)): count for gateway, reason, count in rows}
