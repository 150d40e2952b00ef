"""A GeoJSON FeatureCollection as a list of changes; every fault is named by feature and field.

Each feature says what happens where:

    properties.action    "add" or "remove"; "add" when left out
    properties.kind      "building" or "tree"
    properties.height_m  to add: height above the ground [m]
    geometry             Polygon or MultiPolygon; for a tree also Point, with properties.crown_radius_m [m] or 0.3 of its height;
                         null to remove the building that properties.building_id names

Features are applied in their order. Removing takes away what stands within the outline, on the raster's cells.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import shape as as_geometry
from shapely.validation import explain_validity

from central.city.grid import Grid
from central.city.model import Outline
from central.city.projection import LocalFrame
from contract.errors import UserError

EDIT_BYTES_MAX: Final = 1_000_000
FEATURES_MAX: Final = 200
VERTICES_MAX: Final = 20_000
OUTLINE_M2_MAX: Final = 250_000.0
HEIGHT_RANGE_M: Final = {"building": (2.0, 400.0), "tree": (1.0, 60.0)}
CROWN_RADIUS_RANGE_M: Final = (0.5, 20.0)
CROWN_RADIUS_SHARE: Final = 0.3
"""Crown radius over height of a street tree where nobody states it."""
SHAPES: Final = {"building": ("Polygon", "MultiPolygon"), "tree": ("Polygon", "MultiPolygon", "Point")}
CIRCLE_SEGMENTS: Final = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One thing added or taken away.

    Args:
        action: "add" or "remove".
        kind: "building" or "tree".
        outline: in local metres.
        height_m: above the ground; 0 where something is removed.
        feature: its index in the collection.
    """

    action: str
    kind: str
    outline: Outline
    height_m: float
    feature: int


BuildingOutline = Callable[[str], Outline | None]


def read_edit(
    content: bytes | str, grid: Grid, frame: LocalFrame, building: BuildingOutline | None = None, *, where: str = ""
) -> list[Change]:
    """The changes of a GeoJSON FeatureCollection (RFC 7946: longitude, latitude).

    Args:
        content: the document.
        grid: the raster; every feature has to touch it.
        frame: its local metres.
        building: the outline of a building by its id; None where ids are not known.
        where: what to call the document in a refusal.

    Raises:
        UserError: in one line, with feature index and field.
    """
    if len(content) > EDIT_BYTES_MAX:
        raise UserError(f"holds {len(content)} bytes, at most {EDIT_BYTES_MAX} are taken", where=where)
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"is no JSON: {str(error)[:100]}", where=where) from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        kind = document.get("type") if isinstance(document, dict) else type(document).__name__
        raise UserError(f"is {str(kind)[:40]!r}, must be 'FeatureCollection'", where=_at(where, "type"))
    features = document.get("features")
    if not isinstance(features, list):
        raise UserError("is no list", where=_at(where, "features"))
    if not features:
        raise UserError("is empty: nothing would change", where=_at(where, "features"))
    if len(features) > FEATURES_MAX:
        raise UserError(
            f"holds {len(features)} features, at most {FEATURES_MAX} are taken", where=_at(where, "features")
        )
    changes = [
        _Feature(feature, index, _at(where, f"features[{index}]")).change(grid, frame, building)
        for index, feature in enumerate(features)
    ]
    vertices = int(sum(shapely.get_num_coordinates(change.outline) for change in changes))
    if vertices > VERTICES_MAX:
        raise UserError(f"holds {vertices} corners, at most {VERTICES_MAX} are taken", where=_at(where, "features"))
    return changes


def _at(where: str, field: str) -> str:
    return f"{where}: {field}" if where else field


