"""Hours at and above a limit: whose time counts for which frame, days, gaps, and a restart that loses nothing."""

import numpy as np
import pytest

from central.simulation.areas.day import DayKeeper
from central.simulation.areas.hours import (
    GAP_MAX_MS,
    KINDS,
    HoursAbove,
    Seen,
    day_of,
    hours_ahead,
    midnight_ms,
    reached,
)
from central.simulation.frames import LAYERS, quantise
from central.simulation.library import FrameLibrary
from central.simulation.service import SimulationService
from central.store.door import Frame, FramePage
from central.store.sqlite import open_store
from tests.central.simulation.small_city import JST_14_MS, Feed, HandClock, SmallEngine, add_stations, small_city

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY = day_of(JST_14_MS)


def cells(*levels):
    return np.array([levels], np.uint8)


def counted_cell_by_cell(shape, frames):
    """The same count the plain way: every cell of every frame, its share of the time before and after."""
    day, watched_ms, counted_ms, last = DAY, 0, np.zeros((2, *shape), np.int64), None
    for at_ms, state in frames:
        if day_of(at_ms) != day:
            day, watched_ms, counted_ms = day_of(at_ms), 0, np.zeros((2, *shape), np.int64)
        if last is not None and 0 < at_ms - last[0] <= GAP_MAX_MS:
            begin_ms, middle_ms = midnight_ms(day), last[0] + (at_ms - last[0]) // 2
            before_ms, after_ms = max(0, middle_ms - max(begin_ms, last[0])), at_ms - max(begin_ms, middle_ms)
            watched_ms += before_ms + after_ms
            for limit in range(2):
                counted_ms[limit] += before_ms * (last[1] > limit) + after_ms * (state > limit)
        last = at_ms, state
    return day, watched_ms, counted_ms


@pytest.mark.parametrize("seed", range(6))
def test_touching_only_what_changes_counts_to_the_millisecond(seed):
    rng = np.random.default_rng(seed)
    shape = (7, 11)
    at_ms, state, frames = JST_14_MS + 9 * HOUR_MS, rng.integers(0, 3, shape).astype(np.uint8), []
    for _ in range(400):
        flip = rng.random(shape) < rng.choice([0.0, 0.1, 1.0])
        state = np.where(flip, rng.integers(0, 3, shape), state).astype(np.uint8)
        # Mostly seconds; sometimes gaps on both sides of what is too long, a clock that stands still or goes back.
        at_ms += int(rng.choice([501, 7_001, 600_003, GAP_MAX_MS, GAP_MAX_MS + 1, 0, -4_000]))
        frames.append((at_ms, state))
    day = HoursAbove(shape, DAY)
    for number, (moment_ms, seen) in enumerate(frames):
        day.add(moment_ms, seen)
        if number % 50 == 0:
            # Through the file and back.
            again = HoursAbove(shape, day.day)
            again.take_up(day.counted_ms(), day.watched_ms, day.last)
            day = again
        if number % 37 == 0 or number == len(frames) - 1:
            expected = counted_cell_by_cell(shape, frames[: number + 1])
            assert (day.day, day.watched_ms) == expected[:2]
            assert np.array_equal(day.counted_ms(), expected[2])
            assert np.allclose(day.hours(1), expected[2][1] / HOUR_MS)


@pytest.mark.parametrize("offset", [-5.0, 10.0, 25.0, 30.0, 35.0])
def test_limits_reached_are_those_of_the_published_values(offset):
    field = (offset + np.linspace(0.1, 20.0, 600, dtype=np.float32)).reshape(20, 30)
    layer = quantise(LAYERS["wbgt"], field, np.ones(field.shape, bool))
    shown = layer.offset + layer.step * layer.level.astype(float) + 1e-7
    assert np.array_equal(reached(layer), (shown >= 28.0).astype(int) + (shown >= 31.0))


def test_limits_reached():
    values = np.array([[27.9, 28.0, 30.9, 31.0, 35.0]], np.float32)
    ground = np.array([[True, True, True, True, False]])
    assert reached(quantise(LAYERS["wbgt"], values, ground)).tolist() == [[0, 1, 1, 2, 0]]


def test_the_day_begins_at_midnight_in_japan():
    assert midnight_ms(DAY) == JST_14_MS - 14 * HOUR_MS
    assert day_of(midnight_ms(DAY)) == DAY
    assert day_of(midnight_ms(DAY) - 1) == DAY - 1


def test_a_frame_speaks_for_the_time_nearest_to_it():
    day = HoursAbove((1, 3), DAY)
    day.add(JST_14_MS, cells(2, 1, 0))
    day.add(JST_14_MS + 20 * MINUTE_MS, cells(0, 1, 0))
    assert day.hours(0)[0].tolist() == pytest.approx([1 / 6, 1 / 3, 0.0])
    assert day.hours(1)[0].tolist() == pytest.approx([1 / 6, 0.0, 0.0])
    assert day.watched_ms == 20 * MINUTE_MS


def test_many_short_steps_add_up_exactly():
    day = HoursAbove((1, 1), DAY)
    for step in range(7201):
        day.add(JST_14_MS + 501 * step, cells(1))
    assert day.counted_ms()[0, 0, 0] == 501 * 7200


def test_nobody_looked_in_a_gap():
    day = HoursAbove((1, 1), DAY)
    day.add(JST_14_MS, cells(1))
    day.add(JST_14_MS + GAP_MAX_MS + 1, cells(1))
    assert (day.counted_ms().sum(), day.watched_ms) == (0, 0)


