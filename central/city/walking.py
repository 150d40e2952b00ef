"""Where people walk: on road surfaces of the city model, on the lines of an OpenStreetMap extract, or on whatever ground is open."""

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from scipy.ndimage import binary_dilation, label

from central.city.grid import Grid
from central.city.model import City, LandCover, RoadKind, RoadSection
from central.city.projection import LocalFrame
from central.city.synthetic import plan_to_local
from central.city.synthetic_shapes import AVENUES_ALONG, RAIL, REACH_M
from contract.errors import UserError

Mask = NDArray[np.bool_]

OSM_ATTRIBUTION: Final = "© OpenStreetMap contributors (ODbL), https://www.openstreetmap.org/copyright"

NOT_FOR_WALKERS: Final = frozenset(
    {
        "motorway",
        "motorway_link",
        "construction",
        "proposed",
        "raceway",
        "busway",
        "bus_guideway",
        "corridor",
        "elevator",
    }
)
"""Values of `highway` that nobody walks on, or not in the open."""
FORBIDDING: Final = frozenset({"no", "private"})
ALLOWING: Final = frozenset({"yes", "designated", "permissive", "official"})
EXTRACT_BYTES_MAX: Final = 500_000_000
ROADS_SHARE_MIN: Final = 0.02
"""Road surfaces that cover less of the raster than this are no network: a tile cut at its edge."""
PAVED_IN_ONE_PIECE_MIN: Final = 0.75
"""Paved ground that is more scattered than this is no network either: car parks, or streets whose bridges and crossings are not paved."""
SURFACE_FILE: Final = "surface"
"""`City.source` of a city of which only rasters are known."""


@dataclass(frozen=True, eq=False)
class WalkingLines:
    """A drawn network in local metres. Places (nodes,), pieces (edges,)."""

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    edge_from: NDArray[np.int32]
    edge_to: NDArray[np.int32]
    attribution: str
    ways: int
    """Ways that the pieces come from."""
    left_out: Mapping[str, int]
    """Ways that were not used, by reason."""

    def within(self, grid: Grid) -> "WalkingLines":
        """The pieces whose two ends lie on the raster."""
        inside = (
            (self.x_m >= grid.x_west_m)
            & (self.x_m < grid.x_east_m)
            & (self.y_m > grid.y_south_m)
            & (self.y_m <= grid.y_north_m)
        )
        kept = inside[self.edge_from] & inside[self.edge_to]
        used = np.zeros(inside.size, np.bool_)
        used[self.edge_from[kept]] = used[self.edge_to[kept]] = True
        number = np.cumsum(used, dtype=np.int32) - 1
        return WalkingLines(
            self.x_m[used],
            self.y_m[used],
            number[self.edge_from[kept]].astype(np.int32),
            number[self.edge_to[kept]].astype(np.int32),
            self.attribution,
            self.ways,
            self.left_out,
        )


@dataclass(frozen=True, eq=False)
class WalkableGround:
    """`mask`: (rows, columns) True where people may walk; `by_roads`: roads or paving said so, not just the lack of buildings."""

    mask: Mask
    by_roads: bool


def walkable_ground(city: City, is_ground: Mask) -> WalkableGround:
    """Where people may walk.

    Where the city has road surfaces these are it, without motorways, railways and tunnels. Else it is all open ground, without water and
    railways as far as roads and land cover tell of them; the built-in downtown has its bridges and crossings where its streets are.

    Of a surface file no roads are known. There the land cover speaks for them: asphalt and paving, where they cover as much as roads have
    to and most of them hang together.

    Args:
        city: roads, land cover and raster.
        is_ground: (rows, columns) True where no building stands.
    """
    for_walkers = [road.outline for road in city.roads if road.walkable]
    bridges = [road.outline for road in city.roads if road.walkable and road.section is RoadSection.BRIDGE]
    railways = [road.outline for road in city.roads if road.kind is RoadKind.RAILWAY]
    # A lane narrower than a cell has to stay in one piece: every cell that it touches counts.
    roads = _drawn(city.grid, for_walkers, all_touched=True)
    if roads.mean() >= ROADS_SHARE_MIN:
        return WalkableGround(roads & (is_ground | _drawn(city.grid, bridges)), by_roads=True)
    if city.source == SURFACE_FILE:
        streets = _paved_streets(city.land_cover, is_ground)
        if streets is not None:
            return WalkableGround(streets, by_roads=True)
    barred: Mask = (city.land_cover == LandCover.WATER) | _drawn(city.grid, railways, all_touched=True)
    if city.source == "synthetic":
        barred |= _drawn(city.grid, [_plan_strip(-REACH_M, REACH_M, RAIL.v0, RAIL.v1)])
        barred &= ~_drawn(city.grid, [_plan_strip(u - w / 2, u + w / 2, -REACH_M, REACH_M) for u, w in AVENUES_ALONG])
    return WalkableGround(is_ground & ~(barred & ~roads), by_roads=False)


def _paved_streets(land_cover: NDArray[np.uint8], is_ground: Mask) -> Mask | None:
    """Paved ground that can be taken for the streets; None where it cannot.

    In the land cover a road has the cells whose middle it covers. Its outline touches about one more on each side, and without these narrow
    lanes fall to pieces: on two tiles of Osaka paving and the cells beside it hold 99.8 % of the cells that the roads themselves give,
    and 6 to 9 % more.
    """
    paved = np.isin(land_cover, (LandCover.ASPHALT, LandCover.COBBLE))
    streets: Mask = binary_dilation(paved) & is_ground & (land_cover != LandCover.WATER)
    if streets.mean() < ROADS_SHARE_MIN:
        return None
    pieces, _ = label(streets)
    largest = int(np.bincount(pieces[streets]).max())
    return streets if largest >= PAVED_IN_ONE_PIECE_MIN * np.count_nonzero(streets) else None


