"""The one door to a city: PLATEAU tiles, an OSM file, or the built-in downtown."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from central.city import relief
from central.city.citygml import LonLatBox, RawVolume, Tally
from central.city.gather import METRES_PER_DEGREE, near_volumes, read_tiles
from central.city.gml_geometry import BrokenError
from central.city.grid import Grid, check_pixel_size, grid_over
from central.city.heights import resolve_heights
from central.city.model import Building, City, ImportReport, Outline, RoofFace
from central.city.outlines import footprint_outline, roof_face
from central.city.projection import LocalFrame
from central.city.sources import Tile, find_tiles
from central.city.surface_raster import draw_buildings, ground_at, land_cover_of
from central.city.synthetic import synthetic_downtown
from central.city.terrain import Float32s, ground_from_feet, ground_from_triangles
from central.heat.surface import Surface
from contract.errors import UserError

DEFAULT_PIXEL_SIZE_M = 2.0
SIDE_MAX_M = 10_000.0
_RELIEF_SHARE_MIN = 0.05


@dataclass(frozen=True, slots=True)
class Window:
    """A square to cut out of a larger city: centre [degrees] and side [m]."""

    lat: float
    lon: float
    size_m: float

    def __post_init__(self) -> None:
        if not (20.0 <= self.lat <= 46.0 and 122.0 <= self.lon <= 154.5):
            raise UserError(
                f"centre {self.lat:g},{self.lon:g} is not in Japan", where="city", hint="LAT,LON in degrees"
            )
        if not 100.0 <= self.size_m <= SIDE_MAX_M:
            raise UserError(f"side {self.size_m:g} m is not within 100 .. {SIDE_MAX_M:g} m", where="city")

    def box(self) -> LonLatBox:
        """west, south, east, north [degrees], a little larger than the square."""
        half = self.size_m / 2 * 1.01
        dlat, dlon = half / METRES_PER_DEGREE, half / (METRES_PER_DEGREE * np.cos(np.radians(self.lat)))
        return (self.lon - float(dlon), self.lat - dlat, self.lon + float(dlon), self.lat + dlat)


def load_city(
    paths: Path | str | Sequence[Path | str] | None,
    *,
    pixel_size_m: float = DEFAULT_PIXEL_SIZE_M,
    window: Window | None = None,
    seed: int = 11202,
) -> tuple[City, Surface]:
    """A city and its surface.

    Args:
        paths: CityGML tiles (plain or .gz), an .osm file, or folders of them; None for the built-in downtown.
        pixel_size_m: 1, 2 or 4.
        window: the square to take; None for all that the tiles hold.
        seed: of the built-in downtown.

    Raises:
        UserError: names file, line and value of what cannot be used.
    """
    check_pixel_size(pixel_size_m)
    if paths is None:
        return synthetic_downtown(seed, pixel_size_m=pixel_size_m)
    box = window.box() if window else None
    tiles = find_tiles(paths, box)
    tally = Tally()
    read, reliefs = read_tiles(tiles, tally, box)
    volumes, owners = near_volumes(read, tally)
    if not volumes:
        raise UserError(_no_buildings(tally, window), where=str(tiles[0].path))
    frame = LocalFrame(window.lat, window.lon) if window else _frame_round(volumes)
    kept, outlines = _outlines(volumes, owners, frame, tally)
    if not kept:
        raise UserError(_no_buildings(tally, window), where=str(tiles[0].path))
    if window:
        half = window.size_m / 2
        grid = grid_over((-half, -half, half, half), pixel_size_m)
        kept, outlines = _on_grid(grid, kept, outlines, tally)
    else:
        grid = grid_over(_bounds(outlines), pixel_size_m)
    if not kept:
        raise UserError(_no_buildings(tally, window), where=str(tiles[0].path))
    shapes = np.array(outlines, dtype=object)

    dem, terrain = _ground(grid, frame, kept, shapes, reliefs=reliefs, tally=tally)
    buildings = _buildings(grid, dem, frame, kept, outlines)
    dsm, inside = draw_buildings(grid, buildings, dem)
    report = _report(tally, buildings, [tile.path.name for tile in tiles], terrain)
    name_ja, name_en = _name(tiles)
    plateau = any(tile.kind != "osm" for tile in tiles)
    city = City(
        name_ja=name_ja,
        name_en=name_en,
        source="plateau" if plateau else "osm",
        frame=frame,
        grid=grid,
        buildings=tuple(buildings),
        land_cover=land_cover_of(inside),
        attribution_ja=PLATEAU_JA if plateau else OSM_JA,
        attribution_en=PLATEAU_EN if plateau else OSM_EN,
        report=report,
    )
    lat, lon = city.center
    no_canopy = np.zeros(grid.shape, dtype=np.float32)  # a building model holds no trees
    return city, Surface(dsm, dem, no_canopy, pixel_size_m=grid.pixel_size_m, lat=lat, lon=lon)


PLATEAU_JA = "出典：国土交通省 PLATEAU（3D都市モデル）（https://www.mlit.go.jp/plateau/）を加工して作成"
PLATEAU_EN = "Source: MLIT Project PLATEAU (3D city model), https://www.mlit.go.jp/plateau/, processed"
OSM_JA = "© OpenStreetMap contributors（ODbL）、国土交通省 PLATEAU を加工して作成"
OSM_EN = "© OpenStreetMap contributors (ODbL); MLIT Project PLATEAU, processed"


def _frame_round(volumes: Sequence[RawVolume]) -> LocalFrame:
    points = np.concatenate([polygon.exterior[:, :2] for volume in volumes for polygon in volume.footprint])
    lat, lon = (points.min(axis=0) + points.max(axis=0)) / 2
    return LocalFrame(round(float(lat), 6), round(float(lon), 6))


def _outlines(
    volumes: Sequence[RawVolume], owners: Sequence[Path], frame: LocalFrame, tally: Tally
) -> tuple[list[RawVolume], list[Outline]]:
    kept: list[RawVolume] = []
    outlines: list[Outline] = []
    for volume, owner in zip(volumes, owners, strict=True):
        try:
            outline, mended = footprint_outline(volume.footprint, frame)
        except BrokenError as broken:
            tally.skip(owner.name, volume.id, broken)
            continue
        tally.repaired += mended
        kept.append(volume)
        outlines.append(outline)
    return kept, outlines


def _bounds(outlines: Sequence[Outline]) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(np.array(outlines, dtype=object)).tolist()
    return west, south, east, north


def _on_grid(
    grid: Grid, volumes: Sequence[RawVolume], outlines: Sequence[Outline], tally: Tally
) -> tuple[list[RawVolume], list[Outline]]:
    """What touches the raster; the box in degrees let a little more through."""
    square = shapely.box(grid.x_west_m, grid.y_south_m, grid.x_east_m, grid.y_north_m)
    touching = [index for index, outline in enumerate(outlines) if outline.intersects(square)]
    tally.outside += len(outlines) - len(touching)
    return [volumes[index] for index in touching], [outlines[index] for index in touching]


def _ground(
    grid: Grid,
    frame: LocalFrame,
    volumes: Sequence[RawVolume],
    shapes: NDArray[np.object_],
    *,
    reliefs: Sequence[Path],
    tally: Tally,
) -> tuple[Float32s, str]:
    if reliefs:
        x = np.array([grid.x_west_m, grid.x_east_m])
        y = np.array([grid.y_south_m, grid.y_north_m])
        lon, lat = frame.to_lonlat(x, y)
        margin = 0.001
        box = (lon[0] - margin, lat[0] - margin, lon[1] + margin, lat[1] + margin)
        triangles = [corners for path in reliefs for corners in relief.read_triangles(path, tally, box)]
        dem, share = ground_from_triangles(grid, relief.to_local(triangles, frame))
        if share > _RELIEF_SHARE_MIN:
            return dem, "dem"
    feet = [(index, volume.ground_m) for index, volume in enumerate(volumes) if volume.ground_m is not None]
    if not feet:
        return np.zeros(grid.shape, dtype=np.float32), "flat"
    centres = shapely.get_coordinates(shapely.centroid(shapes[[index for index, _ in feet]]))
    elevations = np.array([level for _, level in feet], dtype=np.float64)
    return ground_from_feet(grid, centres[:, 0], centres[:, 1], elevations), "buildings"


def _buildings(
    grid: Grid, dem: Float32s, frame: LocalFrame, volumes: Sequence[RawVolume], outlines: Sequence[Outline]
) -> list[Building]:
    shapes = np.array(outlines, dtype=object)
    areas = np.asarray(shapely.area(shapes), dtype=np.float64)
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    heights, sources = resolve_heights(volumes, areas, centres)
    bases = ground_at(grid, outlines, dem)
    buildings = []
    for volume, outline, height, source, base in zip(volumes, outlines, heights, sources, bases, strict=True):
        foot = volume.ground_m if volume.ground_m is not None else 0.0
        faces: tuple[RoofFace, ...] = ()
        if volume.roof:
            found = (roof_face(polygon, frame, foot) for polygon in volume.roof)
            faces = tuple(face for face in found if face is not None)
        buildings.append(Building(volume.id, outline, float(height), float(base), source, faces))
    return buildings


def _report(tally: Tally, buildings: Sequence[Building], tiles: Sequence[str], terrain: str) -> ImportReport:
    sources = Counter(building.height_source.value for building in buildings)
    return ImportReport(
        buildings=tally.buildings,
        volumes=len(buildings),
        with_height=sources["measured"],
        height_from_solid=sources["solid"],
        height_from_storeys=sources["storeys"],
        height_from_neighbours=sources["neighbours"],
        height_not_numeric=tally.height_not_numeric,
        repaired=tally.repaired,
        lod2=sum(bool(building.roof) for building in buildings),
        skipped=dict(tally.skipped),
        skipped_examples=tuple(tally.examples),
        tiles=tuple(tiles),
        terrain=terrain,
        outside=tally.outside,
    )


def _no_buildings(tally: Tally, window: Window | None) -> str:
    if tally.examples:
        return f"no building could be used: {tally.examples[0]}"
    if window and tally.outside:
        return (
            f"none of the {tally.outside} buildings lies within {window.size_m:g} m round {window.lat:g},{window.lon:g}"
        )
    return "the tiles hold no building"


def _name(tiles: Sequence[Tile]) -> tuple[str, str]:
    mesh = tiles[0].path.name.split("_")[0].split(".")[0]
    more_ja, more_en = (f" ほか{len(tiles) - 1}図郭", f" and {len(tiles) - 1} more") if len(tiles) > 1 else ("", "")
    return f"図郭 {mesh}{more_ja}", f"map tile {mesh}{more_en}"
