"""Building outlines of an OpenStreetMap XML file (also JOSM's): footprint, height, storeys, ground level.

Made for towns whose PLATEAU model was brought to OSM (tags height, ele, ref:MLIT_PLATEAU); any OSM extract with
buildings will do. Where a building has parts with their own heights, the parts count and not the outline round them.
"""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from central.city.citygml import HEIGHT_MAX_M, STOREYS_MAX, LonLatBox, RawVolume, Tally, is_outside
from central.city.gml_geometry import ELEVATIONS_M, BrokenError, Points, RawPolygon
from central.city.xml_source import Element, elements, local_name

Tags = dict[str, str]


@dataclass(slots=True)
class _Extract:
    nodes: dict[str, tuple[float, float]] = field(default_factory=dict)
    ways: dict[str, tuple[list[str], Tags]] = field(default_factory=dict)
    relations: list[tuple[str, list[tuple[str, str]], Tags]] = field(default_factory=list)
    broken_nodes: dict[str, str] = field(default_factory=dict)


def read_outlines(path: Path, tally: Tally, box: LonLatBox | None = None) -> list[RawVolume]:
    """Every building of an OSM XML file; the file must have passed `xml_source.root_name`.

    Raises:
        UserError: the XML is broken.
    """
    extract = _read(path)
    inner: set[str] = set()
    found: list[tuple[str, list[tuple[str, str]], Tags]] = []
    for identifier, members, tags in extract.relations:
        ways = [reference for _, reference in members]
        parts = [way for way in ways if "building:part" in extract.ways.get(way, ([], {}))[1]]
        if tags.get("type") == "building" and parts:
            inner.update(reference for role, reference in members if role == "outline")
        elif tags.get("type") == "multipolygon" and _is_building(tags):
            inner.update(ways)
            found.append((f"relation/{identifier}", members, tags))
    for identifier, (_, tags) in extract.ways.items():
        if identifier not in inner and (_is_building(tags) or _is_building(tags, "building:part")):
            found.append((f"way/{identifier}", [("outer", identifier)], tags))
    volumes = []
    for identifier, members, tags in found:
        tally.buildings += 1
        try:
            volume = _volume(identifier, members, tags, extract, tally)
        except BrokenError as broken:
            tally.skip(path.name, identifier, broken)
            continue
        if box is not None and is_outside(volume.footprint, box):
            tally.outside += 1
        else:
            volumes.append(volume)
    return volumes


def _volume(identifier: str, members: list[tuple[str, str]], tags: Tags, extract: _Extract, tally: Tally) -> RawVolume:
    outers = [_ring(extract, reference) for role, reference in members if role in {"outer", "outline"}]
    inners = [_ring(extract, reference) for role, reference in members if role == "inner"]
    if not outers:
        raise BrokenError("relation without an outer way")
    holes = tuple(inners) if len(outers) == 1 else ()
    return RawVolume(
        id=tags.get("ref:MLIT_PLATEAU", identifier),
        footprint=tuple(RawPolygon(outer, holes) for outer in outers),
        measured_height_m=_height(tags, tally),
        storeys=_storeys(tags),
        ground_m=_elevation(tags),
    )


def _read(path: Path) -> _Extract:
    extract = _Extract()

    def handle(element: Element) -> None:
        identifier = str(element.get("id", ""))
        name = local_name(element)
        if name == "node":
            lat, lon = _number(element.get("lat")), _number(element.get("lon"))
            if lat is None or lon is None:
                extract.broken_nodes[identifier] = f"lat={element.get('lat')!r} lon={element.get('lon')!r}"
            else:
                extract.nodes[identifier] = (lat, lon)
            return
        tags = {str(tag.get("k")): str(tag.get("v")) for tag in element.iterchildren("tag")}
        if name == "way":
            extract.ways[identifier] = ([str(point.get("ref")) for point in element.iterchildren("nd")], tags)
        else:
            members = [
                (str(member.get("role")), str(member.get("ref")))
                for member in element.iterchildren("member")
                if member.get("type") == "way"
            ]
            extract.relations.append((identifier, members, tags))

    elements(path, ("node", "way", "relation"), handle)
    return extract


def _ring(extract: _Extract, way: str) -> Points:
    references = extract.ways.get(way, ([], {}))[0]
    if len(references) < 4:
        raise BrokenError("way of fewer than three points", f"way {way}")
    missing = [reference for reference in references if reference not in extract.nodes]
    if missing:
        detail = extract.broken_nodes.get(missing[0], "not in the file")
        raise BrokenError("node without a place", f"node {missing[0]}: {detail}")
    if references[0] != references[-1]:
        raise BrokenError("way is not closed", f"way {way}")
    return np.array([(*extract.nodes[reference], 0.0) for reference in references], dtype=np.float64)


def _is_building(tags: Tags, key: str = "building") -> bool:
    return tags.get(key, "no") != "no"


def _height(tags: Tags, tally: Tally) -> float | None:
    if "height" not in tags:
        return None
    height = _number(tags["height"].removesuffix("m").strip())
    if height is not None and 0.0 < height <= HEIGHT_MAX_M:
        return height
    tally.height_not_numeric += 1
    return None


def _storeys(tags: Tags) -> int | None:
    storeys = _number(tags.get("building:levels"))
    return int(storeys) if storeys is not None and 1 <= storeys <= STOREYS_MAX else None


def _elevation(tags: Tags) -> float | None:
    level = _number(tags.get("ele"))
    return level if level is not None and ELEVATIONS_M[0] <= level <= ELEVATIONS_M[1] else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
