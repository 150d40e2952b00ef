"""One scenario at a time, a short queue, progress, cancelling; no thread stays behind."""

import threading

import numpy as np
import pytest

from central.simulation.whatif.jobs import JobState, QueueFullError, Result, ScenarioJobs, Task
from central.simulation.whatif.shelf import ScenarioShelf

TASK = Task(None, None, [None], [], np.ones((2, 2), np.bool_))
RESULT = Result(None, None, (), (), ())


def wait_for(jobs, job_id, *states):
    for _ in range(500):
        if jobs.get(job_id).state in states:
            return jobs.get(job_id)
        threading.Event().wait(0.01)
    raise AssertionError(jobs.get(job_id))


@pytest.fixture
def slow(tmp_path):
    """Jobs that go on when told to: `slow.gate` opens, `slow.progress` reports."""

    class Slow:
        def __init__(self):
            self.gate, self.running, self.most = threading.Event(), 0, 0

        def __call__(self, task, progress):
            self.running += 1
            self.most = max(self.most, self.running)
            try:
                for turn in range(1000):
                    progress(turn / 1000, f"turn {turn}")
                    if self.gate.wait(0.005):
                        return RESULT
                raise AssertionError("never told to go on")
            finally:
                self.running -= 1

    work = Slow()
    jobs = ScenarioJobs(ScenarioShelf(tmp_path, scenarios_max=3), work, waiting_max=2, undone_kept_max=2)
    yield work, jobs
    work.gate.set()
    jobs.stop()
    assert not [thread for thread in threading.enumerate() if thread.name == "scenarios"]


def test_a_scenario_waits_runs_and_is_done(slow):
    work, jobs = slow
    first = jobs.submit(TASK, 5)
    second = jobs.submit(TASK, 6)
    running = wait_for(jobs, first.id, JobState.RUNNING)
    assert (running.submitted_at_ms, running.changes) == (5, 1)
    assert jobs.get(second.id).state is JobState.WAITING
    work.gate.set()
    done = wait_for(jobs, second.id, JobState.DONE)
    assert (done.share, done.message, done.result.rows) == (1.0, "the changes change no cell", ())
    assert jobs.get(first.id).state is JobState.DONE
    assert work.most == 1


def test_the_queue_is_short(slow):
    _, jobs = slow
    wait_for(jobs, jobs.submit(TASK, 0).id, JobState.RUNNING)
    for _ in range(2):
        jobs.submit(TASK, 0)
    with pytest.raises(QueueFullError, match="2 scenarios wait"):
        jobs.submit(TASK, 0)


def test_waiting_running_and_finished_scenarios_can_be_cancelled(slow):
    work, jobs = slow
    running = jobs.submit(TASK, 0)
    wait_for(jobs, running.id, JobState.RUNNING)
    waiting = jobs.submit(TASK, 0)
    assert jobs.cancel(waiting.id).state is JobState.CANCELLED
    jobs.cancel(running.id)
    assert wait_for(jobs, running.id, JobState.CANCELLED).result is None
    work.gate.set()
    third = jobs.submit(TASK, 0)
    wait_for(jobs, third.id, JobState.DONE)
    assert jobs.cancel(third.id).result is None
    assert jobs.cancel("nobody") is None


def test_only_the_newest_results_are_kept(slow):
    work, jobs = slow
    work.gate.set()
    names = []
    for _ in range(6):
        names.append(jobs.submit(TASK, 0).id)
        wait_for(jobs, names[-1], JobState.DONE)
    assert [jobs.get(name) is not None for name in names] == [False, False, False, True, True, True]


def test_only_a_few_cancelled_ones_are_remembered(slow):
    _, jobs = slow
    wait_for(jobs, jobs.submit(TASK, 0).id, JobState.RUNNING)
    names = []
    for _ in range(4):
        names.append(jobs.submit(TASK, 0).id)
        jobs.cancel(names[-1])
    jobs.submit(TASK, 0)
    assert [jobs.get(name) is not None for name in names] == [False, False, True, True]


@pytest.mark.parametrize(
    ("fault", "said"),
    [(ValueError("too much vapour\nsecond line"), "too much vapour"), (KeyError("x"), "an internal fault (KeyError)")],
)
def test_a_failing_scenario_says_why_and_the_next_one_runs(fault, said, tmp_path):
    faults = [fault]

    def work(task, progress):
        if faults:
            raise faults.pop()
        return RESULT

    jobs = ScenarioJobs(ScenarioShelf(tmp_path), work)
    failed = wait_for(jobs, jobs.submit(TASK, 0).id, JobState.FAILED)
    assert failed.message == said
    wait_for(jobs, jobs.submit(TASK, 0).id, JobState.DONE)
    jobs.stop()
