"""The loop: a frame when there is cause, none without, and no fault that stops it."""

import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from structlog.testing import capture_logs

from central.city.projection import LocalFrame
from central.simulation.engine import HeatEngine
from central.simulation.frames import LAYERS
from central.simulation.library import meta_of
from central.simulation.place import Place, Stage
from central.simulation.service import CLEARNESS_FOR_MS, REPEAT_AFTER_S, SimulationService
from central.store.sqlite import open_store
from contract.errors import UserError
from tests.central.simulation.small_city import (
    HOT_DAY,
    JST_02_MS,
    JST_14_MS,
    STATIONS,
    Feed,
    HandClock,
    SmallEngine,
    add_stations,
)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(tmp_path, clock):
    store = open_store(tmp_path / "central.db", clock)
    add_stations(store)
    yield store
    store.close()


@pytest.fixture
def feed(store):
    return Feed(store)


@pytest.fixture
def make(tmp_path, clock, store):
    def make(engine=None, **options):
        return SimulationService(
            store=store, clock=clock, data_dir=tmp_path, engine=engine or SmallEngine(tmp_path), **options
        )

    return make


@pytest.fixture
def service(make):
    service = make()
    assert service.prepare()
    return service


def values_of(service, layer):
    return service.library.layer(service.library.latest(), layer).values()


class TestPlausibleHeat:
    """The whole way from readings to levels, judged by what a body would feel."""

    def test_a_hot_afternoon(self, service, feed):
        feed.all_say(JST_14_MS)
        assert service.look()
        tmrt, sun, wbgt = values_of(service, "tmrt"), values_of(service, "shadow") == 1.0, values_of(service, "wbgt")
        shade = values_of(service, "shadow") == 0.0
        assert 58.0 < np.nanmedian(tmrt[sun]) < 76.0
        assert 38.0 < np.nanmedian(tmrt[shade]) < 52.0
        assert 31.0 < np.nanmedian(wbgt[sun]) < 35.0
        assert np.nanmedian(wbgt[shade]) < np.nanmedian(wbgt[sun]) - 1.0
        # The houses stand where the city says: gray 0.
        assert np.isnan(tmrt[15:25, 20:40]).all()

    def test_a_clear_night(self, service, feed, clock):
        clock.ms = JST_02_MS
        feed.all_say(JST_02_MS, {**HOT_DAY, "air_temperature_degc": 28.0, "global_radiation_wm2": 0.0})
        assert service.look()
        tmrt = values_of(service, "tmrt")
        assert np.nanmax(tmrt) < 28.5
        assert np.nanmedian(tmrt) < 27.0

    def test_the_description(self, service, feed):
        feed.all_say(JST_14_MS)
        service.look()
        frame = service.library.latest()
        meta = meta_of(frame)
        assert frame.id == "20180723T050000000Z"
        assert meta.stations_used == list(STATIONS)
        assert meta.weather["air_temperature_degc"] == 38.0
        assert meta.weather["radiation_source"] == "measured"
        assert meta.weather["sun_altitude_deg"] == pytest.approx(56.9, abs=1.0)
        assert set(meta.layers) == set(LAYERS)
        assert sum(meta.band_share.values()) == pytest.approx(1.0, abs=1e-3)
        (west, north), (_, _), (east, south), _ = meta.corners
        assert west < east
        assert south < north
        beam = meta.weather["direct_normal_wm2"] * np.sin(np.radians(meta.weather["sun_altitude_deg"]))
        assert beam + meta.weather["diffuse_wm2"] == pytest.approx(880.0, abs=1.0)


