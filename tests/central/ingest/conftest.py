"""A real broker, a gateway's side of the link, and ingest between broker and store."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry

from central.config import MqttConfig
from central.ingest.metrics import IngestMetrics
from central.ingest.service import IngestService
from central.store.door import Store
from central.store.sqlite import open_store
from contract import topics
from contract.clock import SystemClock
from contract.messages import Batch, Receipt, decode, encode
from contract.topics import Down, Stream
from tests.processes import Broker, start_mosquitto


def eventually(check: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """The first truthy answer of `check`; fails the test when none comes in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{check.__name__} stayed {answer!r} for {timeout_s} s"
        time.sleep(0.01)


class Gateway:
    """What an edge does on the wire: publishes, listens for receipts."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.receipts: list[Receipt] = []
        self._client = Client(CallbackAPIVersion.VERSION2, client_id=f"test-{name}")
        self._client.reconnect_delay_set(0.05, 0.2)
        self._subscribed = False
        self._client.on_connect = lambda client, *_: client.subscribe(topics.down(name, Down.RECEIPT), 1)
        self._client.on_subscribe = lambda *_: setattr(self, "_subscribed", True)
        self._client.on_message = self._received
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        eventually(lambda: self._subscribed)

    def send(self, batch: Batch, stream: Stream = Stream.TELEMETRY) -> None:
        self.send_raw(topics.up(self.name, stream), encode(batch))

    def send_raw(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, qos=1)

    def _received(self, _client: Any, _data: Any, message: Any) -> None:
        receipt = decode(Receipt, message.payload)
        assert isinstance(receipt, Receipt), receipt
        self.receipts.append(receipt)

    def up_to(self, epoch: str = "e1", stream: Stream = Stream.TELEMETRY) -> int:
        return max((one.up_to_seq for one in self.receipts if (one.epoch, one.stream) == (epoch, stream)), default=-1)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Central:
    """Store and ingest as main wires them; `start` again after `stop` is a restart."""

    def __init__(self, folder: Path, port: int) -> None:
        self._path = folder / "central.db"
        self._port = port
        self.store: Store
        self.ingest: IngestService
        self.registry: CollectorRegistry
        self.start()

    def start(self) -> None:
        self.registry = CollectorRegistry()
        self.store = open_store(self._path, SystemClock())
        self.ingest = self.service(self.store)
        self.ingest.start()
        self.running = True

    def service(self, store: Store, client_id: str = "kumagaya-central") -> IngestService:
        config = MqttConfig(port=self._port, client_id=client_id)
        return IngestService(store, SystemClock(), config, IngestMetrics(self.registry), random.Random(1))

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"kumagaya_ingest_{name}", labels) or 0.0

    def stored(self) -> int:
        return sum(stream.stored for gateway in self.store.gateways() for stream in gateway.streams)

    def stop(self) -> None:
        if self.running:
            self.running = False
            self.ingest.stop()
            self.store.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = start_mosquitto(tmp_path / "broker")
    yield running
    running.stop()


@pytest.fixture
def central(tmp_path: Path, broker: Broker) -> Iterator[Central]:
    wired = Central(tmp_path, broker.port)
    eventually(lambda: wired.ingest.state.connected)
    yield wired
    wired.stop()


@pytest.fixture
def gateway(broker: Broker) -> Iterator[Gateway]:
    edge = Gateway("gw-01", broker.port)
    yield edge
    edge.stop()
