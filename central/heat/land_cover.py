"""What covers the ground, and how each cover reflects, sends and heats up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from central.heat.geometry.types import Bytes, Floats32
from central.heat.radiation.weights import Materials, heating_course_k
from central.heat.sun import Sun

CODES: Final = 256


@dataclass(frozen=True)
class Ground:
    """One cover. Its cloudless rise over the air peaks at (k_per_deg x the day's highest sun [deg] + start_k) [K]."""

    albedo: float
    emissivity: float
    heating_k_per_deg: float
    heating_start_k: float
    hottest_hour: float
    """Mean solar time of the peak."""


UNKNOWN: Final = 255
"""Code of ground that nobody described: it is made of ``Materials``."""

GROUNDS: Final[Mapping[int, Ground]] = {
    0: Ground(0.20, 0.95, 0.37, -3.41, 15.0),
    1: Ground(0.18, 0.95, 0.58, -9.78, 15.0),
    2: Ground(0.18, 0.95, 0.58, -9.78, 15.0),
    5: Ground(0.16, 0.94, 0.21, -3.38, 14.0),
    6: Ground(0.25, 0.94, 0.33, -3.01, 14.0),
    7: Ground(0.05, 0.98, 0.0, 0.0, 12.0),
}
"""Cobbles 0, asphalt 1, roofs 2, grass 5, bare soil 6, water 7.

Lindberg, Onomura & Grimmond (2016), Influence of ground surface characteristics on the mean radiant temperature in urban
areas, Int. J. Biometeorol. 60:1439-1452, with the numbers of the table of classes that UMEP's SOLWEIG carries
(landcoverclasses_2016a: Cobble_stone_2014a, Dark_asphalt, Roofs, Grass_unmanaged, Bare_soil, Water; columns Alb, Emis,
Ts_deg, Tstart, TmaxLST): every one of the thirty compared with three public copies of that table. Water there is as warm
as the day's mean air; here as the air by day and night.
"""


@dataclass(frozen=True, eq=False)
class LandCover:
    """Cover of every cell.

    Args:
        codes: (rows, columns) uint8, keys of ``GROUNDS`` or 255.

    Raises:
        ValueError: another type or number of dimensions, or a code that means nothing; names the cell.
    """

    codes: Bytes

    def __post_init__(self) -> None:
        given: Any = np.asarray(self.codes)
        if given.ndim != 2 or given.dtype.kind not in "iu":
            raise ValueError(
                f"land cover has shape {given.shape} and type {given.dtype}, must be (rows, columns) uint8"
            )
        known = np.isin(given, [*GROUNDS, UNKNOWN])
        if not known.all():
            row, column = (int(index) for index in np.unravel_index(int(np.argmin(known)), known.shape))
            raise ValueError(
                f"land cover is {given[row, column]} at row {row}, column {column}: must be one of "
                f"{', '.join(str(code) for code in GROUNDS)} or {UNKNOWN} (unknown)"
            )
        object.__setattr__(self, "codes", np.array(given, dtype=np.uint8, order="C"))


@dataclass(frozen=True, eq=False)
class GroundTable:
    """Properties by code, each (256,)."""

    albedo: Floats32
    emissivity: Floats32
    course_k: Floats32
    """Rise over the air at this hour under a cloudless sky, in the sun [K]."""


def ground_table(sun: Sun, materials: Materials) -> GroundTable:
    """What each cover is like at this moment; codes without an entry are the materials' ground."""
    anywhere = Ground(
        materials.ground_albedo,
        materials.ground_emissivity,
        materials.surface_heating_k_per_deg,
        materials.surface_heating_start_k,
        materials.hottest_hour,
    )
    rows = np.tile(np.array(_numbers(anywhere, sun), dtype=np.float32), (CODES, 1))
    for code, ground in GROUNDS.items():
        rows[code] = _numbers(ground, sun)
    albedo, emissivity, course_k = np.ascontiguousarray(rows.T)
    return GroundTable(albedo, emissivity, course_k)


def _numbers(ground: Ground, sun: Sun) -> tuple[float, float, float]:
    course_k = heating_course_k(sun, ground.heating_k_per_deg, ground.heating_start_k, ground.hottest_hour)
    return ground.albedo, ground.emissivity, course_k
