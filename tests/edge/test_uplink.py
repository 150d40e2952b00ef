"""The way to central through a real mosquitto that is stopped, killed and frozen."""

import asyncio
import contextlib
import socket
import threading
import time

import paho.mqtt.client as mqtt
import pytest

from contract import topics
from contract.clock import SystemClock
from contract.messages import Presence, Reading, StationInfo, decode
from contract.topics import Stream
from edge.config import MqttConfig, OutboxConfig
from edge.outbox import Outbox
from edge.uplink import Identity, Uplink
from tests.edge.central import Central
from tests.processes import free_port, start_mosquitto

TELEMETRY = Stream.TELEMETRY
IDENTITY = Identity("gw", "kumagaya-edge test", "boot-1", (StationInfo("s1", "line-a", 1, "bench", 1.0),))


class Agent:
    """Outbox and uplink without buses, in a thread with its own event loop."""

    def __init__(self, folder, port, **settings):
        self.outbox = Outbox(folder / "outbox.db", OutboxConfig())
        self.outbox.start()
        defaults = {"receipt_timeout_s": 0.6, "backoff_max_s": 0.3, "stop_flush_s": 2.0}
        self.config = MqttConfig("127.0.0.1", port, **{**defaults, **settings})
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="agent")
        self._thread.start()
        assert self._ready.wait(5.0)

    async def _run(self):
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self.uplink = Uplink(self.config, IDENTITY, self.outbox, SystemClock())
        self.outbox.on_commit = lambda: self._loop.call_soon_threadsafe(self.uplink.wake)
        self._ready.set()
        await self.uplink.run(self._stop)

    def append(self, count=8, sweeps=1):
        for _ in range(sweeps):
            readings = [Reading(1, f"s{i}", 1_000, 1_000, "boot-1", {"wind_speed_ms": 1.5}) for i in range(count)]
            self.outbox.append(readings, flush=True)
        self.outbox.flush().result(30.0)

    @property
    def waiting(self):
        state = self.outbox.state(TELEMETRY)
        return state.next_seq - state.oldest_seq

    def stop(self):
        """Returns how long a clean stop took."""
        began_s = time.monotonic()
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(15.0)
            assert not self._thread.is_alive()
            self.outbox.stop()
        return time.monotonic() - began_s


@pytest.fixture
def broker(tmp_path):
    child = start_mosquitto(tmp_path / "broker")
    yield child
    child.kill()


@pytest.fixture
def start(tmp_path, broker):
    running = []

    def start_one(kind, *args, **settings):
        if kind is Agent:
            settings.setdefault("folder", tmp_path)
            settings.setdefault("port", broker.port)
        else:
            settings.setdefault("port", broker.port)
        running.append(kind(*args, **settings))
        return running[-1]

    yield start_one
    for each in reversed(running):
        each.stop() if isinstance(each, Agent) else each.close()


