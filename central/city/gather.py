"""All files told apart by theme; all buildings told apart: near or strayed, first or second copy."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from central.city.citygml import LonLatBox, RawVolume, Tally, read_buildings
from central.city.gml_geometry import BrokenError
from central.city.gml_objects import object_names
from central.city.layers import ThemeTiles
from central.city.osm_outlines import read_outlines
from central.city.roads import KINDS
from central.city.sources import Tile
from contract.errors import UserError

FAR_AWAY_M = 20_000.0
"""Tiles of one city lie side by side: one this far from the others is another city's, or a slip in a coordinate."""
METRES_PER_DEGREE = 111_320.0


_OBJECTS = {
    "bldg": frozenset({"Building"}),
    "dem": frozenset({"ReliefFeature"}),
    "tran": frozenset(KINDS),
    "luse": frozenset({"LandUse"}),
    "veg": frozenset({"SolitaryVegetationObject", "PlantCover"}),
}


@dataclass(slots=True)
class Gathered:
    """The volumes of every building tile; the files of all other themes, which are read when the raster is known."""

    buildings: list[tuple[Path, list[RawVolume]]] = field(default_factory=list)
    reliefs: list[Path] = field(default_factory=list)
    themes: ThemeTiles = field(default_factory=ThemeTiles)


def read_tiles(tiles: Sequence[Tile], tally: Tally, box: LonLatBox | None) -> Gathered:
    """Reads the buildings and sorts the other files by theme, by their content where the name does not tell.

    Raises:
        UserError: broken XML, another coordinate system, a file that holds nothing of use.
    """
    gathered = Gathered()
    themes = gathered.themes
    files = {"dem": gathered.reliefs, "tran": themes.roads, "luse": themes.uses, "veg": themes.plants}
    for tile in tiles:
        if tile.kind == "trees":
            themes.tree_lists.append(tile.path)
        elif tile.kind == "osm":
            gathered.buildings.append((tile.path, read_outlines(tile.path, tally, box)))
        else:
            for kind in _kinds(tile):
                if kind == "bldg":
                    gathered.buildings.append((tile.path, read_buildings(tile.path, tally, box)))
                else:
                    files[kind].append(tile.path)
    return gathered


def _kinds(tile: Tile) -> list[str]:
    if tile.kind not in {"any", "other"}:
        return [tile.kind]
    names = object_names(tile.path)
    kinds = [kind for kind, objects in _OBJECTS.items() if names & objects]
    if not kinds:
        held = ", ".join(sorted(names)[:3])
        raise UserError(
            f"the file holds no building, relief, road, land use or plant{', only ' + held if held else ''}",
            where=str(tile.path),
        )
    return kinds


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
    near: list[tuple[Place, str, RawVolume, Path]] = []
    for path, found in read:
        for volume in found:
            place = _place(volume)
            if _distance_m(place, middles[path]) > FAR_AWAY_M:
                tally.skip(
                    path.name,
                    volume.id,
                    BrokenError("building far from its tile", f"latitude {place[0]:.4f}, longitude {place[1]:.4f}"),
                )
            else:
                near.append((place, volume.id, volume, path))
    # By place, not by file: everything that follows is then the same however the city is cut into tiles.
    near.sort(key=lambda item: item[:2])
    volumes: list[RawVolume] = []
    owners: list[Path] = []
    seen: set[str] = set()
    for _, identifier, volume, path in near:
        if identifier and identifier in seen:
            tally.skip(path.name, identifier, BrokenError("second building of the same id"))
        else:
            seen.add(identifier)
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
