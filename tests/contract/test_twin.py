"""Desired documents at the door of both ends: the same rules, the first that does not hold is named with its place."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import twin
from contract.profiles import Register
from contract.twin import DesiredBus, Quota, Refusal, Refused, Reported, TwinState
from tests.edge.twin_making import desired, profile, station

BUSES = ["line-a", "line-b"]


def put(document, payload=None):
    return twin.decode_desired(twin.encode(document) if payload is None else payload, gateway="gw", buses=BUSES)


def changed(document, *path_and_value):
    """The document's JSON with one value put at a path."""
    *path, value = path_and_value
    tree = json.loads(twin.encode(document))
    place = tree
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(tree).encode()


def test_a_whole_document_comes_back_as_it_was_sent():
    sent = desired(
        3, station("s1", 1, quantities=("air_temperature_degc",)), health_interval_s=5.0, outbox=Quota(65_536, 64)
    )
    assert put(sent) == sent
    assert twin.decode_desired(twin.encode(sent), gateway="gw") == sent, "central may not know the gateway's lines"


def test_the_digest_tells_content_and_not_the_moment():
    one = desired(3)
    assert twin.digest(one) == twin.digest(msgspec.structs.replace(one, made_at_ms=8))
    assert twin.digest(one) != twin.digest(desired(3, interval_s=2.0))


BAD_SCALE = msgspec.structs.replace(profile(), register=(Register("air_temperature_degc", 100, scale=1e300),))
NO_REGISTER = msgspec.structs.replace(profile(), register=())
FOREIGN = msgspec.structs.replace(profile(), register=(Register("mood", 100),))
OUTSIDE = msgspec.structs.replace(profile(), register=(Register("air_temperature_degc", 300),))


@pytest.mark.parametrize(
    ("document", "reason", "place"),
    [
        (msgspec.structs.replace(desired(), gateway="other"), Refusal.WRONG_GATEWAY, "$.gateway"),
        (msgspec.structs.replace(desired(), bus=()), Refusal.NO_STATION, "$.bus"),
        (desired(buses=(DesiredBus("line-a"),)), Refusal.DUPLICATE_BUS, "$.bus[1].name"),
        (desired(bus="line-z"), Refusal.UNKNOWN_BUS, "$.bus[0].name"),
        (desired(profiles=[profile(), profile()]), Refusal.DUPLICATE_PROFILE, "$.profile[1].name"),
        (desired(profiles=[FOREIGN]), Refusal.BAD_PROFILE, "$.profile[0].register[0].quantity"),
        (desired(profiles=[OUTSIDE]), Refusal.BAD_PROFILE, "$.profile[0].register[0].address"),
        (desired(profiles=[BAD_SCALE]), Refusal.BAD_PROFILE, "$.profile[0].register[0].scale"),
        (desired(profiles=[NO_REGISTER]), Refusal.BAD_PROFILE, "$.profile[0].register"),
        (desired(profiles=[profile(response_s=1e6)]), Refusal.BAD_PROFILE, "$.profile[0].response_time_max_s"),
        (desired(1, station("s1", 1), station("s1", 2)), Refusal.DUPLICATE_STATION, "$.bus[0].station[1].id"),
        (
            desired(buses=(DesiredBus("line-b", 1.0, (station("s1", 7),)),)),
            Refusal.DUPLICATE_STATION,
            "$.bus[1].station[0].id",
        ),
        (desired(1, station("s1", 1), station("s2", 1)), Refusal.DUPLICATE_UNIT_ADDRESS, "station[1].unit_address"),
        (desired(1, station("s1", 1, "nobody")), Refusal.UNKNOWN_PROFILE, "$.bus[0].station[0].profile"),
        (desired(1, station("s1", 1, quantities=("noise_level_db",))), Refusal.UNSERVED_QUANTITY, "quantities"),
        (desired(1, station("s1", 1, quantities=())), Refusal.UNSERVED_QUANTITY, "reads nothing"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_reason_and_place(document, reason, place):
    refused = put(document)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.version) == (reason, document.version)
    assert place in refused.detail


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Refusal.NOT_JSON),
        (b"\xff\xfe", Refusal.NOT_JSON),
        (b'{"v":' * 20_000, Refusal.MALFORMED),
        (b"[]", Refusal.MALFORMED),
        (b'{"v": 2}', Refusal.UNSUPPORTED_VERSION),
        (b'{"v": 1}', Refusal.MALFORMED),
        (changed(desired(), "bus", 0, "station", 0, "unit_address", 248), Refusal.MALFORMED),
        (changed(desired(), "bus", 0, "interval_s", 0), Refusal.MALFORMED),
        (changed(desired(), "bus", 0, "intervall_s", 1), Refusal.MALFORMED),
        (changed(desired(), "version", 0), Refusal.MALFORMED),
        (changed(desired(), "outbox", {"bytes_max": 1, "rows_max": 64}), Refusal.MALFORMED),
        (twin.encode(desired()) + b" " * twin.DESIRED_BYTES_MAX, Refusal.TOO_LARGE),
    ],
)
def test_what_is_no_document_is_refused_by_name(payload, reason):
    refused = put(None, payload)
    assert isinstance(refused, Refused)
    assert refused.reason is reason


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(payload):
    assert isinstance(twin.decode_desired(payload, gateway="gw"), Refused)
    assert isinstance(twin.decode_reported(payload), Refused)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_value_in_any_place_raises(value):
    for path in (["bus"], ["profile"], ["bus", 0, "station"], ["profile", 0, "register", 0, "scale"], ["version"]):
        answer = put(None, changed(desired(), *path, value))
        assert isinstance(answer, Refused | twin.Desired)


def test_a_report_comes_back_as_it_was_sent_and_a_newer_gateway_may_say_more():
    report = Reported(1, 5, "boot", TwinState.APPLIED, 3, [DesiredBus("line-a")], 60.0, Quota(65_536, 64), "abc", 3)
    assert twin.decode_reported(twin.encode(report)) == report
    more = json.loads(twin.encode(report)) | {"mood": "fine"}
    assert twin.decode_reported(json.dumps(more).encode()) == report
