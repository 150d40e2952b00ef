"""The computed weather: physically sound, the same whenever asked, and hot enough on the record day."""

import datetime as dt
import itertools
import math

import pytest

from contract.quantities import QUANTITIES, Flag, check_range
from firmware_sim.config import load_config
from firmware_sim.day import JST, Shower, date_of, day_character, day_number, hour_of_day
from firmware_sim.noise import key_of, octaves, smooth, uniform
from firmware_sim.sites import REFERENCE_SITE, Shade, Site
from firmware_sim.sun import clear_sky_global_wm2, sun_position
from firmware_sim.weather_model import PhysicalWeather, relative_humidity_pct, vapour_pressure_hpa
from tests.firmware_sim.builders import DEVICES

MINUTE_MS = 60_000


def moment_ms(*when):
    return round(dt.datetime(*when, tzinfo=JST).timestamp() * 1000)


def day_of(site=REFERENCE_SITE, date=(2018, 7, 23), step_min=1, seed=2018, name="kmg-01"):
    weather = PhysicalWeather(site, seed=seed, name=name)
    start = moment_ms(*date)
    return [weather.at(start + minute * MINUTE_MS) for minute in range(0, 1440, step_min)]


def column(rows, name):
    return [row[name] for row in rows]


@pytest.mark.parametrize("seed", [0, 1, 2018])
def test_the_record_day_peaks_at_41_1_degc_at_14_16(seed):
    temperatures = column(day_of(seed=seed), "air_temperature_degc")
    highest = max(temperatures)
    assert highest == pytest.approx(41.1, abs=0.1)
    assert abs(temperatures.index(highest) - (14 * 60 + 16)) <= 1


def test_the_record_afternoon_is_dry_and_sunny():
    noon = PhysicalWeather(REFERENCE_SITE, seed=2018).at(moment_ms(2018, 7, 23, 12))
    assert 25.0 < noon["relative_humidity_pct"] < 45.0
    assert 850.0 < noon["global_radiation_wm2"] < 1050.0
    assert noon["rain_intensity_mmh"] == 0.0


def test_every_quantity_is_there_and_plausible_all_year_round():
    weather = PhysicalWeather(Site(surface="asphalt", exposure=0.5), seed=3)
    start = moment_ms(2019, 1, 1)
    for step in range(0, 365 * 24, 7):
        sample = weather.at(start + step * 3_600_000)
        assert sample.keys() == QUANTITIES.keys()
        for name, value in sample.items():
            assert check_range(name, value) is Flag.OK, (name, value)


def test_the_same_moment_gives_the_same_weather_in_any_order():
    moments = [moment_ms(2018, 7, 23, 14), moment_ms(2017, 1, 1), moment_ms(2018, 7, 23, 13, 59, 59)]
    forward = [PhysicalWeather(REFERENCE_SITE, seed=7, name="a").at(moment) for moment in moments]
    weather = PhysicalWeather(REFERENCE_SITE, seed=7, name="a")
    assert [weather.at(moment) for moment in reversed(moments)] == forward[::-1]
    assert PhysicalWeather(REFERENCE_SITE, seed=8, name="a").at(moments[0]) != forward[0]


@pytest.mark.parametrize("month", [1, 4, 7, 10])
def test_no_value_jumps_further_in_a_minute_than_quality_control_believes(month):
    rows = [row for day in (1, 2, 3) for row in day_of(date=(2019, month, day))]
    for name, quantity in QUANTITIES.items():
        if quantity.jump_max is not None:
            steps = [abs(after - before) for before, after in itertools.pairwise(column(rows, name))]
            assert max(steps) < quantity.jump_max, name


def test_temperature_runs_on_over_midnight():
    weather = PhysicalWeather(REFERENCE_SITE, seed=5)
    for day in range(1, 28):
        before, after = (weather.at(moment_ms(2018, 8, day) + offset) for offset in (-1000, 1000))
        assert after["air_temperature_degc"] == pytest.approx(before["air_temperature_degc"], abs=0.05)
        assert after["dew_point_degc"] == pytest.approx(before["dew_point_degc"], abs=0.05)


def test_the_dew_point_never_exceeds_the_temperature():
    rows = [row for month in range(1, 13) for row in day_of(date=(2020, month, 15), step_min=10)]
    assert all(row["dew_point_degc"] < row["air_temperature_degc"] for row in rows)
    assert all(0.0 < row["relative_humidity_pct"] <= 100.0 for row in rows)


