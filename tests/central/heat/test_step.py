"""One moment of the city: the fast pass against plain NumPy, the trusted simulation, and bad input."""

import threading

import numpy as np
import pytest

from central.heat import step_reference
from central.heat.comfort.utci import utci
from central.heat.geometry import prepare
from central.heat.radiation.clearness import haurwitz_wm2
from central.heat.step import Frame, Weather, irradiance_of, step
from central.heat.surface import Surface
from tests.central.heat.conftest import sun_over_kumagaya

NOON = "2018-07-23T12:00+09:00"
HOT = Weather(38.0, 33.0, 2.0, None, 724.7, 234.2)


def maps(frame):
    return {name: np.asarray(values, dtype=float) for name, values in vars(frame).items()}


@pytest.mark.parametrize(
    ("moment", "weather"),
    [
        (NOON, HOT),
        ("2018-07-23T16:30+09:00", Weather(40.0, 30.0, 1.0, 400.0, air_pressure_hpa=1002.0)),
        ("2018-07-23T10:00+09:00", Weather(27.0, 80.0, 3.0, 180.0)),
        ("2018-01-20T09:00+09:00", Weather(2.0, 40.0, 0.0, None, 650.0, 60.0)),
        ("2018-07-23T23:00+09:00", Weather(29.0, 70.0, 0.5, 0.0)),
    ],
)
def test_the_fast_pass_agrees_with_plain_numpy(small_city, moment, weather):
    sun = sun_over_kumagaya(moment)
    fast, slow = maps(step(small_city, weather, sun)), maps(step_reference.step(small_city, weather, sun))
    assert np.abs(fast["tmrt_degc"] - slow["tmrt_degc"]).max() < 0.06
    assert np.abs(fast["utci_degc"] - slow["utci_degc"]).max() < 0.03
    assert np.abs(fast["wbgt_degc"] - slow["wbgt_degc"]).max() < 0.02
    assert np.abs(fast["shadow"] - slow["shadow"]).max() < 1e-6
    assert all(np.isfinite(values).all() for values in fast.values())


def test_a_wind_field_is_felt_cell_by_cell(small_city):
    sun = sun_over_kumagaya(NOON)
    wind = np.random.default_rng(5).uniform(0.0, 8.0, small_city.shape).astype(np.float32)
    fast = maps(step(small_city, HOT, sun, wind_field_ms=wind))
    slow = maps(step_reference.step(small_city, HOT, sun, wind.astype(float)))
    assert np.abs(fast["utci_degc"] - slow["utci_degc"]).max() < 0.03
    assert np.abs(fast["wbgt_degc"] - slow["wbgt_degc"]).max() < 0.02


def test_uniform_wind_and_a_field_of_it_are_the_same(small_city):
    sun = sun_over_kumagaya(NOON)
    field = np.full(small_city.shape, 2.0, dtype=np.float32)
    field.setflags(write=False)
    one, other = step(small_city, HOT, sun), step(small_city, HOT, sun, wind_field_ms=field)
    assert np.abs(one.utci_degc - other.utci_degc).max() < 1e-4
    assert np.abs(one.wbgt_degc - other.wbgt_degc).max() < 1e-3


def test_maps_are_written_into_the_arrays_that_are_handed_in(small_city):
    out = Frame.empty(small_city.shape)
    out.tmrt_degc.fill(np.nan)
    assert step(small_city, HOT, sun_over_kumagaya(NOON), out) is out
    assert np.isfinite(out.tmrt_degc).all()


def test_an_open_field_is_one_value_and_utci_follows_from_it():
    flat = np.zeros((12, 12), dtype=np.float32)
    field = prepare(Surface(flat, flat, flat, 2.0, 36.139, 139.389))
    frame = step(field, HOT, sun_over_kumagaya(NOON))
    assert np.ptp(frame.tmrt_degc) < 1e-3
    assert 60.0 < frame.tmrt_degc[0, 0] < 72.0
    assert frame.utci_degc[0, 0] == pytest.approx(float(utci(38.0, frame.tmrt_degc[0, 0], 2.0, 33.0)), abs=0.01)
    assert (frame.shadow == 1.0).all()


