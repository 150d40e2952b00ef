"""Rings in degrees to valid shapes in local metres."""

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from central.city.gml_geometry import BrokenError, RawPolygon
from central.city.model import Outline, RoofFace
from central.city.projection import Float64s, LocalFrame

AREA_MIN_M2 = 0.5
"""Smaller footprints are slips of the pen: a telephone box covers 0.8 m2."""
_STEEP = 0.05
"""Faces whose normal rises less than this (87 degrees from level) are walls, whatever they are called."""


def footprint_outline(polygons: tuple[RawPolygon, ...], frame: LocalFrame) -> tuple[Outline, bool]:
    """The footprint in local metres and whether it had to be mended (its rings crossed themselves).

    Raises:
        BrokenError: the footprint has no area.
    """
    shapes = [_shape(polygon, frame) for polygon in polygons]
    mended = not all(shape.is_valid for shape in shapes)
    outline = polygonal(np.asarray(shapely.make_valid(np.array(shapes, dtype=object)), dtype=object))
    if outline is None or outline.area < AREA_MIN_M2:
        area = 0.0 if outline is None else outline.area
        raise BrokenError("footprint without area", f"{area:.3f} m2")
    return outline, mended


def polygonal(shapes: NDArray[np.object_]) -> Outline | None:
    """The union of what has an area among these shapes (polygons, or collections with polygons in them), or None."""
    parts = shapely.get_parts(shapely.get_parts(shapes))
    areas = [part for part in parts.tolist() if isinstance(part, Polygon) and part.area > 0.0]
    if not areas:
        return None
    union = areas[0] if len(areas) == 1 else shapely.union_all(areas)
    return union if isinstance(union, Polygon | MultiPolygon) else None


def roof_face(polygon: RawPolygon, frame: LocalFrame, foot_m: float) -> RoofFace | None:
    """The plane of a roof polygon, heights from the building's foot; None for a face that stands upright or has no area."""
    x, y = frame.to_local(polygon.exterior[:, 1], polygon.exterior[:, 0])
    z = polygon.exterior[:, 2] - foot_m
    normal = _newell(x, y, z)
    length = float(np.linalg.norm(normal))
    if length == 0.0 or abs(normal[2]) < _STEEP * length:
        return None
    outline = _shape(polygon, frame)
    if not outline.is_valid:
        mended = polygonal(np.array([shapely.make_valid(outline)], dtype=object))
        if mended is None:
            return None
        outline = max(shapely.get_parts(mended), key=lambda part: part.area)
    a, b = -normal[0] / normal[2], -normal[1] / normal[2]
    c = float(z.mean() - a * x.mean() - b * y.mean())
    return RoofFace(outline, float(a), float(b), c, float(z.min()), float(z.max()))


def _newell(x: Float64s, y: Float64s, z: Float64s) -> Float64s:
    """Normal of a polygon that need not be quite level (Newell's method), its length twice the area."""
    x, y, z = x - x[0], y - y[0], z - z[0]
    x_next, y_next, z_next = np.roll(x, -1), np.roll(y, -1), np.roll(z, -1)
    return np.array(
        [
            np.sum((y - y_next) * (z + z_next)),
            np.sum((z - z_next) * (x + x_next)),
            np.sum((x - x_next) * (y + y_next)),
        ]
    )


def _shape(polygon: RawPolygon, frame: LocalFrame) -> Polygon:
    rings = [np.column_stack(frame.to_local(ring[:, 1], ring[:, 0])) for ring in polygon.rings]
    return Polygon(rings[0], rings[1:])
