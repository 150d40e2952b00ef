"""Who belongs to the fleet: gateways, their certificates, their claim codes (as hashes) and what was refused, in `fleet.db`.

A file of its own, beside the keys it belongs to: putting an older backup of the readings back must never bring a revoked gateway
to life again, and the process that signs needs nothing else of the store. Each operation is one transaction on a connection of its
own: the command line and the service work on it at the same time.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from contract.errors import UserError

SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_S: Final = 5.0
_SCHEMA: Final = """
CREATE TABLE gateways (
    id TEXT PRIMARY KEY, site TEXT NOT NULL, status TEXT NOT NULL, created_ms INTEGER NOT NULL,
    claimed_ms INTEGER, renewed_ms INTEGER, revoked_ms INTEGER, revoked_reason TEXT
) STRICT;
CREATE TABLE certificates (
    serial TEXT PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateways (id), fingerprint TEXT NOT NULL,
    key_fingerprint TEXT NOT NULL, pem TEXT NOT NULL, not_before_ms INTEGER NOT NULL, not_after_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT;
CREATE INDEX certificates_of_gateway ON certificates (gateway, not_after_ms);
CREATE TABLE codes (
    hash TEXT PRIMARY KEY, gateway TEXT NOT NULL REFERENCES gateways (id), created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL, used_ms INTEGER, used_by_key TEXT
) STRICT;
CREATE TABLE refusals (
    gateway TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    PRIMARY KEY (gateway, reason)
) STRICT;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""


class Status(StrEnum):
    """`invited`: has a code and no certificate; `active`: claimed; `revoked`: out, until invited anew."""

    INVITED = "invited"
    ACTIVE = "active"
    REVOKED = "revoked"


class Gateway(msgspec.Struct, frozen=True):
    id: str
    site: str
    status: Status
    created_ms: int
    claimed_ms: int | None = None
    renewed_ms: int | None = None
    revoked_ms: int | None = None
    revoked_reason: str | None = None


class Certificate(msgspec.Struct, frozen=True):
    """One that was issued. `serial` in hex; fingerprints are SHA-256 in hex, of the certificate and of its public key."""

    serial: str
    gateway: str
    fingerprint: str
    key_fingerprint: str
    pem: str
    not_before_ms: int
    not_after_ms: int
    revoked_ms: int | None = None


class Code(msgspec.Struct, frozen=True):
    """A claim code that was given out. `used_by_key` is the fingerprint of the key that used it."""

    hash: str
    gateway: str
    created_ms: int
    expires_ms: int
    used_ms: int | None = None
    used_by_key: str | None = None


class Refusals(msgspec.Struct, frozen=True):
    gateway: str
    reason: str
    count: int
    last_ms: int


class Registry:
    """See the module. Raises UserError when the file cannot be opened or was made by another version."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute("COMMIT")
            if version not in {0, SCHEMA_VERSION}:
                raise UserError(f"has version {version}, this software knows {SCHEMA_VERSION}", where=str(path))

    @contextlib.contextmanager
    def change(self) -> "Iterator[Change]":
        """One transaction, alone among writers: what it reads stays true until it is committed."""
        with self._opened() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield Change(db)
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    @contextlib.contextmanager
    def view(self) -> "Iterator[View]":
        """One consistent look."""
        with self._opened() as db:
            db.execute("BEGIN")
            yield View(db)
            db.execute("COMMIT")

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            # Before SQLite makes it: for its owner alone.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            db = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"the registry cannot be opened: {error}", where=str(self._path)) from None
        try:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            yield db
        except sqlite3.Error as error:
            raise UserError(f"the registry cannot be used: {error}", where=str(self._path)) from error
        finally:
            db.close()


class View:
    """What can be asked."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def gateway(self, gateway: str) -> Gateway | None:
        row = self._db.execute(f"{_SELECT_GATEWAY} WHERE id = ?", (gateway,)).fetchone()
        return None if row is None else _gateway(row)

    def gateways(self) -> list[Gateway]:
        return [_gateway(row) for row in self._db.execute(f"{_SELECT_GATEWAY} ORDER BY id")]

    def certificate(self, serial: str) -> Certificate | None:
        row = self._db.execute(f"{_SELECT_CERTIFICATE} WHERE serial = ?", (serial,)).fetchone()
        return None if row is None else Certificate(*row)

    def certificates(self, gateway: str) -> list[Certificate]:
        """Newest last."""
        where = "WHERE gateway = ? ORDER BY not_after_ms, rowid"
        return [Certificate(*row) for row in self._db.execute(f"{_SELECT_CERTIFICATE} {where}", (gateway,))]

    def certificate_of_key(self, key_fingerprint: str) -> Certificate | None:
        """The newest one issued for a key, whoever's."""
        where = "WHERE key_fingerprint = ? ORDER BY not_after_ms DESC LIMIT 1"
        row = self._db.execute(f"{_SELECT_CERTIFICATE} {where}", (key_fingerprint,)).fetchone()
        return None if row is None else Certificate(*row)

    def code(self, code_hash: str) -> Code | None:
        row = self._db.execute(
            "SELECT hash, gateway, created_ms, expires_ms, used_ms, used_by_key FROM codes WHERE hash = ?",
            (code_hash,),
        ).fetchone()
        return None if row is None else Code(*row)

    def revoked(self) -> list[tuple[int, int]]:
        """(serial, when) of every revoked certificate."""
        rows = self._db.execute(
            "SELECT serial, revoked_ms FROM certificates WHERE revoked_ms IS NOT NULL ORDER BY serial"
        )
        return [(int(serial, 16), at_ms) for serial, at_ms in rows]

    def refusals(self) -> list[Refusals]:
        rows = self._db.execute("SELECT gateway, reason, count, last_ms FROM refusals ORDER BY gateway, reason")
        return [Refusals(*row) for row in rows]


class Change(View):
    """What can be changed, inside one transaction."""

    def put_gateway(self, gateway: Gateway) -> None:
        row = msgspec.structs.astuple(gateway)
        self._db.execute("INSERT OR IGNORE INTO gateways VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._db.execute(
            "UPDATE gateways SET site = ?, status = ?, created_ms = ?, claimed_ms = ?, renewed_ms = ?, revoked_ms = ?,"
            " revoked_reason = ? WHERE id = ?",
            (*row[1:], gateway.id),
        )

    def add_code(self, code: Code) -> None:
        """The newest code is the only one: older ones that nobody used are forgotten."""
        self._db.execute("DELETE FROM codes WHERE gateway = ? AND used_ms IS NULL", (code.gateway,))
        self._db.execute("INSERT INTO codes VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(code))

    def use_code(self, code_hash: str, key_fingerprint: str, now_ms: int) -> None:
        self._db.execute(
            "UPDATE codes SET used_ms = ?, used_by_key = ? WHERE hash = ?", (now_ms, key_fingerprint, code_hash)
        )

    def forget_codes(self, gateway: str) -> None:
        """Those that nobody used."""
        self._db.execute("DELETE FROM codes WHERE gateway = ? AND used_ms IS NULL", (gateway,))

    def add_certificate(self, certificate: Certificate) -> None:
        self._db.execute(
            "INSERT INTO certificates VALUES (?, ?, ?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(certificate)
        )

    def revoke_certificates(self, gateway: str, now_ms: int) -> int:
        """All of the gateway that are not yet; returns how many."""
        done = self._db.execute(
            "UPDATE certificates SET revoked_ms = ? WHERE gateway = ? AND revoked_ms IS NULL", (now_ms, gateway)
        )
        return done.rowcount

    def count_refusals(self, gateway: str, reason: str, count: int, now_ms: int) -> None:
        self._db.execute(
            "INSERT INTO refusals VALUES (?, ?, ?, ?) ON CONFLICT (gateway, reason)"
            " DO UPDATE SET count = count + excluded.count, last_ms = excluded.last_ms",
            (gateway, reason, count, now_ms),
        )

    def next_number(self, name: str) -> int:
        """1, 2, 3, ... of a named counter."""
        self._db.execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1", (name,)
        )
        number: int = self._db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()[0]
        return number


_SELECT_GATEWAY: Final = (
    "SELECT id, site, status, created_ms, claimed_ms, renewed_ms, revoked_ms, revoked_reason FROM gateways"
)
_SELECT_CERTIFICATE: Final = (
    "SELECT serial, gateway, fingerprint, key_fingerprint, pem, not_before_ms, not_after_ms, revoked_ms"
    " FROM certificates"
)


def _gateway(row: tuple[str, str, str, int, int | None, int | None, int | None, str | None]) -> Gateway:
    name, site, status, *times = row
    return Gateway(name, site, Status(status), *times)  # type: ignore[arg-type]