def test_humidity_is_the_ratio_of_vapour_pressures():
    # WMO-No. 8, vol. I, annex 4.B: e_w(20 degC) = 23.37 hPa (table value 23.39).
    assert vapour_pressure_hpa(20.0) == pytest.approx(23.37, abs=0.05)
    assert relative_humidity_pct(30.0, 30.0) == 100.0
    assert relative_humidity_pct(41.1, 20.5) == pytest.approx(30.7, abs=0.5)


def test_the_pressure_has_its_tide_with_lows_in_the_afternoon():
    pressures = [column(day_of(date=(2018, 7, day), step_min=60), "air_pressure_hpa") for day in range(1, 31)]
    mean = [sum(hours) / len(hours) for hours in zip(*pressures, strict=True)]
    assert mean[10] > mean[16] + 0.8
    assert mean[22] > mean[16]


def test_wind_is_steady_from_second_to_second_and_gusts_exceed_it():
    weather = PhysicalWeather(REFERENCE_SITE, seed=2018, name="kmg-01")
    rows = [weather.at(moment_ms(2018, 7, 23, 13) + second * 1000) for second in range(1800)]
    speed = column(rows, "wind_speed_ms")
    mean = sum(speed) / len(speed)
    spread = math.sqrt(sum((value - mean) ** 2 for value in speed) / len(speed))
    assert 0.05 < spread / mean < 0.5
    assert _autocorrelation(speed, 1) > 0.9
    assert _autocorrelation(speed, 600) < 0.5
    assert all(row["wind_gust_ms"] >= row["wind_speed_ms"] for row in rows)


def _autocorrelation(values, lag):
    mean = sum(values) / len(values)
    products = sum((a - mean) * (b - mean) for a, b in zip(values, values[lag:], strict=False)) / (len(values) - lag)
    return products / (sum((value - mean) ** 2 for value in values) / len(values))


def test_a_sheltered_street_has_less_wind():
    open_site = column(day_of(), "wind_speed_ms")
    street = column(day_of(Site(exposure=0.5)), "wind_speed_ms")
    assert sum(street) == pytest.approx(0.5 * sum(open_site))


def test_shade_takes_the_beam_and_leaves_the_sky():
    shade = Shade(from_azimuth_deg=90.0, to_azimuth_deg=200.0, below_elevation_deg=80.0)
    at = moment_ms(2018, 7, 23, 10)
    sunny = PhysicalWeather(REFERENCE_SITE, seed=2018).at(at)["global_radiation_wm2"]
    shaded = PhysicalWeather(Site(shade=(shade,)), seed=2018).at(at)["global_radiation_wm2"]
    assert 0.05 * sunny < shaded < 0.4 * sunny


def test_shade_may_pass_north():
    shade = Shade(from_azimuth_deg=300.0, to_azimuth_deg=60.0, below_elevation_deg=20.0)
    assert shade.hides(350.0, 10.0)
    assert shade.hides(30.0, 10.0)
    assert not shade.hides(180.0, 10.0)
    assert not shade.hides(350.0, 25.0)


def test_the_park_is_cooler_than_the_asphalt_by_day():
    at = moment_ms(2018, 7, 23, 13)
    park, asphalt = (
        PhysicalWeather(Site(surface=kind), seed=1).at(at)["air_temperature_degc"] for kind in ("park", "asphalt")
    )
    assert 1.0 < asphalt - park < 3.0


def test_clouds_cast_shadows_that_reach_one_station_after_the_other():
    first = column(day_of(date=(2019, 7, 28), name="a"), "global_radiation_wm2")
    second = column(day_of(Site(lat=36.1305, lon=139.3960), (2019, 7, 28), name="b"), "global_radiation_wm2")
    daylight = slice(8 * 60, 16 * 60)
    assert first[daylight] != second[daylight]
    assert max(abs(a - b) for a, b in zip(first[daylight], second[daylight], strict=True)) > 100.0


