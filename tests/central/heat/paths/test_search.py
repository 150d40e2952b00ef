"""The walks on offer are really the shortest, the coolest within the limit, and nothing worse."""

import itertools

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from central.heat.paths import HeatField, alternatives, edge_doses, network_of_edges, network_of_ground


def random_network(seed, nodes=9, edges=18):
    chance = np.random.default_rng(seed)
    x, y = chance.uniform(0.0, 50.0, (2, nodes))
    pairs = np.array(list(itertools.combinations(range(nodes), 2)))
    chosen = pairs[chance.choice(len(pairs), edges, replace=False)]
    network = network_of_edges(x, y, chosen[:, 0], chosen[:, 1], 2.0)
    dose = (network.length_m * chance.uniform(0.05, 1.0, network.edges)).astype(np.float32)
    return network, dose


def places(network, route):
    """The numbers of a route's places."""
    return [network.nearest(x, y)[0] for x, y in zip(route.x_cells, route.y_cells, strict=True)]


def all_walks(network, dose, start, goal):
    """(length, dose) of every walk that visits no place twice."""
    found = []

    def go(node, seen, length, heat):
        if node == goal:
            found.append((length, heat))
            return
        for slot in range(network.first[node], network.first[node + 1]):
            other, edge = int(network.onward[slot]), int(network.meeting[slot])
            if other not in seen:
                go(other, seen | {other}, length + float(network.length_m[edge]), heat + float(dose[edge]))

    go(start, {start}, 0.0, 0.0)
    return found


@pytest.mark.parametrize("seed", range(25))
def test_against_every_walk_there_is(seed):
    network, dose = random_network(seed)
    walks = all_walks(network, dose, 0, 1)
    found = alternatives(network, dose, 0, 1, 1.4)
    if not walks:
        assert found is None
        return
    least_m = min(length for length, _ in walks)
    allowed = [heat for length, heat in walks if length <= 1.4 * least_m + 1e-6]
    assert found.shortest.length_m == pytest.approx(least_m, rel=1e-5)
    assert found.coolest.length_m <= 1.4 * least_m * (1 + 1e-5)
    assert min(allowed) - 1e-4 <= found.coolest.dose <= found.shortest.dose + 1e-6
    # The relaxation finds walks on the hull: none of the walks lies below the line from one of its walks to the next.
    if found.coolest.dose < found.shortest.dose - 1e-6:
        price = (found.coolest.length_m - found.shortest.length_m) / (found.shortest.dose - found.coolest.dose)
        between = found.balanced or found.coolest
        best = min(length + price * heat for length, heat in walks)
        assert between.length_m + price * between.dose == pytest.approx(best, rel=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_without_a_limit_the_coolest_is_the_coolest_of_all(seed):
    network, dose = random_network(100 + seed)
    walks = all_walks(network, dose, 0, 1)
    found = alternatives(network, dose, 0, 1, 100.0)
    if not walks:
        assert found is None
    else:
        assert found.coolest.dose == pytest.approx(min(heat for _, heat in walks), rel=1e-3)


def test_agrees_with_an_independent_search_on_open_ground():
    chance = np.random.default_rng(3)
    ground = chance.uniform(size=(120, 150)) > 0.2
    network = network_of_ground(ground, 2.0)
    dose = edge_doses(network, HeatField(chance.uniform(26.0, 45.0, ground.shape).astype(np.float32), 26.0))
    weights = coo_array(
        (network.length_m.astype(np.float64), (network.edge_from, network.edge_to)),
        shape=(network.nodes, network.nodes),
    ).tocsr()
    members = np.flatnonzero(network.component == network.largest_component)
    start = int(members[0])
    expected = dijkstra(weights, directed=False, indices=start)
    for goal in chance.choice(members, 10).tolist():
        found = alternatives(network, dose, start, goal, 1.2)
        assert found.shortest.length_m == pytest.approx(expected[goal], rel=1e-5)
        assert found.coolest.length_m <= 1.2 * found.shortest.length_m * (1 + 1e-5)
        assert found.coolest.dose <= found.shortest.dose


def test_a_walk_to_where_one_stands_is_no_walk():
    network, dose = random_network(1)
    found = alternatives(network, dose, 4, 4, 1.3)
    assert (found.shortest.length_m, found.shortest.dose, places(network, found.shortest)) == (0.0, 0.0, [4])
    assert found.coolest is found.shortest
    assert found.balanced is None


def test_a_detour_through_the_shade_is_taken_when_it_is_worth_its_length():
    # Two ways round a block: 100 m in the sun, 120 m in the shade.
    network = network_of_edges([0, 50, 25, 25], [0, 0, 15, -8], [0, 2, 0, 3], [2, 1, 3, 1], 2.0)
    dose = np.array([1.0, 1.0, 10.0, 10.0], np.float32)
    assert places(network, alternatives(network, dose, 0, 1, 1.3).coolest) == [0, 2, 1]
    assert places(network, alternatives(network, dose, 0, 1, 1.01).coolest) == [0, 3, 1]


def test_what_the_search_refuses():
    network, dose = random_network(2)
    with pytest.raises(ValueError, match=r"max_detour is 0\.9"):
        alternatives(network, dose, 0, 1, 0.9)
    with pytest.raises(ValueError, match="shape"):
        alternatives(network, dose[:-1], 0, 1, 1.3)
    with pytest.raises(ValueError, match="not one of the 2"):
        network_of_edges([0, 1], [0, 1], [0], [2], 2.0)
    with pytest.raises(ValueError, match="not finite"):
        network_of_edges([0, np.nan], [0, 1], [0], [1], 2.0)
    with pytest.raises(ValueError, match="finite"):
        edge_doses(network, HeatField(np.full((5, 5), np.nan, np.float32), 26.0))
    ground = network_of_ground(np.ones((9, 9), np.bool_), 2.0)
    with pytest.raises(ValueError, match=r"the field has shape \(5, 5\), the ground \(9, 9\)"):
        alternatives(ground, ground.length_m, 0, 1, 1.3, heat=HeatField(np.zeros((5, 5), np.float32), 26.0))
