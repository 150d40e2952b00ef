"""What a walk costs: the heat that a person takes in on the way.

The dose of a walk is the time integral of how far the heat index exceeds a threshold below which walking does not strain:

    dose = integral of max(0, index - threshold) dt    [degC min]

With UTCI the threshold is 26 degC, where the assessment scale begins to speak of heat stress (Broede et al. 2012, Int. J.
Biometeorol. 56:481-494); with WBGT it is 25 degC, where the Ministry's scale says "warning". People walk at 1.1 m/s: the
speed UTCI itself is defined for (4 km/h, Fiala et al. 2012) and about that of older walkers (Bohannon 1997, Age and
Ageing 26:15-19: 1.1 to 1.3 m/s for people over sixty).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from central.heat.compiled import kernel
from central.heat.geometry.types import Floats32, Floats64, Integers
from central.heat.paths.network import Indices, Network

WALKING_SPEED_MS = 1.1
UTCI_THRESHOLD_DEGC = 26.0
WBGT_THRESHOLD_DEGC = 25.0
SHADE_BELOW = 0.5
"""A place is in the shade when less than this share of the sun's beam arrives."""
PROBE_CELLS = 0.5
"""A walk is looked at every half cell."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Lower edges of the bands that the minutes are counted in [degC], rising; the first may be minus infinity."""

    utci_degc: tuple[float, ...]
    wbgt_degc: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a person meets on one walk."""

    length_m: float
    duration_s: float
    shade_pct: float
    """Share of the way in the shade of buildings or trees."""
    mean_utci_degc: float
    max_utci_degc: float
    mean_wbgt_degc: float
    max_wbgt_degc: float
    utci_minutes: tuple[float, ...]
    """Minutes in each band of ``Thresholds``."""
    wbgt_minutes: tuple[float, ...]
    utci_dose_degc_min: float
    wbgt_dose_degc_min: float


def walking_time_s(length_m: float) -> float:
    return length_m / WALKING_SPEED_MS


def edge_doses(network: Network, index_degc: Floats32, threshold_degc: float) -> Floats32:
    """(edges,) dose of each piece of the network [degC min].

    Args:
        network: pieces on the raster of ``index_degc``; what lies beyond it is given the value of its nearest edge.
        index_degc: (rows, columns) UTCI or WBGT, finite everywhere: buildings filled from the ground next to them.
        threshold_degc: see above.

    Raises:
        ValueError: the field is not two-dimensional or holds a value that is not finite.
    """
    field = np.ascontiguousarray(index_degc, dtype=np.float32)
    if field.ndim != 2 or not np.isfinite(field).all():
        raise ValueError("index_degc must be a two-dimensional field of finite values")
    dose = np.empty(network.edges, dtype=np.float32)
    minutes_per_m = np.float32(1.0 / (WALKING_SPEED_MS * 60.0))
    _fill_doses(
        network.x_cells, network.y_cells, network.edge_from, network.edge_to, network.length_m,
        field, np.float32(threshold_degc), minutes_per_m, dose,
    )  # fmt: skip
    return dose


@kernel(fastmath=False)
def _fill_doses(  # noqa: PLR0917 - a kernel takes its arrays one by one
    x: Floats32,
    y: Floats32,
    edge_from: Indices,
    edge_to: Indices,
    length_m: Floats32,
    field: Floats32,
    threshold: np.float32,
    minutes_per_m: np.float32,
    dose: Floats32,
) -> None:
    rows, columns = field.shape
    for edge in range(edge_from.size):
        x0, y0 = x[edge_from[edge]], y[edge_from[edge]]
        across, down = x[edge_to[edge]] - x0, y[edge_to[edge]] - y0
        probes = max(1, int(np.ceil(np.sqrt(across * across + down * down) / np.float32(PROBE_CELLS))))
        total = np.float32(0.0)
        for probe in range(probes):
            share = (np.float32(probe) + np.float32(0.5)) / np.float32(probes)
            row = min(max(int(y0 + share * down), 0), rows - 1)
            column = min(max(int(x0 + share * across), 0), columns - 1)
            total += max(field[row, column] - threshold, np.float32(0.0))
        dose[edge] = total / np.float32(probes) * length_m[edge] * minutes_per_m


def exposure_along(
    network: Network,
    nodes: Integers,
    *,
    utci_degc: Floats32,
    wbgt_degc: Floats32,
    sunlit: Floats32,
    thresholds: Thresholds,
) -> Exposure:
    """What a person meets on the way from place to place.

    Args:
        network: the places.
        nodes: (n,) their numbers in the order of the walk, one or more.
        utci_degc: (rows, columns), finite everywhere.
        wbgt_degc: the same.
        sunlit: (rows, columns) share of the sun's beam that arrives, 0 to 1.
        thresholds: the bands.
    """
    rows, columns, metres = _probes(network, nodes, utci_degc.shape)
    minutes = metres / WALKING_SPEED_MS / 60.0
    length_m = float(metres.sum())
    weight = metres / length_m if length_m > 0.0 else np.full(metres.size, 1.0 / metres.size)
    utci, wbgt = utci_degc[rows, columns].astype(np.float64), wbgt_degc[rows, columns].astype(np.float64)
    return Exposure(
        length_m=length_m,
        duration_s=walking_time_s(length_m),
        shade_pct=float(100.0 * weight[sunlit[rows, columns] < SHADE_BELOW].sum()),
        mean_utci_degc=float(utci @ weight),
        max_utci_degc=float(utci.max()),
        mean_wbgt_degc=float(wbgt @ weight),
        max_wbgt_degc=float(wbgt.max()),
        utci_minutes=_minutes_in_bands(utci, minutes, thresholds.utci_degc),
        wbgt_minutes=_minutes_in_bands(wbgt, minutes, thresholds.wbgt_degc),
        utci_dose_degc_min=float(np.maximum(utci - UTCI_THRESHOLD_DEGC, 0.0) @ minutes),
        wbgt_dose_degc_min=float(np.maximum(wbgt - WBGT_THRESHOLD_DEGC, 0.0) @ minutes),
    )


def _probes(network: Network, nodes: Integers, shape: tuple[int, ...]) -> tuple[Integers, Integers, Floats64]:
    """Row, column and length [m] of each bit of the way; one bit of no length where the walk has only one place."""
    x, y = network.x_cells[nodes].astype(np.float64), network.y_cells[nodes].astype(np.float64)
    across, down = np.diff(x), np.diff(y)
    count = np.maximum(1, np.ceil(np.hypot(across, down) / PROBE_CELLS).astype(np.int64))
    if count.size == 0:
        at_x, at_y, metres = x[:1], y[:1], np.zeros(1)
    else:
        piece = np.repeat(np.arange(count.size), count)
        share = (np.arange(piece.size) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[piece]
        at_x, at_y = x[piece] + share * across[piece], y[piece] + share * down[piece]
        metres = np.hypot(across, down)[piece] / count[piece] * network.cell_m
    rows = np.clip(np.floor(at_y).astype(np.int64), 0, shape[0] - 1)
    columns = np.clip(np.floor(at_x).astype(np.int64), 0, shape[1] - 1)
    return rows, columns, metres


def _minutes_in_bands(values: Floats64, minutes: Floats64, lower_edges: npt.ArrayLike) -> tuple[float, ...]:
    band = np.searchsorted(np.asarray(lower_edges)[1:], values, side="right")
    counted = np.bincount(band, weights=minutes, minlength=np.size(lower_edges))
    return tuple(float(value) for value in counted)
