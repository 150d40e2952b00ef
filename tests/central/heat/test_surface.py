"""A surface is checked when it is made; each refusal names array, cell and value."""

import numpy as np
import pytest

from central.heat.surface import Surface


def arrays(shape=(10, 10)):
    dem = np.full(shape, 30.0, dtype=np.float32)
    return {"dsm": dem.copy(), "dem": dem, "cdsm": np.zeros(shape, dtype=np.float32)}


def surface(lat=36.1, pixel_size_m=2.0, **changed):
    return Surface(**{**arrays(), **changed}, pixel_size_m=pixel_size_m, lat=lat, lon=139.4)


def with_cell(value, base=30.0, dtype=np.float32):
    array = np.full((10, 10), base, dtype=dtype)
    array[3, 7] = value
    return array


def test_ten_by_ten_cells_are_a_city():
    assert surface().shape == (10, 10)


def test_altitude_is_the_mean_of_the_ground_where_left_out():
    assert surface().altitude_m == pytest.approx(30.0)


def test_arrays_cannot_be_changed_afterwards_and_are_copies():
    given = arrays()
    made = Surface(**given, pixel_size_m=2.0, lat=36.1, lon=139.4)
    given["dsm"][0, 0] = 99.0
    assert made.dsm[0, 0] == 30.0
    with pytest.raises(ValueError, match="read-only"):
        made.dsm[0, 0] = 1.0


def test_double_precision_and_other_orders_are_taken():
    made = surface(dsm=np.asfortranarray(np.full((10, 10), 31.5)))
    assert made.dsm.dtype == np.float32
    assert made.dsm.flags.c_contiguous


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dsm": with_cell(np.nan)}, r"dsm is nan m at row 3, column 7"),
        ({"dem": with_cell(np.inf)}, r"dem is inf m at row 3, column 7"),
        ({"cdsm": with_cell(-2.0, base=0.0)}, r"cdsm is negative at row 3, column 7: -2 m"),
        ({"dsm": with_cell(9.0)}, r"dsm lies below dem: at row 3, column 7 it is 9 m under 30 m"),
        ({"dsm": np.full((10, 10), 25.0)}, r"100.0 % of the cells"),
        ({"dem": np.zeros((9, 10))}, r"dem has shape \(9, 10\), dsm has \(10, 10\)"),
        ({"dsm": np.zeros(10), "dem": np.zeros(10), "cdsm": np.zeros(10)}, r"dsm has 1 dimensions"),
        ({"cdsm": [["tree"] * 10] * 10}, r"cdsm is not an array of real numbers: its type is <U4"),
        ({"dem": np.full((10, 10), "30.0")}, r"dem is not an array of real numbers: its type is <U4"),
        ({"dsm": np.full((10, 10), 30 + 2j)}, r"dsm is not an array of real numbers: its type is complex128"),
        (
            {"dsm": np.zeros((10, 10), dtype="datetime64[s]")},
            r"dsm is not an array of real numbers: its type is datetime",
        ),
        ({"dsm": [[1.0, 2.0], [3.0]]}, r"dsm is not an array of numbers"),
        ({"dsm": with_cell(1e300, dtype=np.float64)}, r"dsm is inf m at row 3, column 7"),
        ({"dsm": with_cell(9999.0)}, r"dsm is 9999 m at row 3, column 7"),
        ({"lat": 91.0}, r"lat is 91, must lie in -90 .. 90"),
        ({"pixel_size_m": 0.0}, r"pixel_size_m is 0"),
        ({"pixel_size_m": float("nan")}, r"pixel_size_m is nan"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_refusals_name_array_cell_and_value(changed, message):
    with pytest.raises(ValueError, match=message):
        surface(**changed)


def test_single_cells_a_little_below_the_ground_are_noise_of_the_survey():
    assert surface(dsm=with_cell(28.0)).dsm[3, 7] == 28.0
