"""Heat areas: what is hot lies inside, what is cool outside, neighbours share their edges."""

import json

import numpy as np
import pytest
import shapely

from central.city.grid import Grid
from central.city.projection import LocalFrame
from central.simulation.areas.polygons import (
    ISLAND_M2,
    Area,
    NearestGround,
    areas_geojson,
    bands_from,
    heat_areas,
    outlines,
    pieces_of,
)
from central.simulation.areas.text import point_texts
from central.simulation.frames import LAYERS, quantise

GRID = Grid(-100.0, 100.0, 100, 100, 2.0)
EVERYWHERE = np.ones((100, 100), bool)
FRAME = LocalFrame(36.139, 139.389)


def hot_square():
    """26 C all round, 29 C in the middle 60 m, 32 C in a disc of 15 m radius in it."""
    values = np.full((100, 100), 26.0, np.float32)
    values[35:65, 35:65] = 29.0
    y, x = np.mgrid[:100, :100]
    values[(y - 49.5) ** 2 + (x - 49.5) ** 2 < 7.5**2] = 32.0
    return values


def areas_of(values, minimum=28.0, ground=EVERYWHERE, layer="wbgt", least_area_m2=None):
    return heat_areas(quantise(LAYERS[layer], values, ground), GRID, minimum, NearestGround(ground), least_area_m2)


def document_of(areas, frame=FRAME):
    about = {
        "frame_id": "F",
        "at": "T",
        "layer": "wbgt",
        "least_area_m2": 12.0,
        "attribution": "City of Test, CC BY 4.0",
    }
    return json.loads(areas_geojson(areas, frame, **about))


def test_each_band_is_where_its_cells_are():
    areas = areas_of(hot_square())
    assert [(area.band, area.min_degc, area.max_degc) for area in areas] == [
        ("severe_warning", 28.0, 31.0),
        ("danger", 31.0, None),
    ]
    disc = (hot_square() == 32.0).sum() * 4.0
    assert areas[1].outline.area == pytest.approx(disc, rel=0.005)
    assert areas[0].outline.area == pytest.approx(60.0**2 - disc, rel=0.002)
    assert areas[1].outline.contains(shapely.Point(0.0, 0.0))
    assert not areas[0].outline.contains(shapely.Point(0.0, 0.0))


def test_neighbours_share_one_edge():
    """Simplified together: no gap and no overlap between a hole and what fills it."""
    outer, inner = areas_of(hot_square())
    assert outer.outline.intersection(inner.outline).area == pytest.approx(0.0, abs=1e-9)
    assert outer.outline.union(inner.outline).geom_type == "Polygon"
    assert len(outer.outline.union(inner.outline).interiors) == 0


def test_outlines_are_valid_and_not_stairs():
    for area in areas_of(hot_square()):
        assert area.outline.is_valid
    disc = areas_of(hot_square())[1]
    assert len(disc.outline.exterior.coords) < 24


def test_the_lower_limit_cuts_its_band():
    areas = areas_of(hot_square(), minimum=29.5)
    assert [(area.band, area.min_degc, area.max_degc) for area in areas] == [("danger", 31.0, None)]
    areas = areas_of(hot_square(), minimum=20.0)
    assert {area.band for area in areas} == {"caution", "warning", "severe_warning", "danger"} - {"caution"}


@pytest.mark.parametrize(
    ("layer", "minimum", "expected"),
    [
        ("wbgt", 28.0, [("severe_warning", 28.0), ("danger", 31.0)]),
        ("wbgt", 30.0, [("severe_warning", 30.0), ("danger", 31.0)]),
        ("wbgt", 33.0, [("danger", 33.0)]),
        ("utci", 38.0, [("very_strong_heat_stress", 38.0), ("extreme_heat_stress", 46.0)]),
    ],
)
def test_bands_above_a_limit(layer, minimum, expected):
    assert [(band.id, band.from_degc) for band in bands_from(layer, minimum)] == expected


def test_a_layer_without_bands_has_no_areas():
    with pytest.raises(KeyError):
        bands_from("shadow", 0.5)


