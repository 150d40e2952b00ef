"""Heat areas as polygons: one feature for each connected piece of a band, in longitude and latitude.

A building belongs to the band of the ground nearest to it: a library in the middle of a hot square stands in the heat area, and
the outlines do not dissolve into ten thousand holes. Islands smaller than a place one could step aside to are joined to
what surrounds them (GDAL's sieve), and the outlines are simplified as one coverage, so that neighbours keep one common
edge: no slivers, no overlaps (Visvalingam-Whyatt on shared edges, GEOS).
"""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import features
from scipy import ndimage

from central.city.grid import Grid
from central.city.projection import LocalFrame
from central.heat.comfort.bands import Band
from central.simulation.bands import BANDS
from central.simulation.frames import LEVEL_MAX, NO_VALUE, Layer, Mask
from central.simulation.png import Gray

ISLAND_M2: Final = 100.0
"""Smaller pieces are joined to their neighbour."""
TOLERANCE_PIXELS: Final = 2.5
"""An outline may leave the cells' edges by about this much: it turns stairs into lines."""
DECIMALS: Final = 6

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
    classes = nearest.fill(_classes(layer, bands))
    if min(classes.shape) > 1:
        classes = features.sieve(classes, size=max(2, round(ISLAND_M2 / grid.pixel_size_m**2)))
    pieces = [
        (shapely.geometry.shape(outline), int(value))
        for outline, value in features.shapes(classes, connectivity=4, transform=grid.transform)
    ]
    # Cool ground takes part in the coverage, so that its edges too are simplified once.
    outlines = shapely.coverage_simplify(
        np.array([outline for outline, _ in pieces], dtype=object), TOLERANCE_PIXELS * grid.pixel_size_m
    )
    edges = [*(band.from_degc for band in bands[1:]), None]
    areas = [
        Area(bands[value - 1].id, bands[value - 1].from_degc, edges[value - 1], part)
        for outline, (_, value) in zip(outlines, pieces, strict=True)
        if value != _BELOW
        for part in _polygons(outline)
    ]
    return sorted(areas, key=lambda area: area.outline.area, reverse=True)


def areas_geojson(areas: list[Area], frame: LocalFrame, *, frame_id: str, at: str, layer: str) -> bytes:
    """A GeoJSON FeatureCollection (RFC 7946) of the areas, UTF-8."""
    outlines = np.array([area.outline for area in areas], dtype=object)
    if len(outlines):
        outlines = frame.geometries_to_lonlat(shapely.orient_polygons(outlines))
    collection = {
        "type": "FeatureCollection",
        "frame": frame_id,
        "at": at,
        "layer": layer,
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Polygon", "coordinates": _rings(outline)},
                "properties": {
                    "band": area.band,
                    "min_degc": area.min_degc,
                    "max_degc": area.max_degc,
                    "area_m2": round(area.outline.area),
                    "frame": frame_id,
                    "at": at,
                },
            }
            for area, outline in zip(areas, outlines, strict=True)
        ],
    }
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _classes(layer: Layer, bands: tuple[Band, ...]) -> NDArray[np.uint8]:
    """(rows, columns) 0 below the first band and where there is no value, 1 .. n in the bands."""
    value = layer.offset + layer.step * np.arange(LEVEL_MAX + 1) + layer.step * 1e-6
    table = np.zeros(LEVEL_MAX + 1, np.uint8)
    for number, band in enumerate(bands, start=1):
        table[value >= band.from_degc] = number
    table[NO_VALUE] = _BELOW
    classes: NDArray[np.uint8] = table[layer.level]
    return classes


def _polygons(geometry: Any) -> list[shapely.Polygon]:
    """Simplifying may cut a piece in two or make it vanish."""
    return [part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon) and not part.is_empty]


def _rings(outline: shapely.Polygon) -> list[object]:
    return [
        np.round(shapely.get_coordinates(ring), DECIMALS).tolist() for ring in (outline.exterior, *outline.interiors)
    ]
