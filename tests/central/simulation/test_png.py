"""PNG that others can read, and a decoder that refuses what is not ours."""

import numpy as np
import pytest
from rasterio.io import MemoryFile

from central.simulation.png import PngError, decode_gray, encode_gray

SHAPES = [(1, 1), (1, 7), (9, 1), (60, 60), (33, 129)]


def noise(shape):
    return np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_written_is_read_back(shape):
    gray = noise(shape)
    assert np.array_equal(decode_gray(encode_gray(gray)), gray)


@pytest.mark.parametrize("shape", [(60, 60), (33, 129)])
def test_an_independent_decoder_reads_the_same(shape):
    gray = noise(shape)
    with MemoryFile(encode_gray(gray)) as memory, memory.open(driver="PNG") as picture:
        assert picture.count == 1
        assert np.array_equal(picture.read(1), gray)


@pytest.mark.parametrize("gray", [np.zeros((2, 2), np.uint16), np.zeros(4, np.uint8), np.zeros((0, 3), np.uint8)])
def test_only_plain_gray_rasters_are_encoded(gray):
    with pytest.raises(ValueError, match="two-dimensional uint8"):
        encode_gray(gray)


def test_every_damaged_byte_is_noticed():
    good = encode_gray(noise((8, 8)))
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 0x40
        with pytest.raises(PngError):
            decode_gray(bytes(bad))


@pytest.mark.parametrize("length", [0, 7, 8, 20, 40])
def test_a_file_cut_short_is_refused(length):
    with pytest.raises(PngError):
        decode_gray(encode_gray(noise((8, 8)))[:length])
