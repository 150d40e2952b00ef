"""The engine and its forks: one city, one past, two futures that do not meet."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from central.simulation import engine as engine_module
from central.simulation.forcing import Forcing, RadiationSource
from tests.central.simulation.small_city import JST_14_MS, SmallEngine

HOUR_MS = 3_600_000
SUNNY = Forcing(36.0, 40.0, 2.0, None, 850.0, 1003.0, RadiationSource.MEASURED, ())
DULL = replace(SUNNY, global_radiation_wm2=150.0)
NIGHT = replace(SUNNY, air_temperature_degc=29.0, global_radiation_wm2=0.0)


@pytest.fixture
def new(tmp_path):
    """A prepared engine without any past."""

    def new():
        engine = SmallEngine(tmp_path)
        engine.load(lambda *_: None)
        engine.prepare(lambda *_: None)
        engine.warm_up()
        return engine

    return new


@pytest.fixture
def engine_with_past(new):
    """Engines that have stood in the sun from 10 to 14 o'clock."""

    def with_past():
        engine = new()
        for hour in range(-4, 1):
            engine.step(SUNNY, JST_14_MS + hour * HOUR_MS)
        return engine

    return with_past


def tmrt_of(engine, forcing, at_ms):
    return engine.step(forcing, at_ms).fields["tmrt"].copy()


class TestFork:
    def test_goes_on_from_what_the_live_engine_remembers(self, new, engine_with_past):
        live, twin, fresh = engine_with_past(), engine_with_past(), new()
        at_ms = JST_14_MS + HOUR_MS // 4
        of_fork = tmrt_of(live.fork(), DULL, at_ms)
        assert np.array_equal(of_fork, tmrt_of(twin, DULL, at_ms))
        # A quarter of an hour after the clouds came the ground is still warm; without a past nobody would know.
        assert np.median(of_fork - tmrt_of(fresh, DULL, at_ms)) > 1.0

    def test_remembers_its_own_hours(self, engine_with_past):
        ahead, twin = engine_with_past().fork(), engine_with_past()
        for hour in range(1, 9):
            forcing, at_ms = (SUNNY if hour < 5 else NIGHT), JST_14_MS + hour * HOUR_MS
            assert np.array_equal(tmrt_of(ahead, forcing, at_ms), tmrt_of(twin, forcing, at_ms)), hour

    def test_leaves_the_live_engine_as_it_was(self, engine_with_past):
        live, twin = engine_with_past(), engine_with_past()
        shown = live.step(SUNNY, JST_14_MS + 1000).fields["tmrt"]
        twin.step(SUNNY, JST_14_MS + 1000)
        before = shown.copy()
        ahead = live.fork()
        for hour in range(1, 9):
            ahead.step(NIGHT, JST_14_MS + hour * HOUR_MS)
        assert np.array_equal(shown, before)
        at_ms = JST_14_MS + HOUR_MS // 2
        assert np.array_equal(tmrt_of(live, DULL, at_ms), tmrt_of(twin, DULL, at_ms))

    def test_is_not_led_on_by_the_live_engine(self, engine_with_past):
        live, twin = engine_with_past(), engine_with_past()
        ahead = live.fork()
        for minute in range(1, 30):
            live.step(DULL, JST_14_MS + minute * 60_000)
        at_ms = JST_14_MS + HOUR_MS
        assert np.array_equal(tmrt_of(ahead, SUNNY, at_ms), tmrt_of(twin, SUNNY, at_ms))

    def test_before_the_first_step_it_has_no_past_either(self, new):
        live = new()
        at_ms = JST_14_MS + HOUR_MS
        assert np.array_equal(tmrt_of(live.fork(), SUNNY, at_ms), tmrt_of(live, SUNNY, at_ms))

    def test_waits_for_the_step_that_runs(self, engine_with_past, monkeypatch):
        live, twin = engine_with_past(), engine_with_past()
        real_step = engine_module.step
        inside, go_on, forks = threading.Event(), threading.Event(), []

        def slow_step(*args, **options):
            frame = real_step(*args, **options)
            inside.set()
            assert go_on.wait(10.0)
            return frame

        monkeypatch.setattr(engine_module, "step", slow_step)
        stepping = threading.Thread(target=live.step, args=(DULL, JST_14_MS + 60_000))
        stepping.start()
        assert inside.wait(10.0)
        forking = threading.Thread(target=lambda: forks.append(live.fork()))
        forking.start()
        forking.join(0.1)
        assert not forks
        go_on.set()
        stepping.join(10.0)
        forking.join(10.0)
        twin.step(DULL, JST_14_MS + 60_000)
        at_ms = JST_14_MS + HOUR_MS // 4
        assert np.array_equal(tmrt_of(forks[0], DULL, at_ms), tmrt_of(twin, DULL, at_ms))


@pytest.mark.parametrize(
    "weather",
    [
        {"wind_speed_ms": 0.0},
        {"wind_speed_ms": 75.0},
        {"relative_humidity_pct": 0.0},
        {"relative_humidity_pct": 100.0, "air_temperature_degc": 45.0},
        {"air_temperature_degc": -40.0},
        {"air_temperature_degc": 50.0, "relative_humidity_pct": 20.0},
        {"global_radiation_wm2": -10.0},
        {"global_radiation_wm2": 1500.0},
        {"air_pressure_hpa": 850.0},
    ],
)
@pytest.mark.parametrize("at_ms", [JST_14_MS, JST_14_MS - 12 * HOUR_MS, JST_14_MS + 5 * HOUR_MS - 6 * 60_000])
def test_any_weather_that_a_station_may_tell_gives_a_frame_without_a_hole(tmp_path, weather, at_ms):
    engine = SmallEngine(tmp_path)
    engine._wind_height_m = 3.0
    engine.load(lambda *_: None)
    engine.prepare(lambda *_: None)
    result = engine.step(replace(SUNNY, **weather), at_ms)
    for name, field in result.fields.items():
        if name != "utci" or result.has_utci:
            assert np.isfinite(field[result.is_ground]).all(), name
    # UTCI is left out as a whole, and only in air that it is not defined for.
    assert result.has_utci == (weather.get("relative_humidity_pct") != 100.0)
    assert np.isfinite(result.fields["utci"]).all() == result.has_utci
