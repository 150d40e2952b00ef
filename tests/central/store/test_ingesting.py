"""What a batch does to the store."""

import pytest

from central.store.door import Incoming, Ingested, Resolution
from contract.messages import VERSION, Batch, Reading
from contract.topics import Stream
from tests.central.store.making import CITY_NOW_MS, UNIX_NOW_S, batch, reading, readings, shed

TELEMETRY = Stream.TELEMETRY


def seqs_stored(store, station="kmg-01"):
    return len(store.readings(station, 0, 2**42, Resolution.RAW).rows)


# fmt: off
TABLE = [
    # what arrives, in order                                     -> (up_to, stored, duplicates, shed, missing) each
    ("contiguous", [batch(*readings(1, 3)), batch(*readings(4, 5))],         [(3, 3, 0, 0, 0), (5, 2, 0, 0, 0)]),
    ("sent again", [batch(*readings(1, 3)), batch(*readings(1, 3))],         [(3, 3, 0, 0, 0), (3, 0, 3, 0, 0)]),
    ("sent again with more", [batch(*readings(1, 3)), batch(*readings(2, 5))], [(3, 3, 0, 0, 0), (5, 2, 2, 0, 0)]),
    ("swapped", [batch(*readings(4, 5)), batch(*readings(1, 3))],            [(0, 2, 0, 0, 0), (5, 3, 0, 0, 0)]),
    ("a hole", [batch(reading(1), reading(3))],                              [(1, 2, 0, 0, 0)]),
    ("a hole filled", [batch(reading(1), reading(3)), batch(reading(2))],    [(1, 2, 0, 0, 0), (3, 1, 0, 0, 0)]),
    ("nothing", [batch()],                                                   [(0, 0, 0, 0, 0)]),
    ("first contact in the middle", [batch(*readings(11, 12), oldest=11)],   [(12, 2, 0, 0, 10)]),
    ("items given up", [batch(reading(1), shed(2, 5), reading(6))],          [(6, 2, 0, 4, 0)]),
    ("tombstone again", [batch(shed(1, 5)), batch(shed(1, 5), reading(6))],  [(5, 0, 0, 5, 0), (6, 1, 1, 0, 0)]),
    ("tombstone grows", [batch(shed(1, 5)), batch(shed(1, 9))],              [(5, 0, 0, 5, 0), (9, 0, 0, 4, 0)]),
    ("given up though it had arrived", [batch(*readings(1, 3)), batch(shed(1, 5))], [(3, 3, 0, 0, 0), (5, 0, 0, 2, 0)]),
    ("a new epoch", [batch(*readings(1, 3)), batch(*readings(1, 2), epoch="e2")], [(3, 3, 0, 0, 0), (2, 2, 0, 0, 0)]),
    ("lost for good", [batch(reading(1)), batch(reading(5), oldest=5)],      [(1, 1, 0, 0, 0), (5, 1, 0, 0, 3)]),
]
# fmt: on


