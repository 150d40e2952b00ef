"""Land use to land cover: only what a use tells of its ground."""

import pytest

from central.city.ground_cover import WOOD_HEIGHT_M
from central.city.land_use import COVER_OF_USE
from central.city.load import Window, load_city
from central.city.model import LandCover
from contract.errors import UserError
from tests.central.city import gml

HOUSES = (gml.house("sw", 0, 0), gml.house("ne", 90, 90))


def city_with(tmp_path, *members, extra=()):
    tiles = [
        gml.write(tmp_path, gml.document(*HOUSES), "1_bldg.gml"),
        gml.write(tmp_path, gml.document(*members), "1_luse.gml"),
        *extra,
    ]
    return load_city(tiles)


def cell(city, east, north):
    return city.cell_at(gml.LAT + north * gml.M_LAT, gml.LON + east * gml.M_LON)


@pytest.mark.parametrize(
    ("use", "cover"),
    [
        ("201", LandCover.GRASS),
        ("202", LandCover.BARE_SOIL),
        ("204", LandCover.WATER),
        ("2041", LandCover.WATER),
        ("215", LandCover.ASPHALT),
        ("2152", LandCover.COBBLE),
        ("222", LandCover.ASPHALT),
        ("211", LandCover.UNKNOWN),  # a house, its drive and its garden
        ("9999", LandCover.UNKNOWN),
        ("", LandCover.UNKNOWN),
    ],
)
def test_a_use_tells_its_ground_or_nothing(tmp_path, use, cover):
    city, surface = city_with(tmp_path, gml.land_use("a", gml.square(20, 20, 40), use))
    assert city.land_cover[cell(city, 40, 40)] == cover
    assert city.land_cover[cell(city, 80, 40)] == LandCover.UNKNOWN
    assert city.report.uses_unknown == ({use: 1} if cover is LandCover.UNKNOWN else {})
    assert surface.cdsm.max() == 0.0


def test_no_use_is_called_a_roof_or_given_an_odd_code():
    assert LandCover.ROOF not in COVER_OF_USE.values()
    assert LandCover.UNKNOWN not in COVER_OF_USE.values()
    assert all(code.isdigit() and len(code) in {3, 4} for code in COVER_OF_USE)


def test_small_areas_lie_on_large_ones_and_roads_and_roofs_on_both(tmp_path):
    park = gml.land_use("park", gml.square(0, 0, 100), "2171")
    pond = gml.land_use("pond", gml.square(40, 40, 20), "204")
    road = gml.road("r", [(0, 46, 0), (100, 46, 0), (100, 54, 0), (0, 54, 0), (0, 46, 0)])
    roads = gml.write(tmp_path, gml.document(road), "1_tran.gml")
    city, _ = city_with(tmp_path, pond, park, extra=(roads,))
    assert city.land_cover[cell(city, 50, 43)] == LandCover.WATER
    assert city.land_cover[cell(city, 50, 50)] == LandCover.ASPHALT  # a bridge
    assert city.land_cover[cell(city, 20, 70)] == LandCover.GRASS
    assert city.land_cover[cell(city, 5, 5)] == LandCover.ROOF


def test_woods_that_nobody_surveyed_get_a_canopy_and_the_report_says_so(tmp_path):
    wood = gml.land_use("wood", gml.square(0, 20, 50), "203")
    city, surface = city_with(tmp_path, wood)
    assert surface.cdsm[cell(city, 25, 45)] == WOOD_HEIGHT_M
    assert surface.cdsm[cell(city, 80, 45)] == 0.0
    assert city.report.wood_m2 == pytest.approx(2500, rel=0.05)
    assert any("canopy estimated" in line for line in city.report.lines())


def test_woods_with_surveyed_plants_are_left_to_the_survey(tmp_path):
    wood = gml.land_use("wood", gml.square(0, 20, 50), "203")
    plants = gml.write(
        tmp_path, gml.document(gml.tree("t", gml.placed(25, 45), height=9, crownDiameter=6)), "1_veg.gml"
    )
    city, surface = city_with(tmp_path, wood, extra=(plants,))
    assert city.report.wood_m2 == 0.0
    assert 8.0 < surface.cdsm.max() <= 9.0


def test_a_place_without_buildings_needs_a_square(tmp_path):
    path = gml.write(tmp_path, gml.document(gml.land_use("a", gml.square(0, 0, 90), "204")), "1_luse.gml")
    with pytest.raises(UserError, match="the file holds no building"):
        load_city(path)
    city, surface = load_city(path, window=Window(gml.LAT, gml.LON, 300))
    assert city.buildings == ()
    assert (city.land_cover == LandCover.WATER).sum() * 4 == pytest.approx(90 * 90, rel=0.05)
    assert (surface.dsm == surface.dem).all()
    with pytest.raises(UserError, match="nothing in the files lies within"):
        load_city(path, window=Window(36.5, gml.LON, 300))
