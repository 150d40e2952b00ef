"""Hours at and above a limit: whose time counts for which frame, days, gaps, and a restart that loses nothing."""

import numpy as np
import pytest

from central.simulation.areas_day import DayKeeper
from central.simulation.areas_hours import (
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
    assert day.counted_ms[0, 0, 0] == 501 * 7200


def test_nobody_looked_in_a_gap():
    day = HoursAbove((1, 1), DAY)
    day.add(JST_14_MS, cells(1))
    day.add(JST_14_MS + GAP_MAX_MS + 1, cells(1))
    assert (day.counted_ms.sum(), day.watched_ms) == (0, 0)


def test_midnight_begins_anew_with_what_lies_after_it():
    end_ms = midnight_ms(DAY + 1)
    day = HoursAbove((1, 1), DAY)
    day.add(end_ms - 15 * MINUTE_MS, cells(1))
    day.add(end_ms - 5 * MINUTE_MS, cells(1))
    day.add(end_ms + 5 * MINUTE_MS, cells(1))
    assert (day.day, day.watched_ms) == (DAY + 1, 5 * MINUTE_MS)
    assert day.counted_ms[0, 0, 0] == 5 * MINUTE_MS


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