def test_showers_come_in_summer_afternoons_and_fill_the_gauge():
    days = [day_number(moment_ms(2018, 1, 1)) + offset for offset in range(365)]
    wet = [number for number in days if day_character(0, number).shower is not None]
    assert 10 <= len(wet) <= 80
    assert all(4 <= date_of(number).month <= 10 for number in wet)
    date = date_of(next(number for number in wet if date_of(number).month in {7, 8}))
    rows = day_of(date=(date.year, date.month, date.day), seed=0)
    gauge, intensity = column(rows, "rain_accumulated_mm"), column(rows, "rain_intensity_mmh")
    assert all(after >= before for before, after in itertools.pairwise(gauge))
    assert gauge[-1] - gauge[0] == pytest.approx(sum(intensity) / 60.0, rel=0.03)
    first_drop = next(minute for minute, value in enumerate(intensity) if value > 0)
    assert 15 * 60 <= first_drop <= 19 * 60
    temperature = column(rows, "air_temperature_degc")
    assert temperature[first_drop + 25] < temperature[first_drop] - 2.0


def test_a_shower_rains_what_its_intensity_says():
    shower = Shower(starts_h=15.0, lasts_h=1.0, peak_mmh=30.0)
    assert shower.fallen_mm(24.0) == pytest.approx(15.0)
    assert shower.fallen_mm(15.5) == pytest.approx(7.5)
    assert shower.intensity_mmh(15.5) == 30.0
    assert shower.intensity_mmh(14.9) == shower.intensity_mmh(16.1) == 0.0


def test_the_gauge_begins_again_with_the_year():
    weather = PhysicalWeather(REFERENCE_SITE, seed=0)
    assert weather.at(moment_ms(2018, 12, 31, 23, 59))["rain_accumulated_mm"] > 50.0
    assert weather.at(moment_ms(2019, 1, 1))["rain_accumulated_mm"] == 0.0


def test_the_eight_stations_of_the_demonstration_differ():
    config = load_config(DEVICES.parent / "sim-city.toml")
    at = moment_ms(2018, 7, 23, 14)
    stations = [station for line in config.line for station in line.station]
    samples = [PhysicalWeather(station.site, seed=0, name=station.id).at(at) for station in stations]
    assert len(stations) == 8
    for name in ("air_temperature_degc", "relative_humidity_pct", "wind_speed_ms"):
        assert len({round(sample[name], 2) for sample in samples}) == 8
    temperatures = [sample["air_temperature_degc"] for sample in samples]
    assert 1.0 < max(temperatures) - min(temperatures) < 4.0


def test_hours_and_days_are_japanese():
    assert hour_of_day(moment_ms(2018, 7, 23, 14, 30)) == 14.5
    assert date_of(day_number(moment_ms(2018, 7, 23))) == dt.date(2018, 7, 23)
    assert date_of(day_number(moment_ms(2018, 7, 23) - 1)) == dt.date(2018, 7, 22)


def test_the_sun_stands_where_pvlib_puts_it():
    pvlib = pytest.importorskip("pvlib")
    pandas = pytest.importorskip("pandas")
    times = pandas.date_range("2018-01-01", periods=60, freq="147h", tz="Asia/Tokyo")
    reference = pvlib.solarposition.get_solarposition(times, 36.139, 139.389)
    for time, elevation, azimuth in zip(times, reference["elevation"], reference["azimuth"], strict=True):
        ours = sun_position(round(time.timestamp() * 1000), 36.139, 139.389)
        assert ours.elevation_deg == pytest.approx(elevation, abs=0.03)
        if abs(elevation) < 80.0:
            assert abs((ours.azimuth_deg - azimuth + 180.0) % 360.0 - 180.0) < 0.1


def test_a_clear_sky_gives_about_a_kilowatt_overhead_and_nothing_at_night():
    assert clear_sky_global_wm2(90.0) == pytest.approx(1098.0 * math.exp(-0.057))
    assert clear_sky_global_wm2(0.0) == clear_sky_global_wm2(-30.0) == 0.0
    assert 0.0 <= clear_sky_global_wm2(0.001) < 1.0


def test_noise_is_smooth_bounded_and_centred():
    key = key_of(1, "test")
    values = [smooth(key, position / 10.0) for position in range(20_000)]
    assert all(-1.0 <= value <= 1.0 for value in values)
    assert abs(sum(values) / len(values)) < 0.05
    assert max(abs(after - before) for before, after in itertools.pairwise(values)) < 0.31
    assert all(-1.0 <= octaves(key, position / 7.0, 4) <= 1.0 for position in range(-2000, 2000))


def test_streams_of_noise_are_independent():
    one, two = ([uniform(key_of(1, name), index) for index in range(2000)] for name in ("one", "two"))
    product = sum((a - 0.5) * (b - 0.5) for a, b in zip(one, two, strict=True)) / 2000
    assert abs(product) < 0.01
