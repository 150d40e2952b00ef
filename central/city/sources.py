"""From what the user named, a file, several or a folder, to the tiles to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from central.city.xml_source import root_name
from contract.errors import UserError

TILES_MAX = 2000
"""The largest city of PLATEAU has some 700 building tiles."""
_GML_NAMES = (".gml", ".gml.gz", ".xml", ".xml.gz")
_OSM_NAMES = (".osm", ".osm.gz")


@dataclass(frozen=True, slots=True)
class Tile:
    """One file. `kind`: "bldg", "dem", "osm", or "any" where only the content can tell."""

    path: Path
    kind: str


def find_tiles(paths: Path | str | Sequence[Path | str]) -> list[Tile]:
    """Every building and relief tile under the paths, sorted by name, each only once.

    A folder may be one of PLATEAU's (`udx/bldg`, `udx/dem`), or `bldg`, or any folder of tiles; road, land use and
    other themes in it are passed over.

    Raises:
        UserError: a path does not exist, a folder holds no tile, a file is no city model.
    """
    named = [paths] if isinstance(paths, str | Path) else list(paths)
    if not named:
        raise UserError("no file or folder given", where="city")
    tiles: dict[Path, Tile] = {}
    for path in (Path(name) for name in named):
        found = _in_folder(path) if path.is_dir() else [Tile(path, _kind(path))]
        for tile in found:
            tiles.setdefault(tile.path.resolve(), tile)
    if len(tiles) > TILES_MAX:
        raise UserError(f"{len(tiles)} tiles are more than the limit of {TILES_MAX}", where=str(named[0]))
    for tile in tiles.values():
        _check_root(tile)
    return sorted(tiles.values(), key=lambda tile: tile.path.name)


def _in_folder(folder: Path) -> list[Tile]:
    try:
        files = sorted(
            path for path in folder.rglob("*") if path.name.lower().endswith(_GML_NAMES + _OSM_NAMES) and path.is_file()
        )
    except OSError as error:
        raise UserError(f"the folder cannot be read: {error.strerror}", where=str(folder)) from None
    tiles = [Tile(path, _kind(path)) for path in files]
    themes = {"bldg", "dem", "osm"}
    # Names say the theme in every PLATEAU download; only a folder of foreign names is read in full.
    known = [tile for tile in tiles if tile.kind in themes]
    tiles = known or [tile for tile in tiles if tile.kind == "any"]
    if not any(tile.kind != "dem" for tile in tiles):
        raise UserError(
            "no building tile in the folder",
            where=str(folder),
            hint="PLATEAU keeps them in udx/bldg as MESH_bldg_6697_op.gml",
        )
    return tiles


def _kind(path: Path) -> str:
    name = path.name.lower()
    if name.endswith(_OSM_NAMES):
        return "osm"
    words = set(name.split(".")[0].split("_"))
    for kind in ("bldg", "dem"):
        if kind in words or path.parent.name == kind:
            return kind
    themes = {"tran", "luse", "urf", "fld", "tnm", "htd", "lsld", "veg", "frn", "brid", "wtr", "tun", "cons", "ubld"}
    return "other" if words & themes else "any"


def _check_root(tile: Tile) -> None:
    root = root_name(tile.path)
    expected = "osm" if tile.kind == "osm" else "CityModel"
    if root != expected:
        kinds = {
            "kml": "KML",
            "html": "a web page",
            "osm": "OpenStreetMap XML",
            "FeatureCollection": "a GML collection",
        }
        kind = kinds.get(root, f"XML with the root element <{root}>")
        wanted = "OpenStreetMap XML" if tile.kind == "osm" else "CityGML"
        raise UserError(f"the file is {kind}, not {wanted}", where=str(tile.path))
