"""Weights of patches as planes of bits, so that a sum over 153 patches is a few population counts.

A weight is written as lowest + step * q with a whole number q of a few bits; plane j holds bit j of every patch's q.
Then sum over the set patches of w = lowest * count(set) + step * sum over j of 2^j count(set & plane_j).
"""

from typing import NamedTuple

import numpy as np

from central.heat.geometry.dome import pack, unpack
from central.heat.geometry.types import Floats32, Floats64, Words


class Planes(NamedTuple):
    """Quantised weights of the patches."""

    words: Words
    """(bits, 3) plane j in row j."""
    scale: Floats32
    """(2,) lowest and step, in the unit of the weights."""


def quantise(weights: Floats64, bits: int) -> Planes:
    """Write (153,) weights with ``bits`` bits each; the error is half a step of (highest - lowest) / (2^bits - 1)."""
    lowest = float(weights.min())
    spread = float(weights.max()) - lowest
    step = spread / (2**bits - 1) if spread > 0.0 else 1.0
    levels = np.rint((weights - lowest) / step).astype(np.int64)
    planes = (levels[np.newaxis, :] >> np.arange(bits)[:, np.newaxis]) & 1
    return Planes(pack(planes.astype(np.bool_)), np.array([lowest, step], dtype=np.float32))


def dequantise(planes: Planes) -> Floats64:
    """The (153,) weights that the planes stand for."""
    bits = unpack(planes.words.T).astype(np.float64)
    return np.asarray(planes.scale[0] + planes.scale[1] * (bits @ 2.0 ** np.arange(bits.shape[1])))
