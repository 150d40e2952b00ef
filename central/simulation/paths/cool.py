"""Cool ways: from one place to another on foot, trading the length of the way against the heat on it.

The network follows from the city and is made once; the doses of its pieces follow from a frame and are made once per frame. All
values come from the frame's published levels, so that a path says the same as the map under it.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.city.model import City
from central.city.walking import WalkingLines, walkable_ground
from central.heat.geometry.types import Floats64
from central.heat.paths import (
    Exposure,
    Network,
    Route,
    alternatives,
    exposure_along,
    network_of_edges,
    network_of_ground,
)
from central.simulation.areas.polygons import NearestGround
from central.simulation.frames import NO_VALUE, Layer
from central.simulation.paths.heat import DOSE_FROM_DEGC, LAYERS_NEEDED, THRESHOLDS, FrameHeat, heat_of
from central.simulation.paths.place import is_on_earth, swapped

__all__ = [
    "DETOUR_MAX",
    "DOSE_FROM_DEGC",
    "LAYERS_NEEDED",
    "SNAP_MAX_M",
    "THRESHOLDS",
    "CoolPaths",
    "End",
    "NoPath",
    "Obstacle",
    "Path",
    "Paths",
]

SNAP_MAX_M: Final = 60.0
"""A walk begins this far from the wanted place at most: someone inside a building leaves by a door on its edge."""
DETOUR_MAX: Final = 3.0
FRAMES_HELD: Final = 3
DECIMALS: Final = 6
COLLINEAR_CELLS: Final = 1e-3


class Obstacle(StrEnum):
    """Why there is no way."""

    OUTSIDE = "outside"
    NO_WALK_NEAR = "no-walk-near"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class NoPath:
    """A refusal. `end`: "from" or "to", where it is about one of them."""

    obstacle: Obstacle
    detail: str
    end: str | None = None


@dataclass(frozen=True, slots=True)
class End:
    """Where a walk begins or ends, and how far that is from the wanted place [m]."""

    lat: float
    lon: float
    snapped_m: float


@dataclass(frozen=True, slots=True)
class Path:
    """One walk. `kinds`: what it is: shortest, balanced, coolest; one walk may be several."""

    kinds: tuple[str, ...]
    line: tuple[tuple[float, float], ...]
    """(lon, lat) of its corners."""
    exposure: Exposure


@dataclass(frozen=True, slots=True)
class Paths:
    """The answer. `network`: "ground", "roads" or "lines". `index`: what the dose is made of; "wbgt" where UTCI is not defined.

    `attribution`: whom to thank for what was walked on; `city_attribution`: for the city's model, whose shade it is.
    """

    paths: tuple[Path, ...]
    start: End
    goal: End
    network: str
    attribution: str
    city_attribution: str
    index: str


@dataclass(frozen=True, eq=False)
class _Ways:
    """What follows from the city and where its buildings stand."""

    city: City
    is_ground: NDArray[np.bool_]
    network: Network
    nearest: NearestGround
    kind: str
    attribution: str


class CoolPaths:
    """Finds paths in one city. May be asked from several threads.

    Ground is what a frame's WBGT has a value for. Where another layer has none there, the nearest cell speaks for it.

    Args:
        lines: a drawn walking network, or what knows the one of a city (None where it has none there); None for the city's roads,
            or its open ground.
    """

    def __init__(self, lines: WalkingLines | Callable[[City], WalkingLines | None] | None = None) -> None:
        self._lines = lines
        self._lock = threading.Lock()
        self._ways: _Ways | None = None
        self._heat: OrderedDict[str, FrameHeat] = OrderedDict()

    def find(
        self,
        city: City,
        frame_id: str,
        layers: Mapping[str, Layer],
        origin: tuple[float, float],
        goal: tuple[float, float],
        *,
        max_detour: float = 1.3,
        index: str = "utci",
    ) -> Paths | NoPath:
        """The shortest walk, the coolest within the limit, and one in between where there is one.

        Args:
            city: the city.
            frame_id: names the layers: fields of one name are prepared once.
            layers: utci, wbgt and shadow of the frame.
            origin: (lat, lon).
            goal: (lat, lon).
            max_detour: longest walk as a multiple of the shortest, 1 .. DETOUR_MAX.
            index: "utci" or "wbgt": what the dose is made of.

        Raises:
            KeyError: an unknown index, or a layer is missing.
        """
        with self._lock:
            ways = self._ways_of(city, layers["wbgt"].level != NO_VALUE)
            heat = self._heat_of(ways, frame_id, layers)
        ends = self._ends(ways, origin, goal)
        if isinstance(ends, NoPath):
            return ends
        (start_node, start), (goal_node, end) = ends
        if "wbgt" not in heat.doses:
            return NoPath(Obstacle.NO_WALK_NEAR, "there is no place to walk on this map")
        if index not in heat.doses and index in DOSE_FROM_DEGC:
            index = "wbgt"
        found = alternatives(ways.network, heat.doses[index], start_node, goal_node, max_detour, heat=heat.field(index))
        if found is None:
            return NoPath(
                Obstacle.UNREACHABLE, "no walk joins the two places: water, rails or buildings lie between them"
            )
        routes: list[tuple[list[str], Route]] = []
        for kind, route in (("shortest", found.shortest), ("balanced", found.balanced), ("coolest", found.coolest)):
            same = next((kinds for kinds, known in routes if known is route), None)
            if same is not None:
                same.append(kind)
            elif route is not None:
                routes.append(([kind], route))
        paths = tuple(Path(tuple(kinds), _line(ways, route), _exposure(ways, heat, route)) for kinds, route in routes)
        return Paths(paths, start, end, ways.kind, ways.attribution, city.attribution_en, index)

    def _ways_of(self, city: City, is_ground: NDArray[np.bool_]) -> _Ways:
        ways = self._ways
        if ways is not None and ways.city is city and np.array_equal(ways.is_ground, is_ground):
            return ways
        cell_m = city.grid.pixel_size_m
        lines = self._lines(city) if callable(self._lines) else self._lines and self._lines.within(city.grid)
        if lines is not None:
            x = (lines.x_m - city.grid.x_west_m) / cell_m
            y = (city.grid.y_north_m - lines.y_m) / cell_m
            network = network_of_edges(x, y, lines.edge_from, lines.edge_to, cell_m)
            kind, attribution = "lines", lines.attribution
        else:
            ground = walkable_ground(city, is_ground)
            network = network_of_ground(ground.mask, cell_m)
            kind, attribution = ("roads" if ground.by_roads else "ground"), city.attribution_en
        self._heat.clear()
        self._ways = _Ways(city, is_ground, network, NearestGround(is_ground), kind, attribution)
        return self._ways

    def _heat_of(self, ways: _Ways, frame_id: str, layers: Mapping[str, Layer]) -> FrameHeat:
        if frame_id in self._heat:
            self._heat.move_to_end(frame_id)
            return self._heat[frame_id]
        self._heat[frame_id] = heat = heat_of(ways.network, ways.nearest, layers)
        while len(self._heat) > FRAMES_HELD:
            self._heat.popitem(last=False)
        return heat

    def _ends(
        self, ways: _Ways, origin: tuple[float, float], goal: tuple[float, float]
    ) -> "tuple[tuple[int, End], tuple[int, End]] | NoPath":
        network = ways.network
        wanted: list[tuple[float, float]] = []
        for end, (lat, lon) in (("from", origin), ("to", goal)):
            if ways.city.cell_at(lat, lon) is None:
                is_swapped = is_on_earth(lon, lat) and ways.city.cell_at(lon, lat) is not None
                hint = f" ({swapped(lat, lon)})" if is_swapped else ""
                return NoPath(Obstacle.OUTSIDE, f"{lat:.8g},{lon:.8g} lies outside the map{hint}", end)
            x_m, y_m = ways.city.frame.point_to_local(lon, lat)
            grid = ways.city.grid
            wanted.append(((x_m - grid.x_west_m) / grid.pixel_size_m, (grid.y_north_m - y_m) / grid.pixel_size_m))
        nearest = [network.nearest(*place) for place in wanted]
        if any(node is None for node in nearest):
            return NoPath(Obstacle.NO_WALK_NEAR, "there is no place to walk on this map")
        components = {int(network.component[node[0]]) for node in nearest if node is not None}
        if len(components) > 1:
            # A courtyard or a lane cut off by the raster: the street beside it is what was meant, if it is near enough.
            main = network.largest_component
            on_main = [network.nearest(*place, component=main) for place in wanted]
            if all(node is not None and node[1] <= SNAP_MAX_M for node in on_main):
                nearest = on_main
        ends: list[tuple[int, End]] = []
        for end, node in zip(("from", "to"), nearest, strict=True):
            assert node is not None
            if node[1] > SNAP_MAX_M:
                detail = f"the nearest place to walk is {node[1]:.0f} m away, at most {SNAP_MAX_M:g} m are taken"
                return NoPath(Obstacle.NO_WALK_NEAR, detail, end)
            place = slice(node[0], node[0] + 1)
            ((lon, lat),) = _lonlat(
                ways, network.x_cells[place].astype(np.float64), network.y_cells[place].astype(np.float64)
            )
            ends.append((node[0], End(lat, lon, round(node[1], 1))))
        return ends[0], ends[1]


def _exposure(ways: _Ways, heat: FrameHeat, route: Route) -> Exposure:
    return exposure_along(
        route.x_cells,
        route.y_cells,
        cell_m=ways.network.cell_m,
        utci_degc=heat.fields["utci"],
        wbgt_degc=heat.fields["wbgt"],
        sunlit=heat.fields["shadow"],
        thresholds=THRESHOLDS,
    )


def _line(ways: _Ways, route: Route) -> tuple[tuple[float, float], ...]:
    """The route's corners; places on a straight stretch are left out. A line has two points even where nobody has to walk."""
    x, y = route.x_cells.astype(np.float64), route.y_cells.astype(np.float64)
    if x.size == 1:
        x, y = np.repeat(x, 2), np.repeat(y, 2)
    turn = np.abs(np.diff(x)[:-1] * np.diff(y)[1:] - np.diff(y)[:-1] * np.diff(x)[1:])
    corner = np.concatenate([[True], turn > COLLINEAR_CELLS, [True]])
    return _lonlat(ways, x[corner], y[corner])


def _lonlat(ways: _Ways, x_cells: Floats64, y_cells: Floats64) -> tuple[tuple[float, float], ...]:
    grid = ways.city.grid
    x = grid.x_west_m + x_cells * grid.pixel_size_m
    y = grid.y_north_m - y_cells * grid.pixel_size_m
    lon, lat = ways.city.frame.to_lonlat(x, y)
    return tuple(zip(np.round(lon, DECIMALS).tolist(), np.round(lat, DECIMALS).tolist(), strict=True))
