"""A station's WBGT minute by minute: what the board says now, said of every minute that was."""

import pytest

from central.heat.comfort.wbgt import station_wbgt
from central.heat.sun import sun_position
from central.simulation.station_wbgt import Mast, PastWeather, needs_weather, past_weather, wbgt_of, with_wbgt
from central.store.door import Frame, Series
from tests.central.simulation.small_city import HOT_DAY, JST_02_MS, JST_14_MS, LAT, LON

MAST = Mast(LAT, LON, wind_height_m=3.0)
ALL = ("air_temperature_degc", "relative_humidity_pct", "wind_speed_ms", "global_radiation_wm2", "air_pressure_hpa")
CITY = {"global_radiation_wm2": 700.0, "wind_speed_ms": 3.0, "air_pressure_hpa": 990.0}


def minutes(columns, *rows):
    """Rows a minute apart from 14:00 on."""
    stamped = [(JST_14_MS + index * 60_000, *row) for index, row in enumerate(rows)]
    return Series(("at_ms", *columns), stamped, None)


def hot(**changes):
    return tuple((HOT_DAY | changes)[name] for name in ALL)


def wbgt_column(series, weather=None):
    told = with_wbgt(series, weather or PastWeather(), MAST)
    assert told.columns[-1] == "wbgt_degc"
    assert [row[:-1] for row in told.rows] == series.rows
    return [row[-1] for row in told.rows]


def at_14(weather):
    return PastWeather((JST_14_MS,), (weather,))


def test_each_minute_is_what_liljegren_says_of_its_means_under_the_sun_of_its_middle():
    first, second = wbgt_column(minutes(ALL, hot(), hot(air_temperature_degc=30.0)))
    for index, (value, air) in enumerate(((first, 38.0), (second, 30.0))):
        sun = sun_position(JST_14_MS + index * 60_000 + 30_000, LAT, LON)
        assert value == round(station_wbgt(air, 35.0, 2.0, 880.0, 1003.0, sun, wind_height_m=3.0), 2)
    assert first > second + 4


@pytest.mark.parametrize("missing", ["air_temperature_degc", "relative_humidity_pct", "global_radiation_wm2"])
def test_without_temperature_humidity_or_sun_there_is_none(missing):
    assert wbgt_column(minutes(ALL, hot(**{missing: None}))) == [None]


def test_what_a_station_never_measures_comes_from_the_weather_of_that_minute():
    bare = minutes(ALL[:2], (38.0, 35.0))
    assert wbgt_column(bare) == [None]
    whole = minutes(
        ALL,
        hot(wind_speed_ms=3.0, global_radiation_wm2=700.0, air_pressure_hpa=990.0),
    )
    assert wbgt_column(bare, at_14(CITY)) == wbgt_column(whole)


def test_its_own_pyranometer_is_believed_before_the_city():
    (shaded,) = wbgt_column(minutes(ALL, hot(global_radiation_wm2=90.0)), at_14(CITY))
    (sunny,) = wbgt_column(minutes(ALL, hot()), at_14(CITY))
    assert shaded < sunny - 1.5


def test_without_wind_and_pressure_light_air_and_the_standard_atmosphere_stand_in():
    only = minutes((*ALL[:2], "global_radiation_wm2"), (38.0, 35.0, 880.0))
    assert wbgt_column(only) == wbgt_column(minutes(ALL, hot(wind_speed_ms=1.0, air_pressure_hpa=1013.25)))


def test_an_anemometer_that_stands_still_raises_no_alarm():
    still, turning = wbgt_column(minutes(ALL, hot(wind_speed_ms=0.0), hot(wind_speed_ms=0.5)))
    assert still == pytest.approx(turning, abs=0.05)


def test_what_the_index_is_not_defined_for_is_left_out_and_not_guessed():
    assert wbgt_column(minutes(ALL, hot(global_radiation_wm2=-90.0), hot())) == [None, pytest.approx(33.0, abs=2.0)]


def test_the_nearest_weather_counts_and_none_further_than_ten_minutes():
    past = PastWeather((JST_14_MS, JST_14_MS + 600_000), ({"wind_speed_ms": 1.0}, {"wind_speed_ms": 2.0}))
    assert past.near(JST_14_MS + 290_000) == {"wind_speed_ms": 1.0}
    assert past.near(JST_14_MS + 310_000) == {"wind_speed_ms": 2.0}
    assert past.near(JST_14_MS - 600_000) == {"wind_speed_ms": 1.0}
    assert past.near(JST_14_MS - 600_001) is None
    assert past.near(JST_14_MS + 1_200_001) is None
    assert PastWeather().near(JST_14_MS) is None


def test_frames_tell_the_weather_of_the_past_in_any_order():
    def frame(at_ms, **weather):
        return Frame(str(at_ms), at_ms, at_ms, {"weather": weather})

    past = past_weather([frame(5, wind_speed_ms=2.0, radiation_source="measured"), frame(1, wind_direction_deg=90.0)])
    assert past.at_ms == (1, 5)
    assert past.weather == ({}, {"wind_speed_ms": 2.0})


def test_frames_are_only_looked_up_where_something_is_missing():
    assert not needs_weather(minutes(ALL, hot()))
    assert needs_weather(minutes(ALL, hot(), hot(wind_speed_ms=None)))
    assert needs_weather(minutes(ALL[:2], (38.0, 35.0)))
    assert not needs_weather(minutes(("air_temperature_degc",), (38.0,)))


def test_at_night_the_sun_is_that_of_the_night():
    sun = sun_position(JST_02_MS, LAT, LON)
    # A pyranometer's offset in the dark is no sunshine.
    dark, offset = (wbgt_of((HOT_DAY | {"global_radiation_wm2": value}).get, None, sun, MAST) for value in (0.0, 8.0))
    assert dark == offset
