"""Air, ground and the past that differ from place to place."""

import numpy as np
import pytest

from central.heat import step_reference
from central.heat.comfort.utci import utci
from central.heat.geometry import prepare
from central.heat.land_cover import GROUNDS, LandCover
from central.heat.step import Frame, Weather, step
from central.heat.surface import Surface
from tests.central.heat.conftest import sun_over_kumagaya

AFTERNOON = "2018-07-23T14:00+09:00"
NIGHT = "2018-07-24T02:00+09:00"
HOT = Weather(36.0, 45.0, 2.0, 850.0)
CODES = [*GROUNDS, 255]


@pytest.fixture(scope="module")
def open_field():
    flat = np.zeros((12, 140), dtype=np.float32)
    return prepare(Surface(flat, flat, flat, 2.0, 36.139, 139.389))


def patchwork(shape, values, seed):
    return np.random.default_rng(seed).choice(values, shape)


def fields(shape, air=(33.0, 34.5, 36.0, 37.5, 39.0), humidity=(35.0, 55.0)):
    """Fields whose middle is HOT's air: that is what a step takes the sky from."""
    air_degc = patchwork(shape, air, 3)
    humidity_pct = np.random.default_rng(4).uniform(*humidity, shape)
    humidity_pct.flat[:2] = humidity
    return air_degc.astype(np.float32), humidity_pct.astype(np.float32)


@pytest.mark.parametrize(
    ("moment", "weather"),
    [
        (AFTERNOON, HOT),
        ("2018-07-23T07:00+09:00", HOT),
        (AFTERNOON, Weather(36.0, 45.0, 0.4, 150.0)),
        (NIGHT, Weather(36.0, 45.0, 2.0, 0.0)),
    ],
)
def test_the_fast_pass_agrees_with_the_published_formulas_cell_by_cell(small_city, moment, weather):
    sun = sun_over_kumagaya(moment)
    air_degc, humidity_pct = fields(small_city.shape)
    cover = patchwork(small_city.shape, CODES, 5).astype(np.uint8)
    fast = step(
        small_city,
        weather,
        sun,
        air_temperature_field_degc=air_degc,
        relative_humidity_field_pct=humidity_pct,
        land_cover=LandCover(cover),
    )
    slow = step_reference.local_step(
        small_city, weather, sun, air_degc.astype(float), humidity_pct.astype(float), cover
    )
    assert np.abs(fast.tmrt_degc - slow.tmrt_degc).max() < 0.15
    assert np.abs(fast.utci_degc - slow.utci_degc).max() < 0.05
    assert np.abs(fast.wbgt_degc - slow.wbgt_degc).max() < 0.05


def test_utci_is_the_full_polynomial_to_a_thousandth(small_city):
    air_degc, humidity_pct = fields(small_city.shape, air=(28.0, 31.0, 36.0, 38.0))
    wind = np.random.default_rng(6).uniform(0.0, 9.0, small_city.shape).astype(np.float32)
    frame = step(
        small_city,
        HOT,
        sun_over_kumagaya(AFTERNOON),
        wind_field_ms=wind,
        air_temperature_field_degc=air_degc,
        relative_humidity_field_pct=humidity_pct,
    )
    exact = utci(air_degc, frame.tmrt_degc, wind, humidity_pct)
    assert np.abs(frame.utci_degc - exact).max() < 1e-3


def test_fields_of_one_value_are_the_uniform_step(small_city):
    sun = sun_over_kumagaya(AFTERNOON)
    same = {name: np.full(small_city.shape, value, dtype=np.float32) for name, value in (("air", 36.0), ("rh", 45.0))}
    unknown = LandCover(np.full(small_city.shape, 255, dtype=np.uint8))
    uniform = step(small_city, HOT, sun)
    local = step(
        small_city,
        HOT,
        sun,
        air_temperature_field_degc=same["air"],
        relative_humidity_field_pct=same["rh"],
        land_cover=unknown,
    )
    for name in ("tmrt_degc", "utci_degc", "wbgt_degc", "shadow"):
        assert np.abs(getattr(uniform, name) - getattr(local, name)).max() < 2e-3


def test_ground_is_felt_in_the_order_of_its_warmth(open_field):
    """Afternoon in the sun: asphalt above cobbles and pale soil, these above grass, grass above water."""
    warmth = {}
    for code in CODES:
        cover = LandCover(np.full(open_field.shape, code, dtype=np.uint8))
        warmth[code] = float(step(open_field, HOT, sun_over_kumagaya(AFTERNOON), land_cover=cover).tmrt_degc.mean())
    asphalt, cobble, soil, grass, water = (warmth[code] for code in (1, 0, 6, 5, 7))
    assert asphalt > max(cobble, soil)
    assert min(cobble, soil) > grass > water
    assert 4.0 < asphalt - grass < 12.0
    assert abs(cobble - warmth[255]) < 2.0


