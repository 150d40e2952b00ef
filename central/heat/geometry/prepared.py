"""The prepared city: ``prepare`` computes it once from a surface, every step reads it."""

from collections.abc import Callable, Container
from dataclasses import dataclass

import numpy as np

from central.heat.compiled import PARALLEL
from central.heat.geometry.blocks import BLOCK, NOWHERE_HIGH, NOWHERE_LOW, BlockedHeights, lay_out
from central.heat.geometry.dome import PATCHES, WORDS, sky_dome
from central.heat.geometry.march import join, march, march_to_patch
from central.heat.geometry.rays import cast_shadow, see_sky
from central.heat.geometry.skyview import half_sky, seen_through_crowns, sky_view
from central.heat.geometry.types import Bits, Bytes, Floats32, Words
from central.heat.surface import Surface

Progress = Callable[[float], None]

BUILDING_FROM_M = 1.0
"""What rises less than this above the ground is taken as ground (kerbs, cars, noise of the survey)."""
TRUNK_SHARE = 0.25
"""Share of a tree's height that is bare trunk (Lindberg & Grimmond 2011, Theor. Appl. Climatol. 105:311-323)."""
ROWS_PER_BAND = 64


@dataclass(frozen=True, eq=False)
class Geometry:
    """What never changes between two steps. Arrays are read-only for whoever holds it.

    Padded arrays have ``blocks * 128`` columns, of which the first ``columns`` belong to the city.
    """

    rows: int
    columns: int
    pixel_size_m: float
    lat: float
    lon: float
    altitude_m: float
    heights: BlockedHeights
    blocked: Words
    """(rows, blocks, 6, 128) patches of sky hidden by buildings (words 0-2) and by trees alone (words 3-5)."""
    openness_level: Bytes
    """(rows, padded) sky view of the buildings in 256 levels."""
    sky_view_padded: Floats32
    """(rows, padded) sky view with buildings and trees, 0 to 1."""
    sky_view_buildings_padded: Floats32
    """(rows, padded) sky view with the buildings alone."""
    is_ground: Bits
    """(rows, columns) True where one can walk: no building stands there."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the city."""
        return self.rows, self.columns

    @property
    def sky_view(self) -> Floats32:
        """(rows, columns) share of the sky that a level plane sees past buildings and trees, 0 to 1."""
        return self.sky_view_padded[:, : self.columns]

    @property
    def sky_view_buildings(self) -> Floats32:
        """(rows, columns) the same with the trees taken away."""
        return self.sky_view_buildings_padded[:, : self.columns]

    def sky_view_towards(self, azimuth_deg: float) -> tuple[Floats32, Floats32]:
        """(rows, columns) sky view of the half of the sky round an azimuth: past buildings and trees, past buildings.

        The four of north, east, south and west are those of Lindberg & Grimmond (2011), Theor. Appl. Climatol.
        105:311-323; the step itself needs none, it counts single patches.
        """
        by_buildings, by_trees, _ = sky_view(self.blocked, half_sky(azimuth_deg))
        return seen_through_crowns(by_buildings, by_trees)[:, : self.columns], by_buildings[:, : self.columns]

    @property
    def solid_m(self) -> Floats32:
        """(rows, columns) height of ground and buildings above sea level."""
        return self.heights.solid[:, BLOCK : BLOCK + self.columns]

    @property
    def resident_bytes(self) -> int:
        """Memory that the arrays take [B]."""
        own = (self.blocked, self.openness_level, self.sky_view_padded, self.sky_view_buildings_padded, self.is_ground)
        return sum(array.nbytes for array in (*own, *self.heights))

    def cast_shadow(self, azimuth_deg: float, altitude_deg: float, shade: Bytes) -> None:
        """Write into ``shade`` (rows, padded) which cells the sun reaches: 0 building, 1 canopy, 2 sun."""
        ray = march(azimuth_deg, altitude_deg, self.pixel_size_m, self.heights.relief_m)
        with PARALLEL:
            cast_shadow(self.heights, ray, shade)


