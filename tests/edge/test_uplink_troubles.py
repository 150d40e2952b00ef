"""Links that look open and are dead, a backlog, a slow central, a broker that does not want us: what the uplink does about each."""

import asyncio
import concurrent.futures
import contextlib
import errno
import ssl
import time

import aiomqtt
import pytest
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode

from contract.messages import Event
from contract.topics import Stream
from edge.uplink import closing_noise, refused_for_good
from tests.edge.central import Central
from tests.edge.test_uplink import TELEMETRY, Agent, wait_for
from tests.processes import free_port, start_mosquitto
from tests.torture.link import Link
from tests.torture.plan import Action

FOUND_WITHIN_S = 15.0
DEFAULTS = {"receipt_timeout_s": 10.0, "keepalive_s": 6}
"""As shipped: the promise is made for these."""


@pytest.fixture
def broker(tmp_path):
    child = start_mosquitto(tmp_path / "broker")
    yield child
    child.kill()


@pytest.fixture
def start(tmp_path, broker):
    with contextlib.ExitStack() as running:

        def start_one(kind, *, late=False, **settings):
            if kind is Agent:
                folder = settings.pop("folder", tmp_path)
                if not late:
                    folder.mkdir(exist_ok=True)
                one = Agent(folder, settings.pop("port", broker.port), **settings)
                running.callback(one.stop)
            else:
                one = kind(settings.pop("port", broker.port), **settings)
                running.callback(one.close)
            return one

        yield start_one


def record(agent, number):
    event = Event(1, "ticket.ride", 1_000, 1_000, "boot-1", {"ticket": number})
    assert isinstance(agent.outbox.append_event(event).result(5.0), int)


def test_a_half_open_link_is_found_within_15_s(start, broker, tmp_path):
    """A black hole with nothing to send, and a frozen broker with a sweep every second; both at once, for the time it takes."""
    frozen = start_mosquitto(tmp_path / "frozen")
    try:
        with Link(free_port(), broker.port) as link:
            quiet_central, busy_central = start(Central), start(Central, port=frozen.port)
            quiet = start(Agent, folder=tmp_path / "quiet", port=link.port, **DEFAULTS)
            busy = start(Agent, folder=tmp_path / "busy", port=frozen.port, **DEFAULTS)
            for agent, central in ((quiet, quiet_central), (busy, busy_central)):
                agent.append(8)
                central.wait(lambda c: c.prefix == 8)
                wait_for(lambda agent=agent: agent.waiting == 0)
            link.cut(Action.SWALLOW)
            frozen.freeze()
            began_s, sweeps = time.monotonic(), 1
            while quiet.uplink.connected or busy.uplink.connected:
                assert time.monotonic() - began_s < FOUND_WITHIN_S
                if time.monotonic() - began_s > sweeps:
                    busy.append(8)
                    sweeps += 1
                time.sleep(0.05)
            link.heal()
            frozen.thaw()
            quiet.append(8)
            quiet_central.wait(lambda c: c.prefix == 16, timeout_s=30.0)
            busy_central.wait(lambda c: c.prefix == 8 * sweeps, timeout_s=30.0)
            wait_for(lambda: quiet.waiting == busy.waiting == 0)
    finally:
        frozen.kill()


def test_events_go_before_a_backlog_of_readings(start, tmp_path):
    agent = start(Agent, port=free_port())
    agent.append(50, sweeps=60)
    for number in range(5):
        record(agent, number)
    agent.stop()
    central = start(Central)
    agent = start(Agent, batch_items_max=50)
    central.wait(lambda c: c.prefix == 3_000, timeout_s=20.0)
    assert [item.body["ticket"] for _, item in central.events] == list(range(5))
    assert max(readings_before for readings_before, _ in central.events) == 0
    wait_for(lambda: agent.outbox.state(Stream.EVENTS).oldest_seq == 6)


def test_an_event_under_way_overtakes_what_is_left_of_the_backlog(start):
    agent = start(Agent, port=free_port())
    agent.append(50, sweeps=60)
    agent.stop()
    central = start(Central)
    agent = start(Agent, batch_items_max=50, backlog_items_per_s=1_000.0)
    central.wait(lambda c: len(c.arrival) >= 200)
    record(agent, 1)
    central.wait(lambda c: c.events)
    assert central.events[0][0] < 3_000
    central.wait(lambda c: c.prefix == 3_000, timeout_s=20.0)


def test_a_backlog_is_paced_and_live_readings_are_not(start):
    agent = start(Agent, port=free_port())
    agent.append(50, sweeps=40)
    agent.stop()
    central = start(Central)
    began_s = time.monotonic()
    agent = start(Agent, batch_items_max=100, backlog_items_per_s=1_000.0)
    central.wait(lambda c: len(c.items) >= 500)
    agent.append(8)
    central.wait(lambda c: (c.epochs[0], 2_008) in c.items, timeout_s=1.0)
    assert len(central.items) < 2_000, "before the backlog was through"
    central.wait(lambda c: c.prefix == 2_008, timeout_s=20.0)
    assert time.monotonic() - began_s > 1.5, "2,000 items at 1,000 a second"
    assert central.duplicates == 0


