"""What a gateway measured before it knew the time: dated by bounds, then by its boot; roll-ups and last readings with it."""

import random
import sqlite3

import pytest

from central.store import rollup
from central.store.door import Resolution
from central.store.sqlite import open_store
from contract.messages import VERSION, Batch, Event, Health, Hello, Reading
from contract.topics import Stream
from tests.central.store.making import CITY_NOW_MS, UNIX_NOW_S, FixedClock

BOOTED_MS = CITY_NOW_MS - 3_600_000
"""True wall time when the gateway's monotonic clock showed 0."""


@pytest.fixture
def clock():
    return FixedClock(CITY_NOW_MS)


@pytest.fixture
def store(tmp_path, clock):
    opened = open_store(tmp_path / "central.db", clock, lambda: UNIX_NOW_S)
    yield opened
    opened.close()


def said(seq, monotonic_ms, station="s1", *, ahead_ms=None, boot="boot-1", **values):
    """A reading at this monotonic time; `ahead_ms`: by how much a synchronised clock was ahead of the true one, None: it was in 1970."""
    at_ms = monotonic_ms if ahead_ms is None else BOOTED_MS + monotonic_ms + ahead_ms
    measured = values or {"air_temperature_degc": 30.0 + seq / 8}
    return Reading(seq, station, at_ms, monotonic_ms, boot, measured, clock_synchronised=ahead_ms is not None)


def take(store, *items, gateway="gw", stream=Stream.TELEMETRY, epoch="e1"):
    return store.ingest_batch(gateway, stream, Batch(VERSION, epoch, 1, list(items))).result(5)


def dates(store, station="s1"):
    """(moment after the boot, how it is known) of each reading, in the order of the API."""
    series = store.readings(station, 0, 2**42, Resolution.RAW, quantities=[])
    return [(row[0] - BOOTED_MS, row[1]) for row in series.rows]


def test_before_anything_is_known_the_moment_of_receipt_is_the_date(store):
    take(store, said(1, 3_580_000), said(2, 3_590_000))
    assert dates(store) == [(3_590_000, "by_receipt"), (3_600_000, "by_receipt")]
    (last,) = store.last_readings()
    assert (last.seq, last.at_ms, last.clock_synchronised) == (2, CITY_NOW_MS, False)


def test_a_synchronised_reading_of_the_boot_dates_what_came_before_it(store):
    take(store, said(1, 1_000), said(2, 2_000))
    take(store, said(3, 3_000, ahead_ms=0))
    assert dates(store) == [(1_000, "by_boot"), (2_000, "by_boot"), (3_000, None)]
    assert [(last.seq, last.clock_synchronised) for last in store.last_readings()] == [(3, True)]
    (minute,) = store.readings("s1", 0, 2**42, quantities=["air_temperature_degc"]).rows
    assert minute[1:] == (pytest.approx(30.25), 30.125, 30.375, 3)


def test_also_in_one_batch_and_when_the_newest_came_first(store):
    take(store, said(9, 90_000, ahead_ms=0))
    take(store, said(1, 1_000), said(2, 2_000), said(3, 3_000, ahead_ms=0))
    assert dates(store) == [(1_000, "by_boot"), (2_000, "by_boot"), (3_000, None), (90_000, None)]


def test_another_boot_and_another_gateway_are_left_alone(store):
    take(store, said(1, 1_000))
    take(store, said(1, 1_000, "s2"), gateway="other")
    take(store, said(2, 500, boot="boot-2", ahead_ms=0))
    assert dates(store)[-1][1] == "by_receipt"
    take(store, said(2, 5_000, "s2", ahead_ms=0), gateway="other")
    assert [how for _, how in dates(store, "s2")] == ["by_boot", None]
    assert dates(store)[-1][1] == "by_receipt"


@pytest.mark.parametrize("kind", ["hello", "health"])
def test_a_synchronised_hello_or_health_is_enough(store, kind):
    take(store, said(1, 1_000))
    now_ms, at_ms = 40_000, BOOTED_MS + 40_000
    if kind == "hello":
        store.set_hello("gw", Hello(1, "x", "boot-1", at_ms, {}, [], now_ms, clock_synchronised=True)).result(5)
    else:
        store.set_health("gw", Health(1, at_ms, "boot-1", 1.0, True, [], [], monotonic_ms=now_ms)).result(5)
    assert dates(store) == [(1_000, "by_boot")]
    assert store.last_readings()[0].clock_synchronised


def test_a_tighter_bound_moves_the_whole_boot_so_that_its_order_stays(store, clock):
    clock.now_ms = BOOTED_MS + 600_000
    take(store, said(1, 1_000), said(2, 2_000))
    assert dates(store) == [(599_000, "by_receipt"), (600_000, "by_receipt")]
    store.set_hello("gw", Hello(1, "x", "boot-1", 0, {}, [], 599_500)).result(5)
    assert dates(store) == [(1_500, "by_receipt"), (2_500, "by_receipt")]
    take(store, said(3, 2_500))
    assert dates(store) == [(1_500, "by_receipt"), (2_500, "by_receipt"), (3_000, "by_receipt")]


def test_events_are_dated_with_their_boot(store):
    take(store, Event(1, "ticket.ride", 5, 5, "boot-1", {"ride": 1}, clock_synchronised=False), stream=Stream.EVENTS)
    assert [one.dated for one in store.events()] == [False]
    take(store, said(1, 1_000, ahead_ms=0))
    (event,) = store.events()
    assert (event.at_ms, event.dated, event.body) == (BOOTED_MS + 5, True, {"ride": 1})


