"""Over open ground walks are lines as people walk them: straight from corner to corner, and never worse than what the network gave."""

import itertools

import numpy as np
import pytest
import shapely
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from central.heat.paths import HeatField, Thresholds, alternatives, edge_doses, exposure_along, network_of_ground
from central.heat.paths.exposure import MINUTES_PER_M
from central.heat.paths.search import cheapest_walk
from central.heat.paths.straight import Ground, excess_along, pull
from central.heat.paths.walker import CLEARANCE_MAX, clearance_of, is_clear

CELL_M = 2.0
BANDS = Thresholds((-np.inf, 26.0, 32.0, 38.0), (-np.inf, 25.0, 28.0, 31.0))


def even(ground, degc=36.0):
    return HeatField(np.full(ground.shape, degc, np.float32), 26.0)


def walks(ground, heat, origin, goal, max_detour=1.3):
    """(network, the two places, the walks) between the places nearest to two points (x, y) in cells."""
    network = network_of_ground(ground, CELL_M)
    start, end = network.nearest(*origin)[0], network.nearest(*goal)[0]
    found = alternatives(network, edge_doses(network, heat), start, end, max_detour, heat=heat)
    return network, (start, end), found


def line(route):
    return np.column_stack([route.x_cells, route.y_cells]).astype(np.float64)


def taut_m(a, b, box):
    """Length of a string from a to b round a box, which is convex: straight, or along one side of the hull of all three."""
    if not box.buffer(-1e-9).intersects(shapely.LineString([a, b])):
        return CELL_M * float(np.hypot(*(b - a)))
    ring = shapely.union_all([shapely.Point(a), shapely.Point(b), box]).convex_hull.exterior
    whole, to_a, to_b = ring.length, ring.project(shapely.Point(a)), ring.project(shapely.Point(b))
    one_way = abs(to_a - to_b)
    return CELL_M * min(one_way, whole - one_way)


def city(seed, size=110):
    """Houses drawn by lot and their shade: (walkable ground, heat)."""
    chance = np.random.default_rng(seed)
    ground = np.ones((size, size), np.bool_)
    for _ in range(45):
        row, column = chance.integers(0, size - 4, 2)
        ground[row : row + chance.integers(3, 14), column : column + chance.integers(3, 14)] = False
    shade = ndimage.shift((~ground).astype(np.float64), (-4, 3), order=0) > 0.5
    degc = np.where(shade, 36.0, 46.0) + chance.uniform(-0.5, 0.5, ground.shape)
    return ground, HeatField(degc.astype(np.float32), 26.0), chance


@pytest.mark.parametrize("seed", range(12))
def test_in_a_square_with_one_building_the_shortest_walk_is_a_taut_string(seed):
    chance = np.random.default_rng(seed)
    ground = np.ones((220, 220), np.bool_)
    top, left, height, width = (int(value) for value in chance.integers((80, 80, 20, 20), (110, 110, 60, 60)))
    ground[top : top + height, left : left + width] = False
    box = shapely.box(left, top, left + width, top + height)
    angle = chance.uniform(0.0, 2.0 * np.pi)
    reach = 100.0 * np.array([np.cos(angle), np.sin(angle)])
    network, (start, goal), found = walks(ground, even(ground), 110.0 + reach, 110.0 - reach)
    ends = [np.array([network.x_cells[n], network.y_cells[n]], np.float64) for n in (start, goal)]
    assert found.shortest.length_m == pytest.approx(taut_m(*ends, box), rel=0.01)
    assert found.shortest.x_cells.size <= 4
    assert found.coolest is found.shortest


@pytest.mark.parametrize("goal", [(118.0, 3.0), (3.0, 77.0), (111.0, 60.0), (70.0, 78.0)])
def test_across_an_empty_square_a_walk_is_a_straight_line(goal):
    ground = np.ones((80, 120), np.bool_)
    _, _, found = walks(ground, even(ground), (2.0, 2.0), goal)
    (x0, y0), (x1, y1) = line(found.shortest)
    assert found.shortest.length_m == pytest.approx(CELL_M * np.hypot(x1 - x0, y1 - y0))


