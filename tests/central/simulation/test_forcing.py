"""One weather from eight stations of which some lie, sleep or lack an instrument."""

import math

import pytest

from central.heat.radiation.clearness import clear_sky_wm2
from central.heat.sun import sun_position
from central.simulation.forcing import (
    ASSUMED_WIND_MS,
    Forcing,
    NoForcing,
    RadiationSource,
    StationWord,
    city_forcing,
    humidity_from_dew_point,
    stale_after_s,
    standard_pressure_hpa,
    upper_quartile,
    vector_mean_deg,
)
from contract.quantities import Flag
from tests.central.simulation.small_city import HOT_DAY, JST_02_MS, JST_14_MS, LAT, LON

SUMMER_NOON = sun_position(JST_14_MS - 31 * 86_400_000 - 9_000_000, LAT, LON)
NOON = sun_position(JST_14_MS, LAT, LON)
NIGHT = sun_position(JST_02_MS, LAT, LON)


def word(name="kmg-01", *, fresh=True, flags=None, **changes):
    values = {**HOT_DAY, **changes}
    return StationWord(name, fresh, {key: value for key, value in values.items() if value != "absent"}, flags or {})


def crowd(quantity, values):
    return [word(f"kmg-{number:02d}", **{quantity: value}) for number, value in enumerate(values, start=1)]


def forced(words, sun=NOON, **more):
    weather = city_forcing(words, sun, 30.0, **more)
    assert isinstance(weather, Forcing)
    return weather


@pytest.mark.parametrize(
    ("quantity", "values", "expected"),
    [
        ("air_temperature_degc", [36.0, 36.2, 36.4, 36.6, 55.0], 36.4),
        ("air_temperature_degc", [36.0, 37.0], 36.5),
        ("relative_humidity_pct", [40.0, 41.0, 99.0], 41.0),
        ("air_pressure_hpa", [1003.0, 1003.2, 900.0], 1003.0),
        ("wind_speed_ms", [1.0, 2.0, 3.0, 4.0], 2.5),
        # Six of eight pyranometers stand in the shade.
        ("global_radiation_wm2", [120, 130, 140, 150, 160, 170, 880, 890], 880.0),
        # One of five reads a third too much: it is left out.
        ("global_radiation_wm2", [860, 870, 880, 890, 1180], 890.0),
        ("global_radiation_wm2", [150, 880], 880.0),
        # Above what the sun can send: a broken instrument, whatever the others say.
        ("global_radiation_wm2", [870, 1590], 870.0),
    ],
)
def test_one_number_from_many(quantity, values, expected):
    assert getattr(forced(crowd(quantity, values)), quantity) == pytest.approx(expected)


@pytest.mark.parametrize("flag", [flag for flag in Flag if flag is not Flag.OK])
def test_a_flagged_value_is_not_used(flag):
    words = [word("kmg-01"), word("kmg-02", air_temperature_degc=20.0, flags={"air_temperature_degc": flag})]
    assert forced(words).air_temperature_degc == 38.0


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "absent"])
def test_a_value_that_is_none_is_not_used(value):
    assert forced([word("kmg-01"), word("kmg-02", air_temperature_degc=value)]).air_temperature_degc == 38.0


def test_a_stale_station_is_not_used():
    weather = forced([word("kmg-01"), word("kmg-02", fresh=False, air_temperature_degc=10.0)])
    assert weather.air_temperature_degc == 38.0
    assert weather.stations_used == ("kmg-01",)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], NoForcing.NO_FRESH_STATION),
        ([word(fresh=False)], NoForcing.NO_FRESH_STATION),
        ([word(air_temperature_degc=None)], NoForcing.NO_AIR_TEMPERATURE),
        ([word(flags={"air_temperature_degc": Flag.STUCK})], NoForcing.NO_AIR_TEMPERATURE),
        ([word(relative_humidity_pct=None)], NoForcing.NO_HUMIDITY),
    ],
)
def test_what_cannot_be_replaced_gives_no_weather(words, reason):
    assert city_forcing(words, NOON, 30.0) is reason


def test_humidity_from_the_dew_point():
    weather = forced([word(relative_humidity_pct=None, dew_point_degc=20.0)])
    # WMO-No. 8 table: 20 C dew point at 38 C air is 35.3 %.
    assert weather.relative_humidity_pct == pytest.approx(35.3, abs=0.3)
    assert "relative_humidity_pct" in weather.assumed
    assert humidity_from_dew_point(25.0, 25.0) == pytest.approx(100.0)


def test_what_can_be_replaced_is_and_is_named():
    weather = forced(
        [word(wind_speed_ms=None, wind_direction_deg=None, air_pressure_hpa=None, global_radiation_wm2=None)]
    )
    assert weather.wind_speed_ms == ASSUMED_WIND_MS
    assert weather.wind_direction_deg is None
    assert weather.air_pressure_hpa == pytest.approx(standard_pressure_hpa(30.0), abs=0.05)
    assert weather.radiation_source is RadiationSource.MODELLED
    assert weather.assumed == ("air_pressure_hpa", "global_radiation_wm2", "wind_speed_ms")
    assert standard_pressure_hpa(1000.0) == pytest.approx(898.75, abs=0.1)


