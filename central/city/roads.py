"""Roads, tracks, squares and railways of PLATEAU (tran:Road, Track, Square, Railway) as surfaces.

Codes are those of PLATEAU's code lists: Road_function, RoadStructureAttribute_widthType and _sectionType,
TrafficArea_function, AuxiliaryTrafficArea_function (MLIT, Standard data product specification for 3D city models, 4).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from central.city.citygml import LonLatBox, Tally, is_outside
from central.city.gml_geometry import BrokenError, Polygons, RawPolygon
from central.city.gml_objects import child_text, city_objects, object_id
from central.city.model import LandCover, Outline, Road, RoadKind, RoadSection
from central.city.outlines import footprint_outline
from central.city.projection import LocalFrame
from central.city.xml_source import Element, local_name

KINDS = {
    "Road": RoadKind.ROAD,
    "Track": RoadKind.TRACK,
    "Square": RoadKind.SQUARE,
    "Railway": RoadKind.RAILWAY,
}
ROAD_CLASSES = {
    "1": "motorway",
    "2": "national",
    "3": "prefectural",
    "4": "municipal",
    **dict.fromkeys(("10", "11", "12", "13", "14", "15"), "private"),
}
"""Road_function; 10 to 15 are ways under the Building Standards Act, mostly private ones."""
WIDTH_TYPES_M = {"1": 15.0, "2": 10.5, "3": 5.0, "4": 3.0}
"""15 m and more, 6 .. 15 m, 4 .. 6 m, below 4 m: the lower bound of the open class, the middle of the others."""
SECTIONS = {
    "2": RoadSection.BRIDGE,
    "3": RoadSection.BRIDGE,
    "5": RoadSection.UNDERPASS,
    "6": RoadSection.TUNNEL,
    "7": RoadSection.BRIDGE,
}
WIDTHS_M = (0.5, 200.0)
_LEVELS = ("lod1MultiSurface", "lod2MultiSurface", "lod3MultiSurface", "lod0MultiSurface")

GROUND_OF_KIND = {
    RoadKind.ROAD: LandCover.ASPHALT,
    RoadKind.TRACK: LandCover.BARE_SOIL,
    RoadKind.SQUARE: LandCover.COBBLE,
    RoadKind.RAILWAY: LandCover.BARE_SOIL,
}
"""Roads are paved with asphalt, squares with slabs; tracks are trodden, and ballast is broken stone without a binder."""


@dataclass(frozen=True, slots=True)
class PavedArea:
    """A part of a road in local metres and what it is paved with; `footway` where people on foot have it."""

    outline: Outline
    cover: LandCover
    footway: bool


@dataclass(frozen=True, slots=True)
class RoadSurface:
    """A road and the parts whose ground its file tells apart (LOD2 and up), in the order to draw them."""

    road: Road
    parts: tuple[PavedArea, ...] = ()

    @property
    def cover(self) -> LandCover:
        return GROUND_OF_KIND[self.road.kind]


def read_roads(path: Path, frame: LocalFrame, tally: Tally, box: LonLatBox | None = None) -> Iterator[RoadSurface]:
    """Every road of one CityGML file that touches the box, in local metres; broken ones are counted and left out.

    Raises:
        UserError: another coordinate system, broken XML.
    """
    for element in city_objects(path, frozenset(KINDS)):
        try:
            found = _road(element, frame, box)
        except BrokenError as broken:
            tally.skip(path.name, object_id(element), broken)
            continue
        if found is not None:
            yield found


def _road(element: Element, frame: LocalFrame, box: LonLatBox | None) -> RoadSurface | None:
    polygons = Polygons(element)
    areas = [
        area
        for holder in element
        if local_name(holder) in {"trafficArea", "auxiliaryTrafficArea"}
        for area in holder
        if local_name(area) in {"TrafficArea", "AuxiliaryTrafficArea"}
    ]
    surface = _surface(element, polygons) or [polygon for area in areas for polygon in _surface(area, polygons)]
    if not surface:
        raise BrokenError("no surface", "neither LOD1 nor parts of LOD2", int(element.sourceline or 0))
    if box is not None and is_outside(surface, box):
        return None
    outline, _ = footprint_outline(tuple(surface), frame)
    parts = tuple(part for area in areas if (part := _part(area, polygons, frame)) is not None)
    footways = [part.outline for part in parts if part.footway]
    union = shapely.union_all(footways) if footways else None
    structure = next(element.iter("{*}RoadStructureAttribute"), None)
    stated_m = _stated_width(structure) if structure is not None else None
    section = child_text(structure, "sectionType") if structure is not None else ""
    road = Road(
        id=object_id(element),
        outline=outline,
        kind=KINDS[local_name(element)],
        road_class=ROAD_CLASSES.get(child_text(element, "function"), ""),
        width_m=stated_m if stated_m is not None else width_of(outline),
        width_stated=stated_m is not None,
        section=SECTIONS.get(section, RoadSection.GROUND),
        footways=union if isinstance(union, shapely.Polygon | shapely.MultiPolygon) else None,
    )
    return RoadSurface(road, parts)


def _surface(element: Element, polygons: Polygons) -> list[RawPolygon]:
    """The polygons of the simplest level that has any: all levels cover the same ground."""
    for level in _LEVELS:
        found = [polygon for holder in element.iterchildren("{*}" + level) for polygon in polygons.under(holder)]
        if found:
            return found
    return []


def _part(area: Element, polygons: Polygons, frame: LocalFrame) -> PavedArea | None:
    surface = _surface(area, polygons)
    if not surface:
        return None
    try:
        outline, _ = footprint_outline(tuple(surface), frame)
    except BrokenError:
        return None  # a sliver between two kerbs
    code = child_text(area, "function")
    footway = code.startswith("2")
    cover = LandCover.ASPHALT
    if footway or code.startswith("3"):
        cover = LandCover.COBBLE
    elif code.startswith("5"):
        cover = LandCover.GRASS
    return PavedArea(outline, cover, footway)


def _stated_width(structure: Element) -> float | None:
    try:
        width_m = float(child_text(structure, "width"))
    except ValueError:
        width_m = math.nan
    if WIDTHS_M[0] <= width_m <= WIDTHS_M[1]:
        return width_m
    return WIDTH_TYPES_M.get(child_text(structure, "widthType"))


def width_of(outline: Outline) -> float:
    """Width [m] of the rectangle that has the outline's area and circumference; of a square shape, its side."""
    half_m = float(sum(shapely.length(shapely.get_exterior_ring(part)) for part in shapely.get_parts(outline))) / 2
    half_m += float(sum(ring.length for part in shapely.get_parts(outline) for ring in part.interiors)) / 2
    area_m2 = float(outline.area)
    rest = half_m**2 - 4.0 * area_m2
    return (half_m - math.sqrt(rest)) / 2 if rest > 0.0 else float(np.sqrt(area_m2))
