"""Finished scenarios stay on disk: whole, bounded, of their own city."""

import json
import math
import threading

import numpy as np
import pytest
from structlog.testing import capture_logs

from central.city.grid import Grid
from central.simulation.frames import LAYERS, quantise
from central.simulation.whatif.compare import Row
from central.simulation.whatif.jobs import JobState, Result, ScenarioJobs, Task
from central.simulation.whatif.shelf import Kept, KeptResult, ScenarioShelf, kept_layers

RNG = np.random.default_rng(7)
MEANS = {"tmrt": 60.0, "utci": math.nan, "wbgt": 31.5, "shadow": 0.5}


def pixels(size=30):
    field = RNG.uniform(28.0, 36.0, (size, size)).astype(np.float32)
    return ({"wbgt_after": quantise(LAYERS["wbgt"], field, RNG.random((size, size)) > 0.2)},)


def kept(name, maps, *, at_ms=5):
    row = Row(at_ms, 100.0, 50.0, 400.0, MEANS, {**MEANS, "tmrt": 55.25})
    return Kept(name, at_ms, 2, KeptResult(Grid(-10.0, 20.0, 30, 30, 2.0), (row,), kept_layers(maps), (1,), (0,)))


@pytest.fixture
def shelf(tmp_path):
    return ScenarioShelf(tmp_path / "scenarios", scenarios_max=3)


def test_what_is_put_away_comes_back_as_it_was(shelf, tmp_path):
    maps = pixels()
    one = kept("0" * 16, maps)
    assert shelf.put(one, maps, "here") == frozenset()
    (again,) = ScenarioShelf(tmp_path / "scenarios").load("here")
    assert (again.id, again.submitted_at_ms, again.changes) == (one.id, 5, 2)
    assert again.result.grid == one.result.grid
    assert (again.result.untouched, again.result.cropped) == ((1,), (0,))
    assert again.result.layers == one.result.layers
    (row,) = again.result.rows
    assert (row.hot_m2_after, row.walks_after["tmrt"], row.walks_before["wbgt"]) == (50.0, 55.25, 31.5)
    assert math.isnan(row.walks_before["utci"])
    shown = shelf.layer(again, 0, "wbgt_after")
    assert np.array_equal(shown.level, maps[0]["wbgt_after"].level)
    assert (shown.offset, shown.step, shown.mean) == (maps[0]["wbgt_after"].offset, 0.1, maps[0]["wbgt_after"].mean)


def test_one_from_before_cropping_was_told_is_still_read(shelf, tmp_path):
    maps = pixels()
    shelf.put(kept("6" * 16, maps), maps, "here")
    path = tmp_path / "scenarios" / ("6" * 16) / "scenario.json"
    about = json.loads(path.read_text())
    del about["cropped"]
    path.write_text(json.dumps(about))
    (again,) = shelf.load("here")
    assert (again.result.untouched, again.result.cropped) == ((1,), ())


def test_a_scenario_that_changes_nothing_is_kept_too(shelf):
    shelf.put(Kept("1" * 16, 5, 1, KeptResult(None, (), (), (0,))), (), "here")
    (again,) = shelf.load("here")
    assert (again.result.grid, again.result.rows, again.result.untouched) == (None, (), (0,))


def test_the_oldest_go_when_there_are_too_many(shelf):
    maps = pixels()
    gone = [shelf.put(kept(f"{number:016x}", maps, at_ms=number), maps, "here") for number in range(5)]
    assert gone == [frozenset()] * 3 + [{f"{0:016x}"}, {f"{1:016x}"}]
    assert [one.submitted_at_ms for one in shelf.load("here")] == [2, 3, 4]