@dataclass(frozen=True, eq=False)
class Room:
    """Arrays of a ``Geometry`` that are filled band by band; they may lie in a mapped file."""

    blocked: Words
    openness_level: Bytes
    sky_view_padded: Floats32
    sky_view_buildings_padded: Floats32

    @classmethod
    def empty(cls, rows: int, blocks: int) -> "Room":
        """Room in memory."""
        padded = (rows, blocks * BLOCK)
        return cls(
            np.empty((rows, blocks, 2 * WORDS, BLOCK), dtype=np.uint64),
            np.empty(padded, dtype=np.uint8),
            np.empty(padded, dtype=np.float32),
            np.empty(padded, dtype=np.float32),
        )


def prepare(surface: Surface, progress: Progress | None = None) -> Geometry:
    """Look around from every cell of the city and keep what is seen.

    Takes about a second for a million cells, plus some seconds on the very first call of an installation, when the
    kernels are compiled.

    Args:
        surface: the city.
        progress: called now and then with the share done, 0 to 1.
    """
    heights, is_ground = heights_of(surface)
    rows, blocks = heights.block_floor.shape
    room = Room.empty(rows, blocks)
    look_round(heights, surface.pixel_size_m, room, progress=progress)
    return geometry_of(surface, heights, is_ground, room)


def geometry_of(surface: Surface, heights: BlockedHeights, is_ground: Bits, room: Room) -> Geometry:
    """The prepared city once all bands are filled."""
    rows, columns = surface.shape
    return Geometry(
        rows=rows,
        columns=columns,
        pixel_size_m=surface.pixel_size_m,
        lat=surface.lat,
        lon=surface.lon,
        altitude_m=surface.altitude_m,
        heights=heights,
        blocked=room.blocked,
        openness_level=room.openness_level,
        sky_view_padded=room.sky_view_padded,
        sky_view_buildings_padded=room.sky_view_buildings_padded,
        is_ground=is_ground,
    )


def heights_of(surface: Surface) -> tuple[BlockedHeights, Bits]:
    """The surface laid out for the kernels, and where one can walk."""
    is_ground = surface.dsm - surface.dem < np.float32(BUILDING_FROM_M)
    solid = np.where(is_ground, surface.dem, surface.dsm)
    has_canopy = surface.cdsm > 0
    canopy_top = np.where(has_canopy, surface.dem + surface.cdsm, NOWHERE_LOW)
    canopy_base = np.where(has_canopy, surface.dem + np.float32(TRUNK_SHARE) * surface.cdsm, NOWHERE_HIGH)
    return lay_out(solid, canopy_top, canopy_base), is_ground


def look_round(
    heights: BlockedHeights,
    pixel_size_m: float,
    room: Room,
    *,
    done: Container[int] = (),
    on_band: Callable[[int], None] | None = None,
    progress: Progress | None = None,
) -> None:
    """Fill the room band by band of 64 rows. Rays run over the whole city: no band has a seam.

    Args:
        heights: of the whole city.
        pixel_size_m: edge of a cell.
        room: filled.
        done: first rows of bands that are filled already and are passed over.
        on_band: called with a band's first row when it is filled.
        progress: called with the share done, 0 to 1.
    """
    report = progress or (lambda _share: None)
    report(0.0)
    dome = sky_dome()
    relief_m = heights.relief_m
    rays, ray_starts = join([march_to_patch(dome, patch, pixel_size_m, relief_m) for patch in range(PATCHES - 1)])
    rows = heights.block_floor.shape[0]
    for first_row in range(0, rows, ROWS_PER_BAND):
        last_row = min(rows, first_row + ROWS_PER_BAND)
        if first_row not in done:
            with PARALLEL:
                see_sky(heights, rays, ray_starts, dome.word, dome.bit, first_row, last_row, room.blocked)
            _view_band(room, slice(first_row, last_row))
            if on_band is not None:
                on_band(first_row)
        report(last_row / rows)


def _view_band(room: Room, band: slice) -> None:
    by_buildings, by_trees, level = sky_view(room.blocked[band])
    room.sky_view_padded[band] = seen_through_crowns(by_buildings, by_trees)
    room.sky_view_buildings_padded[band] = by_buildings
    room.openness_level[band] = level
