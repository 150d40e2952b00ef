"""Connections to the one file: how they are opened, what they promise, and the schema's migrations."""

import fcntl
import math
import os
import queue
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from central.store.migrations.runner import Migration, still_to_run
from contract.errors import UserError

BUSY_TIMEOUT_MS: Final = 2_000
READERS_MAX: Final = 4


def connect(path: Path) -> sqlite3.Connection:
    """A connection for writing. WAL with synchronous=FULL: a commit that returned survives the loss of power."""
    connection = _open(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cache_size = -65536")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    connection = _open(path)
    connection.execute("PRAGMA query_only = ON")
    try:
        connection.execute("SELECT degrees(atan2(1, 1))")
    except sqlite3.OperationalError:  # a SQLite built without its mathematical functions
        connection.create_function("atan2", 2, math.atan2, deterministic=True)
        connection.create_function("degrees", 1, math.degrees, deterministic=True)
    return connection


def _open(path: Path) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where the code says, not where the module guesses.
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise UserError(f"cannot be opened as a store: {error}", where=str(path)) from None
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        connection.close()
        raise UserError(f"cannot be opened as a store: {error}", where=str(path)) from None
    return connection


class Readers:
    """A small pool of read-only connections, made when first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._free: queue.LifoQueue[sqlite3.Connection | None] = queue.LifoQueue()
        for _ in range(READERS_MAX):
            self._free.put(None)

    @contextmanager
    def one(self) -> Iterator[sqlite3.Connection]:
        connection = self._free.get()
        try:
            if connection is None:
                connection = connect_reader(self._path)
            yield connection
        finally:
            self._free.put(connection)

    def close(self) -> None:
        """Waits for reads under way. A later read opens a new connection."""
        for connection in [self._free.get() for _ in range(READERS_MAX)]:
            if connection is not None:
                connection.close()
            self._free.put(None)


def pending(path: Path) -> list[Migration]:
    """The migrations that have not run on this file; all of them for a file that does not exist. Only reads."""
    if not path.exists():
        return still_to_run("sqlite", [], str(path))
    connection = connect_reader(path)
    try:
        return still_to_run("sqlite", _ran(connection), str(path))
    finally:
        connection.close()


def migrate(path: Path) -> list[Migration]:
    """Runs what is pending and returns it. Each step and the note that it ran are one transaction."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path)
    done: list[Migration] = []
    try:
        while True:
            # Looked up under the write lock: two processes that start at once run each step once.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, ran_unix_ms INTEGER NOT NULL)"
            )
            steps = still_to_run("sqlite", _ran(connection), str(path))
            if not steps:
                connection.execute("COMMIT")
                return done
            for statement in statements(steps[0].sql):
                connection.execute(statement)
            note = (steps[0].number, steps[0].name, time.time_ns() // 1_000_000)
            connection.execute("INSERT INTO migrations VALUES (?, ?, ?)", note)
            connection.execute("COMMIT")
            done.append(steps[0])
    finally:
        connection.close()


def statements(script: str) -> Iterator[str]:
    """The single statements of a script; `executescript` would commit behind our back."""
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            yield text
            text = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in text.splitlines()):
        raise ValueError(f"the last statement does not end: {text.strip()[:60]!r}")


def _ran(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    there = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'migrations'").fetchone()[0]
    return connection.execute("SELECT number, name FROM migrations").fetchall() if there else []


class InUse:
    """The mark beside a store that says "a process has this open", so that nobody restores over it. Gone with the process."""

    def __init__(self, path: Path, *, alone: bool) -> None:
        """Raises UserError when `alone` is asked for and somebody else has the store open."""
        lock_path = path.with_name(path.name + ".lock")
        self._descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            problem = "the store is in use" if alone else "the store is being restored"
            raise UserError(problem, where=str(path), hint="stop kumagaya central first") from None

    def release(self) -> None:
        os.close(self._descriptor)
