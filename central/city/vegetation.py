"""Plants of PLATEAU (veg:SolitaryVegetationObject, veg:PlantCover), heights given or estimated.

Classes are those of the code lists SolitaryVegetationObject_class and PlantCover_class: 1 tall (3 m and more),
2 middle (1 .. 3 m), 3 low (below 1 m), 4 ground cover, 5 flowers, 0 not known.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from central.city.citygml import LonLatBox, Tally, is_outside
from central.city.gml_geometry import BrokenError, Points, Polygons, RawPolygon, points_of
from central.city.gml_objects import child_text, city_objects, object_id
from central.city.model import Outline, Tree
from central.city.outlines import footprint_outline
from central.city.projection import LocalFrame
from central.city.xml_source import Element, local_name

HEIGHT_MAX_M = 65.0
"""The tallest tree of Japan, a cedar in Kyoto, measures 62 m."""
CROWN_MAX_M = 45.0
LOW_PLANTS_M = 1.0
"""Lower plants shade nobody: they are ground, not canopy."""
TREE_HEIGHTS_M = {"1": 8.0, "2": 2.0, "3": 0.7}
COVER_HEIGHTS_M = {"1": 8.0, "2": 2.0, "3": 0.7, "4": 0.2, "5": 0.5}
HEIGHT_UNKNOWN_M = 5.0
"""Between the tall and the middle class, where the class is not given either."""
CROWN_SHARE = 0.5
"""Crown diameter of a street tree as a share of its height, and never below a metre."""


@dataclass(frozen=True, slots=True)
class Cover:
    """Ground under plants that are not told apart, in local metres; height above ground [m]."""

    id: str
    outline: Outline
    height_m: float
    estimated: bool


def read_vegetation(
    path: Path, frame: LocalFrame, tally: Tally, box: LonLatBox | None = None
) -> Iterator[tuple[str, Tree | Cover]]:
    """Every tree and plant cover of one CityGML file that touches the box, with its id.

    Raises:
        UserError: another coordinate system, broken XML.
    """
    for element in city_objects(path, frozenset({"SolitaryVegetationObject", "PlantCover"})):
        read = _cover if local_name(element) == "PlantCover" else _tree
        try:
            plant = read(element, frame, box)
        except BrokenError as broken:
            tally.skip(path.name, object_id(element), broken)
            continue
        if plant is not None:
            yield object_id(element), plant


def tree_of(x_m: float, y_m: float, height_m: float | None, crown_m: float | None, *, code: str = "") -> Tree:
    """A tree; what is not known of it is estimated from its class and from the other measure."""
    estimated = height_m is None or crown_m is None
    if height_m is None:
        by_class = TREE_HEIGHTS_M.get(code)
        height_m = by_class if by_class is not None else crown_m / CROWN_SHARE if crown_m else HEIGHT_UNKNOWN_M
        height_m = min(height_m, HEIGHT_MAX_M / 2)
    if crown_m is None:
        crown_m = max(height_m * CROWN_SHARE, 1.0)
    return Tree(x_m, y_m, height_m, crown_m, estimated)


def _tree(element: Element, frame: LocalFrame, box: LonLatBox | None) -> Tree | None:
    height_m = _length(element, "height", HEIGHT_MAX_M)
    crown_m = _length(element, "crownDiameter", CROWN_MAX_M)
    level, shape = _best_level(element, "Geometry")
    if shape:
        if box is not None and is_outside(shape, box):
            return None
        x, y = _projected(shape, frame)
        hull = shapely.MultiPoint(np.column_stack([x, y])).convex_hull
        place = hull.centroid
        if crown_m is None and hull.area > 0.0:
            crown_m = min(2.0 * math.sqrt(hull.area / math.pi), CROWN_MAX_M)
        if height_m is None and level >= 1:
            height_m = _extent_m(shape, HEIGHT_MAX_M)
        east, north = float(place.x), float(place.y)
    else:
        point = _point(element)
        if box is not None and not (box[0] <= point[1] <= box[2] and box[1] <= point[0] <= box[3]):
            return None
        east, north = frame.point_to_local(float(point[1]), float(point[0]))
    return tree_of(east, north, height_m, crown_m, code=child_text(element, "class"))


def _cover(element: Element, frame: LocalFrame, box: LonLatBox | None) -> Cover | None:
    level, shape = _best_level(element, "MultiSolid", "MultiSurface")
    if not shape:
        raise BrokenError("no surface", "neither a solid nor a surface", int(element.sourceline or 0))
    if box is not None and is_outside(shape, box):
        return None
    outline, _ = footprint_outline(tuple(_seen_from_above(shape, frame)), frame)
    height_m = _length(element, "averageHeight", HEIGHT_MAX_M)
    if height_m is None and level == 1:
        height_m = _extent_m(shape, HEIGHT_MAX_M)  # LOD1 is the ground raised by the plants' height
    estimated = height_m is None
    if height_m is None:
        height_m = COVER_HEIGHTS_M.get(child_text(element, "class"), HEIGHT_UNKNOWN_M)
    return Cover(object_id(element), outline, height_m, estimated)


def _best_level(element: Element, *kinds: str) -> tuple[int, list[RawPolygon]]:
    """The simplest level with polygons, its number and them; (0, []) where there is none."""
    polygons = Polygons(element)
    for level in (1, 2, 3, 4):
        for kind in kinds:
            found = [
                polygon
                for holder in element.iterchildren(f"{{*}}lod{level}{kind}")
                for polygon in polygons.under(holder)
            ]
            if found:
                return level, found
    return 0, []


def _point(element: Element) -> Points:
    """Latitude, longitude, height of the first gml:Point: the place of an implicit geometry or of the map symbol."""
    for point in element.iter("{*}Point"):
        for place in point.iterchildren("{*}pos"):
            dimension = 2 if len((place.text or "").split()) == 2 else 3
            found: Points = points_of(place.text or "", dimension, int(place.sourceline or 0))[0]
            return found
    raise BrokenError("no place", "neither a geometry nor a point", int(element.sourceline or 0))


def _length(element: Element, name: str, longest_m: float) -> float | None:
    """A stated length within (0, longest] m, or None where it is absent or no such length (-9999, text)."""
    try:
        value = float(child_text(element, name))
    except ValueError:
        return None
    return value if 0.0 < value <= longest_m else None


def _extent_m(shape: list[RawPolygon], longest_m: float) -> float | None:
    z = np.concatenate([polygon.exterior[:, 2] for polygon in shape])
    extent = float(np.ptp(z))
    return extent if 0.05 < extent <= longest_m else None


def _projected(shape: list[RawPolygon], frame: LocalFrame) -> tuple[Points, Points]:
    points = np.concatenate([polygon.exterior for polygon in shape])
    return frame.to_local(points[:, 1], points[:, 0])


def _seen_from_above(shape: list[RawPolygon], frame: LocalFrame) -> list[RawPolygon]:
    """The faces that are not upright: those have no area in a plan and only make the union slow and broken."""
    x, y = _projected(shape, frame)
    kept = []
    start = 0
    for polygon in shape:
        stop = start + len(polygon.exterior)
        ring = np.column_stack([x[start:stop], y[start:stop]])
        if shapely.area(shapely.polygons(ring)) > 0.01:
            kept.append(polygon)
        start = stop
    return kept
