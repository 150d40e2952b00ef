"""Where people walk: OpenStreetMap lines, road surfaces, open ground."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from shapely import box

from central.city.grid import Grid
from central.city.load import load_city
from central.city.model import City, ImportReport, LandCover, Road, RoadKind, RoadSection
from central.city.projection import LocalFrame
from central.city.synthetic import synthetic_downtown
from central.city.walking import SURFACE_FILE, read_overpass, walkable_ground
from central.heat.paths import network_of_ground
from contract.errors import UserError
from tests.shared import shared_path

FRAME = LocalFrame(34.63, 135.52)
GRID = Grid(-60.0, 60.0, 60, 60, 2.0)


def town(roads=(), land_cover=None):
    cover = np.full(GRID.shape, LandCover.UNKNOWN, np.uint8) if land_cover is None else land_cover
    return City("町", "Town", "plateau", FRAME, GRID, (), cover, "", "", ImportReport(), roads=tuple(roads))


def road(outline, kind=RoadKind.ROAD, section=RoadSection.GROUND, road_class="municipal"):
    return Road("r", outline, kind, road_class, 4.0, True, section)


def test_a_real_extract_becomes_one_network_of_streets():
    lines = read_overpass(shared_path("data/osm/overpass_osaka_abeno_walk_20250616.json.gz"), FRAME)
    assert lines.ways > 5000
    assert lines.edge_from.size > 15_000
    assert "OpenStreetMap" in lines.attribution
    assert lines.left_out["access=no"] >= 5
    length_m = np.hypot(
        np.diff(lines.x_m[[lines.edge_from, lines.edge_to]], axis=0),
        np.diff(lines.y_m[[lines.edge_from, lines.edge_to]], axis=0),
    )
    assert 300_000 < length_m.sum() < 1_500_000
    cut = lines.within(Grid(-500.0, 500.0, 500, 500, 2.0))
    assert 0 < cut.edge_from.size < lines.edge_from.size
    assert max(np.abs(cut.x_m).max(), np.abs(cut.y_m).max()) <= 500.0


NODES = [{"type": "node", "id": n, "lat": 34.63 + n * 1e-4, "lon": 135.52} for n in range(4)]


def write(tmp_path, elements):
    path = tmp_path / "walk.json"
    path.write_text(json.dumps({"elements": elements}))
    return path


@pytest.mark.parametrize(
    ("tags", "walked"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "trunk", "oneway": "yes"}, True),
        ({"highway": "motorway"}, False),
        ({"highway": "proposed"}, False),
        ({"highway": "service", "access": "private"}, False),
        ({"highway": "service", "access": "private", "foot": "yes"}, True),
        ({"highway": "path", "foot": "no"}, False),
        ({"building": "yes"}, False),
    ],
)
def test_which_ways_are_walked(tmp_path, tags, walked):
    always = {"type": "way", "id": 1, "nodes": [0, 1], "tags": {"highway": "footway"}}
    asked = {"type": "way", "id": 2, "nodes": [1, 2, 3], "tags": tags}
    lines = read_overpass(write(tmp_path, [*NODES, always, asked]), FRAME)
    assert lines.edge_from.size == (3 if walked else 1)
    assert sum(lines.left_out.values()) == (0 if walked else 1)


def test_a_way_goes_on_after_a_node_that_the_extract_lacks(tmp_path):
    way = {"type": "way", "id": 1, "nodes": [0, 1, 999, 2, 3], "tags": {"highway": "footway"}}
    assert read_overpass(write(tmp_path, [*NODES, way]), FRAME).edge_from.size == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is no JSON"),
        (b"[]", "elements"),
        (b'{"elements": [1]}', "elements"),
        (b'{"elements": []}', "no way to walk on among 0"),
        (b'{"elements": [{"type": "node", "id": 7, "lat": "x", "lon": 1}]}', "elements[0] (node 7): lat 'x'"),
        (b'{"elements": [{"type": "node", "id": null, "lat": 3, "lon": 1}]}', "elements[0]: id None"),
        (b'{"elements": [{"type": "way", "id": 9, "nodes": [[1]], "tags": {"highway": "path"}}]}', "(way 9)"),
        (gzip.compress(b'{"elements": []}' * 9, mtime=0)[:-9], "cannot be read"),
    ],
)
def test_a_spoilt_extract_is_refused_in_one_line(tmp_path, content, said):
    path = tmp_path / "walk.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as refused:
        read_overpass(path, FRAME)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_extract_is_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_overpass(tmp_path / "none.json", FRAME)


def test_road_surfaces_are_where_people_walk_when_there_are_some():
    ground = np.ones(GRID.shape, np.bool_)
    ground[:, 40:] = False
    found = walkable_ground(
        town(
            [
                road(box(-60, -4, 60, 4)),
                road(box(-40, -60, -30, 60), RoadKind.RAILWAY),
                road(box(-20, -60, -12, 60), section=RoadSection.TUNNEL),
                road(box(40, -60, 44, 60), section=RoadSection.BRIDGE),
                road(box(0, -60, 6, 60), road_class="motorway"),
            ]
        ),
        ground,
    )
    assert found.by_roads
    assert found.mask[30, 5]
    assert not found.mask[10, 12]
    assert not found.mask[10, 21]
    assert not found.mask[10, 31]
    assert not found.mask[30, 45], "the road under a building"
    assert found.mask[10, 51], "a bridge above one"


def test_without_roads_all_open_ground_but_water_and_rails():
    cover = np.full(GRID.shape, LandCover.GRASS, np.uint8)
    cover[:, 20:24] = LandCover.WATER
    found = walkable_ground(town([road(box(-60, -4, 60, 4), RoadKind.RAILWAY)], cover), np.ones(GRID.shape, np.bool_))
    assert not found.by_roads
    assert found.mask[5, 5]
    assert not found.mask[5, 21]
    assert not found.mask[30, 5]


def test_both_sides_of_the_built_in_downtowns_railway_and_stream_are_joined_by_its_streets():
    city, surface = synthetic_downtown(11202)
    is_ground = surface.dsm - surface.dem < 1.0
    found = walkable_ground(city, is_ground)
    network = network_of_ground(found.mask, city.grid.pixel_size_m)
    north, south, beyond = (
        network.nearest((x + 1000.0) / 2.0, (1000.0 - y) / 2.0)[0]
        for x, y in ((0.0, 60.0), (0.0, -150.0), (0.0, 500.0))
    )
    assert network.component[north] == network.component[south] == network.component[beyond]
    assert (is_ground & ~found.mask).mean() > 0.01, "rails and water are barred"


def raster(cover):
    return replace(town(land_cover=cover), source=SURFACE_FILE)


def paved_strip(rows):
    cover = np.full(GRID.shape, LandCover.UNKNOWN, np.uint8)
    cover[rows] = LandCover.ASPHALT
    return cover


def test_on_a_surface_file_paving_and_the_cells_beside_it_are_the_streets():
    cover = paved_strip(slice(20, 24))
    cover[22:40, 10:12] = LandCover.COBBLE
    cover[24, 30] = LandCover.WATER
    ground = np.ones(GRID.shape, np.bool_)
    ground[:, 40:] = False
    found = walkable_ground(raster(cover), ground)
    assert found.by_roads
    assert np.flatnonzero(found.mask[:, 5]).tolist() == [19, 20, 21, 22, 23, 24]
    assert found.mask[35, 9]
    assert not found.mask[35, 5]
    assert not found.mask[24, 30], "water"
    assert not found.mask[20, 45], "under a building"
    assert not walkable_ground(town(land_cover=cover), ground).by_roads, "the served city has its roads as outlines"


@pytest.mark.parametrize(
    "cover",
    [
        np.full(GRID.shape, LandCover.UNKNOWN, np.uint8),
        np.where(np.arange(3600).reshape(GRID.shape) == 1830, np.uint8(LandCover.ASPHALT), np.uint8(LandCover.UNKNOWN)),
        paved_strip(slice(None, None, 10)),
    ],
    ids=["nothing is known", "hardly any", "in pieces"],
)
def test_without_streets_of_one_piece_a_surface_file_is_walked_on_all_open_ground(cover):
    cover = cover.copy()
    cover[50, :] = LandCover.WATER
    found = walkable_ground(raster(cover), np.ones(GRID.shape, np.bool_))
    assert not found.by_roads
    assert found.mask.sum() == found.mask.size - 60


@pytest.mark.parametrize("tile", ["51357356", "51357363"])
def test_the_file_of_a_real_city_is_walked_much_like_the_city_itself(tile):
    names = [f"data/plateau/{tile}_{theme}_6697_op.gml.gz" for theme in ("bldg", "tran")]
    city, surface = load_city([str(shared_path(name)) for name in names])
    is_ground = surface.dsm - surface.dem < 1.0
    live = walkable_ground(city, is_ground)
    of_file = walkable_ground(replace(city, roads=(), source=SURFACE_FILE), is_ground)
    assert live.by_roads
    assert of_file.by_roads
    both = np.count_nonzero(live.mask & of_file.mask)
    assert both > 0.995 * np.count_nonzero(live.mask)
    assert both > 0.9 * np.count_nonzero(of_file.mask)


def test_the_file_of_the_built_in_downtown_is_walked_on_its_open_ground_as_it_is_itself():
    city, surface = synthetic_downtown(11202)
    is_ground = surface.dsm - surface.dem < 1.0
    assert not walkable_ground(city, is_ground).by_roads
    assert not walkable_ground(replace(city, source=SURFACE_FILE), is_ground).by_roads
