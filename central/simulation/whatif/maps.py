"""A comparison's maps as layers of gray levels, the way frames publish theirs, and its numbers as a table."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from central.city.grid import Grid
from central.simulation.frames import LAYERS, Layer, LayerKind, quantise
from central.simulation.rounding import rounded
from central.simulation.whatif.compare import Comparison, Row
from central.simulation.whatif.window import Box

MIDDLE: Final = 128
"""Gray of "no difference"."""
DIFFERENCE_KINDS: Final[Mapping[str, LayerKind]] = {
    kind.name: kind
    for kind in (
        LayerKind("wbgt_difference", "暑さ指数 (WBGT) の差", "Difference of WBGT", "K", 0.1),
        LayerKind("utci_difference", "UTCI の差", "Difference of UTCI", "K", 0.25),
        LayerKind("tmrt_difference", "平均放射温度の差", "Difference of mean radiant temperature", "K", 0.5),
    )
}
MAP_NAMES: Final = (
    *DIFFERENCE_KINDS,
    "wbgt_before",
    "wbgt_after",
    "utci_before",
    "utci_after",
    "tmrt_before",
    "tmrt_after",
)

DIGITS: Final[Mapping[str, int]] = {"m2": 0, "degc": 3, "pct": 2}
"""Decimals of the table, by unit. A single tree moves a mean over all walks by a few thousandths of a degree."""


def kind_of(name: str) -> LayerKind:
    """What the map of this name shows. Raises KeyError for a name that no map has."""
    return DIFFERENCE_KINDS[name] if name in DIFFERENCE_KINDS else LAYERS[name.rsplit("_", 1)[0]]


def window_grid(grid: Grid, box: Box) -> Grid:
    """The raster of the box in the city's local metres."""
    size = grid.pixel_size_m
    rows, columns = box.shape
    return Grid(grid.x_west_m + box.column0 * size, grid.y_north_m - box.row0 * size, columns, rows, size)


def map_layers(found: Comparison, number: int) -> dict[str, Layer]:
    """The layers of one moment by name. Differences (after minus before) where there is ground both before and after."""
    maps = found.maps[number]
    common = found.is_ground_before & found.is_ground_after
    layers: dict[str, Layer] = {}
    for name, kind in DIFFERENCE_KINDS.items():
        quantity = name.removesuffix("_difference")
        layers[name] = _difference(kind, maps.after[quantity] - maps.before[quantity], common)
        layers[f"{quantity}_before"] = quantise(LAYERS[quantity], maps.before[quantity], found.is_ground_before)
        layers[f"{quantity}_after"] = quantise(LAYERS[quantity], maps.after[quantity], found.is_ground_after)
    return layers


def _difference(kind: LayerKind, field: Any, where: Any) -> Layer:
    """Gray 128 is no difference; the step doubles until the largest fits, so that nothing is clipped."""
    level = np.zeros(field.shape, np.uint8)
    where = where & np.isfinite(field)
    values = field[where]
    if values.size == 0:
        return Layer(kind, level, -MIDDLE * kind.step, kind.step, None, None, None)
    step = kind.step
    while np.abs(values).max() > (MIDDLE - 1) * step:
        step *= 2.0
    level[where] = (np.rint(values / step) + MIDDLE).astype(np.uint8)
    lowest, mean, highest = float(values.min()), float(values.mean(dtype=np.float64)), float(values.max())
    return Layer(kind, level, -MIDDLE * step, step, lowest, mean, highest)


def row_dict(row: Row) -> dict[str, Any]:
    """One moment of the table, without its time."""
    return {
        "wbgt_31_and_more_m2": _three(row.hot_m2_before, row.hot_m2_after, "m2"),
        "walks_m2": row.walks_m2,
        "walks": None
        if row.walks_before is None or row.walks_after is None
        else {
            **{
                f"mean_{name}_degc": _three(row.walks_before[name], row.walks_after[name], "degc")
                for name in ("tmrt", "utci", "wbgt")
                if np.isfinite(row.walks_before[name] + row.walks_after[name])
            },
            "sunlit_pct": _three(100.0 * row.walks_before["shadow"], 100.0 * row.walks_after["shadow"], "pct"),
        },
    }


def _three(before: float, after: float, unit: str) -> dict[str, float]:
    """Rounded first, then compared: the three numbers add up as they stand in the table."""
    digits = DIGITS[unit]
    before, after = rounded(before, digits), rounded(after, digits)
    return {"before": before, "after": after, "difference": rounded(after - before, digits)}