def test_a_parasol_is_no_area():
    values = np.full((100, 100), 26.0, np.float32)
    cells = int(ISLAND_M2 / 4.0)
    values[10, 10 : 10 + cells - 1] = 35.0
    assert areas_of(values, least_area_m2=ISLAND_M2) == []
    values[50:60, 50:60] = 35.0
    assert len(areas_of(values, least_area_m2=ISLAND_M2)) == 1


@pytest.mark.parametrize(("length", "count"), [(9, 0), (11, 1)])
def test_unless_asked_otherwise_no_more_is_left_out_than_a_thousandth_of_the_map(length, count):
    values = np.full((100, 100), 26.0, np.float32)
    values[10, 10 : 10 + length] = 35.0
    assert len(areas_of(values)) == count


def test_pieces_tell_how_small_they_may_be():
    """Unless asked otherwise as coarse as it may be: at most ISLAND_M2, here 36 m2, since the islands of 9 cells are dear."""
    values = np.full((100, 100), 26.0, np.float32)
    layer, nearest = quantise(LAYERS["wbgt"], values, EVERYWHERE), NearestGround(EVERYWHERE)
    assert pieces_of(layer, GRID, 28.0, nearest).least_area_m2 == ISLAND_M2
    assert pieces_of(layer, GRID, 28.0, nearest, 17.0).least_area_m2 == 17.0
    for column in range(5, 95, 10):
        values[20:23, column : column + 3] = 35.0
    layer = quantise(LAYERS["wbgt"], values, EVERYWHERE)
    assert pieces_of(layer, GRID, 28.0, nearest).least_area_m2 == 36.0
    assert len(outlines(pieces_of(layer, GRID, 28.0, nearest, 36.0), GRID)) == 9
    assert outlines(pieces_of(layer, GRID, 28.0, nearest, 36.5), GRID) == []


def test_a_house_belongs_to_the_ground_around_it():
    ground = EVERYWHERE.copy()
    ground[45:55, 45:55] = False
    hot = np.full((100, 100), 32.0, np.float32)
    (area,) = areas_of(hot, ground=ground)
    assert area.outline.area == pytest.approx(200.0**2)
    cool = np.full((100, 100), 20.0, np.float32)
    assert areas_of(cool, ground=ground) == []


def test_the_nearest_ground():
    ground = EVERYWHERE.copy()
    ground[45:55, 45:55] = False
    nearest = NearestGround(ground)
    assert nearest.cell(46, 50) == (44, 50)
    assert nearest.cell(10, 10) == (10, 10)


def test_a_city_of_roofs_only_has_no_areas():
    nothing = np.zeros((100, 100), bool)
    assert areas_of(hot_square(), ground=nothing) == []


def test_geojson_is_in_degrees_with_outer_rings_anticlockwise():
    document = document_of(areas_of(hot_square()))
    assert document["type"] == "FeatureCollection"
    assert (document["frame"], document["at"], document["layer"]) == ("F", "T", "wbgt")
    assert (document["least_area_m2"], document["attribution"]) == (12.0, "City of Test, CC BY 4.0")
    for feature in document["features"]:
        polygon = shapely.geometry.shape(feature["geometry"])
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        assert all(not ring.is_ccw for ring in polygon.interiors)
        west, south, east, north = polygon.bounds
        assert 139.38 < west < east < 139.40
        assert 36.13 < south < north < 36.15
    assert document["features"][0]["properties"]["area_m2"] == pytest.approx(60.0**2 - np.pi * 225, rel=0.01)


def test_rounding_keeps_neighbours_on_one_line():
    """A hole of the outer area and the area in it are written with the same numbers."""
    document = document_of(areas_of(hot_square()))
    outer, inner = [feature["geometry"]["coordinates"] for feature in document["features"]]
    assert {tuple(place) for place in outer[1]} == {tuple(place) for place in inner[0]}


