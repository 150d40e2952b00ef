"""From the broker to the receipt, against a real mosquitto."""

import os
import random
import resource
import sqlite3
import threading
import time

import pytest
from prometheus_client import CollectorRegistry

from central.config import MqttConfig
from central.ingest.metrics import IngestMetrics
from central.ingest.service import IngestService
from central.store.door import Resolution
from contract import topics
from contract.clock import SystemClock
from contract.messages import (
    BATCH_BYTES_MAX,
    BATCH_ITEMS_MAX,
    VERSION,
    Health,
    Hello,
    Presence,
    Reading,
    RejectReason,
    StreamState,
    encode,
)
from contract.topics import Stream, Up
from tests.central.ingest.conftest import Central, Gateway, eventually
from tests.central.store.making import batch, event, reading, readings, shed

GOOD = encode(batch(reading(1)))


def test_a_batch_is_committed_before_its_receipt_is_written(central, gateway):
    gateway.send(batch(*readings(1, 3)))
    eventually(lambda: gateway.up_to() == 3)
    assert central.stored() == 3
    assert gateway.receipts[-1].stream is Stream.TELEMETRY


def test_a_batch_sent_again_is_stored_once_and_receipted_again(central, gateway):
    for times in (1, 2, 3):
        gateway.send(batch(*readings(1, 3)))
        eventually(lambda times=times: len(gateway.receipts) == times)
    assert [receipt.up_to_seq for receipt in gateway.receipts] == [3, 3, 3]
    assert central.stored() == 3
    eventually(lambda: central.count("duplicates_total") == 6)


def test_a_receipt_says_what_is_contiguous_and_tombstones_count(central, gateway):
    gateway.send(batch(reading(1), reading(9)))
    eventually(lambda: gateway.up_to() == 1)
    gateway.send(batch(shed(2, 5), reading(6), reading(7)))
    eventually(lambda: gateway.up_to() == 7)
    gateway.send(batch(reading(8)))
    eventually(lambda: gateway.up_to() == 9)
    eventually(lambda: central.count("shed_total") == 4)


def test_events_are_stored_once_and_numbered_in_the_order_of_commits(central, gateway):
    gateway.send(batch(event(1, ticket="T1"), event(2, ticket="T2")), Stream.EVENTS)
    gateway.send(batch(event(2, ticket="T2"), event(3, "door.open")), Stream.EVENTS)
    eventually(lambda: gateway.up_to(stream=Stream.EVENTS) == 3)
    stored = central.store.events()
    assert [(one.number, one.seq, one.name, one.body) for one in stored] == [
        (1, 1, "ticket.ride", {"ticket": "T1"}),
        (2, 2, "ticket.ride", {"ticket": "T2"}),
        (3, 3, "door.open", {}),
    ]
    assert [one.seq for one in central.store.events(after=1, name="ticket.ride")] == [2]
    assert central.stored() == 3


def test_every_stream_gets_receipts_of_its_own(central, broker, gateway):
    other = Gateway("gw-02", broker.port)
    try:
        gateway.send(batch(*readings(1, 2)))
        gateway.send(batch(event(1)), Stream.EVENTS)
        gateway.send(batch(reading(1), epoch="e2"))
        other.send(batch(*readings(1, 5)))
        eventually(
            lambda: gateway.up_to() == 2 and gateway.up_to(stream=Stream.EVENTS) == 1 and gateway.up_to("e2") == 1
        )
        eventually(lambda: other.up_to() == 5)
        assert len(other.receipts) == 1
    finally:
        other.stop()


def _deep(payload_bytes):
    return b"[" * payload_bytes


