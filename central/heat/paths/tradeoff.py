"""The shortest walk, the coolest one within a limit of detour, and one in between.

Finding the walk of least dose whose length stays within a limit is a constrained shortest path. It is solved by Lagrangian
relaxation (Handler & Zang 1980, Networks 10:293-309): searches for length + lambda * dose, with lambda taken from the two best
walks so far, one within the limit and one beyond. On a network that people keep to, the answer lies on the convex hull of all walks in
the plane of length and dose. A walk inside the hull could be a little cooler and still within the limit; it is not looked for.

Over open ground each walk is pulled straight as soon as it is found, at the price that it was searched with. What is offered is
chosen among all walks found, by the length and the dose of the lines as they are after that: none is both longer and hotter than another.
"""

from dataclasses import dataclass

import numpy as np

from central.heat.geometry.types import Floats32
from central.heat.paths.any_angle import shortest_straight
from central.heat.paths.exposure import MINUTES_PER_M, HeatField
from central.heat.paths.network import Indices, Network
from central.heat.paths.search import cheapest_walk
from central.heat.paths.straight import Ground, excess_along, pull

TIE_PER_M = 1e-4
"""When only the dose counts a metre still costs this much, so that of two equally cool walks the shorter is taken."""
SEARCHES_MAX = 10
ROUNDING = 1e-6
NOTICEABLE_SHARE = 0.2
"""A walk in between is worth a look when it brings this share of what the coolest saves, and spares this share of its detour."""


@dataclass(frozen=True, eq=False)
class Route:
    """One walk."""

    x_cells: Floats32
    """(corners,) in the order of the walk, see ``Network``; one corner where nobody has to walk."""
    y_cells: Floats32
    length_m: float
    dose: float
    """In the unit of the doses that were searched over."""


@dataclass(frozen=True, eq=False)
class Alternatives:
    """The walks on offer. ``coolest`` may be ``shortest`` itself; ``balanced`` is None where nothing worth a look lies between them."""

    shortest: Route
    balanced: Route | None
    coolest: Route


def alternatives(
    network: Network, dose: Floats32, start: int, goal: int, max_detour: float, *, heat: HeatField | None = None
) -> Alternatives | None:
    """The walks from ``start`` to ``goal``; None when no walk joins them.

    Args:
        network: places and pieces.
        dose: (edges,) dose of each piece, finite, 0 or more.
        start: place.
        goal: place.
        max_detour: longest allowed walk as a multiple of the shortest, 1 or more.
        heat: what the doses were made of, on the raster of the network's ``clearance``. Where both are there walks are pulled straight.

    Raises:
        ValueError: the doses or the field have the wrong shape, or the limit lies below 1.
    """
    if dose.shape != (network.edges,):
        raise ValueError(f"dose has shape {dose.shape}, the network has {network.edges} pieces")
    if heat is not None and network.clearance is not None and heat.index_degc.shape != network.clearance.shape:
        raise ValueError(f"the field has shape {heat.index_degc.shape}, the ground {network.clearance.shape}")
    if not max_detour >= 1.0:
        raise ValueError(f"max_detour is {max_detour:g}, must be 1 or more")
    if network.component[start] != network.component[goal]:
        return None
    search = _Search(network, dose, start, goal, heat)
    shortest = search.walk(1.0, 0.0)
    search.reach_m = max_detour * search.steps_m * (1.0 + ROUNDING) + ROUNDING
    shortest = search.shorter_than(shortest) or shortest
    _look_for_coolest(search, shortest, max_detour * shortest.length_m)
    found = _offer(search.found, max_detour)
    if found.coolest is not found.shortest and search.between(found.shortest, found.coolest) is not None:
        found = _offer(search.found, max_detour)
    return found


def _look_for_coolest(search: "_Search", shortest: Route, limit_m: float) -> None:
    inside, outside = shortest, search.walk(TIE_PER_M, 1.0)
    if outside.length_m <= limit_m * (1.0 + ROUNDING):
        return
    for _ in range(SEARCHES_MAX):
        found = search.between(inside, outside)
        if found is None:
            return
        if found.length_m <= limit_m * (1.0 + ROUNDING):
            # Pulled straight, another side of a building may turn out shorter and hotter than the shortest: no step towards the limit.
            if found.dose >= inside.dose:
                return
            inside = found
        elif found.length_m < outside.length_m:
            outside = found
        else:
            return