@pytest.mark.parametrize("slope", [0.0, 0.21, 0.37, 0.5, 0.83])
def test_a_straight_corridor_is_walked_from_end_to_end(slope):
    rows, columns = np.indices((300, 320)) + 0.5
    ground = np.abs(rows - 6.0 - slope * columns) < 5.0
    network, (start, goal), found = walks(ground, even(ground), (4.0, 6.0 + 4.0 * slope), (316.0, 6.0 + 316.0 * slope))
    assert line(found.shortest).tolist() == [[network.x_cells[n], network.y_cells[n]] for n in (start, goal)]


def test_a_walk_keeps_to_the_shade_when_only_the_dose_counts():
    # A bent arcade: its shade is worth the way round; the line is as straight as the shade allows.
    ground = np.ones((120, 120), np.bool_)
    degc = np.full(ground.shape, 46.0, np.float32)
    degc[100:106, 10:110] = degc[10:106, 104:110] = 28.0
    _, _, found = walks(ground, HeatField(degc, 26.0), (12.0, 102.0), (106.0, 12.0), max_detour=1.5)
    assert found.shortest.x_cells.size == 2
    assert found.coolest.x_cells.size <= 4
    assert found.coolest.dose < 0.2 * found.shortest.dose
    corners = line(found.coolest)[1:-1]
    assert (degc[corners[:, 1].astype(int), corners[:, 0].astype(int)] == 28.0).all()


@pytest.mark.parametrize("seed", range(8))
def test_in_any_city(seed):
    ground, heat, chance = city(seed)
    network = network_of_ground(ground, CELL_M)
    dose = edge_doses(network, heat)
    buildings = shapely.union_all([shapely.box(c, r, c + 1, r + 1) for r, c in np.argwhere(~ground)])
    members = np.flatnonzero(network.component == network.largest_component)
    weights = coo_array(
        (network.length_m.astype(np.float64), (network.edge_from, network.edge_to)), shape=(network.nodes,) * 2
    )
    for _ in range(6):
        start, goal = (int(n) for n in chance.choice(members, 2, replace=False))
        found = alternatives(network, dose, start, goal, 1.25, heat=heat)
        offered = [route for route in (found.shortest, found.balanced, found.coolest) if route is not None]
        for route in offered:
            path = line(route)
            assert path[0].tolist() == [network.x_cells[start], network.y_cells[start]]
            assert path[-1].tolist() == [network.x_cells[goal], network.y_cells[goal]]
            # Inside no building: touching a corner has no length.
            assert shapely.LineString(path).intersection(buildings).length < 1e-6
            # What is searched with is what is said of the line.
            met = exposure_along(
                route.x_cells, route.y_cells, cell_m=CELL_M,
                utci_degc=heat.index_degc, wbgt_degc=heat.index_degc, sunlit=heat.index_degc, thresholds=BANDS,
            )  # fmt: skip
            assert met.length_m == pytest.approx(route.length_m, rel=1e-6)
            assert met.utci_dose_degc_min == pytest.approx(route.dose, rel=1e-5)
        for one, other in itertools.pairwise(offered):
            assert other is one or (one.length_m < other.length_m and one.dose > other.dose)
        if found.balanced is not None:  # it is worth a look: some of the coolest's saving, without some of its detour
            share_saved = (found.shortest.dose - found.balanced.dose) / (found.shortest.dose - found.coolest.dose)
            detour_m = found.coolest.length_m - found.shortest.length_m
            assert share_saved >= 0.2 - 1e-9
            assert found.coolest.length_m - found.balanced.length_m >= 0.2 * detour_m - 1e-3
        in_steps_m = dijkstra(weights.tocsr(), directed=False, indices=start)[goal]
        straight_m = CELL_M * float(np.hypot(*(line(found.shortest)[-1] - line(found.shortest)[0])))
        assert straight_m * (1.0 - 1e-6) <= found.shortest.length_m <= in_steps_m * (1.0 + 1e-6)
        assert found.coolest.length_m <= 1.25 * found.shortest.length_m * (1.0 + 1e-5)


