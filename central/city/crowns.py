"""Crowns of trees onto the canopy raster."""

import math

import numpy as np
from numpy.typing import NDArray

from central.city.grid import Grid

CROWN_FLAT_SHARE = 0.55
"""A crown falls from its top to this share of it at the rim."""

Float64s = NDArray[np.float64]


def draw_crowns(
    canopy: NDArray[np.float32], grid: Grid, x_m: Float64s, y_m: Float64s, *, height_m: Float64s, radius_m: Float64s
) -> None:
    """Raises the canopy [m above ground] to n rounded crowns; the highest counts where they meet.

    A cell is under a crown when its centre is; a crown so small that it holds no centre counts in the cell of its trunk.

    Args:
        canopy: (height, width) raster, changed in place.
        grid: its place.
        x_m: (n,) places of the trunks in local metres, to the east.
        y_m: (n,) the same, to the north.
        height_m: (n,) tops above ground [m].
        radius_m: (n,) half the crowns' diameters [m].
    """
    size = grid.pixel_size_m
    columns_at = (x_m - grid.x_west_m) / size - 0.5
    rows_at = (grid.y_north_m - y_m) / size - 0.5
    for row, column, height, reach in zip(
        rows_at.tolist(), columns_at.tolist(), height_m.tolist(), (radius_m / size).tolist(), strict=True
    ):
        top, bottom = max(math.ceil(row - reach), 0), min(math.floor(row + reach), grid.height - 1)
        left, right = max(math.ceil(column - reach), 0), min(math.floor(column + reach), grid.width - 1)
        drawn = False
        if top <= bottom and left <= right:
            rows, columns = np.ogrid[top : bottom + 1, left : right + 1]
            off_centre = ((rows - row) ** 2 + (columns - column) ** 2) / reach**2
            drawn = bool((off_centre <= 1.0).any())
            dome = CROWN_FLAT_SHARE + (1.0 - CROWN_FLAT_SHARE) * np.sqrt(np.clip(1.0 - off_centre, 0.0, 1.0))
            crown = np.where(off_centre <= 1.0, height * dome, 0.0)
            window = canopy[top : bottom + 1, left : right + 1]
            np.maximum(window, crown, out=window, casting="same_kind")
        if not drawn:
            cell = (math.floor(row + 0.5), math.floor(column + 0.5))
            if 0 <= cell[0] < grid.height and 0 <= cell[1] < grid.width:
                canopy[cell] = max(float(canopy[cell]), height)
