"""The raster's place in local metres: row 0 is north, column 0 is west."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rasterio.transform import Affine

from contract.errors import UserError

PIXEL_SIZES_M = (1.0, 2.0, 4.0)
CELLS_MAX = 4_000_000
"""4 km x 4 km at 2 m, what is simulated live unless asked otherwise: geometry takes about 80 bytes a cell."""
CELLS_MUNICIPALITY_MAX = 100_000_000
"""20 km x 20 km at 2 m: the box round a municipality. Kumagaya's 160 km2 lie in one of 14 km x 20 km."""
BAND_CELLS = 2_000_000
"""Cells worked on at once, so that the tables beside the rasters stay small whatever the city's size."""

SIDE_CELLS_MIN = 8
"""A single shed still gets some ground to stand on."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A north-up raster. `x_west_m`, `y_north_m`: the outer corner of cell (0, 0) in local metres."""

    x_west_m: float
    y_north_m: float
    width: int
    height: int
    pixel_size_m: float

    @property
    def shape(self) -> tuple[int, int]:
        return self.height, self.width

    @property
    def x_east_m(self) -> float:
        return self.x_west_m + self.width * self.pixel_size_m

    @property
    def y_south_m(self) -> float:
        return self.y_north_m - self.height * self.pixel_size_m

    @property
    def transform(self) -> Affine:
        """(column, row) to (x, y), as rasterio wants it."""
        return Affine(self.pixel_size_m, 0.0, self.x_west_m, 0.0, -self.pixel_size_m, self.y_north_m)

    def column_x_m(self) -> NDArray[np.float64]:
        """(width,) x of the cell centres [m]."""
        return self.x_west_m + (np.arange(self.width, dtype=np.float64) + 0.5) * self.pixel_size_m

    def row_y_m(self) -> NDArray[np.float64]:
        """(height,) y of the cell centres [m], falling."""
        return self.y_north_m - (np.arange(self.height, dtype=np.float64) + 0.5) * self.pixel_size_m

    def bands(self) -> Iterator[tuple[slice, "Grid"]]:
        """The raster from north to south in strips of at most BAND_CELLS: their rows and their grid."""
        rows = max(BAND_CELLS // self.width, 1)
        for start in range(0, self.height, rows):
            stop = min(start + rows, self.height)
            y_north_m = self.y_north_m - start * self.pixel_size_m
            yield slice(start, stop), Grid(self.x_west_m, y_north_m, self.width, stop - start, self.pixel_size_m)

    def cell_of(self, x_m: float, y_m: float) -> tuple[int, int] | None:
        """(row, column) of the cell that holds the point, or None outside."""
        column = math.floor((x_m - self.x_west_m) / self.pixel_size_m)
        row = math.floor((self.y_north_m - y_m) / self.pixel_size_m)
        if 0 <= row < self.height and 0 <= column < self.width:
            return row, column
        return None


def check_pixel_size(pixel_size_m: float) -> float:
    """The pixel size, or a UserError when it is not one of those the rasters are made for."""
    if pixel_size_m not in PIXEL_SIZES_M:
        allowed = ", ".join(f"{size:g}" for size in PIXEL_SIZES_M)
        raise UserError(f"pixel size {pixel_size_m:g} m is not possible", where="cell", hint=f"use one of {allowed} m")
    return float(pixel_size_m)


def grid_over(bounds_m: tuple[float, float, float, float], pixel_size_m: float, *, cells_max: int = CELLS_MAX) -> Grid:
    """The smallest grid over (x west, y south, x east, y north) whose edges lie on whole pixels from the frame's origin.

    Raises:
        UserError: the pixel size is not allowed, or the grid would have more than `cells_max` cells.
    """
    size = check_pixel_size(pixel_size_m)
    # The nudge keeps a bound that lies on a pixel's edge, but for rounding, from opening one more row.
    west = math.floor(bounds_m[0] / size + 1e-6)
    south = math.floor(bounds_m[1] / size + 1e-6)
    east = math.ceil(bounds_m[2] / size - 1e-6)
    north = math.ceil(bounds_m[3] / size - 1e-6)
    width, height = max(east - west, SIDE_CELLS_MIN), max(north - south, SIDE_CELLS_MIN)
    if width * height > cells_max:
        raise UserError(
            f"{width} x {height} cells of {size:g} m are more than the limit of {cells_max:,} cells "
            f"({width * size / 1000:.1f} km x {height * size / 1000:.1f} km)",
            where="city",
            hint="cut a square out with --center LAT,LON --size M, give fewer tiles, or take a larger --cell",
        )
    return Grid(west * size, north * size, width, height, size)
