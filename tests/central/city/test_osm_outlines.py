"""Buildings out of an OSM file, as JOSM writes it."""

import pytest

from central.city.load import load_city
from contract.errors import UserError
from tests.central.city import gml


class Osm:
    """Writes nodes, ways and relations; JOSM's new objects have negative ids."""

    def __init__(self) -> None:
        self.nodes: list[str] = []
        self.rest: list[str] = []
        self.count = 0

    def way(self, ring, **tags) -> int:
        references = []
        for east, north, *_ in ring[:-1]:
            self.count -= 1
            self.nodes.append(
                f'<node id="{self.count}" lat="{gml.LAT + north * gml.M_LAT}" lon="{gml.LON + east * gml.M_LON}"/>'
            )
            references.append(self.count)
        self.count -= 1
        points = "".join(f'<nd ref="{reference}"/>' for reference in [*references, references[0]])
        self.rest.append(f'<way id="{self.count}">{points}{self.tags(tags)}</way>')
        return self.count

    def relation(self, members, **tags) -> None:
        self.count -= 1
        written = "".join(f'<member type="way" role="{role}" ref="{way}"/>' for role, way in members)
        self.rest.append(f'<relation id="{self.count}">{written}{self.tags(tags)}</relation>')

    @staticmethod
    def tags(tags) -> str:
        return "".join(f'<tag k="{key.replace("__", ":")}" v="{value}"/>' for key, value in tags.items())

    def write(self, folder):
        path = folder / "town.osm"
        path.write_text(f'<?xml version="1.0"?><osm version="0.6">{"".join(self.nodes)}{"".join(self.rest)}</osm>')
        return path


def test_height_storeys_and_ground_are_read(tmp_path):
    osm = Osm()
    osm.way(gml.square(0, 0, 10), building="yes", height="9.6", ele="21.8", ref__MLIT_PLATEAU="10207-bldg-1")
    osm.way(gml.square(30, 0, 10), building="house", building__levels="2", ele="21.8")
    osm.way(gml.square(60, 0, 10), building="house", height="tall", ele="21.8")
    osm.way(gml.square(90, 0, 10), highway="residential")
    osm.way(gml.square(90, 0, 10), building="no")
    city, surface = load_city(osm.write(tmp_path))
    assert [(b.height_m, b.height_source.value) for b in city.buildings] == [
        (9.6, "measured"),
        (6.0, "storeys"),
        (9.6, "neighbours"),
    ]
    assert city.buildings[0].id == "10207-bldg-1"
    assert city.source == "osm"
    assert "OpenStreetMap" in city.attribution_en
    assert city.report.height_not_numeric == 1
    assert surface.dem == pytest.approx(21.8)


def test_parts_count_and_the_outline_round_them_does_not(tmp_path):
    osm = Osm()
    outline = osm.way(gml.square(0, 0, 20), building="yes", height="30")
    part = osm.way(gml.square(0, 0, 10), building__part="yes", height="30")
    low = osm.way(gml.square(10, 0, 10), building__part="yes", height="6")
    osm.relation([("part", part), ("part", low), ("outline", outline)], type="building", building="yes", height="30")
    city, _ = load_city(osm.write(tmp_path))
    assert sorted(b.height_m for b in city.buildings) == [6.0, 30.0]


def test_a_multipolygon_has_its_courtyard(tmp_path):
    osm = Osm()
    outer, inner = osm.way(gml.square(0, 0, 40)), osm.way(gml.square(10, 10, 20))
    osm.relation([("outer", outer), ("inner", inner)], type="multipolygon", building="yes", height="9")
    city, _ = load_city(osm.write(tmp_path))
    assert city.buildings[0].outline.area == pytest.approx(1200.0, rel=2e-3)


def test_broken_ways_are_counted(tmp_path):
    osm = Osm()
    osm.way(gml.square(0, 0, 10), building="yes")
    osm.way(gml.square(30, 0, 10), building="yes")
    osm.nodes[4] = osm.nodes[4].replace('lat="36', 'lat="north')
    osm.rest.append('<way id="1"><nd ref="-1"/><nd ref="-2"/><tag k="building" v="yes"/></way>')
    osm.rest.append(
        '<way id="2"><nd ref="-1"/><nd ref="-2"/><nd ref="-3"/><nd ref="-4"/><tag k="building" v="yes"/></way>'
    )
    city, _ = load_city(osm.write(tmp_path))
    assert len(city.buildings) == 1
    assert city.report.skipped == {
        "node without a place": 1,
        "way of fewer than three points": 1,
        "way is not closed": 1,
    }
    assert "north" in city.report.skipped_examples[0]


def test_a_file_without_buildings_is_refused(tmp_path):
    osm = Osm()
    osm.way(gml.square(0, 0, 10), highway="residential")
    with pytest.raises(UserError, match="no building"):
        load_city(osm.write(tmp_path))