def wait_for(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_hello_presence_batches_receipts_and_a_clean_goodbye(start, broker):
    central, agent = start(Central), start(Agent)
    central.wait(lambda c: c.hellos)
    hello = central.hellos[0]
    assert (hello.software, hello.boot_id, [info.station for info in hello.stations]) == (
        "kumagaya-edge test",
        "boot-1",
        ["s1"],
    )
    assert hello.streams[TELEMETRY].next_seq == 1
    agent.append(8)
    central.wait(lambda c: c.prefix == 8)
    wait_for(lambda: agent.waiting == 0)
    agent.append(3)
    assert agent.stop() < 1.0
    central.wait(lambda c: c.prefix == 11)
    assert agent.waiting == 0, "the stop waited for the last receipt"
    assert central.duplicates == 0
    assert retained_presence(broker.port).online is False
    assert [presence.online for presence, _ in central.presences] == [True, False]


def retained_presence(port):
    found = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _userdata, message: found.append(decode(Presence, message.payload))
    client.connect("127.0.0.1", port)
    client.subscribe(topics.presence("gw"), qos=1)
    deadline = time.monotonic() + 5.0
    while not found and time.monotonic() < deadline:
        client.loop(0.05)
    client.disconnect()
    return found[0]


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_nothing_is_lost_when_the_broker_goes_and_comes_back(start, broker, ending):
    central, agent = start(Central), start(Agent)
    agent.append(8, sweeps=5)
    central.wait(lambda c: c.prefix == 40)
    getattr(broker, ending)()
    agent.append(8, sweeps=5)
    wait_for(lambda: not agent.uplink.connected)
    agent.append(8, sweeps=5)
    broker.start()
    central.wait(lambda c: c.prefix == 120, timeout_s=20.0)
    wait_for(lambda: agent.waiting == 0)
    assert len(central.items) == 120


def test_a_frozen_broker_is_noticed_by_missing_receipts_and_nothing_is_lost(start, broker):
    central, agent = start(Central), start(Agent)
    agent.append(8)
    central.wait(lambda c: c.prefix == 8)
    broker.freeze()
    began_s = time.monotonic()
    agent.append(8)
    wait_for(lambda: not agent.uplink.connected)
    assert time.monotonic() - began_s < 3.0, "the keepalive of 30 s would have taken that long"
    agent.append(8)
    broker.thaw()
    central.wait(lambda c: c.prefix == 24, timeout_s=20.0)
    wait_for(lambda: agent.waiting == 0)


def test_while_central_is_away_it_is_asked_again_without_a_new_connection(start):
    agent = start(Agent)
    agent.append(8)
    wait_for(lambda: agent.uplink.resends() >= 1)
    assert agent.uplink.counters.connects == 1
    central = start(Central)
    central.wait(lambda c: c.prefix == 8)
    wait_for(lambda: agent.waiting == 0)


def test_live_readings_arrive_before_a_long_backlog_is_through(start, broker):
    agent = start(Agent, port=free_port(), batch_items_max=50)
    agent.append(50, sweeps=60)
    agent.stop()
    central = start(Central, receipts=False)
    agent = start(Agent, batch_items_max=50, receipt_timeout_s=10.0)
    # Without receipts the backlog stands still once the window is full.
    central.wait(lambda c: len(c.items) == 200)
    agent.append(8)
    central.wait(lambda c: (c.epochs[0], 3008) in c.items)
    assert central.arrival[:200] == list(range(1, 201))
    assert central.arrival[200:] == list(range(3001, 3009))
    central.receipts = True
    central.receipt(central.epochs[0], 200)
    central.wait(lambda c: c.prefix == 3008, timeout_s=20.0)
    assert central.duplicates == 0
    wait_for(lambda: agent.waiting == 0)


def test_receipts_that_are_none_are_counted_and_delete_nothing(start):
    central, agent = start(Central, receipts=False), start(Agent)
    agent.append(8)
    central.wait(lambda c: len(c.items) == 8)
    for payload in (b"", b"no json", b'{"v":1}', b'{"v":9,"stream":"telemetry"}', b"\xff" * 300_000):
        central.say(payload)
    wait_for(lambda: agent.uplink.counters.malformed_receipts == 5)
    central.receipt("0" * 32, 8)
    central.receipt(agent.outbox.state(TELEMETRY).epoch, 9)
    wait_for(lambda: agent.uplink.counters.foreign_receipts == 1 and agent.uplink.receipts_ahead() == 1)
    assert agent.waiting == 8
    central.receipt(agent.outbox.state(TELEMETRY).epoch, 8)
    wait_for(lambda: agent.waiting == 0)
    assert agent.uplink.counters.connects == 1


def test_a_new_epoch_under_way_is_announced(start):
    central, agent = start(Central), start(Agent)
    agent.append(8)
    wait_for(lambda: agent.waiting == 0)
    box = agent.outbox
    box._file = box._file.replaced()
    box._receipted = dict.fromkeys(Stream, 0)
    box._states = {stream: box._state(stream) for stream in Stream}
    agent.append(4)
    central.wait(lambda c: len(c.epochs) == 2 and c.prefix == 4)
    assert central.hellos[-1].streams[TELEMETRY].epoch == central.epochs[1]
    wait_for(lambda: agent.waiting == 0)


@pytest.mark.parametrize("what", ["nobody listens", "listens but says nothing"])
def test_without_a_broker_it_tries_on_and_stops_at_once(start, what):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if what == "listens but says nothing":
            silent.listen()
        agent = start(Agent, port=silent.getsockname()[1])
        agent.append(8)
        time.sleep(0.5)
        assert not agent.uplink.connected
        assert agent.stop() < 3.0
    assert agent.waiting == 8
