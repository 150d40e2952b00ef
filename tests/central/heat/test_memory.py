"""Ground, walls and sky remember: whatever the length of a step, nothing jumps that has mass, and nothing overshoots."""

import csv
import gzip
import math
from datetime import UTC, datetime

import numpy as np
import pytest

from central.heat.geometry import prepare
from central.heat.land_cover import LandCover, ground_table
from central.heat.memory import SURFACE_TIME_S, Memory
from central.heat.radiation.clearness import haurwitz_wm2
from central.heat.radiation.weights import Materials
from central.heat.step import Frame, Weather, step
from central.heat.sun import sun_position
from central.heat.surface import Surface
from tests.central.heat.conftest import KUMAGAYA, unix_ms
from tests.shared import shared_path

MORNING_MS = unix_ms("2018-07-23T04:00+09:00")
HOUR_S = 3600


def sun_at(at_s):
    return sun_position(MORNING_MS + round(at_s * 1000), *KUMAGAYA)


@pytest.fixture(scope="module")
def street():
    """A wall 12 m high from west to east in a field: its shadow moves over the ground."""
    dem = np.zeros((40, 60), dtype=np.float32)
    dsm = dem.copy()
    dsm[18:21, 5:55] = 12.0
    return prepare(Surface(dsm, dem, dem, 2.0, *KUMAGAYA))


def clear_sky(sun, share=1.0):
    return Weather(33.0, 50.0, 1.0, haurwitz_wm2(sun) * share)


def run(city, every_s, until_s, weather=clear_sky, from_s=0):
    """Steps of one length; the memory and the last maps."""
    memory, maps = Memory.fresh(city), Frame.empty(city.shape)
    for at_s in range(from_s, until_s + 1, every_s):
        sun = sun_at(at_s)
        step(city, weather(sun), sun, maps, memory=memory, elapsed_s=every_s)
    return memory, maps


@pytest.mark.parametrize("hour", [14, 21])
def test_steps_of_ten_seconds_to_an_hour_come_to_the_same_day(street, hour):
    ground = street.is_ground
    until_s = (hour - 4) * HOUR_S
    start_s = until_s - HOUR_S
    _, fine = run(street, 10, until_s, from_s=start_s)
    fine_tmrt = fine.tmrt_degc[ground].copy()
    for every_s, allowed_k in ((60, 0.1), (600, 0.6), (1800, 1.5), (3600, 2.5)):
        _, coarse = run(street, every_s, until_s, from_s=start_s)
        difference = np.abs(coarse.tmrt_degc[ground] - fine_tmrt)
        assert np.median(difference) < allowed_k
        assert np.isfinite(difference).all()


@pytest.mark.parametrize("every_s", [10, 60, 600, 3600, 6 * 3600])
def test_no_length_of_step_overshoots(street, every_s):
    """Under clouds that come and go at random the ground stays between the air and the hottest it could be."""
    rng = np.random.default_rng(every_s)
    memory, maps = Memory.fresh(street), Frame.empty(street.shape)
    hottest_k = 0.0
    at_s = 2 * HOUR_S
    for _ in range(25):
        at_s += every_s
        sun = sun_at(at_s)
        hottest_k = max(hottest_k, float(ground_table(sun, Materials()).course_k[255]))
        step(street, clear_sky(sun, rng.uniform(0.1, 1.3)), sun, maps, memory=memory, elapsed_s=every_s)
        assert memory.ground_heating_k.min() >= 0.0
        assert memory.ground_heating_k.max() <= hottest_k + 1e-3
        assert memory.wall_heating_k.max() <= hottest_k + 1e-3
        assert np.isfinite(maps.tmrt_degc).all()


def test_steady_sun_gives_what_a_snapshot_gives():
    flat = np.zeros((6, 6), dtype=np.float32)
    field = prepare(Surface(flat, flat, flat, 2.0, *KUMAGAYA))
    for hour in (9, 12, 16):
        sun = sun_at((hour - 4) * HOUR_S)
        _, remembered = run(field, 600, (hour - 4) * HOUR_S, lambda sun: Weather(33.0, 50.0, 1.0, clearness=1.0))
        snapshot = step(field, Weather(33.0, 50.0, 1.0, clearness=1.0), sun)
        assert remembered.tmrt_degc[0, 0] == pytest.approx(float(snapshot.tmrt_degc[0, 0]), abs=0.1)


def test_a_fresh_memory_begins_where_a_snapshot_stands(street):
    sun = sun_at(9 * HOUR_S)
    memory = Memory.fresh(street)
    first = step(street, clear_sky(sun), sun, memory=memory, elapsed_s=60.0)
    assert np.abs(first.tmrt_degc - step(street, clear_sky(sun), sun).tmrt_degc).max() < 0.1


