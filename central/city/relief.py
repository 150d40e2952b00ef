"""PLATEAU relief (dem:TINRelief) as triangles, streamed: a tile of one square kilometre can hold half a million."""

from pathlib import Path

import numpy as np

from central.city.citygml import LonLatBox, Tally
from central.city.gml_geometry import BrokenError, Points, check_crs, polygon_of
from central.city.projection import Float64s, LocalFrame
from central.city.xml_source import Element, elements, local_name


def read_triangles(path: Path, tally: Tally, box: LonLatBox | None = None) -> list[Points]:
    """Corners (3, 3) latitude, longitude, height of every triangle of a relief tile that touches the box.

    The file must have passed `xml_source.root_name`. A broken triangle is counted and left out.

    Raises:
        UserError: another coordinate system, broken XML.
    """
    triangles: list[Points] = []

    def handle(element: Element) -> None:
        if local_name(element) == "Envelope":
            if element.get("srsName"):
                check_crs(element.get("srsName"), f"{path}, line {element.sourceline}")
            return
        try:
            corners = polygon_of(element).exterior
            if len(corners) < 3 or (len(corners) > 3 and not np.array_equal(corners[0], corners[3])):
                raise BrokenError(
                    "relief triangle without three corners", f"{len(corners)} points", int(element.sourceline or 0)
                )
        except BrokenError as broken:
            tally.skip(path.name, "triangle", broken)
            return
        if box is None or _touches(corners, box):
            triangles.append(corners[:3])

    elements(path, ("Envelope", "Triangle"), handle)
    return triangles


def to_local(triangles: list[Points], frame: LocalFrame) -> Float64s:
    """(n, 3, 3) corners x, y, z [m] in the city's frame."""
    if not triangles:
        return np.zeros((0, 3, 3))
    corners = np.concatenate(triangles)
    x, y = frame.to_local(corners[:, 1], corners[:, 0])
    return np.column_stack([x, y, corners[:, 2]]).reshape(-1, 3, 3)


def _touches(corners: Points, box: LonLatBox) -> bool:
    west, south, east, north = box
    lat, lon = corners[:, 0], corners[:, 1]
    return bool(lon.max() >= west and lon.min() <= east and lat.max() >= south and lat.min() <= north)
