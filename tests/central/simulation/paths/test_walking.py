"""A file of walking lines that is read before the city is known, and laid on the city when it is there."""

import json
from dataclasses import replace

import numpy as np
import pytest

from central.city.projection import LocalFrame
from central.city.walking import read_overpass
from central.simulation.paths.cool import CoolPaths
from central.simulation.paths.walking import WalkingFile
from contract.errors import UserError
from tests.central.simulation.small_city import LAT, LON, small_city


def street(folder, lat=LAT, lon=LON):
    """A footway of 80 m through the middle of the map, its ends beyond it."""
    nodes = [{"type": "node", "id": n, "lat": lat, "lon": lon + (n - 5) * 2e-4} for n in range(11)]
    way = {"type": "way", "id": 1, "nodes": list(range(11)), "tags": {"highway": "footway"}}
    path = folder / "walk.json"
    path.write_text(json.dumps({"elements": [*nodes, way]}))
    return path


@pytest.fixture(scope="module")
def town():
    return small_city()[0]


def test_the_lines_are_those_that_reading_in_the_citys_own_metres_gives(tmp_path, town):
    path = street(tmp_path)
    laid = WalkingFile(path).lines(town)
    direct = read_overpass(path, town.frame).within(town.grid)
    assert laid.edge_from.size == direct.edge_from.size == 6
    np.testing.assert_allclose(laid.x_m, direct.x_m, atol=1e-6)
    np.testing.assert_allclose(laid.y_m, direct.y_m, atol=1e-6)
    assert laid.attribution == direct.attribution


def test_they_are_laid_once_for_a_city_and_anew_for_another(tmp_path, town):
    file = WalkingFile(street(tmp_path))
    assert file.lines(town) is file.lines(town)
    moved = replace(town, frame=LocalFrame(LAT, LON + 2e-4))
    np.testing.assert_allclose(file.lines(moved).x_m[0], file.lines(town).x_m[0], atol=0.1)
    assert file.lines(moved).edge_from.size == 6


def test_before_the_city_is_there_the_check_waits(tmp_path):
    assert WalkingFile(street(tmp_path)).check(None) == (True, "1 ways in walk.json, waiting for the city")


def test_the_check_counts_what_lies_on_the_map(tmp_path, town):
    assert WalkingFile(street(tmp_path)).check(town) == (True, "6 pieces of way of walk.json on the map")


def test_streets_of_another_place_are_told_and_not_walked(tmp_path, town):
    file = WalkingFile(street(tmp_path, lat=34.6, lon=135.5))
    is_well, line = file.check(town)
    assert not is_well
    assert "walk.json" in line
    assert "Test town" in line
    assert file.lines(town) is None


def test_without_lines_on_the_map_the_city_itself_is_walked(tmp_path, town):
    paths = CoolPaths(WalkingFile(street(tmp_path, lat=34.6, lon=135.5)).lines)
    ways = paths._ways_of(town, np.ones(town.grid.shape, np.bool_))
    assert ways.kind == "ground"
    ways = CoolPaths(WalkingFile(street(tmp_path)).lines)._ways_of(town, np.ones(town.grid.shape, np.bool_))
    assert (ways.kind, ways.attribution) == (
        "lines",
        "© OpenStreetMap contributors (ODbL), https://www.openstreetmap.org/copyright",
    )


def test_a_spoilt_file_is_refused_when_it_is_read(tmp_path):
    path = tmp_path / "walk.json"
    path.write_text("{")
    with pytest.raises(UserError, match="is no JSON"):
        WalkingFile(path)