def _plan_strip(u0: float, u1: float, v0: float, v1: float) -> shapely.Polygon:
    """A rectangle of the built-in downtown's plan, bent as the plan is."""
    along = np.linspace(0.0, 1.0, 133)
    u = np.concatenate([u0 + (u1 - u0) * along, np.full(133, u1), u1 - (u1 - u0) * along, np.full(133, u0)])
    v = np.concatenate([np.full(133, v0), v0 + (v1 - v0) * along, np.full(133, v1), v1 - (v1 - v0) * along])
    return shapely.Polygon(np.column_stack(plan_to_local(u, v)))


def _drawn(grid: Grid, outlines: Iterable[object], *, all_touched: bool = False) -> Mask:
    shapes = [(outline, 1) for outline in outlines]
    if not shapes:
        return np.zeros(grid.shape, np.bool_)
    drawn = rasterize(
        shapes, out_shape=grid.shape, transform=grid.transform, fill=0, dtype="uint8", all_touched=all_touched
    )
    return np.asarray(drawn, dtype=np.uint8) > 0


def read_overpass(path: Path, frame: LocalFrame) -> WalkingLines:
    """The walking network of an Overpass API answer (`out` of ways with their nodes, JSON, plain or .gz).

    https://wiki.openstreetmap.org/wiki/Overpass_API/Output_Formats. Every node of a way becomes a place. Both directions of a one-way
    street may be walked.

    Raises:
        UserError: the file cannot be read, is no Overpass answer, or has no way to walk on; names the element that is wrong.
    """
    elements = _elements(path)
    place_of: dict[int, int] = {}
    lons: list[float] = []
    lats: list[float] = []
    for index, element in enumerate(elements):
        if element.get("type") != "node":
            continue
        lon, lat = element.get("lon"), element.get("lat")
        if not (
            isinstance(lon, int | float) and isinstance(lat, int | float) and abs(lon) <= 180.0 and abs(lat) <= 90.0
        ):
            raise UserError(
                f"lat {lat!r}, lon {lon!r} is no place", where=f"{path}: elements[{index}] (node {element.get('id')})"
            )
        place_of[_id(path, index, element)] = len(lons)
        lons.append(float(lon))
        lats.append(float(lat))
    begin: list[int] = []
    end: list[int] = []
    ways = 0
    left_out: dict[str, int] = {}
    for index, element in enumerate(elements):
        if element.get("type") != "way":
            continue
        reason = _why_not(element.get("tags") or {})
        nodes = element.get("nodes")
        if reason is None and not _is_list_of_ids(nodes):
            raise UserError(
                "has no list of node numbers",
                where=f"{path}: elements[{index}] (way {element.get('id')})",
                hint="ask Overpass with `out body`",
            )
        if reason is not None:
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        ways += 1
        # Nodes beyond the extract are not in it: the way goes on after the gap.
        places = [place_of.get(node, -1) for node in nodes or ()]
        joined = [(a, b) for a, b in pairwise(places) if a >= 0 and b >= 0 and a != b]
        begin += [a for a, _ in joined]
        end += [b for _, b in joined]
    if not begin:
        raise UserError(
            f"has no way to walk on among {len(elements)} elements",
            where=str(path),
            hint="ask Overpass for way[highway] and their nodes (>;)",
        )
    x, y = frame.to_local(np.array(lons), np.array(lats))
    return WalkingLines(
        x, y, np.array(begin, np.int32), np.array(end, np.int32), OSM_ATTRIBUTION, ways, dict(sorted(left_out.items()))
    )


def _elements(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            raw = file.read(EXTRACT_BYTES_MAX + 1)
        if raw[:2] == b"\x1f\x8b":
            with gzip.open(path) as packed:
                raw = packed.read(EXTRACT_BYTES_MAX + 1)
    except FileNotFoundError:
        raise UserError("no such file", where=str(path)) from None
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"cannot be read: {error}", where=str(path)) from None
    if len(raw) > EXTRACT_BYTES_MAX:
        raise UserError(
            f"holds more than {EXTRACT_BYTES_MAX // 10**6} MB", where=str(path), hint="cut the extract to the city"
        )
    try:
        answer = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UserError(f"is no JSON: {error}", where=str(path), hint="an Overpass answer with [out:json]") from None
    elements = answer.get("elements") if isinstance(answer, dict) else None
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        raise UserError("is no Overpass answer: has no list `elements` of objects", where=str(path))
    return elements


def _id(path: Path, index: int, element: Mapping[str, Any]) -> int:
    number = element.get("id")
    if not isinstance(number, int):
        raise UserError(f"id {number!r} is no number", where=f"{path}: elements[{index}]")
    return number


def _is_list_of_ids(nodes: object) -> bool:
    return isinstance(nodes, list) and all(isinstance(node, int) for node in nodes)


def _why_not(tags: Mapping[str, Any]) -> str | None:
    """Why a way is not walked on, None when it is."""
    if not isinstance(tags, dict) or "highway" not in tags:
        return "no highway"
    highway, foot = tags["highway"], tags.get("foot")
    if highway in NOT_FOR_WALKERS or tags.get("motorroad") == "yes":
        return f"highway={highway}"
    if foot in FORBIDDING:
        return f"foot={foot}"
    if tags.get("access") in FORBIDDING and foot not in ALLOWING:
        return f"access={tags['access']}"
    return None