# fmt: off
MALFORMED = [
    # what arrives                                                            where      counted as
    ("empty", b"",                                                            "telemetry", "not_json"),
    ("words", b"temperature is 36",                                           "telemetry", "not_json"),
    ("binary", bytes(range(256)),                                             "telemetry", "not_json"),
    ("cut off", GOOD[:-5],                                                    "telemetry", "not_json"),
    ("a thousand brackets", _deep(5000),                                      "telemetry", "malformed not_json"),
    ("a list", b"[1, 2]",                                                     "telemetry", "malformed"),
    ("null", b"null",                                                         "telemetry", "malformed"),
    ("no version", b"{}",                                                     "telemetry", "malformed"),
    ("an edge from the future", b'{"v": 2, "new": true}',                     "telemetry", "unsupported_version"),
    ("no items", b'{"v": 1, "epoch": "e1", "oldest_seq": 1}',                 "telemetry", "malformed"),
    ("text for a number", GOOD.replace(b'"seq":1', b'"seq":"one"'),           "telemetry", "malformed"),
    ("seq 0", GOOD.replace(b'"seq":1', b'"seq":0'),                           "telemetry", "malformed"),
    ("a foreign quantity", GOOD.replace(b"air_temperature_degc", b"mood"),    "telemetry", "unknown_quantity"),
    ("NaN", GOOD.replace(b"36.0", b"NaN"),                                    "telemetry", "not_json malformed"),
    ("beyond floats", GOOD.replace(b"36.0", b"1e999"),                        "telemetry", "malformed not_json"),
    ("backwards", encode(batch(reading(2), reading(1))),                      "telemetry", "seq_not_ascending"),
    ("below the oldest", encode(batch(reading(1), oldest=5)),                 "telemetry", "seq_below_oldest"),
    ("a range that is none", encode(batch(shed(5, 4, 1), oldest=1)),          "telemetry", "bad_range seq_not_ascending"),
    ("too many", encode(batch(*readings(1, BATCH_ITEMS_MAX + 1))),            "telemetry", "too_large too_many_items"),
    ("too large", b" " * (BATCH_BYTES_MAX + 1),                               "telemetry", "too_large"),
    ("a bad hello", b'{"v": 1}',                                              "hello",     "malformed"),
    ("a bad health", GOOD,                                                    "health",    "malformed"),
    ("a channel of its own", GOOD,                                            "gossip",    "malformed"),
    ("bigger than any integer", encode(batch(Reading(1, "kmg-01", 1, 2**80, "b", {}, clock_synchronised=False))), "telemetry", "malformed"),
]
# fmt: on


@pytest.mark.parametrize(
    ("payload", "channel", "reasons"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED]
)
def test_a_malformed_payload_is_counted_by_reason_and_disturbs_nobody(  # noqa: PLR0917
    central, broker, gateway, payload, channel, reasons
):
    other = Gateway("gw-02", broker.port)
    try:
        gateway.send_raw(f"kumagaya/v1/gw-01/up/{channel}", payload)
        other.send(batch(*readings(1, 3)))
        eventually(lambda: other.up_to() == 3)
        (reject,) = eventually(central.store.rejects)
        assert reject.reason in reasons.split()
        assert (reject.gateway, reject.topic) == ("gw-01", f"kumagaya/v1/gw-01/up/{channel}")
        assert reject.payload_head == payload[:200]
        eventually(lambda: central.count("rejected_total", reason=reject.reason.value) == 1)
        assert gateway.receipts == []
    finally:
        other.stop()


def test_a_reject_is_acknowledged_and_does_not_come_back(central, gateway):
    gateway.send_raw("kumagaya/v1/gw-01/up/telemetry", b"rubbish")
    eventually(central.store.rejects)
    central.stop()
    central.start()
    gateway.send(batch(reading(1)))
    eventually(lambda: gateway.up_to() == 1)
    assert len(central.store.rejects()) == 1


def test_a_topic_with_an_impossible_gateway_is_refused(central, gateway):
    gateway.send_raw("kumagaya/v1/GW Ü/up/telemetry", GOOD)
    (reject,) = eventually(central.store.rejects)
    assert (reject.gateway, reject.reason) == ("", RejectReason.MALFORMED)
    assert central.store.gateways() == []


def test_values_out_of_range_are_kept_with_a_flag_and_flags_of_the_edge_stay(central, gateway):
    hot = reading(1, air_temperature_degc=99.0, relative_humidity_pct=40.0)
    stuck = reading(2, flags={"air_temperature_degc": "stuck"}, air_temperature_degc=-60.0, air_pressure_hpa=None)
    gateway.send(batch(hot, stuck))
    eventually(lambda: gateway.up_to() == 2)
    raw = central.store.readings("kmg-01", 0, 2**42, Resolution.RAW, quantities=["air_temperature_degc"])
    assert [(row[1], row[-1]) for row in raw.rows] == [
        (99.0, '{"air_temperature_degc":"out_of_range"}'),
        (-60.0, '{"air_temperature_degc":"stuck"}'),
    ]


