"""Land cover and canopy onto the raster: what covers the ground, and how high the plants stand on it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from central.city.crowns import draw_crowns
from central.city.grid import Grid
from central.city.land_use import UseArea
from central.city.layers import Layers
from central.city.model import LandCover, Outline, RoadKind, RoadSection
from central.city.roads import RoadSurface
from central.city.vegetation import LOW_PLANTS_M

WOOD_HEIGHT_M = 12.0
"""Canopy of woods that nobody surveyed: a grove of a plain; plantations in the hills stand higher."""
_KIND_ORDER = (RoadKind.RAILWAY, RoadKind.TRACK, RoadKind.ROAD, RoadKind.SQUARE)

Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class GroundCover:
    """Rasters of (height, width).

    Args:
        land_cover: codes of LandCover.
        canopy_m: top of the canopy above ground [m], 0 where nothing higher than a metre grows, and on roofs.
        wood_m2: area of woods whose canopy is estimated.
    """

    land_cover: NDArray[np.uint8]
    canopy_m: NDArray[np.float32]
    wood_m2: float


def draw_ground_cover(grid: Grid, layers: Layers, inside: Booleans) -> GroundCover:
    """What covers every cell.

    From below: land use (large areas first), tall plant cover where nothing is known yet, railways, tracks, roads,
    squares, bridges, the parts of roads, low plant cover, roofs. Tunnels cover nothing.

    Args:
        grid: the raster.
        layers: what to draw.
        inside: (height, width) where buildings stand.
    """
    cover = np.full(grid.shape, np.uint8(LandCover.UNKNOWN))
    canopy = np.zeros(grid.shape, dtype=np.float32)
    low = [plants for plants in layers.covers if plants.height_m < LOW_PLANTS_M]
    tall = [plants for plants in layers.covers if plants.height_m >= LOW_PLANTS_M]
    tall.sort(key=lambda plants: plants.height_m)
    surfaces = sorted(
        (found for found in layers.roads if found.road.section is not RoadSection.TUNNEL),
        key=lambda found: (found.road.section is RoadSection.BRIDGE, _KIND_ORDER.index(found.road.kind)),
    )
    woods = _unsurveyed(layers)
    _draw_uses(grid, layers.uses, cover)
    heights = [(plants.outline, plants.height_m) for plants in tall]
    _paint(grid, heights, canopy)
    for rows, _ in grid.bands():
        grown = (canopy[rows] > 0.0) & (cover[rows] == LandCover.UNKNOWN)
        cover[rows][grown] = LandCover.GRASS
    _paint(grid, _road_shapes(surfaces), cover)
    _paint(grid, [(plants.outline, LandCover.GRASS) for plants in low], cover)
    cover[inside] = LandCover.ROOF
    wood_m2 = _grow_woods(grid, woods, cover, canopy)
    if layers.trees:
        x, y, height, crown = np.array([(t.x_m, t.y_m, t.height_m, t.crown_diameter_m) for t in layers.trees]).T
        standing = height >= LOW_PLANTS_M
        draw_crowns(canopy, grid, x[standing], y[standing], height_m=height[standing], radius_m=crown[standing] / 2)
    canopy[inside] = 0.0
    return GroundCover(cover, canopy, wood_m2)


def _draw_uses(grid: Grid, uses: Sequence[UseArea], cover: NDArray[np.uint8]) -> None:
    _paint(grid, [(use.outline, use.cover) for use in uses], cover)


def _road_shapes(surfaces: Sequence[RoadSurface]) -> list[tuple[Outline, int]]:
    outlines = [(found.road.outline, int(found.cover)) for found in surfaces]
    return outlines + [(part.outline, int(part.cover)) for found in surfaces for part in found.parts]


def _unsurveyed(layers: Layers) -> list[UseArea]:
    """Woods in which no tree and no plant cover stands."""
    woods = [use for use in layers.uses if use.is_wood]
    if not woods:
        return []
    tree = shapely.STRtree([use.outline for use in woods])
    plants = [shapely.Point(found.x_m, found.y_m) for found in layers.trees]
    surveyed: set[int] = set()
    for shapes in (plants, [cover.outline for cover in layers.covers]):
        if shapes:
            surveyed.update(tree.query(np.array(shapes, dtype=object), predicate="intersects")[1].tolist())
    return [use for index, use in enumerate(woods) if index not in surveyed]


def _grow_woods(grid: Grid, woods: Sequence[UseArea], cover: NDArray[np.uint8], canopy: NDArray[np.float32]) -> float:
    """Raises the canopy of unsurveyed woods where they are neither road nor roof; their area [m2]."""
    cells = 0
    if woods:
        wooded = np.zeros(grid.shape, dtype=np.uint8)
        _paint(grid, [(use.outline, 1) for use in woods], wooded)
        for rows, _ in grid.bands():
            grown = (wooded[rows] == 1) & (cover[rows] == LandCover.GRASS) & (canopy[rows] == 0.0)
            canopy[rows][grown] = WOOD_HEIGHT_M
            cells += int(grown.sum())
    return cells * grid.pixel_size_m**2


def _paint(grid: Grid, shapes: Sequence[tuple[Outline, float]], raster: NDArray[np.generic]) -> None:
    """Burns shapes into the raster, the last on top, band by band."""
    if not shapes:
        return
    bounds = shapely.bounds(np.array([shape for shape, _ in shapes], dtype=object))
    for rows, band in grid.bands():
        reach = grid.pixel_size_m
        near = (bounds[:, 3] >= band.y_south_m - reach) & (bounds[:, 1] <= band.y_north_m + reach)
        chosen: Iterable[tuple[Outline, float]] = (shapes[index] for index in np.flatnonzero(near).tolist())
        if near.any():
            part = np.ascontiguousarray(raster[rows])
            rasterize(chosen, out=part, transform=band.transform)
            raster[rows] = part
