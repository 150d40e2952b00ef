# ruff: noqa: PLR0917 - a kernel takes its arrays one by one
"""The shortest walk over open ground in any direction: lazy Theta* (Nash, Koenig & Tovey 2010, AAAI 24:147-154).

A* over the network, but each place is thought to be reached straight from the corner that its predecessor was reached from; whether the
way from there is clear is looked at when the place's turn comes. On the pieces of the network alone a walk is up to 2.8 % longer than it
had to be, which is enough to pass a building on its wrong side: a detour that no pulling undoes.
"""

import numpy as np

from central.heat.compiled import kernel
from central.heat.geometry.types import Bytes, Floats32
from central.heat.paths.heap import push, take_least
from central.heat.paths.network import Indices
from central.heat.paths.search import walk_back
from central.heat.paths.walker import is_clear


@kernel(fastmath=False)
def shortest_straight(
    x: Floats32,
    y: Floats32,
    first: Indices,
    onward: Indices,
    clearance: Bytes,
    start: int,
    goal: int,
    below_cells: float,
) -> Indices:
    """Places where the walk turns, start first and goal last; empty when none shorter than ``below_cells`` is found.

    The arrays are those of the ``Network``.
    """
    nodes = x.size
    x_goal, y_goal = float(x[goal]), float(y[goal])
    length = np.full(nodes, np.inf)
    before = np.full(nodes, -1, np.int32)
    settled = np.zeros(nodes, np.bool_)
    keys = np.empty(1024)
    items = np.empty(1024, np.int32)
    size = 1
    length[start] = 0.0
    keys[0], items[0] = 0.0, start
    while size > 0:
        node = take_least(keys, items, size)
        size -= 1
        if settled[node]:
            continue
        corner = before[node]
        # From this end: what stands in the way is near, since the way to the place before was clear.
        if node != start and not is_clear(clearance, int(y[node]), int(x[node]), int(y[corner]), int(x[corner])):
            length[node] = np.inf
            for slot in range(first[node], first[node + 1]):
                other = onward[slot]
                if not settled[other]:
                    continue
                reached = length[other] + np.sqrt((x[other] - x[node]) ** 2 + (y[other] - y[node]) ** 2)
                if reached < length[node]:
                    length[node], before[node] = reached, other
        settled[node] = True
        if node == goal:
            break
        corner = node if node == start else before[node]
        x_corner, y_corner = float(x[corner]), float(y[corner])
        for slot in range(first[node], first[node + 1]):
            other = onward[slot]
            if settled[other]:
                continue
            x_other, y_other = float(x[other]), float(y[other])
            reached = length[corner] + np.sqrt((x_other - x_corner) ** 2 + (y_other - y_corner) ** 2)
            still = np.sqrt((x_goal - x_other) ** 2 + (y_goal - y_other) ** 2)
            if reached >= length[other] or reached + still >= below_cells:
                continue
            length[other] = reached
            before[other] = corner
            keys, items = push(keys, items, size, reached + still, other)
            size += 1
    return walk_back(before, start, goal) if settled[goal] else np.empty(0, np.int32)
