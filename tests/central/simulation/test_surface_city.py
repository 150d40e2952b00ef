"""What a surface file tells of a city beyond its heights, and what of it is refused."""

import numpy as np
import pytest

from central.city.model import LandCover
from central.simulation.cityfile import save_surface
from central.simulation.surface_city import load_surface_city
from contract.errors import UserError
from tests.central.simulation.small_city import LAT, LON, small_city

GOOD = np.full((60, 60), LandCover.GRASS, np.uint8)


@pytest.fixture
def file_with(tmp_path):
    """A surface file with these arrays besides."""

    def write(**more):
        save_surface(tmp_path / "s.npz", small_city()[1])
        with np.load(tmp_path / "s.npz") as surface:
            np.savez(tmp_path / "with.npz", **surface, **more)
        return tmp_path / "with.npz"

    return write


def test_without_land_cover_the_ground_is_unknown_and_nobody_is_thanked(file_with):
    city, surface = load_surface_city(file_with())
    assert (city.land_cover == LandCover.UNKNOWN).all()
    assert city.land_cover.shape == surface.shape == city.grid.shape
    assert (city.attribution_ja, city.attribution_en) == ("", "")


def test_the_raster_lies_where_the_city_lies(file_with):
    city, _ = load_surface_city(file_with())
    assert city.center == pytest.approx((LAT, LON), abs=1e-9)
    assert city.grid == small_city()[0].grid


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int64])
def test_a_land_cover_of_whole_numbers_is_taken(file_with, dtype):
    city, _ = load_surface_city(file_with(land_cover=GOOD.astype(dtype), attribution=np.array("PLATEAU\n of Niiza ")))
    assert city.land_cover.dtype == np.uint8
    assert (city.land_cover == LandCover.GRASS).all()
    assert city.attribution_en == "PLATEAU of Niiza"


def changed(value, dtype):
    cover = GOOD.astype(dtype)
    cover[3, 4] = value
    return cover


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (GOOD[1:], "land_cover: has shape (59, 60), the surface has (60, 60)"),
        (GOOD.ravel(), "land_cover: has shape (3600,), the surface has (60, 60)"),
        (changed(5.5, np.float32), "land_cover: has type float32, must be uint8"),
        (changed(np.nan, np.float64), "land_cover: has type float64, must be uint8"),
        (GOOD.astype(str), "land_cover: has type <U3, must be uint8"),
        (GOOD > 0, "land_cover: has type bool, must be uint8"),
        (changed(9, np.uint8), "land_cover: is 9 at row 3, column 4: must be one of 0, 1, 2, 5, 6, 7 or 255 (unknown)"),
        (changed(257, np.int32), "land_cover: is 257 at row 3, column 4"),
        (changed(-1, np.int8), "land_cover: is -1 at row 3, column 4"),
    ],
)
def test_a_land_cover_that_is_none_is_refused_by_file_and_array(file_with, array, said):
    path = file_with(land_cover=array)
    with pytest.raises(UserError) as refused:
        load_surface_city(path)
    assert f"{path}: {said}" in str(refused.value)
    assert "heat import" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("credit", [np.array(7), np.array(["a", "b"]), np.array(b"bytes")])
def test_an_attribution_that_is_no_text_is_refused(file_with, credit):
    with pytest.raises(UserError, match=r"with\.npz: attribution: has shape .* must be one text"):
        load_surface_city(file_with(attribution=credit))