@pytest.mark.parametrize("decimals", [1, 6, 9])
def test_points_as_text_are_the_rounded_numbers(decimals):
    random = np.random.default_rng(decimals)
    degrees = np.concatenate(
        (random.uniform(-180, 180, (200, 2)), [[0.0, -0.04], [139.0, -179.99999999], [9.95, -0.5]])
    )
    text, ends = point_texts(degrees, decimals)
    assert np.allclose(json.loads(b"[" + text[:-1] + b"]"), np.round(degrees, decimals), rtol=0, atol=1e-10)
    assert [text[end - 2 : end] for end in ends.tolist()] == [b"],"] * len(degrees)
    assert ends[-1] == len(text)


def test_where_rounding_would_break_an_outline_all_get_more_places():
    """Gaps of 1 cm: with six places of a degree some of them would close."""
    teeth = [(x + dx, y) for x in (25.0, 20.0, 15.0, 10.0, 5.0) for dx, y in ((0.01, 20), (0.01, 5), (0, 5), (0, 20))]
    comb = shapely.Polygon([(0, 0), (30, 0), (30, 20), *teeth, (0, 20)])
    square = shapely.Polygon([(40, 0), (50, 0), (50, 10), (40, 10)])
    areas = [Area("danger", 31.0, None, outline) for outline in (comb, square)]
    document = document_of(areas)
    found = [shapely.geometry.shape(feature["geometry"]) for feature in document["features"]]
    assert all(outline.is_valid for outline in found)
    digits = [max(len(str(x).split(".")[1]) for x, _ in outline.exterior.coords) for outline in found]
    assert min(digits) > 6


@pytest.mark.parametrize("seed", range(10))
def test_the_call_of_a_place_agrees_with_the_outlines(seed):
    """Off the borders by more than a cell of 2 m, a place in a heat area by its own value lies in a polygon, and none else."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:100, :100]
    values = 28.0 + sum(
        random.normal()
        * 4.0
        * np.exp(-((y - random.uniform(0, 100)) ** 2 + (x - random.uniform(0, 100)) ** 2) / (2 * 12.0**2))
        for _ in range(12)
    )
    layer = quantise(LAYERS["wbgt"], values.astype(np.float32), EVERYWHERE)
    areas = heat_areas(layer, GRID, 28.0, NearestGround(EVERYWHERE), 0.0)
    union = shapely.union_all([area.outline for area in areas])
    border = union.boundary
    checked = 0
    for row, column in random.integers(0, 100, (300, 2)).tolist():
        place = shapely.Point(GRID.x_west_m + 2.0 * column + 1.0, GRID.y_north_m - 2.0 * row - 1.0)
        if border.distance(place) > 2.0:
            checked += 1
            assert union.contains(place) == (layer.value_at(row, column) >= 28.0)
    assert checked > 100


def test_no_areas_make_an_empty_collection():
    assert document_of([])["features"] == []


def test_outlines_stay_where_the_cells_change():
    """No point of an outline lies further from the true edge than a cell, half of which is the cells' own."""
    y, x = np.mgrid[:100, :100]
    edge = 50 + 12 * np.sin(x / 9.0)
    (area,) = areas_of(np.where(y > edge, 33.0, 26.0).astype(np.float32))
    line = shapely.LineString([(-99.0 + 2 * i, 100.0 - 2.0 * (50 + 12 * np.sin(i / 9.0)) - 1.0) for i in range(100)])
    inner = [shapely.Point(point) for point in area.outline.exterior.coords if abs(point[0]) < 98 and point[1] > -99]
    assert 6 <= len(inner) < 30
    assert max(line.distance(point) for point in inner) < 2.0
    assert area.outline.area == pytest.approx(float((y > edge).sum()) * 4.0, rel=0.002)


@pytest.mark.parametrize("shape", [(8, 8), (9, 31), (33, 10)])
def test_any_shape_is_covered_to_its_border(shape):
    grid = Grid(0.0, 0.0, shape[1], shape[0], 2.0)
    ground = np.ones(shape, bool)
    layer = quantise(LAYERS["wbgt"], np.full(shape, 33.0, np.float32), ground)
    (area,) = heat_areas(layer, grid, 28.0, NearestGround(ground))
    assert area.outline.equals(shapely.box(0.0, -2.0 * shape[0], 2.0 * shape[1], 0.0))
