"""How tall a building is taken to be when the file does not say."""

import pytest

from central.city.load import load_city
from central.city.model import HeightSource
from tests.central.city import gml


def heights(tmp_path, *members):
    city, _ = load_city(gml.write(tmp_path, gml.document(*members)))
    return {b.id: (b.height_m, b.height_source) for b in city.buildings}, city.report


@pytest.mark.parametrize("stated", ["-9999", "9999", "0", "-3.2", "unknown", "", "nan", "inf", "7,5"])
def test_what_is_no_height_is_counted_and_never_used(tmp_path, stated):
    found, report = heights(
        tmp_path, gml.house("odd", tall=stated), *(gml.house(f"n{k}", 20.0 * k + 20, tall=8) for k in range(4))
    )
    assert found["odd"] == (8.0, HeightSource.NEIGHBOURS)
    assert (report.height_not_numeric, report.with_height, report.height_estimated) == (1, 4, 1)


def test_the_solid_comes_before_the_storeys(tmp_path):
    ring = gml.square(0, 0, 10)
    storeys = "<bldg:storeysAboveGround>2</bldg:storeysAboveGround>"
    found, report = heights(tmp_path, gml.building("a", storeys, gml.lod0(ring), gml.lod1(ring, 3.0, 14.0)))
    assert found["a"] == (11.0, HeightSource.SOLID)
    assert report.height_from_solid == 1


def test_a_solid_of_exactly_three_metres_is_a_placeholder(tmp_path):
    ring = gml.square(0, 0, 10)
    storeys = "<bldg:storeysAboveGround>4</bldg:storeysAboveGround>"
    found, _ = heights(tmp_path, gml.building("a", storeys, gml.lod0(ring), gml.lod1(ring, 1.25, 4.25)))
    assert found["a"] == (12.0, HeightSource.STOREYS)


def test_but_three_metres_that_were_measured_are_three_metres(tmp_path):
    ring = gml.square(0, 0, 10)
    found, _ = heights(tmp_path, gml.building("a", gml.height(3.0), gml.lod0(ring), gml.lod1(ring, 1.0, 4.0)))
    assert found["a"] == (3.0, HeightSource.MEASURED)


@pytest.mark.parametrize("storeys", ["9999", "0", "-1", "two", "1.5"])
def test_storeys_that_are_none_are_not_counted_in(tmp_path, storeys):
    member = gml.building(
        "a", f"<bldg:storeysAboveGround>{storeys}</bldg:storeysAboveGround>", gml.lod0(gml.square(0, 0, 10))
    )
    found, report = heights(tmp_path, member)
    assert found["a"] == (6.0, HeightSource.NEIGHBOURS)  # two storeys: a city without any known height
    assert report.height_from_storeys == 0


def test_neighbours_of_the_same_size_teach(tmp_path):
    sheds = [gml.house(f"shed{k}", 12.0 * k, 0, size=4, tall=3) for k in range(5)]
    halls = [gml.house(f"hall{k}", 60.0 * k, 40, size=40, tall=20 + k) for k in range(5)]
    found, _ = heights(
        tmp_path,
        *sheds,
        *halls,
        gml.house("shed?", 70, 0, size=4, tall=None),
        gml.house("hall?", 310, 40, size=40, tall=None),
    )
    assert found["shed?"] == (3.0, HeightSource.NEIGHBOURS)
    assert found["hall?"] == (22.0, HeightSource.NEIGHBOURS)


def test_near_neighbours_count_and_far_ones_do_not(tmp_path):
    near = [gml.house(f"near{k}", 15.0 * k, 0, tall=5) for k in range(4)]
    far = [gml.house(f"far{k}", 1500.0 + 15.0 * k, 0, tall=30) for k in range(20)]
    found, _ = heights(tmp_path, *near, *far, gml.house("asked", 75, 0, tall=None))
    assert found["asked"] == (5.0, HeightSource.NEIGHBOURS)
