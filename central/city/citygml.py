"""PLATEAU buildings out of CityGML 1.0 and 2.0, editions 1 to 4, by local names.

One `RawVolume` for every building or building part that has a footprint: what the file says, in the file's degrees,
nothing decided yet. A broken building is counted and left out; only a file that is no CityGML at all stops the import.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from central.city.gml_geometry import BrokenError, Polygons, RawPolygon
from central.city.gml_objects import city_objects, object_id
from central.city.xml_source import Element, local_name

EXAMPLES_MAX = 5
HEIGHT_MAX_M = 700.0
"""Above any building in Japan (the tallest tower measures 634 m)."""
STOREYS_MAX = 100
"""PLATEAU writes 9999 for storeys that are not known."""
PLACEHOLDER_HEIGHT_M = 3.0
"""PLATEAU draws a LOD1 solid of exactly 3 m where the height is not known: all 338 such buildings of three real tiles."""
PLACEHOLDER_SLACK_M = 0.005
_FLAT_M = 0.05

Extent = tuple[float, float]
"""Lowest and highest z [m]."""
LonLatBox = tuple[float, float, float, float]
"""west, south, east, north [degrees]."""


@dataclass(frozen=True, slots=True)
class RawVolume:
    """A building or part as the file has it.

    Args:
        id: gml:id.
        footprint: polygons of the footprint (latitude, longitude, height).
        measured_height_m: bldg:measuredHeight, or None when it is absent or no height.
        solid_height_m: z extent of the LOD2 or LOD1 geometry, or None when there is none or it is a placeholder.
        storeys: bldg:storeysAboveGround, or None.
        ground_m: elevation of the lowest floor, or None where the file has no true elevation.
        roof: polygons of the LOD2 roof.
    """

    id: str
    footprint: tuple[RawPolygon, ...]
    measured_height_m: float | None = None
    solid_height_m: float | None = None
    storeys: int | None = None
    ground_m: float | None = None
    roof: tuple[RawPolygon, ...] = ()


@dataclass(slots=True)
class Tally:
    """Counts that grow while files are read."""

    buildings: int = 0
    height_not_numeric: int = 0
    repaired: int = 0
    outside: int = 0
    outside_plants: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)

    def skip(self, where: str, identifier: str, broken: BrokenError) -> None:
        self.skipped[broken.reason] += 1
        if len(self.examples) < EXAMPLES_MAX:
            line = f", line {broken.line}" if broken.line else ""
            detail = f": {broken.detail}" if broken.detail else ""
            self.examples.append(f"{where}{line}, {identifier or 'no id'}: {broken.reason}{detail}")


def read_buildings(path: Path, tally: Tally, box: LonLatBox | None = None) -> list[RawVolume]:
    """Every building volume of one CityGML file.

    Args:
        path: the file, plain or gzip; it must have passed `xml_source.root_name`.
        tally: counts to add to.
        box: volumes wholly outside are counted and left out before their geometry is read in full.

    Raises:
        UserError: another coordinate system, broken XML.
    """
    volumes: list[RawVolume] = []
    for building in city_objects(path, frozenset({"Building"})):
        tally.buildings += 1
        volumes.extend(_volumes_of(building, path.name, tally, box))
    return volumes


def _volumes_of(building: Element, where: str, tally: Tally, box: LonLatBox | None) -> list[RawVolume]:
    polygons = Polygons(building)
    parts = [
        part
        for child in building
        if local_name(child) in {"consistsOfBuildingPart", "buildingPart"}
        for part in child.iterchildren("{*}BuildingPart")
    ]
    volumes: list[RawVolume] = []
    # A building in parts is their bracket: geometry of its own, if it has any, would hide theirs. It counts when none of
    # the parts can be used.
    for element in (*parts, building):
        if element is building and volumes:
            break
        try:
            volume = _volume_of(element, polygons, where, tally, box=box, bracket=bool(parts) and element is building)
        except BrokenError as broken:
            tally.skip(where, object_id(element), broken)
            continue
        if volume is not None:
            volumes.append(volume)
    return volumes


def _volume_of(
    element: Element, polygons: Polygons, where: str, tally: Tally, *, box: LonLatBox | None, bracket: bool
) -> RawVolume | None:
    """One volume, or None: outside the box, or a bracket without geometry of its own."""
    children: dict[str, list[Element]] = {}
    for child in element:
        children.setdefault(local_name(child), []).append(child)

    def under(*names: str) -> list[RawPolygon]:
        return [polygon for name in names for child in children.get(name, []) for polygon in polygons.under(child)]

    def bounding(surface: str) -> list[RawPolygon]:
        found = [child for child in children.get("boundedBy", []) if any(local_name(face) == surface for face in child)]
        return [polygon for child in found for polygon in polygons.under(child)]

    footprint = under("lod0FootPrint")
    floor_known = bool(footprint)
    footprint = footprint or under("lod0RoofEdge")
    if footprint and box is not None and is_outside(footprint, box):
        tally.outside += 1
        return None
    solids = children.get("lod1Solid", []) + children.get("lod1MultiSurface", [])
    lod1_extent = polygons.z_extent(solids)
    roof: list[RawPolygon] = []
    floor: list[RawPolygon] = []
    lod2: list[RawPolygon] = []
    try:
        roof = bounding("RoofSurface")
        floor = bounding("GroundSurface")
        lod2 = roof + floor or under("lod2Solid", "lod2MultiSurface")
        roof = roof or _upward(lod2)
        extent = _z_extent(lod2)
        if extent is not None and extent[1] - extent[0] > HEIGHT_MAX_M:
            raise BrokenError("taller than any building", f"{extent[1] - extent[0]:g} m", int(element.sourceline or 0))
    except BrokenError as broken:
        if not (footprint or lod1_extent):
            raise
        # A building without its roof's shape is better than a gap in the street.
        roof, floor, lod2 = [], [], []
        tally.skip(
            where, object_id(element), BrokenError(f"LOD2 roof left out, {broken.reason}", broken.detail, broken.line)
        )
    if not footprint:
        footprint = floor or _lowest(under("lod1Solid", "lod1MultiSurface")) or roof
        if footprint and box is not None and is_outside(footprint, box):
            tally.outside += 1
            return None
    if not footprint:
        if bracket:
            return None
        raise BrokenError("no footprint", "neither LOD0 nor a solid", int(element.sourceline or 0))

    measured = _measured_height(children.get("measuredHeight", []), tally)
    return RawVolume(
        id=object_id(element),
        footprint=tuple(footprint),
        measured_height_m=measured,
        solid_height_m=_solid_height(lod1_extent, _z_extent(lod2), is_measured=measured is not None),
        storeys=_storeys(children.get("storeysAboveGround", [])),
        ground_m=_ground(_z_extent(lod2), lod1_extent, _z_extent(footprint) if floor_known else None),
        roof=tuple(roof),
    )


def _measured_height(found: Sequence[Element], tally: Tally) -> float | None:
    if not found:
        return None
    text = (found[0].text or "").strip()
    try:
        height = float(text)
    except ValueError:
        height = float("nan")
    if 0.0 < height <= HEIGHT_MAX_M:
        return height
    tally.height_not_numeric += 1
    return None


def _storeys(found: Sequence[Element]) -> int | None:
    text = (found[0].text or "").strip() if found else ""
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= STOREYS_MAX else None


def _solid_height(lod1: Extent | None, lod2: Extent | None, *, is_measured: bool) -> float | None:
    """Height of the better solid [m], None where it is flat, impossible or only a placeholder."""
    for level, extent in (("lod2", lod2), ("lod1", lod1)):
        if extent is None:
            continue
        height = extent[1] - extent[0]
        placeholder = level == "lod1" and not is_measured and abs(height - PLACEHOLDER_HEIGHT_M) < PLACEHOLDER_SLACK_M
        if _FLAT_M < height <= HEIGHT_MAX_M and not placeholder:
            return height
    return None


def _ground(*extents: Extent | None) -> float | None:
    """The lowest point of the best level that has elevations; a floor at exactly 0 is how "no elevation" is written."""
    return next((extent[0] for extent in extents if extent is not None and extent[0] != 0.0), None)


def _z_extent(polygons: Sequence[RawPolygon]) -> Extent | None:
    if not polygons:
        return None
    return (
        float(min(polygon.exterior[:, 2].min() for polygon in polygons)),
        float(max(polygon.exterior[:, 2].max() for polygon in polygons)),
    )


def _upward(polygons: Sequence[RawPolygon]) -> list[RawPolygon]:
    """Faces of a solid that look at the sky: seen from above they run counter-clockwise, floors clockwise, walls edge-on."""
    found = []
    for polygon in polygons:
        lat, lon, _ = (polygon.exterior - polygon.exterior[0]).T
        signed = float(np.sum(lon * np.roll(lat, -1) - lat * np.roll(lon, -1)))
        span = float(np.ptp(lat) * np.ptp(lon))
        if signed > 1e-4 * span and signed > 0.0:
            found.append(polygon)
    return found


def _lowest(polygons: Sequence[RawPolygon]) -> list[RawPolygon]:
    """The level floor of a solid."""
    extent = _z_extent(polygons)
    if extent is None:
        return []
    low = extent[0]
    return [polygon for polygon in polygons if float(polygon.exterior[:, 2].max()) - low < _FLAT_M]


def is_outside(footprint: Sequence[RawPolygon], box: LonLatBox) -> bool:
    """True where no corner's range of latitude and longitude meets the box."""
    points = np.vstack([polygon.exterior for polygon in footprint])
    lat, lon, _ = points.T
    west, south, east, north = box
    return bool(lon.max() < west or lon.min() > east or lat.max() < south or lat.min() > north)
