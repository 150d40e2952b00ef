"""How the books are compared: each way to cheat is found, and each excuse holds for what it is meant for and no more."""

from dataclasses import replace

import pytest

from tests.torture.books import ClockChange, Evidence, Served, Span, Stored, settle, settle_events
from tests.torture.counting import FIRST, LAST, values

STEP_MS = 250
START_MS = 1_700_000_000_000


def served(count: int = 40, *, station: int = 0, name: str = "s01") -> list[Served]:
    return [Served(name, START_MS + n * STEP_MS, values(station, n), sound=True) for n in range(count)]


def stored(answers: list[Served], first_seq: int = 1) -> list[Stored]:
    return [Stored(one.station, 1, seq, one.at_ms + 3, one.values) for seq, one in enumerate(answers, first_seq)]


def account(answers: list[Served], rows: list[Stored], **evidence):
    (one,) = settle(answers, rows, Evidence(lines={"s01": "line-1"}, **evidence))
    return one


def faults(one) -> dict[str, int]:
    names = ("lost", "duplicated", "wrong", "misdated", "disordered")
    return {name: len(getattr(one, name)) for name in names if getattr(one, name)}


def test_everything_served_and_stored_once_balances():
    one = account(served(), stored(served()))
    assert (one.served, one.stored, faults(one)) == (40, 40, {})


def test_an_answer_that_is_missing_without_excuse_is_lost():
    answers = served()
    assert faults(account(answers, stored(answers[:20] + answers[21:]))) == {"lost": 1}


def test_an_answer_stored_under_two_numbers_is_duplicated():
    answers = served()
    assert faults(account(answers, stored([*answers[:20], answers[19], *answers[20:]]))) == {"duplicated": 1}


@pytest.mark.parametrize("quantity", [FIRST, "wind_speed_ms", LAST])
def test_one_value_of_another_station_makes_a_reading_wrong(quantity):
    answers = served()
    foreign = {**answers[5].values, quantity: values(3, 5)[quantity]}
    rows = stored(answers)
    rows[5] = Stored("s01", 1, 6, rows[5].at_ms, foreign)
    assert faults(account(answers, rows)) == {"wrong": 1, "lost": 1}


def test_a_reading_asked_for_in_two_parts_is_made_of_both():
    answers = served()
    first = {name: value for name, value in answers[7].values.items() if name < "n"}
    second = {name: value for name, value in answers[8].values.items() if name >= "n"}
    answers[7] = Served("s01", answers[7].at_ms, first, sound=True)
    answers[8] = Served("s01", answers[8].at_ms, second, sound=True)
    rows = stored(answers[:8] + answers[9:])
    rows[7] = Stored("s01", 1, 8, answers[8].at_ms, first | second)
    one = account(answers, rows)
    assert (one.parts, faults(one)) == (1, {})


def test_readings_numbered_in_another_order_than_served_are_disordered():
    answers = served()
    assert faults(account(answers, stored([*answers[:3], answers[4], answers[3], *answers[5:]]))) == {"disordered": 1}


def test_what_was_served_just_before_a_kill_may_be_missing_and_nothing_else():
    answers = served()
    kill_ms = answers[20].at_ms + 10
    fine = account(answers, stored(answers[:18] + answers[21:]), edge_kills_ms=[kill_ms])
    assert (fine.in_flight, faults(fine)) == (3, {})
    middle = account(answers, stored(answers[:18] + answers[19:]), edge_kills_ms=[kill_ms])
    assert (middle.in_flight, faults(middle)) == (0, {"lost": 1}), "something served later was committed"
    later = account(answers, stored(answers[:20] + answers[22:]), edge_kills_ms=[kill_ms])
    assert (later.in_flight, faults(later)) == (1, {"lost": 1})
    earlier = account(answers, stored(answers[:10] + answers[11:]), edge_kills_ms=[kill_ms])
    assert (earlier.in_flight, faults(earlier)) == (0, {"lost": 1})


def test_trouble_excuses_its_own_line_only():
    answers = served()
    rows = stored(answers[:20] + answers[21:])
    around = (answers[20].at_ms - 100, answers[20].at_ms + 100)
    assert account(answers, rows, trouble=[Span(*around, frozenset({"line-1"}))]).trouble == 1
    assert faults(account(answers, rows, trouble=[Span(*around, frozenset({"line-2"}))])) == {"lost": 1}


def test_a_tombstone_excuses_what_lies_in_its_time_by_the_edges_clock():
    answers = served()
    rows = stored(answers[:20] + answers[23:])
    clock = [ClockChange(START_MS - 1, 60_000)]
    rows = [Stored(row.station, 1, row.seq, row.at_ms + 60_000, row.values) for row in rows]
    grave = Span(answers[20].at_ms + 60_003, answers[22].at_ms + 60_003)
    one = account(answers, rows, clock=clock, shed=[grave])
    assert (one.shed, faults(one)) == (3, {})


