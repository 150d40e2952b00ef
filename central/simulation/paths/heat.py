"""What walkers meet in one frame: its published levels as fields without holes, and the doses of a network's pieces."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from central.heat.geometry.types import Floats32
from central.heat.paths import HeatField, Network, Thresholds, edge_doses
from central.heat.paths.exposure import UTCI_THRESHOLD_DEGC, WBGT_THRESHOLD_DEGC
from central.simulation.areas.polygons import NearestGround
from central.simulation.bands import BANDS
from central.simulation.frames import LEVEL_MAX, NO_VALUE, Layer

THRESHOLDS: Final = Thresholds(
    utci_degc=tuple(band.from_degc for band in BANDS["utci"]), wbgt_degc=tuple(band.from_degc for band in BANDS["wbgt"])
)
DOSE_FROM_DEGC: Final = {"utci": UTCI_THRESHOLD_DEGC, "wbgt": WBGT_THRESHOLD_DEGC}
LAYERS_NEEDED: Final = ("utci", "wbgt", "shadow")


@dataclass(frozen=True, eq=False)
class FrameHeat:
    """One frame's fields (rows, columns), buildings filled from the ground next to them, and by index the doses (edges,).

    Where UTCI is not defined its field is NaN and its doses are left out.
    """

    fields: Mapping[str, Floats32]
    doses: Mapping[str, Floats32]

    def field(self, index: str) -> HeatField:
        return HeatField(self.fields[index], DOSE_FROM_DEGC[index])


def heat_of(network: Network, nearest: NearestGround, layers: Mapping[str, Layer]) -> FrameHeat:
    """What a frame costs.

    Args:
        network: the pieces.
        nearest: of the ground that WBGT has a value for.
        layers: utci, wbgt and shadow.
    """
    fields = {name: values_everywhere(layers[name], nearest) for name in LAYERS_NEEDED}
    doses = {
        name: edge_doses(network, HeatField(fields[name], degc))
        for name, degc in DOSE_FROM_DEGC.items()
        if layers[name].minimum is not None
    }
    return FrameHeat(fields, doses)


def values_everywhere(layer: Layer, nearest: NearestGround) -> Floats32:
    """(rows, columns) the layer's values, those of the nearest cell that has one where it has none; NaN everywhere for a blank layer.

    Level 0 is no heat: read as a number it would be the coolest place of the map. Where WBGT has none nobody walks, unless over a bridge;
    another layer may still lack a value on ground that WBGT has one for.
    """
    if layer.minimum is None:
        # Where the air holds too much vapour UTCI is not defined: its layer is blank then.
        return np.full(layer.level.shape, np.nan, np.float32)
    has_value = layer.level != NO_VALUE
    if not np.array_equal(has_value, nearest.is_ground):
        nearest = NearestGround(has_value)
    scale = (layer.offset + layer.step * np.arange(LEVEL_MAX + 1)).astype(np.float32)
    values: Floats32 = scale[nearest.fill(layer.level)]
    return values
