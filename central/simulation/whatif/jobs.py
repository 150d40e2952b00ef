"""Scenarios as jobs: one at a time, a short queue, the newest results kept on disk."""

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
from central.simulation.whatif.shelf import Kept, KeptResult, ScenarioShelf, kept_layers
from central.simulation.whatif.surface import apply_changes
from central.simulation.whatif.window import Windows

WAITING_MAX: Final = 4
UNDONE_KEPT_MAX: Final = 16
"""Scenarios that failed or were cancelled; they are forgotten by a restart."""

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
    cropped: tuple[int, ...] = ()
    """Features that reach beyond the map."""


@dataclass(frozen=True, slots=True)
class JobView:
    """A scenario at one moment."""

    id: str
    state: JobState
    share: float
    message: str
    submitted_at_ms: int
    changes: int
    result: KeptResult | None


@dataclass(eq=False)
class _Job:
    id: str
    task: Task | None
    submitted_at_ms: int
    changes: int
    state: JobState = JobState.WAITING
    share: float = 0.0
    message: str = "waiting"
    kept: Kept | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    def view(self) -> JobView:
        result = None if self.kept is None else self.kept.result
        return JobView(self.id, self.state, self.share, self.message, self.submitted_at_ms, self.changes, result)


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
    return Result(found.windows, grid, found.rows, layers, edited.untouched, edited.cropped)


class ScenarioJobs:
    """Runs scenarios. A thread lives only while there is something to do.

    Args:
        shelf: where results are kept.
        work: what compares; handed in by tests.
        waiting_max: as many may wait.
        undone_kept_max: as many that failed or were cancelled are remembered.
    """

    def __init__(
        self,
        shelf: ScenarioShelf,
        work: Worker = run_task,
        *,
        waiting_max: int = WAITING_MAX,
        undone_kept_max: int = UNDONE_KEPT_MAX,
    ) -> None:
        self._shelf = shelf
        self._work = work
        self._waiting_max = waiting_max
        self._undone_kept_max = undone_kept_max
        self._lock = threading.Lock()
        self._place = ""
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._queue: deque[_Job] = deque()
        self._thread: threading.Thread | None = None

    def begin(self, place: str) -> None:
        """Takes up what is kept of this place. Once, before the first `submit`."""
        loaded = self._shelf.load(place)
        with self._lock:
            self._place = place
            for kept in loaded:
                job = _Job(
                    kept.id, None, kept.submitted_at_ms, kept.changes, JobState.DONE, 1.0, _done(kept.result), kept
                )
                self._jobs[kept.id] = job

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

    def all(self) -> list[JobView]:
        """Every scenario that is known, the one submitted last first."""
        with self._lock:
            views = [job.view() for job in self._jobs.values()]
        return sorted(views, key=lambda view: view.submitted_at_ms, reverse=True)

    def layer(self, job_id: str, moment: int, name: str) -> Layer | None:
        """A map of a finished scenario; None where there is none, or its file is gone."""
        with self._lock:
            job = self._jobs.get(job_id)
            kept = None if job is None else job.kept
        if kept is None or not 0 <= moment < len(kept.result.layers) or name not in kept.result.layers[moment]:
            return None
        return self._shelf.layer(kept, moment, name)

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
                if job.kept is not None:
                    self._shelf.forget(job.id)
                job.state, job.message, job.kept, job.task = JobState.CANCELLED, "cancelled", None, None
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
                # Under the lock, so that a cancelling either stops it from being kept or takes it away again.
                if result is not None:
                    state, message = self._keep(job, result)
                job.state, job.message, job.task = state, message, None
                if state is JobState.DONE:
                    job.share = 1.0

    def _keep(self, job: _Job, result: Result) -> tuple[JobState, str]:
        if job.cancelled.is_set():
            return JobState.CANCELLED, "cancelled"
        about = KeptResult(result.grid, result.rows, kept_layers(result.layers), result.untouched, result.cropped)
        kept = Kept(job.id, job.submitted_at_ms, job.changes, about)
        try:
            gone = self._shelf.put(kept, result.layers, self._place)
        except OSError as error:
            log.warning("a scenario cannot be kept", scenario=job.id, reason=str(error))
            return JobState.FAILED, f"its maps cannot be kept: {error.strerror or error}"
        job.kept = kept
        for name in gone:
            self._jobs.pop(name, None)
        return JobState.DONE, _done(about)

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
        return JobState.DONE, "done", result

    def _forget_oldest(self) -> None:
        over = [job.id for job in self._jobs.values() if job.state in {JobState.FAILED, JobState.CANCELLED}]
        for name in over[: max(0, len(over) - self._undone_kept_max)]:
            del self._jobs[name]


def _done(result: KeptResult) -> str:
    return "done" if result.grid is not None else "the changes change no cell"
