"""From what the user named, a file, several or a folder, to the tiles to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from central.city.citygml import LonLatBox
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


def find_tiles(paths: Path | str | Sequence[Path | str], box: LonLatBox | None = None) -> list[Tile]:
    """Every building and relief tile under the paths, sorted by name, each only once.

    A folder may be one of PLATEAU's (`udx/bldg`, `udx/dem`), or `bldg`, or any folder of tiles; road, land use and
    other themes in it are passed over, and so are tiles whose mesh code says that they lie outside the box.

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
    chosen = [tile for tile in tiles.values() if box is None or _may_touch(tile.path.name, box)]
    if not chosen and box is not None:
        west, south, east, north = box
        raise UserError(
            f"none of the {len(tiles)} tiles lies within {south:.4f}..{north:.4f} N, {west:.4f}..{east:.4f} E",
            where=str(named[0]),
        )
    for tile in chosen:
        _check_root(tile)
    return sorted(chosen, key=lambda tile: tile.path.name)


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


def mesh_box(code: str) -> LonLatBox | None:
    """west, south, east, north [degrees] of a mesh of JIS X 0410: 6 digits (10 km) or 8 digits (1 km); None for others."""
    if not (code.isascii() and code.isdigit() and len(code) in {6, 8}):
        return None
    south = int(code[0:2]) / 1.5 + int(code[4]) / 12
    west = 100 + int(code[2:4]) + int(code[5]) / 8
    if len(code) == 6:
        return west, south, west + 1 / 8, south + 1 / 12
    south, west = south + int(code[6]) / 120, west + int(code[7]) / 80
    return west, south, west + 1 / 80, south + 1 / 120


def _may_touch(name: str, box: LonLatBox) -> bool:
    mesh = mesh_box(name.split(".", maxsplit=1)[0].split("_", maxsplit=1)[0])
    if mesh is None:
        return True
    reach = 0.003  # buildings on the border belong to one of the two meshes and reach into the other
    return (
        mesh[0] - reach <= box[2]
        and mesh[2] + reach >= box[0]
        and mesh[1] - reach <= box[3]
        and mesh[3] + reach >= box[1]
    )


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