def test_the_ground_stays_warm_where_the_sun_was_and_after_sunset(street):
    noon_s, evening_s = 8 * HOUR_S, 15 * HOUR_S
    before = run(street, 300, noon_s)[0].ground_heating_k.copy()
    cloud_comes = Memory.fresh(street)
    cloud_comes.ground_heating_k[:] = before
    cloud_comes.course_k = ground_table(sun_at(noon_s), Materials()).course_k
    cloud_comes.is_fresh = False
    sun = sun_at(noon_s + 60)
    step(street, Weather(33.0, 50.0, 1.0, 80.0), sun, memory=cloud_comes, elapsed_s=60.0)
    open_ground = before > before.max() - 0.5
    fallen = 1.0 - cloud_comes.ground_heating_k[open_ground] / before[open_ground]
    assert fallen.max() < 1.1 * (1.0 - math.exp(-60.0 / SURFACE_TIME_S))

    sunset = run(street, 300, 14 * HOUR_S + 1800)[0].ground_heating_k.max()
    night = run(street, 300, evening_s + HOUR_S)[0].ground_heating_k
    assert 0.0 < night.max() < 0.6 * sunset


def test_the_evening_has_no_jump_at_sunset(street):
    means = []
    memory = Memory.fresh(street)
    for minute in range(14 * 60, 16 * 60, 5):
        sun = sun_at(minute * 60)
        means.append(float(step(street, clear_sky(sun), sun, memory=memory, elapsed_s=300.0).tmrt_degc.mean()))
    assert np.abs(np.diff(means)).max() < 3.0
    assert means[-1] < means[0]


def test_water_stays_as_warm_as_the_air(street):
    memory = Memory.fresh(street)
    cover = LandCover(np.full(street.shape, 7, dtype=np.uint8))
    for hour in range(12):
        sun = sun_at(hour * HOUR_S)
        step(street, clear_sky(sun), sun, memory=memory, elapsed_s=3600.0, land_cover=cover)
    assert memory.ground_heating_k.max() == 0.0


def test_minutes_of_broken_cloud_make_neither_jumps_of_the_ground_nor_impossible_people(street):
    """Each minute between a tenth of the clear sky and 1.5 of it, which clouds beside the sun can send for seconds.

    The light of a cloudless sky is felt at once and may jump. All else has mass, and the brightening beside clouds, which
    lasts a minute or two, is taken as its mean of ten minutes.
    """
    rng = np.random.default_rng(8)
    remembered, maps = Memory.fresh(street), Frame.empty(street.shape)
    heating_before, hottest = None, 0.0
    for minute in range(6 * 60, 10 * 60):
        sun = sun_at(minute * 60)
        weather = Weather(34.0, 50.0, 0.5, min(haurwitz_wm2(sun) * rng.choice([0.1, 0.5, 1.0, 1.5]), 1500.0))
        step(street, weather, sun, maps, memory=remembered, elapsed_s=60.0)
        if heating_before is not None:
            assert np.abs(remembered.ground_heating_k - heating_before).max() < 1.0
        heating_before = remembered.ground_heating_k.copy()
        assert np.isfinite(maps.tmrt_degc).all()
        hottest = max(hottest, float(maps.tmrt_degc.max()))
    assert hottest < 82.0


def test_a_measured_month_by_the_minute_keeps_its_head():
    """July 2018 at Lyngby, measured by the minute, thinned to the two wildest days."""
    with gzip.open(shared_path("data/weather/dtu_1min_2018_07.csv.gz"), "rt") as file:
        rows = list(csv.DictReader(file))
    days = {}
    for row in rows:
        days.setdefault(row["Time(utc)"][:10], []).append(row)
    by_wildness = sorted(days, key=lambda day: -_roughness(days[day]))
    flat = np.zeros((4, 4), dtype=np.float32)
    field = prepare(Surface(flat, flat, flat, 2.0, 55.79064, 12.52505))
    maps = Frame.empty(field.shape)
    for day in by_wildness[:2]:
        memory, last_heating, tmrt = Memory.fresh(field), None, []
        for row in days[day][4 * 60 : 20 * 60 : 6]:
            try:
                values = [
                    float(row[name]) for name in ("air_temperature", "relative_humidity", "wind_speed_avg", "GHI")
                ]
                at = datetime.fromisoformat(row["Time(utc)"]).replace(tzinfo=UTC)
                weather = Weather(values[0], min(values[1], 100.0), values[2], max(values[3], 0.0))
            except ValueError:
                continue
            sun = sun_position(round(at.timestamp() * 1000), field.lat, field.lon)
            step(field, weather, sun, maps, memory=memory, elapsed_s=360.0)
            tmrt.append(float(maps.tmrt_degc[0, 0]) - values[0])
            if last_heating is not None:
                assert abs(float(memory.ground_heating_k[0, 0]) - last_heating) < 5.0
            last_heating = float(memory.ground_heating_k[0, 0])
        assert min(tmrt) > -25.0
        assert max(tmrt) < 45.0


def _roughness(rows):
    values = [float(row["GHI"] or "nan") for row in rows[4 * 60 : 20 * 60]]
    return float(np.nansum(np.abs(np.diff(values))))


def test_a_memory_of_another_city_and_time_that_runs_back_are_refused(street, small_city):
    sun = sun_at(8 * HOUR_S)
    with pytest.raises(ValueError, match=r"memory has shape \(70, 150\), the city has \(40, 60\)"):
        step(street, clear_sky(sun), sun, memory=Memory.fresh(small_city))
    for elapsed_s in (-1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="elapsed_s is"):
            step(street, clear_sky(sun), sun, memory=Memory.fresh(street), elapsed_s=elapsed_s)
