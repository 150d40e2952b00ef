"""One list of (payload, verdict) drives the door of both sides."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.messages import (
    BATCH_BYTES_MAX,
    BATCH_ITEMS_MAX,
    EVENT_BODY_BYTES_MAX,
    VERSION,
    Batch,
    Event,
    Health,
    Hello,
    Presence,
    Reading,
    Receipt,
    Rejected,
    RejectReason,
    Shed,
    decode,
    encode,
    encode_item,
    join_batch,
)
from contract.quantities import QUANTITIES, Flag
from contract.topics import Stream


def reading(seq: int = 1, **changes) -> dict:
    return {
        "kind": "reading",
        "seq": seq,
        "station": "kmg-01",
        "at_ms": 1_532_322_960_000,
        "monotonic_ms": 12_345,
        "boot_id": "b1",
        "values": {"air_temperature_degc": 41.1},
    } | changes


def batch(*items: dict, **changes) -> bytes:
    return json.dumps({"v": 1, "epoch": "e1", "oldest_seq": 1, "items": list(items)} | changes).encode()


SHED = {"kind": "shed", "seq": 9, "first_seq": 5, "count": 5, "first_at_ms": 1, "last_at_ms": 2, "reason": "quota"}

REFUSED = [
    # payload, reason, a word of the detail
    (b"", RejectReason.NOT_JSON, ""),
    (b"\x00\xff\xfe", RejectReason.NOT_JSON, ""),
    (b'{"x":' + b"[" * 100_000, RejectReason.NOT_JSON, ""),
    (b'{"v":1', RejectReason.NOT_JSON, ""),
    (b"null", RejectReason.MALFORMED, ""),
    (b"[]", RejectReason.MALFORMED, ""),
    (b"{}", RejectReason.MALFORMED, "v"),
    (b'{"v":"1"}', RejectReason.MALFORMED, "v"),
    (batch(reading(), v=2), RejectReason.UNSUPPORTED_VERSION, "2"),
    (batch(reading(), v=0), RejectReason.UNSUPPORTED_VERSION, "0"),
    (b'{"v":1}', RejectReason.MALFORMED, "epoch"),
    (batch(reading(), epoch="Ä b"), RejectReason.MALFORMED, "epoch"),
    (batch(reading(seq=0)), RejectReason.MALFORMED, "seq"),
    (batch(reading(seq=-1)), RejectReason.MALFORMED, "seq"),
    (batch(reading(station="../etc")), RejectReason.MALFORMED, "station"),
    (batch(reading(station="x" * 65)), RejectReason.MALFORMED, "station"),
    (batch(reading(at_ms=10**15)), RejectReason.MALFORMED, "at_ms"),
    (batch(reading(values={"air_temperature_degc": "41.1"})), RejectReason.MALFORMED, "values"),
    (batch(reading(values={"air_temperature_degf": 100})), RejectReason.UNKNOWN_QUANTITY, "air_temperature_degf"),
    (batch(reading(flags={"warp_factor": "stuck"})), RejectReason.UNKNOWN_QUANTITY, "warp_factor"),
    (batch(reading(flags={"air_temperature_degc": "odd"})), RejectReason.MALFORMED, "flags"),
    (batch(reading()).replace(b"41.1", b"NaN"), RejectReason.NOT_JSON, ""),
    (batch(reading()).replace(b"41.1", b"1e999"), RejectReason.MALFORMED, ""),
    (batch({"kind": "other", "seq": 1}), RejectReason.MALFORMED, "kind"),
    (batch(reading(2), reading(2)), RejectReason.SEQ_NOT_ASCENDING, "items[1]"),
    (batch(reading(3), reading(2)), RejectReason.SEQ_NOT_ASCENDING, "items[1]"),
    (batch(reading(7), SHED), RejectReason.SEQ_NOT_ASCENDING, "items[1]"),
    (batch(reading(2), oldest_seq=3), RejectReason.SEQ_BELOW_OLDEST, "oldest_seq 3"),
    (batch(SHED | {"first_seq": 10}), RejectReason.BAD_RANGE, "items[0]"),
    (batch(SHED | {"count": 6}), RejectReason.BAD_RANGE, "items[0]"),
    (b" " * (BATCH_BYTES_MAX + 1), RejectReason.TOO_LARGE, "bytes"),
]


@pytest.mark.parametrize(("payload", "reason", "word"), REFUSED, ids=[f"{n}-{row[1]}" for n, row in enumerate(REFUSED)])
def test_a_malformed_batch_is_refused_with_its_reason(payload, reason, word):
    verdict = decode(Batch, payload)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is reason
    assert word in verdict.detail


def test_too_many_items_are_refused_before_they_are_looked_at():
    small = {"kind": "shed", "first_seq": 1, "count": 1, "first_at_ms": 1, "last_at_ms": 1, "reason": ""}
    payload = batch(*(small | {"seq": n + 1, "first_seq": n + 1} for n in range(BATCH_ITEMS_MAX + 1)))
    assert len(payload) < BATCH_BYTES_MAX
    verdict = decode(Batch, payload)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is RejectReason.TOO_MANY_ITEMS


def test_unknown_fields_of_a_newer_sender_are_ignored_within_a_version():
    verdict = decode(Batch, batch(reading(mood="sunny"), new_field=1))
    assert isinstance(verdict, Batch)
    assert verdict.items[0].values == {"air_temperature_degc": 41.1}


MESSAGES = [
    Batch(
        VERSION,
        "e1",
        1,
        [
            Reading(
                1, "kmg-01", 5, 6, "b1", {"air_temperature_degc": None}, {"air_temperature_degc": Flag.MISSING}, False
            )
        ],
    ),
    Batch(VERSION, "e1", 4, [Shed(9, 5, 5, 1, 2, "quota")]),
    Batch(VERSION, "e1", 1, []),
    Receipt(VERSION, Stream.TELEMETRY, "e1", 0, 17),
    Hello(VERSION, "0.1.0", "b1", 1, {}, []),
    Health(VERSION, 1, "b1", 2.0, True, [], []),
    Presence(VERSION, False, "b1"),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_what_is_encoded_decodes_to_the_same(message):
    assert decode(type(message), encode(message)) == message


def test_a_batch_joined_from_encoded_items_is_the_same_batch():
    items = [Reading(n, "kmg-01", 5, 6, "b1", {"wind_speed_ms": 1.5}) for n in (3, 4, 8)]
    joined = join_batch("e-1", 3, [encode_item(item) for item in items])
    assert decode(Batch, joined) == Batch(VERSION, "e-1", 3, items)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_the_door_raise(payload):
    for kind in (Batch, Receipt, Hello, Health, Presence):
        assert isinstance(decode(kind, payload), (Rejected, kind))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(QUANTITIES)), st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32)
    ),
    st.integers(1, 2**40),
)
def test_any_reading_survives_the_wire(values, seq):
    message = Batch(VERSION, "e", seq, [Reading(seq, "s", 0, 0, "b", values)])
    assert decode(Batch, encode(message)) == message


def event(seq, body):
    return Event(seq, "ticket.ride", 1_000, 900, "boot-1", body)


def test_events_come_back_as_they_were_sent():
    sent = Batch(VERSION, "e1", 1, [event(1, {"ticket": "T1", "ride": 3}), event(2, {})])
    assert decode(Batch, encode(sent)) == sent


def test_the_body_of_an_event_is_limited():
    fits = {"pad": "x" * (EVENT_BODY_BYTES_MAX - len('{"pad":""}'))}
    assert isinstance(decode(Batch, encode(Batch(VERSION, "e1", 1, [event(1, fits)]))), Batch)
    refused = decode(Batch, encode(Batch(VERSION, "e1", 1, [event(1, {"pad": fits["pad"] + "x"})])))
    assert isinstance(refused, Rejected)
    assert (refused.reason, "$.items[0].body" in refused.detail) == (RejectReason.TOO_LARGE, True)


@pytest.mark.parametrize("number", [b"1e400", b"-1e999", b"NaN", b"Infinity"])
def test_no_number_that_is_none_gets_through(number):
    payload = encode(Batch(VERSION, "e1", 1, [Reading(1, "s", 1, 1, "b", {"wind_speed_ms": 7.25})]))
    assert isinstance(decode(Batch, payload.replace(b"7.25", number)), Rejected)
