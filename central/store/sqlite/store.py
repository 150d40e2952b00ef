"""`Store` on SQLite: hands writes to the one writer thread, reads from a small pool of connections."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import msgspec

from central.store.door import (
    Frame,
    FramePage,
    Gap,
    GatewayState,
    Incoming,
    Ingested,
    LastReading,
    Reject,
    Resolution,
    Series,
    ShedRange,
    Station,
    Store,
    StoredEvent,
    StoreHealth,
)
from central.store.sqlite import reading, twin
from central.store.sqlite.connection import InUse, Readers, connect, connect_reader, migrate
from central.store.sqlite.ingesting import Ingestion
from central.store.sqlite.writer import Writer
from contract.clock import Clock
from contract.errors import UserError
from contract.messages import Batch, Health, Hello, Presence, RejectReason
from contract.topics import Stream
from contract.twin import Desired, Reported

REJECTS_KEPT: Final = 1_000
PAYLOAD_HEAD_BYTES: Final = 200

_encode = msgspec.json.Encoder().encode


def open_store(path: Path, clock: Clock, unix_s: Callable[[], float] = time.time) -> "SqliteStore":
    """The store at `path`, made and migrated when needed. Raises UserError when it cannot be opened.

    Args:
        path: the database file; its folder is made.
        clock: the city's time, for `received_at_ms`.
        unix_s: the machine's own time, for `received_unix_ms`.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        in_use = InUse(path, alone=False)
    except OSError as error:
        raise UserError(f"cannot be opened as a store: {error.strerror}", where=str(path)) from None
    try:
        migrate(path)
        return SqliteStore(path, clock, unix_s, in_use)
    except sqlite3.Error as error:
        in_use.release()
        raise UserError(f"cannot be opened as a store: {error}", where=str(path)) from None
    except BaseException:
        in_use.release()
        raise


