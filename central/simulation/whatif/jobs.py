"""Scenarios as jobs: one at a time, a short queue, the newest results kept in memory."""

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import structlog

from central.city.grid import Grid
from central.heat.surface import Surface
from central.simulation.frames import Layer
from central.simulation.whatif.compare import Codes, Comparison, Mask, Moment, Row, compare
from central.simulation.whatif.edit import Change
from central.simulation.whatif.maps import map_layers, window_grid
from central.simulation.whatif.surface import apply_changes
from central.simulation.whatif.window import Windows

WAITING_MAX: Final = 4
KEPT_MAX: Final = 16
"""Finished scenarios; a window of 500 x 500 cells takes 2 MB a moment."""

log = structlog.get_logger("central.simulation")


class JobState(StrEnum):
    """Where a scenario stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, eq=False)
class Task:
    """What is to be compared."""

    surface: Surface
    grid: Grid
    changes: Sequence[Change]
    moments: Sequence[Moment]
    is_walk: Mask
    land_cover: Codes | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """`windows`, `grid`: None where the changes change no cell; then there are no rows and no layers either."""

    windows: Windows | None
    grid: Grid | None
    rows: tuple[Row, ...]
    layers: tuple[dict[str, Layer], ...]
    """For each moment, by name."""
    untouched: tuple[int, ...]
    """Features that changed no cell."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A scenario at one moment."""

    id: str
    state: JobState
    share: float
    message: str
    submitted_at_ms: int
    changes: int
    result: Result | None


@dataclass(eq=False)
class _Job:
    id: str
    task: Task | None
    submitted_at_ms: int
    changes: int
    state: JobState = JobState.WAITING
    share: float = 0.0
    message: str = "waiting"
    result: Result | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def view(self) -> JobView:
        return JobView(self.id, self.state, self.share, self.message, self.submitted_at_ms, self.changes, self.result)


class QueueFullError(Exception):
    """As many scenarios wait as may."""


class _CancelledError(Exception):
    """The job was told to stop."""


Worker = Callable[[Task, Callable[[float, str], None]], Result]


def run_task(task: Task, progress: Callable[[float, str], None]) -> Result:
    """The whole comparison, in the caller's thread. Raises ValueError for a land cover of unknown codes."""
    edited = apply_changes(task.surface, task.grid, task.changes)
    found: Comparison = compare(
        task.surface,
        edited.surface,
        edited.is_changed,
        task.moments,
        task.is_walk,
        land_cover=task.land_cover,
        progress=progress,
    )
    layers = tuple(map_layers(found, number) for number in range(len(found.maps)))
    grid = None if found.windows is None else window_grid(task.grid, found.windows.dirty)
    return Result(found.windows, grid, found.rows, layers, edited.untouched)


class ScenarioJobs:
    """Runs scenarios. A thread lives only while there is something to do."""

    def __init__(self, work: Worker = run_task, *, waiting_max: int = WAITING_MAX, kept_max: int = KEPT_MAX) -> None:
        self._work = work
        self._waiting_max = waiting_max
        self._kept_max = kept_max
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._queue: deque[_Job] = deque()
        self._thread: threading.Thread | None = None

    def submit(self, task: Task, now_ms: int) -> JobView:
        """Puts a scenario in the queue. Raises QueueFullError."""
        with self._lock:
            if len(self._queue) >= self._waiting_max:
                raise QueueFullError(f"{len(self._queue)} scenarios wait already")
            job = _Job(secrets.token_hex(8), task, now_ms, len(task.changes))
            self._jobs[job.id] = job
            self._queue.append(job)
            self._forget_oldest()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="scenarios", daemon=True)
                self._thread.start()
            return job.view()

    def get(self, job_id: str) -> JobView | None:
        with self._lock:
            job = self._jobs.get(job_id)
            return None if job is None else job.view()

    def cancel(self, job_id: str) -> JobView | None:
        """Takes a waiting scenario out of the queue, stops a running one at its next step, forgets the maps of a finished one."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None:
                return None
            job.cancelled.set()
            if job.state is JobState.WAITING:
                self._queue.remove(job)
            if job.state is not JobState.RUNNING:
                job.state, job.message, job.result, job.task = JobState.CANCELLED, "cancelled", None, None
            return job.view()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Cancels everything and waits for the running scenario to notice."""
        with self._lock:
            for job in self._jobs.values():
                job.cancelled.set()
            for job in self._queue:
                job.state, job.message, job.task = JobState.CANCELLED, "cancelled", None
            self._queue.clear()
            thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._thread = None
                    return
                job = self._queue.popleft()
                job.state, job.message = JobState.RUNNING, "starting"
                task = job.task
            assert task is not None
            state, message, result = self._outcome(job, task)
            with self._lock:
                job.state, job.message, job.result, job.task = state, message, result, None
                if state is JobState.DONE:
                    job.share = 1.0

    def _outcome(self, job: _Job, task: Task) -> tuple[JobState, str, Result | None]:
        def report(share: float, line: str) -> None:
            if job.cancelled.is_set():
                raise _CancelledError
            with self._lock:
                job.share, job.message = share, line

        try:
            result = self._work(task, report)
        except _CancelledError:
            return JobState.CANCELLED, "cancelled", None
        except ValueError as error:
            return JobState.FAILED, str(error).splitlines()[0], None
        except Exception as error:
            log.exception("a scenario failed", scenario=job.id)
            return JobState.FAILED, f"an internal fault ({type(error).__name__})", None
        if job.cancelled.is_set():
            return JobState.CANCELLED, "cancelled", None
        return JobState.DONE, "done" if result.windows is not None else "the changes change no cell", result

    def _forget_oldest(self) -> None:
        over = [job.id for job in self._jobs.values() if job.state not in {JobState.WAITING, JobState.RUNNING}]
        for name in over[: max(0, len(over) - self._kept_max)]:
            del self._jobs[name]
