# ruff: noqa: PLR0917 - one column of a published table each
"""The indices against published programs, and where they refuse."""

import csv
import math

import numpy as np
import pytest

from central.heat.comfort.bands import BANDS, band_of
from central.heat.comfort.ministry import ministry_wbgt
from central.heat.comfort.utci import utci, utci_surface
from central.heat.comfort.utci_coefficients import ROWS
from central.heat.comfort.utci_map import utci_map
from central.heat.comfort.wbgt import radiation_for_wbgt, station_wbgt, wbgt
from central.heat.comfort.wbgt_surface import wbgt_at, wbgt_surface
from tests.central.heat.conftest import sun_over_kumagaya
from tests.shared import shared_path

# ta, tmrt, wind at 10 m, rh -> UTCI of pythermalcomfort 4.8.1
UTCI_ROWS = [(25.0, 50.0, 2.0, 40.0, 29.9845), (-15.71, -27.9, 1.024, 85.7, -21.31), (25.0, 65.0, 1.0, 40.0, 34.994)]

# ta, rh, wind at 2 m, pressure, radiation, direct share, cosine of zenith -> globe, wet bulb, WBGT of thermofeel 2.3.0
WBGT_ROWS = [
    (23.1, 50.0, 3.83, 1009.0, 309.0, 0.454, 0.434385, 28.3011, 17.2307, 20.0317),
    (31.5, 26.0, 1.87, 1009.0, 209.0, 0.01582, 0.651977, 35.152, 19.0633, 23.5247),
    (31.0, 50.0, 3.95, 1009.0, 770.0, 0.66003, 0.898309, 41.6491, 24.1032, 28.302),
]


def test_the_polynomial_has_its_210_coefficients():
    assert sum(len(row) for row in ROWS) == math.comb(6 + 4, 4)


@pytest.mark.parametrize(("ta", "tmrt", "wind", "rh", "expected"), UTCI_ROWS)
def test_utci_agrees_with_published_rows(ta, tmrt, wind, rh, expected):
    assert float(utci(ta, tmrt, wind, rh)) == pytest.approx(expected, abs=1e-4)


def test_utci_agrees_with_every_reference_row():
    with shared_path("reference/heat/utci_reference.csv").open() as file:
        rows = list(csv.DictReader(file))
    given = [np.array([float(row[name]) for row in rows]) for name in ("ta_C", "tmrt_C", "va10_ms", "rh_pct")]
    expected = np.array([float(row["utci_pythermalcomfort_C"]) for row in rows])
    assert np.abs(utci(*given) - expected).max() <= 1e-4


def test_utci_surface_is_the_same_polynomial():
    coefficients = utci_surface(36.0, 45.0)
    for surplus, wind in [(0.0, 0.5), (25.0, 2.0), (40.0, 8.0), (-3.0, 17.0)]:
        exponents = [(d, v) for d in range(7) for v in range(7 - d)]
        short = 36.0 + sum(
            coefficient * surplus**d * wind**v for coefficient, (d, v) in zip(coefficients, exponents, strict=True)
        )
        assert short == pytest.approx(float(utci(36.0, 36.0 + surplus, wind, 45.0)), abs=1e-9)


def test_wind_outside_the_fitted_range_counts_as_its_nearer_end():
    assert utci(30.0, 50.0, 0.0, 50.0) == utci(30.0, 50.0, 0.5, 50.0)
    assert utci(30.0, 50.0, 30.0, 50.0) == utci(30.0, 50.0, 17.0, 50.0)


def test_utci_refuses_air_that_holds_too_much_vapour():
    with pytest.raises(ValueError, match=r"relative_humidity_pct 90 at air_temperature_degc 45 .* 86\.\d hPa"):
        utci([20.0, 45.0], 60.0, 1.0, [90.0, 90.0])