def test_when_receipts_lag_no_more_than_the_window_is_sent(start):
    agent = start(Agent, port=free_port())
    agent.append(50, sweeps=40)
    agent.stop()
    central = start(Central, receipts=False)
    start(Agent, batch_items_max=50, window_batches=3, receipt_timeout_s=10.0)
    central.wait(lambda c: len(c.items) == 150)
    time.sleep(0.5)
    assert len(central.items) == 150
    central.receipt(central.epochs[0], 50)
    central.wait(lambda c: len(c.items) == 200)


def test_sending_again_is_harmless_whoever_lost_what(start, broker):
    """Links are torn in the middle of packets again and again: each item is there once."""
    with Link(free_port(), broker.port) as link:
        central = start(Central)
        agent = start(Agent, port=link.port, batch_items_max=20)
        for _ in range(8):
            agent.append(8, sweeps=10)
            link.cut(Action.TEAR)
            wait_for(lambda: not agent.uplink.connected, 5.0)
        central.wait(lambda c: c.prefix == 640, timeout_s=30.0)
        wait_for(lambda: agent.waiting == 0)
        assert len(central.items) == 640


def test_readings_from_memory_and_from_a_damaged_file_arrive_once(start, tmp_path):
    """The disk is missing at first; what was numbered in memory and then on disk comes, whichever epoch it bears."""
    folder = tmp_path / "late"
    agent = start(Agent, folder=folder, port=free_port(), late=True)
    agent.append(8, sweeps=30)
    folder.mkdir()
    wait_for(lambda: not agent.outbox.health()[0].in_memory)
    agent.append(8, sweeps=200)
    agent.stop()
    path = folder / "outbox.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 8192 * 4096)
        file.write(b"\xa5" * 4096)
    central = start(Central)
    agent = start(Agent, folder=folder, batch_items_max=50)
    agent.append(8)
    wait_for(lambda: agent.waiting == 0 and agent.outbox.older_rows == 0, 20.0)
    assert len(central.epochs) == 3
    memory, damaged = sorted(set(central.epochs) - {agent.outbox.state(TELEMETRY).epoch}, key=central.prefix_of)
    assert central.prefix_of(memory) == 240
    saved = sum(epoch == damaged for epoch, _ in central.items)
    assert 800 < saved < 1_600
    assert central.duplicates == 0
    assert not list(folder.glob("*.older-*"))


def refusals():
    return [
        ("bad password", MqttConnectError(ReasonCode(2, "Bad user name or password")), True),
        ("not authorised", MqttConnectError(ReasonCode(2, "Not authorized")), True),
        ("busy", MqttConnectError(ReasonCode(2, "Server unavailable")), False),
        ("lost", aiomqtt.MqttCodeError(7, "Unexpected disconnection"), False),
        ("refused", ConnectionRefusedError(111, "refused"), False),
        ("certificate", ssl.SSLCertVerificationError(1, "certificate verify failed"), True),
        ("our certificate", ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert"), True),
    ]


@pytest.mark.parametrize(("name", "error", "expected"), refusals(), ids=[row[0] for row in refusals()])
def test_which_errors_do_not_mend_themselves(name, error, expected):
    assert refused_for_good(error) is expected
    with pytest.raises(aiomqtt.MqttError) as wrapped:
        try:
            raise error
        except Exception:
            raise aiomqtt.MqttError("wrapped") from None
    assert refused_for_good(wrapped.value) is expected


def test_a_wrong_password_is_not_tried_again_soon(start, tmp_path):
    (tmp_path / "passwords").write_text("somebody:$7$101$AAAA$AAAA\n")
    extra = f"allow_anonymous false\npassword_file {tmp_path / 'passwords'}"
    strict = start_mosquitto(tmp_path / "strict", extra=extra)
    try:
        agent = start(Agent, folder=tmp_path, port=strict.port, username="gw", password="wrong", backoff_max_s=30.0)
        time.sleep(2.0)
        attempts = strict.log_path.read_text().count("New client connected") + strict.log_path.read_text().count(
            "not authorised"
        )
        assert attempts == 1
        assert not agent.uplink.connected
    finally:
        agent.stop()
        strict.kill()


class Loop:
    def __init__(self):
        self.told = []

    def default_exception_handler(self, context):
        self.told.append(context["exception"])


def test_only_known_noise_of_a_closed_connection_is_passed_over():
    loop = Loop()
    client = object.__new__(aiomqtt.Client)
    client._disconnected = concurrent.futures.Future()
    client._connected = type("Cancelled", (), {"done": lambda _: True, "exception": cancelled})()
    try:
        client._on_disconnect(None, None, None, 7)
    except asyncio.CancelledError as error:
        closing_noise(loop, {"exception": error})
    closing_noise(
        loop, {"exception": OSError(errno.EBADF, ""), "handle": "<Handle BaseSelectorEventLoop.add_writer(12)>"}
    )
    assert loop.told == []
    others = [OSError(errno.EBADF, ""), asyncio.CancelledError(), ValueError()]
    for error in others:
        closing_noise(loop, {"exception": error})
    assert loop.told == others


def cancelled(_):
    raise asyncio.CancelledError
