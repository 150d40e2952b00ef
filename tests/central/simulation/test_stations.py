"""What the stations say now: age in real seconds, staleness, and WBGT from their own or the city's sun."""

import pytest

from central.simulation.forcing import Forcing, NoForcing
from central.simulation.stations import StationBoard
from central.store.sqlite import open_store
from contract.quantities import Flag
from tests.central.simulation.small_city import HOT_DAY, JST_02_MS, JST_14_MS, STATIONS, Feed, HandClock, add_stations


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(tmp_path, clock):
    store = open_store(tmp_path / "central.db", clock)
    yield store
    store.close()


def report_of(board, station):
    return next(report for report in board.now().reports if report.station.id == station)


def test_a_station_that_never_spoke_is_listed_and_stale(store, clock):
    add_stations(store)
    now = StationBoard(store, clock).now()
    assert [report.station.id for report in now.reports] == list(STATIONS)
    assert all(report.last is None and report.is_stale and report.wbgt_degc is None for report in now.reports)
    assert now.forcing is NoForcing.NO_FRESH_STATION


def test_age_is_counted_in_real_seconds(store, clock):
    add_stations(store)
    Feed(store).say("kmg-01", JST_14_MS)
    clock.advance(600.0)
    report = report_of(StationBoard(store, clock, speed=60.0), "kmg-01")
    assert report.age_s == pytest.approx(10.0)
    assert not report.is_stale
    assert report_of(StationBoard(store, clock, speed=1.0), "kmg-01").is_stale


def test_a_slow_station_may_be_silent_for_longer(store, clock):
    add_stations(store, interval_s=60.0)
    Feed(store).say("kmg-01", JST_14_MS)
    clock.advance(170.0)
    board = StationBoard(store, clock)
    assert not report_of(board, "kmg-01").is_stale
    clock.advance(20.0)
    assert report_of(board, "kmg-01").is_stale


def test_wbgt_of_a_hot_afternoon(store, clock):
    add_stations(store)
    Feed(store).all_say(JST_14_MS)
    report = report_of(StationBoard(store, clock), "kmg-01")
    assert 31.0 < report.wbgt_degc < 35.0
    assert report.wbgt_band == "danger"


def test_what_a_station_does_not_measure_comes_from_the_city(store, clock):
    add_stations(store)
    feed = Feed(store)
    feed.all_say(JST_14_MS)
    feed.say("kmg-01", JST_14_MS + 1, {"air_temperature_degc": 38.0, "relative_humidity_pct": 35.0})
    board = StationBoard(store, clock)
    assert report_of(board, "kmg-01").wbgt_degc == pytest.approx(report_of(board, "kmg-02").wbgt_degc, abs=0.05)


def test_a_shaded_station_is_cooler_by_its_own_pyranometer(store, clock):
    add_stations(store)
    feed = Feed(store)
    feed.all_say(JST_14_MS)
    feed.say("kmg-01", JST_14_MS + 1, {**HOT_DAY, "global_radiation_wm2": 90.0})
    board = StationBoard(store, clock)
    assert report_of(board, "kmg-01").wbgt_degc < report_of(board, "kmg-02").wbgt_degc - 1.5


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({**HOT_DAY, "air_temperature_degc": None}, {}),
        ({**HOT_DAY, "relative_humidity_pct": None}, {}),
        (HOT_DAY, {"air_temperature_degc": Flag.STUCK}),
    ],
)
def test_without_good_temperature_and_humidity_no_wbgt(store, clock, values, flags):
    add_stations(store)
    Feed(store).say("kmg-01", JST_14_MS, values, flags)
    report = report_of(StationBoard(store, clock), "kmg-01")
    assert report.wbgt_degc is None
    assert report.wbgt_band is None
    assert report.last is not None


def test_a_stale_word_is_not_completed_with_the_weather_of_now(store, clock):
    add_stations(store)
    feed = Feed(store)
    feed.say("kmg-01", JST_02_MS, {"air_temperature_degc": 28.0, "relative_humidity_pct": 80.0})
    feed.say("kmg-02", JST_02_MS, {**HOT_DAY, "air_temperature_degc": 28.0, "global_radiation_wm2": 0.0})
    feed.say("kmg-03", JST_14_MS)
    board = StationBoard(store, clock)
    assert report_of(board, "kmg-01").wbgt_degc is None
    # It measured everything itself: true for its own moment, under the sun of that moment.
    night = report_of(board, "kmg-02")
    assert night.is_stale
    assert night.wbgt_degc < 28.0


def test_a_station_nobody_configured_is_shown_without_a_place(store, clock):
    Feed(store).say("stray-1", JST_14_MS)
    report = report_of(StationBoard(store, clock), "stray-1")
    assert report.station.lat is None
    assert report.wbgt_degc is not None


def test_the_city_weather_is_made_of_the_fresh(store, clock):
    add_stations(store)
    Feed(store).all_say(JST_14_MS)
    weather = StationBoard(store, clock).now().forcing
    assert isinstance(weather, Forcing)
    assert weather.stations_used == STATIONS


def test_a_reading_of_the_future_is_not_fresh(store, clock):
    """What an earlier run of a demonstration left in the store lies in this run's evening."""
    add_stations(store)
    Feed(store).say("kmg-01", JST_14_MS + 3_600_000)
    assert report_of(StationBoard(store, clock), "kmg-01").is_stale
