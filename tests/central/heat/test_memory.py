"""Ground, walls and sky remember: whatever the length of a step, nothing jumps that has mass, and nothing overshoots."""

import csv
import gzip
import math
from datetime import UTC, datetime

import numba
import numpy as np
import pytest

from central.heat.geometry import prepare
from central.heat.land_cover import LandCover, ground_table
from central.heat.memory import SURFACE_TIME_S, Fade, Memory
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


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Thousands of steps over few cells: on a busy machine threads would mostly wait for each other."""
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    yield
    numba.set_num_threads(threads)


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


def cloud_every_other_half_hour(at_s):
    return 1.0 if (at_s // 1800) % 2 == 0 else 0.35


@pytest.fixture(scope="module")
def day_by_the_ten_seconds(street):
    """Tmrt of the ground at 15 h, begun at 14 h, of a clear and of a half-clouded day."""
    return {share: hours_of_day(street, 10, share) for share in (always, cloud_every_other_half_hour)}


def always(_):
    return 1.0


def hours_of_day(city, every_s, share):
    memory, maps, hours = Memory.fresh(city), Frame.empty(city.shape), []
    for at_s in range(10 * HOUR_S, 11 * HOUR_S + 1, every_s):
        sun = sun_at(at_s)
        step(city, clear_sky(sun, share(at_s)), sun, maps, memory=memory, elapsed_s=every_s)
        if at_s % HOUR_S == 0:
            hours.append(maps.tmrt_degc[city.is_ground].copy())
    return np.array(hours[1:])


@pytest.mark.parametrize(
    ("share", "every_s", "allowed_k"),
    [
        (always, 60, (0.005, 0.1)),
        (always, 600, (0.005, 1.2)),
        (always, 3600, (0.02, 3.6)),
        (cloud_every_other_half_hour, 60, (0.035, 0.1)),
        (cloud_every_other_half_hour, 600, (0.3, 0.8)),
        (cloud_every_other_half_hour, 3600, (2.8, 3.9)),
    ],
)
def test_a_day_in_steps_of_a_minute_to_an_hour_is_the_day_in_steps_of_ten_seconds(
    street, day_by_the_ten_seconds, share, every_s, allowed_k
):
    """What is left is what a step cannot know: when within it the shadow's edge or the cloud came.

    The worst is a place that a shadow passed. An hour that sees the sky only at its ends misses half an hour of cloud
    altogether.
    """
    difference = np.abs(hours_of_day(street, every_s, share) - day_by_the_ten_seconds[share])
    median_k, worst_k = np.median(difference, axis=1).max(), difference.max()
    assert median_k <= allowed_k[0]
    assert worst_k <= allowed_k[1]


def test_a_step_is_the_exact_answer_to_straight_lines_of_sunshine_and_course():
    """Against ten thousand small steps of the equation itself."""
    for elapsed_s, share, course_k in (
        (20.0, (0.0, 1.0), (9.0, 9.1)),
        (3600.0, (1.0, 0.2), (4.0, 11.0)),
        (36000.0, (0.3, 0.9), (20.0, 2.0)),
    ):
        memory = Memory(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.uint8), np.ones(256) / 256.0, is_fresh=False)
        memory.course_k[:], memory.sunshine = course_k[0], share[0]
        fade = memory.fade(elapsed_s)
        added_k = memory.follow_ground(np.full(256, course_k[1], np.float32), share[1], np.ones(3), elapsed_s)
        found_k = fade.kept * 7.0 + added_k[255, 2, 2]
        count = 20_000
        small_s = elapsed_s / count
        rise_k, slope_k = 7.0, (course_k[1] - course_k[0]) / elapsed_s
        for i in range(count):
            along = (i + 0.5) / count
            s, c = share[0] + along * (share[1] - share[0]), course_k[0] + along * (course_k[1] - course_k[0])
            rise_k += small_s * (s * slope_k + (s * c - rise_k) / SURFACE_TIME_S)
        assert found_k == pytest.approx(rise_k, abs=5e-3)


@pytest.mark.parametrize("elapsed_s", [0.0, 1e-6, 0.2, 0.3, 10.0, 3600.0, 1e9])
def test_what_is_kept_and_what_comes_make_up_one(elapsed_s):
    for time_s in (600.0, SURFACE_TIME_S):
        fade = Fade.over(elapsed_s, time_s)
        assert fade.kept + elapsed_s / time_s * (fade.begin + fade.end) == pytest.approx(1.0, abs=1e-9)
        assert 0.0 <= fade.begin <= fade.end <= 0.5
        assert fade.follow(3.0, 3.0, 3.0, elapsed_s, time_s) == pytest.approx(3.0)


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
