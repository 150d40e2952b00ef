"""Lengths that no late answer fits: (block, readable range, unanswered lengths) -> requests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.profiles import Block, Register
from edge.fieldbus.reads import Read, reads_of

SHORT = [Register("wind_speed_ms", 100 + index) for index in range(4)]
LONG = [Register("wind_speed_ms", 100 + index, "s32") for index in (0, 2)]


@pytest.mark.parametrize(
    ("registers", "span", "unanswered", "reads"),
    [
        (SHORT, (100, 103), set(), [(100, 4)]),
        (SHORT, (100, 110), {4}, [(100, 5)]),
        (SHORT, (90, 103), {4}, [(99, 5)]),
        (SHORT, (90, 104), {4, 5}, [(99, 6)]),
        (SHORT, (100, 103), {4}, [(100, 1), (101, 3)]),
        (SHORT, (100, 103), {4, 1}, None),
        (LONG, (100, 103), {4}, None),
        (LONG, (100, 104), {4}, [(100, 5)]),
        ([*LONG, Register("wind_gust_ms", 104)], (100, 104), {5}, [(104, 1), (100, 4)]),
        (SHORT[:1], (100, 100), {1}, None),
    ],
)
def test_requests(registers, span, unanswered, reads):
    count = sum(register.registers for register in registers)
    block = Block(3, 100, count, tuple(registers))
    expected = None if reads is None else tuple(Read(*read) for read in reads)
    assert reads_of(block, *span, unanswered) == expected


@given(st.integers(1, 40), st.integers(0, 5), st.integers(0, 5), st.sets(st.integers(1, 50), max_size=30))
def test_the_block_is_covered_inside_the_range_in_safe_lengths(count, before, after, unanswered):
    block = Block(3, 100, count, tuple(Register("wind_speed_ms", 100 + index) for index in range(count)))
    reads = reads_of(block, 100 - before, 99 + count + after, unanswered)
    if reads is None:
        assert count in unanswered
        return
    covered = {at for read in reads for at in range(read.address, read.address + read.count)}
    assert covered >= set(range(100, 100 + count))
    assert min(covered) >= 100 - before
    assert max(covered) <= 99 + count + after
    assert not {read.count for read in reads} & unanswered
