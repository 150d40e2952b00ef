"""Borders as drawn: straight where the raster's border is straight in all but its stairs, never far from it, never across another."""

import numpy as np
import pytest
import shapely

from central.simulation.areas.crossings import crossing_arcs
from central.simulation.areas.lines import TOLERANCE_CELLS
from central.simulation.areas.trace import trace
from tests.central.simulation.areas.test_trace import polygons


def random_bands(seed):
    """Three bands of a smooth random field, its hills some cells wide, as raster of classes 1 .. 3."""
    random = np.random.default_rng(seed)
    height, width = random.integers(20, 90, 2)
    y, x = np.mgrid[:height, :width]
    field = np.zeros((height, width))
    for _ in range(25):
        row, column, size = random.uniform(0, height), random.uniform(0, width), random.uniform(2.0, 12.0)
        field += random.normal() * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * size**2))
    return (1 + np.digitize(field, np.quantile(field, [0.4, 0.7]))).astype(np.uint8)


def half_plane(seed, size=60):
    """A straight border through the middle at any angle; also where it truly runs: normal and offset."""
    random = np.random.default_rng(seed)
    angle, off = random.uniform(0, 2 * np.pi), random.uniform(-8, 8)
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    return 1 + (x * np.cos(angle) + y * np.sin(angle) > off), angle, off


def stairs(classes, value):
    """The area of the cells of a class as they are."""
    rows, columns = np.nonzero(classes == value)
    return shapely.union_all(shapely.box(columns, -rows - 1.0, columns + 1.0, -rows))


def middles(classes):
    """Of all edges between two classes within the raster, y growing to the north."""
    upright = np.argwhere(classes[:, 1:] != classes[:, :-1])
    level = np.argwhere(classes[1:] != classes[:-1])
    return np.concatenate((upright[:, ::-1] * [1.0, -1.0] + [1.0, -0.5], level[:, ::-1] * [1.0, -1.0] + [0.5, -1.0]))


@pytest.mark.parametrize("seed", range(40))
def test_random_bands_are_covered_once_by_valid_outlines(seed):
    classes = random_bands(seed)
    pieces = [piece for _, piece in polygons(classes)]
    assert all(piece.is_valid for piece in pieces)
    assert sum(piece.area for piece in pieces) == pytest.approx(classes.size, abs=1e-6)
    assert shapely.union_all(pieces).area == pytest.approx(classes.size, abs=1e-6)
    assert shapely.box(0, -classes.shape[0], classes.shape[1], 0).equals(shapely.union_all(pieces).simplify(0))


@pytest.mark.parametrize("seed", range(40))
def test_neighbours_have_the_very_same_points_on_their_border(seed):
    """Each link inside the map is there exactly twice, once in each direction: to the last bit."""
    classes = random_bands(seed)
    points, ends, _, _ = trace(classes)
    height, width = classes.shape
    links = {}
    for begin, end in zip([0, *ends[:-1]], ends, strict=True):
        for one, other in zip(points[begin : end - 1].tolist(), points[begin + 1 : end].tolist(), strict=True):
            on_frame = any(one[axis] == other[axis] == edge for axis, edge in ((0, 0), (0, width), (1, 0), (1, height)))
            if not on_frame:
                links[tuple(one), tuple(other)] = links.get((tuple(one), tuple(other)), 0) + 1
    assert links
    assert all(count == 1 and links.get((other, one)) == 1 for (one, other), count in links.items())


@pytest.mark.parametrize("seed", range(40))
def test_no_band_gains_or_loses_a_hundredth(seed):
    classes = random_bands(seed)
    for value in (1, 2, 3):
        area = sum(piece.area for number, piece in polygons(classes) if number == value)
        assert area == pytest.approx((classes == value).sum(), rel=0.01)


@pytest.mark.parametrize("seed", range(40))
def test_a_border_stays_within_the_tolerance_of_the_rasters(seed):
    """Both ways: no middle of an edge is far from the line, and no point of the line far from the edges."""
    classes = random_bands(seed)
    drawn = shapely.union_all([shapely.boundary(piece) for _, piece in polygons(classes)])
    assert max(drawn.distance(shapely.Point(place)) for place in middles(classes)) <= TOLERANCE_CELLS + 1e-9
    raster = shapely.union_all([shapely.boundary(stairs(classes, value)) for value in (1, 2, 3)])
    assert shapely.hausdorff_distance(drawn, raster, densify=0.05) < 1.5


@pytest.mark.parametrize("seed", range(20))
def test_what_lies_off_the_borders_is_in_the_band_of_its_cell(seed):
    """The middle of a cell that touches no other class lies in the area of its own."""
    classes = random_bands(seed)
    found = polygons(classes)
    for value in (1, 2, 3):
        inner = np.argwhere(_eroded(classes == value))
        union = shapely.union_all([piece for number, piece in found if number == value])
        assert all(union.contains(shapely.Point(column + 0.5, -row - 0.5)) for row, column in inner)


