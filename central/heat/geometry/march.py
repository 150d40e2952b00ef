"""The cells that a ray towards the sun or a patch of sky passes, as offsets from the cell it starts in."""

import math
from typing import NamedTuple

import numpy as np

from central.heat.geometry.dome import SkyDome
from central.heat.geometry.types import Floats32, Integers, Offsets

NEAR_STEPS = 32
"""Steps taken one by one towards a low patch; further out, where a patch spans many cells, steps are left out."""
LOW_BAND_DEG = 25.0
LOWEST_BAND_DEG = 12.0
TIE_BREAK_DEG = 0.01
"""Patches are turned by this much, so that none lies exactly on a diagonal, where rounding decides."""
LONGEST_MARCH_STEPS = 4000


class March(NamedTuple):
    """One ray, or several laid end to end. Arrays of shape (steps,)."""

    rows: Offsets
    """Row of each step relative to the start; south is positive."""
    columns: Offsets
    """Column of each step relative to the start; east is positive."""
    rise_m: Floats32
    """Height that the ray has gained at the step [m]."""


def march(azimuth_deg: float, altitude_deg: float, pixel_size_m: float, relief_m: float) -> March:
    """The steps of a ray until it has risen above the highest thing in the city.

    A step goes one cell along the axis nearest to the ray and rounds to the nearest cell on the other
    (Ratti & Richens 1999, shadow casting on raster elevation models).

    Args:
        azimuth_deg: direction of the ray, clockwise from north.
        altitude_deg: its angle above the horizon, above 0.
        pixel_size_m: edge of a cell [m].
        relief_m: height of the highest surface above the lowest [m].
    """
    azimuth = math.radians(azimuth_deg)
    east, north = math.sin(azimuth), math.cos(azimuth)
    along_columns = abs(east) > abs(north) - 1e-12
    cells_per_step = 1.0 / abs(east) if along_columns else 1.0 / abs(north)
    rise_per_step_m = cells_per_step * math.tan(math.radians(altitude_deg)) * pixel_size_m
    steps = min(LONGEST_MARCH_STEPS, int(relief_m / rise_per_step_m))
    index = np.arange(1.0, steps + 1.0)
    across_per_step = abs(north / east) if along_columns else abs(east / north)
    across = np.rint(index * across_per_step)
    columns = math.copysign(1.0, east) * (index if along_columns else across)
    rows = -math.copysign(1.0, north) * (across if along_columns else index)
    return March(
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        rise_m=(index * rise_per_step_m).astype(np.float32),
    )


def march_to_patch(dome: SkyDome, patch: int, pixel_size_m: float, relief_m: float) -> March:
    """The steps towards the centre of a patch, thinned far out for the two lowest bands."""
    altitude_deg = float(dome.altitude_deg[patch])
    full = march((dome.azimuth_deg[patch] + TIE_BREAK_DEG) % 360.0, altitude_deg, pixel_size_m, relief_m)
    if altitude_deg >= LOW_BAND_DEG:
        return full
    step = np.arange(1, full.rows.size + 1)
    every = 4 if altitude_deg < LOWEST_BAND_DEG else 2
    kept = (step <= NEAR_STEPS) | ((step <= 3 * NEAR_STEPS) & (step % 2 == 0)) | (step % every == 0)
    return March(rows=full.rows[kept], columns=full.columns[kept], rise_m=full.rise_m[kept])


def join(marches: list[March]) -> tuple[March, Integers]:
    """Several marches end to end, and the (rays + 1,) places where each begins and ends."""
    starts = np.concatenate([[0], np.cumsum([each.rows.size for each in marches])]).astype(np.int64)
    joined = March(
        rows=np.concatenate([each.rows for each in marches]),
        columns=np.concatenate([each.columns for each in marches]),
        rise_m=np.concatenate([each.rise_m for each in marches]),
    )
    return joined, starts
