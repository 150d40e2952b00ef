"""Changes drawn onto the rasters of a city."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from central.city.grid import Grid
from central.city.model import Outline
from central.heat.surface import Surface
from central.simulation.whatif.edit import Change

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Edited:
    """The surface after the changes.

    `is_changed`: (rows, columns) where any height differs from before. `untouched`: features that changed no cell, by index: smaller than
    a cell, a crown wholly over a roof, a removal where nothing stood. `cropped`: features that reach beyond the raster by more than half a
    cell: what lies there is left out.
    """

    surface: Surface
    is_changed: Mask
    untouched: tuple[int, ...]
    cropped: tuple[int, ...]


def apply_changes(before: Surface, grid: Grid, changes: Sequence[Change]) -> Edited:
    """The changes applied in their order.

    A building stands on the mean ground within its outline, with a flat roof, and takes the place of trees and roofs there. A crown is as
    high as stated all over its outline and leaves roofs alone. What is removed leaves bare ground.
    """
    dsm, cdsm = before.dsm.copy(), before.cdsm.copy()
    untouched = []
    for change in changes:
        inside = _cells(grid, change.outline)
        was = dsm[inside].copy(), cdsm[inside].copy()
        if change.action == "remove" and change.kind == "building":
            dsm[inside] = before.dem[inside]
        elif change.action == "remove":
            cdsm[inside] = 0.0
        elif change.kind == "building" and inside.any():
            foot_m = float(before.dem[inside].mean(dtype=np.float64))
            dsm[inside] = np.maximum(np.float32(foot_m + change.height_m), before.dem[inside] + np.float32(2.0))
            cdsm[inside] = 0.0
        elif change.kind == "tree":
            in_the_open = inside & (dsm - before.dem < 1.0)
            cdsm[in_the_open] = np.maximum(cdsm[in_the_open], np.float32(change.height_m))
        if np.array_equal(was[0], dsm[inside]) and np.array_equal(was[1], cdsm[inside]):
            untouched.append(change.feature)
    surface = Surface(dsm, before.dem, cdsm, before.pixel_size_m, before.lat, before.lon, altitude_m=before.altitude_m)
    half_m = grid.pixel_size_m / 2.0
    drawn = shapely.box(
        grid.x_west_m - half_m, grid.y_south_m - half_m, grid.x_east_m + half_m, grid.y_north_m + half_m
    )
    cropped = tuple(change.feature for change in changes if not drawn.covers(change.outline))
    return Edited(surface, (dsm != before.dsm) | (cdsm != before.cdsm), tuple(untouched), cropped)


def _cells(grid: Grid, outline: Outline) -> Mask:
    """The cells whose middle lies within the outline."""
    drawn = rasterize([(outline, 1)], out_shape=grid.shape, transform=grid.transform, fill=0, dtype="uint8")
    return np.asarray(drawn, dtype=np.uint8) > 0
