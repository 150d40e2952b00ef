"""Roads of tran tiles: what covers the ground, and what a walking network needs to know of them."""

import pytest
import shapely

from central.city.load import load_city
from central.city.model import LandCover, RoadKind, RoadSection
from central.city.roads import width_of
from tests.central.city import gml

# Two houses span the raster: 0 .. 100 m east, 0 .. 100 m north.
HOUSES = (gml.house("sw", 0, 0), gml.house("ne", 90, 90))


def strip(west: float, south: float, east: float, north: float) -> list[tuple[float, float, float]]:
    return [(west, south, 0), (east, south, 0), (east, north, 0), (west, north, 0), (west, south, 0)]


def city_with(tmp_path, *roads):
    tiles = [
        gml.write(tmp_path, gml.document(*HOUSES), "1_bldg.gml"),
        gml.write(tmp_path, gml.document(*roads), "1_tran.gml"),
    ]
    return load_city(tiles)[0]


def cover_at(city, east, north):
    return LandCover(city.land_cover[city.cell_at(gml.LAT + north * gml.M_LAT, gml.LON + east * gml.M_LON)])


def test_roads_are_asphalt_under_the_houses_and_nothing_else_is(tmp_path):
    city = city_with(tmp_path, gml.road("r", strip(0, 40, 100, 52)))
    assert cover_at(city, 50, 46) is LandCover.ASPHALT
    assert cover_at(city, 50, 70) is LandCover.UNKNOWN
    assert cover_at(city, 5, 5) is LandCover.ROOF
    assert city.report.roads == 1
    assert (city.land_cover == LandCover.ASPHALT).sum() * 4 == pytest.approx(100 * 12, rel=0.1)


def test_a_road_has_class_width_and_section(tmp_path):
    structure = gml.code("uro:widthType", 2) + "<uro:width>7.5</uro:width>" + gml.code("uro:sectionType", 7)
    city = city_with(
        tmp_path,
        gml.road("stated", strip(0, 10, 100, 18), function="3", structure=structure),
        gml.road("classed", strip(0, 30, 100, 42), function="4", structure=gml.code("uro:widthType", 3)),
        gml.road("bare", strip(0, 60, 100, 66)),
        gml.road("express", strip(0, 70, 100, 90), function="1", structure=gml.code("uro:sectionType", 6)),
    )
    stated, classed, bare, express = city.roads
    assert (stated.id, stated.road_class, stated.width_m, stated.width_stated) == ("stated", "prefectural", 7.5, True)
    assert stated.section is RoadSection.BRIDGE
    assert (classed.width_m, classed.width_stated) == (5.0, True)
    assert (bare.road_class, bare.width_stated, bare.section) == ("", False, RoadSection.GROUND)
    assert bare.width_m == pytest.approx(6.0, rel=0.01)
    assert [road.walkable for road in city.roads] == [True, True, True, False]
    assert express.section is RoadSection.TUNNEL
    assert cover_at(city, 50, 80) is LandCover.UNKNOWN  # a tunnel covers nothing
    assert city.report.roads_with_width == 2


def test_every_kind_has_its_ground(tmp_path):
    city = city_with(
        tmp_path,
        gml.road("square", strip(10, 20, 30, 40), kind="Square"),
        gml.road("track", strip(40, 20, 60, 40), kind="Track"),
        gml.road("railway", strip(70, 20, 90, 40), kind="Railway"),
    )
    assert [cover_at(city, east, 30) for east in (20, 50, 80)] == [
        LandCover.COBBLE,
        LandCover.BARE_SOIL,
        LandCover.BARE_SOIL,
    ]
    assert {road.kind for road in city.roads} == {RoadKind.SQUARE, RoadKind.TRACK, RoadKind.RAILWAY}
    assert [road.walkable for road in sorted(city.roads, key=lambda road: road.id)] == [False, True, True]


def test_sidewalks_and_planted_strips_are_told_apart(tmp_path):
    parts = (
        gml.traffic_area(strip(0, 40, 100, 52), "1000")
        + gml.traffic_area(strip(0, 52, 100, 56), "2000")
        + gml.traffic_area(strip(0, 36, 100, 40), "5000", "AuxiliaryTrafficArea")
    )
    city = city_with(tmp_path, gml.road("r", strip(0, 36, 100, 56), parts=parts))
    assert [cover_at(city, 50, north) for north in (46, 54, 38)] == [
        LandCover.ASPHALT,
        LandCover.COBBLE,
        LandCover.GRASS,
    ]
    (road,) = city.roads
    assert road.footways is not None
    assert road.footways.area == pytest.approx(400.0, rel=0.01)


@pytest.mark.parametrize(("length", "width"), [(100, 4), (60, 12), (20, 20)])
def test_the_width_of_a_strip_is_found_from_its_outline(length, width):
    assert width_of(shapely.box(0, 0, length, width)) == pytest.approx(width)


def test_the_width_of_a_net_of_streets_counts_its_blocks():
    """Streets 6 m wide round four blocks: the rings of the blocks are edges of the streets too."""
    blocks = [shapely.box(x, y, x + 44, y + 44) for x in (6, 56) for y in (6, 56)]
    net = shapely.box(0, 0, 106, 106).difference(shapely.union_all(blocks))
    assert width_of(net) == pytest.approx(6.0, abs=0.5)


def test_a_road_in_two_tiles_counts_once_and_a_broken_one_is_told(tmp_path):
    road = gml.road("r", strip(0, 40, 100, 52))
    broken = gml.road("bad", strip(0, 60, 100, 66)).replace("139.38", "east", 1)
    empty = '<core:cityObjectMember><tran:Road gml:id="empty"/></core:cityObjectMember>'
    paths = [
        gml.write(tmp_path, gml.document(*HOUSES), "1_bldg.gml"),
        gml.write(tmp_path, gml.document(road, broken), "1_tran.gml"),
        gml.write(tmp_path, gml.document(road, empty), "2_tran.gml"),
    ]
    city, _ = load_city(paths)
    assert [found.id for found in city.roads] == ["r"]
    assert city.report.skipped == {"posList holds text": 1, "no surface": 1}
    assert any("1_tran.gml, line " in example and "bad" in example for example in city.report.skipped_examples)


def test_roads_of_another_place_are_told(tmp_path):
    city = city_with(tmp_path, gml.road("far", strip(5000, 40, 5100, 52)))
    assert city.roads == ()
    assert city.report.skipped == {"no road of the tiles lies in the raster": 1}
