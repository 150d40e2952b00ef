"""Plants of veg tiles and of lists of trees onto the canopy."""

import json

import numpy as np
import pytest

from central.city.crowns import draw_crowns
from central.city.grid import grid_over
from central.city.load import load_city
from central.city.model import LandCover
from contract.errors import UserError
from tests.central.city import gml

HOUSES = (gml.house("sw", 0, 0), gml.house("ne", 90, 90))


def city_with(tmp_path, *members, trees=()):
    tiles = [gml.write(tmp_path, gml.document(*HOUSES), "1_bldg.gml")]
    if members:
        tiles.append(gml.write(tmp_path, gml.document(*members), "1_veg.gml"))
    return load_city(tiles, trees=trees)


def cell(city, east, north):
    return city.cell_at(gml.LAT + north * gml.M_LAT, gml.LON + east * gml.M_LON)


def test_a_tree_out_of_a_library_stands_at_its_reference_point(tmp_path):
    city, surface = city_with(tmp_path, gml.tree("t", gml.placed(50, 50), height=10, crownDiameter=12))
    assert surface.cdsm[cell(city, 50, 50)] == pytest.approx(10.0, abs=0.3)
    assert (surface.cdsm > 0).sum() * 4 == pytest.approx(np.pi * 36, rel=0.15)
    (tree,) = city.trees
    assert (tree.height_m, tree.crown_diameter_m, tree.estimated) == (10.0, 12.0, False)


def test_a_tree_of_lod1_has_height_and_crown_in_its_solid(tmp_path):
    solid = f"<veg:lod1Geometry>{gml.solid(gml.square(46, 46, 8), 30.0, 37.0)}</veg:lod1Geometry>"
    city, _ = city_with(tmp_path, gml.tree("t", solid))
    (tree,) = city.trees
    assert tree.height_m == pytest.approx(7.0)
    assert tree.crown_diameter_m == pytest.approx(2 * (64 / np.pi) ** 0.5, rel=0.01)
    assert cell(city, 50, 50) == city.grid.cell_of(tree.x_m, tree.y_m)
    assert not tree.estimated


@pytest.mark.parametrize("value", [-9999, "tall", 0, 400, "NaN"])
def test_what_is_no_height_is_estimated_and_said_to_be(tmp_path, value):
    city, _ = city_with(tmp_path, gml.tree("t", gml.placed(50, 50), height=value, crownDiameter=4))
    (tree,) = city.trees
    assert (tree.height_m, tree.estimated) == (8.0, True)
    assert city.report.trees_estimated == 1


def test_plant_covers_are_canopy_when_tall_and_ground_when_low(tmp_path):
    block = gml.solid(gml.square(20, 40, 10), 30, 33)
    member = f"<gml:MultiSolid><gml:solidMember>{block}</gml:solidMember></gml:MultiSolid>"
    hedge = f"<veg:lod1MultiSolid>{member}</veg:lod1MultiSolid>"
    lawn = f"<veg:lod2MultiSurface>{gml.surfaces(gml.polygon(gml.square(40, 40, 10)))}</veg:lod2MultiSurface>"
    grove = f"<veg:lod1MultiSurface>{gml.surfaces(gml.polygon(gml.square(60, 40, 10)))}</veg:lod1MultiSurface>"
    city, surface = city_with(
        tmp_path,
        gml.plant_cover("hedge", hedge),
        gml.plant_cover("lawn", lawn, height=0.1, kind="4"),
        gml.plant_cover("grove", grove, kind="1"),
    )
    assert [float(surface.cdsm[cell(city, east, 45)]) for east in (25, 45, 65)] == pytest.approx([3.0, 0.0, 8.0])
    assert {city.land_cover[cell(city, east, 45)] for east in (25, 45, 65)} == {LandCover.GRASS}
    assert (city.report.plant_covers, city.report.plant_covers_estimated) == (3, 1)


def test_trees_do_not_grow_on_roofs(tmp_path):
    city, surface = city_with(tmp_path, gml.tree("t", gml.placed(8, 12), height=9, crownDiameter=10))
    assert surface.cdsm[cell(city, 8, 12)] > 0
    assert (surface.cdsm[city.land_cover == LandCover.ROOF] == 0).all()


def test_a_plant_without_a_place_is_counted(tmp_path):
    city, _ = city_with(tmp_path, gml.tree("lost", "", height=5), gml.plant_cover("bare", "", height=2))
    assert city.report.skipped == {"no place": 1, "no surface": 1, "no plant of the tiles lies in the raster": 1}


