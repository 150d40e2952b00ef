"""A binary heap in two arrays: what a search takes its next place from."""

import numpy as np

from central.heat.compiled import kernel
from central.heat.geometry.types import Floats64
from central.heat.paths.network import Indices


@kernel(fastmath=False)
def _sift_up(keys: Floats64, items: Indices, at: int) -> None:
    """Mends a heap of keys whose entry ``at`` may be smaller than those above it."""
    key, item = keys[at], items[at]
    while at > 0:
        above = (at - 1) // 2
        if keys[above] <= key:
            break
        keys[at], items[at] = keys[above], items[above]
        at = above
    keys[at], items[at] = key, item


@kernel(fastmath=False)
def _sift_down(keys: Floats64, items: Indices, size: int) -> None:
    """Mends a heap of keys whose first entry may be larger than those below it."""
    at = 0
    key, item = keys[0], items[0]
    while True:
        below = 2 * at + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at], items[at] = keys[below], items[below]
        at = below
    keys[at], items[at] = key, item


@kernel(fastmath=False)
def push(keys: Floats64, items: Indices, size: int, key: float, item: int) -> tuple[Floats64, Indices]:
    """Puts one more to the ``size`` that there are; both arrays, which are new ones when the old were full."""
    if size == keys.size:
        keys = np.concatenate((keys, np.empty(size)))
        items = np.concatenate((items, np.empty(size, np.int32)))
    keys[size], items[size] = key, item
    _sift_up(keys, items, size)
    return keys, items


@kernel()
def take_least(keys: Floats64, items: Indices, size: int) -> int:
    """The item with the least key of ``size``, one or more; the rest stay in order in front."""
    least = items[0]
    if size > 1:
        keys[0], items[0] = keys[size - 1], items[size - 1]
        _sift_down(keys, items, size - 1)
    return int(least)
