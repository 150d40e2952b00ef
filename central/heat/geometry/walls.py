"""Walls as maps: how high they rise beside a cell, and where they face."""

import numpy as np

from central.heat.geometry.types import Floats32

WALL_FROM_M = 1.0
"""Lower steps are kerbs, fences and the roughness of surveys."""
NO_WALL = -1.0
"""The aspect where no wall stands, as geographic information systems write level ground."""


def walls(solid_m: Floats32, lowest_m: float = WALL_FROM_M) -> tuple[Floats32, Floats32]:
    """Height and aspect of the walls at the foot of buildings.

    Args:
        solid_m: (rows, columns) height of ground and buildings, row 0 north.
        lowest_m: walls lower than this are left out.

    Returns:
        (rows, columns) height [m] by which the highest of a cell's four neighbours stands over it, 0 where that is no
        wall and along the edge of the map, which has no neighbours to tell; and the azimuth [deg, 0 north, 90 east]
        that the wall there faces, -1 where there is none. At an inner corner the aspect lies between the walls' own.
        Heights as in Lindberg, Holmer & Thorsson (2008), Int. J. Biometeorol. 52:697-713.
    """
    around = np.pad(solid_m, 1, mode="edge").astype(np.float32)
    height_m = np.zeros(solid_m.shape, dtype=np.float32)
    east, north = np.zeros_like(height_m), np.zeros_like(height_m)
    for row, column in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)):
        there = around[1 + row : 1 + row + solid_m.shape[0], 1 + column : 1 + column + solid_m.shape[1]]
        rise_m = np.where(there - solid_m >= lowest_m, there - solid_m, 0.0)
        if row == 0 or column == 0:
            np.maximum(height_m, rise_m, out=height_m)
        # A wall looks away from what rises: of two that meet each has its say by its height and nearness.
        distance = np.hypot(row, column)
        east -= rise_m * np.float32(column / distance**2)
        north += rise_m * np.float32(row / distance**2)
    for edge in (np.s_[0, :], np.s_[-1, :], np.s_[:, 0], np.s_[:, -1]):
        height_m[edge] = 0.0
    aspect_deg = np.degrees(np.arctan2(east, north)) % 360.0
    aspect_deg[aspect_deg >= 360.0] = 0.0  # the rest of a number just below 0 is rounded up to the whole circle
    # Where walls stand on opposite sides none prevails: the cell looks at both, and has no aspect of its own.
    is_told = (height_m > 0.0) & (np.hypot(east, north) > 1e-3)
    return height_m, np.where(is_told, aspect_deg, NO_WALL).astype(np.float32)
