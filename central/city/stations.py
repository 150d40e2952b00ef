"""Where the weather stations stand: listed in a file for the town they belong to, or spread over any other city."""

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from central.city.model import City, LandCover
from contract.errors import UserError

SURFACES = tuple(cover.name.lower() for cover in LandCover)
"""What may be under a station: the names of the land cover classes."""

_CLEAR_OF_WALLS_M = 3.0
_NEAR_HOUSES_M = 25.0
_GRID_STEP_M = 10.0
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class StationSite:
    """A station's place.

    Args:
        id: name on the wire, for example "kmg-01".
        name_ja, name_en: names to show.
        lat, lon: degrees.
        surface: one of SURFACES.
        shade_ja, shade_en: what keeps the sun off, in words.
    """

    id: str
    name_ja: str
    name_en: str
    lat: float
    lon: float
    surface: str
    shade_ja: str = ""
    shade_en: str = ""


def read_stations(path: Path) -> tuple[StationSite, ...]:
    """The sites of a TOML file with one [[station]] table each.

    Raises:
        UserError: names the file, the station and the key that is missing, unknown or wrong.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("station", [])
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"no valid TOML: {error}", where=str(path)) from None
    if not isinstance(tables, list) or not tables:
        raise UserError("no [[station]] table", where=str(path))
    sites = tuple(_site(table, f"{path}, station {number}") for number, table in enumerate(tables, start=1))
    for number, site in enumerate(sites, start=1):
        if any(site.id == other.id for other in sites[: number - 1]):
            raise UserError(f"id {site.id!r} is used twice", where=f"{path}, station {number}")
    return sites


def _site(table: Any, where: str) -> StationSite:
    if not isinstance(table, dict):
        raise UserError("a station is written as a [[station]] table", where=where)
    fields = {"id": str, "name_ja": str, "name_en": str, "lat": float, "lon": float, "surface": str}
    optional = {"shade_ja": str, "shade_en": str}
    if unknown := sorted(set(table) - set(fields) - set(optional)):
        raise UserError(f"unknown key {unknown[0]!r}", where=where)
    for key, kind in {**fields, **optional}.items():
        if key not in table:
            if key in fields:
                raise UserError(f"key {key!r} is missing", where=where)
        elif not isinstance(table[key], (int, float) if kind is float else str) or isinstance(table[key], bool):
            raise UserError(f"{key} = {table[key]!r} is not a {'number' if kind is float else 'text'}", where=where)
    if not (-90 <= table["lat"] <= 90 and -180 <= table["lon"] <= 180):
        raise UserError(f"lat = {table['lat']}, lon = {table['lon']} is no place on Earth", where=where)
    if table["surface"] not in SURFACES:
        raise UserError(
            f"surface = {table['surface']!r} is not known", where=where, hint=f"one of {', '.join(SURFACES)}"
        )
    return StationSite(**{key: fields.get(key, str)(value) for key, value in table.items()})


def stations_for(city: City, path: Path) -> tuple[StationSite, ...]:
    """The sites of the file where they all lie outdoors in this city; as many of the same ids, spread anew, elsewhere.

    Raises:
        UserError: the file is wrong, or the city has no room.
    """
    sites = read_stations(path)
    if all(_is_outdoors(city, site) for site in sites):
        return sites
    placed = place_stations(city, len(sites))
    return tuple(replace(place, id=site.id) for place, site in zip(placed, sites, strict=True))


def _is_outdoors(city: City, site: StationSite) -> bool:
    cell = city.cell_at(site.lat, site.lon)
    return cell is not None and city.land_cover[cell] not in {LandCover.ROOF, LandCover.WATER}


def place_stations(city: City, n: int = 8) -> tuple[StationSite, ...]:
    """`n` outdoor places spread evenly over a city's built-up ground: the same city gives the same places.

    A place is 3 m or more from any wall and, where there are enough of those, within 25 m of a house: where people walk.

    Raises:
        UserError: the city has fewer outdoor cells than stations.
    """
    cells = _street_cells(city, n)
    grid = city.grid
    points = np.column_stack([grid.column_x_m()[cells[:, 1]], grid.row_y_m()[cells[:, 0]]])
    chosen = _spread(points, n)
    # Numbered as one reads: from the north, then from the west.
    order = sorted(chosen, key=lambda index: (-points[index, 1], points[index, 0]))
    sites = []
    for number, index in enumerate(order, start=1):
        lon, lat = city.frame.point_to_lonlat(*points[index].tolist())
        cover = LandCover(int(city.land_cover[tuple(cells[index])]))
        sites.append(
            StationSite(
                id=f"kmg-{number:02d}",
                name_ja=f"観測点 {number}",
                name_en=f"Station {number}",
                lat=round(lat, 6),
                lon=round(lon, 6),
                surface=(LandCover.ASPHALT if cover is LandCover.UNKNOWN else cover).name.lower(),
            )
        )
    return tuple(sites)


def _street_cells(city: City, n: int) -> NDArray[np.intp]:
    """(m, 2) row and column of the cells that may hold a station, thinned to one in 10 m where there are many."""
    roofs = city.land_cover == LandCover.ROOF
    outdoor = ~roofs & (city.land_cover != LandCover.WATER)
    to_wall_m = distance_transform_edt(~roofs) * city.grid.pixel_size_m if roofs.any() else np.full(roofs.shape, np.inf)
    street = outdoor & (to_wall_m >= _CLEAR_OF_WALLS_M) & (to_wall_m <= _NEAR_HOUSES_M)
    step = max(1, round(_GRID_STEP_M / city.grid.pixel_size_m))
    thinned = np.zeros_like(street)
    thinned[step // 2 :: step, step // 2 :: step] = True
    for candidates in (street & thinned, street, outdoor):
        cells = np.argwhere(candidates)
        if len(cells) >= n:
            return cells
    raise UserError(f"only {int(outdoor.sum())} outdoor cells for {n} stations", where=city.name_en)


def _spread(points: NDArray[np.float64], n: int) -> list[int]:
    """Indices of n points, each in the middle of the part of the city that is nearest to it (Lloyd's algorithm)."""
    chosen = [int(np.argmin(np.sum((points - points.mean(axis=0)) ** 2, axis=1)))]
    nearest = np.sum((points - points[chosen[0]]) ** 2, axis=1)
    while len(chosen) < n:
        chosen.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, np.sum((points - points[chosen[-1]]) ** 2, axis=1))
    middles = points[chosen]
    for _ in range(_ROUNDS):
        owner = np.argmin(np.sum((points[:, None, :] - middles[None, :, :]) ** 2, axis=2), axis=1)
        middles = np.array([points[owner == k].mean(axis=0) if (owner == k).any() else middles[k] for k in range(n)])
    taken: list[int] = []
    for middle in middles:
        by_distance = np.argsort(np.sum((points - middle) ** 2, axis=1), kind="stable")
        taken.append(next(int(index) for index in by_distance if int(index) not in taken))
    return taken
