"""Fields of one step as gray levels, and what can be said of them: pure.

A layer is published as 8 bit: value = offset + step * level for levels 1 .. 255, level 0 = no value (a building stands
there). The step is fixed for each layer, finer than the model is true; the offset is a multiple of 5 below the frame's
lowest value, so that levels stay comparable for hours. Where a frame spans more than 254 steps, the step is doubled
until it fits: nothing is ever clipped. Both numbers are part of every frame's description.

The picture, the areas, the point query and the GeoTIFF all read these same levels, so that every door says the same.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.comfort.bands import BANDS as WBGT_BANDS
from central.heat.compiled import kernel
from central.simulation.png import Gray

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEVEL_MAX: Final = 255
NO_VALUE: Final = 0
OFFSET_MULTIPLE: Final = 5.0


@dataclass(frozen=True, slots=True)
class LayerKind:
    """What a layer shows. `step` in the layer's unit; `fixed_offset` where the range is known beforehand."""

    name: str
    title_ja: str
    title_en: str
    unit: str
    step: float
    fixed_offset: float | None = None


LAYERS: Final[Mapping[str, LayerKind]] = {
    kind.name: kind
    for kind in (
        LayerKind("wbgt", "暑さ指数 (WBGT)", "Wet-bulb globe temperature (WBGT)", "degC", 0.1),
        LayerKind("utci", "体感温度指標 (UTCI)", "Universal thermal climate index (UTCI)", "degC", 0.25),
        LayerKind("tmrt", "平均放射温度", "Mean radiant temperature", "degC", 0.5),
        # 254 steps from 0 (level 1) to 1 (level 255).
        LayerKind("shadow", "日なた・日かげ (1 = 日なた)", "Sun and shade (1 = sun)", "1", 1 / 254, -1 / 254),
    )
}


@dataclass(frozen=True, slots=True)
class Layer:
    """One published layer.

    Args:
        level: (rows, columns) uint8.
        minimum, mean, maximum: over outdoor ground cells, None where there is none.
    """

    kind: LayerKind
    level: Gray
    offset: float
    step: float
    minimum: float | None
    mean: float | None
    maximum: float | None

    def values(self) -> Field:
        """(rows, columns) float32 in the layer's unit, NaN where there is no value."""
        return dequantise(self.level, self.offset, self.step)

    def value_at(self, row: int, column: int) -> float | None:
        level = int(self.level[row, column])
        return None if level == NO_VALUE else round(self.offset + self.step * level, 3)


def quantise(kind: LayerKind, field: Field, is_ground: Mask) -> Layer:
    """The field as gray levels.

    Args:
        kind: which layer.
        field: (rows, columns) values in the layer's unit; what is not finite counts as no value.
        is_ground: (rows, columns) True where people walk; elsewhere the level is 0.

    Raises:
        ValueError: the shapes differ.

    """
    if field.shape != is_ground.shape:
        raise ValueError(f"field {field.shape} and mask {is_ground.shape} differ in shape")
    values = np.ascontiguousarray(field, dtype=np.float32)
    level: Gray = np.zeros(values.shape, np.uint8)
    lowest, highest = _extent(values, is_ground)
    if lowest > highest:
        offset = kind.fixed_offset if kind.fixed_offset is not None else 0.0
        return Layer(kind, level, offset, kind.step, None, None, None)
    offset, step = scale(kind, lowest, highest)
    counts = np.zeros(LEVEL_MAX + 1, np.int64)
    _fill_levels(values, is_ground, np.float32(offset), np.float32(1.0 / step), level, counts)
    mean = offset + step * float(np.dot(counts[1:], np.arange(1, LEVEL_MAX + 1)) / counts[1:].sum())
    # The levels are rounded, the extremes are not: where all cells are nearly alike the mean would lie beyond them.
    return Layer(kind, level, offset, step, lowest, min(max(mean, lowest), highest), highest)


# Compiled, because four layers of a million cells take 25 ms and more as a chain of array operations, 6 ms so.
@kernel(fastmath=False)
def _extent(field: Field, is_ground: Mask) -> tuple[float, float]:
    """Lowest and highest finite value over the ground; the first is the higher one when there is none."""
    lowest, highest = np.float32(np.inf), np.float32(-np.inf)
    for row in range(field.shape[0]):
        for column in range(field.shape[1]):
            value = field[row, column]
            if is_ground[row, column] and np.isfinite(value):
                lowest = min(lowest, value)
                highest = max(highest, value)
    return float(lowest), float(highest)


@kernel(fastmath=False)
def _fill_levels(  # noqa: PLR0917 - a kernel takes its arrays one by one
    field: Field,
    is_ground: Mask,
    offset: np.float32,
    per_step: np.float32,
    level: Gray,
    counts: NDArray[np.int64],
) -> None:
    """Writes the nearest level, 1 .. 255, of every finite ground cell into `level` (0 elsewhere), and counts them."""
    for row in range(field.shape[0]):
        for column in range(field.shape[1]):
            value = field[row, column]
            if is_ground[row, column] and np.isfinite(value):
                # A field whose range is known may leave it by rounding errors: those are not worth a wider scale.
                nearest = min(max(int(np.rint((value - offset) * per_step)), 1), LEVEL_MAX)
                level[row, column] = nearest
                counts[nearest] += 1


def warm_up() -> None:
    """Compiles what `quantise` needs."""
    quantise(LAYERS["shadow"], np.ones((2, 2), np.float32), np.ones((2, 2), np.bool_))


def scale(kind: LayerKind, lowest: float, highest: float) -> tuple[float, float]:
    """(offset, step) under which `lowest` .. `highest` fit in levels 1 .. 255."""
    if kind.fixed_offset is not None:
        return kind.fixed_offset, kind.step
    step = kind.step
    while True:
        offset = OFFSET_MULTIPLE * math.floor((lowest - step) / OFFSET_MULTIPLE)
        if offset + LEVEL_MAX * step >= highest:
            return offset, step
        step *= 2.0


def dequantise(level: Gray, offset: float, step: float) -> Field:
    """The values behind the levels as float32, NaN for level 0."""
    table = (offset + step * np.arange(LEVEL_MAX + 1)).astype(np.float32)
    table[NO_VALUE] = np.nan
    values: Field = table[level]
    return values


def histogram(level: Gray) -> NDArray[np.int64]:
    """(256,) how many cells have each level."""
    return np.bincount(level.ravel(), minlength=LEVEL_MAX + 1)


def band_share(layer: Layer) -> dict[str, float]:
    """Share of the outdoor ground cells in each WBGT band, 0 .. 1, in the order of the bands; all 0 where there is no ground."""
    counts = histogram(layer.level)
    counts[NO_VALUE] = 0
    total = int(counts.sum())
    # Half a step below the edge rounds up to it; the nudge is far smaller and only undoes float dust.
    value = layer.offset + layer.step * np.arange(LEVEL_MAX + 1) + layer.step * 1e-6
    edges = [band.from_degc for band in WBGT_BANDS] + [math.inf]
    return {
        band.id: round(int(counts[(value >= low) & (value < high)].sum()) / total, 4) if total else 0.0
        for band, low, high in zip(WBGT_BANDS, edges, edges[1:], strict=False)
    }
