"""What is read from a CityGML building, edition by edition."""

import gzip

import pytest

from central.city.load import load_city
from central.city.model import HeightSource
from tests.central.city import gml


@pytest.mark.parametrize("edition", list(gml.EDITIONS))
def test_every_edition_gives_footprint_and_height(tmp_path, edition):
    ring = gml.square(0, 0, 10)
    detail = "<uro:buildingIDAttribute><uro:BuildingIDAttribute/></uro:buildingIDAttribute>"
    text = gml.document(
        gml.building("a", gml.height(7.5), gml.lod0(ring), gml.lod1(ring, 20.0, 27.5), detail), edition=edition
    )
    city, surface = load_city(gml.write(tmp_path, text))
    (found,) = city.buildings
    assert (found.id, found.height_m, found.height_source) == ("a", 7.5, HeightSource.MEASURED)
    assert found.outline.area == pytest.approx(100.0, rel=2e-3)
    assert found.base_m == pytest.approx(20.0)
    assert surface.dsm.max() == pytest.approx(27.5)


def test_the_elder_namespace_of_citygml_1_is_read(tmp_path):
    city, _ = load_city(gml.write(tmp_path, gml.document(gml.house("a"), edition="v1", citygml="1.0")))
    assert len(city.buildings) == 1


def test_gzip_and_byte_order_mark_are_seen_through(tmp_path):
    path = tmp_path / "54391360_bldg.gml.gz"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + gml.document(gml.house("a")).encode()))
    assert len(load_city(path)[0].buildings) == 1


def test_a_courtyard_stays_open(tmp_path):
    text = gml.document(gml.building("ring", gml.height(9), gml.lod0(gml.square(0, 0, 40), [gml.square(10, 10, 20)])))
    city, surface = load_city(gml.write(tmp_path, text))
    assert city.buildings[0].outline.area == pytest.approx(40 * 40 - 20 * 20, rel=2e-3)
    middle = surface.dsm.shape[0] // 2, surface.dsm.shape[1] // 2
    assert surface.dsm[middle] == 0.0
    assert surface.dsm[middle[0], 2] == 9.0


def test_a_roof_edge_serves_where_there_is_no_footprint_but_its_level_is_not_the_ground(tmp_path):
    ring = gml.square(0, 0, 10, z=31.0)
    text = gml.document(gml.building("edge", gml.height(6), gml.lod0(ring, tag="lod0RoofEdge")))
    city, surface = load_city(gml.write(tmp_path, text))
    assert city.buildings[0].base_m == 0.0
    assert city.report.terrain == "flat"
    assert surface.dsm.max() == 6.0


def test_a_footprint_is_taken_from_the_solid_when_lod0_is_absent(tmp_path):
    text = gml.document(gml.building("solid", gml.lod1(gml.square(0, 0, 12), 4.0, 13.0)))
    city, _ = load_city(gml.write(tmp_path, text))
    assert city.buildings[0].outline.area == pytest.approx(144.0, rel=2e-3)
    assert (city.buildings[0].height_m, city.buildings[0].height_source) == (9.0, HeightSource.SOLID)


GABLE_SOUTH = [(0, 0, 13), (10, 0, 13), (10, 5, 16), (0, 5, 16), (0, 0, 13)]
GABLE_NORTH = [(0, 5, 16), (10, 5, 16), (10, 10, 13), (0, 10, 13), (0, 5, 16)]