def test_after_a_step_what_has_a_date_keeps_it_and_what_comes_undated_follows_the_newer_word(store):
    take(store, said(1, 1_000, ahead_ms=-7_000))
    take(store, said(2, 2_000, ahead_ms=0))
    take(store, said(3, 3_000))
    assert dates(store) == [(-6_000, None), (2_000, None), (3_000, "by_boot")]


STEPS = [said(1, 1_000, ahead_ms=-262_000), said(2, 2_000, ahead_ms=-700), said(4, 4_000, ahead_ms=0)]
"""Synchronised three times, and stepped twice between."""


@pytest.mark.parametrize(
    ("monotonic_ms", "date_ms"),
    [(900, 900 - 262_000), (1_500, 800), (2_000, 1_300), (3_000, 3_000), (9_000, 9_000)],
)
def test_an_undated_reading_takes_the_offset_of_the_next_proof_or_else_of_the_last(store, monotonic_ms, date_ms):
    take(store, *STEPS)
    take(store, said(5, monotonic_ms, "s2"))
    assert dates(store, "s2") == [(date_ms, "by_boot")]


def test_old_proofs_that_come_again_with_newer_ones_do_not_date_what_is_new(store):
    store.set_hello("gw", Hello(1, "x", "boot-1", BOOTED_MS + 6_000, {}, [], 6_000, clock_synchronised=True)).result(5)
    take(store, *STEPS, said(5, 5_000, "s2"))
    take(store, *STEPS[:2], said(6, 5_500, "s2"))
    assert dates(store, "s2") == [(5_000, "by_boot"), (5_500, "by_boot")]


def test_what_waited_is_dated_stretch_by_stretch_when_its_boot_is_proven_at_several_offsets(store):
    take(store, *(said(seq, monotonic_ms, "s2") for seq, monotonic_ms in ((10, 500), (11, 1_500), (12, 3_000))))
    take(store, *STEPS)
    assert dates(store, "s2") == [(500 - 262_000, "by_boot"), (800, "by_boot"), (3_000, "by_boot")]


def test_what_is_known_of_a_boot_survives_a_restart(tmp_path, clock):
    for item in (said(1, 1_000, ahead_ms=0), said(2, 2_000)):
        store = open_store(tmp_path / "central.db", clock, lambda: UNIX_NOW_S)
        take(store, item)
        assert dates(store)[-1] == (item.monotonic_ms, None if item.clock_synchronised else "by_boot")
        store.close()


def test_a_clock_set_back_while_central_was_down_holds_nothing_up(tmp_path, clock):
    for seq, ahead_ms in ((1, 30_000), (2, -3_600_000), (3, -3_600_000)):
        store = open_store(tmp_path / "central.db", clock, lambda: UNIX_NOW_S)
        take(store, said(seq, seq * 1_000, ahead_ms=ahead_ms))
        assert [last.seq for last in store.last_readings()] == [seq]
        store.close()


def test_dating_what_waited_does_not_bring_an_older_reading_back(store):
    take(store, said(1, 1_000, ahead_ms=0, boot="boot-0"), said(2, 2_000))
    take(store, said(3, 3_000, ahead_ms=-60_000))
    assert [(last.seq, last.at_ms - BOOTED_MS) for last in store.last_readings()] == [(3, -57_000)]


def test_sending_again_after_the_date_was_found_changes_nothing(store):
    first = [said(seq, seq * 1_000) for seq in range(1, 20)]
    take(store, *first)
    take(store, said(20, 20_000, ahead_ms=0))
    before = dates(store)
    result = take(store, *first)
    assert (result.stored, result.duplicates) == (0, 19)
    assert dates(store) == before


def rollups(path):
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT * FROM rollups ORDER BY 1, 2, 3").fetchall()
    connection.close()
    return rows


def test_roll_ups_after_dating_are_those_of_a_gateway_that_always_knew_the_time(tmp_path, clock):
    """Six stations, a day and a half across midnight in Japan, flags and directions: the tables come out alike."""
    chance = random.Random(5)
    items = []
    for seq in range(1, 1_500):
        values = {
            "air_temperature_degc": round(chance.uniform(20, 40), 1),
            "wind_direction_deg": float(chance.randrange(360)),
            "wind_speed_ms": None if chance.random() < 0.1 else 2.5,
        }
        flags = {"air_temperature_degc": "jump"} if chance.random() < 0.1 else {}
        items.append((seq, f"s{seq % 6}", seq * 90_000, values, flags))
    clock.now_ms = BOOTED_MS + 1_501 * 90_000
    files = []
    for knew in (True, False):
        path = tmp_path / f"{knew}.db"
        store = open_store(path, clock, lambda: UNIX_NOW_S)
        for start in range(0, len(items), 250):
            part = [
                Reading(seq, name, BOOTED_MS + at if knew else 7, at, "b", values, flags, clock_synchronised=knew)
                for seq, name, at, values, flags in items[start : start + 250]
            ]
            take(store, *part)
        take(store, Reading(1_500, "s0", BOOTED_MS + 135_000_000, 135_000_000, "b", {"wind_speed_ms": 1.0}))
        files.append((rollups(path), store.last_readings()))
        store.close()
    (expected, last_expected), (found, last_found) = files
    assert [row[:4] for row in found] == [row[:4] for row in expected]
    for one, other in zip(found, expected, strict=True):
        assert one[4:] == pytest.approx(other[4:], abs=1e-9, nan_ok=True)
    assert [(one.seq, one.at_ms, one.clock_synchronised) for one in last_found] == [
        (one.seq, one.at_ms, True) for one in last_expected
    ]
    assert {row[0] for row in found} == set(rollup.RESOLUTIONS_S)
