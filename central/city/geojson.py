"""Building outlines as the map wants them."""

import json

import numpy as np
import shapely

from central.city.model import City

DECIMALS = 6
"""A millionth of a degree is 11 cm on the ground; more digits only make the download larger."""


def buildings_geojson(city: City) -> bytes:
    """A GeoJSON FeatureCollection (RFC 7946) of every building: UTF-8, longitude first, one feature a volume.

    `attribution` (a foreign member) is the line that the licence asks for, empty for the built-in city. Properties: `id`, `height_m`
    (above ground), `base_m` (elevation of the ground), `height_estimated`.
    """
    outlines = np.array([building.outline for building in city.buildings], dtype=object)
    if len(outlines):
        # The right-hand rule: outer rings run counter-clockwise.
        outlines = shapely.orient_polygons(outlines)
        outlines = city.frame.geometries_to_lonlat(outlines)
    features = [
        {
            "type": "Feature",
            "id": index,
            "geometry": {"type": shape.geom_type, "coordinates": _coordinates(shape)},
            "properties": {
                "id": building.id,
                "height_m": round(building.height_m, 1),
                "base_m": round(building.base_m, 1),
                "height_estimated": building.height_estimated,
            },
        }
        for index, (building, shape) in enumerate(zip(city.buildings, outlines, strict=True))
    ]
    collection = {"type": "FeatureCollection", "attribution": city.attribution_ja, "features": features}
    return json.dumps(collection, ensure_ascii=False, separators=(",", ":")).encode()


def _coordinates(shape: shapely.Geometry) -> list[object]:
    if isinstance(shape, shapely.MultiPolygon):
        return [_coordinates(part) for part in shape.geoms]
    assert isinstance(shape, shapely.Polygon)
    return [np.round(shapely.get_coordinates(ring), DECIMALS).tolist() for ring in (shape.exterior, *shape.interiors)]
