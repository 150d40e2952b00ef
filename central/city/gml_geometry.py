"""GML's rings and polygons as arrays; every mistake in them is a BrokenError with its line and value.

Coordinates are latitude, longitude, height (EPSG:6697), the order that PLATEAU fixes.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from central.city.xml_source import Element, local_name
from contract.errors import UserError

Points = NDArray[np.float64]
"""(n, 3) latitude [deg], longitude [deg], height [m]."""

CRS_CODES = {"6697", "6668"}
"""JGD2011 with and without height; both latitude first."""

_LATITUDES_DEG = (20.0, 46.0)
_LONGITUDES_DEG = (122.0, 154.5)
ELEVATIONS_M = (-200.0, 4500.0)
"""From the deepest open pit to above the observatory on Mount Fuji."""
_HREF = "{http://www.w3.org/1999/xlink}href"
_SHOWN_CHARACTERS = 40


class BrokenError(Exception):
    """One element that cannot be used; the rest of the file can.

    Args:
        reason: the class of the mistake, counted in the report.
        detail: the value found.
        line: where in the file, 0 if not known.
    """

    def __init__(self, reason: str, detail: str = "", line: int = 0) -> None:
        self.reason = reason
        self.detail = detail
        self.line = line
        super().__init__(f"{reason}: {detail}")


@dataclass(frozen=True, slots=True)
class RawPolygon:
    """Rings as they stand in the file, closed or not: the outer one, then the holes. `id` is "" when there is none."""

    exterior: Points
    interiors: tuple[Points, ...]

    @property
    def rings(self) -> tuple[Points, ...]:
        return (self.exterior, *self.interiors)


def check_crs(srs_name: str, where: str) -> None:
    """Refuses any coordinate system but JGD2011 in degrees.

    Raises:
        UserError: names the file and the system found.
    """
    code = re.search(r"(\d+)\s*$", srs_name)
    if code is None or code.group(1) not in CRS_CODES:
        raise UserError(
            f"coordinate system {srs_name!r} is not supported",
            where=where,
            hint="PLATEAU files are in EPSG:6697 (JGD2011, latitude longitude height)",
        )


def ring_points(ring: Element) -> Points:
    """The points of a gml:LinearRing, from gml:posList or gml:pos.

    Raises:
        BrokenError: text among the numbers, a count that is no multiple of three, a value that is not finite, a place
            outside Japan, fewer than three points.
    """
    lists = [element for element in ring if local_name(element) in {"posList", "pos"}]
    line = int(ring.sourceline or 0)
    if not lists:
        raise BrokenError("ring without posList", line=line)
    text = " ".join("".join(element.itertext()) for element in lists)
    dimension = int(lists[0].get("srsDimension", "3")) if lists[0].get("srsDimension", "3") in {"2", "3"} else 3
    points = points_of(text, dimension, line)
    if len(points) < 3:
        raise BrokenError("ring of fewer than three points", f"{len(points)} points", line)
    return points


def points_of(text: str, dimension: int, line: int) -> Points:
    """The points of a gml:posList or gml:pos of 2 or 3 numbers a point; the height is 0 where there are 2.

    Raises:
        BrokenError: text among the numbers, a count that does not fit, a value that is not finite, a place outside Japan.
    """
    words = text.split()
    try:
        numbers = np.array(words, dtype=np.float64)
    except ValueError:
        wrong = next(word for word in words if not _is_number(word))
        raise BrokenError("posList holds text", repr(wrong[:_SHOWN_CHARACTERS]), line) from None
    if not len(numbers) or len(numbers) % dimension:
        raise BrokenError(f"posList is not made of {dimension} numbers a point", f"{len(numbers)} numbers", line)
    if not np.isfinite(numbers).all():
        wrong = words[int(np.argmin(np.isfinite(numbers)))]
        raise BrokenError("coordinate is not a number", repr(wrong), line)
    points = numbers.reshape(-1, dimension)
    if dimension == 2:
        points = np.column_stack([points, np.zeros(len(points))])
    inside = in_japan(points)
    if not inside.all():
        lat, lon, z = points[int(np.argmin(inside))]
        raise BrokenError("coordinate outside Japan", f"latitude {lat:g}, longitude {lon:g}, height {z:g} m", line)
    return points


def polygon_of(element: Element) -> RawPolygon:
    """A gml:Polygon (or gml:Triangle) with its holes. Raises BrokenError."""
    exterior: Points | None = None
    interiors: list[Points] = []
    for boundary in element:
        name = local_name(boundary)
        if name not in {"exterior", "interior", "outerBoundaryIs", "innerBoundaryIs"}:
            continue
        ring = next((child for child in boundary if local_name(child) == "LinearRing"), None)
        if ring is None:
            raise BrokenError("polygon boundary without LinearRing", line=int(boundary.sourceline or 0))
        if name in {"exterior", "outerBoundaryIs"}:
            exterior = ring_points(ring)
        else:
            interiors.append(ring_points(ring))
    if exterior is None:
        raise BrokenError("polygon without exterior", line=int(element.sourceline or 0))
    return RawPolygon(exterior, tuple(interiors))


class Polygons:
    """The polygons under an element of one building; xlink:href is followed to polygons of the same building."""

    def __init__(self, building: Element) -> None:
        self._building = building
        self._by_id: dict[str, Element] | None = None

    def under(self, element: Element) -> Iterator[RawPolygon]:
        """Every polygon in or referred to from `element`, in document order. Raises BrokenError."""
        for child in element.iter("{*}Polygon", "{*}Triangle", "{*}surfaceMember", "{*}baseSurface"):
            if local_name(child) in {"Polygon", "Triangle"}:
                yield polygon_of(child)
            elif (href := child.get(_HREF)) is not None:
                yield polygon_of(self._referred(href, child))

    def z_extent(self, elements: Sequence[Element]) -> tuple[float, float] | None:
        """Lowest and highest point [m] under the elements, None where they hold no ring. Raises BrokenError.

        A solid is mostly walls of which only the heights matter, so that its numbers are read at one stroke; where that
        fails, ring by ring tells which one is wrong.
        """
        lists = [found for element in elements for found in element.iter("{*}posList")]
        plain = all(found.get("srsDimension", "3") == "3" for found in lists)
        try:
            points = np.array(" ".join(found.text or "" for found in lists).split(), dtype=np.float64).reshape(-1, 3)
            if plain and len(points) and np.isfinite(points).all() and in_japan(points).all():
                return float(points[:, 2].min()), float(points[:, 2].max())
        except ValueError:
            pass
        z = [ring[:, 2] for element in elements for polygon in self.under(element) for ring in polygon.rings]
        return (min(float(ring.min()) for ring in z), max(float(ring.max()) for ring in z)) if z else None

    def _referred(self, href: str, member: Element) -> Element:
        if self._by_id is None:
            self._by_id = {}
            for polygon in self._building.iter("{*}Polygon"):
                for name, value in polygon.attrib.items():
                    if name.rpartition("}")[2] == "id":
                        self._by_id[value] = polygon
        target = self._by_id.get(href.removeprefix("#"))
        if target is None:
            raise BrokenError("xlink:href leads nowhere", repr(href[:_SHOWN_CHARACTERS]), int(member.sourceline or 0))
        return target


def in_japan(points: Points) -> NDArray[np.bool_]:
    """(n,) True where latitude, longitude and height are possible in Japan."""
    ranges = np.array([_LATITUDES_DEG, _LONGITUDES_DEG, ELEVATIONS_M])
    return np.asarray(((points >= ranges[:, 0]) & (points <= ranges[:, 1])).all(axis=1))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