def test_a_lod2_roof_is_drawn_as_planes(tmp_path):
    ground = gml.polygon(list(reversed(gml.square(0, 0, 10, z=10.0))))
    text = gml.document(
        gml.building(
            "gable",
            gml.height(6.0),
            gml.lod0(gml.square(0, 0, 10)),
            gml.bounded("GroundSurface", ground),
            gml.bounded("RoofSurface", gml.polygon(GABLE_SOUTH)),
            gml.bounded("RoofSurface", gml.polygon(GABLE_NORTH)),
        )
    )
    city, surface = load_city(gml.write(tmp_path, text), pixel_size_m=1)
    assert city.report.lod2 == 1
    above = surface.dsm - surface.dem
    # Eaves 3 m, ridge 6 m, half a cell inwards from each; rows run from north to south.
    column = above[:, above.shape[1] // 2]
    roof = column[column > 0]
    assert roof[:10] == pytest.approx([3.3, 3.9, 4.5, 5.1, 5.7, 5.7, 5.1, 4.5, 3.9, 3.3], abs=0.1)


def test_a_lod2_solid_that_only_refers_to_its_faces_is_followed(tmp_path):
    faces = (
        gml.bounded("WallSurface", gml.polygon(gml.square(0, 0, 10, z=10.0), identifier="unused"))
        + '<bldg:lod2Solid><gml:Solid><gml:exterior><gml:CompositeSurface><gml:surfaceMember xlink:href="#south"/>'
        '<gml:surfaceMember xlink:href="#north"/></gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod2Solid>'
        + gml.bounded("OuterCeilingSurface", gml.polygon(GABLE_SOUTH, identifier="south"))
        + gml.bounded("OuterCeilingSurface", gml.polygon(GABLE_NORTH, identifier="north"))
    )
    text = gml.document(gml.building("linked", gml.height(6.0), gml.lod0(gml.square(0, 0, 10)), faces))
    city, _ = load_city(gml.write(tmp_path, text), pixel_size_m=1)
    assert len(city.buildings[0].roof) == 2


def test_a_reference_into_nowhere_costs_the_roof_and_not_the_building(tmp_path):
    broken = '<bldg:lod2MultiSurface><gml:MultiSurface><gml:surfaceMember xlink:href="#gone"/></gml:MultiSurface></bldg:lod2MultiSurface>'
    text = gml.document(gml.building("a", gml.height(6.0), gml.lod0(gml.square(0, 0, 10)), broken))
    city, _ = load_city(gml.write(tmp_path, text))
    assert len(city.buildings) == 1
    assert city.report.skipped == {"LOD2 roof left out, xlink:href leads nowhere": 1}


def part(identifier: str, *content: str) -> str:
    return (
        f'<bldg:consistsOfBuildingPart><bldg:BuildingPart gml:id="{identifier}">{"".join(content)}</bldg:BuildingPart>'
        "</bldg:consistsOfBuildingPart>"
    )


def test_building_parts_stand_for_themselves(tmp_path):
    text = gml.document(
        gml.building(
            "whole",
            part("low", gml.height(5), gml.lod0(gml.square(0, 0, 10))),
            part("high", gml.height(25), gml.lod0(gml.square(10, 0, 10))),
        )
    )
    city, _ = load_city(gml.write(tmp_path, text))
    assert {b.id: b.height_m for b in city.buildings} == {"low": 5.0, "high": 25.0}
    assert (city.report.buildings, city.report.volumes) == (1, 2)


def test_a_bracket_with_the_outline_of_all_its_parts_does_not_hide_them(tmp_path):
    text = gml.document(
        gml.building(
            "whole",
            gml.height(25),
            gml.lod0(gml.square(0, 0, 20)),
            part("low", gml.height(5), gml.lod0(gml.square(0, 0, 20))),
        )
    )
    assert [b.id for b in load_city(gml.write(tmp_path, text))[0].buildings] == ["low"]


def test_a_bracket_stands_in_for_parts_that_cannot_be_used(tmp_path):
    text = gml.document(
        gml.building("whole", gml.height(25), gml.lod0(gml.square(0, 0, 20)), part("empty", gml.height(5)))
    )
    city, _ = load_city(gml.write(tmp_path, text))
    assert [b.id for b in city.buildings] == ["whole"]
    assert city.report.skipped == {"no footprint": 1}


def test_appearances_and_other_objects_are_passed_over(tmp_path):
    texture = "<app:appearanceMember><app:Appearance><app:theme>rgb</app:theme></app:Appearance></app:appearanceMember>"
    road = '<core:cityObjectMember><tran:Road gml:id="r"/></core:cityObjectMember>'
    city, _ = load_city(gml.write(tmp_path, gml.document(texture, gml.house("a"), road, gml.house("b", 30))))
    assert [b.id for b in city.buildings] == ["a", "b"]
