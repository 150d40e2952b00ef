"""The shortest walk, the coolest one within a limit of detour, and one in between.

Finding the walk of least dose whose length stays within a limit is a constrained shortest path. It is solved by Lagrangian
relaxation (Handler & Zang 1980, Networks 10:293-309): searches for length + lambda * dose, with lambda taken from the two best
walks so far, one within the limit and one beyond. The answer lies on the convex hull of all walks in the plane of length and
dose: no walk is both shorter and cooler. A walk inside the hull could be a little cooler and still within the limit; it is not looked for.
"""

from dataclasses import dataclass

import numpy as np

from central.heat.geometry.types import Floats32
from central.heat.paths.network import Indices, Network
from central.heat.paths.search import cheapest_walk

TIE_PER_M = 1e-4
"""When only the dose counts a metre still costs this much, so that of two equally cool walks the shorter is taken."""
SEARCHES_MAX = 10
ROUNDING = 1e-6


@dataclass(frozen=True, eq=False)
class Route:
    """One walk."""

    nodes: Indices
    """Places of the network in the order of the walk."""
    length_m: float
    dose: float
    """In the unit of the doses that were searched over."""


@dataclass(frozen=True, eq=False)
class Alternatives:
    """The walks on offer. ``coolest`` may be ``shortest`` itself; ``balanced`` is None where nothing lies between them."""

    shortest: Route
    balanced: Route | None
    coolest: Route


def alternatives(network: Network, dose: Floats32, start: int, goal: int, max_detour: float) -> Alternatives | None:
    """The walks from ``start`` to ``goal``; None when no walk joins them.

    Args:
        network: places and pieces.
        dose: (edges,) dose of each piece, finite, 0 or more.
        start: place.
        goal: place.
        max_detour: longest allowed walk as a multiple of the shortest, 1 or more.

    Raises:
        ValueError: the doses have the wrong shape, or the limit lies below 1.
    """
    if dose.shape != (network.edges,):
        raise ValueError(f"dose has shape {dose.shape}, the network has {network.edges} pieces")
    if not max_detour >= 1.0:
        raise ValueError(f"max_detour is {max_detour:g}, must be 1 or more")
    if network.component[start] != network.component[goal]:
        return None
    search = _Search(network, dose, start, goal)
    shortest = search.walk(1.0, 0.0)
    limit_m = max_detour * shortest.length_m
    search.reach_m = limit_m * (1.0 + ROUNDING) + ROUNDING
    coolest = _coolest_within(search, shortest, limit_m)
    if coolest.dose >= shortest.dose * (1.0 - ROUNDING) or coolest.length_m <= shortest.length_m * (1.0 + ROUNDING):
        # Equal but for rounding, or cooler at no cost at all: there is nothing to trade.
        best = (
            coolest
            if coolest.dose < shortest.dose and coolest.length_m <= shortest.length_m * (1 + ROUNDING)
            else shortest
        )
        return Alternatives(best, None, best)
    between = search.between(shortest, coolest)
    return Alternatives(shortest, between, coolest)


def _coolest_within(search: "_Search", shortest: Route, limit_m: float) -> Route:
    inside, outside = shortest, search.walk(TIE_PER_M, 1.0)
    if outside.length_m <= limit_m * (1.0 + ROUNDING):
        return outside if outside.dose < shortest.dose else shortest
    for _ in range(SEARCHES_MAX):
        found = search.between(inside, outside)
        if found is None:
            break
        if found.length_m <= limit_m * (1.0 + ROUNDING):
            inside = found
        else:
            outside = found
    return inside


class _Search:
    """Searches between two places."""

    def __init__(self, network: Network, dose: Floats32, start: int, goal: int) -> None:
        self._network = network
        self._dose = dose
        self._ends = start, goal
        self._dose_per_m_min = float((dose / network.length_m).min()) * (1.0 - 1e-5) if dose.size else 0.0
        self.reach_m = np.inf

    def walk(self, per_m: float, per_dose: float) -> Route:
        network = self._network
        # Lengths are float32: the straight line must not come out longer than the way along it.
        floor = (per_m + per_dose * self._dose_per_m_min) * (1.0 - 1e-5)
        nodes = cheapest_walk(
            network.x_cells, network.y_cells, network.first, network.onward, network.meeting, network.length_m,
            self._dose, network.cell_m, *self._ends, float(per_m), float(per_dose), floor, self.reach_m,
        )  # fmt: skip
        return self._route(nodes)

    def between(self, short: Route, cool: Route) -> Route | None:
        """The walk farthest below the line from ``short`` to ``cool`` in the plane of length and dose; None if there is none."""
        saved = short.dose - cool.dose
        if saved <= 0.0:
            return None
        per_dose = (cool.length_m - short.length_m) / saved
        found = self.walk(1.0, per_dose)
        on_the_line = short.length_m + per_dose * short.dose
        is_new = found.length_m + per_dose * found.dose < on_the_line * (1.0 - ROUNDING)
        return found if is_new else None

    def _route(self, nodes: Indices) -> Route:
        network = self._network
        length_m = dose = 0.0
        for place, following in zip(nodes[:-1].tolist(), nodes[1:].tolist(), strict=True):
            slots = slice(network.first[place], network.first[place + 1])
            edges = network.meeting[slots][network.onward[slots] == following]
            # Two pieces may join the same two places (a street and its footpath); straight, so equal but for their dose.
            edge = edges[np.argmin(self._dose[edges])]
            length_m += float(network.length_m[edge])
            dose += float(self._dose[edge])
        return Route(nodes, length_m, dose)
