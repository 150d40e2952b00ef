"""A walking network where nobody drew one: the open ground itself.

One place for each block of cells, the walkable cell nearest to its middle; straight pieces to its sixteen neighbours (eight around,
eight a knight's move away, so that a walk in any direction is at most 2.8 % longer than the straight line), where a walker stays on
walkable cells all the way. Nobody walks in such steps: what is found on them is pulled straight (see ``straight``).
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from central.heat.compiled import kernel
from central.heat.geometry.types import Bits, Bytes
from central.heat.paths.network import Indices, Network, network_of_edges
from central.heat.paths.walker import clearance_of, is_clear

SPACING_M = 4.0
"""Distance of the places. At 2 m a search takes four times as long and finds walks that differ by a cell."""
HALF_DIRECTIONS = np.array(
    [(0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1)], dtype=np.int64
)  # fmt: skip
"""(rows, columns); the other eight are the same pieces seen from their other end."""


def network_of_ground(is_walkable: Bits, cell_m: float, *, spacing_m: float = SPACING_M) -> Network:
    """The network over the walkable cells.

    Args:
        is_walkable: (rows, columns) True where a person may walk.
        cell_m: edge of a cell [m].
        spacing_m: distance of the places; at least one cell.
    """
    every = max(1, round(spacing_m / cell_m))
    rows, columns = _places(np.ascontiguousarray(is_walkable), every)
    node_at = np.full(rows.shape, -1, np.int32)
    is_place = rows >= 0
    node_at[is_place] = np.arange(np.count_nonzero(is_place), dtype=np.int32)
    clearance = clearance_of(is_walkable)
    begin, end = _pieces(clearance, rows, columns, node_at, HALF_DIRECTIONS)
    x = columns[is_place].astype(np.float32) + np.float32(0.5)
    y = rows[is_place].astype(np.float32) + np.float32(0.5)
    return replace(network_of_edges(x, y, begin, end, cell_m), clearance=clearance)


@kernel(fastmath=False)
def _places(is_walkable: Bits, every: int) -> tuple[Indices, Indices]:
    """Row and column of each block's place, -1 where no cell of the block is walkable."""
    rows, columns = is_walkable.shape
    down, across = -(-rows // every), -(-columns // every)
    row_of = np.full((down, across), -1, np.int32)
    column_of = np.full((down, across), -1, np.int32)
    middle = (every - 1) / 2.0
    for i in range(down):
        for j in range(across):
            nearest = np.inf
            for row in range(i * every, min(rows, (i + 1) * every)):
                for column in range(j * every, min(columns, (j + 1) * every)):
                    away = (row - i * every - middle) ** 2 + (column - j * every - middle) ** 2
                    if is_walkable[row, column] and away < nearest:
                        nearest = away
                        row_of[i, j], column_of[i, j] = row, column
    return row_of, column_of


@kernel(fastmath=False)
def _pieces(
    clearance: Bytes, row_of: Indices, column_of: Indices, node_at: Indices, directions: npt.NDArray[np.int64]
) -> tuple[Indices, Indices]:
    down, across = row_of.shape
    begin = np.empty(down * across * len(directions), np.int32)
    end = np.empty(begin.size, np.int32)
    count = 0
    for i in range(down):
        for j in range(across):
            if node_at[i, j] < 0:
                continue
            for direction in range(len(directions)):
                k, m = i + directions[direction, 0], j + directions[direction, 1]
                if k >= down or m < 0 or m >= across or node_at[k, m] < 0:
                    continue
                if is_clear(clearance, row_of[i, j], column_of[i, j], row_of[k, m], column_of[k, m]):
                    begin[count], end[count] = node_at[i, j], node_at[k, m]
                    count += 1
    return begin[:count].copy(), end[:count].copy()
