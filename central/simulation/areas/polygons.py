"""Heat areas as polygons: one feature for each connected piece of a band, in longitude and latitude.

A building belongs to the band of the ground nearest to it: a library in the middle of a hot square stands in the heat area, and
the outlines do not dissolve into ten thousand holes. They are those of the map's own cells: nothing is smoothed, because at noon all
the shade of a town lies in strips two cells wide beside its houses. Only pieces smaller than a least area are joined to what they
touch most (`areas.sieve`): smaller than ISLAND_M2, and so small that each band keeps its size. The outlines are traced as one
coverage (`areas.trace`) and drawn with few points (`areas.lines`), so that neighbours keep one common line: no slivers, no overlaps,
no stairs.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from central.city.grid import Grid
from central.city.projection import LocalFrame
from central.heat.comfort.bands import Band
from central.simulation.areas.sieve import sieve, sieve_gently
from central.simulation.areas.text import point_texts
from central.simulation.areas.trace import trace
from central.simulation.bands import BANDS
from central.simulation.frames import LEVEL_MAX, NO_VALUE, Layer, Mask
from central.simulation.png import Gray

ISLAND_M2: Final = 100.0
"""Where nothing is lost by it, smaller pieces are joined to their neighbour."""
DECIMALS: Final = (6, 7, 9)
"""Of a degree: 0.1 m; more only where borders lie so close that rounding would make them touch."""

_BELOW: Final = 0


@dataclass(frozen=True, slots=True)
class Area:
    """One connected piece of a band in local metres."""

    band: str
    min_degc: float
    max_degc: float | None
    outline: shapely.Polygon


def bands_from(layer_name: str, minimum_degc: float) -> tuple[Band, ...]:
    """The bands above `minimum_degc`, the lowest cut at it. Raises KeyError for a layer without bands."""
    bands = BANDS[layer_name]
    lowest = next(band for band in reversed(bands) if minimum_degc >= band.from_degc)
    return (replace(lowest, from_degc=minimum_degc), *(band for band in bands if band.from_degc > minimum_degc))


class NearestGround:
    """For every cell the nearest one where people walk; follows from the buildings alone, so it is made once per city.

    Args:
        is_ground: (rows, columns) True where people walk.
    """

    def __init__(self, is_ground: Mask) -> None:
        self.is_ground = is_ground
        self._rows, self._columns = ndimage.distance_transform_edt(
            ~is_ground, return_distances=False, return_indices=True
        ).astype(np.int32)

    def fill(self, field: Gray) -> Gray:
        """The field with each building's cells taken from the nearest ground; unchanged where there is no ground at all."""
        return field[self._rows, self._columns] if self.is_ground.any() else field

    def cell(self, row: int, column: int) -> tuple[int, int]:
        """The ground cell nearest to this one; itself when it is ground."""
        return int(self._rows[row, column]), int(self._columns[row, column])


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """The bands of a map without their smallest pieces.

    Args:
        bands: from the lowest up.
        classes: (rows, columns) 0 below the first band, 1 .. n in the bands, buildings as the ground nearest to them.
        least_area_m2: smaller pieces were joined to what they touch most.
    """

    bands: tuple[Band, ...]
    classes: Gray
    least_area_m2: float


def pieces_of(
    layer: Layer, grid: Grid, minimum_degc: float, nearest: NearestGround, least_area_m2: float | None = None
) -> Pieces:
    """What areas are drawn for.

    Args:
        layer: wbgt or utci.
        grid: where it lies.
        minimum_degc: the lowest limit.
        nearest: of the layer's ground.
        least_area_m2: pieces below are joined to their neighbours; None: as coarse as each band keeps its size, ISLAND_M2 at most.

    Raises:
        KeyError: for a layer without bands.

    """
    bands = bands_from(layer.kind.name, minimum_degc)
    classes = nearest.fill(_classes(layer, bands))
    cell_m2 = grid.pixel_size_m**2
    wanted_m2 = ISLAND_M2 if least_area_m2 is None else least_area_m2
    # More cells than the map has mean the same as all of them.
    least_cells = min(math.ceil(wanted_m2 / cell_m2), classes.size)
    if least_area_m2 is None:
        classes, least_cells = sieve_gently(classes, least_cells)
        return Pieces(bands, classes, least_cells * cell_m2)
    return Pieces(bands, sieve(classes, least_cells), least_area_m2)