class TestWhenAFrameIsComputed:
    def test_none_before_a_station_speaks(self, service):
        assert not service.look()
        assert service.state.refusal == "no_fresh_station"
        assert service.library.latest() is None

    def test_at_once_when_a_reading_arrives(self, service, feed, clock):
        feed.all_say(JST_14_MS)
        assert service.look()
        clock.advance(1.0)
        feed.all_say(clock.ms, {**HOT_DAY, "air_temperature_degc": 39.0})
        assert service.look()
        assert meta_of(service.library.latest()).weather["air_temperature_degc"] == 39.0
        assert service.state.refusal is None
        assert service.state.frames == 2

    def test_not_twice_within_the_least_distance(self, service, feed, clock):
        feed.all_say(JST_14_MS)
        assert service.look()
        clock.advance(0.2)
        feed.all_say(clock.ms, {**HOT_DAY, "air_temperature_degc": 39.0})
        assert not service.look()
        clock.advance(0.4)
        assert service.look()

    def test_not_for_a_weather_like_the_one_before(self, service, feed, clock):
        feed.all_say(JST_14_MS)
        assert service.look()
        clock.advance(1.0)
        feed.all_say(clock.ms, {**HOT_DAY, "air_temperature_degc": 38.02})
        assert not service.look()
        clock.advance(REPEAT_AFTER_S)
        feed.all_say(clock.ms)
        assert service.look()

    def test_a_first_piece_that_changes_nothing_keeps_the_rest_of_the_sweep_waiting_for_nothing(
        self, service, feed, clock
    ):
        feed.all_say(JST_14_MS)
        assert service.look()
        clock.advance(1.0)
        feed.say(STATIONS[0], clock.ms)
        assert not service.look()
        for station in STATIONS[1:]:
            feed.say(station, clock.ms, {**HOT_DAY, "air_temperature_degc": 36.0})
        assert service.look()

    def test_when_only_the_sun_moved_on(self, make, feed, clock, store):
        service = make(speed=60.0)
        service.prepare()
        feed.all_say(JST_14_MS)
        assert service.look()
        clock.ms += 600_000
        clock.s += 10.0
        assert service.look()

    def test_not_while_nothing_happened(self, service, feed, clock):
        feed.all_say(JST_14_MS)
        assert service.look()
        clock.advance(5.0)
        assert not service.look()

    def test_none_once_all_stations_are_silent(self, service, feed, clock):
        feed.all_say(JST_14_MS)
        service.look()
        clock.advance(60.0)
        assert not service.look()
        assert service.state.refusal == "no_fresh_station"

    def test_the_sky_stays_as_clear_as_it_was_measured(self, service, feed, clock):
        feed.all_say(JST_14_MS, {**HOT_DAY, "global_radiation_wm2": 400.0})
        service.look()
        clock.advance(2.0)
        feed.all_say(clock.ms, {**HOT_DAY, "global_radiation_wm2": None})
        assert service.look()
        weather = meta_of(service.library.latest()).weather
        assert weather["radiation_source"] == "modelled"
        assert weather["global_radiation_wm2"] == pytest.approx(400.0, abs=2.0)
        clock.advance(CLEARNESS_FOR_MS / 1000)
        feed.all_say(clock.ms, {**HOT_DAY, "global_radiation_wm2": None})
        assert service.look()
        # 16 JST under a clear sky again.
        assert meta_of(service.library.latest()).weather["global_radiation_wm2"] > 550.0


class FailingEngine(SmallEngine):
    """Fails in its second and third step."""

    steps = 0

    def step(self, forcing, at_ms):
        self.steps += 1
        if self.steps in {2, 3}:
            raise ValueError("vapour pressure above 50 hPa")
        return super().step(forcing, at_ms)


def test_a_step_that_fails_is_counted_logged_once_and_the_next_goes_on(make, tmp_path, feed, clock):
    service = make(FailingEngine(tmp_path))
    assert service.prepare()  # the warm-up is the first step
    with capture_logs() as logs:
        results = []
        for number in range(3):
            feed.all_say(clock.ms, {**HOT_DAY, "air_temperature_degc": 36.0 + number})
            results.append(service.look())
            clock.advance(1.0)
    assert results == [False, False, True]
    assert service.state.failures == {"ValueError": 2}
    assert sum(log["log_level"] == "error" for log in logs) == 1


def test_old_frames_are_pruned_while_it_runs(make, feed, clock, tmp_path):
    service = make(frames_recent_max=5)
    service.prepare()
    for number in range(21):
        feed.all_say(clock.ms, {**HOT_DAY, "air_temperature_degc": 30.0 + number % 2})
        assert service.look()
        clock.advance(1.0)
    # Five recent ones; all others fall into the same ten minutes.
    assert len(service.library.page(100).frames) == 5
    assert len(list((tmp_path / "frames").iterdir())) == 5