@pytest.mark.parametrize("per_dose", [0.0, 0.3, 3.0, 300.0])
@pytest.mark.parametrize("seed", range(4))
def test_pulling_makes_no_walk_longer_and_none_dearer_at_its_price(seed, per_dose):
    ground, heat, chance = city(40 + seed)
    network = network_of_ground(ground, CELL_M)
    dose = edge_doses(network, heat)
    members = np.flatnonzero(network.component == network.largest_component)
    pulled = 0
    for _ in range(6):
        start, goal = (int(n) for n in chance.choice(members, 2, replace=False))
        nodes = cheapest_walk(
            network.x_cells, network.y_cells, network.first, network.onward, network.meeting, network.length_m,
            dose, CELL_M, start, goal, 1.0, per_dose, 0.0, np.inf,
        )  # fmt: skip
        rows, columns = (
            np.floor(network.y_cells[nodes]).astype(np.int64),
            np.floor(network.x_cells[nodes]).astype(np.int64),
        )

        def measured(rows, columns):
            x, y = (columns + 0.5).astype(np.float32), (rows + 0.5).astype(np.float32)
            length_m = CELL_M * np.hypot(np.diff(x.astype(float)), np.diff(y.astype(float))).sum()
            return length_m, length_m + per_dose * CELL_M * MINUTES_PER_M * excess_along(heat.index_degc, 26.0, x, y)

        was_m, was = measured(rows, columns)
        ground = Ground(network.clearance, heat.index_degc, 26.0, CELL_M, per_dose * CELL_M * MINUTES_PER_M)
        size = pull(ground, rows, columns)
        now_m, now = measured(rows[:size], columns[:size])
        assert now_m <= was_m * (1.0 + 1e-9)
        assert now <= was * (1.0 + 1e-9)
        pulled += now < was * (1.0 - 1e-3)
    assert pulled >= 4


def test_clearance_is_the_chessboard_distance():
    ground = np.random.default_rng(7).uniform(size=(60, 70)) > 0.03
    expected = ndimage.distance_transform_cdt(ground, metric="chessboard")
    np.testing.assert_array_equal(clearance_of(ground), expected)
    assert (clearance_of(np.ones((3, 400), np.bool_)) == CLEARANCE_MAX).all()


def test_a_look_along_a_line_agrees_with_looking_everywhere():
    chance = np.random.default_rng(8)
    ground = chance.uniform(size=(50, 50)) > 0.04
    clearance = clearance_of(ground)
    blocked = shapely.union_all([shapely.box(c, r, c + 1, r + 1) for r, c in np.argwhere(~ground)])
    outcomes = set()
    for _ in range(600):
        row, column, to_row, to_column = chance.integers(0, 50, 4).tolist()
        way = shapely.LineString([(column + 0.5, row + 0.5), (to_column + 0.5, to_row + 0.5)])
        clear = is_clear(clearance, row, column, to_row, to_column)
        if clear:
            assert way.intersection(blocked).length < 1e-6
        else:
            # Half of a probe's distance and the walker's width: no line with that much room is refused.
            assert way.distance(blocked) < 0.21
        outcomes.add(clear)
    assert outcomes == {True, False}


def test_the_order_of_the_two_ends_hardly_matters():
    ground, heat, chance = city(77)
    network = network_of_ground(ground, CELL_M)
    dose = edge_doses(network, heat)
    members = np.flatnonzero(network.component == network.largest_component)
    for _ in range(8):
        start, goal = (int(n) for n in chance.choice(members, 2, replace=False))
        there = alternatives(network, dose, start, goal, 1.25, heat=heat)
        back = alternatives(network, dose, goal, start, 1.25, heat=heat)
        assert there.shortest.length_m == pytest.approx(back.shortest.length_m, rel=0.01)
