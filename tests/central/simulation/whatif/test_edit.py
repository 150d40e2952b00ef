"""GeoJSON as changes; what is wrong with it is said in one line that names feature and field."""

import json

import pytest
from shapely import box

from central.city.grid import Grid
from central.city.projection import LocalFrame
from central.simulation.whatif.edit import EDIT_BYTES_MAX, read_edit
from contract.errors import UserError

LAT, LON = 36.139, 139.389
FRAME = LocalFrame(LAT, LON)
GRID = Grid(-500.0, 500.0, 500, 500, 2.0)


def square(size=2e-4, lon=LON, lat=LAT):
    ring = [[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat + size], [lon, lat]]
    return {"type": "Polygon", "coordinates": [ring]}


def feature(geometry="square", **properties):
    return {"type": "Feature", "geometry": square() if geometry == "square" else geometry, "properties": properties}


def collection(*features):
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def read(*features, building=None):
    return read_edit(collection(*features), GRID, FRAME, building, where="edit.geojson")


def test_buildings_and_trees_added_and_taken_away():
    point = {"type": "Point", "coordinates": [LON, LAT]}
    changes = read(
        feature(kind="building", height_m=12),
        feature(point, kind="tree", height_m=8),
        feature(point, kind="tree", height_m=8, crown_radius_m=5),
        feature(action="remove", kind="tree"),
        feature(None, action="remove", kind="building", building_id="b7"),
        building={"b7": box(0, 0, 10, 20)}.get,
    )
    assert [(change.action, change.kind, change.height_m) for change in changes] == [
        ("add", "building", 12.0),
        ("add", "tree", 8.0),
        ("add", "tree", 8.0),
        ("remove", "tree", 0.0),
        ("remove", "building", 0.0),
    ]
    areas = [change.outline.area for change in changes]
    assert areas[0] == pytest.approx(18.0 * 22.2, rel=0.01)
    assert areas[1] == pytest.approx(3.1416 * 2.4**2, rel=0.01)
    assert areas[2] == pytest.approx(3.1416 * 25.0, rel=0.01)
    assert areas[4] == 200.0
    assert [change.feature for change in changes] == [0, 1, 2, 3, 4]


E, N = LON + 1e-4, LAT + 1e-4
BOW_TIE = {"type": "Polygon", "coordinates": [[[LON, LAT], [E, N], [E, LAT], [LON, N], [LON, LAT]]]}
POINT = {"type": "Point", "coordinates": [LON, LAT]}
LINE = {"type": "LineString", "coordinates": [[LON, LAT], [LON + 1e-4, LAT]]}
OPEN_RING = {"type": "Polygon", "coordinates": [[[LON, LAT], [LON + 1e-4, LAT]]]}
WORDS = {"type": "Point", "coordinates": [str(LON), str(LAT)]}
RING_OF_WORDS = {"type": "Polygon", "coordinates": [[[LON, LAT], [E, str(LAT)], [E, N], [LON, LAT]]]}
GOOD = feature(kind="building", height_m=12)


