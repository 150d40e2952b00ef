"""What an imported city is: buildings, where they stand, and how much of it had to be guessed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

import numpy as np
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from central.city.grid import Grid
from central.city.projection import LocalFrame

Outline = Polygon | MultiPolygon


class HeightSource(StrEnum):
    """Where a building's height comes from, best first."""

    MEASURED = "measured"
    SOLID = "solid"
    STOREYS = "storeys"
    NEIGHBOURS = "neighbours"
    SYNTHETIC = "synthetic"


class LandCover(IntEnum):
    """Classes of the land cover raster; the numbers are those of SOLWEIG's land cover table, 255 is ours."""

    COBBLE = 0
    ASPHALT = 1
    ROOF = 2
    GRASS = 5
    BARE_SOIL = 6
    WATER = 7
    UNKNOWN = 255


@dataclass(frozen=True, slots=True)
class RoofFace:
    """One plane of a LOD2 roof: z = a x + b y + c [m above the building's foot], kept within its own lowest and highest point."""

    outline: Polygon
    a: float
    b: float
    c: float
    z_min_m: float
    z_max_m: float


@dataclass(frozen=True, slots=True)
class Building:
    """One volume of the city: a building, or a part of one that has its own height.

    Args:
        id: gml:id (or the OSM id).
        outline: footprint in local metres, valid, with its holes.
        height_m: highest point above the ground [m].
        base_m: elevation of the ground at the building [m].
        height_source: where the height was found.
        roof: planes of the LOD2 roof, empty where only the height is known.
    """

    id: str
    outline: Outline
    height_m: float
    base_m: float
    height_source: HeightSource
    roof: tuple[RoofFace, ...] = ()

    @property
    def height_estimated(self) -> bool:
        """True where nobody measured the height: it was counted in storeys or taken from the neighbours."""
        return self.height_source in {HeightSource.STOREYS, HeightSource.NEIGHBOURS}


class RoadKind(StrEnum):
    """What a stretch of the transport network is for."""

    ROAD = "road"
    TRACK = "track"
    SQUARE = "square"
    RAILWAY = "railway"


class RoadSection(StrEnum):
    """How a stretch lies to the ground."""

    GROUND = "ground"
    BRIDGE = "bridge"
    UNDERPASS = "underpass"
    TUNNEL = "tunnel"


@dataclass(frozen=True, slots=True)
class Road:
    """One stretch of road, path, square or railway as a surface, between two of its crossings.

    Args:
        id: gml:id.
        outline: in local metres, valid, with its holes (blocks within a net of streets).
        kind: road, track (walked only), square or railway.
        road_class: "motorway", "national", "prefectural", "municipal", "private", or "" where the file does not say.
        width_m: stated width; else the middle of the stated class of widths; else that of the rectangle with the
            outline's area and circumference [m].
        width_stated: True where the file states a width or its class.
        section: on the ground, on a bridge, under another way, in a tunnel.
        footways: what of it is for those on foot (sidewalks of LOD2 and LOD3), None where the file does not tell.
    """

    id: str
    outline: Outline
    kind: RoadKind
    road_class: str
    width_m: float
    width_stated: bool
    section: RoadSection = RoadSection.GROUND
    footways: Outline | None = None

    @property
    def walkable(self) -> bool:
        """True where people may walk in the open: no motorway, no railway, no tunnel."""
        return (
            self.kind is not RoadKind.RAILWAY
            and self.road_class != "motorway"
            and self.section is not RoadSection.TUNNEL
        )


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree: its place in local metres, height above ground and crown diameter [m], and whether one was estimated."""

    x_m: float
    y_m: float
    height_m: float
    crown_diameter_m: float
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import found, in counts. Only things that happened are counted; nothing is dropped in silence.

    Args:
        buildings: bldg:Building elements (or OSM outlines) read, broken ones included.
        volumes: buildings and building parts that stand in the city.
        with_height: volumes whose height the file states.
        height_from_solid: taken from the z extent of the LOD2 or LOD1 solid.
        height_from_storeys: storeys x 3 m.
        height_from_neighbours: median of the neighbours of like size.
        height_not_numeric: stated heights that are no height (-9999, text, zero, beyond any building).
        repaired: outlines that crossed themselves and were mended.
        lod2: volumes with a LOD2 roof.
        skipped: volumes left out, by reason.
        skipped_examples: the first few of them, each with file, line and id.
        tiles: files read, by name.
        terrain: where the ground came from: "dem", "buildings", "flat", or "drawn" (synthetic).
        relief_share: share of the raster that relief tiles cover; the rest takes the nearest covered level.
        outside: volumes outside the square that was asked for.
        roads: stretches of roads, tracks, squares and railways in the raster.
        roads_with_width: those whose width the file states; the others' is estimated from their outline.
        uses: areas of land use in the raster.
        uses_unknown: those whose use does not tell what covers the ground, by code ("" where there is none).
        trees: single trees in the raster.
        trees_estimated: those whose height or crown is estimated.
        plant_covers: areas under plants in the raster.
        plant_covers_estimated: those whose height is estimated.
        plants_outside: trees outside the raster.
        wood_m2: area of woods without surveyed plants, whose canopy is estimated [m2].
        cover_shares: share of the raster by land cover class.
    """

    buildings: int = 0
    volumes: int = 0
    with_height: int = 0
    height_from_solid: int = 0
    height_from_storeys: int = 0
    height_from_neighbours: int = 0
    height_not_numeric: int = 0
    repaired: int = 0
    lod2: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    skipped_examples: tuple[str, ...] = ()
    tiles: tuple[str, ...] = ()
    terrain: str = "flat"
    relief_share: float = 0.0
    outside: int = 0
    roads: int = 0
    roads_with_width: int = 0
    uses: int = 0
    uses_unknown: Mapping[str, int] = field(default_factory=dict)
    trees: int = 0
    trees_estimated: int = 0
    plant_covers: int = 0
    plant_covers_estimated: int = 0
    plants_outside: int = 0
    wood_m2: float = 0.0
    cover_shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def height_estimated(self) -> int:
        """Volumes whose height nobody measured."""
        return self.height_from_storeys + self.height_from_neighbours

    def lines(self) -> list[str]:
        """The report as lines for a terminal."""
        ground = {
            "dem": f"relief tiles, which cover {100 * self.relief_share:.1f} % of the raster",
            "buildings": "interpolated from the feet of the buildings",
            "flat": "flat",
            "drawn": "drawn",
        }
        text = [
            f"tiles        {len(self.tiles)}: {', '.join(self.tiles[:4])}{' ...' if len(self.tiles) > 4 else ''}",
            f"buildings    {self.buildings} read, {self.volumes} volumes in the city, {self.lod2} with a LOD2 roof",
            f"ground       {ground[self.terrain]}",
        ]
        if self.with_height + self.height_from_solid + self.height_estimated:
            text.insert(
                2,
                f"heights      {self.with_height} measured, {self.height_from_solid} from solids, "
                f"{self.height_from_storeys} from storeys, {self.height_from_neighbours} from neighbours",
            )
        text += self._layer_lines()
        if self.height_not_numeric:
            text.append(f"not heights  {self.height_not_numeric} stated values that are no height (-9999, text, ...)")
        if self.repaired:
            text.append(f"repaired     {self.repaired} outlines that crossed themselves")
        if self.outside:
            text.append(f"outside      {self.outside} beyond the square asked for")
        text += [f"skipped      {count}: {reason}" for reason, count in sorted(self.skipped.items())]
        text += [f"             {example}" for example in self.skipped_examples]
        return text

    def _layer_lines(self) -> list[str]:
        text = []
        if self.roads:
            guessed = self.roads - self.roads_with_width
            text.append(f"roads        {self.roads}, width of {guessed} estimated from their outline")
        if self.uses:
            codes = ", ".join(f"{code or 'none'} x {count}" for code, count in sorted(self.uses_unknown.items()))
            mixed = (
                f"; ground of {sum(self.uses_unknown.values())} not told by their use (codes {codes})" if codes else ""
            )
            text.append(f"land use     {self.uses} areas{mixed}")
        if self.trees or self.plant_covers or self.plants_outside:
            text.append(
                f"plants       {self.trees} trees ({self.trees_estimated} with height or crown estimated), "
                f"{self.plant_covers} areas ({self.plant_covers_estimated} with height estimated)"
                + (f", {self.plants_outside} trees outside" if self.plants_outside else "")
            )
        if self.wood_m2:
            text.append(f"woods        {self.wood_m2 / 10_000:.1f} ha of land use without a plant: canopy estimated")
        if self.cover_shares:
            shares = sorted(self.cover_shares.items(), key=lambda item: -item[1])
            text.append(
                "land cover   " + ", ".join(f"{name.replace('_', ' ')} {100 * share:.1f} %" for name, share in shares)
            )
        return text


