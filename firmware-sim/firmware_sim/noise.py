"""Randomness that can be asked for any moment: the same (seed, name, moment) gives the same number, in any order.

Value noise: numbers hashed onto a regular grid of time, joined smoothly. It replaces stepped random walks, whose value depends on how
often and from where they were stepped.
"""

import math
from functools import lru_cache
from zlib import crc32

_MASK = 0xFFFF_FFFF_FFFF_FFFF


@lru_cache(maxsize=4096)
def key_of(seed: int, name: str) -> int:
    """A 64-bit key for one stream of numbers."""
    return _mix(seed & _MASK ^ crc32(name.encode()) * 0x9E37_79B9_7F4A_7C15)


def uniform(key: int, index: int) -> float:
    """A number in [0, 1) for the grid point `index` of a stream."""
    return (_mix(key ^ (index * 0xD1B5_4A32_D192_ED03 & _MASK)) >> 11) / (1 << 53)


def smooth(key: int, position: float) -> float:
    """Noise in [-1, 1] that moves from grid point to grid point with a continuous slope; `position` in grid steps."""
    index = math.floor(position)
    part = position - index
    weight = part * part * (3.0 - 2.0 * part)
    left, right = uniform(key, index), uniform(key, index + 1)
    return 2.0 * (left + (right - left) * weight) - 1.0


def octaves(key: int, position: float, count: int) -> float:
    """Noise in [-1, 1] with `count` octaves: each twice as quick and half as strong, as in a turbulent spectrum."""
    total = weight = 0.0
    for octave in range(count):
        share = 0.5**octave
        # The offset keeps the octaves' grid points apart; on a shared one all would have zero slope at once.
        total += share * smooth(key + octave, position * 2.0**octave + 0.37 * octave)
        weight += share
    return total / weight


def _mix(value: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit reaches every output bit."""
    value = (value + 0x9E37_79B9_7F4A_7C15) & _MASK
    value = (value ^ value >> 30) * 0xBF58_476D_1CE4_E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D0_49BB_1331_11EB & _MASK
    return value ^ value >> 31
