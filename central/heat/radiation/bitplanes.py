"""Weights of patches as planes of bits, so that a sum over 153 patches is a few population counts.

A weight is written as lowest + step * q with a whole number q of a few bits; plane j holds bit j of every patch's q.
Then sum over the set patches of w = lowest * count(set) + step * sum over j of 2^j count(set & plane_j).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from central.heat.geometry.dome import Floats, pack, unpack


@dataclass(frozen=True, eq=False)
class Planes:
    """Quantised weights of the patches."""

    lowest: np.float32
    step: np.float32
    words: npt.NDArray[np.uint64]
    """(bits, 3) plane j in row j."""

    @property
    def scale(self) -> npt.NDArray[np.float32]:
        """(2,) lowest and step, as the kernel reads them."""
        return np.array([self.lowest, self.step], dtype=np.float32)


def quantise(weights: Floats, bits: int) -> Planes:
    """Write (153,) weights with ``bits`` bits each; the error is half a step of (highest - lowest) / (2^bits - 1)."""
    lowest = float(weights.min())
    spread = float(weights.max()) - lowest
    step = spread / (2**bits - 1) if spread > 0.0 else 1.0
    levels = np.rint((weights - lowest) / step).astype(np.int64)
    planes = (levels[np.newaxis, :] >> np.arange(bits)[:, np.newaxis]) & 1
    return Planes(np.float32(lowest), np.float32(step), pack(planes.astype(np.bool_)))


def dequantise(planes: Planes) -> Floats:
    """The (153,) weights that the planes stand for."""
    bits = unpack(planes.words.T).astype(np.float64)
    return np.asarray(planes.lowest + planes.step * (bits @ 2.0 ** np.arange(bits.shape[1])))
