# ruff: noqa: PLR0917 - a kernel takes its arrays one by one
"""The cheapest walk between two places, by A* over the network (Hart, Nilsson & Raphael 1968)."""

import numpy as np

from central.heat.compiled import kernel
from central.heat.geometry.types import Floats32
from central.heat.paths.heap import push, take_least
from central.heat.paths.network import Indices


@kernel(fastmath=False)
def walk_back(before: Indices, start: int, goal: int) -> Indices:
    """The places from ``start`` to ``goal``, where ``before`` names the one that each was reached from."""
    count = 1
    node = goal
    while node != start:
        node = before[node]
        count += 1
    walk = np.empty(count, np.int32)
    node = goal
    for at in range(count - 1, -1, -1):
        walk[at] = node
        node = before[node]
    return walk


@kernel(fastmath=False)
def cheapest_walk(
    x: Floats32,
    y: Floats32,
    first: Indices,
    onward: Indices,
    meeting: Indices,
    length_m: Floats32,
    dose: Floats32,
    cell_m: float,
    start: int,
    goal: int,
    per_m: float,
    per_dose: float,
    floor_per_m: float,
    reach_m: float,
) -> Indices:
    """Places of the walk that minimises ``per_m * length + per_dose * dose``, start first; empty when there is none.

    The arrays are those of the ``Network``, ``dose`` (edges,) that of each piece. A metre costs ``per_m``, a unit of dose
    ``per_dose``, both 0 or more. No metre of any walk costs less than ``floor_per_m``: the estimate of what is still to come.
    No place that makes the way longer than ``reach_m`` even in straight lines is looked at.
    """
    nodes = x.size
    x_start, y_start, x_goal, y_goal = float(x[start]), float(y[start]), float(x[goal]), float(y[goal])
    cost = np.full(nodes, np.inf)
    before = np.full(nodes, -1, np.int32)
    settled = np.zeros(nodes, np.bool_)
    keys = np.empty(1024)
    items = np.empty(1024, np.int32)
    size = 1
    cost[start] = 0.0
    keys[0], items[0] = 0.0, start
    while size > 0:
        node = take_least(keys, items, size)
        size -= 1
        if settled[node]:
            continue
        settled[node] = True
        if node == goal:
            break
        for slot in range(first[node], first[node + 1]):
            other = onward[slot]
            if settled[other]:
                continue
            edge = meeting[slot]
            reached = cost[node] + per_m * length_m[edge] + per_dose * dose[edge]
            if reached >= cost[other]:
                continue
            still_m = np.sqrt((x_goal - x[other]) ** 2 + (y_goal - y[other]) ** 2) * cell_m
            if np.sqrt((x[other] - x_start) ** 2 + (y[other] - y_start) ** 2) * cell_m + still_m > reach_m:
                continue
            cost[other] = reached
            before[other] = node
            keys, items = push(keys, items, size, reached + floor_per_m * still_m, other)
            size += 1
    return walk_back(before, start, goal) if settled[goal] else np.empty(0, np.int32)
