"""WBGT of a map against both heat balances solved point by point, over whatever weather is allowed."""

import numpy as np
import pytest

from central.heat import step_reference
from central.heat.comfort.wbgt import wbgt, wind_ratio
from central.heat.comfort.wbgt_surface import wbgt_at, wbgt_surface
from central.heat.comfort.wbgt_surplus import (
    USUAL,
    WIDE,
    WIDE_AIR_K,
    WIDE_HUMIDITY_PCT,
    terms_for,
    wbgt_surplus,
    wbgt_surplus_wide,
)
from central.heat.comfort.wbgt_variation import wbgt_variation
from central.heat.step import Weather, step
from tests.central.heat.conftest import sun_over_kumagaya

POINTS = 40
TO_SENSOR = wind_ratio(2.0, 10.0)
WINTER_NIGHT = {"air": (-18.0, -6.0), "wind": (0.0, 1.5), "cosine": 0.0}
WINTER_NOON = {"air": (-6.0, 6.0), "wind": (0.0, 15.0), "cosine": 0.45}
SUMMER_NOON = {"air": (28.0, 42.0), "wind": (0.0, 5.0), "cosine": 0.95}
SUMMER_NIGHT = {"air": (20.0, 33.0), "wind": (0.0, 0.3), "cosine": 0.0}
STORM = {"air": (5.0, 12.0), "wind": (4.0, 40.0), "cosine": 0.6}
LOW_SUN = {"air": (10.0, 30.0), "wind": (0.5, 8.0), "cosine": 0.02}


def random_weather(rng, humidity_span):
    """Air within -20 .. 45 C and 20 K, wind 0 .. 40 m/s, night to a high sun, clear or overcast."""
    span = rng.uniform(0.0, 20.0)
    lowest = rng.uniform(-20.0, 45.0 - span)
    dry = rng.uniform(0.0, 100.0 - humidity_span)
    return {
        "air": (lowest, lowest + span),
        "humidity": (dry, dry + humidity_span),
        "wind": tuple(np.sort(rng.choice([0.0, 0.3, 1.0, 3.0, 8.0, 20.0, 40.0], 2))),
        "cosine": float(rng.choice([0.0, 0.02, 0.1, 0.3, 0.6, 0.95])),
        "brightness": rng.uniform(0.1, 1.0),
        "pressure": float(rng.choice([850.0, 1013.25])),
    }


def errors_c(rng, *, air, humidity, wind, cosine, brightness=0.9, pressure=1005.0):
    """Of the map's WBGT at random points, and the surplus over the middle's that these hold [C]."""
    global_wm2 = 1050.0 * cosine * brightness if cosine > 0.01 else 0.0
    beam = global_wm2 * 0.85 * brightness**2
    sky, wall = global_wm2 - beam, 0.1 * global_wm2
    brightest = max(sky, wall)
    middle = 0.5 * sum(air), 0.5 * sum(humidity)
    surface = wbgt_surface(*middle, pressure, wind, TO_SENSOR, brightest, beam, cosine)
    change = wbgt_variation(surface, (middle[0], *air), (middle[1], *humidity), pressure, wind, brightest, beam, cosine)

    def within(bounds):
        return np.where(rng.random(POINTS) < 0.25, rng.choice(bounds, POINTS), rng.uniform(*bounds, POINTS))

    here, moist, speed, openness = within(air), within(humidity), within(wind), rng.random(POINTS)
    diffuse = sky * openness + wall * (1.0 - openness)
    direct = beam * rng.choice([0.0, 0.03, 1.0], POINTS)
    light = np.stack([np.ones(POINTS), diffuse, direct])
    y = np.maximum(
        (np.sqrt(np.sqrt(speed * surface.wind_terms[0])) - surface.wind_terms[1]) * surface.wind_terms[2], -1
    )
    x, z = surface.globe_terms @ light, surface.wick_terms @ light
    middle_degc, width, middle_pct, width_pct = change.centre
    s, r = (here - middle_degc) * width, (moist - middle_pct) * width_pct
    if change.coefficients.size > USUAL.size:
        surplus = wbgt_surplus_wide.py_func(change.coefficients.astype(float), s, r, z, y, x)
    else:
        surplus = wbgt_surplus.py_func(change.coefficients.astype(float), s, r, z, y)
    found = wbgt_at.py_func(surface.coefficients.astype(float), x, z, y) + surplus
    expected = [
        wbgt(
            float(here[i]),
            max(float(moist[i]), 0.1),
            float(speed[i]) * TO_SENSOR,
            float(diffuse[i] + direct[i]),
            pressure,
            direct_fraction=float(direct[i] / (diffuse[i] + direct[i])) if global_wm2 > 0.0 else 0.0,
            cos_zenith=cosine,
        ).wbgt_degc
        for i in range(POINTS)
    ]
    return found - np.array(expected), surplus


