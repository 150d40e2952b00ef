"""A fleet with a real mosquitto over TLS, central's ingest behind it, and gateways that claimed their places."""

import random
import ssl
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

from cryptography import x509
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry

from central.config import MqttConfig
from central.fleet import broker_files, service
from central.fleet.authority import DAY_MS
from central.fleet.config import FleetConfig
from central.ingest.metrics import IngestMetrics
from central.ingest.service import IngestService
from central.store.sqlite import open_store
from contract import provisioning, topics
from contract.clock import SystemClock
from contract.messages import Batch, Receipt, decode, encode
from contract.provisioning import ClaimRequest, Issued
from contract.topics import Down, Stream
from edge.provision import keys
from tests.processes import MOSQUITTO, free_port, wait_for_port

ROOT = Path(__file__).resolve().parents[2]


def now_ms():
    return time.time_ns() // 1_000_000


def eventually(check, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not (answer := check()):
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(0.01)
    return answer


class Link:
    """One TLS connection to the broker, as a client of the given certificate."""

    def __init__(self, fleet, identity, client_id="anything", subscribe=(), connect=True):
        self.reasons, self.drops, self.messages, self.granted = [], [], [], 0
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, reconnect_on_failure=False)
        context = ssl.create_default_context(cafile=fleet.folder / "broker" / "authority.pem")
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.key)
        self.client.tls_set_context(context)
        self.client.max_inflight_messages_set(1000)
        self.client.on_connect = lambda c, u, f, reason, p: self.reasons.append(reason)
        self.client.on_disconnect = lambda c, u, f, reason, p: self.drops.append(reason)
        self.client.on_message = lambda c, u, message: self.messages.append((message.topic, message.payload))
        self.client.on_subscribe = lambda *_: setattr(self, "granted", self.granted + 1)
        self.port = fleet.port
        if connect:
            self.client.connect("127.0.0.1", self.port)
            self.client.loop_start()
            eventually(lambda: self.reasons or self.drops)
        for number, topic in enumerate(subscribe, 1):
            self.client.subscribe(topic, 1)
            eventually(lambda number=number: self.granted == number)

    @property
    def accepted(self):
        return bool(self.reasons) and not self.reasons[0].is_failure

    def publish(self, topic, payload, timeout_s=5.0):
        """Returns when the broker has answered for it, allowed or not."""
        self.client.publish(topic, payload, qos=1).wait_for_publish(timeout_s)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Gateway(Link):
    """A gateway's end: sends batches, collects receipts."""

    def __init__(self, fleet, name):
        self.name = name
        super().__init__(fleet, fleet.identity(name), name, [topics.down(name, Down.RECEIPT)])

    def send(self, batch: Batch):
        self.publish(topics.up(self.name, Stream.TELEMETRY), encode(batch))

    def up_to(self, epoch="e1"):
        receipts = [decode(Receipt, payload) for topic, payload in self.messages if topic.endswith("/receipt")]
        return max((receipt.up_to_seq for receipt in receipts if receipt.epoch == epoch), default=0)


class Fleet:
    """Authority, registry, broker. `claim` makes a gateway as a device would."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.log_path = folder / "mosquitto.log"
        broker = folder / "broker"
        self.config = FleetConfig(broker_port=self.port, broker_pid_file=str(broker / "mosquitto.pid"))
        service.init(folder, self.config, now_ms())
        self.service = service.open_service(folder, self.config, now_ms, time.monotonic)
        self.office = self.service.office
        broker_files.shared_folder(broker, None)
        (broker / "data").mkdir()
        template = (ROOT / "config/mosquitto/mosquitto.conf").read_text(encoding="utf-8")
        values = {
            "port": self.port,
            "bind_address": "127.0.0.1",
            "max_connections": 50,
            "data_folder": broker / "data",
            "pid_file": broker / "mosquitto.pid",
            "log_destination": "stderr",
            "more_logs": "log_type debug",
        }
        broker_files.renew_server(broker, self.office.authority, ["127.0.0.1"], now_ms())
        broker_files.write_lists(broker, self.office.authority, self.office.registry, now_ms(), None)
        path = broker_files.write_configuration(broker, template, values, self.office.authority, None)
        # Started by root it becomes its own user, which cannot look into a test's private folder.
        path.write_text(f"user root\n{path.read_text()}")
        with self.log_path.open("wb") as log:
            self._child = subprocess.Popen([str(MOSQUITTO), "-c", str(path)], stdout=log, stderr=log)
        wait_for_port(self.port)

    def identity(self, name):
        """The files of a gateway that claimed its place; made at the first call."""
        folder = self.folder / "gateways" / name
        if not folder.exists():
            ticket = self.office.invite(name)
            key = keys.new_key()
            request = ClaimRequest(1, name, ticket.code, keys.signing_request(name, key))
            issued = self.service.claim(provisioning.encode(request), "test")
            assert isinstance(issued, Issued), issued
            self.write(name, issued.certificate_pem, key)
        return SimpleNamespace(certificate=folder / "certificate.pem", key=folder / "key.pem")

    def forged(self, name, made: x509.Certificate, key, authority=None):
        """Files for a certificate that this test made itself."""
        authority = authority or self.office.authority
        return self.write(f"forged-{name}", authority.chain_pem(made), key)

    def expired(self, name):
        key = keys.new_key()
        made = self.office.authority.gateway_certificate(name, key.public_key(), now_ms() - 40 * DAY_MS, 30 * DAY_MS)
        return self.forged(f"{name}-expired", made, key)

    def write(self, name, certificate_pem, key):
        folder = self.folder / "gateways" / name
        folder.mkdir(parents=True)
        (folder / "certificate.pem").write_text(certificate_pem)
        (folder / "key.pem").touch(0o600)
        (folder / "key.pem").write_bytes(keys.key_pem(key))
        return SimpleNamespace(certificate=folder / "certificate.pem", key=folder / "key.pem")

    def role(self, name):
        return broker_files.role_identity(self.folder / "roles", name, self.office.authority, now_ms())

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        self._child.terminate()
        self._child.wait(10.0)


class Central:
    """Store and ingest as main wires them, with central's own certificate."""

    def __init__(self, fleet, folder):
        self.registry = CollectorRegistry()
        self.store = open_store(folder / "central.db", SystemClock())
        identity = fleet.role(broker_files.INGEST)
        config = MqttConfig(
            port=fleet.port,
            ca_file=str(identity.authority),
            cert_file=str(identity.certificate),
            key_file=str(identity.key),
        )
        self.ingest = IngestService(self.store, SystemClock(), config, IngestMetrics(self.registry), random.Random(1))
        self.ingest.start()

    def count(self, name, **labels):
        return self.registry.get_sample_value(f"kumagaya_ingest_{name}", labels) or 0.0

    def rejects(self):
        return sum(self.count("rejected_total", reason=reason) for reason in ("too_large", "not_json", "malformed"))

    def stored(self, gateway):
        return sum(s.stored for one in self.store.gateways() if one.gateway == gateway for s in one.streams)

    def stop(self):
        self.ingest.stop()
        self.store.close()
