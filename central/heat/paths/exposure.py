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
from central.heat.paths.straight import PROBE_CELLS, excess_between

WALKING_SPEED_MS = 1.1
UTCI_THRESHOLD_DEGC = 26.0
WBGT_THRESHOLD_DEGC = 25.0
SHADE_BELOW = 0.5
"""A place is in the shade when less than this share of the sun's beam arrives."""
MINUTES_PER_M = 1.0 / (WALKING_SPEED_MS * 60.0)


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


@dataclass(frozen=True, eq=False)
class HeatField:
    """What a dose is made of."""

    index_degc: Floats32
    """(rows, columns) UTCI or WBGT, finite everywhere: buildings filled from the ground next to them."""
    threshold_degc: float


def walking_time_s(length_m: float) -> float:
    return length_m / WALKING_SPEED_MS


def edge_doses(network: Network, heat: HeatField) -> Floats32:
    """(edges,) dose of each piece of the network [degC min].

    Args:
        network: pieces on the raster of ``heat``; what lies beyond it is given the value of its nearest edge.
        heat: the field.

    Raises:
        ValueError: the field is not two-dimensional or holds a value that is not finite.
    """
    field = np.ascontiguousarray(heat.index_degc, dtype=np.float32)
    if field.ndim != 2 or not np.isfinite(field).all():
        raise ValueError("index_degc must be a two-dimensional field of finite values")
    dose = np.empty(network.edges, dtype=np.float32)
    _fill_doses(
        network.x_cells, network.y_cells, network.edge_from, network.edge_to, network.length_m,
        field, float(heat.threshold_degc), dose,
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
    threshold: float,
    dose: Floats32,
) -> None:
    for edge in range(edge_from.size):
        begin, end = edge_from[edge], edge_to[edge]
        excess = excess_between(field, threshold, float(x[begin]), float(y[begin]), float(x[end]), float(y[end]))
        dose[edge] = excess * length_m[edge] * MINUTES_PER_M


def exposure_along(
    x_cells: Floats32,
    y_cells: Floats32,
    *,
    cell_m: float,
    utci_degc: Floats32,
    wbgt_degc: Floats32,
    sunlit: Floats32,
    thresholds: Thresholds,
) -> Exposure:
    """What a person meets on the way from corner to corner.

    Args:
        x_cells: (n,) the walk's corners, one or more; see ``Network``.
        y_cells: the same.
        cell_m: edge of a cell [m].
        utci_degc: (rows, columns), finite everywhere.
        wbgt_degc: the same.
        sunlit: (rows, columns) share of the sun's beam that arrives, 0 to 1.
        thresholds: the bands.
    """
    rows, columns, metres = _probes(x_cells, y_cells, cell_m, utci_degc.shape)
    minutes = metres * MINUTES_PER_M
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


def _probes(
    x_cells: Floats32, y_cells: Floats32, cell_m: float, shape: tuple[int, ...]
) -> tuple[Integers, Integers, Floats64]:
    """Row, column and length [m] of each bit of the way; one bit of no length where the walk has only one place."""
    x, y = x_cells.astype(np.float64), y_cells.astype(np.float64)
    across, down = np.diff(x), np.diff(y)
    # In the same steps of arithmetic as `excess_between`: a place between two cells has to fall to the same one.
    cells = np.sqrt(across * across + down * down)
    count = np.maximum(1, np.ceil(cells / PROBE_CELLS).astype(np.int64))
    if count.size == 0:
        at_x, at_y, metres = x[:1], y[:1], np.zeros(1)
    else:
        piece = np.repeat(np.arange(count.size), count)
        number = np.arange(piece.size) - np.repeat(np.cumsum(count) - count, count)
        every_x, every_y = across / count, down / count
        at_x = (x[:-1] + 0.5 * every_x)[piece] + number * every_x[piece]
        at_y = (y[:-1] + 0.5 * every_y)[piece] + number * every_y[piece]
        metres = (cells / count)[piece] * cell_m
    rows = np.clip(np.floor(at_y).astype(np.int64), 0, shape[0] - 1)
    columns = np.clip(np.floor(at_x).astype(np.int64), 0, shape[1] - 1)
    return rows, columns, metres


def _minutes_in_bands(values: Floats64, minutes: Floats64, lower_edges: npt.ArrayLike) -> tuple[float, ...]:
    band = np.searchsorted(np.asarray(lower_edges)[1:], values, side="right")
    counted = np.bincount(band, weights=minutes, minlength=np.size(lower_edges))
    return tuple(float(value) for value in counted)
