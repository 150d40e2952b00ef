"""Clearness, direct and diffuse, the sky's light, and the weights a person absorbs them with."""

import math

import numpy as np
import pytest

from central.heat.geometry.dome import sky_dome
from central.heat.radiation.bitplanes import dequantise, quantise
from central.heat.radiation.clearness import Irradiance, cleanest_beam_wm2, clear_sky_wm2, clearness_index, split
from central.heat.radiation.perez import COEFFICIENTS, patch_irradiance
from central.heat.radiation.weights import (
    Materials,
    absorbed,
    canopy_transmissivity,
    mean_radiant_temperature_degc,
    sky_emissivity,
    surface_heating_k,
)
from central.heat.sun import sun_position
from tests.central.heat.conftest import sun_over_kumagaya, unix_ms

NOON = "2018-07-23T12:00+09:00"
NIGHT = "2018-07-24T00:30+09:00"


@pytest.mark.parametrize(
    ("hour", "global_wm2", "air", "humidity"), [(10, 750, 33, 45), (12, 930, 38, 33), (16, 450, 40, 30)]
)
def test_split_gives_back_the_global_radiation(hour, global_wm2, air, humidity):
    sun = sun_over_kumagaya(f"2018-07-23T{hour}:00+09:00")
    parts = split(global_wm2, sun, air, humidity)
    on_level = parts.direct_normal_wm2 * math.sin(math.radians(sun.altitude_deg))
    assert on_level + parts.diffuse_wm2 == pytest.approx(global_wm2)
    assert 0.1 <= parts.diffuse_wm2 / global_wm2 <= 0.5


def test_split_agrees_with_the_reference_hours(reference):
    for hour in reference.hours:
        weather = hour.weather
        parts = split(
            weather.global_radiation_wm2, hour.sun, weather.air_temperature_degc, weather.relative_humidity_pct
        )
        assert parts.direct_normal_wm2 == pytest.approx(weather.direct_normal_wm2, rel=0.035)


def test_an_overcast_sky_is_all_diffuse():
    parts = split(100.0, sun_over_kumagaya(NOON), 25.0, 90.0)
    assert parts.diffuse_wm2 == pytest.approx(100.0, rel=0.03)


def test_near_the_horizon_no_beam_outshines_the_cleanest_air():
    for minute in range(0, 60, 3):
        sun = sun_over_kumagaya(f"2018-07-23T18:{minute:02d}+09:00")
        parts = split(150.0, sun, 30.0, 50.0)
        assert 0.0 <= parts.direct_normal_wm2 <= cleanest_beam_wm2(sun)
        assert parts.diffuse_wm2 >= 0.0
    assert cleanest_beam_wm2(sun_over_kumagaya(NOON)) == pytest.approx(1060.0, abs=30.0)


def test_clearness_is_one_under_a_cloudless_sky_and_falls_with_clouds():
    sun = sun_over_kumagaya(NOON)
    cloudless = clear_sky_wm2(sun, 35.0, 40.0, 1005.0)
    assert 900.0 < cloudless < 1050.0
    values = [clearness_index(sun, share * cloudless, 35.0, 40.0, 1005.0) for share in (1.0, 0.7, 0.3, 0.0)]
    assert values[0] == pytest.approx(1.0, abs=0.05)
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.1
    assert clearness_index(sun_over_kumagaya(NIGHT), 0.0, 25.0, 80.0, 1005.0) == 1.0


@pytest.mark.parametrize("clearness_bin", range(8))
def test_every_bin_of_the_sky_model_gives_back_the_diffuse_radiation(clearness_bin):
    dome, sun = sky_dome(), sun_over_kumagaya("2018-07-23T15:00+09:00")
    ratio = (1.03, 1.15, 1.35, 1.7, 2.3, 3.5, 5.0, 8.0)[clearness_bin]
    zenith_term = 1.041 * math.radians(90.0 - sun.altitude_deg) ** 3
    direct = 150.0 * (ratio - 1.0) * (1.0 + zenith_term)
    light = patch_irradiance(dome, sun, Irradiance(0.0, direct, 150.0))
    assert (light >= 0.0).all()
    assert (light * dome.sin_altitude).sum() == pytest.approx(150.0)
    if clearness_bin >= 2:  # with any sun the sky is brightest round it
        brightest = int(np.argmax(light / dome.solid_angle_sr))
        assert abs((dome.azimuth_deg[brightest] - sun.azimuth_deg + 180) % 360 - 180) < 30.0


def test_the_sky_model_has_the_printed_table():
    assert COEFFICIENTS.shape == (8, 5, 4)
    assert COEFFICIENTS[1, 2].tolist() == [6.9750, 0.1774, 6.4477, -0.1239]
    assert COEFFICIENTS[7, 3].tolist() == [-7.2312, 0.4050, 13.3500, 0.6234]


def test_sunless_sky_is_equally_bright():
    dome = sky_dome()
    light = patch_irradiance(dome, sun_over_kumagaya("2018-07-23T18:55+09:00"), Irradiance(5.0, 0.0, 5.0))
    assert np.ptp(light / dome.solid_angle_sr) < 1e-9


