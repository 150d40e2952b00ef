"""The walking network as arrays: places, straight pieces between them, and for each place the pieces that meet there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from central.heat.compiled import kernel
from central.heat.geometry.types import Bytes, Floats32

Indices = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Network:
    """An undirected network on a raster. Places are given in cells: the middle of row r, column c lies at (c + 0.5, r + 0.5).

    Arrays of places have shape (nodes,), of pieces (edges,); ``meeting`` and ``onward`` (2 * edges,).
    """

    x_cells: Floats32
    """From the raster's western edge."""
    y_cells: Floats32
    """From its northern edge, growing southward."""
    edge_from: Indices
    edge_to: Indices
    length_m: Floats32
    first: Indices
    """(nodes + 1,) where in ``onward`` the pieces of each place begin."""
    onward: Indices
    """The place at the other end of each piece that meets a place."""
    meeting: Indices
    """The number of that piece."""
    component: Indices
    """Places with one number can be reached from each other."""
    cell_m: float
    """Edge of a cell [m]."""
    clearance: Bytes | None = None
    """(rows, columns) see ``walker.clearance_of``, where people may leave the pieces; None where they keep to them."""

    @property
    def nodes(self) -> int:
        return int(self.x_cells.size)

    @property
    def edges(self) -> int:
        return int(self.length_m.size)

    @property
    def largest_component(self) -> int:
        """The component with the most places. Raises ValueError for a network without any."""
        return int(np.argmax(np.bincount(self.component)))

    def nearest(self, x_cells: float, y_cells: float, *, component: int | None = None) -> tuple[int, float] | None:
        """The nearest place, of one component only if given, and how far it is [m]; None when there is none."""
        away = np.hypot(self.x_cells - np.float32(x_cells), self.y_cells - np.float32(y_cells))
        if component is not None:
            away = np.where(self.component == component, away, np.float32(np.inf))
        if away.size == 0:
            return None
        node = int(np.argmin(away))
        return (node, float(away[node]) * self.cell_m) if np.isfinite(away[node]) else None


def network_of_edges(
    x_cells: npt.ArrayLike, y_cells: npt.ArrayLike, edge_from: npt.ArrayLike, edge_to: npt.ArrayLike, cell_m: float
) -> Network:
    """The network of straight pieces between places.

    Args:
        x_cells: (nodes,) places, see ``Network``.
        y_cells: the same.
        edge_from: (edges,) number of the place at one end of each piece; pieces from a place to itself are dropped.
        edge_to: at the other end.
        cell_m: edge of a cell [m].

    Raises:
        ValueError: the arrays differ in length, hold what is not finite, or name a place that is not there.
    """
    x, y = np.asarray(x_cells, dtype=np.float32), np.asarray(y_cells, dtype=np.float32)
    begin, end = np.asarray(edge_from, dtype=np.int32), np.asarray(edge_to, dtype=np.int32)
    if x.shape != y.shape or x.ndim != 1 or begin.shape != end.shape or begin.ndim != 1:
        raise ValueError(
            f"places {x.shape} and {y.shape}, pieces {begin.shape} and {end.shape}: must be equal, one-dimensional"
        )
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("a place is not finite")
    if begin.size and (min(begin.min(), end.min()) < 0 or max(begin.max(), end.max()) >= x.size):
        raise ValueError(f"a piece names a place that is not one of the {x.size}")
    kept = begin != end
    begin, end = np.ascontiguousarray(begin[kept]), np.ascontiguousarray(end[kept])
    length_m = np.hypot(x[end] - x[begin], y[end] - y[begin]) * np.float32(cell_m)
    first, onward, meeting = _meetings(begin, end, x.size)
    joined = coo_array((np.ones(begin.size, np.int8), (begin, end)), shape=(x.size, x.size))
    component = connected_components(joined, directed=False)[1] if x.size else np.zeros(0, np.int32)
    return Network(x, y, begin, end, length_m, first, onward, meeting, component.astype(np.int32), float(cell_m))


@kernel(fastmath=False)
def _meetings(edge_from: Indices, edge_to: Indices, nodes: int) -> tuple[Indices, Indices, Indices]:
    """Pieces sorted by the places they meet at."""
    edges = edge_from.size
    first = np.zeros(nodes + 1, np.int32)
    for edge in range(edges):
        first[edge_from[edge] + 1] += 1
        first[edge_to[edge] + 1] += 1
    for node in range(nodes):
        first[node + 1] += first[node]
    room = first[:-1].copy()
    onward = np.empty(2 * edges, np.int32)
    meeting = np.empty(2 * edges, np.int32)
    for edge in range(edges):
        begin, end = edge_from[edge], edge_to[edge]
        onward[room[begin]], meeting[room[begin]] = end, edge
        room[begin] += 1
        onward[room[end]], meeting[room[end]] = begin, edge
        room[end] += 1
    return first, onward, meeting