def test_a_crown_smaller_than_a_cell_is_still_drawn():
    grid = grid_over((0, 0, 40, 40), 4.0)
    canopy = np.zeros(grid.shape, dtype=np.float32)
    ones = np.array([1.0])
    draw_crowns(canopy, grid, 20.1 * ones, 20.1 * ones, height_m=5 * ones, radius_m=0.5 * ones)
    assert (canopy > 0).sum() == 1
    assert canopy[grid.cell_of(20.1, 20.1)] == 5.0


def listed(east, north, *more):
    return ",".join(map(str, (gml.LON + east * gml.M_LON, gml.LAT + north * gml.M_LAT, *more)))


HEADER = "lon,lat,height_m,crown_diameter_m\n"


def test_trees_of_a_csv(tmp_path):
    path = tmp_path / "oaks.csv"
    path.write_text("\ufeffid," + HEADER + f"1,{listed(50, 50, 10, 8)}\n\n2,{listed(70, 30, 6, '')}\n")
    city, surface = city_with(tmp_path, trees=[path])
    assert sorted((tree.height_m, tree.crown_diameter_m, tree.estimated) for tree in city.trees) == [
        (6.0, 3.0, True),
        (10.0, 8.0, False),
    ]
    assert surface.cdsm[cell(city, 50, 50)] > 9.0


def test_trees_of_a_geojson(tmp_path):
    path = tmp_path / "oaks.geojson"
    place = [gml.LON + 50 * gml.M_LON, gml.LAT + 50 * gml.M_LAT]
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": {"height_m": 7}},
        {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [place, place]}, "properties": None},
        "nonsense",
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    city, _ = city_with(tmp_path, trees=[path])
    assert [tree.height_m for tree in city.trees] == [7.0]
    assert city.report.skipped == {"tree without a place": 2}
    assert "feature 2" in city.report.skipped_examples[0]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("139.4,abc,9,6", "lat is not within"),
        ("1394,36.1,9,6", "lon is not within"),
        ("139.4,36.1,-3,6", "height_m is not within"),
        ("139.4,36.1,nan,6", "height_m is not within"),
        ("139.4,36.1,9,1e400", "crown_diameter_m is not within"),
        (",,9,6", "tree without a place"),
        ("139.4", "tree without a place"),
    ],
)
def test_a_bad_row_is_told_by_its_line_and_the_rest_stands(tmp_path, row, reason):
    path = tmp_path / "oaks.csv"
    path.write_text(HEADER + f"{listed(50, 50, 10, 8)}\n{row}\n")
    city, _ = city_with(tmp_path, trees=[path])
    assert len(city.trees) == 1
    assert "oaks.csv, line 3: " in city.report.skipped_examples[0]
    assert reason in city.report.skipped_examples[0]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("t.csv", b"", "the column lon is missing"),
        ("t.csv", b"lat,lon,height\n1,2,3\n", "the column height_m is missing"),
        ("t.csv", HEADER.encode(), "the list holds no tree"),
        ("t.csv", HEADER.encode() + b"1,2,3,4\n", "no tree could be used: line 2: lon is not within"),
        ("t.csv", "木,高さ".encode("shift_jis"), "is not UTF-8"),
        ("t.csv", HEADER.encode() + b"\x00,1,1,1\n", "no tree could be used"),
        ("t.geojson", b"{", "no valid JSON"),
        ("t.geojson", b"[" * 100_000, "no valid JSON"),
        ("t.geojson", b'{"type": "Feature"}', "no GeoJSON FeatureCollection"),
        ("t.geojson", b'{"features": []}', "the list holds no tree"),
        ("t.xlsx", b"PK", "must end in .csv or .geojson"),
    ],
)
def test_a_file_that_is_no_list_of_trees_is_named(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        city_with(tmp_path, trees=[path])
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert expected in str(caught.value)


def test_missing_lists_and_lists_for_the_downtown_are_refused(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        city_with(tmp_path, trees=[tmp_path / "nowhere.csv"])
    with pytest.raises(UserError, match="its own trees"):
        load_city(None, trees=[tmp_path / "any.csv"])


def test_a_list_in_the_citys_folder_is_found(tmp_path):
    gml.write(tmp_path, gml.document(*HOUSES), "1_bldg.gml")
    (tmp_path / "trees.csv").write_text(HEADER + f"{listed(50, 50, 10, 8)}\n{listed(5000, 0, 9, 9)}\n")
    city, surface = load_city(tmp_path)
    assert surface.cdsm.max() > 9.0
    assert (city.report.trees, city.report.plants_outside) == (1, 1)