def test_ground_is_hottest_at_three_and_no_warmer_than_air_at_night():
    materials = Materials(hottest_hour=15.0)
    by_hour = {
        hour: surface_heating_k(sun_over_kumagaya(f"2018-07-23T{hour:02d}:43+09:00"), 1.0, materials)
        for hour in (6, 10, 14, 17)
    }  # 14:43 at Kumagaya is 15:00 of mean solar time
    assert max(by_hour, key=by_hour.__getitem__) == 14
    assert by_hour[14] == pytest.approx(0.37 * sun_over_kumagaya(NOON).noon_altitude_deg - 3.41, abs=0.1)
    assert surface_heating_k(sun_over_kumagaya(NIGHT), 1.0, materials) == 0.0


def test_crowns_are_bare_in_winter_on_either_half_of_the_earth():
    in_july, in_january = unix_ms("2020-07-15T03:00+00:00"), unix_ms("2020-01-15T03:00+00:00")
    leaf, twig = Materials().leaf_transmissivity, Materials().twig_transmissivity
    assert canopy_transmissivity(sun_position(in_july, 36.1, 139.4), Materials()) == leaf
    assert canopy_transmissivity(sun_position(in_january, 36.1, 139.4), Materials()) == twig
    assert canopy_transmissivity(sun_position(in_july, -33.9, 151.2), Materials()) == twig
    assert canopy_transmissivity(sun_position(in_january, -33.9, 151.2), Materials()) == leaf


def test_under_a_closed_black_sky_of_air_temperature_a_person_feels_air_temperature():
    """Overcast night: the sky sends as a black body, the ground with emissivity 0.95 over half of the view."""
    weights = absorbed(sun_over_kumagaya(NIGHT), Irradiance(0.0, 0.0, 0.0), 0.0, 20.0, 60.0, 0.03, Materials())
    total = weights.sky.sum() + weights.beam_and_ground[2]
    expected_k = 293.15 * (0.5 + 0.5 * 0.95) ** 0.25
    assert float(mean_radiant_temperature_degc(total)) == pytest.approx(expected_k - 273.15, abs=0.15)


def test_a_black_room_of_walls_at_air_temperature_is_at_air_temperature():
    black = Materials(ground_emissivity=1.0, wall_emissivity=1.0)
    weights = absorbed(sun_over_kumagaya(NIGHT), Irradiance(0.0, 0.0, 0.0), 0.0, 25.0, 60.0, 0.03, black)
    total = weights.wall.sum() + weights.beam_and_ground[0]
    assert float(mean_radiant_temperature_degc(total)) == pytest.approx(25.0, abs=0.15)


def test_direct_beam_on_the_cylinder_is_the_published_projection():
    sun = sun_over_kumagaya(NOON)
    with_beam = absorbed(sun, Irradiance(900.0, 700.0, 0.0), 1.0, 30.0, 50.0, 0.03, Materials(ground_albedo=0.0))
    altitude = math.radians(sun.altitude_deg)
    difference = with_beam.beam_and_ground[2] - with_beam.beam_and_ground[0]
    heating = surface_heating_k(sun, 1.0, Materials())
    ground = 0.97 * 0.5 * 0.95 * 5.67e-8 * ((303.15 + heating) ** 4 - 303.15**4)
    beam = 0.7 * 700.0 * (0.28 * math.cos(altitude) + 0.06 * math.sin(altitude))
    assert difference == pytest.approx(beam + ground, rel=1e-6)


def test_nothing_is_sunlit_at_night_and_only_walls_across_from_the_sun_by_day():
    irradiance = Irradiance(0.0, 0.0, 0.0)
    assert not absorbed(sun_over_kumagaya(NIGHT), irradiance, 1.0, 25.0, 60.0, 0.03, Materials()).is_sunlit.any()
    sun = sun_over_kumagaya("2018-07-23T09:00+09:00")
    lit = absorbed(sun, irradiance, 1.0, 25.0, 60.0, 0.03, Materials()).is_sunlit
    away = np.cos(np.radians(sky_dome().azimuth_deg - sun.azimuth_deg)) < 0.0
    assert lit.any()
    assert not lit[:, ~away].any()
    assert lit[255].sum() > lit[60].sum()  # an open place sees more of the sunlit wall


def test_emissivity_of_a_humid_summer_sky():
    assert sky_emissivity(30.0, 60.0) == pytest.approx(0.87, abs=0.03)
    assert sky_emissivity(0.0, 50.0) < 0.75


def test_weights_written_in_bits_are_half_a_step_off_at_most():
    weights = np.random.default_rng(2).normal(3.0, 1.0, 153)
    for bits in (5, 7):
        planes = quantise(weights, bits)
        step = np.ptp(weights) / (2**bits - 1)
        assert np.abs(dequantise(planes) - weights).max() <= 0.5 * step + 1e-6
    assert np.allclose(dequantise(quantise(np.full(153, 4.0), 5)), 4.0)
