"""The bookkeeper itself: what it must let pass, and what it must not."""

import pytest

from tests.system.ledger import Served, settle

LINES = {"a": "line", "b": "line"}


def answers(*numbers: int, faults: tuple[int, ...] = ()) -> list[Served]:
    return [Served(number * 1000, {"t": float(number), "h": 1.0}, number not in faults) for number in numbers]


def rows(*numbers: int) -> list[dict]:
    return [{"t": float(number), "h": 1.0, "other": None} for number in numbers]


def account(served, stored):
    (one,) = settle({"a": served}, {"a": stored}, LINES, speed=1.0)
    return one


def test_equal_books_balance():
    assert account(answers(1, 2, 3), rows(1, 2, 3)).balanced


@pytest.mark.parametrize(
    ("served", "stored", "what"),
    [
        (answers(1, 2, 3), rows(1, 3), "lost"),
        (answers(1, 2, 3), rows(1, 2, 2, 3), "doubled"),
        (answers(1, 2, 3), rows(1, 9, 3), "wrong"),
        (answers(1, 2, 3), rows(2, 1, 3), "out of order"),
        (answers(1, 2, 3), [*rows(1, 2, 3), *rows(4)], "never served"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_books_that_do_not_match_are_not_balanced(served, stored, what):
    assert not account(served, stored).balanced, what


def test_a_spoiled_answer_may_be_missing_and_excuses_its_line_for_a_moment():
    assert account(answers(1, 2, 3, 9, 10, faults=(2,)), rows(1, 9, 10)).balanced
    assert not account(answers(1, 2, 9, 10, faults=(2,)), rows(1, 10)).balanced


def test_the_poll_in_flight_at_the_end_may_be_missing():
    assert account(answers(1, 2, 3), rows(1, 2)).balanced
    assert not account(answers(1, 2, 3), rows(1)).balanced


def test_an_answer_in_two_parts_is_one_reading():
    parts = [Served(1000, {"t": 1.0}, sound=True), Served(1100, {"h": 1.0}, sound=True)]
    assert account([*parts, *answers(2, 3)], rows(1, 2, 3)).balanced
