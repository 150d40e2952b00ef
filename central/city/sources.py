"""From what the user named, a file, several or a folder, to the tiles to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from central.city.citygml import LonLatBox
from central.city.xml_source import root_name
from contract.errors import UserError

TILES_MAX = 10_000
"""The largest city of PLATEAU has some 700 tiles of buildings, and as many of every other theme."""
_GML_NAMES = (".gml", ".gml.gz", ".xml", ".xml.gz")
_OSM_NAMES = (".osm", ".osm.gz")
THEMES = {
    "bldg": "bldg",
    "dem": "dem",
    "luse": "luse",
    "veg": "veg",
    "tran": "tran",
    "trk": "tran",
    "squr": "tran",
    "rwy": "tran",
}
"""PLATEAU's theme codes that are read, and what they are read as: tracks, squares and railways are roads here."""
_PASSED_OVER = frozenset(
    {
        "urf",
        "fld",
        "tnm",
        "htd",
        "lsld",
        "frn",
        "brid",
        "wtr",
        "wwy",
        "tun",
        "cons",
        "ubld",
        "gen",
        "area",
        "unf",
        "ifld",
        "rfld",
    }
)
_TREE_LIST_NAMES = ("trees.csv", "trees.geojson")


@dataclass(frozen=True, slots=True)
class Tile:
    """One file. `kind`: "bldg", "dem", "luse", "veg", "tran", "osm", "trees", or "any" where only the content can tell."""

    path: Path
    kind: str


def find_tiles(paths: Path | str | Sequence[Path | str], box: LonLatBox | None = None) -> list[Tile]:
    """Every tile of buildings, relief, roads, land use and plants under the paths, sorted by name, each only once.

    A folder may be PLATEAU's own, its `udx` or a theme in it, or any folder of tiles; other themes are passed over, and
    so are tiles whose mesh code says that they lie outside the box. In a folder `trees.csv` and `trees.geojson` are
    lists of trees.

    Raises:
        UserError: a path does not exist, a folder holds no tile, a file is no city model.
    """
    tiles = _tiles_under(paths)
    chosen = [tile for tile in tiles if box is None or _may_touch(tile.path.name, box)]
    if not chosen and box is not None:
        west, south, east, north = box
        raise UserError(
            f"none of the {len(tiles)} tiles lies within {south:.4f}..{north:.4f} N, {west:.4f}..{east:.4f} E",
            where=str(paths if isinstance(paths, str | Path) else paths[0]),
        )
    for tile in chosen:
        if tile.kind != "trees":
            _check_root(tile)
    return sorted(chosen, key=lambda tile: (tile.path.name, str(tile.path)))


def tiles_beyond(paths: Path | str | Sequence[Path | str], box: LonLatBox) -> list[str]:
    """Names of the tiles that ``find_tiles`` passes over because their mesh code says that they lie outside the box."""
    return sorted(tile.path.name for tile in _tiles_under(paths) if not _may_touch(tile.path.name, box))


def _tiles_under(paths: Path | str | Sequence[Path | str]) -> list[Tile]:
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
    return list(tiles.values())


def _in_folder(folder: Path) -> list[Tile]:
    names = _GML_NAMES + _OSM_NAMES
    try:
        files = sorted(
            path
            for path in folder.rglob("*")
            if (path.name.lower().endswith(names) or path.name.lower() in _TREE_LIST_NAMES) and path.is_file()
        )
    except OSError as error:
        raise UserError(f"the folder cannot be read: {error.strerror}", where=str(folder)) from None
    tiles = [Tile(path, _kind(path)) for path in files]
    # Names say the theme in every PLATEAU download; only a folder of foreign names is read in full.
    known = [tile for tile in tiles if tile.kind not in {"other", "any", "trees"}]
    chosen = known or [tile for tile in tiles if tile.kind == "any"]
    if not chosen:
        raise UserError(
            "no tile of a city model in the folder",
            where=str(folder),
            hint="PLATEAU keeps buildings in udx/bldg as MESH_bldg_6697_op.gml",
        )
    return chosen + [tile for tile in tiles if tile.kind == "trees"]


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
    if name in _TREE_LIST_NAMES:
        return "trees"
    words = name.split(".")[0].split("_")
    for word in (*words, path.parent.name):
        if word in THEMES:
            return THEMES[word]
    return "other" if set(words) & _PASSED_OVER else "any"


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
