"""What lies between the buildings: roads, land use, plants of all tiles and of tree lists, in one order.

Objects are put in order by their place and size, never by file, so that the rasters are the same however a city is
cut into tiles.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
import shapely

from central.city.citygml import LonLatBox, Tally
from central.city.gml_geometry import BrokenError
from central.city.grid import Grid
from central.city.land_use import UseArea, read_land_use
from central.city.model import Outline, Tree
from central.city.projection import LocalFrame
from central.city.roads import RoadSurface, read_roads
from central.city.tree_list import read_trees
from central.city.vegetation import Cover, read_vegetation

MARGIN_M = 50.0
"""Crowns and roads that begin this far outside may reach into the raster."""

Thing = TypeVar("Thing")


@dataclass(slots=True)
class Layers:
    """Everything but buildings and ground, in local metres; `uses` from large to small, the rest from south to north."""

    roads: list[RoadSurface] = field(default_factory=list)
    uses: list[UseArea] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(self.roads or self.uses or self.covers or self.trees)


@dataclass(slots=True)
class ThemeTiles:
    """The files of each theme."""

    roads: list[Path] = field(default_factory=list)
    uses: list[Path] = field(default_factory=list)
    plants: list[Path] = field(default_factory=list)
    tree_lists: list[Path] = field(default_factory=list)

    @property
    def any(self) -> bool:
        return bool(self.roads or self.uses or self.plants or self.tree_lists)


def read_layers(themes: ThemeTiles, grid: Grid, frame: LocalFrame, tally: Tally) -> Layers:
    """Reads file after file and keeps what touches the raster; an object that two tiles hold alike counts once.

    Raises:
        UserError: a file is not what it should be.
    """
    box = lonlat_box(grid, frame, MARGIN_M)
    square = shapely.box(grid.x_west_m, grid.y_south_m, grid.x_east_m, grid.y_north_m)
    trees: list[Tree] = []
    covers: list[Cover] = []
    for path in themes.plants:
        seen: list[Tree | Cover] = [plant for _, plant in read_vegetation(path, frame, tally, box)]
        trees += [plant for plant in seen if isinstance(plant, Tree)]
        covers += [plant for plant in seen if isinstance(plant, Cover)]
    for path in themes.tree_lists:
        trees += read_trees(path, frame, tally)
    near = square.buffer(MARGIN_M)
    west, south, east, north = near.bounds
    inside = {tree for tree in trees if west <= tree.x_m <= east and south <= tree.y_m <= north}
    tally.outside_plants += len(set(trees)) - len(inside)

    def outlined(
        paths: Sequence[Path],
        read: Callable[[Path, LocalFrame, Tally, LonLatBox], Iterable[Thing]],
        outline: Callable[[Thing], tuple[str, Outline]],
        *,
        large_first: bool = False,
    ) -> list[Thing]:
        found = (thing for path in paths for thing in read(path, frame, tally, box))
        return _in_order(found, outline, square, large_first=large_first)

    layers = Layers(
        roads=outlined(themes.roads, read_roads, lambda found: (found.road.id, found.road.outline)),
        uses=outlined(themes.uses, read_land_use, lambda use: (use.id, use.outline), large_first=True),
        covers=_in_order(covers, lambda cover: (cover.id, cover.outline), square, large_first=False),
        trees=sorted(inside, key=lambda tree: (tree.y_m, tree.x_m, tree.height_m, tree.crown_diameter_m)),
    )
    for name, paths, kept in (
        ("road", themes.roads, len(layers.roads)),
        ("land use", themes.uses, len(layers.uses)),
        ("plant", themes.plants, len(layers.trees) + len(layers.covers)),
    ):
        if paths and not kept:
            tally.skip(paths[0].name, _counted(paths), BrokenError(f"no {name} of the tiles lies in the raster"))
    return layers


def _counted(paths: Sequence[Path]) -> str:
    return "the only tile" if len(paths) == 1 else f"and {len(paths) - 1} more"


def lonlat_box(grid: Grid, frame: LocalFrame, margin_m: float) -> LonLatBox:
    """west, south, east, north [degrees] round the raster and a margin."""
    x = np.array([grid.x_west_m - margin_m, grid.x_east_m + margin_m])
    y = np.array([grid.y_south_m - margin_m, grid.y_north_m + margin_m])
    lon, lat = frame.to_lonlat(*(axis.ravel() for axis in np.meshgrid(x, y)))
    return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())


def _in_order(
    things: Iterable[Thing],
    outline: Callable[[Thing], tuple[str, Outline]],
    square: shapely.Polygon,
    *,
    large_first: bool,
) -> list[Thing]:
    kept: dict[tuple[object, ...], Thing] = {}
    for thing in things:
        identifier, shape = outline(thing)
        if not shape.intersects(square):
            continue
        west, south, east, north = shape.bounds
        size = -shape.area if large_first else 0.0
        kept.setdefault((size, south, west, north, east, shape.area, identifier), thing)
    return [thing for _, thing in sorted(kept.items(), key=lambda item: item[0])]