class TestPreparing:
    def test_progress_is_told_and_written(self, service, tmp_path):
        assert service.place.progress.stage is Stage.READY
        lines = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
        stages = [line["stage"] for line in lines]
        assert stages == sorted(stages, key=["city", "geometry", "kernels", "ready"].index)
        assert stages[-1] == "ready"
        assert all(0.0 <= line["share"] <= 1.0 for line in lines)

    def test_the_prepared_city_is_used_again(self, service, make, tmp_path, feed):
        (path,) = (tmp_path / "prepared").glob("*.city")
        before = path.stat().st_mtime_ns
        again = make()
        assert again.prepare()
        assert path.stat().st_mtime_ns == before
        feed.all_say(JST_14_MS)
        assert again.look()

    def test_a_damaged_prepared_city_is_made_again(self, service, make, tmp_path):
        (path,) = (tmp_path / "prepared").glob("*.city")
        path.write_bytes(b"KUMACITY" + b"\0" * 100)
        assert make().prepare()
        assert path.stat().st_size > 1000

    def test_a_city_that_cannot_be_used_is_a_state_not_a_crash(self, make, tmp_path):
        class NoCity(SmallEngine):
            def load(self, report):
                raise UserError("no building could be used", where="tile.gml")

        service = make(NoCity(tmp_path))
        assert not service.prepare()
        assert service.place.progress.stage is Stage.FAILED
        assert service.place.progress.message == "tile.gml: no building could be used"
        assert not service.look()

    def test_frames_of_another_city_are_forgotten(self, make, service, feed, tmp_path):
        feed.all_say(JST_14_MS)
        service.look()

        class OtherEngine(SmallEngine):
            def load(self, report):
                city = super().load(report)
                return replace(city, frame=LocalFrame(34.69, 135.50))

        kept = make()
        assert kept.prepare()
        assert kept.library.latest() is not None
        moved = make(OtherEngine(tmp_path))
        assert moved.prepare()
        assert moved.library.latest() is None

    def test_who_only_serves_loads_the_city_and_computes_nothing(self, make, feed, tmp_path):
        service = make(computes=False)
        assert service.prepare()
        assert service.place.city is not None
        assert not (tmp_path / "prepared").exists()
        assert not (tmp_path / "progress.jsonl").exists()


class TestRunning:
    def test_it_starts_computes_and_stops_without_leaving_a_thread(self, make, feed, clock):
        before = set(threading.enumerate())
        service = make()
        feed.all_say(JST_14_MS)
        service.start()
        deadline = time.monotonic() + 60.0
        while service.state.frames == 0 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert service.state.frames >= 1
        clock.advance(1.0)
        feed.all_say(clock.ms, {**HOT_DAY, "air_temperature_degc": 30.0})
        said_at = time.monotonic()
        while service.state.frames < 2 and time.monotonic() < said_at + 10.0:
            time.sleep(0.02)
        assert service.state.frames >= 2
        service.stop()
        assert set(threading.enumerate()) - before == set()

    def test_a_stop_while_the_city_is_prepared_ends_it(self, make, tmp_path):
        began, go_on = threading.Event(), threading.Event()

        class SlowEngine(SmallEngine):
            def load(self, report):
                began.set()
                go_on.wait(10.0)
                return super().load(report)

            def prepare(self, report):
                raise AssertionError("must not be reached")

        service = make(SlowEngine(tmp_path))
        service.start()
        assert began.wait(10.0)
        threading.Timer(0.1, go_on.set).start()
        service.stop()
        assert service.place.progress.stage is Stage.CITY
        assert service.state.frames == 0

    def test_starting_twice_is_a_mistake(self, make):
        service = make()
        service.start()
        with pytest.raises(RuntimeError, match="started before"):
            service.start()
        service.stop()


def test_progress_goes_on_when_its_file_cannot_be_written(tmp_path):
    place = Place(tmp_path / "no such folder" / "progress.jsonl")
    place.report(Stage.CITY, 0.5, "half")
    assert place.progress.share == 0.5


def test_the_engine_insists_on_its_order(tmp_path):
    engine = HeatEngine(None, tmp_path)
    with pytest.raises(RuntimeError, match="load the city"):
        engine.prepare(lambda *_: None)
    with pytest.raises(RuntimeError, match="prepare the city"):
        engine.warm_up()