def test_shade_is_cooler_and_counts_in_every_index(small_city):
    frame = step(small_city, HOT, sun_over_kumagaya(NOON))
    ground = small_city.is_ground
    sun, shade = ground & (frame.shadow == 1.0), ground & (frame.shadow == 0.0)
    assert frame.tmrt_degc[sun].mean() - frame.tmrt_degc[shade].mean() > 10.0
    assert frame.utci_degc[sun].mean() - frame.utci_degc[shade].mean() > 3.0
    assert frame.wbgt_degc[sun].mean() - frame.wbgt_degc[shade].mean() > 1.5
    under_crowns = (frame.shadow > 0.0) & (frame.shadow < 1.0)
    assert under_crowns.any()
    assert np.unique(frame.shadow[under_crowns]).tolist() == [np.float32(0.03)]


def test_at_night_there_is_no_sun_and_the_open_is_coolest(small_city):
    frame = step(small_city, Weather(27.0, 70.0, 1.0, 0.0), sun_over_kumagaya("2018-07-24T01:00+09:00"))
    assert (frame.shadow == 0.0).all()
    ground = small_city.is_ground
    openness = small_city.sky_view[ground]
    tmrt = frame.tmrt_degc[ground]
    assert tmrt[openness > 0.9].mean() < tmrt[openness < 0.5].mean()
    assert (tmrt < 27.0).all()


@pytest.mark.parametrize("reading_wm2", [None, 0.0, -5.0, 8.0])
def test_what_a_pyranometer_says_at_night_is_not_light(small_city, reading_wm2):
    sun = sun_over_kumagaya("2018-07-24T01:00+09:00")
    dark = step(small_city, Weather(27.0, 70.0, 1.0, 0.0), sun)
    said = step(small_city, Weather(27.0, 70.0, 1.0, reading_wm2), sun)
    assert (dark.tmrt_degc == said.tmrt_degc).all()


def test_sunrise_and_sunset_have_no_jump(small_city):
    """Every minute through the horizon: a cloudless sky fades in and out by less than a degree a step."""
    for start in ("04:3", "18:4"):
        means = []
        for minute in range(10):
            sun = sun_over_kumagaya(f"2018-07-23T{start}{minute}+09:00")
            means.append(float(step(small_city, Weather(28.0, 70.0, 1.0), sun).tmrt_degc.mean()))
        assert np.abs(np.diff(means)).max() < 1.0


def test_minutes_of_broken_cloud_never_make_an_impossible_person(small_city):
    """Radiation as a fast sensor sees it: a fifth of the clear sky one minute, half more than all of it the next.

    A snapshot takes each minute as if it lasted; what follows of the brightest is bounded all the same. With a memory
    the bound is lower: ``test_memory``.
    """
    rng = np.random.default_rng(8)
    for minute in range(5 * 60, 19 * 60, 7):
        sun = sun_over_kumagaya(f"2018-07-23T{minute // 60:02d}:{minute % 60:02d}+09:00")
        for share in (rng.uniform(0.2, 1.15), 1.5):
            weather = Weather(34.0, 50.0, 1.0, min(haurwitz_wm2(sun) * share, 1500.0))
            tmrt = step(small_city, weather, sun).tmrt_degc
            assert np.isfinite(tmrt).all()
            assert tmrt.min() > 26.0
            assert tmrt.max() < (78.0 if share < 1.2 else 86.0)


def test_missing_radiation_is_a_cloudless_sky():
    sun = sun_over_kumagaya(NOON)
    assert 900.0 < irradiance_of(Weather(35.0, 40.0, 1.0), sun).global_wm2 < 1050.0


