"""Buildings onto the raster: roofs as planes where LOD2 is known, flat roofs elsewhere.

A cell belongs to a building when its centre lies in the outline, so that areas are kept on average. All tiles share
one frame and are drawn at once: there is no seam to go wrong.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rasterio.features import rasterize

from central.city.grid import Grid
from central.city.model import Building, LandCover, Outline
from central.heat.surface import Surface

Float32s = NDArray[np.float32]

ROOF_ABOVE_GROUND_MIN_M = 2.0
"""Building cells stand at least this high above the ground, so that no slope makes a building a piece of ground."""


def draw_buildings(grid: Grid, buildings: Sequence[Building], dem: Float32s) -> tuple[Float32s, NDArray[np.bool_]]:
    """Heights of ground and roofs [m above sea level] and where a building stands, both (height, width).

    Where outlines overlap, the higher roof is seen.
    """
    above = np.zeros(grid.shape, dtype=np.float32)
    order = sorted(range(len(buildings)), key=lambda index: _flat_height(buildings[index]))
    labels = _labels(grid, [buildings[index].outline for index in order])
    flat = np.array([0.0, *(_flat_height(buildings[index]) for index in order)], dtype=np.float32)
    base = np.array([0.0, *(buildings[index].base_m for index in order)], dtype=np.float32)
    foot = base[labels]
    above = flat[labels]
    inside = labels > 0

    faces = [(face, index) for index, building in enumerate(buildings) for face in building.roof]
    if faces:
        faces.sort(key=lambda pair: pair[0].z_min_m + pair[0].z_max_m)
        face_labels = _labels(grid, [face.outline for face, _ in faces])
        rows, columns = np.nonzero(face_labels)
        number = face_labels[rows, columns] - 1
        plane = np.array([(face.a, face.b, face.c, face.z_min_m, face.z_max_m) for face, _ in faces])[number]
        z = plane[:, 0] * grid.column_x_m()[columns] + plane[:, 1] * grid.row_y_m()[rows] + plane[:, 2]
        z = np.clip(z, plane[:, 3], plane[:, 4])
        owner_base = np.array([buildings[index].base_m for _, index in faces])[number]
        # A face may reach beyond the footprint (eaves) over a neighbour that is higher: the higher one is seen.
        own = inside[rows, columns] & (labels[rows, columns] > 0)
        owner_label = np.empty(len(buildings) + 1, dtype=np.int64)
        owner_label[np.array(order, dtype=np.int64)] = np.arange(1, len(order) + 1)
        same = labels[rows, columns] == owner_label[np.array([index for _, index in faces])[number]]
        seen = ~own | same | (z + owner_base > above[rows, columns] + foot[rows, columns])
        rows, columns, z, owner_base = rows[seen], columns[seen], z[seen], owner_base[seen]
        above[rows, columns] = z
        foot[rows, columns] = owner_base
        inside[rows, columns] = True

    roof = np.maximum(foot + above, dem + np.float32(ROOF_ABOVE_GROUND_MIN_M))
    return np.where(inside, roof, dem).astype(np.float32), inside


def ground_at(grid: Grid, outlines: Sequence[Outline], dem: Float32s) -> NDArray[np.float64]:
    """(n,) level of the drawn ground at the middle of each building [m]; nearest cell for those beyond the raster."""
    if not outlines:
        return np.zeros(0)
    points = [outline.representative_point() for outline in outlines]
    columns = np.floor((np.array([point.x for point in points]) - grid.x_west_m) / grid.pixel_size_m).astype(int)
    rows = np.floor((grid.y_north_m - np.array([point.y for point in points])) / grid.pixel_size_m).astype(int)
    return dem[np.clip(rows, 0, grid.height - 1), np.clip(columns, 0, grid.width - 1)].astype(np.float64)


def land_cover_of(inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Roofs where buildings stand; what lies between them, a building model does not tell."""
    return np.where(inside, np.uint8(LandCover.ROOF), np.uint8(LandCover.UNKNOWN))


def surface_of(grid: Grid, dsm: Float32s, dem: Float32s, cdsm: Float32s, lat: float, lon: float) -> Surface:
    """The rasters as the heat simulation takes them."""
    return Surface(dsm=dsm, dem=dem, cdsm=cdsm, pixel_size_m=grid.pixel_size_m, lat=lat, lon=lon)


def _flat_height(building: Building) -> float:
    """Height of the cells that no roof face covers: the eaves' and gaps' share of a LOD2 roof is its mean level."""
    if not building.roof:
        return building.height_m
    areas = np.array([face.outline.area for face in building.roof])
    middles = np.array([(face.z_min_m + face.z_max_m) / 2 for face in building.roof])
    return float(np.average(middles, weights=areas)) if areas.sum() > 0 else building.height_m


def _labels(grid: Grid, shapes: Sequence[object]) -> NDArray[np.int32]:
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