def test_the_oldest_go_when_they_take_too_much_room_but_never_the_newest(tmp_path):
    maps = pixels()
    ScenarioShelf(tmp_path).put(kept("a" * 16, maps, at_ms=1), maps, "here")
    size = sum(file.stat().st_size for file in (tmp_path / ("a" * 16)).iterdir())
    small = ScenarioShelf(tmp_path, bytes_max=int(1.5 * size))
    assert small.put(kept("b" * 16, maps, at_ms=2), maps, "here") == {"a" * 16}
    large = pixels(200)
    assert small.put(kept("c" * 16, large, at_ms=3), large, "here") == {"b" * 16}
    assert [one.id for one in small.load("here")] == ["c" * 16]


def test_those_of_another_city_are_not_shown_but_stay(shelf):
    maps = pixels()
    shelf.put(kept("2" * 16, maps), maps, "there")
    assert shelf.load("here") == []
    assert [one.id for one in shelf.load("there")] == ["2" * 16]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"{"),
        lambda path: path.unlink(),
        lambda path: path.write_text(path.read_text().replace("wbgt_after", "rain_after")),
        lambda path: path.write_text(path.read_text().replace('"offset":', '"offset":"x","y":')),
        lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "moments": 7})),
    ],
)
def test_a_damaged_one_is_told_and_left_out(shelf, tmp_path, spoil):
    maps = pixels()
    for name in ("3" * 16, "4" * 16):
        shelf.put(kept(name, maps), maps, "here")
    spoil(tmp_path / "scenarios" / ("3" * 16) / "scenario.json")
    with capture_logs() as logs:
        assert [one.id for one in shelf.load("here")] == ["4" * 16]
    assert [log["event"] for log in logs] == ["a scenario cannot be read and is left out"]


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-30])])
def test_a_map_that_is_gone_or_damaged_is_none(shelf, tmp_path, damage):
    maps = pixels()
    one = kept("5" * 16, maps)
    shelf.put(one, maps, "here")
    damage(tmp_path / "scenarios" / one.id / "0_wbgt_after.png")
    assert shelf.layer(one, 0, "wbgt_after") is None


def finished(jobs, name):
    for _ in range(500):
        if jobs.get(name).state not in {JobState.WAITING, JobState.RUNNING}:
            return jobs.get(name)
        threading.Event().wait(0.01)
    raise AssertionError(jobs.get(name))


def test_jobs_go_on_with_what_is_kept(tmp_path):
    maps = pixels()
    row = Row(5, 1.0, 2.0, 3.0, None, None)
    result = Result("windows", Grid(0.0, 0.0, 30, 30, 2.0), (row,), maps, ())
    task = Task(None, None, [None], [], np.ones((2, 2), np.bool_))

    def begun():
        jobs = ScenarioJobs(ScenarioShelf(tmp_path), lambda _task, _progress: result)
        jobs.begin("here")
        return jobs

    first = begun()
    name = first.submit(task, 77).id
    finished(first, name)
    first.stop()
    again = begun()
    view = again.get(name)
    assert (view.state, view.message, view.share) == (JobState.DONE, "done", 1.0)
    assert (view.submitted_at_ms, view.changes, view.result.rows) == (77, 1, (row,))
    assert np.array_equal(again.layer(name, 0, "wbgt_after").level, maps[0]["wbgt_after"].level)
    assert again.layer(name, 1, "wbgt_after") is None
    assert again.layer(name, 0, "rain_after") is None
    assert again.layer("nobody", 0, "wbgt_after") is None
    assert again.cancel(name).state is JobState.CANCELLED
    assert again.layer(name, 0, "wbgt_after") is None
    assert begun().get(name) is None


def test_a_disk_that_refuses_is_told_by_the_scenario(tmp_path):
    (tmp_path / "scenarios").write_text("a file in the folder's place")
    jobs = ScenarioJobs(ScenarioShelf(tmp_path / "scenarios"), lambda *_: Result("w", None, (), (), ()))
    name = jobs.submit(Task(None, None, [None], [], np.ones((2, 2), np.bool_)), 0).id
    view = finished(jobs, name)
    assert view.state is JobState.FAILED
    assert view.message.startswith("its maps cannot be kept: ")
