"""Receipts, duplicates, gaps and tombstones as arithmetic on seqs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.store.progress import Progress


def received(*seqs: int) -> Progress:
    progress = Progress()
    for seq in seqs:
        progress.take(seq)
    progress.settle()
    return progress


@pytest.mark.parametrize(
    ("seqs", "up_to", "ranges"),
    [
        ([], 0, []),
        ([1], 1, [[1, 1]]),
        ([1, 2, 3], 3, [[1, 3]]),
        ([3, 2, 1], 3, [[1, 3]]),
        ([2, 3], 0, [[2, 3]]),
        ([1, 3], 1, [[1, 1], [3, 3]]),
        ([1, 3, 2], 3, [[1, 3]]),
        ([1, 5, 3, 9], 1, [[1, 1], [3, 3], [5, 5], [9, 9]]),
    ],
)
def test_a_receipt_covers_what_is_contiguous_from_the_first(seqs, up_to, ranges):
    progress = received(*seqs)
    assert (progress.up_to, progress.ranges) == (up_to, ranges)


@pytest.mark.parametrize(
    ("seqs", "oldest", "gaps", "up_to"),
    [
        ([1, 2, 3], 1, [], 3),
        ([1, 2, 3], 4, [], 3),
        ([1, 2, 3], 6, [(4, 5, 2)], 5),
        ([1, 4], 5, [(2, 3, 2)], 4),
        ([1, 4, 7, 8], 7, [(2, 3, 2), (5, 6, 2)], 8),
        ([], 11, [(1, 10, 10)], 10),
    ],
)
def test_what_the_gateway_no_longer_answers_for_is_a_gap(seqs, oldest, gaps, up_to):
    progress = received(*seqs)
    assert progress.raise_floor(oldest) == gaps
    assert progress.up_to == up_to


def test_a_floor_never_sinks():
    progress = received(1, 2, 3)
    progress.raise_floor(10)
    assert progress.raise_floor(5) == []
    assert progress.up_to == 9


@pytest.mark.parametrize(
    ("seqs", "tomb", "up_to", "is_open"),
    [
        ([1, 2], (3, 6, 4), 6, False),  # all of the range was given up
        ([1, 2, 7], (3, 6, 4), 7, False),  # and what lies behind it was here already
        ([1, 2, 4, 6], (3, 6, 2), 6, False),  # thinned: the others have come
        ([1, 2, 4], (3, 6, 2), 2, True),  # thinned: 3 or 5 or 6 is still to come
        ([1, 2, 3, 4], (3, 6, 4), 6, False),  # given up without the gateway knowing that two had arrived
    ],
)
def test_a_tombstone_moves_the_prefix_once_nothing_of_its_range_is_still_to_come(seqs, tomb, up_to, is_open):
    progress = received(*seqs)
    progress.shed(*tomb)
    progress.settle()
    assert (progress.up_to, bool(progress.open_sheds)) == (up_to, is_open)


def test_an_item_inside_a_thinned_range_is_not_mistaken_for_a_duplicate():
    progress = received(1, 2)
    progress.shed(3, 6, 2)
    progress.settle()
    assert progress.take(4)
    progress.settle()
    assert progress.up_to == 2
    assert progress.take(6)
    progress.settle()
    assert progress.up_to == 6


def test_a_floor_above_a_thinned_range_counts_only_what_no_tombstone_accounts_for():
    progress = received(1, 2)
    progress.shed(3, 6, 2)  # two of four given up, two should have come and did not
    assert progress.raise_floor(7) == [(3, 6, 2)]
    assert (progress.up_to, progress.open_sheds) == (6, [])


seqs = st.lists(st.integers(1, 60), max_size=80)


@given(seqs, st.lists(st.integers(1, 60), max_size=4))
def test_the_ranges_are_the_set_of_what_came_and_what_was_let_go(arrivals, floors):
    progress, known, floor = Progress(), set(), 0
    for index, seq in enumerate(arrivals):
        assert progress.take(seq) == (seq not in known)
        known.add(seq)
        progress.settle()
        if index < len(floors):
            gaps = progress.raise_floor(floors[index])
            lost = {missing for first, last, _ in gaps for missing in range(first, last + 1)}
            assert lost == set(range(floor + 1, floors[index])) - known
        floor = max(floor, progress.up_to)
        while floor + 1 in known:
            floor += 1
        assert progress.up_to == floor
        assert {seq for first, last in progress.ranges for seq in range(first, last + 1)} == known
        assert all(left[1] + 1 < right[0] for left, right in zip(progress.ranges, progress.ranges[1:], strict=False))
