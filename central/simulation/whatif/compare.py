"""Before and after at chosen moments, computed where a change can be felt and nowhere else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from central.heat.geometry import Geometry
from central.heat.geometry.prepared import ROWS_PER_BAND, Room, geometry_of, heights_of, look_round
from central.heat.land_cover import UNKNOWN, LandCover
from central.heat.step import Weather, step
from central.heat.sun import sun_position
from central.heat.surface import Surface
from central.simulation.whatif.window import Box, Windows, cut, relief_m, windows

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]
Codes = NDArray[np.uint8]
Progress = Callable[[float, str], None]
"""Called with the share done (0 .. 1) and a line for people. May raise to stop the work."""

HOT_WBGT_DEGC = 31.0
"""From here the Ministry's scale says "danger"."""
FIELDS = ("wbgt", "utci", "tmrt", "shadow")
PREPARING_SHARE = 0.8
ROOF = 2
"""Code of roofs in the land cover."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`at_ms`: when, for the sun [unix ms]; `weather`: over the whole city."""

    at_ms: int
    weather: Weather


@dataclass(frozen=True, slots=True)
class Row:
    """One moment in numbers, over the dirty box.

    Areas count the ground that there is before or after; means are taken over the cells where people walk both before and after,
    and are None where there are none.
    """

    at_ms: int
    hot_m2_before: float
    hot_m2_after: float
    walks_m2: float
    walks_before: Mapping[str, float] | None
    walks_after: Mapping[str, float] | None


@dataclass(frozen=True, eq=False)
class Maps:
    """Fields of one moment over the dirty box, (rows, columns) float32."""

    before: Mapping[str, Field]
    after: Mapping[str, Field]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What the changes do. `windows` None: they change no cell, and there is nothing to show."""

    windows: Windows | None
    is_ground_before: Mask
    is_ground_after: Mask
    rows: tuple[Row, ...]
    maps: tuple[Maps, ...]


def compare(
    before: Surface,
    after: Surface,
    is_changed: Mask,
    moments: Sequence[Moment],
    is_walk: Mask,
    *,
    land_cover: Codes | None = None,
    progress: Progress = lambda _share, _line: None,
) -> Comparison:
    """Compute both cities where they can differ.

    Args:
        before: the city as it is.
        after: the city with the changes, on the same raster.
        is_changed: (rows, columns) where the two surfaces differ.
        moments: sun and weather to compare at.
        is_walk: (rows, columns) True on the ways that means are taken over.
        land_cover: (rows, columns) uint8 codes of what the ground is made of; the usual mixed city where left out. Where a
            building goes, nobody knows what comes: that ground counts as unknown.
        progress: see above.

    Raises:
        ValueError: a land cover with a code that means nothing.
    """
    suns = [sun_position(moment.at_ms, before.lat, before.lon) for moment in moments]
    found = windows(before, after, is_changed, tuple(sun.altitude_deg for sun in suns))
    if found is None:
        nothing = np.zeros((0, 0), np.bool_)
        return Comparison(None, nothing, nothing, (), ())
    dirty = found.dirty.within(found.seen)
    geometries: list[Geometry] = []
    for number, (surface, line) in enumerate(((before, "the city as it is"), (after, "the city with the changes"))):

        def report(share: float, number: int = number, line: str = line) -> None:
            progress(PREPARING_SHARE * (number + share) / 2.0, f"looking round in {line}")

        geometries.append(_look_round(cut(surface, found.seen, relief_m(surface)), dirty, report))
    ground_before, ground_after = (geometry.is_ground[dirty.slices].copy() for geometry in geometries)
    covers = [_cover(land_cover, found.seen, geometry.is_ground) for geometry in geometries]
    rows, maps = [], []
    for number, (moment, sun) in enumerate(zip(moments, suns, strict=True)):
        progress(
            PREPARING_SHARE + (1.0 - PREPARING_SHARE) * number / len(moments), f"moment {number + 1} of {len(moments)}"
        )
        both = []
        for geometry, cover in zip(geometries, covers, strict=True):
            frame = step(geometry, moment.weather, sun, land_cover=cover, blank_utci=True)
            fields = (frame.wbgt_degc, frame.utci_degc, frame.tmrt_degc, frame.shadow)
            both.append({name: field[dirty.slices].copy() for name, field in zip(FIELDS, fields, strict=True)})
        shown = Maps(*both)
        maps.append(shown)
        walks = is_walk[found.dirty.slices] & ground_before & ground_after
        rows.append(_row(moment.at_ms, shown, ground_before, ground_after, walks, before.pixel_size_m**2))
    progress(1.0, "done")
    return Comparison(found, ground_before, ground_after, tuple(rows), tuple(maps))


def _look_round(surface: Surface, dirty: Box, progress: Callable[[float], None]) -> Geometry:
    """The geometry of a surface, right in the bands of rows that hold the dirty box; elsewhere nothing is seen, and nothing asked."""
    heights, is_ground = heights_of(surface)
    rows, blocks = heights.block_floor.shape
    room = Room.empty(rows, blocks)
    for array in (room.blocked, room.openness_level, room.sky_view_padded, room.sky_view_buildings_padded):
        array[...] = 0
    wanted = range(dirty.row0 // ROWS_PER_BAND * ROWS_PER_BAND, dirty.row1, ROWS_PER_BAND)
    done = set(range(0, rows, ROWS_PER_BAND)).difference(wanted)
    look_round(heights, surface.pixel_size_m, room, done=done, progress=progress)
    return geometry_of(surface, heights, is_ground, room)


def _cover(codes: Codes | None, seen: Box, is_ground: Mask) -> LandCover | None:
    """The box's cover, with the row of pits."""
    if codes is None:
        return None
    part = np.vstack([codes[seen.slices], np.full((1, seen.shape[1]), UNKNOWN, np.uint8)])
    part[is_ground & (part == ROOF)] = UNKNOWN
    return LandCover(part)


def _row(  # noqa: PLR0917
    at_ms: int, maps: Maps, ground_before: Mask, ground_after: Mask, walks: Mask, cell_m2: float
) -> Row:
    return Row(
        at_ms,
        hot_m2_before=float((maps.before["wbgt"][ground_before] >= HOT_WBGT_DEGC).sum() * cell_m2),
        hot_m2_after=float((maps.after["wbgt"][ground_after] >= HOT_WBGT_DEGC).sum() * cell_m2),
        walks_m2=float(walks.sum() * cell_m2),
        walks_before=_means(maps.before, walks),
        walks_after=_means(maps.after, walks),
    )


def _means(fields: Mapping[str, Field], where: Mask) -> dict[str, float] | None:
    if not where.any():
        return None
    return {name: float(field[where].mean(dtype=np.float64)) for name, field in fields.items()}


__all__ = ["Box", "Comparison", "Maps", "Moment", "Row", "compare"]
