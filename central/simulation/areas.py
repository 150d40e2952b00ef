"""Heat areas as polygons: one feature for each connected piece of a band, in longitude and latitude.

A building belongs to the band of the ground nearest to it: a library in the middle of a hot square stands in the heat area, and
the outlines do not dissolve into ten thousand holes. A map of areas is coarser than a map of cells: the classes are generalised
to cells of about GENERAL_M (medians of three by three, so that a lamp post's shadow is no island), and
pieces and holes smaller than a place one could step aside to are joined to what surrounds them (GDAL's sieve). The outlines are
traced as one coverage (`areas_trace`) and drawn with few points (`areas_lines`), so that neighbours keep one common line: no slivers,
no overlaps, no stairs.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features
from scipy import ndimage

from central.city.grid import Grid
from central.city.projection import LocalFrame
from central.heat.comfort.bands import Band
from central.simulation.areas_trace import trace
from central.simulation.bands import BANDS
from central.simulation.frames import LEVEL_MAX, NO_VALUE, Layer, Mask
from central.simulation.png import Gray

ISLAND_M2: Final = 100.0
"""Smaller pieces are joined to their neighbour."""
GENERAL_M: Final = 4.0
"""The cells that areas are drawn from are about this wide."""
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


def heat_areas(layer: Layer, grid: Grid, minimum_degc: float, nearest: NearestGround) -> list[Area]:
    """The pieces of each band from `minimum_degc` up, largest first. Raises KeyError for a layer without bands."""
    bands = bands_from(layer.kind.name, minimum_degc)
    factor = max(1, round(GENERAL_M / grid.pixel_size_m))
    classes = generalise(nearest.fill(_classes(layer, bands)), factor)
    size_m = factor * grid.pixel_size_m
    if min(classes.shape) > 1:
        classes = features.sieve(classes, size=max(2, math.ceil(ISLAND_M2 / size_m**2)), connectivity=4)
    points, ends, piece, class_of = trace(classes)
    local = np.column_stack(
        (
            grid.x_west_m + grid.pixel_size_m * _fine(points[:, 0], factor, classes.shape[1], grid.width),
            grid.y_north_m - grid.pixel_size_m * _fine(points[:, 1], factor, classes.shape[0], grid.height),
        )
    )
    edges = [*(band.from_degc for band in bands[1:]), None]
    areas = [
        Area(bands[value - 1].id, bands[value - 1].from_degc, edges[value - 1], outline)
        for outline, value in _polygons(local, ends, piece, class_of)
    ]
    return sorted(areas, key=lambda area: area.outline.area, reverse=True)


def generalise(classes: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Every `factor`-th cell both ways of the classes smoothed by the median of three by three, and smoothed once more.

    Sampled, not pooled: pooling has to round a cell that is half in, and all areas would grow or shrink by it.
    """
    if factor > 1:
        smooth = ndimage.median_filter(classes, size=3, mode="nearest")
        classes = smooth[(factor - 1) // 2 :: factor, (factor - 1) // 2 :: factor]
    return np.ascontiguousarray(ndimage.median_filter(classes, size=3, mode="nearest"), dtype=np.uint8)


def _fine(place: NDArray[np.float64], factor: int, count: int, fine_count: int) -> NDArray[np.float64]:
    """Places counted in `count` coarse cells as counted in the `fine_count` cells they are centred on; the border stays the border."""
    centred = place * factor + (factor - 1) // 2 - (factor - 1) / 2.0
    return np.where(place <= 0.0, 0.0, np.where(place >= count, fine_count, np.clip(centred, 0.0, fine_count)))


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


def areas_geojson(areas: list[Area], frame: LocalFrame, *, frame_id: str, at: str, layer: str) -> bytes:
    """A GeoJSON FeatureCollection (RFC 7946) of the areas, UTF-8."""
    collection = {
        "type": "FeatureCollection",
        "frame": frame_id,
        "at": at,
        "layer": layer,
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": rings},
                "properties": {
                    "band": area.band,
                    "min_degc": area.min_degc,
                    "max_degc": area.max_degc,
                    "area_m2": round(area.outline.area),
                    "frame": frame_id,
                    "at": at,
                },
            }
            for area, rings in zip(areas, _rings([area.outline for area in areas], frame), strict=True)
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


def _rings(outlines: list[shapely.Polygon], frame: LocalFrame) -> list[list[list[list[float]]]]:
    """For each outline its rings as lists of [lon, lat], rounded alike for all, so that neighbours keep one line."""
    if not outlines:
        return []
    kind, local, offsets = shapely.to_ragged_array(np.array(outlines, dtype=object))
    degrees = np.column_stack(frame.to_lonlat(local[:, 0], local[:, 1]))
    ring_ends, polygon_ends = offsets
    for decimals in DECIMALS:
        points = np.round(degrees, decimals)
        if shapely.is_valid(shapely.from_ragged_array(kind, points, offsets)).all():
            break
    listed = points.tolist()
    rings = [listed[begin:end] for begin, end in pairwise(ring_ends.tolist())]
    return [rings[begin:end] for begin, end in pairwise(polygon_ends.tolist())]
