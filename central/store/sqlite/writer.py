"""One thread writes. Whoever has something to write hands in a job; jobs that wait together share one commit.

One fsync then serves many callers (group commit), and no two writers ever meet. A job that fails by its own fault is undone alone; when
the database itself cannot write, all jobs of the group fail with StoreUnavailable and nothing of them is kept.
"""

import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from central.store.door import StoreUnavailable

GROUP_JOBS_MAX: Final = 256
_OWN_FAULT: Final = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.InterfaceError)
Result = TypeVar("Result")
Job = Callable[[sqlite3.Connection], Any]


class Writer:
    """Owns the writing connection.

    Args:
        connection: used by the writer's thread only, from now on.
        forget: called on the writer's thread after anything was rolled back: what was remembered of the tables may be wrong.

    """

    def __init__(self, connection: sqlite3.Connection, forget: Callable[[], None]) -> None:
        self.problem: str | None = None
        self.last_commit_unix_ms: int | None = None
        self._connection = connection
        self._forget = forget
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Any]] | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[sqlite3.Connection], Result]) -> Future[Result]:
        """The job's result once it is committed. A cancelled future does not undo anything."""
        future: Future[Result] = Future()
        with self._closing:
            if self._closed:
                future.set_exception(StoreUnavailable("the store is closed"))
            else:
                self._jobs.put((job, future))
        return future

    def waiting(self) -> int:
        return self._jobs.qsize()

    def close(self) -> None:
        """Writes what waits, then ends the thread and closes the connection."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            group: list[tuple[Job, Future[Any]]] = []
            entry = self._jobs.get()
            while entry is not None:
                group.append(entry)
                if len(group) == GROUP_JOBS_MAX or self._jobs.empty():
                    break
                entry = self._jobs.get()
            if group:
                self._commit(group)
            if entry is None:
                self._connection.close()
                return

    def _commit(self, jobs: list[tuple[Job, Future[Any]]]) -> None:
        group = [(job, future) for job, future in jobs if future.set_running_or_notify_cancel()]
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(job) for job, _ in group]
            execute("COMMIT")
        except Exception as error:
            # Also what nobody expects: the thread must not end, or every later write would wait for ever.
            self._undo_all(group, f"{type(error).__name__}: {error}")
            return
        self.problem = None
        self.last_commit_unix_ms = time.time_ns() // 1_000_000
        for (_, future), (result, failure) in zip(group, outcomes, strict=True):
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(failure)

    def _attempt(self, job: Job) -> tuple[Any, Exception | None]:
        self._connection.execute("SAVEPOINT job")
        try:
            result = job(self._connection)
        except sqlite3.Error as failure:
            if not isinstance(failure, _OWN_FAULT):
                # Disk full, locked, damaged: not the job's fault, and no later job of the group would fare better.
                raise
            return self._undo(failure)
        except Exception as failure:
            return self._undo(failure)
        self._connection.execute("RELEASE job")
        return result, None

    def _undo(self, failure: Exception) -> tuple[None, Exception]:
        self._connection.execute("ROLLBACK TO job")
        self._connection.execute("RELEASE job")
        self._forget()
        return None, failure

    def _undo_all(self, group: list[tuple[Job, Future[Any]]], problem: str) -> None:
        # SQLite may have rolled back by itself: so it does when the disk is full.
        with contextlib.suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        self._forget()
        self.problem = problem
        for _, future in group:
            future.set_exception(StoreUnavailable(problem))