def _eroded(mask):
    padded = np.pad(mask, 1, mode="edge")
    rows, columns = mask.shape
    return np.all([padded[dy : dy + rows, dx : dx + columns] for dy in range(3) for dx in range(3)], axis=0)


@pytest.mark.parametrize("seed", range(60))
def test_a_straight_border_has_two_points(seed):
    """Whatever its angle: from one side of the map to another in one link, and where it truly runs."""
    classes, angle, off = half_plane(seed)
    inner = [place for _, piece in polygons(classes) for place in piece.exterior.coords]
    places = {place for place in inner if 0 < place[0] < 60 or -60 < place[1] < 0}
    assert len(places) == 2
    for x, y in places:
        assert abs((x - 30) * np.cos(angle) + (-y - 30) * np.sin(angle) - off) < 1.0


def test_a_slanted_wall_with_a_bump_stays_straight():
    y, x = np.mgrid[:60, :60]
    classes = 1 + (y > 20 + x / 4)
    classes[33, 49] = 1  # one cell stands out
    assert sum(len(piece.exterior.coords) for _, piece in polygons(classes)) <= 2 * 6


def test_a_square_keeps_its_four_corners():
    classes = np.ones((30, 30))
    classes[8:20, 9:23] = 2
    ((square,),) = [[piece for value, piece in polygons(classes) if value == 2]]
    assert square.area == pytest.approx(12 * 14, rel=0.01)
    assert len(square.exterior.coords) == 5
    assert shapely.hausdorff_distance(square, shapely.box(9, -20, 23, -8)) < 0.5


def test_a_disc_stays_round_enough():
    y, x = np.mgrid[:60, :60] + 0.5
    classes = 1 + ((x - 30) ** 2 + (y - 30) ** 2 < 20**2)
    ((disc,),) = [[piece for value, piece in polygons(classes) if value == 2]]
    assert 8 <= len(disc.exterior.coords) - 1 <= 24
    assert disc.area == pytest.approx(np.pi * 20**2, rel=0.01)
    assert disc.symmetric_difference(shapely.Point(30, -30).buffer(20)).area < 0.03 * disc.area


@pytest.mark.parametrize(
    "classes",
    [
        [[1]],
        [[1, 2]],
        np.indices((7, 9)).sum(axis=0) % 2 + 1,
        np.indices((7, 9)).sum(axis=0) % 3 + 1,
        np.pad(np.pad([[1]], 1, constant_values=2), 1, constant_values=1),
        np.pad([[2] * 9], 1, constant_values=1),
        [[1, 2, 1], [1, 2, 1], [1, 1, 1]],
        [[1, 1, 1, 1], [1, 2, 1, 1], [1, 1, 2, 1], [1, 1, 1, 1]],
    ],
    ids=["one cell", "two cells", "checkerboard", "three colours", "ring", "thin strip", "hole at the edge", "corners"],
)
def test_small_rasters(classes):
    classes = np.asarray(classes)
    found = polygons(classes)
    assert {value for value, _ in found} == set(classes.ravel().tolist())
    assert all(piece.is_valid and piece.area > 0 for _, piece in found)
    assert sum(piece.area for _, piece in found) == pytest.approx(classes.size)
    assert shapely.union_all([piece for _, piece in found]).area == pytest.approx(classes.size)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([[(0, 0), (4, 4)], [(0, 4), (4, 0)]], [True, True]),
        ([[(0, 0), (4, 4)], [(4, 4), (4, 0)]], [False, False]),
        ([[(0, 0), (4, 4)], [(4, 0), (2, 2)]], [True, True]),
        ([[(0, 0), (4, 4)], [(0, 0), (2, 2), (2, 0)]], [True, True]),
        ([[(0, 0), (4, 0), (4, 4), (2, -4)], [(9, 9), (9, 8)]], [True, False]),
        ([[(0, 0), (90, 60)], [(80, 10), (5, 60)], [(0, 60), (2, 2)]], [True, True, False]),
        ([[(0, 0), (4, 4), (8, 0)], [(0, 8), (4, 4), (8, 8)]], [True, True]),
        ([[(0, 0), (4, 4), (8, 0)], [(0, 8), (4, 4)]], [True, True]),
        ([[(0, 0), (4, 0), (4, 4), (0, 0)], [(0, 0), (-4, 0), (-4, -4), (0, 0)]], [False, False]),
    ],
    ids=[
        "cross",
        "meet at their ends",
        "touch",
        "overlap",
        "crosses itself",
        "far across",
        "corners touch",
        "an end touches a corner",
        "two loops meet at their ends",
    ],
)
def test_crossings(lines, expected):
    points = np.concatenate([np.array(line, float) for line in lines])
    ends = np.cumsum([len(line) for line in lines]).astype(np.int32)
    assert crossing_arcs(points + 5.0, ends, (100, 100)).tolist() == expected
