"""The sky as 153 patches of almost equal solid angle, and where each one sits in a cell's packed bits.

Eight bands of altitude, 6, 18, ... 78 degrees and the zenith, with fewer patches the higher the band: the division
of Robinson & Stone (2004), Solar Energy 77:295-309, as used for mean radiant temperature by Wallenberg et al. (2020),
Urban Climate 31:100589.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from central.heat.geometry.types import Bits, Floats64, Integers, Words

BAND_ALTITUDE_DEG = (6.0, 18.0, 30.0, 42.0, 54.0, 66.0, 78.0, 90.0)
BAND_PATCHES = (31, 30, 28, 24, 19, 13, 7, 1)
BAND_FIRST_AZIMUTH_DEG = (0.0, 4.0, 2.0, 5.0, 8.0, 0.0, 10.0, 0.0)
BAND_HALF_HEIGHT_DEG = 6.0

PATCHES = sum(BAND_PATCHES)
WORDS = 3
"""64-bit words that hold one bit per patch."""
BAND_WORD = (0, 0, 1, 1, 2, 2, 1, 2)
"""The word of each band: no band crosses a word, so that a band is counted with one mask."""


@dataclass(frozen=True, eq=False)
class SkyDome:
    """The patches, each array of shape (153,) ordered by band from the horizon up, then by azimuth."""

    azimuth_deg: Floats64
    """Azimuth of the patch's centre, clockwise from north."""
    altitude_deg: Floats64
    solid_angle_sr: Floats64
    plan_share: Floats64
    """Share of the patch in the sky view of a level plane; the sum is 1."""
    band: Integers
    word: Integers
    """Index of the 64-bit word the patch's bit lies in."""
    bit: Integers
    """Place of the bit within that word."""

    @property
    def sin_altitude(self) -> Floats64:
        return np.sin(np.radians(self.altitude_deg))

    @property
    def cos_altitude(self) -> Floats64:
        return np.cos(np.radians(self.altitude_deg))


@cache
def sky_dome() -> SkyDome:
    """The one dome that all of the simulation uses."""
    counts = np.array(BAND_PATCHES)
    band = np.repeat(np.arange(len(counts)), counts)
    altitude_deg = np.array(BAND_ALTITUDE_DEG)[band]
    lower = np.radians(altitude_deg - BAND_HALF_HEIGHT_DEG)
    upper = np.radians(np.minimum(altitude_deg + BAND_HALF_HEIGHT_DEG, 90.0))
    within_band = np.concatenate([np.arange(count) for count in counts])
    azimuth_deg = (within_band * 360.0 / counts[band] + np.array(BAND_FIRST_AZIMUTH_DEG)[band]) % 360.0
    word = np.array(BAND_WORD)[band]
    bit = np.zeros(PATCHES, dtype=np.int64)
    for index in range(WORDS):
        bit[word == index] = np.arange(np.count_nonzero(word == index))
    return SkyDome(
        azimuth_deg=azimuth_deg,
        altitude_deg=altitude_deg,
        solid_angle_sr=2.0 * np.pi * (np.sin(upper) - np.sin(lower)) / counts[band],
        plan_share=(np.sin(upper) ** 2 - np.sin(lower) ** 2) / counts[band],
        band=band,
        word=word,
        bit=bit,
    )


def pack(marked: Bits) -> Words:
    """Truth values per patch (..., 153) as words (..., 3) of bits."""
    dome = sky_dome()
    words = np.zeros((*marked.shape[:-1], WORDS), dtype=np.uint64)
    for index in range(WORDS):
        members = np.flatnonzero(dome.word == index)
        shifted = marked[..., members].astype(np.uint64) << dome.bit[members].astype(np.uint64)
        words[..., index] = np.bitwise_or.reduce(shifted, axis=-1)
    return words


def unpack(words: Words) -> Bits:
    """Words of bits (3, ...) as truth values per patch (153, ...): the reverse of ``pack``, for tests and references."""
    dome = sky_dome()
    marked = np.empty((PATCHES, *words.shape[1:]), dtype=np.bool_)
    for patch in range(PATCHES):
        marked[patch] = (words[dome.word[patch]] >> np.uint64(dome.bit[patch])) & np.uint64(1)
    return marked
