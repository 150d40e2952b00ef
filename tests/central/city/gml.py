"""Small CityGML documents in the shapes that PLATEAU's editions have, for the tests of this room.

Places are metres east and north of a corner near Kumagaya; one call writes one building.
"""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

LAT, LON = 36.14, 139.38
M_LAT = 1 / 110_946.0
M_LON = 1 / (111_320.0 * math.cos(math.radians(LAT)))

Ring = Sequence[tuple[float, ...]]

EDITIONS = {
    "v1": (
        "http://www.opengis.net/citygml",
        "http://www.kantei.go.jp/jp/singi/tiiki/toshisaisei/itoshisaisei/iur/uro/1.4",
    ),
    "v2": ("http://www.opengis.net/citygml", "https://www.geospatial.jp/iur/uro/2.0"),
    "v3": ("http://www.opengis.net/citygml", "https://www.geospatial.jp/iur/uro/3.0"),
    "v4": ("http://www.opengis.net/citygml", "https://www.geospatial.jp/iur/uro/3.1"),
}
SRS = "http://www.opengis.net/def/crs/EPSG/0/6697"


def square(east: float, north: float, size: float, z: float = 0.0) -> list[tuple[float, float, float]]:
    """Closed ring, counter-clockwise seen from above."""
    e, n = east + size, north + size
    return [(east, north, z), (e, north, z), (e, n, z), (east, n, z), (east, north, z)]


def pos_list(ring: Ring) -> str:
    words = []
    for east, north, z in ring:
        words += [f"{LAT + north * M_LAT:.10f}", f"{LON + east * M_LON:.10f}", f"{z:g}"]
    return f"<gml:posList>{' '.join(words)}</gml:posList>"


def polygon(ring: Ring, holes: Sequence[Ring] = (), identifier: str = "") -> str:
    inner = "".join(f"<gml:interior><gml:LinearRing>{pos_list(hole)}</gml:LinearRing></gml:interior>" for hole in holes)
    name = f' gml:id="{identifier}"' if identifier else ""
    return f"<gml:Polygon{name}><gml:exterior><gml:LinearRing>{pos_list(ring)}</gml:LinearRing></gml:exterior>{inner}</gml:Polygon>"


def surfaces(*polygons: str) -> str:
    members = "".join(f"<gml:surfaceMember>{one}</gml:surfaceMember>" for one in polygons)
    return f"<gml:MultiSurface>{members}</gml:MultiSurface>"


def solid(ring: Ring, low: float, high: float) -> str:
    """Floor, walls and roof of a block over a closed ring."""
    floor = [(e, n, low) for e, n, _ in reversed(ring)]
    roof = [(e, n, high) for e, n, _ in ring]
    walls = []
    for (e0, n0, _), (e1, n1, _) in itertools.pairwise(ring):
        walls.append([(e0, n0, low), (e1, n1, low), (e1, n1, high), (e0, n0, high), (e0, n0, low)])
    members = "".join(f"<gml:surfaceMember>{polygon(face)}</gml:surfaceMember>" for face in [floor, *walls, roof])
    return f"<gml:Solid><gml:exterior><gml:CompositeSurface>{members}</gml:CompositeSurface></gml:exterior></gml:Solid>"


def lod0(ring: Ring, holes: Sequence[Ring] = (), tag: str = "lod0FootPrint") -> str:
    return f"<bldg:{tag}>{surfaces(polygon(ring, holes))}</bldg:{tag}>"


def lod1(ring: Ring, low: float, high: float) -> str:
    return f"<bldg:lod1Solid>{solid(ring, low, high)}</bldg:lod1Solid>"


def bounded(kind: str, *polygons: str) -> str:
    return (
        f"<bldg:boundedBy><bldg:{kind}><bldg:lod2MultiSurface>{surfaces(*polygons)}</bldg:lod2MultiSurface>"
        f"</bldg:{kind}></bldg:boundedBy>"
    )


def height(value: object) -> str:
    return f'<bldg:measuredHeight uom="m">{value}</bldg:measuredHeight>'


def building(identifier: str, *content: str) -> str:
    return f'<core:cityObjectMember><bldg:Building gml:id="{identifier}">{"".join(content)}</bldg:Building></core:cityObjectMember>'


def house(identifier: str, east: float = 0.0, north: float = 0.0, size: float = 10.0, tall: object | None = 6.0) -> str:
    """The common case: a footprint and a stated height (or none)."""
    return building(identifier, height(tall) if tall is not None else "", lod0(square(east, north, size)))