def outlines(pieces: Pieces, grid: Grid) -> list[Area]:
    """The polygons of the pieces above the lowest limit, largest first."""
    points, ends, piece, class_of = trace(pieces.classes)
    local = np.column_stack(
        (grid.x_west_m + grid.pixel_size_m * points[:, 0], grid.y_north_m - grid.pixel_size_m * points[:, 1])
    )
    bands = pieces.bands
    edges = [*(band.from_degc for band in bands[1:]), None]
    areas = [
        Area(bands[value - 1].id, bands[value - 1].from_degc, edges[value - 1], outline)
        for outline, value in _polygons(local, ends, piece, class_of)
    ]
    return sorted(areas, key=lambda area: area.outline.area, reverse=True)


def heat_areas(
    layer: Layer, grid: Grid, minimum_degc: float, nearest: NearestGround, least_area_m2: float | None = None
) -> list[Area]:
    """`outlines` of `pieces_of` the layer."""
    return outlines(pieces_of(layer, grid, minimum_degc, nearest, least_area_m2), grid)


def _polygons(
    points: NDArray[np.float64], ends: NDArray[np.int32], piece: NDArray[np.int32], class_of: NDArray[np.int32]
) -> list[tuple[shapely.Polygon, int]]:
    """(outline, class) of each piece: its one outer ring, which runs anticlockwise, and its holes."""
    if not len(ends):
        return []
    starts = np.concatenate(([0], ends[:-1]))
    twice_area = np.add.reduceat(
        np.append(points[:-1, 0] * points[1:, 1] - points[1:, 0] * points[:-1, 1], 0.0) * _within(ends, len(points)),
        starts,
    )
    order = np.lexsort((twice_area < 0.0, piece))
    index = np.concatenate([np.arange(starts[ring], ends[ring]) for ring in order])
    ring_offsets = np.concatenate(([0], np.cumsum((ends - starts)[order])))
    outer = np.flatnonzero(twice_area[order] > 0.0)
    outlines = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON, points[index], (ring_offsets, np.append(outer, len(order)))
    )
    return list(zip(outlines, class_of[order][outer].tolist(), strict=True))


def _within(ends: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """(count,) 1 where a point and the next one are of one ring, 0 at each ring's end."""
    within = np.ones(count)
    within[ends - 1] = 0.0
    return within


def areas_geojson(
    areas: list[Area],
    frame: LocalFrame,
    *,
    frame_id: str,
    at: str,
    layer: str,
    least_area_m2: float,
    attribution: str,
) -> bytes:
    """A GeoJSON FeatureCollection (RFC 7946) of the areas, UTF-8. `attribution`: the line that the city's licence asks for."""
    collection = {
        "type": "FeatureCollection",
        "frame": frame_id,
        "at": at,
        "layer": layer,
        "least_area_m2": least_area_m2,
        "attribution": attribution,
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": coordinates},
                "properties": {
                    "band": area.band,
                    "min_degc": area.min_degc,
                    "max_degc": area.max_degc,
                    "area_m2": round(area.outline.area),
                    "frame": frame_id,
                    "at": at,
                },
            }
            for area, coordinates in zip(areas, _coordinates([area.outline for area in areas], frame), strict=True)
        ],
    }
    return msgspec.json.encode(collection)


def _classes(layer: Layer, bands: tuple[Band, ...]) -> NDArray[np.uint8]:
    """(rows, columns) 0 below the first band and where there is no value, 1 .. n in the bands."""
    value = layer.offset + layer.step * np.arange(LEVEL_MAX + 1) + layer.step * 1e-6
    table = np.zeros(LEVEL_MAX + 1, np.uint8)
    for number, band in enumerate(bands, start=1):
        table[value >= band.from_degc] = number
    table[NO_VALUE] = _BELOW
    classes: NDArray[np.uint8] = table[layer.level]
    return classes


def _coordinates(outlines: list[shapely.Polygon], frame: LocalFrame) -> list[msgspec.Raw]:
    """For each outline its rings as JSON, [lon, lat] rounded alike for all, so that neighbours keep one line."""
    if not outlines:
        return []
    kind, local, offsets = shapely.to_ragged_array(np.array(outlines, dtype=object))
    degrees = np.column_stack(frame.to_lonlat(local[:, 0], local[:, 1]))
    point_ends, polygon_ends = offsets
    for decimals in DECIMALS:
        points = np.round(degrees, decimals)
        if shapely.is_valid(shapely.from_ragged_array(kind, points, offsets)).all():
            break
    text, ends = point_texts(degrees, decimals)
    # A ring's last comma is left out.
    places = np.append(0, ends)[point_ends].tolist()
    rings = [text[begin : end - 1] for begin, end in pairwise(places)]
    return [
        msgspec.Raw(b"[[" + b"],[".join(rings[begin:end]) + b"]]") for begin, end in pairwise(polygon_ends.tolist())
    ]