def test_midnight_begins_anew_with_what_lies_after_it():
    end_ms = midnight_ms(DAY + 1)
    day = HoursAbove((1, 1), DAY)
    day.add(end_ms - 15 * MINUTE_MS, cells(1))
    day.add(end_ms - 5 * MINUTE_MS, cells(1))
    day.add(end_ms + 5 * MINUTE_MS, cells(1))
    assert (day.day, day.watched_ms) == (DAY + 1, 5 * MINUTE_MS)
    assert day.counted_ms()[0, 0, 0] == 5 * MINUTE_MS


def test_a_clock_set_back_counts_nothing_twice():
    day = HoursAbove((1, 1), DAY)
    for minutes in (0, 10, 5, 10):
        day.add(JST_14_MS + minutes * MINUTE_MS, cells(1))
    assert day.watched_ms == 15 * MINUTE_MS


def test_another_shape_is_refused():
    with pytest.raises(ValueError, match="differ in shape"):
        HoursAbove((2, 2), DAY).add(JST_14_MS, cells(1, 1))


def test_hours_to_come():
    now = Seen(JST_14_MS, cells(2, 0))
    coming = [Seen(JST_14_MS + HOUR_MS, cells(1, 0)), Seen(JST_14_MS + 2 * HOUR_MS, cells(0, 1))]
    ahead = hours_ahead(now, coming, JST_14_MS + 2 * HOUR_MS)
    assert ahead[0, 0].tolist() == pytest.approx([1.5, 0.5])
    assert ahead[1, 0].tolist() == pytest.approx([0.5, 0.0])


def test_a_whole_day_fits_into_gray_levels():
    layer = quantise(KINDS[28], np.array([[0.0, 0.05, 24.0]], np.float32), np.ones((1, 3), bool))
    assert layer.step == 0.1
    assert layer.values()[0].tolist() == pytest.approx([0.0, 0.05, 24.0], abs=0.051)


class MemoryFrames:
    """As much of a store as the library asks."""

    def __init__(self):
        self.kept = []

    def frames(self, limit=100, after=None):
        return FramePage(list(reversed(self.kept)), None)


@pytest.fixture
def city():
    return small_city()[0]


@pytest.fixture
def library(tmp_path):
    return FrameLibrary(MemoryFrames(), tmp_path / "frames")


def wbgt(city, degc):
    return quantise(LAYERS["wbgt"], np.full(city.grid.shape, degc, np.float32), np.ones(city.grid.shape, bool))


def observe(keeper, city, at_ms, degc):
    keeper.observe(Frame("unused", at_ms, at_ms, {}), wbgt(city, degc))


def test_a_restart_goes_on_where_it_was_saved(tmp_path, city, library):
    keeper = DayKeeper(tmp_path / "hours.npz", library)
    keeper.begin(city, JST_14_MS)
    for minutes in (0, 10, 20):
        observe(keeper, city, JST_14_MS + minutes * MINUTE_MS, 32.0)
    keeper.save(0.0, at_once=True)
    again = DayKeeper(tmp_path / "hours.npz", library)
    again.begin(city, JST_14_MS + 25 * MINUTE_MS)
    observe(again, city, JST_14_MS + 30 * MINUTE_MS, 32.0)
    assert again.now().hours[1].max() == pytest.approx(0.5)
    assert again.now().watched_ms == 30 * MINUTE_MS


@pytest.mark.parametrize("data", [b"", b"rubbish", b"PK\x03\x04rubbish"])
def test_a_damaged_file_begins_the_day_anew(tmp_path, city, library, data):
    (tmp_path / "hours.npz").write_bytes(data)
    keeper = DayKeeper(tmp_path / "hours.npz", library)
    keeper.begin(city, JST_14_MS)
    assert keeper.now() is None
    observe(keeper, city, JST_14_MS, 32.0)
    assert keeper.now().watched_ms == 0


def test_another_process_reads_what_one_counts(tmp_path, city, library):
    keeper = DayKeeper(tmp_path / "hours.npz", library)
    reader = DayKeeper(tmp_path / "hours.npz", library, counts=False)
    keeper.begin(city, JST_14_MS)
    reader.begin(city, JST_14_MS)
    assert reader.now() is None
    for minutes in (0, 10):
        observe(keeper, city, JST_14_MS + minutes * MINUTE_MS, 29.0)
    keeper.save(0.0, at_once=True)
    assert reader.now().hours[0].max() == pytest.approx(1 / 6)
    assert reader.now().hours[1].max() == 0.0


def test_what_was_counted_by_a_clock_since_set_back_is_forgotten(tmp_path, city, library):
    keeper = DayKeeper(tmp_path / "hours.npz", library)
    keeper.begin(city, JST_14_MS)
    for minutes in (0, 10):
        observe(keeper, city, JST_14_MS + minutes * MINUTE_MS, 32.0)
    keeper.save(0.0, at_once=True)
    again = DayKeeper(tmp_path / "hours.npz", library)
    again.begin(city, JST_14_MS - 3 * HOUR_MS)
    assert again.now() is None
    observe(again, city, JST_14_MS - 3 * HOUR_MS, 32.0)
    assert again.now().watched_ms == 0


def test_frames_that_are_kept_make_up_for_a_lost_file(tmp_path):
    clock = HandClock()
    store = open_store(tmp_path / "central.db", clock)
    try:
        add_stations(store)
        feed = Feed(store)

        def service():
            made = SimulationService(store=store, clock=clock, data_dir=tmp_path, engine=SmallEngine(tmp_path))
            assert made.prepare()
            return made

        first = service()
        for _ in range(4):
            clock.advance(300)
            feed.all_say(clock.ms)
            assert first.look()
        counted = first.outlook.day.now()
        assert counted.watched_ms == 15 * MINUTE_MS
        assert counted.hours[1].max() == pytest.approx(0.25)
        again = service().outlook.day.now()
        assert again.watched_ms == counted.watched_ms
        assert np.array_equal(again.hours[1], counted.hours[1])
    finally:
        store.close()
