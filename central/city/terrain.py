"""The bare ground: interpolated from the feet of the buildings, or rasterised from the triangles of a relief tile."""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from scipy.spatial import QhullError, cKDTree

from central.city.grid import Grid

Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]

COARSE_M = 8.0
"""Spacing of the nodes between which the ground is drawn: feet of buildings stand further apart than that."""
SMOOTHING_M = 12.0
OUTSIDE_SMOOTHING_M = 60.0
OUTLIER_M = 5.0
"""A foot this far above or below the median of its neighbours is a mistake (or a roof terrace), not the ground."""
OUTLIER_NEIGHBOURS = 9
_PAIRS_MAX = 2_000_000


def ground_from_feet(grid: Grid, x_m: Float64s, y_m: Float64s, elevation_m: Float64s) -> Float32s:
    """(height, width) ground [m] from n elevations at places: linear between them, the nearest one's outside, smoothed.

    n may be 0 (flat, 0 m) or 1 (flat at that level).
    """
    keep = _without_outliers(x_m, y_m, elevation_m)
    x_m, y_m, elevation_m = x_m[keep], y_m[keep], elevation_m[keep]
    if not len(elevation_m):
        return np.zeros(grid.shape, dtype=np.float32)
    if np.ptp(elevation_m) == 0.0:
        return np.full(grid.shape, elevation_m[0], dtype=np.float32)
    step = max(COARSE_M, grid.pixel_size_m)
    columns = int(np.ceil(grid.width * grid.pixel_size_m / step)) + 1
    rows = int(np.ceil(grid.height * grid.pixel_size_m / step)) + 1
    node_x, node_y = np.meshgrid(grid.x_west_m + np.arange(columns) * step, grid.y_north_m - np.arange(rows) * step)
    places = np.column_stack([x_m, y_m])
    nodes = np.asarray(NearestNDInterpolator(places, elevation_m)(node_x, node_y))
    try:
        between = np.asarray(LinearNDInterpolator(places, elevation_m)(node_x, node_y))
    except (QhullError, ValueError):
        between = np.full(nodes.shape, np.nan)  # fewer than three places, or all on one line
    unknown = np.isnan(between)
    nodes = np.where(unknown, nodes, between)
    # Beyond the outermost buildings the nearest one's level makes terraces with sharp edges: the further out, the smoother.
    out_m = distance_transform_edt(unknown) * step if not unknown.all() else np.full(nodes.shape, OUTSIDE_SMOOTHING_M)
    far = np.clip(out_m / OUTSIDE_SMOOTHING_M, 0.0, 1.0)
    near_nodes = gaussian_filter(nodes, SMOOTHING_M / step, mode="nearest")
    nodes = (1.0 - far) * near_nodes + far * gaussian_filter(nodes, OUTSIDE_SMOOTHING_M / step, mode="nearest")
    ground = np.empty(grid.shape, dtype=np.float32)
    column_at = (np.arange(grid.width) + 0.5) * grid.pixel_size_m / step
    for band, _ in grid.bands():
        row_at = (np.arange(band.start, band.stop) + 0.5) * grid.pixel_size_m / step
        where = np.meshgrid(row_at, column_at, indexing="ij")
        ground[band] = map_coordinates(nodes, where, order=1, mode="nearest")
    return ground


def _without_outliers(x_m: Float64s, y_m: Float64s, elevation_m: Float64s) -> NDArray[np.bool_]:
    if len(elevation_m) <= OUTLIER_NEIGHBOURS:
        return np.ones(len(elevation_m), dtype=bool)
    places = np.column_stack([x_m, y_m])
    _, nearest = cKDTree(places).query(places, k=OUTLIER_NEIGHBOURS)
    return np.asarray(np.abs(elevation_m - np.median(elevation_m[nearest], axis=1)) <= OUTLIER_M)