def _offer(found: list[Route], max_detour: float) -> Alternatives:
    """The best of the walks found."""
    least_m = min(route.length_m for route in found)
    # Among walks that are equally long but for rounding there is nothing to trade: the coolest of them is the shortest.
    shortest = min(
        (route for route in found if route.length_m <= least_m * (1.0 + ROUNDING)), key=lambda route: route.dose
    )
    limit_m = max_detour * shortest.length_m * (1.0 + ROUNDING)
    coolest = min(
        (route for route in found if route.length_m <= limit_m), key=lambda route: (route.dose, route.length_m)
    )
    if coolest.dose >= shortest.dose * (1.0 - ROUNDING):
        return Alternatives(shortest, None, shortest)
    detour_m, saved = coolest.length_m - shortest.length_m, shortest.dose - coolest.dose
    per_dose = detour_m / saved
    price = {id(route): route.length_m + per_dose * route.dose for route in found}
    between = min(
        (
            route
            for route in found
            if shortest.length_m < route.length_m <= coolest.length_m - NOTICEABLE_SHARE * detour_m
            and coolest.dose < route.dose <= shortest.dose - NOTICEABLE_SHARE * saved
            and price[id(route)] < price[id(shortest)] * (1.0 - ROUNDING)
        ),
        key=lambda route: price[id(route)],
        default=None,
    )
    return Alternatives(shortest, between, coolest)


class _Search:
    """Searches between two places."""

    def __init__(self, network: Network, dose: Floats32, start: int, goal: int, heat: HeatField | None) -> None:
        self._network = network
        self._dose = dose
        self._ends = start, goal
        self._heat = heat
        self._dose_per_m_min = float((dose / network.length_m).min()) * (1.0 - 1e-5) if dose.size else 0.0
        self.reach_m = np.inf
        self.steps_m = 0.0
        """Length of the last walk in pieces of the network."""
        self.found: list[Route] = []

    def walk(self, per_m: float, per_dose: float) -> Route:
        network = self._network
        # Lengths are float32: the straight line must not come out longer than the way along it.
        floor = (per_m + per_dose * self._dose_per_m_min) * (1.0 - 1e-5)
        nodes = cheapest_walk(
            network.x_cells, network.y_cells, network.first, network.onward, network.meeting, network.length_m,
            self._dose, network.cell_m, *self._ends, float(per_m), float(per_dose), floor, self.reach_m,
        )  # fmt: skip
        return self._route(nodes, per_m, per_dose)

    def shorter_than(self, known: Route) -> Route | None:
        """A walk shorter than this one, beside the network's directions; None where none is found."""
        network = self._network
        if network.clearance is None or self._heat is None or known.x_cells.size == 2:
            return None
        nodes = shortest_straight(
            network.x_cells, network.y_cells, network.first, network.onward, network.clearance, *self._ends,
            known.length_m / network.cell_m,
        )  # fmt: skip
        return self._route(nodes, 1.0, 0.0) if nodes.size else None

    def _route(self, nodes: Indices, per_m: float, per_dose: float) -> Route:
        """The walk through these places, pulled straight at this price where people need not keep to the pieces."""
        network = self._network
        x, y = network.x_cells[nodes], network.y_cells[nodes]
        self.steps_m = _length_m(x, y, network.cell_m)
        if network.clearance is None or self._heat is None:
            route = Route(x, y, self.steps_m, self._dose_of(nodes))
        else:
            rows, columns = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
            field, threshold = self._heat.index_degc, float(self._heat.threshold_degc)
            per_excess = per_dose * network.cell_m * MINUTES_PER_M
            ground = Ground(network.clearance, field, threshold, per_m * network.cell_m, per_excess)
            corners = pull(ground, rows, columns)
            x, y = (columns[:corners] + 0.5).astype(np.float32), (rows[:corners] + 0.5).astype(np.float32)
            dose = excess_along(field, threshold, x, y) * network.cell_m * MINUTES_PER_M
            route = Route(x, y, _length_m(x, y, network.cell_m), dose)
        self.found.append(route)
        return route

    def between(self, short: Route, cool: Route) -> Route | None:
        """The walk farthest below the line from ``short`` to ``cool`` in the plane of length and dose; None if there is none."""
        saved = short.dose - cool.dose
        if saved <= 0.0:
            return None
        per_dose = (cool.length_m - short.length_m) / saved
        if per_dose < 0.0:
            return None
        found = self.walk(1.0, per_dose)
        on_the_line = short.length_m + per_dose * short.dose
        is_new = found.length_m + per_dose * found.dose < on_the_line * (1.0 - ROUNDING)
        return found if is_new else None

    def _dose_of(self, nodes: Indices) -> float:
        network = self._network
        dose = 0.0
        for place, following in zip(nodes[:-1].tolist(), nodes[1:].tolist(), strict=True):
            slots = slice(network.first[place], network.first[place + 1])
            edges = network.meeting[slots][network.onward[slots] == following]
            # Two pieces may join the same two places (a street and its footpath); straight, so equal but for their dose.
            dose += float(self._dose[edges].min())
        return dose


def _length_m(x_cells: Floats32, y_cells: Floats32, cell_m: float) -> float:
    return float(np.hypot(np.diff(x_cells.astype(np.float64)), np.diff(y_cells.astype(np.float64))).sum()) * cell_m