def test_cooler_air_over_a_park_is_cooler_in_every_index(open_field):
    air_degc = np.full(open_field.shape, 36.0, dtype=np.float32)
    air_degc[:, 70:] = 33.0
    frame = step(open_field, HOT, sun_over_kumagaya(AFTERNOON), air_temperature_field_degc=air_degc)
    for values in (frame.tmrt_degc, frame.utci_degc, frame.wbgt_degc):
        assert values[:, 70:].mean() < values[:, :70].mean() - 1.0


def with_cell(everywhere, value):
    array = np.full((70, 150), everywhere)
    array[6, 9] = value
    return array


@pytest.mark.parametrize(
    ("field", "array", "message"),
    [
        (
            "air_temperature_field_degc",
            with_cell(30.0, np.nan),
            r"air_temperature_field_degc is nan at row 6, column 9",
        ),
        ("air_temperature_field_degc", with_cell(30.0, 80.0), r"is 80 at row 6, column 9, must lie in -50 \.\. 50"),
        ("air_temperature_field_degc", np.zeros((7, 150)), r"has shape \(7, 150\), the city has \(70, 150\)"),
        ("air_temperature_field_degc", np.linspace(10, 40, 10500).reshape(70, 150), "more than 20 K within one city"),
        (
            "relative_humidity_field_pct",
            with_cell(50.0, 130.0),
            r"relative_humidity_field_pct is 130 at row 6, column 9",
        ),
        ("wind_field_ms", with_cell(1.0, -1.0), r"wind_field_ms is -1 at row 6, column 9, must lie in 0 \.\. 75"),
        ("wind_field_ms", with_cell(1.0, 1e300), r"wind_field_ms is inf at row 6, column 9"),
        (
            "wind_field_ms",
            np.full((70, 150), 1j),
            "wind_field_ms is not an array of real numbers: its type is complex128",
        ),
        ("wind_field_ms", np.full((70, 150), "1"), "wind_field_ms is not an array of real numbers: its type is <U1"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_fields_that_cannot_be_are_refused_by_name_and_cell(small_city, field, array, message):
    with pytest.raises(ValueError, match=message):
        step(small_city, HOT, sun_over_kumagaya(AFTERNOON), **{field: array})


def test_land_cover_is_refused_with_the_cell_that_is_wrong():
    codes = np.zeros((4, 6), dtype=np.uint8)
    codes[2, 3] = 9
    with pytest.raises(ValueError, match="land cover is 9 at row 2, column 3: must be one of 0, 1, 2, 5, 6, 7 or 255"):
        LandCover(codes)
    with pytest.raises(ValueError, match="must be \\(rows, columns\\) uint8"):
        LandCover(np.zeros((4, 6)))


def test_land_cover_of_another_city_is_refused(small_city):
    with pytest.raises(ValueError, match=r"land_cover has shape \(3, 3\)"):
        step(small_city, HOT, sun_over_kumagaya(NIGHT), land_cover=LandCover(np.zeros((3, 3), dtype=np.uint8)))


class TestAirTooWetForUtci:
    def test_it_is_refused_unless_blanks_are_asked_for(self, small_city):
        wet = Weather(43.0, 75.0, 1.0, 800.0)
        with pytest.raises(ValueError, match="UTCI is defined up to 50 hPa"):
            step(small_city, wet, sun_over_kumagaya(AFTERNOON))
        frame = step(small_city, wet, sun_over_kumagaya(AFTERNOON), blank_utci=True)
        assert np.isnan(frame.utci_degc).all()
        assert np.isfinite(frame.tmrt_degc).all()
        assert np.isfinite(frame.wbgt_degc).all()

    def test_only_the_wet_cells_are_blank(self, small_city):
        humidity_pct = np.full(small_city.shape, 50.0, dtype=np.float32)
        humidity_pct[10:20] = 95.0
        given = {"relative_humidity_field_pct": humidity_pct}
        warm, sun = Weather(38.0, 50.0, 1.0, 800.0), sun_over_kumagaya(AFTERNOON)
        with pytest.raises(ValueError, match="relative_humidity_pct 95"):
            step(small_city, warm, sun, **given)
        frame = step(small_city, warm, sun, Frame.empty(small_city.shape), blank_utci=True, **given)
        assert (np.isnan(frame.utci_degc) == (humidity_pct > 90.0)).all()
        assert np.isfinite(frame.wbgt_degc).all()