class _Feature:
    """One feature being read; `where` is its place in the document."""

    def __init__(self, feature: object, index: int, where: str) -> None:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise UserError("is no Feature", where=where)
        properties = feature.get("properties")
        if not isinstance(properties, dict):
            raise UserError("is no object", where=f"{where}.properties", hint="action, kind, height_m")
        self._geometry: object = feature.get("geometry")
        self._properties: Mapping[str, Any] = properties
        self._index = index
        self._where = where

    def change(self, grid: Grid, frame: LocalFrame, building: BuildingOutline | None) -> Change:
        action = self._word("action", ("add", "remove"), default="add")
        kind = self._word("kind", ("building", "tree"))
        height_m = self._number("height_m", HEIGHT_RANGE_M[kind]) if action == "add" else 0.0
        if self._geometry is None and action == "remove" and kind == "building":
            outline = self._known_building(building)
        else:
            outline = self._outline(kind, action, height_m, frame)
        raster = shapely.box(grid.x_west_m, grid.y_south_m, grid.x_east_m, grid.y_north_m)
        if not outline.intersects(raster):
            raise UserError(
                "lies outside the map", where=f"{self._where}.geometry", hint="coordinates are longitude, latitude"
            )
        if outline.area > OUTLINE_M2_MAX:
            raise UserError(
                f"covers {outline.area:.0f} m2, at most {OUTLINE_M2_MAX:.0f} m2 are taken",
                where=f"{self._where}.geometry",
            )
        return Change(action, kind, outline, height_m, self._index)

    def _word(self, name: str, allowed: tuple[str, ...], *, default: str | None = None) -> str:
        value = self._properties.get(name, default)
        if value not in allowed:
            said = "is missing" if value is None else f"is {_shown(value)}"
            raise UserError(f"{said}, must be one of {', '.join(allowed)}", where=f"{self._where}.properties.{name}")
        return str(value)

    def _number(self, name: str, bounds: tuple[float, float], *, default: float | None = None) -> float:
        value = self._properties.get(name, default)
        place = f"{self._where}.properties.{name}"
        if value is None:
            raise UserError(f"is missing, must be a number of {bounds[0]:g} .. {bounds[1]:g} m", where=place)
        if isinstance(value, bool) or not isinstance(value, int | float) or not bounds[0] <= value <= bounds[1]:
            raise UserError(f"is {_shown(value)}, must be a number of {bounds[0]:g} .. {bounds[1]:g} m", where=place)
        return float(value)

    def _known_building(self, building: BuildingOutline | None) -> Outline:
        place = f"{self._where}.properties.building_id"
        name = self._properties.get("building_id")
        if not isinstance(name, str):
            raise UserError("is missing: without a geometry it has to name a building", where=place)
        if building is None:
            raise UserError(
                "cannot be looked up: rasters know no ids", where=place, hint="give the outline as geometry"
            )
        outline = building(name)
        if outline is None:
            raise UserError(f"no building has the id {name[:60]!r}", where=place)
        return outline

    def _outline(self, kind: str, action: str, height_m: float, frame: LocalFrame) -> Outline:
        place = f"{self._where}.geometry"
        given = self._geometry
        wanted = SHAPES[kind] if action == "add" else SHAPES["building"]
        if not isinstance(given, dict) or given.get("type") not in wanted:
            said = (
                str(given.get("type"))[:40]
                if isinstance(given, dict)
                else "missing"
                if given is None
                else type(given).__name__
            )
            raise UserError(f"is {said!r}, must be {' or '.join(wanted)} to {action} a {kind}", where=f"{place}.type")
        _check_numbers(given.get("coordinates"), f"{place}.coordinates")
        try:
            geometry = as_geometry(given)
            points = shapely.get_coordinates(geometry)
        except (
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
            OverflowError,
            shapely.errors.ShapelyError,
        ) as error:
            raise UserError(f"cannot be read: {str(error)[:100]}", where=f"{place}.coordinates") from None
        if not len(points):
            raise UserError("is empty", where=f"{place}.coordinates")
        if len(points) > VERTICES_MAX:
            raise UserError(
                f"holds {len(points)} corners, at most {VERTICES_MAX} are taken", where=f"{place}.coordinates"
            )
        on_earth = np.isfinite(points).all() and (np.abs(points) <= (180.0, 90.0)).all()
        if not on_earth:
            raise UserError(
                "holds a place that is not on Earth",
                where=f"{place}.coordinates",
                hint="longitude, latitude in degrees",
            )
        if not geometry.is_valid:
            raise UserError(f"is no valid outline: {explain_validity(geometry)}", where=f"{place}.coordinates")
        local = shapely.transform(geometry, lambda lonlat: np.column_stack(frame.to_local(lonlat[:, 0], lonlat[:, 1])))
        if isinstance(local, shapely.Point):
            radius_m = self._number(
                "crown_radius_m",
                CROWN_RADIUS_RANGE_M,
                default=max(CROWN_RADIUS_RANGE_M[0], CROWN_RADIUS_SHARE * height_m),
            )
            local = local.buffer(radius_m, quad_segs=CIRCLE_SEGMENTS)
        if not isinstance(local, shapely.Polygon | shapely.MultiPolygon) or not math.isfinite(local.area):
            raise UserError("lies too far away", where=f"{place}.coordinates")
        return local


def _shown(value: object) -> str:
    """A value in a few characters, a text in quotes: "30" is told from 30."""
    if isinstance(value, str):
        return repr(value[:40])
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return json.dumps(value)[:40]


def _check_numbers(coordinates: object, where: str) -> None:
    """Refuses what is no place at the bottom of the lists: a text that looks like a number is taken for one further on."""
    lists = [(coordinates, where)]
    while lists:
        values, place = lists.pop()
        if not isinstance(values, list):
            continue
        for index, value in enumerate(values):
            if isinstance(value, list):
                lists.append((value, f"{place}[{index}]"))
            elif isinstance(value, bool) or not isinstance(value, int | float):
                raise UserError(f"is {_shown(value)}, must be a number", where=f"{place}[{index}]")
        if values and not any(isinstance(value, list) for value in values) and len(values) not in {2, 3}:
            raise UserError(f"holds {len(values)} numbers, a place is longitude, latitude", where=place)
