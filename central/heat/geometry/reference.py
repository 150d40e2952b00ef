"""The geometry in plain NumPy: slow, short, and what the kernels are held against.

The same rays on the same grid, one shifted copy of the whole city per step instead of blocks of cells; nothing here is
packed, padded or skipped.
"""

import numpy as np

from central.heat.geometry.dome import PATCHES, sky_dome
from central.heat.geometry.march import March, march, march_to_patch
from central.heat.geometry.prepared import BUILDING_FROM_M, TRUNK_SHARE
from central.heat.geometry.rays import BUSH_BELOW_M, CROSSED_M, SHADED_BY_BUILDING, SHADED_BY_CANOPY, SUNLIT, ZENITH
from central.heat.geometry.types import Bits, Bytes, Floats32
from central.heat.surface import Surface


def solid_and_canopy(surface: Surface) -> tuple[Floats32, Floats32, Floats32]:
    """Ground and buildings, top and underside of the crowns, all above sea level [m]; infinite where no crown is."""
    solid = np.where(surface.dsm - surface.dem < np.float32(BUILDING_FROM_M), surface.dem, surface.dsm)
    has_canopy = surface.cdsm > 0
    top = np.where(has_canopy, surface.dem + surface.cdsm, np.float32(-np.inf))
    base = np.where(has_canopy, surface.dem + np.float32(TRUNK_SHARE) * surface.cdsm, np.float32(np.inf))
    return solid, top, base


def hidden_along(solid: Floats32, top: Floats32, base: Floats32, ray: March) -> tuple[Bits, Bits]:
    """Which cells have a building on the ray, and which a crown but no building; both (rows, columns)."""
    by_building = np.zeros(solid.shape, dtype=np.bool_)
    by_crown = np.zeros(solid.shape, dtype=np.bool_)
    rise_before = np.float32(0.0)
    for row, column, rise in zip(ray.rows, ray.columns, ray.rise_m, strict=True):
        here, there = _overlap(solid.shape, int(row), int(column))
        start = solid[here]
        by_building[here] |= solid[there] - rise > start
        crossing = np.minimum(top[there] - rise_before - start, start + rise - base[there])
        by_crown[here] |= crossing > CROSSED_M
        rise_before = rise
    return by_building, by_crown & ~by_building


def _overlap(shape: tuple[int, ...], row: int, column: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The cells that have a cell at this offset, and those cells."""

    def along(size: int, offset: int) -> tuple[slice, slice]:
        first, last = max(0, -offset), max(0, min(size, size - offset))
        last = max(first, last)
        return slice(first, last), slice(first + offset, last + offset)

    here_row, there_row = along(shape[0], row)
    here_column, there_column = along(shape[1], column)
    return (here_row, here_column), (there_row, there_column)


def relief_m(solid: Floats32, top: Floats32) -> float:
    """Height of the highest thing above the lowest ground [m]."""
    return float(max(solid.max(), top.max()) - solid.min())


def hidden_patches(surface: Surface) -> tuple[Bits, Bits]:
    """(153, rows, columns) patches hidden by buildings, and by crowns alone."""
    solid, top, base = solid_and_canopy(surface)
    dome = sky_dome()
    by_building = np.zeros((PATCHES, *surface.shape), dtype=np.bool_)
    by_crown = np.zeros_like(by_building)
    for patch in range(ZENITH):
        ray = march_to_patch(dome, patch, surface.pixel_size_m, relief_m(solid, top))
        by_building[patch], by_crown[patch] = hidden_along(solid, top, base, ray)
    by_crown |= _in_a_bush(solid, top, base) & ~by_building
    by_crown[ZENITH] = top > solid
    return by_building, by_crown


def shade(surface: Surface, azimuth_deg: float, altitude_deg: float) -> Bytes:
    """(rows, columns) what stands between each cell and the sun: 0 building, 1 crown, 2 nothing."""
    solid, top, base = solid_and_canopy(surface)
    ray = march(azimuth_deg, altitude_deg, surface.pixel_size_m, relief_m(solid, top))
    by_building, by_crown = hidden_along(solid, top, base, ray)
    by_crown |= _in_a_bush(solid, top, base)
    return np.where(by_building, SHADED_BY_BUILDING, np.where(by_crown, SHADED_BY_CANOPY, SUNLIT)).astype(np.uint8)


def _in_a_bush(solid: Floats32, top: Floats32, base: Floats32) -> Bits:
    """(rows, columns) cells that a low crown fills."""
    return np.asarray((top > solid) & (base - solid < BUSH_BELOW_M))
