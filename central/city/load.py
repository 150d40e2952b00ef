"""The one door to a city: PLATEAU tiles, an OSM file, or the built-in downtown."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from central.city.citygml import LonLatBox, RawVolume, Tally
from central.city.gather import METRES_PER_DEGREE, near_volumes, read_tiles
from central.city.gml_geometry import BrokenError
from central.city.grid import CELLS_MAX, Grid, check_pixel_size, grid_over
from central.city.ground import draw_ground
from central.city.ground_cover import draw_ground_cover
from central.city.heights import resolve_heights
from central.city.layers import read_layers
from central.city.model import Building, City, Outline, RoofFace
from central.city.outlines import footprint_outline, roof_face
from central.city.projection import LocalFrame
from central.city.report import import_report
from central.city.sources import Tile, find_tiles
from central.city.surface_raster import draw_buildings, ground_at
from central.city.synthetic import synthetic_downtown
from central.city.terrain import Float32s
from central.heat.surface import Surface
from contract.errors import UserError

DEFAULT_PIXEL_SIZE_M = 2.0
SIDE_MAX_M = 40_000.0
"""Beyond, the scale of the local metres is off by more than 5e-6 (10 cm on 20 km)."""


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
    trees: Sequence[Path] = (),
    cells_max: int = CELLS_MAX,
) -> tuple[City, Surface]:
    """A city and its surface.

    Args:
        paths: CityGML tiles (plain or .gz) of buildings, relief, roads, land use and plants, .osm files, or folders of
            them; None for the built-in downtown.
        pixel_size_m: 1, 2 or 4.
        window: the square to take; None for all that the tiles hold. Only with a square may buildings be missing.
        seed: of the built-in downtown.
        trees: lists of trees (CSV or GeoJSON), beside the plants of the tiles.
        cells_max: largest raster allowed.

    Raises:
        UserError: names file, line and value of what cannot be used.
    """
    check_pixel_size(pixel_size_m)
    if paths is None:
        if trees:
            raise UserError("the built-in downtown has its own trees", where=str(trees[0]))
        return synthetic_downtown(seed, pixel_size_m=pixel_size_m)
    box = window.box() if window else None
    tiles = find_tiles(paths, box)
    tally = Tally()
    gathered = read_tiles(tiles, tally, box)
    gathered.themes.tree_lists += trees
    volumes, owners = near_volumes(gathered.buildings, tally)
    may_be_bare = window is not None and bool(gathered.reliefs or gathered.themes.any)
    if not (volumes or may_be_bare):
        raise _no_buildings(tally, window, tiles)
    frame = LocalFrame(window.lat, window.lon) if window else _frame_round(volumes)
    kept, outlines = _outlines(volumes, owners, frame, tally)
    del volumes, owners
    gathered.buildings.clear()
    if window:
        half = window.size_m / 2
        grid = grid_over((-half, -half, half, half), pixel_size_m, cells_max=cells_max)
        kept, outlines = _on_grid(grid, kept, outlines, tally)
    elif kept:
        grid = grid_over(_bounds(outlines), pixel_size_m, cells_max=cells_max)
    if not (kept or may_be_bare):
        raise _no_buildings(tally, window, tiles)

    ground = draw_ground(grid, frame, kept, outlines, reliefs=gathered.reliefs, tally=tally)
    buildings = _buildings(grid, ground.dem, frame, kept, outlines)
    del kept, outlines
    dsm, inside = draw_buildings(grid, buildings, ground.dem)
    layers = read_layers(gathered.themes, grid, frame, tally)
    if not (buildings or layers.any or ground.source == "dem"):
        raise _no_buildings(tally, window, tiles)
    cover = draw_ground_cover(grid, layers, inside)
    report = import_report(
        tally, buildings, layers=layers, ground=ground, cover=cover, tiles=[tile.path.name for tile in tiles]
    )
    name_ja, name_en = _name(tiles)
    attribution_ja, attribution_en = attribution_of({tile.kind for tile in tiles})
    city = City(
        name_ja=name_ja,
        name_en=name_en,
        source="plateau" if any(tile.kind not in {"osm", "trees"} for tile in tiles) else "osm",
        frame=frame,
        grid=grid,
        buildings=tuple(buildings),
        land_cover=cover.land_cover,
        attribution_ja=attribution_ja,
        attribution_en=attribution_en,
        report=report,
        roads=tuple(sorted((found.road for found in layers.roads), key=lambda road: road.outline.bounds[1])),
        trees=tuple(layers.trees),
    )
    lat, lon = city.center
    return city, Surface(dsm, ground.dem, cover.canopy_m, pixel_size_m=grid.pixel_size_m, lat=lat, lon=lon)


PLATEAU_JA = "出典：国土交通省 PLATEAU（3D都市モデル）（https://www.mlit.go.jp/plateau/）を加工して作成"
PLATEAU_EN = "Source: MLIT Project PLATEAU (3D city model), https://www.mlit.go.jp/plateau/, processed"
OSM_JA = "© OpenStreetMap contributors（ODbL）、国土交通省 PLATEAU を加工して作成"
OSM_EN = "© OpenStreetMap contributors (ODbL); MLIT Project PLATEAU, processed"


def attribution_of(kinds: AbstractSet[str]) -> tuple[str, str]:
    """Whom to thank, in Japanese and English, for files of these kinds."""
    osm, plateau = "osm" in kinds, bool(kinds - {"osm", "trees"})
    if osm and plateau:
        return (
            f"{PLATEAU_JA}；© OpenStreetMap contributors（ODbL）",
            f"{PLATEAU_EN}; © OpenStreetMap contributors (ODbL)",
        )
    return (OSM_JA, OSM_EN) if osm else (PLATEAU_JA, PLATEAU_EN)


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


def _no_buildings(tally: Tally, window: Window | None, tiles: Sequence[Tile]) -> UserError:
    where = str(tiles[0].path)
    if tally.buildings and tally.examples:
        return UserError(f"no building could be used: {tally.examples[0]}", where=where)
    if window and tally.outside:
        place = f"within {window.size_m:g} m round {window.lat:g},{window.lon:g}"
        return UserError(f"none of the {tally.outside} buildings lies {place}", where=where)
    if window:
        place = f"within {window.size_m:g} m round {window.lat:g},{window.lon:g}"
        return UserError(f"nothing in the files lies {place}", where=where)
    what = "the file holds no building" if len(tiles) == 1 else f"the {len(tiles)} files hold no building"
    return UserError(
        what, where=where, hint="give tiles of the theme bldg too, or a place without any by --center LAT,LON --size M"
    )


def _name(tiles: Sequence[Tile]) -> tuple[str, str]:
    mesh = tiles[0].path.name.split("_")[0].split(".")[0]
    more_ja, more_en = (f" ほか{len(tiles) - 1}図郭", f" and {len(tiles) - 1} more") if len(tiles) > 1 else ("", "")
    return f"図郭 {mesh}{more_ja}", f"map tile {mesh}{more_en}"
