"""Trees of a list: CSV with the columns lon, lat, height_m, crown_diameter_m, or GeoJSON points with those properties."""

import csv
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from central.city.citygml import Tally
from central.city.gml_geometry import BrokenError
from central.city.model import Tree
from central.city.projection import LocalFrame
from central.city.vegetation import CROWN_MAX_M, HEIGHT_MAX_M, tree_of
from contract.errors import UserError

COLUMNS = ("lon", "lat", "height_m", "crown_diameter_m")
NAMES = (".csv", ".geojson", ".json")
BYTES_MAX = 256_000_000
_RANGES = {
    "lon": (122.0, 154.5, "degrees in Japan"),
    "lat": (20.0, 46.0, "degrees in Japan"),
    "height_m": (0.1, HEIGHT_MAX_M, "m"),
    "crown_diameter_m": (0.1, CROWN_MAX_M, "m"),
}


def read_trees(path: Path, frame: LocalFrame, tally: Tally) -> list[Tree]:
    """The trees of a list, in its order. A broken row is counted and left out, told by its line (or its feature).

    An empty height or crown diameter is estimated from the other, and the tree says so.

    Raises:
        UserError: the file is absent, too large, no CSV or GeoJSON, lacks a column, or has no row that can be used.
    """
    if not path.is_file():
        raise UserError(
            "no such file" if not path.exists() else "this is a folder, a file was expected", where=str(path)
        )
    if not path.name.lower().endswith(NAMES):
        raise UserError("the name must end in .csv or .geojson", where=str(path), hint="a list of trees is one of them")
    if path.stat().st_size > BYTES_MAX:
        raise UserError(f"the file is larger than {BYTES_MAX // 1_000_000} MB", where=str(path))
    trees: list[Tree] = []
    rows = 0
    first = ""
    for place, fields in _rows(path):
        rows += 1
        try:
            lon, lat, height_m, crown_m = (_number(fields, name) for name in COLUMNS)
            if lon is None or lat is None:
                raise BrokenError("tree without a place", "lon or lat is empty")
            x, y = frame.point_to_local(lon, lat)
            trees.append(tree_of(x, y, height_m, crown_m))
        except BrokenError as broken:
            first = first or f"{place}: {broken.reason} {broken.detail}"
            tally.skip(path.name, place, broken)
    if not trees:
        raise UserError(f"no tree could be used: {first}" if rows else "the list holds no tree", where=str(path))
    return trees


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(place in the file, fields) of every row."""
    try:
        if path.name.lower().endswith(".csv"):
            yield from _csv_rows(path)
        else:
            yield from _geojson_rows(path)
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise UserError(f"is not UTF-8 text: byte {error.start}", where=str(path), hint="save it as UTF-8") from None


def _csv_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        try:
            header = [name.strip() for name in next(reader, [])]
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise UserError(
                    f"the column {missing[0]} is missing, found: {', '.join(header)[:80] or 'nothing'}",
                    where=f"{path}, line 1",
                    hint=f"needed: {', '.join(COLUMNS)}",
                )
            for row in reader:
                if any(cell.strip() for cell in row):
                    yield f"line {reader.line_num}", dict(zip(header, row, strict=False))
        except csv.Error as error:
            raise UserError(f"no valid CSV: {error}", where=f"{path}, line {reader.line_num}") from None


def _geojson_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UserError(f"no valid JSON: {error.msg}", where=f"{path}, line {error.lineno}") from None
    except RecursionError:
        raise UserError("no valid JSON: nested too deep", where=str(path)) from None
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise UserError("is no GeoJSON FeatureCollection", where=str(path))
    for number, feature in enumerate(features, start=1):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        properties = feature.get("properties") if isinstance(feature, dict) else None
        fields: dict[str, Any] = dict(properties) if isinstance(properties, dict) else {}
        place = geometry.get("coordinates") if isinstance(geometry, dict) else None
        if (
            isinstance(geometry, dict)
            and geometry.get("type") == "Point"
            and isinstance(place, list)
            and len(place) > 1
        ):
            fields |= {"lon": place[0], "lat": place[1]}
        else:
            fields |= {"lon": None, "lat": None}
        yield f"feature {number}", fields


def _number(fields: Mapping[str, Any], name: str) -> float | None:
    """The field's value within its range, None where it is empty. Raises BrokenError."""
    value = fields.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = math.nan if isinstance(value, bool | list | dict) else float(value)
    except (ValueError, OverflowError):
        number = math.nan
    low, high, unit = _RANGES[name]
    if not low <= number <= high:
        raise BrokenError(f"{name} is not within {low:g} .. {high:g} {unit}", repr(value)[:40])
    return number