@dataclass(frozen=True, slots=True)
class City:
    """A place: its buildings, the raster they were drawn on and whom to thank for the data.

    Args:
        name_ja, name_en: names to show.
        source: "synthetic", "plateau" or "osm".
        frame: local metres and back.
        grid: the raster that the surface and the land cover share.
        buildings: every volume in the city.
        land_cover: (height, width) uint8, codes of LandCover.
        attribution_ja, attribution_en: the line the licence asks for, empty for the synthetic city.
        report: what the import counted.
        roads: stretches of roads, tracks, squares and railways in or at the raster, by place from south to north.
        trees: single trees in or at the raster.
    """

    name_ja: str
    name_en: str
    source: str
    frame: LocalFrame
    grid: Grid
    buildings: tuple[Building, ...]
    land_cover: NDArray[np.uint8]
    attribution_ja: str
    attribution_en: str
    report: ImportReport
    roads: tuple[Road, ...] = ()
    trees: tuple[Tree, ...] = ()

    @property
    def center(self) -> tuple[float, float]:
        """(lat, lon) of the raster's middle [degrees]."""
        grid = self.grid
        lon, lat = self.frame.point_to_lonlat(
            (grid.x_west_m + grid.x_east_m) / 2, (grid.y_south_m + grid.y_north_m) / 2
        )
        return lat, lon

    @property
    def corners(self) -> tuple[tuple[float, float], ...]:
        """(lon, lat) [degrees] of the raster's outer corners: NW, NE, SE, SW, as map libraries want an image placed."""
        grid = self.grid
        places = (
            (grid.x_west_m, grid.y_north_m),
            (grid.x_east_m, grid.y_north_m),
            (grid.x_east_m, grid.y_south_m),
            (grid.x_west_m, grid.y_south_m),
        )
        return tuple(self.frame.point_to_lonlat(x, y) for x, y in places)

    @property
    def bounds(self) -> dict[str, float]:
        """west, south, east, north [degrees] of the raster."""
        lons, lats = zip(*self.corners, strict=True)
        return {"west": min(lons), "south": min(lats), "east": max(lons), "north": max(lats)}

    @property
    def height_estimated_count(self) -> int:
        return sum(building.height_estimated for building in self.buildings)

    def cell_at(self, lat: float, lon: float) -> tuple[int, int] | None:
        """(row, column) of the raster at a place [degrees], or None outside."""
        return self.grid.cell_of(*self.frame.point_to_local(lon, lat))