class TestRadiationWithoutAPyranometer:
    def test_a_clear_sky_when_nothing_is_known(self):
        weather = forced([word(global_radiation_wm2=None)])
        assert weather.global_radiation_wm2 == pytest.approx(clear_sky_wm2(NOON, 38.0, 35.0, 1003.0), abs=0.1)
        assert weather.clearness is None

    def test_dimmed_as_it_was_last_measured(self):
        clear = forced([word(global_radiation_wm2=None)])
        cloudy = forced([word(global_radiation_wm2=None)], last_clearness=0.4)
        assert cloudy.global_radiation_wm2 == pytest.approx(0.4 * clear.global_radiation_wm2, abs=0.1)

    def test_from_the_illuminance(self):
        weather = forced([word(global_radiation_wm2=None, illuminance_lx=88_000.0)])
        assert weather.global_radiation_wm2 == pytest.approx(800.0)
        assert weather.radiation_source is RadiationSource.MODELLED

    def test_an_impossible_illuminance_is_not_believed(self):
        weather = forced([word(global_radiation_wm2=None, illuminance_lx=199_000.0)])
        assert weather.global_radiation_wm2 == pytest.approx(clear_sky_wm2(NOON, 38.0, 35.0, 1003.0), abs=0.1)


def test_measured_radiation_says_how_clear_the_sky_is():
    weather = forced([word(global_radiation_wm2=450.0)])
    assert weather.radiation_source is RadiationSource.MEASURED
    assert weather.clearness == pytest.approx(450.0 / clear_sky_wm2(NOON, 38.0, 35.0, 1003.0), abs=1e-3)


class TestNight:
    def test_the_offset_of_a_pyranometer_is_no_light(self):
        weather = forced([word(global_radiation_wm2=-3.0)], NIGHT)
        assert weather.global_radiation_wm2 == 0.0
        assert weather.clearness is None

    def test_a_lamp_on_a_pyranometer_is_not_the_sun(self):
        weather = forced([word("kmg-01", global_radiation_wm2=0.0), word("kmg-02", global_radiation_wm2=90.0)], NIGHT)
        assert weather.global_radiation_wm2 == 0.0

    def test_the_model_gives_none(self):
        assert forced([word(global_radiation_wm2=None)], NIGHT).global_radiation_wm2 == 0.0


@pytest.mark.parametrize(
    ("winds", "expected"),
    [
        ([(2.0, 350.0), (2.0, 10.0)], 0.0),
        ([(3.0, 90.0), (1.0, 90.0)], 90.0),
        ([(1.0, 0.0), (1.0, 90.0)], 45.0),
        ([(3.0, 0.0), (1.0, 180.0)], 0.0),
        ([(2.0, 90.0), (2.0, 270.0)], None),
        ([(0.0, 123.0)], None),
        ([], None),
    ],
)
def test_direction_is_the_mean_of_vectors(winds, expected):
    mean = vector_mean_deg(winds)
    if expected is None:
        assert mean is None
    else:
        assert (mean - expected + 180.0) % 360.0 == pytest.approx(180.0, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "expected"),
    [([5], 5), ([1, 9], 9), ([1, 2, 3, 4], 4), ([1, 2, 3, 4, 5], 4), ([8, 7, 6, 5, 4, 3, 2, 1], 7)],
)
def test_upper_quartile(values, expected):
    assert upper_quartile(values) == expected


@pytest.mark.parametrize(("interval_s", "limit_s"), [(1.0, 30.0), (10.0, 30.0), (20.0, 60.0)])
def test_stale_after_three_intervals_but_not_before_half_a_minute(interval_s, limit_s):
    assert stale_after_s(interval_s) == limit_s


def test_used_are_those_that_gave_something():
    words = [word("kmg-02"), word("kmg-01"), word("kmg-03", **dict.fromkeys(HOT_DAY))]
    assert forced(words).stations_used == ("kmg-01", "kmg-02")


def test_a_change_nobody_would_see_is_alike():
    weather = forced([word()])
    assert weather.is_like(forced([word(air_temperature_degc=38.03, air_pressure_hpa=1003.5)]))
    assert not weather.is_like(forced([word(air_temperature_degc=38.2)]))
    assert not weather.is_like(forced([word(global_radiation_wm2=None)]))


@pytest.mark.parametrize("values", [[52.0, 53.0, 54.0], [36.0, 55.0, 56.0]])
def test_thermometers_that_all_stand_in_the_sun_make_no_weather(values):
    assert city_forcing(crowd("air_temperature_degc", values), NOON, 30.0) is NoForcing.NO_AIR_TEMPERATURE


def test_a_pyranometer_that_reads_more_than_a_step_takes_is_not_believed_at_a_high_sun():
    assert SUMMER_NOON.altitude_deg > 76.0
    assert forced(crowd("global_radiation_wm2", [1480.0]), SUMMER_NOON).global_radiation_wm2 == 1480.0
    weather = forced(crowd("global_radiation_wm2", [1520.0]), SUMMER_NOON)
    assert weather.radiation_source is RadiationSource.MODELLED
    assert weather.global_radiation_wm2 < 1200.0