@pytest.mark.parametrize(("batches", "results"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_what_becomes_of_batches(store, batches, results):
    expected = [Ingested(up_to, stored, dup, shed=gone, missing=lost) for up_to, stored, dup, gone, lost in results]
    assert [store.ingest_batch("gw", TELEMETRY, each).result(5) for each in batches] == expected


@pytest.mark.parametrize(("batches", "results"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_many_batches_in_one_transaction_come_to_the_same(store, batches, results):
    together = store.ingest([Incoming("gw", TELEMETRY, each) for each in batches]).result(5)
    assert [(one.up_to_seq, one.stored, one.duplicates, one.shed, one.missing) for one in together] == results


@pytest.mark.parametrize(("batches", "results"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_a_restart_in_between_changes_nothing(open_again, batches, results):
    for each, (up_to, stored, duplicates, _, _) in zip(batches, results, strict=True):
        store = open_again()
        done = store.ingest_batch("gw", TELEMETRY, each).result(5)
        store.close()
        assert (done.up_to_seq, done.stored, done.duplicates) == (up_to, stored, duplicates)


def test_streams_and_gateways_count_for_themselves(store):
    for gateway, stream in (("gw-a", TELEMETRY), ("gw-b", TELEMETRY), ("gw-a", Stream.EVENTS)):
        assert store.ingest_batch(gateway, stream, batch(*readings(1, 2))).result(5).stored == 2
    assert seqs_stored(store) == 6


def test_two_items_of_one_station_and_moment_are_both_kept(store):
    one = reading(1, at_ms=CITY_NOW_MS, air_temperature_degc=30.0)
    other = reading(2, at_ms=CITY_NOW_MS, air_temperature_degc=32.0)
    store.ingest_batch("gw", TELEMETRY, batch(one, other)).result(5)
    page = store.readings("kmg-01", CITY_NOW_MS, CITY_NOW_MS + 1, Resolution.RAW, quantities=["air_temperature_degc"])
    assert page.rows == [(CITY_NOW_MS, 30.0, None, None), (CITY_NOW_MS, 32.0, None, None)]


def test_two_processes_on_one_store_do_not_mislead_each_other(open_again):
    """Each remembers streams between its own transactions; what the other has written must not be forgotten over that."""
    one, other = open_again(), open_again()
    try:
        for store, first, last, expected in [
            (one, 1, 5, (5, 5, 0)),
            (other, 1, 8, (8, 3, 5)),
            (one, 4, 10, (10, 2, 5)),
            (other, 9, 11, (11, 1, 2)),
        ]:
            done = store.ingest_batch("gw", TELEMETRY, batch(*readings(first, last))).result(5)
            assert (done.up_to_seq, done.stored, done.duplicates) == expected
        assert seqs_stored(one) == sum(row[-1] for row in one.readings("kmg-01", 0, 2**42).rows) == 11
    finally:
        one.close()
        other.close()


def test_a_gap_has_a_place_and_shrinks_when_its_items_come_after_all(store):
    store.ingest_batch("gw", TELEMETRY, batch(reading(1))).result(5)
    store.ingest_batch("gw", TELEMETRY, batch(reading(9), oldest=9)).result(5)
    (gap,) = store.gaps()
    assert (gap.gateway, gap.first_seq, gap.last_seq, gap.count, gap.first_contact) == ("gw", 2, 8, 7, False)
    late = store.ingest_batch("gw", TELEMETRY, batch(reading(4), reading(5))).result(5)
    assert (late.stored, late.up_to_seq) == (2, 9)
    assert sorted((gap.first_seq, gap.last_seq, gap.count) for gap in store.gaps()) == [(2, 3, 2), (6, 8, 3)]
    assert store.gateways()[0].streams[0].missing == 5


def test_a_gap_before_the_first_word_of_a_stream_says_so(store):
    store.ingest_batch("gw", TELEMETRY, batch(reading(5), oldest=5)).result(5)
    (gap,) = store.gaps()
    assert (gap.first_seq, gap.last_seq, gap.first_contact) == (1, 4, True)


def test_tombstones_are_kept_as_they_came_and_swallow_the_ones_they_cover(store):
    store.ingest_batch("gw", TELEMETRY, batch(shed(1, 5), shed(8, 9))).result(5)
    store.ingest_batch("gw", TELEMETRY, batch(shed(1, 7))).result(5)
    assert sorted((tomb.first_seq, tomb.last_seq, tomb.count) for tomb in store.shed_ranges()) == [(1, 7, 7), (8, 9, 2)]
    assert store.gateways()[0].streams[0].shed == 9
    assert store.gaps() == []


def test_a_station_nobody_told_of_is_registered_not_lost(store):
    store.ingest_batch("gw", TELEMETRY, batch(reading(1, "kmg-99"))).result(5)
    (station,) = store.stations()
    assert (station.id, station.configured, station.lat, station.gateway) == ("kmg-99", False, None, "gw")
    assert seqs_stored(store, "kmg-99") == 1


# fmt: off
DATES = [
    ([1_000, 2_000, 3_000], 3_000),
    ([3_000, 1_000, 2_000], 2_000),                                        # the clock was set back: the number tells
    ([CITY_NOW_MS + 59_000, CITY_NOW_MS], CITY_NOW_MS),                    # a little fast, then put right
    ([CITY_NOW_MS + 61_000, CITY_NOW_MS], CITY_NOW_MS),                    # far ahead: a wrong clock, put right
    ([CITY_NOW_MS + 61_000, CITY_NOW_MS + 62_000], CITY_NOW_MS + 62_000),  # far ahead for good: the newest is shown
]
# fmt: on


@pytest.mark.parametrize(("dates_ms", "last_ms"), DATES)
@pytest.mark.parametrize("together", [True, False])
def test_the_last_reading_is_the_newest_by_number_whatever_its_clock_said(store, dates_ms, last_ms, together):
    items = [reading(seq, at_ms=at_ms) for seq, at_ms in enumerate(dates_ms, 1)]
    for part in [items] if together else [[item] for item in items]:
        store.ingest_batch("gw", TELEMETRY, batch(*part)).result(5)
    (last,) = store.last_readings()
    assert last.at_ms == last_ms


def test_between_streams_the_date_tells_and_what_was_late_is_no_news(store):
    for epoch, seq, at_ms in (("new", 1, 3_000), ("old", 9, 2_000), ("new", 2, 2_500)):
        item = reading(seq, at_ms=at_ms)
        store.ingest_batch("gw", TELEMETRY, Batch(VERSION, epoch, seq, [item])).result(5)
        (last,) = store.last_readings()
        assert (last.seq, last.at_ms) == ((1, 3_000) if epoch == "old" else (seq, at_ms))


def test_a_last_reading_tells_all(store):
    item = reading(
        7,
        "kmg-02",
        flags={"wind_speed_ms": "jump"},
        air_temperature_degc=35.5,
        wind_speed_ms=30.0,
        air_pressure_hpa=None,
    )
    store.ingest_batch("gw", TELEMETRY, batch(reading(1), item)).result(5)
    last = store.last_readings()[1]
    assert (last.station, last.gateway, last.seq, last.at_ms) == ("kmg-02", "gw", 7, item.at_ms)
    assert last.values == {"air_temperature_degc": 35.5, "wind_speed_ms": 30.0, "air_pressure_hpa": None}
    assert last.flags == {"wind_speed_ms": "jump"}
    assert (last.received_at_ms, last.received_unix_ms) == (CITY_NOW_MS, round(UNIX_NOW_S * 1000))


def test_a_batch_the_store_cannot_take_harms_no_other(store):
    impossible = Reading(1, "kmg-01", 1, 2**80, "boot-1", {}, clock_synchronised=False)
    good_before = store.ingest_batch("gw-a", TELEMETRY, batch(*readings(1, 2)))
    bad = store.ingest_batch("gw-b", TELEMETRY, batch(impossible))
    good_after = store.ingest_batch("gw-a", TELEMETRY, batch(*readings(3, 4)))
    assert good_before.result(5).up_to_seq == 2
    assert isinstance(bad.exception(5), OverflowError)
    assert good_after.result(5).up_to_seq == 4
    assert seqs_stored(store) == 4
    assert [gateway.gateway for gateway in store.gateways()] == ["gw-a"]
