"""Land use of PLATEAU (luse:LandUse) as what covers the ground, where the use tells it.

Land use is surveyed by lot and says what a lot is for; the heat simulation asks what lies on it. Only uses whose
ground is of one kind get a class; a residential lot may be gravel, concrete or lawn and stays unknown.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from central.city.citygml import LonLatBox, Tally, is_outside
from central.city.gml_geometry import BrokenError, Polygons
from central.city.gml_objects import child_text, city_objects, object_id
from central.city.model import LandCover, Outline
from central.city.outlines import footprint_outline
from central.city.projection import LocalFrame
from central.city.xml_source import local_name

WOODS = frozenset({"203"})
"""Uses that are trees by definition (山林, 樹林地): where no vegetation was surveyed, their canopy is estimated."""

COVER_OF_USE = {
    "201": LandCover.GRASS,  # paddy: under rice from June to September, transpiring as a meadow does
    "202": LandCover.BARE_SOIL,  # fields: soil between the rows; errs on the warm side
    "2021": LandCover.BARE_SOIL,
    "2022": LandCover.GRASS,  # orchards, as a rule sown with grass
    "2023": LandCover.GRASS,  # hay meadows
    "203": LandCover.GRASS,  # woods: what grows under the trees
    "204": LandCover.WATER,
    **dict.fromkeys(("2041", "2042", "2043", "2044", "2045", "2046"), LandCover.WATER),
    "2051": LandCover.GRASS,  # heath and pasture
    "2053": LandCover.GRASS,  # marsh
    "2055": LandCover.BARE_SOIL,  # beach
    "215": LandCover.ASPHALT,
    "2151": LandCover.ASPHALT,
    "2152": LandCover.COBBLE,  # squares before stations
    "2171": LandCover.GRASS,  # parks and greens
    "2172": LandCover.COBBLE,  # squares
    "2173": LandCover.BARE_SOIL,  # playing fields, in Japan as a rule of earth
    "220": LandCover.GRASS,  # golf
    "222": LandCover.ASPHALT,  # car parks on the ground
    "2231": LandCover.BARE_SOIL,  # cleared lots
    "2232": LandCover.BARE_SOIL,  # yards for materials
    "2233": LandCover.BARE_SOIL,  # being built on
    "2234": LandCover.GRASS,  # slopes of cuttings and banks
    "262": LandCover.ASPHALT,  # roads and railways not told apart: by area nearly all road
}
"""Common_landUseType of PLATEAU; every other code is of mixed ground and stays unknown, counted by code."""


@dataclass(frozen=True, slots=True)
class UseArea:
    """A lot or several of one use, in local metres."""

    id: str
    code: str
    outline: Outline

    @property
    def cover(self) -> LandCover:
        return COVER_OF_USE.get(self.code, LandCover.UNKNOWN)

    @property
    def is_wood(self) -> bool:
        return self.code in WOODS


@dataclass(slots=True)
class UseTally:
    """Areas in the raster, and those of mixed ground by code ("" where the file gives none)."""

    areas: int = 0
    mixed: Counter[str] = field(default_factory=Counter)


def read_land_use(path: Path, frame: LocalFrame, tally: Tally, box: LonLatBox | None = None) -> Iterator[UseArea]:
    """Every land use of one CityGML file that touches the box; broken ones are counted and left out.

    Raises:
        UserError: another coordinate system, broken XML.
    """
    for element in city_objects(path, frozenset({"LandUse"})):
        try:
            polygons = Polygons(element)
            surface = [
                polygon
                for holder in element
                if local_name(holder) in {"lod0MultiSurface", "lod1MultiSurface"}
                for polygon in polygons.under(holder)
            ]
            if not surface:
                raise BrokenError("no surface", "LOD1 is missing", int(element.sourceline or 0))
            if box is not None and is_outside(surface, box):
                continue
            outline, _ = footprint_outline(tuple(surface), frame)
        except BrokenError as broken:
            tally.skip(path.name, object_id(element), broken)
            continue
        yield UseArea(object_id(element), child_text(element, "class"), outline)
