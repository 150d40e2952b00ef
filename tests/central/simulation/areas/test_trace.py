"""Tracing a raster of classes: every outline is valid, and together they cover what the cells cover, once."""

import numpy as np
import pytest
import shapely

from central.simulation.areas.trace import trace


def polygons(classes):
    """(class, polygon) of each piece, y growing to the north."""
    points, ends, piece, class_of = trace(np.asarray(classes, np.uint8))
    starts = [0, *ends.tolist()][: len(ends)]
    found = {}
    for begin, end, number, value in zip(starts, ends, piece, class_of, strict=True):
        ring = shapely.LinearRing(points[begin:end] * [1.0, -1.0])
        found.setdefault(number, (value, [], []))[1 if ring.is_ccw else 2].append(ring)
    assert all(len(outer) == 1 for _, outer, _ in found.values())
    return [(value, shapely.Polygon(outer[0], holes)) for value, outer, holes in found.values()]


@pytest.mark.parametrize("seed", range(60))
def test_a_random_raster_is_covered_once_by_valid_outlines(seed):
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 40, 2)
    classes = random.integers(1, 2 + seed % 4, (height, width))
    pieces = [piece for _, piece in polygons(classes)]
    assert all(piece.is_valid for piece in pieces)
    assert sum(piece.area for piece in pieces) == pytest.approx(height * width)
    assert shapely.union_all(pieces).area == pytest.approx(height * width)


def test_class_0_and_the_outside_have_no_outline():
    assert polygons(np.zeros((5, 7))) == []


def test_one_cell_alone():
    classes = np.zeros((3, 3))
    classes[1, 1] = 2
    ((value, diamond),) = polygons(classes)
    assert value == 2
    assert diamond.equals(shapely.Polygon([(1.5, -1), (2, -1.5), (1.5, -2), (1, -1.5)]))


def test_a_whole_raster_is_a_rectangle():
    ((_, whole),) = polygons(np.ones((4, 9)))
    assert whole.equals(shapely.box(0, -4, 9, 0))
    assert len(whole.exterior.coords) == 5


def test_the_hotter_of_two_diagonals_is_joined():
    joined = polygons([[1, 2], [2, 1]])
    assert sorted(value for value, _ in joined) == [1, 1, 2]


def test_stairs_become_a_line():
    staircase = np.tril(np.ones((40, 40)))
    ((_, triangle),) = polygons(staircase)
    assert len(triangle.exterior.coords) <= 6
    assert triangle.area == pytest.approx(staircase.sum(), rel=0.01)


def test_a_lake_is_a_hole_and_its_island_a_piece():
    classes = np.full((15, 15), 1)
    classes[4:11, 4:11] = 0
    classes[7, 7] = 1
    (_, land), (_, island) = sorted(polygons(classes), key=lambda piece: -piece[1].area)
    assert len(land.interiors) == 1
    assert not land.intersects(island)