def document(*members: str, edition: str = "v3", srs: str = SRS, citygml: str = "2.0") -> str:
    base, uro = EDITIONS[edition]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<core:CityModel xmlns:core="{base}/{citygml}" xmlns:bldg="{base}/building/{citygml}" '
        f'xmlns:dem="{base}/relief/{citygml}" xmlns:tran="{base}/transportation/{citygml}" '
        f'xmlns:luse="{base}/landuse/{citygml}" xmlns:veg="{base}/vegetation/{citygml}" '
        f'xmlns:app="{base}/appearance/{citygml}" xmlns:uro="{uro}" '
        'xmlns:gml="http://www.opengis.net/gml" xmlns:xlink="http://www.w3.org/1999/xlink">\n'
        f'<gml:boundedBy><gml:Envelope srsName="{srs}" srsDimension="3"><gml:lowerCorner>{LAT} {LON} 0</gml:lowerCorner>'
        f"<gml:upperCorner>{LAT + 0.01} {LON + 0.01} 50</gml:upperCorner></gml:Envelope></gml:boundedBy>\n"
        + "\n".join(members)
        + "\n</core:CityModel>\n"
    )


def relief(*triangles: Ring) -> str:
    patches = "".join(
        f"<gml:Triangle><gml:exterior><gml:LinearRing>{pos_list([*corners, corners[0]])}</gml:LinearRing></gml:exterior></gml:Triangle>"
        for corners in triangles
    )
    return (
        '<core:cityObjectMember><dem:ReliefFeature gml:id="dem_1"><dem:lod>1</dem:lod><dem:reliefComponent>'
        f"<dem:TINRelief><dem:lod>1</dem:lod><dem:tin><gml:TriangulatedSurface><gml:trianglePatches>{patches}"
        "</gml:trianglePatches></gml:TriangulatedSurface></dem:tin></dem:TINRelief></dem:reliefComponent></dem:ReliefFeature>"
        "</core:cityObjectMember>"
    )


def code(tag: str, value: object, listed: str = "x") -> str:
    return f'<{tag} codeSpace="../../codelists/{listed}.xml">{value}</{tag}>'


def road(
    identifier: str, ring: Ring, *, kind: str = "Road", function: str = "", structure: str = "", parts: str = ""
) -> str:
    """A LOD1 road; `structure` are elements of uro:RoadStructureAttribute, `parts` traffic areas."""
    attributes = (
        f"<uro:roadStructureAttribute><uro:RoadStructureAttribute>{structure}</uro:RoadStructureAttribute>"
        "</uro:roadStructureAttribute>"
        if structure
        else ""
    )
    named = code("tran:function", function, "Road_function") if function else ""
    return (
        f'<core:cityObjectMember><tran:{kind} gml:id="{identifier}">{named}{parts}'
        f"<tran:lod1MultiSurface>{surfaces(polygon(ring))}</tran:lod1MultiSurface>{attributes}"
        f"</tran:{kind}></core:cityObjectMember>"
    )


def traffic_area(ring: Ring, function: str, kind: str = "TrafficArea") -> str:
    holder = kind[0].lower() + kind[1:]
    return (
        f"<tran:{holder}><tran:{kind}>{code('tran:function', function)}<tran:lod2MultiSurface>"
        f"{surfaces(polygon(ring))}</tran:lod2MultiSurface></tran:{kind}></tran:{holder}>"
    )


def land_use(identifier: str, ring: Ring, use: str) -> str:
    named = code("luse:class", use, "Common_landUseType") if use else ""
    return (
        f'<core:cityObjectMember><luse:LandUse gml:id="{identifier}">{named}<luse:lod1MultiSurface>'
        f"{surfaces(polygon(ring))}</luse:lod1MultiSurface></luse:LandUse></core:cityObjectMember>"
    )


def tree(identifier: str, content: str, **lengths: object) -> str:
    """A veg:SolitaryVegetationObject; lengths are height, crownDiameter, trunkDiameter [m]."""
    stated = "".join(f'<veg:{name} uom="m">{value}</veg:{name}>' for name, value in lengths.items())
    return (
        f'<core:cityObjectMember><veg:SolitaryVegetationObject gml:id="{identifier}">{stated}{content}'
        "</veg:SolitaryVegetationObject></core:cityObjectMember>"
    )


def placed(east: float, north: float) -> str:
    """An implicit geometry at a place, as a tree out of a library has it."""
    place = f"{LAT + north * M_LAT:.10f} {LON + east * M_LON:.10f} 0"
    return (
        "<veg:lod2ImplicitRepresentation><core:ImplicitGeometry><core:referencePoint><gml:Point>"
        f"<gml:pos>{place}</gml:pos></gml:Point></core:referencePoint></core:ImplicitGeometry>"
        "</veg:lod2ImplicitRepresentation>"
    )


def plant_cover(identifier: str, content: str, *, height: object = None, kind: str = "") -> str:
    stated = f'<veg:averageHeight uom="m">{height}</veg:averageHeight>' if height is not None else ""
    named = code("veg:class", kind, "PlantCover_class") if kind else ""
    return (
        f'<core:cityObjectMember><veg:PlantCover gml:id="{identifier}">{named}{stated}{content}</veg:PlantCover>'
        "</core:cityObjectMember>"
    )


def write(folder: Path, text: str, name: str = "54391360_bldg_6697_op.gml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