def test_calm_air_is_the_lowest_wind_of_each_index(small_city):
    calm = step(small_city, Weather(33.0, 50.0, 0.0, 800.0), sun_over_kumagaya(NOON))
    breeze = step(small_city, Weather(33.0, 50.0, 3.0, 800.0), sun_over_kumagaya(NOON))
    assert np.isfinite(calm.wbgt_degc).all()
    assert calm.wbgt_degc.mean() > breeze.wbgt_degc.mean()
    assert calm.utci_degc.mean() > breeze.utci_degc.mean()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("air_temperature_degc", float("nan"), "air_temperature_degc is nan"),
        ("air_temperature_degc", 327.67, r"air_temperature_degc is 327.67, must lie in -50 \.\. 50"),
        ("relative_humidity_pct", 101.0, r"relative_humidity_pct is 101, must lie in 0 \.\. 100"),
        ("wind_speed_ms", -0.1, "wind_speed_ms is -0.1"),
        ("global_radiation_wm2", float("inf"), "global_radiation_wm2 is inf"),
        ("direct_normal_wm2", 500.0, "diffuse_horizontal_wm2 is missing"),
        ("diffuse_horizontal_wm2", 100.0, "direct_normal_wm2 is missing"),
        ("air_pressure_hpa", 0.0, "air_pressure_hpa is 0"),
        ("clearness", 1.2, "clearness is 1.2"),
    ],
)
def test_weather_refuses_and_names_the_field(field, value, message):
    given = {"air_temperature_degc": 30.0, "relative_humidity_pct": 50.0, "wind_speed_ms": 1.0}
    with pytest.raises(ValueError, match=message):
        Weather(**{**given, field: value})


def test_a_step_refuses_maps_and_winds_that_do_not_fit(small_city):
    sun = sun_over_kumagaya(NOON)
    with pytest.raises(ValueError, match=r"out.tmrt_degc has shape \(3, 3\)"):
        step(small_city, HOT, sun, Frame.empty((3, 3)))
    frozen = Frame.empty(small_city.shape)
    frozen.wbgt_degc.setflags(write=False)
    with pytest.raises(ValueError, match=r"out.wbgt_degc .* writeable"):
        step(small_city, HOT, sun, frozen)
    with pytest.raises(ValueError, match="wind_field_ms has shape"):
        step(small_city, HOT, sun, wind_field_ms=np.zeros((3, 3), dtype=np.float32))
    holed = np.ones(small_city.shape, dtype=np.float32)
    holed[4, 5] = np.nan
    with pytest.raises(ValueError, match=r"wind_field_ms is nan at row 4, column 5, must lie in 0 \.\. 75"):
        step(small_city, HOT, sun, wind_field_ms=holed)
    with pytest.raises(ValueError, match="UTCI is defined up to 50 hPa"):
        step(small_city, Weather(45.0, 90.0, 1.0, 800.0), sun)


def test_two_threads_may_step_the_same_city(small_city):
    sun = sun_over_kumagaya(NOON)
    expected = step(small_city, HOT, sun).wbgt_degc
    results = []
    threads = [threading.Thread(target=lambda: results.append(step(small_city, HOT, sun).wbgt_degc)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all((result == expected).all() for result in results)


def test_sun_and_shade_agree_with_the_trusted_simulation(reference):
    ground = reference.geometry.is_ground
    for hour in reference.hours:
        frame = step(reference.geometry, hour.weather, hour.sun)
        assert np.mean(np.abs(frame.shadow - hour.shadow)[ground] < 0.01) >= 0.9995


def test_temperatures_agree_with_the_trusted_simulation(reference):
    ground = reference.geometry.is_ground
    for hour in reference.hours:
        frame = step(reference.geometry, hour.weather, hour.sun)
        compared = ground & (np.abs(frame.shadow - hour.shadow) < 0.01)
        error = (frame.tmrt_degc - hour.tmrt_degc)[compared]
        assert abs(error.mean()) <= 0.8
        assert np.sqrt(np.mean(error**2)) <= 1.4
        assert np.percentile(np.abs(error), 95) <= 3.2
        assert np.sqrt(np.mean((frame.utci_degc - hour.utci_degc)[compared] ** 2)) <= 0.4
