"""Fields to gray levels and back."""

import numpy as np
import pytest

from central.simulation.frames import LAYERS, NO_VALUE, band_share, dequantise, quantise, scale

GROUND = np.ones((20, 30), bool)


def field(low, high):
    return np.linspace(low, high, 600, dtype=np.float32).reshape(20, 30)


@pytest.mark.parametrize(
    ("layer", "low", "high"),
    [
        ("wbgt", 24.0, 36.5),
        ("wbgt", -14.9, 8.0),
        ("utci", 20.0, 52.0),
        ("tmrt", -20.0, 80.0),
        ("tmrt", 15.0, 76.0),
        ("shadow", 0.0, 1.0),
    ],
)
def test_round_trip_is_true_to_half_a_step(layer, low, high):
    values = field(low, high)
    made = quantise(LAYERS[layer], values, GROUND)
    assert np.abs(made.values() - values).max() <= made.step * 0.5001 + 1e-5
    assert made.level.min() >= 1
    assert (made.minimum, made.maximum) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))
    assert made.mean == pytest.approx(float(values.mean()), abs=made.step / 4)


def test_the_usual_step_holds_over_a_hot_day():
    assert scale(LAYERS["wbgt"], 24.1, 36.0) == (20.0, 0.1)
    assert scale(LAYERS["tmrt"], 30.0, 80.0) == (25.0, 0.5)


def test_a_wider_span_doubles_the_step_until_it_fits():
    offset, step = scale(LAYERS["wbgt"], -20.0, 40.0)
    assert step == pytest.approx(0.4)
    assert offset + step <= -20.0
    assert offset + 255 * step >= 40.0


def test_the_offset_rests_while_the_weather_drifts():
    assert scale(LAYERS["wbgt"], 26.2, 33.0)[0] == scale(LAYERS["wbgt"], 29.8, 35.0)[0] == 25.0


def test_the_lowest_value_never_becomes_no_value():
    # Exactly on a multiple of five: level 1 must lie at or below it.
    made = quantise(LAYERS["wbgt"], np.full((4, 4), 25.0, np.float32), np.ones((4, 4), bool))
    assert (made.level > NO_VALUE).all()
    assert made.values()[0, 0] == pytest.approx(25.0)


def test_buildings_and_what_is_not_finite_have_no_value():
    values = field(25.0, 35.0)
    values[0, 0] = np.nan
    ground = GROUND.copy()
    ground[5:9] = False
    made = quantise(LAYERS["wbgt"], values, ground)
    assert made.level[0, 0] == NO_VALUE
    assert (made.level[5:9] == NO_VALUE).all()
    assert made.value_at(5, 5) is None
    assert made.value_at(19, 29) == pytest.approx(35.0)
    assert np.isnan(made.values()[5:9]).all()


def test_a_city_without_ground_has_no_statistics():
    made = quantise(LAYERS["wbgt"], field(20.0, 30.0), np.zeros((20, 30), bool))
    assert (made.minimum, made.mean, made.maximum) == (None, None, None)
    assert sum(band_share(made).values()) == 0.0


def test_shares_of_the_bands():
    # Ten cells each just below, on and above the edges 25, 28, 31.
    values = np.array([[20.0] * 10, [25.0] * 10, [27.9] * 10, [28.0] * 10, [31.0] * 10], np.float32)
    share = band_share(quantise(LAYERS["wbgt"], values, np.ones(values.shape, bool)))
    assert share == {"caution": 0.2, "warning": 0.4, "severe_warning": 0.2, "danger": 0.2}


def test_buildings_have_no_part_in_the_shares():
    values = np.array([[20.0, 40.0]], np.float32)
    share = band_share(quantise(LAYERS["wbgt"], values, np.array([[True, False]])))
    assert share["caution"] == 1.0


def test_dequantise_is_the_published_rule():
    assert dequantise(np.array([[0, 1, 255]], np.uint8), -20.0, 0.25)[0, 1:].tolist() == [-19.75, 43.75]


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="differ in shape"):
        quantise(LAYERS["wbgt"], field(1.0, 2.0), np.ones((3, 3), bool))


def test_the_compiled_loop_agrees_with_the_plain_formula():
    random = np.random.default_rng(11)
    values = random.normal(30.0, 3.0, (97, 131)).astype(np.float32)
    values[random.random(values.shape) < 0.05] = np.nan
    values[3, 3] = np.inf
    ground = random.random(values.shape) < 0.7
    made = quantise(LAYERS["wbgt"], values, ground)
    shown = ground & np.isfinite(values)
    plain = np.where(
        shown, np.clip(np.rint((values - np.float32(made.offset)) * np.float32(1.0 / made.step)), 1, 255), 0
    )
    assert np.array_equal(made.level, plain.astype(np.uint8))
    assert made.minimum == values[shown].min()
    assert made.maximum == values[shown].max()
    assert made.mean == pytest.approx(float(values[shown].mean(dtype=np.float64)), abs=0.01)


@pytest.mark.parametrize("value", [30.04, 30.051, 31.0])
def test_the_mean_lies_between_the_extremes_also_where_all_cells_are_alike(value):
    layer = quantise(LAYERS["wbgt"], np.full((4, 5), value, np.float32), np.ones((4, 5), bool))
    assert layer.minimum <= layer.mean <= layer.maximum
