"""The outlines as the map loads them."""

import itertools
import json

import pytest

from central.city.geojson import buildings_geojson
from central.city.load import load_city
from tests.central.city import gml


def exported(tmp_path, *members):
    city, _ = load_city(gml.write(tmp_path, gml.document(*members)))
    return json.loads(buildings_geojson(city))


def test_features_carry_what_the_map_shows(tmp_path):
    collection = exported(tmp_path, gml.house("a", tall=7.25), gml.house("b", 30, tall=None))
    assert collection["type"] == "FeatureCollection"
    a, b = collection["features"]
    assert a["properties"] == {"id": "a", "height_m": 7.2, "base_m": 0.0, "height_estimated": False}
    assert b["properties"]["height_estimated"] is True
    assert a["geometry"]["type"] == "Polygon"


def test_places_come_back_where_they_were(tmp_path):
    (ring,) = exported(tmp_path, gml.house("a", 100, 50, 10))["features"][0]["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    lons, lats = zip(*ring, strict=True)
    assert min(lons) == pytest.approx(gml.LON + 100 * gml.M_LON, abs=1.5e-6)
    assert max(lats) == pytest.approx(gml.LAT + 60 * gml.M_LAT, abs=1.5e-6)
    assert all(len(str(value).partition(".")[2]) <= 6 for place in ring for value in place)


def test_rings_follow_the_right_hand_rule(tmp_path):
    members = [gml.building("ring", gml.lod0(list(reversed(gml.square(0, 0, 40))), [gml.square(10, 10, 20)]))]
    outer, hole = exported(tmp_path, *members)["features"][0]["geometry"]["coordinates"]

    def turns_left(ring):
        return sum((x1 - x0) * (y1 + y0) for (x0, y0), (x1, y1) in itertools.pairwise(ring)) < 0

    assert turns_left(outer)
    assert not turns_left(hole)


def test_a_building_of_two_blocks_is_a_multipolygon(tmp_path):
    blocks = gml.surfaces(gml.polygon(gml.square(0, 0, 10)), gml.polygon(gml.square(20, 0, 10)))
    collection = exported(tmp_path, gml.building("two", f"<bldg:lod0FootPrint>{blocks}</bldg:lod0FootPrint>"))
    geometry = collection["features"][0]["geometry"]
    assert geometry["type"] == "MultiPolygon"
    assert len(geometry["coordinates"]) == 2
    assert len(geometry["coordinates"][0][0]) == 5
