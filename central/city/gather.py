"""All volumes of all tiles, told apart: relief or buildings, near or strayed, first or second copy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from central.city import relief
from central.city.citygml import LonLatBox, RawVolume, Tally, read_buildings
from central.city.gml_geometry import BrokenError
from central.city.osm_outlines import read_outlines
from central.city.sources import Tile
from contract.errors import UserError

FAR_AWAY_M = 20_000.0
"""Tiles of one city lie side by side: one this far from the others is another city's, or a slip in a coordinate."""
METRES_PER_DEGREE = 111_320.0


def read_tiles(
    tiles: Sequence[Tile], tally: Tally, box: LonLatBox | None
) -> tuple[list[tuple[Path, list[RawVolume]]], list[Path]]:
    """The volumes of every building tile, and which tiles are relief."""
    read: list[tuple[Path, list[RawVolume]]] = []
    reliefs: list[Path] = []
    for tile in tiles:
        if tile.kind == "dem":
            reliefs.append(tile.path)
        elif tile.kind == "osm":
            read.append((tile.path, read_outlines(tile.path, tally, box)))
        else:
            before = tally.buildings
            read.append((tile.path, read_buildings(tile.path, tally, box)))
            if tally.buildings == before:
                if len(tiles) > 1 and tile.kind == "bldg":
                    continue  # a tile of fields
                if not relief.read_triangles(tile.path, Tally()):
                    raise UserError(
                        "the file holds no building", where=str(tile.path), hint="a tile of the theme bldg is needed"
                    )
                reliefs.append(tile.path)
    return read, reliefs


def near_volumes(read: Sequence[tuple[Path, list[RawVolume]]], tally: Tally) -> tuple[list[RawVolume], list[Path]]:
    """All volumes with the tile each is from; strays and second copies are counted and left out."""
    middles = {path: _median([_place(volume) for volume in volumes]) for path, volumes in read if volumes}
    if not middles:
        return [], []
    centre = _median(list(middles.values()))
    path, middle = max(middles.items(), key=lambda item: _distance_m(item[1], centre))
    # The median of two tiles lies half way between them; which of the two is wrong nobody can tell, one is named.
    distance_m = _distance_m(middle, centre) * (2 if len(middles) == 2 else 1)
    if distance_m > FAR_AWAY_M:
        raise UserError(
            f"the tile lies {distance_m / 1000:.0f} km away from the others, "
            f"at latitude {middle[0]:.4f}, longitude {middle[1]:.4f}",
            where=str(path),
            hint="give tiles of one city",
        )
    volumes: list[RawVolume] = []
    owners: list[Path] = []
    seen: set[str] = set()
    for path, found in read:
        for volume in found:
            place = _place(volume)
            if _distance_m(place, middles[path]) > FAR_AWAY_M:
                tally.skip(
                    path.name,
                    volume.id,
                    BrokenError("building far from its tile", f"latitude {place[0]:.4f}, longitude {place[1]:.4f}"),
                )
            elif volume.id and volume.id in seen:
                tally.skip(path.name, volume.id, BrokenError("second building of the same id"))
            else:
                seen.add(volume.id)
                volumes.append(volume)
                owners.append(path)
    return volumes, owners


Place = tuple[float, float]
"""Latitude, longitude [degrees]."""


def _place(volume: RawVolume) -> Place:
    first = volume.footprint[0].exterior[0]
    return float(first[0]), float(first[1])


def _median(places: Sequence[Place]) -> Place:
    lat, lon = np.median(np.array(places), axis=0)
    return float(lat), float(lon)


def _distance_m(a: Place, b: Place) -> float:
    dlat = (a[0] - b[0]) * METRES_PER_DEGREE
    dlon = (a[1] - b[1]) * METRES_PER_DEGREE * np.cos(np.radians(a[0]))
    return float(np.hypot(dlat, dlon))