def test_presence_hello_and_health_are_kept(central, gateway):
    hello = Hello(VERSION, "0.1.0", "boot-1", 5, {Stream.TELEMETRY: StreamState("e1", 1, 1)}, [])
    gateway.send_raw(topics.up("gw-01", Up.HELLO), encode(hello))
    gateway.send_raw(topics.up("gw-01", Up.HEALTH), encode(Health(VERSION, 7, "boot-1", 60.0, True, [], [])))
    gateway.send_raw(topics.presence("gw-01"), encode(Presence(VERSION, True, "boot-1", 5)))
    state = eventually(
        lambda: [one for one in central.store.gateways() if None not in (one.online, one.hello, one.health)]
    )[0]
    assert (state.gateway, state.online, state.hello, state.health.uptime_s) == ("gw-01", True, hello, 60.0)


def test_nothing_is_lost_over_a_restart_of_central(central, gateway):
    gateway.send(batch(*readings(1, 3)))
    eventually(lambda: gateway.up_to() == 3)
    central.stop()
    gateway.send(batch(*readings(4, 6)))  # the broker holds it for the session
    central.start()
    eventually(lambda: gateway.up_to() == 6)
    assert central.stored() == 6


def test_a_broker_that_restarts_is_found_again(central, broker, gateway):
    gateway.send(batch(*readings(1, 3)))
    eventually(lambda: gateway.up_to() == 3)
    broker.kill()
    eventually(lambda: not central.ingest.state.connected)
    assert "lost" in central.ingest.state.broker_problem or "refused" in central.ingest.state.broker_problem
    broker.start()
    eventually(lambda: central.ingest.state.connected, 20)
    gateway.send(batch(*readings(1, 5)))  # what an outbox does without a receipt
    eventually(lambda: gateway.up_to() == 5, 20)
    assert central.stored() == 5


def test_a_store_that_cannot_write_holds_back_acknowledgement_and_receipt(central, gateway, tmp_path):
    intruder = sqlite3.connect(tmp_path / "central.db", isolation_level=None)
    try:
        intruder.execute("BEGIN IMMEDIATE")
        gateway.send(batch(*readings(1, 3)))
        eventually(lambda: "locked" in (central.ingest.state.store_problem or ""))
        assert gateway.receipts == []
        assert central.ingest.state.waiting == 1
        intruder.execute("ROLLBACK")
        eventually(lambda: gateway.up_to() == 3)
    finally:
        intruder.close()
    eventually(lambda: central.ingest.state.store_problem is None)
    assert central.stored() == 3
    assert central.count("store_failures_total") >= 1


def test_what_was_not_committed_when_central_died_comes_again(central, broker, gateway, tmp_path):
    """The dead central's session is taken over, and with it what it had not acknowledged."""
    intruder = sqlite3.connect(tmp_path / "central.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    gateway.send(batch(*readings(1, 3)))
    eventually(lambda: central.ingest.state.store_problem)
    central.stop()
    intruder.execute("ROLLBACK")
    intruder.close()
    central.start()
    eventually(lambda: gateway.up_to() == 3)
    assert central.stored() == 3


def test_an_error_of_ours_is_not_silent(broker, gateway):
    class Broken:
        def ingest(self, batches):
            raise RuntimeError("a bug")

    told = threading.Event()
    config = MqttConfig(port=broker.port)
    service = IngestService(
        Broken(), SystemClock(), config, IngestMetrics(CollectorRegistry()), random.Random(1), told.set
    )
    service.start()
    try:
        eventually(lambda: service.state.connected)
        gateway.send(batch(reading(1)))
        assert told.wait(5)
        eventually(lambda: not service.state.connected)
        assert "error" in service.state.broker_problem
    finally:
        service.stop()


def test_sockets_with_high_numbers_are_served(tmp_path, broker, gateway):
    """Thousands of browsers in the same process push the numbers of new sockets beyond what select can look at."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        central = Central(tmp_path, broker.port)
        gateway.send(batch(*readings(1, 3)))
        eventually(lambda: central.ingest.state.connected)
        gateway.send(batch(*readings(1, 4)))
        eventually(lambda: gateway.up_to() == 4)
        central.stop()
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("when", ["idle", "without a broker", "under load"])
def test_a_stop_is_quick(central, broker, gateway, when):
    if when == "without a broker":
        broker.kill()
        eventually(lambda: not central.ingest.state.connected)
    if when == "under load":
        for seq in range(1, 500):
            gateway.send(batch(reading(seq)))
    started_s = time.monotonic()
    central.stop()
    assert time.monotonic() - started_s < 5.0
