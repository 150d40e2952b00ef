"""Buildings onto the raster: roofs as planes where LOD2 is known, flat roofs elsewhere.

A cell belongs to a building when its centre lies in the outline, so that areas are kept on average. All tiles share
one frame and are drawn at once: there is no seam to go wrong.
"""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from central.city.grid import Grid
from central.city.model import Building, Outline

Float32s = NDArray[np.float32]

ROOF_ABOVE_GROUND_MIN_M = 2.0
"""Building cells stand at least this high above the ground, so that no slope makes a building a piece of ground."""


def draw_buildings(grid: Grid, buildings: Sequence[Building], dem: Float32s) -> tuple[Float32s, NDArray[np.bool_]]:
    """Heights of ground and roofs [m above sea level] and where a building stands, both (height, width).

    Where outlines overlap, the higher roof is seen; eaves reach beyond their footprint.
    """
    dsm = dem.copy()
    inside = np.zeros(grid.shape, dtype=np.bool_)
    if not buildings:
        return dsm, inside
    spans = _spans(buildings)
    for rows, band in grid.bands():
        # Half a cell of margin: rounding must not keep a building from the band whose cell centre it touches.
        reached = (spans[:, 1] >= band.y_south_m - grid.pixel_size_m) & (
            spans[:, 0] <= band.y_north_m + grid.pixel_size_m
        )
        roof = _roofs(band, [building for building, near in zip(buildings, reached, strict=True) if near])
        inside[rows] = np.isfinite(roof)
        dsm[rows] = np.where(inside[rows], np.maximum(roof, dem[rows] + ROOF_ABOVE_GROUND_MIN_M), dem[rows])
    return dsm, inside


def _spans(buildings: Sequence[Building]) -> NDArray[np.float64]:
    """(n, 2) southernmost and northernmost y of each building and its roof faces [m]."""
    outlines = shapely.bounds(np.array([building.outline for building in buildings], dtype=object))[:, [1, 3]]
    for index, building in enumerate(buildings):
        if building.roof:
            faces = shapely.bounds(np.array([face.outline for face in building.roof], dtype=object))
            outlines[index, 0] = min(outlines[index, 0], faces[:, 1].min())
            outlines[index, 1] = max(outlines[index, 1], faces[:, 3].max())
    return np.asarray(outlines, dtype=np.float64)


def _roofs(grid: Grid, buildings: Sequence[Building]) -> NDArray[np.float64]:
    """(height, width) level of the highest roof [m], -inf where none is."""
    if not buildings:
        return np.full(grid.shape, -np.inf)
    base = np.array([building.base_m for building in buildings])
    flat = base + np.array([_flat_height(building) for building in buildings])
    rising = np.argsort(flat, kind="stable")
    drawn = labels(grid, [buildings[index].outline for index in rising])
    owner = np.concatenate([[-1], rising])[drawn]
    roof = np.where(owner >= 0, flat[owner], -np.inf)

    faces = [(base[index], index, face) for index, building in enumerate(buildings) for face in building.roof]
    if faces:
        faces.sort(key=lambda item: item[0] + (item[2].z_min_m + item[2].z_max_m) / 2)
        drawn = labels(grid, [face.outline for _, _, face in faces])
        rows, columns = np.nonzero(drawn)
        number = drawn[rows, columns] - 1
        a, b, c, lowest, highest = np.array([(f.a, f.b, f.c, f.z_min_m, f.z_max_m) for _, _, f in faces])[number].T
        plane = a * grid.column_x_m()[columns] + b * grid.row_y_m()[rows] + c
        level = np.array([foot for foot, _, _ in faces])[number] + np.clip(plane, lowest, highest)
        # On its own footprint the face is the truth; over a neighbour's roof it counts only where it is higher.
        foreign = owner[rows, columns] != np.array([index for _, index, _ in faces])[number]
        roof[rows, columns] = np.where(foreign, np.maximum(level, roof[rows, columns]), level)
    return roof


def ground_at(grid: Grid, outlines: Sequence[Outline], dem: Float32s) -> NDArray[np.float64]:
    """(n,) level of the drawn ground at the middle of each building [m]; nearest cell for those beyond the raster."""
    if not outlines:
        return np.zeros(0)
    points = [outline.representative_point() for outline in outlines]
    columns = np.floor((np.array([point.x for point in points]) - grid.x_west_m) / grid.pixel_size_m).astype(int)
    rows = np.floor((grid.y_north_m - np.array([point.y for point in points])) / grid.pixel_size_m).astype(int)
    levels = dem[np.clip(rows, 0, grid.height - 1), np.clip(columns, 0, grid.width - 1)]
    return np.asarray(levels, dtype=np.float64)


def _flat_height(building: Building) -> float:
    """Height of the cells that no roof face covers: the eaves' and gaps' share of a LOD2 roof is its mean level."""
    if not building.roof:
        return building.height_m
    areas = np.array([face.outline.area for face in building.roof])
    middles = np.array([(face.z_min_m + face.z_max_m) / 2 for face in building.roof])
    return float(np.average(middles, weights=areas)) if areas.sum() > 0 else building.height_m


def labels(grid: Grid, shapes: Sequence[object]) -> NDArray[np.int32]:
    """(height, width) 1-based number of the last shape that holds each cell's centre, 0 where none does."""
    if not shapes:
        return np.zeros(grid.shape, dtype=np.int32)
    drawn = rasterize(
        ((shape, number) for number, shape in enumerate(shapes, start=1)),
        out_shape=grid.shape,
        transform=grid.transform,
        fill=0,
        dtype="int32",
    )
    return np.asarray(drawn, dtype=np.int32)
