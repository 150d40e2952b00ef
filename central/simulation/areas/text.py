"""Coordinates as the text of GeoJSON: a hundred thousand points as lists of numbers cost the garbage collector more than drawing them."""

import numpy as np
from numpy.typing import NDArray

from central.heat.compiled import kernel

_MINUS, _DOT, _COMMA, _OPEN, _CLOSE, _ZERO = (ord(sign) for sign in "-.,[]0")
_POINT_MAX = 48
"""Characters that a point takes at most: two numbers of 20 digits and a minus, and what is round them."""


def point_texts(degrees: NDArray[np.float64], decimals: int) -> tuple[bytes, NDArray[np.int64]]:
    """The points as JSON arrays, each followed by a comma.

    Args:
        degrees: (n, 2) numbers below 1000.
        decimals: 1 .. 9, all of them written.

    Returns:
        the text, and (n,) where each point ends in it, its comma included.

    """
    scaled = np.rint(degrees * 10.0**decimals).astype(np.int64)
    out = np.empty(_POINT_MAX * len(scaled), np.uint8)
    ends = np.empty(len(scaled), np.int64)
    used = _write(scaled, decimals, out, ends)
    return out[:used].tobytes(), ends


@kernel(fastmath=False)
def _write(scaled: NDArray[np.int64], decimals: int, out: NDArray[np.uint8], ends: NDArray[np.int64]) -> int:
    used = 0
    digits = np.empty(24, np.uint8)
    for point in range(scaled.shape[0]):
        for axis in range(2):
            out[used] = _OPEN if axis == 0 else _COMMA
            used += 1
            left = scaled[point, axis]
            if left < 0:
                left = -left
                out[used] = _MINUS
                used += 1
            count = 0
            while left > 0 or count <= decimals:
                digits[count] = _ZERO + left % 10
                left //= 10
                count += 1
            for at in range(count - 1, -1, -1):
                out[used] = digits[at]
                used += 1
                if at == decimals:
                    out[used] = _DOT
                    used += 1
        out[used], out[used + 1] = _CLOSE, _COMMA
        used += 2
        ends[point] = used
    return used
