"""PLATEAU relief (dem:TINRelief) as triangles, streamed: a tile of one square kilometre can hold half a million."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from central.city.citygml import LonLatBox, Tally
from central.city.gml_geometry import BrokenError, check_crs, in_japan, points_of, polygon_of
from central.city.projection import Float64s, LocalFrame
from central.city.xml_source import Element, each_element, local_name

BATCH = 20_000
"""Triangles parsed at one stroke: 6 MB of numbers, whatever the size of the tile."""


class _Ring(NamedTuple):
    text: str
    line: int


def triangle_batches(path: Path, tally: Tally, box: LonLatBox | None = None) -> Iterator[Float64s]:
    """(n, 3, 3) corners latitude, longitude, height of the triangles of a relief tile that touch the box, in batches.

    The file must have passed `xml_source.root_name`. A broken triangle is counted and left out. A tile whose own
    envelope lies outside the box is read no further.

    Raises:
        UserError: another coordinate system, broken XML.
    """
    waiting: list[_Ring] = []
    for element in each_element(path, ("Envelope", "Triangle")):
        if local_name(element) == "Envelope":
            if element.get("srsName"):
                check_crs(element.get("srsName"), f"{path}, line {element.sourceline}")
            if box is not None and _lies_outside(element, box):
                return
            continue
        ring = _plain_ring(element)
        if ring is None:
            corners = _corners_of_element(element, path.name, tally)
            if corners is not None:
                yield from _touching(corners[np.newaxis], box)
            continue
        waiting.append(ring)
        if len(waiting) == BATCH:
            yield from _touching(_corners_of_rings(waiting, path.name, tally), box)
            waiting = []
    if waiting:
        yield from _touching(_corners_of_rings(waiting, path.name, tally), box)


def read_triangles(path: Path, tally: Tally, box: LonLatBox | None = None) -> Float64s:
    """All of `triangle_batches` at once."""
    return np.concatenate([np.zeros((0, 3, 3)), *triangle_batches(path, tally, box)])


def to_local(triangles: Float64s, frame: LocalFrame) -> Float64s:
    """(n, 3, 3) corners x, y, z [m] in the city's frame."""
    corners = triangles.reshape(-1, 3)
    x, y = frame.to_local(corners[:, 1], corners[:, 0])
    return np.column_stack([x, y, corners[:, 2]]).reshape(-1, 3, 3)


def _plain_ring(triangle: Element) -> _Ring | None:
    """The one posList of a triangle as PLATEAU writes it; None where it is written in any other way."""
    lists = list(triangle.iter("{*}posList"))
    if len(lists) != 1 or lists[0].get("srsDimension", "3") != "3" or len(lists[0]):
        return None
    return _Ring(lists[0].text or "", int(lists[0].sourceline or 0))


def _corners_of_rings(rings: list[_Ring], where: str, tally: Tally) -> Float64s:
    try:
        points = np.array(" ".join(ring.text for ring in rings).split(), dtype=np.float64).reshape(-1, 3)
        closed = points.reshape(-1, 4, 3)
        whole = all(len(ring.text.split()) == 12 for ring in rings)
        if whole and in_japan(points).all() and np.array_equal(closed[:, 0], closed[:, 3]):
            return closed[:, :3]
    except ValueError:
        pass
    # Something in this batch is wrong: ring by ring tells what, and where.
    good = []
    for ring in rings:
        try:
            good.append(_three_corners(points_of(ring.text, 3, ring.line), ring.line))
        except BrokenError as broken:
            tally.skip(where, "triangle", broken)
    return np.array(good).reshape(-1, 3, 3)


def _corners_of_element(triangle: Element, where: str, tally: Tally) -> Float64s | None:
    try:
        return _three_corners(polygon_of(triangle).exterior, int(triangle.sourceline or 0))
    except BrokenError as broken:
        tally.skip(where, "triangle", broken)
        return None


def _three_corners(corners: Float64s, line: int) -> Float64s:
    if len(corners) not in {3, 4} or (len(corners) == 4 and not np.array_equal(corners[0], corners[3])):
        raise BrokenError("relief triangle without three corners", f"{len(corners)} points", line)
    return corners[:3]


def _touching(triangles: Float64s, box: LonLatBox | None) -> Iterator[Float64s]:
    if box is not None and len(triangles):
        west, south, east, north = box
        low, high = triangles[:, :, :2].min(axis=1), triangles[:, :, :2].max(axis=1)
        triangles = triangles[(high[:, 1] >= west) & (low[:, 1] <= east) & (high[:, 0] >= south) & (low[:, 0] <= north)]
    if len(triangles):
        yield triangles


def _lies_outside(envelope: Element, box: LonLatBox) -> bool:
    """True only where the envelope can be read and does not meet the box; anything odd is read in full."""
    corners = [
        (next(envelope.iterchildren("{*}" + name)).text or "").split()[:2]
        for name in ("lowerCorner", "upperCorner")
        if next(envelope.iterchildren("{*}" + name), None) is not None
    ]
    try:
        (south, west), (north, east) = ((float(lat), float(lon)) for lat, lon in corners)
    except ValueError:
        return False
    if not (south <= north and west <= east):
        return False
    return east < box[0] or west > box[2] or north < box[1] or south > box[3]