@pytest.mark.parametrize(
    ("bad", "field", "said"),
    [
        (feature(kind="building"), "properties.height_m", "is missing"),
        (feature(kind="building", height_m="12"), "properties.height_m", "is '12', must be a number of 2 .. 400 m"),
        (feature(kind="building", height_m=[12]), "properties.height_m", "is a list, must be a number"),
        (feature(kind="building", height_m=float("nan")), "properties.height_m", "must be a number"),
        (feature(kind="building", height_m=float("inf")), "properties.height_m", "must be a number"),
        (feature(kind="building", height_m=True), "properties.height_m", "must be a number"),
        (feature(kind="building", height_m=-3), "properties.height_m", "is -3"),
        (feature(kind="building", height_m=5000), "properties.height_m", "is 5000"),
        (feature(kind="tree", height_m=61), "properties.height_m", "1 .. 60"),
        (feature(height_m=5), "properties.kind", "is missing"),
        (feature(kind="lake", height_m=5), "properties.kind", "'lake', must be one of building, tree"),
        (feature(kind=["tree"], height_m=5), "properties.kind", "must be one of"),
        (feature(kind="tree", action="grow", height_m=5), "properties.action", "'grow', must be one of add, remove"),
        (feature(LINE, kind="building", height_m=5), "geometry.type", "'LineString', must be Polygon or MultiPolygon"),
        (feature(POINT, kind="building", height_m=5), "geometry.type", "'Point'"),
        (feature(None, kind="building", height_m=5), "geometry.type", "'missing'"),
        (feature("text", kind="building", height_m=5), "geometry.type", "'str'"),
        (feature({"type": "Polygon"}, kind="tree", height_m=5), "geometry.coordinates", "cannot be read"),
        (feature({"type": "Polygon", "coordinates": "x"}, kind="tree", height_m=5), "geometry.coordinates", "cannot be read"),
        (feature({"type": "Polygon", "coordinates": []}, kind="tree", height_m=5), "geometry.coordinates", ""),
        (feature(OPEN_RING, kind="tree", height_m=5), "geometry.coordinates", "cannot be read"),
        (feature(WORDS, kind="tree", height_m=5), "geometry.coordinates[0]", "is '139.389', must be a number"),
        (feature(RING_OF_WORDS, kind="building", height_m=5), "geometry.coordinates[0][1][1]", "is '36.139', must be a number"),
        (feature({"type": "Point", "coordinates": [True, LAT]}, kind="tree", height_m=5), "geometry.coordinates[0]", "is true"),
        (feature({"type": "Point", "coordinates": [LON, None]}, kind="tree", height_m=5), "geometry.coordinates[1]", "is null"),
        (feature({"type": "Point", "coordinates": [LON]}, kind="tree", height_m=5), "geometry.coordinates", "holds 1 numbers"),
        (feature({"type": "Point", "coordinates": [10**400, LAT]}, kind="tree", height_m=5), "geometry.coordinates", "cannot be read"),
        (feature(BOW_TIE, kind="building", height_m=5), "geometry.coordinates", "Self-intersection"),
        (feature(square(lon=36.139, lat=139.389), kind="tree", height_m=5), "geometry.coordinates", "not on Earth"),
        (feature(square(lon=LON + 0.1), kind="tree", height_m=5), "geometry", "outside the map"),
        (feature(square(lon=-40.6, lat=-36.1), kind="tree", height_m=5), "geometry", ""),
        (feature(square(size=0.008), kind="building", height_m=5), "geometry", "at most 250000 m2"),
        (feature(POINT, kind="tree", height_m=5, crown_radius_m=50), "properties.crown_radius_m", "0.5 .. 20"),
        (feature(None, action="remove", kind="building"), "properties.building_id", "is missing"),
        (feature(None, action="remove", kind="building", building_id="x"), "properties.building_id", "no ids"),
        ({"type": "Feature", "geometry": square()}, "properties", "is no object"),
        ({"type": "Polygon"}, "", "is no Feature"),
        (7, "", "is no Feature"),
    ],
)  # fmt: skip
def test_a_spoilt_feature_is_named_with_its_field(bad, field, said):
    with pytest.raises(UserError) as refused:
        read(GOOD, bad)
    text = str(refused.value)
    assert text.startswith("edit.geojson: features[1]" + (f".{field}" if field else ""))
    assert said in text
    assert "\n" not in text


def test_a_place_may_have_a_height_which_nobody_needs():
    flat, high = ({"type": "Point", "coordinates": [LON, LAT, *more]} for more in ([], [27.0]))
    one, other = read(feature(flat, kind="tree", height_m=5), feature(high, kind="tree", height_m=5))
    assert one.outline.equals(other.outline)


def test_an_unknown_building_is_named():
    with pytest.raises(UserError, match=r"features\[0\]\.properties\.building_id: no building has the id 'b9'"):
        read(feature(None, action="remove", kind="building", building_id="b9"), building={}.get)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "type: is 'list', must be 'FeatureCollection'"),
        ('{"type": "Feature"}', "type: is 'Feature'"),
        ('{"type": "FeatureCollection"}', "features: is no list"),
        ('{"type": "FeatureCollection", "features": []}', "nothing would change"),
        (collection(*[GOOD] * 201), "201 features, at most 200"),
        (" " * (EDIT_BYTES_MAX + 1), "at most 1000000"),
        (b"\xff\xfe{", "is no JSON"),
    ],
)
def test_a_spoilt_document_is_refused_in_one_line(content, said):
    with pytest.raises(UserError) as refused:
        read_edit(content, GRID, FRAME, where="edit.geojson")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_outlines_with_too_many_corners_are_refused():
    import numpy as np

    angle = np.linspace(0.0, 2.0 * np.pi, 150, endpoint=False)
    ring = np.column_stack([LON + 1e-4 * np.cos(angle), LAT + 1e-4 * np.sin(angle)]).tolist()
    round_ = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    with pytest.raises(UserError, match="corners, at most 20000"):
        read(*[feature(round_, kind="tree", height_m=5)] * 150)
