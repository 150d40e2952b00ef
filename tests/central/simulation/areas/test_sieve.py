"""What is too small to be drawn goes to what it touches most; what is long stays however thin it is; every class keeps its size."""

import numpy as np
import pytest

from central.simulation.areas.pieces import number_pieces, padded_with_outside
from central.simulation.areas.sieve import MAP_SHARE_MAX, SHARE_MAX, sieve, sieve_gently


def piece_sizes(classes):
    height, width = classes.shape
    pieces = number_pieces(padded_with_outside(classes), np.zeros((height + 1, width + 1), np.uint8))[1:-1, 1:-1]
    return np.unique(pieces, return_counts=True)[1]


def speckled(seed, *, share=0.05, size=80):
    """Three broad bands with single cells of the others strewn over them."""
    random = np.random.default_rng(seed)
    classes = np.repeat([0, 1, 2], size // 3 + 1)[:size, None] + np.zeros((1, size), int)
    strewn = random.random((size, size)) < share
    return np.where(strewn, random.integers(0, 3, (size, size)), classes).astype(np.uint8)


def test_a_small_piece_goes_to_what_it_touches_most():
    classes = np.ones((9, 9), np.uint8)
    classes[:, 5:] = 2
    classes[3:5, 4] = 3  # three edges to 1, of each cell one to 2
    assert np.unique(sieve(classes, 3)).tolist() == [1, 2]
    assert (sieve(classes, 3)[3:5, 4] == 1).all()
    classes[3:5, 4], classes[3:5, 5] = 1, 3
    assert (sieve(classes, 3)[3:5, 5] == 2).all()


def test_of_small_neighbours_the_smaller_goes_first():
    """A dot in an island: first the dot into the island, which then is large enough to stay."""
    classes = np.ones((12, 12), np.uint8)
    classes[4:7, 4:7] = 2
    classes[5, 5] = 3
    expected = np.ones((12, 12), np.uint8)
    expected[4:7, 4:7] = 2
    assert np.array_equal(sieve(classes, 9), expected)
    assert (sieve(classes, 10) == 1).all()


@pytest.mark.parametrize("width", [1, 2, 3])
def test_long_strips_stay_however_thin(width):
    classes = np.ones((60, 60), np.uint8)
    for row in range(5, 60, 20):
        classes[row : row + width, 3:57] = 2
    diagonal = np.arange(5, 55)
    across = np.ones((60, 60), np.uint8)
    across[diagonal, diagonal] = 2  # one piece: the higher class is joined at its corners
    assert np.array_equal(sieve(classes, 25), classes)
    assert np.array_equal(sieve(across, 25), across)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("least_cells", [2, 7, 30])
def test_no_small_piece_is_left_and_no_other_is_touched(seed, least_cells):
    random = np.random.default_rng(seed)
    noise = random.integers(0, 2 + seed % 3, random.integers(5, 60, 2)).astype(np.uint8)
    for classes in (speckled(seed), noise):
        sieved = sieve(classes, least_cells)
        assert piece_sizes(sieved).min() >= min(least_cells, classes.size)
        assert np.array_equal(sieve(sieved, least_cells), sieved)
        if piece_sizes(classes).min() >= least_cells:
            assert np.array_equal(sieved, classes)


def test_a_raster_smaller_than_that_keeps_one_class():
    assert np.unique(sieve(np.array([[1, 2, 2]], np.uint8), 100)).size == 1
    assert sieve(np.array([[3]], np.uint8), 100).tolist() == [[3]]
    assert np.array_equal(sieve(np.eye(4, dtype=np.uint8), 1), np.eye(4))
    assert np.array_equal(sieve(np.eye(4, dtype=np.uint8), 0), np.eye(4))


@pytest.mark.parametrize("seed", range(12))
def test_gently_no_class_loses_or_gains_too_much(seed):
    random = np.random.default_rng(seed)
    classes = speckled(seed, share=random.uniform(0.001, 0.3))
    for _ in range(int(random.integers(0, 30))):
        row, column = random.integers(0, 75, 2)
        classes[row : row + 2, column : column + int(random.integers(1, 5))] = random.integers(0, 3)
    sieved, least_cells = sieve_gently(classes, 25)
    assert 1 <= least_cells <= 25
    assert np.array_equal(sieved, sieve(classes, least_cells))
    for value in range(3):
        allowed = max(SHARE_MAX * (classes == value).sum(), MAP_SHARE_MAX * classes.size)
        assert ((classes == value) & (sieved != value)).sum() <= allowed
        assert ((classes != value) & (sieved == value)).sum() <= allowed


def test_gently_is_as_coarse_as_it_may_be():
    """Islands of 4 and of 9 cells: the small ones are a hundredth of their class and may go, with the larger ones it would shrink."""
    classes = np.ones((100, 100), np.uint8)
    classes[50:, :] = 2
    for column in range(3, 93, 10):
        classes[10:12, column : column + 2] = 2
    for column in range(3, 93, 10):
        classes[30:33, column : column + 3] = 2
    sieved, least_cells = sieve_gently(classes, 25)
    assert least_cells == 9
    assert (sieved[:20] == 1).all()
    assert np.array_equal(sieved[20:], classes[20:])
    assert sieve_gently(classes[50:], 25)[1] == 25
