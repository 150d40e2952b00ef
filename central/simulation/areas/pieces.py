"""The connected pieces of a raster of classes.

Cells of one class that share an edge are one piece. Where two of them touch at a corner only, they are joined there too; of two such
pairs across one corner the one of the higher class.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel

OUTSIDE: Final = 255
"""Stands for what lies off the raster; no class may have this number."""

Classes = NDArray[np.uint8]
Ints = NDArray[np.int32]
Flags = NDArray[np.uint8]


def padded_with_outside(classes: Classes) -> Classes:
    """(rows + 2, columns + 2) the classes with one row or column of OUTSIDE on each side."""
    padded = np.full((classes.shape[0] + 2, classes.shape[1] + 2), OUTSIDE, np.uint8)
    padded[1:-1, 1:-1] = classes
    return padded


@kernel(fastmath=False)
def _root(parent: Ints, index: int) -> int:
    while parent[index] != index:
        parent[index] = parent[parent[index]]
        index = parent[index]
    return index


@kernel(fastmath=False)
def number_pieces(padded: Classes, joined: Flags) -> Ints:
    """Numbers the pieces, and marks the corners where two cells are joined: 1 for NW and SE, 2 for NE and SW.

    A piece's number is the place of its first cell in the flattened raster.
    """
    height, width = padded.shape
    parent = np.arange(height * width).astype(np.int32)
    for column in range(1, width):
        if padded[0, column] == padded[0, column - 1]:
            parent[column] = parent[column - 1]
    for row in range(height - 1):
        for column in range(width):
            here = row * width + column
            nw, sw = padded[row, column], padded[row + 1, column]
            if nw == sw:
                _join(parent, here, here + width)
            if column + 1 == width:
                continue
            ne, se = padded[row, column + 1], padded[row + 1, column + 1]
            # Where all four are alike, three of them have been joined already, and the fourth will be.
            if sw == se and not sw == nw == ne:
                _join(parent, here + width, here + width + 1)
            if nw == se and _differs(nw, ne, sw) and (ne != sw or nw > ne):
                joined[row, column] = 1
                _join(parent, here, here + width + 1)
            elif ne == sw and _differs(ne, nw, se) and (nw != se or ne > nw):
                joined[row, column] = 2
                _join(parent, here + 1, here + width)
    pieces = np.empty((height, width), np.int32)
    flat = pieces.reshape(height * width)
    for index in range(height * width):
        # No parent comes after its child.
        flat[index] = index if parent[index] == index else flat[parent[index]]
    return pieces


@kernel(fastmath=False, inline="always")
def _join(parent: Ints, one: int, other: int) -> None:
    a, b = _root(parent, one), _root(parent, other)
    parent[max(a, b)] = min(a, b)


@kernel(fastmath=False, inline="always")
def _differs(value: int, one: int, other: int) -> bool:
    return value != one and value != other  # noqa: PLR1714 - compiled, a set would be allocated each time