@pytest.mark.parametrize("weather", [WINTER_NIGHT, WINTER_NOON, SUMMER_NOON, SUMMER_NIGHT, STORM, LOW_SUN])
def test_a_season_a_night_a_calm_and_a_storm_are_met_within_five_hundredths(weather):
    rng = np.random.default_rng(7)
    for humidity in ((5.0, 45.0), (30.0, 70.0), (60.0, 100.0)):
        error, surplus = errors_c(rng, humidity=humidity, **weather)
        assert np.abs(error).max() <= 0.05
        assert np.ptp(surplus) > 2.0


@pytest.mark.parametrize(
    ("humidity_span_pct", "half_c"), [(20.0, 0.003), (40.0, 0.003), (60.0, 0.003), (80.0, 0.004), (100.0, 0.01)]
)
def test_any_weather_is_met_within_five_hundredths_over_any_span_of_humidity(humidity_span_pct, half_c):
    """Some 1600 points of 40 weathers for each span, among them air that is all but dry."""
    rng = np.random.default_rng(2018)
    worst = [np.abs(errors_c(rng, **random_weather(rng, humidity_span_pct))[0]).max() for _ in range(40)]
    assert max(worst) <= 0.05
    assert np.median(worst) <= half_c


def test_hot_and_saturated_air_in_a_calm_sun_beside_dry_air_is_met_within_five_hundredths():
    """The worst that 2000 random weathers had: 87 hPa of vapour at one end of the map, none at the other."""
    rng = np.random.default_rng(6)
    weather = {"air": (25.0, 43.4), "humidity": (0.0, 100.0), "wind": (0.0, 20.0), "cosine": 0.95}
    worst = [np.abs(errors_c(rng, brightness=0.83, **weather)[0]).max() for _ in range(15)]
    assert max(worst) <= 0.05


def test_the_longer_polynomials_serve_only_where_the_air_spans_much():
    assert terms_for(WIDE_AIR_K, WIDE_HUMIDITY_PCT) is USUAL
    assert terms_for(WIDE_AIR_K + 0.1, 0.0) is WIDE
    assert terms_for(0.0, WIDE_HUMIDITY_PCT + 0.1) is WIDE


def test_usual_and_longer_polynomials_agree_where_the_one_takes_over_from_the_other():
    """So that a map does not jump from one step to the next, when its span crosses the border."""
    for humidity in ((10.0, 50.0), (50.0, 90.0)):
        below, above = (
            errors_c(
                np.random.default_rng(5), air=(25.0, 34.9), humidity=(humidity[0], wettest), wind=(0.0, 8.0), cosine=0.9
            )
            for wettest in (humidity[1], humidity[1] + 0.01)
        )
        assert np.abs(below[0] - above[0]).max() <= 0.02


@pytest.mark.parametrize("moment", ["2018-07-23T07:00+09:00", "2018-07-23T14:00+09:00", "2018-07-24T02:00+09:00"])
def test_a_step_from_dry_to_moist_air_agrees_with_the_balances_in_every_cell(small_city, moment):
    rng = np.random.default_rng(8)
    air_degc = rng.choice([18.0, 22.0, 26.0, 30.0, 34.0], small_city.shape).astype(np.float32)
    humidity_pct = rng.uniform(1.0, 91.0, small_city.shape).astype(np.float32)
    humidity_pct.flat[:2] = 1.0, 91.0
    sun = sun_over_kumagaya(moment)
    weather = Weather(26.0, 46.0, 2.0, 850.0 if sun.is_up else 0.0)
    fast = step(small_city, weather, sun, air_temperature_field_degc=air_degc, relative_humidity_field_pct=humidity_pct)
    unknown = np.full(small_city.shape, 255, dtype=np.uint8)
    slow = step_reference.local_step(
        small_city, weather, sun, air_degc.astype(float), humidity_pct.astype(float), unknown
    )
    assert np.abs(fast.wbgt_degc - slow.wbgt_degc).max() <= 0.05


def test_one_air_everywhere_has_no_surplus_however_dry_or_windless():
    rng = np.random.default_rng(3)
    for air in (-20.0, 0.0, 45.0):
        for humidity in (0.0, 0.1, 50.0, 100.0):
            for wind in ((0.0, 0.0), (75.0, 75.0)):
                error, surplus = errors_c(rng, air=(air, air), humidity=(humidity, humidity), wind=wind, cosine=0.6)
                assert np.isfinite(surplus).all()
                assert np.abs(surplus).max() <= 0.01
                assert np.abs(error).max() <= 0.02


def test_air_the_same_everywhere_is_written_as_zeros():
    """What the step hands over instead of a fit must be as long as a fit, and mean nothing."""
    assert USUAL.size == 55
    none = wbgt_surplus.py_func(
        np.zeros(USUAL.size, dtype=np.float32), *(np.float32(v) for v in (0.5, -1.0, 1.0, -1.0))
    )
    assert none == 0.0