@pytest.mark.parametrize(
    ("ta", "rh", "wind", "pressure", "solar", "direct", "cosine", "globe", "wet_bulb", "expected"), WBGT_ROWS
)
def test_wbgt_agrees_with_published_rows(ta, rh, wind, pressure, solar, direct, cosine, globe, wet_bulb, expected):
    result = wbgt(ta, rh, wind, solar, pressure, direct_fraction=direct, cos_zenith=cosine)
    assert result.wbgt_degc == pytest.approx(expected, abs=0.05)
    assert result.globe_degc == pytest.approx(globe, abs=0.1)
    assert result.natural_wet_bulb_degc == pytest.approx(wet_bulb, abs=0.05)


def test_wbgt_agrees_with_both_programs_wherever_they_agree():
    with shared_path("reference/heat/wbgt_liljegren_reference.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["agree_0p05"] == "1"]
    assert len(rows) > 100
    for row in rows:
        result = wbgt(
            float(row["ta_C"]),
            float(row["rh_pct"]),
            float(row["wind2m_ms"]),
            float(row["solar_used_Wm2"]),
            float(row["pressure_hPa"]),
            direct_fraction=float(row["direct_fraction_liljegren"]),
            cos_zenith=float(row["cos_zenith"]),
        )
        assert result.wbgt_degc == pytest.approx(float(row["wbgt_thermofeel_C"]), abs=0.05)
        assert result.wbgt_degc == pytest.approx(float(row["wbgt_lwbgt_C"]), abs=0.05)


def test_direct_share_is_the_one_of_liljegrens_program():
    with shared_path("reference/heat/wbgt_liljegren_reference.csv").open() as file:
        rows = list(csv.DictReader(file))
    compared = 0
    for row in rows:
        sun = sun_over_kumagaya(row["time_local"])
        cosine = math.sin(math.radians(sun.apparent_altitude_deg))
        if abs(cosine - float(row["cos_zenith"])) < 0.002 and cosine > 0.2:
            radiation_wm2, direct_fraction = radiation_for_wbgt(float(row["ghi_Wm2"]), sun)
            assert radiation_wm2 == pytest.approx(float(row["solar_used_Wm2"]), rel=0.01)
            assert direct_fraction == pytest.approx(float(row["direct_fraction_liljegren"]), abs=0.02)
            compared += 1
    assert compared > 20


def test_a_station_at_noon_on_the_record_day_is_in_danger():
    sun = sun_over_kumagaya("2018-07-23T14:00+09:00")
    value = station_wbgt(41.1, 27.0, 2.0, 820.0, 1002.0, sun)
    assert 32.0 < value < 35.0
    assert band_of(value).id == "danger"


def test_a_station_at_night_has_no_sun_however_the_sensor_drifts():
    sun = sun_over_kumagaya("2018-07-24T01:00+09:00")
    dark = station_wbgt(27.0, 80.0, 1.0, 0.0, 1005.0, sun)
    assert station_wbgt(27.0, 80.0, 1.0, -4.0, 1005.0, sun) == dark
    assert station_wbgt(27.0, 80.0, 1.0, 12.0, 1005.0, sun) == dark
    assert 22.0 < dark < 26.5


def test_calm_and_bone_dry_air_have_a_wbgt():
    sun = sun_over_kumagaya("2018-07-23T12:00+09:00")
    assert math.isfinite(station_wbgt(35.0, 0.0, 0.0, 900.0, 1000.0, sun))
    assert math.isfinite(station_wbgt(35.0, 100.0, 0.0, 900.0, 1000.0, sun))


@pytest.mark.parametrize(
    ("changed", "name"),
    [(0, "air_temperature_degc"), (1, "relative_humidity_pct"), (2, "wind_speed_ms"), (4, "air_pressure_hpa")],
)
def test_a_station_refuses_what_no_sensor_can_measure(changed, name):
    given = [30.0, 50.0, 1.0, 500.0, 1000.0]
    for value in (math.nan, 5000.0):
        given[changed] = value
        with pytest.raises(ValueError, match=name):
            station_wbgt(*given, sun_over_kumagaya("2018-07-23T12:00+09:00"))


def test_two_polynomials_stand_for_the_balances_within_a_hundredth():
    rng = np.random.default_rng(1)
    wind_factor = 0.767
    for air, humidity, cosine, wind_max in ((36.0, 40.0, 0.9, 6.0), (-8.0, 60.0, 0.4, 20.0), (2.0, 98.0, 0.0, 1.0)):
        direct_max = 780.0 * cosine
        surface = wbgt_surface(air, humidity, 1005.0, (0.0, wind_max), wind_factor, 250.0, direct_max, cosine)
        worst_c = 0.0
        for _ in range(200):
            wind, diffuse, direct = rng.uniform(0.0, wind_max), rng.uniform(1.0, 250.0), rng.choice([0.0, direct_max])
            expected = wbgt(
                air,
                humidity,
                wind * wind_factor,
                diffuse + direct,
                1005.0,
                direct_fraction=direct / (diffuse + direct),
                cos_zenith=cosine,
            )
            y = max(((wind * surface.wind_terms[0]) ** 0.25 - surface.wind_terms[1]) * surface.wind_terms[2], -1.0)
            x, z = (
                float(terms @ np.array([1.0, diffuse, direct])) for terms in (surface.globe_terms, surface.wick_terms)
            )
            found = float(wbgt_at.py_func(surface.coefficients.astype(float), x, z, y))
            worst_c = max(worst_c, abs(found - expected.wbgt_degc))
        assert worst_c <= 0.01


def test_the_ministrys_regression_is_the_printed_one():
    # 35 C, 50 %, 0.8 kW/m2, 2 m/s: 25.725 + 1.87 + 5.11 + 6.0952 - 2.91648 - 0.1144 - 4.064
    assert float(ministry_wbgt(35.0, 50.0, 2.0, 800.0)) == pytest.approx(31.70532, abs=1e-5)


def test_the_ministrys_regression_and_liljegren_tell_the_same_summer_day():
    sun = sun_over_kumagaya("2018-07-23T12:00+09:00")
    for humidity in (30.0, 45.0, 60.0):
        physical = station_wbgt(34.0, humidity, 2.0, 800.0, 1005.0, sun)
        assert float(ministry_wbgt(34.0, humidity, 2.0, 800.0)) == pytest.approx(physical, abs=2.5)


@pytest.mark.parametrize(
    ("wbgt_degc", "band"),
    [(-5.0, "caution"), (24.99, "caution"), (25.0, "warning"), (28.0, "severe_warning"), (30.99, "severe_warning"),
     (31.0, "danger"), (40.0, "danger")],
)  # fmt: skip
def test_bands_begin_at_their_threshold(wbgt_degc, band):
    assert band_of(wbgt_degc).id == band


def test_no_band_is_guessed_for_nan():
    with pytest.raises(ValueError, match="NaN"):
        band_of(math.nan)


def test_bands_rise():
    assert [band.from_degc for band in BANDS] == sorted(band.from_degc for band in BANDS)


class TestUtciOfManyPoints:
    def test_it_is_the_published_polynomial_over_all_climates(self):
        rng = np.random.default_rng(4)
        air = rng.uniform(-40.0, 34.0, 3001)
        given = (air, air + rng.uniform(-25.0, 60.0, 3001), rng.uniform(0.0, 20.0, 3001), rng.uniform(0.0, 90.0, 3001))
        assert np.abs(utci_map(*given) - utci(*given)).max() < 1e-5

    def test_it_refuses_wet_air_nan_and_shapes_that_differ(self):
        with pytest.raises(ValueError, match="UTCI is defined up to 50 hPa"):
            utci_map([20.0, 45.0], [60.0, 60.0], [1.0, 1.0], [90.0, 90.0])
        with pytest.raises(ValueError, match="not finite"):
            utci_map([20.0], [math.nan], [1.0], [50.0])
        with pytest.raises(ValueError, match="differ in shape"):
            utci_map([20.0, 21.0], [30.0], [1.0], [50.0])

    def test_hot_and_wet_points_that_never_meet_are_taken(self):
        assert np.isfinite(utci_map([20.0, 45.0], [60.0, 60.0], [1.0, 1.0], [100.0, 30.0])).all()
        assert utci_map([], [], [], []).shape == (0,)
