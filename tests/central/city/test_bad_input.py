"""What is refused, in one line that names file, line and value; and what one broken building costs: itself."""

import gzip
import random
import re

import pytest

from central.city.load import Window, load_city
from contract.errors import UserError
from tests.central.city import gml

GOOD = gml.document(gml.house("a"), gml.house("b", 30))


def refusal(path, **options) -> str:
    with pytest.raises(UserError) as caught:
        load_city(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


FOREIGN = {
    "empty.gml": (b"", "the file is empty"),
    "blank.gml": (b"  \n ", "the file is empty"),
    "binary.gml": (bytes(range(1, 200)), "not XML"),
    "page.gml": (b"<!DOCTYPE html><html><head></head><body>404</body></html>", "DOCTYPE"),
    "plain_page.gml": (b"<html><head></head><body>404</body></html>", "a web page, not CityGML"),
    "places.gml": (b'<kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>', "KML, not CityGML"),
    "other.gml": (b"<a><b/></a>", "root element <a>"),
    "packed.gml": (b"PK\x03\x04rest", "zip archive"),
    "not_gzip.gml.gz": (GOOD.encode(), "not gzip"),
    "cut.gml.gz": (gzip.compress(GOOD.encode() * 9)[:200], "breaks off"),
    "spoilt.gml.gz": (gzip.compress(GOOD.encode())[:40] + b"\x00" * 40, "gzip stream is broken"),
    "cut.gml": (GOOD.encode()[: len(GOOD) * 2 // 3], "breaks off"),
    "text.osm": (b"no xml at all", "not XML"),
    "city.osm": (GOOD.encode(), "CityModel"),
    "roads.gml": (
        gml.document('<core:cityObjectMember><tran:Road gml:id="r"/></core:cityObjectMember>').encode(),
        "holds no building",
    ),
}


@pytest.mark.parametrize("name", list(FOREIGN))
def test_a_file_that_is_no_city_is_named(tmp_path, name):
    content, expected = FOREIGN[name]
    path = tmp_path / name
    path.write_bytes(content)
    message = refusal(path)
    assert str(path) in message
    assert expected in message


def test_broken_xml_names_its_line(tmp_path):
    text = GOOD.replace("</bldg:Building>", "</bldg:Bilding>", 1)
    assert ", line 4: " in refusal(gml.write(tmp_path, text))


def test_entities_cannot_grow_in_memory(tmp_path):
    bomb = (
        '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>\n<CityModel name="&b;"/>'
    )
    assert "DOCTYPE" in refusal(gml.write(tmp_path, bomb))


def test_an_entity_does_not_read_a_file(tmp_path):
    (tmp_path / "secret").write_text("36 139 0")
    text = GOOD.replace("?>\n", f'?>\n<!DOCTYPE x [<!ENTITY s SYSTEM "{tmp_path}/secret">]>\n', 1)
    assert "DOCTYPE" in refusal(gml.write(tmp_path, text))


@pytest.mark.parametrize("srs", ["http://www.opengis.net/def/crs/EPSG/0/2451", "urn:ogc:def:crs:EPSG::4326", "local"])
def test_another_coordinate_system_is_refused(tmp_path, srs):
    message = refusal(gml.write(tmp_path, gml.document(gml.house("a"), srs=srs)))
    assert srs in message
    assert "EPSG:6697" in message
    assert ", line " in message


def test_missing_paths_and_empty_folders_are_named(tmp_path):
    assert "no such file" in refusal(tmp_path / "nowhere.gml")
    assert "no such file" in refusal(tmp_path / "nowhere")
    assert "no tile of a city model" in refusal(tmp_path)
    assert "no file or folder" in refusal([])


BROKEN = {
    "posList is not made of 3 numbers a point": lambda text: text.replace(" 0 ", " ", 1),
    "posList holds text": lambda text: text.replace("139.38", "east", 1),
    "coordinate is not a number": lambda text: text.replace(" 0 ", " NaN ", 1),
    "coordinate outside Japan": lambda text: text.replace("36.14", "139.38", 1),
    "coordinate outside Japan ": lambda text: text.replace(" 0 ", " -9999 ", 1),
}


@pytest.mark.parametrize("reason", list(BROKEN))
def test_one_broken_building_is_counted_and_the_rest_stands(tmp_path, reason):
    member = BROKEN[reason](gml.house("bad").replace("<gml:posList>", "<gml:posList> ", 1))
    city, _ = load_city(gml.write(tmp_path, gml.document(member, gml.house("good", 30))))
    assert [b.id for b in city.buildings] == ["good"]
    assert city.report.skipped == {reason.strip(): 1}
    (example,) = city.report.skipped_examples
    assert "54391360_bldg_6697_op.gml, line " in example
    assert "bad" in example


def test_a_roof_a_kilometre_high_is_left_out_and_the_building_kept(tmp_path):
    spike = gml.bounded("RoofSurface", gml.polygon([(0, 0, 9), (10, 0, 9), (10, 10, 1200), (0, 0, 9)]))
    member = gml.building("spike", gml.height(5), gml.lod0(gml.square(0, 0, 10)), spike)
    city, surface = load_city(gml.write(tmp_path, gml.document(member)))
    assert city.report.skipped == {"LOD2 roof left out, taller than any building": 1}
    assert surface.dsm.max() == 5.0


def test_a_broken_solid_is_found_too(tmp_path):
    ring = gml.square(0, 0, 10)
    member = gml.building("bad", gml.height(5), gml.lod0(ring), gml.lod1(ring, 0.5, 5).replace(" 0.5", " 0,5", 1))
    city, _ = load_city(gml.write(tmp_path, gml.document(member, gml.house("good", 30))))
    assert city.report.skipped == {"posList holds text": 1}
    assert "'0,5'" in city.report.skipped_examples[0]


@pytest.mark.parametrize("seed", range(8))
def test_a_spoilt_file_is_a_city_or_one_clear_line(tmp_path, seed):
    """Numbers swapped, bytes flipped, pieces lost or doubled: never any other error."""
    chance = random.Random(seed)
    ring = gml.square(0, 0, 10)
    roof = gml.bounded("RoofSurface", gml.polygon(gml.square(0, 0, 10, z=9.0)))
    sound = gml.document(
        gml.building("a", gml.height(6), gml.lod0(ring), gml.lod1(ring, 3, 9), roof),
        gml.house("b", 30),
        gml.house("c", 60),
    ).encode()
    words = [b"NaN", b"-9999", b"1e400", b"1e300", b"", b"x", b"5000", b"36.3", b"139.4", b"<", b"&x;"]
    for _ in range(25):
        spoilt = bytearray(sound)
        for _ in range(chance.choice((1, 1, 3, 9))):
            kind, at = chance.random(), chance.randrange(len(spoilt) - 200)
            if kind < 0.6:
                number = chance.choice(list(re.finditer(rb"(?<=[ >])-?[0-9.]+(?=[ <])", spoilt)))
                spoilt[number.start() : number.end()] = chance.choice(words)
            elif kind < 0.8:
                spoilt[at] = chance.randrange(256)
            elif kind < 0.9:
                del spoilt[at : at + chance.randrange(1, 200)]
            else:
                spoilt[at:at] = spoilt[at : at + chance.randrange(1, 200)]
        path = tmp_path / "spoilt_bldg.gml"
        path.write_bytes(bytes(spoilt))
        refused = ""
        try:
            city, surface = load_city(path, pixel_size_m=4)
        except UserError as error:
            refused = str(error)
        if refused:
            assert "\n" not in refused
            assert "spoilt_bldg.gml" in refused or "limit" in refused
        else:
            assert len(city.buildings) >= 1
            assert surface.dsm.max() < 5300.0


def test_when_nothing_is_left_the_first_reason_is_told(tmp_path):
    member = gml.house("bad").replace("139.38", "east", 1)
    message = refusal(gml.write(tmp_path, gml.document(member)))
    assert "no building could be used" in message
    assert "'east" in message


def test_a_footprint_without_area_is_left_out(tmp_path):
    line = [(0, 0, 0), (10, 0, 0), (20, 0, 0), (0, 0, 0)]
    city, _ = load_city(gml.write(tmp_path, gml.document(gml.building("line", gml.lod0(line)), gml.house("good"))))
    assert city.report.skipped == {"footprint without area": 1}


def test_a_ring_that_crosses_itself_is_mended(tmp_path):
    bow = [(0, 0, 0), (10, 10, 0), (10, 0, 0), (0, 10, 0), (0, 0, 0)]
    city, _ = load_city(gml.write(tmp_path, gml.document(gml.building("bow", gml.height(5), gml.lod0(bow)))))
    assert city.report.repaired == 1
    assert city.buildings[0].outline.is_valid
    assert city.buildings[0].outline.area == pytest.approx(50.0, rel=5e-3)


def test_a_building_far_from_its_tile_is_left_out(tmp_path):
    houses = [gml.house(f"h{k}", 20.0 * k) for k in range(5)]
    city, _ = load_city(gml.write(tmp_path, gml.document(*houses, gml.house("stray", 0, 60_000))))
    assert city.report.skipped == {"building far from its tile": 1}
    assert len(city.buildings) == 5


def test_a_tile_of_another_town_is_refused(tmp_path):
    paths = [gml.write(tmp_path, gml.document(gml.house(f"h{k}", 900.0 * k)), f"{k}_bldg.gml") for k in range(3)]
    paths.append(gml.write(tmp_path, gml.document(gml.house("far", 0, 60_000)), "far_bldg.gml"))
    message = refusal(paths)
    assert "far_bldg.gml" in message
    assert "60 km" in message


def test_a_building_in_two_tiles_is_built_once(tmp_path):
    first = gml.write(tmp_path, gml.document(gml.house("a"), gml.house("b", 30)), "1_bldg.gml")
    second = gml.write(tmp_path, gml.document(gml.house("b", 30), gml.house("c", 60)), "2_bldg.gml")
    city, _ = load_city([first, second, first])
    assert [b.id for b in city.buildings] == ["a", "b", "c"]
    assert city.report.skipped == {"second building of the same id": 1}


def test_a_city_too_large_for_the_raster_says_how_to_go_on(tmp_path):
    text = gml.document(gml.house("a"), gml.house("b", 9000, 9000))
    message = refusal(gml.write(tmp_path, text))
    assert "more than the limit of 4,000,000 cells" in message
    assert "--center" in message


@pytest.mark.parametrize("cell", [0, -2, 3, 0.5, float("nan")])
def test_only_the_stated_pixel_sizes_are_made(tmp_path, cell):
    assert "use one of 1, 2, 4 m" in refusal(gml.write(tmp_path, GOOD), pixel_size_m=cell)


def test_a_window_must_lie_in_japan_and_hold_a_building(tmp_path):
    path = gml.write(tmp_path, GOOD, "any_bldg.gml")
    assert "none of the 2 buildings lies within" in refusal(path, window=Window(36.3, 139.38, 500))
    with pytest.raises(UserError, match="not in Japan"):
        Window(48.0, 2.0, 500)
    with pytest.raises(UserError, match="side 5 m"):
        Window(36.0, 139.0, 5)


@pytest.mark.parametrize("seed", range(4))
def test_a_spoilt_file_of_any_theme_is_drawn_or_told_in_one_line(tmp_path, seed):
    chance = random.Random(seed)
    gml.write(tmp_path, GOOD, "1_bldg.gml")
    ring = gml.square(0, 0, 40)
    triangles = [[(-50, -50, 5), (150, -50, 6), (0, 150, 7)], [(0, 0, 1), (9, 0, 2), (0, 9, 3)]]
    structure = gml.code("uro:sectionType", 1) + "<uro:width>6.5</uro:width>"
    solid = f"<veg:lod1Geometry>{gml.solid(ring, 3, 9)}</veg:lod1Geometry>"
    surface = f"<veg:lod1MultiSurface>{gml.surfaces(gml.polygon(ring))}</veg:lod1MultiSurface>"
    sound = {
        "dem": gml.document(gml.relief(*triangles)),
        "tran": gml.document(gml.road("r", ring, structure=structure, parts=gml.traffic_area(ring, "2000"))),
        "luse": gml.document(gml.land_use("l", ring, "204")),
        "veg": gml.document(
            gml.tree("t", solid), gml.tree("p", gml.placed(9, 9), height=5), gml.plant_cover("c", surface, height=3)
        ),
    }
    words = [b"NaN", b"-9999", b"1e400", b"", b"x", b"36.3", b"<", b"&x;"]
    for _ in range(12):
        for theme, text in sound.items():
            (tmp_path / f"1_{theme}.gml").write_text(text)
        theme = chance.choice(list(sound))
        spoilt = bytearray(sound[theme].encode())
        for _ in range(chance.choice((1, 3, 6))):
            kind, at = chance.random(), chance.randrange(len(spoilt) - 200)
            if kind < 0.8:
                number = chance.choice(list(re.finditer(rb"(?<=[ >])-?[0-9.]+(?=[ <])", spoilt)))
                spoilt[number.start() : number.end()] = chance.choice(words)
            elif kind < 0.9:
                spoilt[at] = chance.randrange(256)
            else:
                del spoilt[at : at + chance.randrange(1, 200)]
        (tmp_path / f"1_{theme}.gml").write_bytes(bytes(spoilt))
        refused = ""
        try:
            city, drawn = load_city(tmp_path, pixel_size_m=4)
        except UserError as error:
            refused = str(error)
        if refused:
            assert "\n" not in refused
            assert f"1_{theme}.gml" in refused
        else:
            assert len(city.buildings) == 2
            assert 0.0 <= drawn.cdsm.max() <= 65.0
