"""The sun's place against the NREL algorithm, and the moments that follow from it."""

import csv
import math
from datetime import UTC, datetime

import pytest

from central.heat.radiation.clearness import haurwitz_wm2
from central.heat.sun import END_UNIX_MS, FIRST_UNIX_MS, sun_position
from tests.central.heat.conftest import sun_over_kumagaya, unix_ms
from tests.shared import shared_path

# NREL SPA (pvlib 0.16.1, solarposition.spa_python): zenith, azimuth [deg].
SPA_ROWS = [
    ("2018-12-22T02:30:00+00:00", 36.139, 139.389, 59.63103, 177.12981),
    ("2018-12-22T00:30:00+00:00", 36.139, 139.389, 67.10601, 147.45913),
    ("2026-08-15T10:00:00+00:00", -33.87, 151.21, 122.5789, 265.20045),
]


@pytest.mark.parametrize(("moment", "lat", "lon", "zenith_deg", "azimuth_deg"), SPA_ROWS)
def test_position_agrees_with_spa_to_a_hundredth_of_a_degree(moment, lat, lon, zenith_deg, azimuth_deg):
    sun = sun_position(unix_ms(moment), lat, lon)
    assert 90.0 - sun.altitude_deg == pytest.approx(zenith_deg, abs=0.01)
    assert sun.azimuth_deg == pytest.approx(azimuth_deg, abs=0.01)


def test_four_sites_through_the_year_agree_with_spa():
    with shared_path("reference/heat/solar_reference.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 90
    for row in rows:
        sun = sun_position(unix_ms(row["time_utc"]), float(row["lat"]), float(row["lon"]))
        zenith_deg = float(row["zenith_deg"])
        assert 90.0 - sun.altitude_deg == pytest.approx(zenith_deg, abs=0.01)
        around_deg = (sun.azimuth_deg - float(row["azimuth_deg"]) + 180.0) % 360.0 - 180.0
        assert abs(around_deg) * math.sin(math.radians(zenith_deg)) < 0.01
        if zenith_deg < 90.0:
            assert 90.0 - sun.apparent_altitude_deg == pytest.approx(float(row["apparent_zenith_deg"]), abs=0.01)
            assert haurwitz_wm2(sun) == pytest.approx(float(row["ghi_haurwitz"]), abs=0.5)


def test_pvlib_agrees_through_three_decades():
    pvlib = pytest.importorskip("pvlib")
    import pandas as pd

    times = pd.date_range("1995-01-01", "2035-01-01", periods=200, tz="UTC")
    expected = pvlib.solarposition.get_solarposition(times, 36.139, 139.389)
    for time, altitude_deg in zip(times, expected["elevation"], strict=True):
        assert sun_position(int(time.timestamp() * 1000), 36.139, 139.389).altitude_deg == pytest.approx(
            altitude_deg, abs=0.012
        )


def test_the_record_day():
    sun = sun_over_kumagaya("2018-07-23T12:00+09:00")
    assert sun.day_of_year == 204
    assert sun.noon_altitude_deg == pytest.approx(90.0 - 36.139 + sun.declination_deg)
    assert sun.mean_solar_hour == pytest.approx(12.0 + (139.389 - 135.0) / 15.0)
    assert 4.8 < sun.sunrise_hour < 5.1


def test_midnight_sun_and_polar_night_have_a_sunrise_all_the_same():
    in_june = sun_position(int(datetime(2020, 6, 21, 0, tzinfo=UTC).timestamp() * 1000), 75.0, 20.0)
    in_december = sun_position(int(datetime(2020, 12, 21, 12, tzinfo=UTC).timestamp() * 1000), 75.0, 20.0)
    assert (in_june.is_up, in_june.sunrise_hour) == (True, 0.0)
    assert (in_december.is_up, in_december.sunrise_hour) == (False, 12.0)


@pytest.mark.parametrize("latitude_deg", [-90.0, 90.0])
def test_the_poles_do_not_break_it(latitude_deg):
    sun = sun_position(0, latitude_deg, 0.0)
    assert abs(sun.altitude_deg) == pytest.approx(abs(sun.declination_deg), abs=1e-9)


def test_the_years_that_the_formulas_hold_for_begin_and_end_at_midnight():
    assert unix_ms("1900-01-01T00:00+00:00") == FIRST_UNIX_MS
    assert unix_ms("2201-01-01T00:00+00:00") == END_UNIX_MS


@pytest.mark.parametrize(
    ("moment", "altitude_deg", "azimuth_deg"),
    [("1900-01-05T03:00:00+00:00", 31.11111, 183.28713), ("2200-06-27T21:00:00+00:00", 16.15312, 72.68119)],
)
def test_the_first_and_last_year_agree_with_spa(moment, altitude_deg, azimuth_deg):
    """pvlib 0.16.1, solarposition.spa_python."""
    sun = sun_position(unix_ms(moment), 36.139, 139.389)
    assert sun.altitude_deg == pytest.approx(altitude_deg, abs=0.02)
    assert sun.azimuth_deg == pytest.approx(azimuth_deg, abs=0.03)


@pytest.mark.parametrize("days", [-800_000, 2_940_000])
def test_a_moment_without_a_date_is_a_value_error(days):
    with pytest.raises(ValueError, match=r"year|ordinal"):
        sun_position(days * 86_400_000, 36.139, 139.389)
