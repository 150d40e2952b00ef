"""What can be asked of the store."""

import pytest

from central.store.door import BadCursor, Frame, Reject, Resolution, Station
from contract.messages import Health, Hello, Presence, RejectReason, StreamState
from contract.topics import Stream
from tests.central.store.making import CITY_NOW_MS, MINUTE_MS, batch, reading

TEMPERATURE = ["air_temperature_degc"]


def fill(store, count, step_ms=MINUTE_MS):
    items = [reading(seq, at_ms=seq * step_ms, air_temperature_degc=float(seq)) for seq in range(1, count + 1)]
    store.ingest_batch("gw", Stream.TELEMETRY, batch(*items)).result(5)


@pytest.mark.parametrize("resolution", [Resolution.RAW, Resolution.MINUTE])
@pytest.mark.parametrize("limit", [1, 3, 7, 10, 100])
def test_pages_together_are_the_whole(store, resolution, limit):
    fill(store, 10)
    seen, cursor, pages = [], None, 0
    while True:
        page = store.readings("kmg-01", 0, 2**42, resolution, limit, cursor, TEMPERATURE)
        assert 0 < len(page.rows) <= limit
        seen += [row[1] for row in page.rows]
        cursor, pages = page.next_cursor, pages + 1
        if cursor is None:
            break
    assert seen == [float(seq) for seq in range(1, 11)]
    assert pages == -(-10 // limit)


def test_readings_of_one_moment_do_not_get_lost_between_pages(store):
    items = [reading(seq, at_ms=5000, air_temperature_degc=float(seq)) for seq in range(1, 6)]
    store.ingest_batch("gw", Stream.TELEMETRY, batch(*items)).result(5)
    first = store.readings("kmg-01", 0, 2**42, Resolution.RAW, 2, None, TEMPERATURE)
    second = store.readings("kmg-01", 0, 2**42, Resolution.RAW, 10, first.next_cursor, TEMPERATURE)
    assert [row[1] for row in first.rows + second.rows] == [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("span", "seen"),
    [
        ((0, 10**9), [1, 2, 3]),
        ((MINUTE_MS, 2 * MINUTE_MS), [1]),
        ((MINUTE_MS + 1, 3 * MINUTE_MS + 1), [2, 3]),
        ((5, 5), []),
        ((10**9, 0), []),
    ],
)
@pytest.mark.parametrize("resolution", [Resolution.RAW, Resolution.MINUTE])
def test_a_span_holds_its_begin_and_not_its_end(store, span, seen, resolution):
    fill(store, 3)
    page = store.readings("kmg-01", *span, resolution, quantities=TEMPERATURE)
    assert [row[1] for row in page.rows] == seen


@pytest.mark.parametrize("resolution", list(Resolution))
@pytest.mark.parametrize("cursor", ["", "x", "1.2", "-1", "1.2.3.4", "1;2;3", "٣", "9" * 19, "1.2.3'"])
def test_a_foreign_cursor_is_refused(store, resolution, cursor):
    with pytest.raises(BadCursor):
        store.readings("kmg-01", 0, 1, resolution, after=cursor)


@pytest.mark.parametrize("limit", [0, -1, 100_001])
def test_a_limit_out_of_bounds_is_refused(store, limit):
    with pytest.raises(ValueError, match=str(limit)):
        store.readings("kmg-01", 0, 1, limit=limit)


def test_a_foreign_quantity_is_refused(store):
    with pytest.raises(ValueError, match="temperature; DROP"):
        store.readings("kmg-01", 0, 1, quantities=["temperature; DROP TABLE readings"])


def test_an_unknown_station_has_no_rows(store):
    assert store.readings("kmg-77", 0, 2**42).rows == []


def test_a_station_is_what_was_said_last(store):
    first = Station("kmg-01", "駅", "Station", 36.139, 139.389, "asphalt", "thies")
    store.station_upsert(first).result(5)
    store.ingest_batch("gw", Stream.TELEMETRY, batch(reading(1))).result(5)
    moved = Station("kmg-01", "駅前", "Station square", 36.14, 139.39, "grass", None)
    store.station_upsert(moved).result(5)
    (station,) = store.stations()
    assert station == Station("kmg-01", "駅前", "Station square", 36.14, 139.39, "grass", None, gateway="gw")


def test_frames_come_newest_first_and_page_by_page(store):
    for number in range(5):
        store.add_frame(Frame(f"f{number}", number, 10 + number, {"number": number})).result(5)
    first = store.frames(2)
    rest = store.frames(10, first.next_cursor)
    assert [frame.id for frame in first.frames + rest.frames] == ["f4", "f3", "f2", "f1", "f0"]
    assert rest.next_cursor is None
    assert store.latest_frame() == store.frame("f4") == Frame("f4", 4, 14, {"number": 4})
    assert store.frame("f9") is None


def test_a_frame_that_was_added_last_is_the_latest_whatever_its_date(store):
    store.add_frame(Frame("late", 2_000, 1, {})).result(5)
    store.add_frame(Frame("early", 1_000, 1, {})).result(5)
    assert store.latest_frame().id == "early"
    store.add_frame(Frame("late", 2_000, 2, {"again": True})).result(5)
    assert store.latest_frame() == Frame("late", 2_000, 2, {"again": True})
    assert len(store.frames().frames) == 2


def test_deleted_frames_are_gone(store):
    for name in ("a", "b", "c"):
        store.add_frame(Frame(name, 1, 1, {})).result(5)
    store.delete_frames(["a", "c", "never"]).result(5)
    assert [frame.id for frame in store.frames().frames] == ["b"]


@pytest.mark.parametrize("call", [lambda s: s.frames(0), lambda s: s.frames(1001), lambda s: s.frames(1, "x.y")])
def test_bad_pages_of_frames_are_refused(store, call):
    with pytest.raises(ValueError, match=r"limit|cursor"):
        call(store)


def test_what_a_gateway_says_of_itself_is_replaced_by_what_it_says_next(store):
    hello = Hello(1, "0.1", "boot-1", 5, {Stream.TELEMETRY: StreamState("e1", 1, 9)}, [])
    store.set_hello("gw", hello).result(5)
    store.set_presence("gw", Presence(1, True, "boot-1", 5)).result(5)
    store.set_presence("gw", Presence(1, False, "boot-1", 6)).result(5)
    store.set_health("gw", Health(1, 7, "boot-1", 1.5, False, [], [])).result(5)
    (state,) = store.gateways()
    assert (state.gateway, state.online, state.hello, state.health.uptime_s) == ("gw", False, hello, 1.5)
    assert (state.presence_at_ms, state.streams) == (CITY_NOW_MS, [])


def test_rejects_are_counted_for_ever_and_kept_for_a_while(store):
    for number in range(1005):
        reason = RejectReason.NOT_JSON if number % 5 else RejectReason.TOO_LARGE
        future = store.add_reject(Reject("gw", "t", reason, f"number {number}", b"\xff" * 300, 1))
    future.result(10)
    assert store.reject_counts() == {("gw", RejectReason.NOT_JSON): 804, ("gw", RejectReason.TOO_LARGE): 201}
    newest = store.rejects(2000)
    assert (len(newest), newest[0].detail, newest[-1].detail) == (1000, "number 1004", "number 5")
    assert newest[0].payload_head == b"\xff" * 200


def test_the_change_token_moves_with_every_commit_and_only_then(store):
    token = store.change_token()
    assert store.change_token() == token
    store.last_readings()
    assert store.change_token() == token
    store.ingest_batch("gw", Stream.TELEMETRY, batch(reading(1))).result(5)
    assert store.change_token() != token