class SqliteStore(Store):
    """See `Store`. Made by `open_store`."""

    def __init__(self, path: Path, clock: Clock, unix_s: Callable[[], float], in_use: InUse) -> None:
        self._path = path
        self._clock = clock
        self._unix_s = unix_s
        self._in_use = in_use
        self._ingestion = Ingestion()
        self._writer = Writer(connect(path), self._ingestion.forget)
        self._readers = Readers(path)
        # PRAGMA data_version compares with what the same connection saw before: it needs one of its own.
        self._watcher = connect_reader(path)
        self._watching = threading.Lock()
        self._closed = False

    # -- writes ----------------------------------------------------------------------------------------------------

    def ingest(self, batches: Sequence[Incoming]) -> Future[list[Ingested]]:
        def job(connection: sqlite3.Connection) -> list[Ingested]:
            return self._ingestion.run(connection, batches, self._clock.unix_ms(), round(self._unix_s() * 1000))

        return self._writer.submit(job)

    def ingest_batch(self, gateway: str, stream: Stream, batch: Batch) -> Future[Ingested]:
        incoming = [Incoming(gateway, stream, batch)]

        def job(connection: sqlite3.Connection) -> Ingested:
            now_ms, unix_ms = self._clock.unix_ms(), round(self._unix_s() * 1000)
            return self._ingestion.run(connection, incoming, now_ms, unix_ms)[0]

        return self._writer.submit(job)

    def set_presence(self, gateway: str, presence: Presence) -> Future[None]:
        return self._set_said(gateway, "presence", presence)

    def set_hello(self, gateway: str, hello: Hello) -> Future[None]:
        return self._set_and_date(gateway, "hello", hello)

    def set_health(self, gateway: str, health: Health) -> Future[None]:
        return self._set_and_date(gateway, "health", health)

    def set_reported(self, gateway: str, reported: Reported) -> Future[None]:
        now_ms = self._clock.unix_ms()
        return self._writer.submit(lambda connection: twin.set_reported(connection, gateway, reported, now_ms))

    def add_desired(self, desired: Desired) -> Future[bool]:
        return self._writer.submit(lambda connection: twin.add_desired(connection, desired))

    def _set_said(self, gateway: str, column: str, said: Presence | Hello | Health) -> Future[None]:
        return self._write(*_said(gateway, column, said, self._clock.unix_ms()))

    def _set_and_date(self, gateway: str, column: str, said: Hello | Health) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            now_ms = self._clock.unix_ms()
            connection.execute(*_said(gateway, column, said, now_ms))
            if said.monotonic_ms is not None:
                proven = said.clock_synchronised
                offset_ms = (said.at_ms if proven else now_ms) - said.monotonic_ms
                self._ingestion.note_boot(connection, gateway, said.boot_id, offset_ms, now_ms, proven=proven)

        return self._writer.submit(job)

    def add_reject(self, reject: Reject) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO rejects (gateway, topic, reason, detail, payload_head, at_ms) VALUES (?, ?, ?, ?, ?, ?)",
                (
                    reject.gateway,
                    reject.topic,
                    reject.reason,
                    reject.detail,
                    reject.payload_head[:PAYLOAD_HEAD_BYTES],
                    reject.at_ms,
                ),
            )
            connection.execute("DELETE FROM rejects WHERE id <= (SELECT max(id) FROM rejects) - ?", (REJECTS_KEPT,))
            connection.execute(
                "INSERT INTO reject_counts VALUES (?, ?, 1) ON CONFLICT (gateway, reason) DO UPDATE SET count = count + 1",
                (reject.gateway, reject.reason),
            )

        return self._writer.submit(job)

    def station_upsert(self, station: Station) -> Future[None]:
        return self._write(
            "INSERT INTO stations (id, name_ja, name_en, lat, lon, surface, profile, configured) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (id) DO UPDATE SET name_ja = excluded.name_ja, name_en = excluded.name_en,"
            " lat = excluded.lat, lon = excluded.lon, surface = excluded.surface,"
            " profile = excluded.profile, configured = excluded.configured",
            (
                station.id,
                station.name_ja,
                station.name_en,
                station.lat,
                station.lon,
                station.surface,
                station.profile,
                station.configured,
            ),
        )

    def add_frame(self, frame: Frame) -> Future[None]:
        return self._write(
            "INSERT OR REPLACE INTO frames (id, at_ms, computed_at_ms, meta) VALUES (?, ?, ?, ?)",
            (frame.id, frame.at_ms, frame.computed_at_ms, _encode(frame.meta).decode()),
        )

    def delete_frames(self, frame_ids: Sequence[str]) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM frames WHERE id = ?", [(frame_id,) for frame_id in frame_ids])

        return self._writer.submit(job)

    def _write(self, statement: str, parameters: tuple[Any, ...]) -> Future[None]:
        def job(connection: sqlite3.Connection) -> None:
            connection.execute(statement, parameters)

        return self._writer.submit(job)

    # -- reads -----------------------------------------------------------------------------------------------------

    def stations(self) -> list[Station]:
        with self._readers.one() as connection:
            return reading.stations(connection)

    def last_readings(self) -> list[LastReading]:
        with self._readers.one() as connection:
            return reading.last_readings(connection)

    def readings(  # noqa: PLR0917 - a question with its page
        self,
        station: str,
        from_ms: int,
        to_ms: int,
        resolution: Resolution = Resolution.MINUTE,
        limit: int = 10_000,
        after: str | None = None,
        quantities: Sequence[str] | None = None,
    ) -> Series:
        with self._readers.one() as connection:
            return reading.readings(
                connection, station, (from_ms, to_ms), resolution, limit=limit, after=after, quantities=quantities
            )

    def latest_frame(self) -> Frame | None:
        with self._readers.one() as connection:
            return reading.latest_frame(connection)

    def frame(self, frame_id: str) -> Frame | None:
        with self._readers.one() as connection:
            return reading.frame(connection, frame_id)

    def frames(self, limit: int = 100, after: str | None = None) -> FramePage:
        with self._readers.one() as connection:
            return reading.frames(connection, limit, after)

    def gateways(self) -> list[GatewayState]:
        with self._readers.one() as connection:
            return reading.gateways(connection)

    def desired(self, gateway: str) -> Desired | None:
        with self._readers.one() as connection:
            return twin.desired(connection, gateway)

    def desired_versions(self) -> dict[str, int]:
        with self._readers.one() as connection:
            return twin.desired_versions(connection)

    def reported(self, gateway: str) -> Reported | None:
        with self._readers.one() as connection:
            return twin.reported(connection, gateway)

    def gaps(self) -> list[Gap]:
        with self._readers.one() as connection:
            return reading.gaps(connection)

    def shed_ranges(self) -> list[ShedRange]:
        with self._readers.one() as connection:
            return reading.shed_ranges(connection)

    def events(self, after: int = 0, limit: int = 1_000, name: str | None = None) -> list[StoredEvent]:
        with self._readers.one() as connection:
            return reading.events(connection, after, limit, name)

    def rejects(self, limit: int = 100) -> list[Reject]:
        with self._readers.one() as connection:
            return reading.rejects(connection, limit)

    def reject_counts(self) -> dict[tuple[str, RejectReason], int]:
        with self._readers.one() as connection:
            return reading.reject_counts(connection)

    def change_token(self) -> int:
        with self._watching:
            token: int = self._watcher.execute("PRAGMA data_version").fetchone()[0]
            return token

    def health(self) -> StoreHealth:
        size_bytes = sum(
            path.stat().st_size
            for suffix in ("", "-wal")
            if (path := self._path.with_name(self._path.name + suffix)).exists()
        )
        return StoreHealth(self._writer.problem, self._writer.waiting(), size_bytes, self._writer.last_commit_unix_ms)

    # -- the file --------------------------------------------------------------------------------------------------

    def backup(self, target: Path) -> None:
        with self._readers.one() as connection:
            copy(connection, target)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        self._readers.close()
        with self._watching:
            self._watcher.close()
        self._in_use.release()


def _said(gateway: str, column: str, said: Presence | Hello | Health, now_ms: int) -> tuple[str, tuple[str, str, int]]:
    """The statement and its values that keep what a gateway says of itself; `column` is one of three words of this file."""
    statement = (
        f"INSERT INTO gateways (gateway, {column}, {column}_at_ms) VALUES (?, ?, ?)"  # noqa: S608
        f" ON CONFLICT (gateway) DO UPDATE SET {column} = excluded.{column}, {column}_at_ms = excluded.{column}_at_ms"
    )
    return statement, (gateway, _encode(said).decode(), now_ms)


def copy(source: sqlite3.Connection, target: Path) -> None:
    """A consistent copy of the whole database, complete or not there at all. Raises UserError when it cannot be written."""
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        destination = sqlite3.connect(part)
        try:
            source.backup(destination)
            # A copy is one file: no log beside it that could be left behind.
            destination.execute("PRAGMA journal_mode = DELETE")
        finally:
            destination.close()
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(target)
        _sync_folder(target.parent)
    except (OSError, sqlite3.Error) as error:
        part.unlink(missing_ok=True)
        raise UserError(f"the copy cannot be written: {error}", where=str(target)) from None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