def test_a_reading_is_dated_by_the_clock_of_its_moment():
    answers = served()
    step_ms = answers[20].at_ms - 50
    moved = [
        Stored(row.station, 1, row.seq, row.at_ms - (5000 if row.at_ms > step_ms else 0), row.values)
        for row in stored(answers)
    ]
    assert faults(account(answers, moved, clock=[ClockChange(step_ms, -5000)])) == {}
    assert faults(account(answers, moved)) == {"misdated": 20}


def test_a_clock_that_was_known_to_be_wrong_dates_nothing():
    answers = served()
    wrong_ms, right_ms = answers[20].at_ms - 50, answers[30].at_ms - 50
    clock = [ClockChange(wrong_ms, -90_000, synchronised=False), ClockChange(right_ms, 0)]
    rows = stored(answers)

    def with_ten(dated: int, shift_ms: int) -> list[Stored]:
        ten = [Stored(row.station, 1, row.seq, row.at_ms + shift_ms, row.values, dated) for row in rows[20:30]]
        return rows[:20] + ten + rows[30:]

    assert faults(account(answers, with_ten(2, 0), clock=clock)) == {}
    assert faults(account(answers, with_ten(2, -90_000), clock=clock)) == {"misdated": 10}
    assert faults(account(answers, with_ten(1, -90_000), clock=clock)) == {"misdated": 10}
    assert account(answers, with_ten(0, -90_000), clock=clock).undated == 10


def test_an_undated_reading_follows_the_next_state_of_the_clock_that_something_proves_or_the_last_one():
    answers = served()
    moments = [answers[10].at_ms - 50, answers[20].at_ms - 50, answers[30].at_ms - 50, answers[35].at_ms - 50]
    clock = [
        ClockChange(moments[0], 50_000),
        ClockChange(moments[1], 7, synchronised=False),
        ClockChange(moments[2], 60_000),
        ClockChange(moments[3], 90_000),
    ]
    ahead = [0] * 10 + [50_000] * 20 + [60_000] * 5 + [90_000] * (len(answers) - 35)

    def misdated(shift_ms: int) -> int:
        rows = [
            Stored(row.station, 1, row.seq, row.at_ms + (shift_ms if 20 <= index < 30 else ahead[index]), row.values)
            for index, row in enumerate(stored(answers))
        ]
        rows[20:30] = [replace(row, dated=2) for row in rows[20:30]]
        return len(account(answers, rows, clock=clock).misdated)

    assert {shift_ms: misdated(shift_ms) for shift_ms in (0, 7, 50_000, 60_000, 90_000)} == {
        0: 10, 7: 10, 50_000: 0, 60_000: 0, 90_000: 10,
    }  # fmt: skip


def test_a_late_reply_taken_for_a_new_one_is_misdated():
    answers = served()
    late = [Stored(row.station, 1, row.seq, row.at_ms + 1200 * (row.seq == 10), row.values) for row in stored(answers)]
    around = (answers[9].at_ms - 100, answers[9].at_ms + 3000)
    assert faults(account(answers, late)) == {"misdated": 1}
    assert faults(account(answers, late, trouble=[Span(*around, frozenset({"line-1"}))])) == {"misdated": 1}
    assert faults(account(answers, late, trouble=[Span(*around, still=True)])) == {}


def test_an_unsound_answer_may_be_stored_or_not():
    answers = [Served(one.station, one.at_ms, one.values, sound=index != 9) for index, one in enumerate(served())]
    assert account(answers, stored(answers)).spoiled == 0
    one = account(answers, stored(answers[:9] + answers[10:]))
    assert (one.spoiled, faults(one)) == (1, {})


def test_an_event_that_was_taken_is_stored_once_and_one_that_was_not_may_be():
    one = settle_events([10, 20, 30], [10, 30], [(1, 1, 10), (1, 2, 20), (1, 3, 30)])
    assert (one.lost, one.duplicated, one.foreign, one.disordered) == ((), (), (), ())
    assert settle_events([10, 20], [10, 20], [(1, 1, 20)]).lost == (10,)
    assert settle_events([10], [10], [(1, 1, 10), (2, 1, 10)]).duplicated == (10,)
    assert settle_events([10], [10], [(1, 1, 10), (1, 2, 11)]).foreign == (11,)
    assert settle_events([10, 20], [], [(1, 1, 20), (1, 2, 10)]).disordered == (10,)
