"""Which cells a change can reach, and which cells those look at: all that has to be computed again.

Shade and sky are seen along rays that climb at no less than the lowest sky patch's or the sun's altitude. A thing that
stands h above a cell is out of its sight beyond h / tan(altitude). So the cells that may change lie within that distance
of the edit (the *dirty* box), and what they see lies within the distance of the city's highest thing (the *seen* box).
Computed on the seen box alone, the dirty box comes out as if the whole city had been computed.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.geometry.prepared import BUILDING_FROM_M
from central.heat.surface import Heights, Surface

LOWEST_PATCH_DEG: Final = 6.0
"""Altitude of the lowest band of the 153 sky patches."""
LOWEST_SUN_DEG: Final = 0.5
MARGIN_CELLS: Final = 8
"""Rays round to whole cells, and far out look at every fourth cell only."""


@dataclass(frozen=True, slots=True)
class Box:
    """Rows and columns, the last ones excluded."""

    row0: int
    row1: int
    column0: int
    column1: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.row0, self.row1), slice(self.column0, self.column1)

    @property
    def shape(self) -> tuple[int, int]:
        return self.row1 - self.row0, self.column1 - self.column0

    @property
    def cells(self) -> int:
        return self.shape[0] * self.shape[1]

    def grown(self, cells: int, shape: tuple[int, int]) -> "Box":
        """Larger on every side, but within a raster of this shape."""
        rows, columns = shape
        return Box(
            max(0, self.row0 - cells),
            min(rows, self.row1 + cells),
            max(0, self.column0 - cells),
            min(columns, self.column1 + cells),
        )

    def within(self, outer: "Box") -> "Box":
        """The same cells counted from the corner of `outer`."""
        return Box(
            self.row0 - outer.row0, self.row1 - outer.row0, self.column0 - outer.column0, self.column1 - outer.column0
        )


@dataclass(frozen=True, slots=True)
class Windows:
    """`dirty`: every cell outside is as before. `seen`: what has to be given to compute `dirty`."""

    dirty: Box
    seen: Box


def windows(
    before: Surface, after: Surface, is_changed: NDArray[np.bool_], sun_altitudes_deg: tuple[float, ...]
) -> Windows | None:
    """The two boxes; None when nothing changed.

    Args:
        before: the city as it is.
        after: the city with the changes.
        is_changed: (rows, columns) where they differ.
        sun_altitudes_deg: at the moments that will be computed; those below the horizon cast no shade.
    """
    rows, columns = np.nonzero(is_changed)
    if rows.size == 0:
        return None
    edit = Box(int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1)
    up = [max(altitude, LOWEST_SUN_DEG) for altitude in sun_altitudes_deg if altitude > 0.0]
    slope = math.tan(math.radians(min([LOWEST_PATCH_DEG, *up]))) * before.pixel_size_m
    tops = np.maximum(_top(before), _top(after))
    starts = np.minimum(_solid(before), _solid(after))
    edited_top = float(tops[is_changed].max())
    # First with the city's lowest place, then with the lowest one that is near enough to matter.
    dirty = edit.grown(_cells(edited_top - float(starts.min()), slope), before.shape)
    dirty = edit.grown(_cells(edited_top - float(starts[dirty.slices].min()), slope), before.shape)
    lowest = float(starts[dirty.slices].min())
    seen = dirty.grown(_cells(float(tops.max()) - lowest, slope), before.shape)
    seen = dirty.grown(_cells(float(tops[seen.slices].max()) - lowest, slope), before.shape)
    return Windows(dirty, seen)


def cut(surface: Surface, box: Box, relief_m: float) -> Surface:
    """The surface of the box, with a row of pits added in the south.

    How far a ray is followed depends on the relief of the raster it is in. The pits make it that of the whole city, so that the
    rays of both have the same steps; nobody sees a pit, and nothing is asked of its cells.

    Args:
        surface: the city.
        box: what to cut out.
        relief_m: highest thing over lowest ground of the city.
    """
    part = [array[box.slices] for array in (surface.dsm, surface.dem, surface.cdsm)]
    pit_m = float(_top(surface)[box.slices].max()) - relief_m
    pits = [np.full((1, box.shape[1]), level, np.float32) for level in (pit_m, pit_m, 0.0)]
    dsm, dem, cdsm = (np.vstack([rows, pit]) for rows, pit in zip(part, pits, strict=True))
    return Surface(dsm, dem, cdsm, surface.pixel_size_m, surface.lat, surface.lon, altitude_m=surface.altitude_m)


def relief_m(surface: Surface) -> float:
    """Height of the highest thing above the lowest ground [m]."""
    return float(_top(surface).max() - _solid(surface).min())


def _solid(surface: Surface) -> Heights:
    """Ground and buildings as the geometry takes them: what rises less than a metre is ground."""
    return np.where(surface.dsm - surface.dem < np.float32(BUILDING_FROM_M), surface.dem, surface.dsm)


def _top(surface: Surface) -> Heights:
    canopy = np.where(surface.cdsm > 0, surface.dem + surface.cdsm, np.float32(-1e9))
    return np.asarray(np.maximum(_solid(surface), canopy))


def _cells(height_m: float, slope_m_per_cell: float) -> int:
    return math.ceil(max(height_m, 0.0) / slope_m_per_cell) + MARGIN_CELLS
