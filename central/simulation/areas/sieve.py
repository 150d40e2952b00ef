"""Small pieces of a raster of classes joined to what is round them: the only thing of a map that its areas leave out.

One that is too small takes the class that most of its border touches; of two small
neighbours the smaller goes first. Nothing is smoothed: a strip of shade one cell wide stays where it is when it is long enough.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel
from central.simulation.areas.pieces import OUTSIDE, Classes, Flags, Ints, number_pieces, padded_with_outside

SHARE_MAX: Final = 0.01
"""`sieve_gently` takes no more than this share of a class from it, and gives it no more, ..."""
MAP_SHARE_MAX: Final = 0.001
"""... or this share of the map where that is more: a class that hardly occurs need not have each of its cells outlined."""
_STAYS: Final = OUTSIDE


def sieve(classes: Classes, least_cells: int) -> Classes:
    """The classes without pieces of fewer than `least_cells` cells; only a raster smaller than that keeps one.

    Args:
        classes: (rows, columns), below OUTSIDE.
        least_cells: with so many cells a piece stays.

    """
    padded = padded_with_outside(classes)
    # Each turn shortens the borders, so there is a last one; a city takes two or three.
    while least_cells > 1:
        pieces, sizes, _, goals, waits = _small_pieces(padded, least_cells)
        if not _join_small(padded, pieces, np.where((sizes < least_cells) & (waits == 0), goals, _STAYS)):
            break
    return np.ascontiguousarray(padded[1:-1, 1:-1])


def sieve_gently(classes: Classes, most_cells: int) -> tuple[Classes, int]:
    """The classes sieved as coarsely as every one of them keeps its size, and the least number of cells that did it.

    Args:
        classes: as for `sieve`.
        most_cells: the coarsest that may be.

    """
    least_cells = _foreseen(classes, most_cells)
    while True:
        sieved = sieve(classes, least_cells)
        if least_cells <= 1 or _keeps_sizes(classes, sieved):
            return sieved, max(1, least_cells)
        # Small pieces within small pieces went further than was foreseen.
        least_cells -= max(1, least_cells // 8)


def _allowed(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """How many cells each class may lose, and how many it may gain."""
    allowed: NDArray[np.float64] = np.maximum(SHARE_MAX * counts, MAP_SHARE_MAX * counts.sum())
    return allowed


def _keeps_sizes(classes: Classes, sieved: Classes) -> bool:
    counts = np.bincount(classes.ravel())
    width = counts.size
    moved = np.bincount(classes.ravel().astype(np.int32) * width + sieved.ravel(), minlength=width * width)
    moved = moved.reshape(width, width)
    np.fill_diagonal(moved, 0)
    return bool((np.maximum(moved.sum(axis=0), moved.sum(axis=1)) <= _allowed(counts)).all())


def _foreseen(classes: Classes, most_cells: int) -> int:
    """The largest number of cells up to `most_cells` at which the pieces, each going its way, do not move too much."""
    allowed = _allowed(np.bincount(classes.ravel()))
    _, sizes, class_of, goals, _ = _small_pieces(padded_with_outside(classes), most_cells)
    small = (sizes < most_cells) & (goals != _STAYS)
    least_cells = most_cells
    for side in (class_of[small], goals[small]):
        for number, limit in enumerate(allowed):
            moved = np.bincount(sizes[small][side == number], minlength=1)
            too_much = np.flatnonzero(np.cumsum(moved * np.arange(moved.size)) > limit)
            least_cells = min([least_cells, *too_much[:1].tolist()])
    return least_cells


@kernel(fastmath=False)
def _small_pieces(padded: Classes, least_cells: int) -> tuple[Ints, Ints, Flags, Flags, Flags]:
    """What becomes of the pieces of fewer than `least_cells` cells.

    Returns:
        pieces: (rows + 2, columns + 2) the number of each cell's piece.
        sizes: (pieces,) in cells.
        class_of: (pieces,).
        goals: (pieces,) the class that it touches most, the highest of several; _STAYS where it touches none.
        waits: (pieces,) 1 where a smaller one beside it has to go first.

    """
    height, width = padded.shape
    pieces = number_pieces(padded, np.zeros((height - 1, width - 1), np.uint8))
    flat = pieces.reshape(height * width)
    count = classes = 0
    for index in range(height * width):
        # A piece's first cell bears its own place as number: from there on it has the next free one.
        root = flat[index]
        flat[index] = count if root == index else flat[root]
        count += root == index
        value = padded[index // width, index % width]
        if value != OUTSIDE:
            classes = max(classes, value + 1)
    sizes = np.zeros(count, np.int32)
    class_of = np.empty(count, np.uint8)
    for index in range(height * width):
        sizes[flat[index]] += 1
        class_of[flat[index]] = padded[index // width, index % width]
    touched = np.zeros((count, classes), np.int32)
    waits = np.zeros(count, np.uint8)
    for row in range(height):
        for column in range(width):
            one = pieces[row, column]
            for turn in range(2):
                if (column + 1 == width) if turn == 0 else (row + 1 == height):
                    continue
                other = pieces[row, column + 1] if turn == 0 else pieces[row + 1, column]
                if one == other or class_of[one] == OUTSIDE or class_of[other] == OUTSIDE:
                    continue
                touched[one, class_of[other]] += 1
                touched[other, class_of[one]] += 1
                if sizes[one] < least_cells and sizes[other] < least_cells:
                    is_larger = sizes[one] > sizes[other] or (sizes[one] == sizes[other] and one > other)
                    waits[one if is_larger else other] = 1
    goals = np.full(count, _STAYS, np.uint8)
    for piece in range(count):
        most = 1
        for value in range(classes):
            if touched[piece, value] >= most:
                most, goals[piece] = touched[piece, value], value
    return pieces, sizes, class_of, goals, waits


@kernel(fastmath=False)
def _join_small(padded: Classes, pieces: Ints, goals: Flags) -> bool:
    """Gives each cell the class that its piece goes to, if any. Whether one did."""
    has_changed = False
    for row in range(padded.shape[0]):
        for column in range(padded.shape[1]):
            goal = goals[pieces[row, column]]
            if goal != _STAYS:
                padded[row, column] = goal
                has_changed = True
    return has_changed
