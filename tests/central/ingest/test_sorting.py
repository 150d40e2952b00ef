"""Topic and payload in, meaning out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.ingest.quality import checked
from central.ingest.sorting import Refused, Said, sort
from central.store.door import Incoming
from contract import topics
from contract.messages import Health, RejectReason, encode
from contract.quantities import QUANTITIES, Flag
from contract.topics import Stream
from tests.central.store.making import batch, event, reading, shed

ANY_TOPIC = st.text() | st.sampled_from(
    [topics.up("gw", channel) for channel in topics.Up] + [topics.presence("gw"), "kumagaya/v1//up/telemetry"]
)


@given(ANY_TOPIC, st.binary(max_size=300))
def test_no_message_whatever_raises(topic, payload):
    assert isinstance(sort(topic, payload), Incoming | Said | Refused)


def test_batches_and_sayings_are_told_apart_by_topic():
    one = batch(reading(1))
    assert sort(topics.up("gw", Stream.TELEMETRY), encode(one)) == Incoming("gw", Stream.TELEMETRY, one)
    happened = batch(event(1, ride=3))
    assert sort(topics.up("gw", Stream.EVENTS), encode(happened)) == Incoming("gw", Stream.EVENTS, happened)
    health = Health(1, 7, "boot-1", 60.0, True, [], [])
    assert sort(topics.up("gw", topics.Up.HEALTH), encode(health)) == Said("gw", health)


def test_readings_among_events_and_events_among_readings_are_refused():
    for stream, item in ((Stream.EVENTS, reading(1)), (Stream.TELEMETRY, event(1))):
        refused = sort(topics.up("gw", stream), encode(batch(item)))
        assert isinstance(refused, Refused)
        assert refused.reason is RejectReason.WRONG_STREAM


@pytest.mark.parametrize("name", sorted(QUANTITIES))
def test_the_range_of_every_quantity_ends_where_the_contract_says(name):
    quantity = QUANTITIES[name]
    beyond = 1e-6 * (quantity.maximum - quantity.minimum)
    for value, flags in [
        (quantity.minimum, {}),
        (quantity.maximum, {}),
        (quantity.minimum - beyond, {name: Flag.OUT_OF_RANGE}),
        (quantity.maximum + beyond, {name: Flag.OUT_OF_RANGE}),
        (None, {}),
    ]:
        assert checked(batch(reading(1, **{name: value}))).items[0].flags == flags


def test_a_flag_of_the_edge_is_left_as_it_is():
    item = reading(1, flags={"air_temperature_degc": Flag.JUMP}, air_temperature_degc=99.0, wind_speed_ms=-1.0)
    assert checked(batch(item)).items[0].flags == {
        "air_temperature_degc": Flag.JUMP,
        "wind_speed_ms": Flag.OUT_OF_RANGE,
    }


def test_a_batch_without_fault_is_passed_on_untouched():
    good = batch(reading(1), shed(2, 3))
    assert checked(good) is good