def ground_from_triangles(grid: Grid, batches: Iterable[Float64s]) -> tuple[Float32s, float]:
    """(height, width) ground [m] from the triangles of any number of relief tiles, and the share of cells they cover.

    Where triangles overlap, or meet in a cell's centre, the highest counts: the order of triangles and how they are
    spread over tiles change nothing. Cells beyond the relief take the level of the nearest covered cell.

    Args:
        grid: the raster.
        batches: (n, 3, 3) corners x, y, z in local metres each; only one is held at a time.
    """
    ground = np.full(grid.shape, np.nan, dtype=np.float32)
    flat = ground.reshape(-1)
    for triangles_m in batches:
        for rows, columns, z in _cells_of_triangles(grid, triangles_m):
            np.fmax.at(flat, rows * grid.width + columns, z.astype(np.float32))
    unknown = np.isnan(ground)
    share = 1.0 - float(unknown.mean())
    if share == 0.0:
        return np.zeros(grid.shape, dtype=np.float32), 0.0
    if share < 1.0:
        nearest = distance_transform_edt(unknown, return_distances=False, return_indices=True)
        rows, columns = (axis[unknown] for axis in nearest)
        ground[unknown] = ground[rows, columns]
    return ground, share


def _cells_of_triangles(
    grid: Grid, triangles_m: Float64s
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp], Float64s]]:
    """(rows, columns, z) of the cell centres in the triangles, borders included, a bounded number at a time."""
    size = grid.pixel_size_m
    column = (triangles_m[:, :, 0] - grid.x_west_m) / size - 0.5
    row = (grid.y_north_m - triangles_m[:, :, 1]) / size - 0.5
    first_column = np.maximum(np.ceil(column.min(axis=1)), 0).astype(np.intp)
    last_column = np.minimum(np.floor(column.max(axis=1)), grid.width - 1).astype(np.intp)
    first_row = np.maximum(np.ceil(row.min(axis=1)), 0).astype(np.intp)
    last_row = np.minimum(np.floor(row.max(axis=1)), grid.height - 1).astype(np.intp)
    wide = np.maximum(last_column - first_column + 1, 0)
    cells = wide * np.maximum(last_row - first_row + 1, 0)
    candidates = np.flatnonzero(cells)
    start = 0
    while start < len(candidates):
        # As many triangles as fit the limit, but always one.
        total = np.cumsum(cells[candidates[start:]])
        stop = start + max(int(np.searchsorted(total, _PAIRS_MAX)), 1)
        chosen = candidates[start:stop]
        start = stop
        owner = np.repeat(chosen, cells[chosen])
        offset = np.arange(len(owner)) - np.repeat(np.cumsum(cells[chosen]) - cells[chosen], cells[chosen])
        rows = first_row[owner] + offset // wide[owner]
        columns = first_column[owner] + offset % wide[owner]
        u, v, w = _barycentric(column[owner], row[owner], columns, rows)
        inside = (u >= -1e-9) & (v >= -1e-9) & (w >= -1e-9)
        z = triangles_m[owner, :, 2]
        yield rows[inside], columns[inside], (u * z[:, 0] + v * z[:, 1] + w * z[:, 2])[inside]


def _barycentric(
    x: Float64s, y: Float64s, at_x: NDArray[np.intp], at_y: NDArray[np.intp]
) -> tuple[Float64s, Float64s, Float64s]:
    """Weights of the three corners at places; those of a triangle without area are NaN, which is inside nothing."""
    doubled = (y[:, 1] - y[:, 2]) * (x[:, 0] - x[:, 2]) + (x[:, 2] - x[:, 1]) * (y[:, 0] - y[:, 2])
    doubled = np.where(doubled == 0.0, np.nan, doubled)
    u = ((y[:, 1] - y[:, 2]) * (at_x - x[:, 2]) + (x[:, 2] - x[:, 1]) * (at_y - y[:, 2])) / doubled
    v = ((y[:, 2] - y[:, 0]) * (at_x - x[:, 2]) + (x[:, 0] - x[:, 2]) * (at_y - y[:, 2])) / doubled
    return u, v, 1.0 - u - v
