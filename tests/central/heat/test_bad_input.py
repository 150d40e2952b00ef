"""Odd cities and odd weather: the right answer, or one line that names what is wrong; never a silent NaN in a map."""

import numpy as np
import pytest

from central.heat.geometry import prepare
from central.heat.memory import Memory
from central.heat.step import Weather, step
from central.heat.surface import Surface
from tests.central.heat.conftest import KUMAGAYA, sun_over_kumagaya

NOON = "2018-07-23T12:00+09:00"
MIDNIGHT = "2018-07-24T00:00+09:00"


def city(rows, columns, *, trees):
    dem = np.full((rows, columns), 25.0, dtype=np.float32)
    dsm, cdsm = dem.copy(), np.zeros_like(dem)
    dsm[rows // 3 : rows // 2, columns // 3 : columns // 2] = 40.0
    if trees:
        cdsm[-rows // 4 :, : columns // 4] = 7.0
    return prepare(Surface(dsm, dem, cdsm, 2.0, *KUMAGAYA))


def assert_whole(frame):
    for name, values in vars(frame).items():
        assert np.isfinite(values).all(), name


@pytest.mark.parametrize("shape", [(2, 2), (10, 10), (10, 200), (129, 257)])
@pytest.mark.parametrize("trees", [True, False])
@pytest.mark.parametrize("moment", [NOON, "2018-07-23T04:50+09:00", MIDNIGHT])
def test_cities_of_every_size_with_and_without_trees_have_whole_maps(shape, trees, moment):
    geometry, sun = city(*shape, trees=trees), sun_over_kumagaya(moment)
    plain = step(geometry, Weather(30.0, 60.0, 1.0), sun)
    assert_whole(plain)
    air = np.full(shape, 30.0, dtype=np.float32)
    air[0, 0] = 31.0
    memory = Memory.fresh(geometry)
    assert_whole(step(geometry, Weather(30.0, 60.0, 1.0), sun, air_temperature_field_degc=air, memory=memory))
    if not trees:
        assert set(np.unique(plain.shadow)) <= {0.0, 1.0}


def test_ten_by_ten_cells_agree_with_the_same_place_in_a_larger_field():
    flat = np.zeros((10, 10), dtype=np.float32)
    wide = np.zeros((200, 300), dtype=np.float32)
    small, large = (prepare(Surface(array, array, array, 2.0, *KUMAGAYA)) for array in (flat, wide))
    sun, weather = sun_over_kumagaya(NOON), Weather(36.0, 40.0, 2.0, 850.0)
    one, other = step(small, weather, sun), step(large, weather, sun)
    for name in ("tmrt_degc", "utci_degc", "wbgt_degc"):
        assert getattr(one, name)[5, 5] == getattr(other, name)[100, 150]


@pytest.mark.parametrize(
    "weather",
    [
        Weather(27.0, 70.0, 1.0),
        Weather(27.0, 70.0, 0.0, 0.0),
        Weather(27.0, 100.0, 0.0, -4.0),
        Weather(-20.0, 0.0, 0.0, None, 0.0, 0.0),
        Weather(40.0, 0.0, 75.0),
    ],
)
def test_night_calm_and_the_ends_of_the_scales_have_whole_maps(small_city, weather):
    assert_whole(step(small_city, weather, sun_over_kumagaya(MIDNIGHT)))
    assert_whole(step(small_city, weather, sun_over_kumagaya(NOON)))


def test_with_the_sun_below_the_horizon_a_measured_beam_is_not_believed(small_city):
    sun = sun_over_kumagaya(MIDNIGHT)
    dark = step(small_city, Weather(27.0, 70.0, 1.0, None, 0.0, 0.0), sun)
    said = step(small_city, Weather(27.0, 70.0, 1.0, None, 600.0, 100.0), sun)
    assert (said.tmrt_degc == dark.tmrt_degc).all()
    assert (said.wbgt_degc == dark.wbgt_degc).all()


@pytest.mark.parametrize("humidity_pct", [130.0, -1.0, float("nan")])
def test_humidity_beyond_its_scale_is_refused_by_name(humidity_pct):
    with pytest.raises(ValueError, match=r"relative_humidity_pct is .*, must lie in 0 \.\. 100"):
        Weather(30.0, humidity_pct, 1.0)


def test_fifty_hectopascal_are_the_edge(small_city):
    """At 35 C saturated air holds 56 hPa: 88 % is still within, 90 % beyond."""
    sun = sun_over_kumagaya(NOON)
    assert_whole(step(small_city, Weather(35.0, 88.0, 1.0), sun))
    with pytest.raises(ValueError, match=r"is a vapour pressure of 50\.\d hPa: UTCI is defined up to 50 hPa"):
        step(small_city, Weather(35.0, 90.0, 1.0), sun)
    blanked = step(small_city, Weather(35.0, 90.0, 1.0), sun, blank_utci=True)
    assert np.isnan(blanked.utci_degc).all()
    assert np.isfinite(blanked.wbgt_degc).all()
