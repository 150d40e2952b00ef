"""What is wished of a gateway: read, checked, numbered, stored, published by the running ingest, and what came of it."""

import random
import time
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from prometheus_client import CollectorRegistry

from central.config import MqttConfig
from central.fleet.desired import Wish, put_desired, read_wish
from central.ingest.metrics import IngestMetrics
from central.ingest.service import IngestService
from central.store.sqlite import open_store
from contract import topics, twin
from contract.clock import SystemClock
from contract.errors import UserError
from contract.profiles import load_profiles
from contract.topics import Down, Up
from contract.twin import Desired, DesiredBus, DesiredStation, Quota, Refusal, Refused, Reported, TwinState
from kumagaya.cli import main
from tests.processes import start_mosquitto

PROFILES = load_profiles(Path(__file__).resolve().parents[3] / "config" / "devices")
FILE = """
health_interval_s = 30.0
[outbox]
bytes_max = 1048576
rows_max = 1000
[[bus]]
name = "line-a"
interval_s = 2.0
[[bus.station]]
id = "kmg-01"
profile = "renke_rs_fsxcs"
unit_address = 1
"""


@pytest.fixture
def store(tmp_path):
    one = open_store(tmp_path / "central.db", SystemClock())
    yield one
    one.close()


def wish(*stations, bus="line-a"):
    stations = stations or (DesiredStation("kmg-01", "renke_rs_fsxcs", 1),)
    return Wish((DesiredBus(bus, 1.0, tuple(stations)),))


def reported(version, state=TwinState.APPLIED, **more):
    bus = [DesiredBus("line-a", 1.0, (DesiredStation("kmg-01", "renke_rs_fsxcs", 1),))]
    return Reported(1, 5, "boot", state, version, bus, 60.0, Quota(65_536, 64), seen_version=version, **more)


def test_documents_are_numbered_and_carry_what_they_name(store):
    first = put_desired(store, "gw", wish(), PROFILES, 7)
    second = put_desired(store, "gw", wish(), PROFILES, 8)
    assert isinstance(first, Desired)
    assert isinstance(second, Desired)
    assert (first.version, second.version, second.made_at_ms) == (1, 2, 8)
    assert [profile.name for profile in first.profile] == ["renke_rs_fsxcs"]
    assert store.desired("gw") == second
    assert store.desired_versions() == {"gw": 2}
    assert store.desired("other") is None
    assert put_desired(store, "other", wish(), PROFILES, 9).version == 1
    assert store.add_desired(first).result(5.0) is False, "a number is used once"


def test_what_the_gateway_would_refuse_is_refused_here_and_not_stored(store):
    refused = put_desired(store, "gw", wish(DesiredStation("kmg-01", "nobody", 1)), PROFILES, 7)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.UNKNOWN_PROFILE
    store.set_reported("gw", reported(0)).result(5.0)
    refused = put_desired(store, "gw", wish(bus="line-z"), PROFILES, 7)
    assert isinstance(refused, Refused)
    assert (refused.reason, store.desired("gw")) == (Refusal.UNKNOWN_BUS, None)
    assert "it has line-a" in refused.detail
    with pytest.raises(UserError, match="'GW' is no gateway id"):
        put_desired(store, "GW", wish(), PROFILES, 7)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such file"),
        ("bus = [", "cannot be read as TOML"),
        ("buss = []", "unknown field `buss`"),
        (FILE.replace("unit_address = 1", "unit_address = 300"), r"bus\[0\].station\[0\].unit_address"),
        (FILE.replace("rows_max = 1000", "rows_max = 1"), "outbox.rows_max"),
    ],
)
def test_a_mistake_in_the_file_names_its_place(tmp_path, text, message):
    path = tmp_path / "wish.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_wish(path)


class Gateway:
    """The other end: keeps the documents that arrive, reports what the test says."""

    def __init__(self, port):
        self.documents = []
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _u, message: self.documents.append(message.payload)
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topics.down("gw", Down.DESIRED), qos=1)
        self._client.loop_start()

    def report(self, message):
        self._client.publish(topics.up("gw", Up.REPORTED), twin.encode(message), qos=1, retain=True).wait_for_publish(5)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def eventually(check, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not (answer := check()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return answer


def test_the_running_ingest_publishes_it_and_says_it_again_to_a_broker_that_forgot(tmp_path, store, capsys):
    broker = start_mosquitto(tmp_path / "broker", extra="persistence false")
    metrics = IngestMetrics(CollectorRegistry())
    ingest = IngestService(store, SystemClock(), MqttConfig(port=broker.port), metrics, random.Random(1))
    ingest.start()
    gateway = Gateway(broker.port)
    config, wish_file = tmp_path / "central.toml", tmp_path / "wish.toml"
    config.write_text(f'data_dir = "{tmp_path}"\n[mqtt]\nport = {broker.port}\n')
    wish_file.write_text(FILE)
    command = ["central", "fleet", "desired", "gw", str(wish_file), "--config", str(config)]
    show = ["central", "fleet", "desired", "gw", "--config", str(config)]
    try:
        assert main(command) == 0
        (payload,) = eventually(lambda: gateway.documents)
        sent = twin.decode_desired(payload, gateway="gw")
        assert isinstance(sent, Desired)
        assert (sent.version, sent.health_interval_s, sent.bus[0].interval_s) == (1, 30.0, 2.0)
        assert main(show) == 1, "nothing was reported yet"

        gateway.report(reported(1, TwinState.ROLLED_BACK, reason=Refusal.BUS_SILENT, detail="line-a: nobody"))
        eventually(lambda: store.reported("gw"))
        assert main(show) == 1
        text = capsys.readouterr().out
        assert "bus_silent: line-a: nobody" in text
        gateway.report(reported(1))
        eventually(lambda: store.reported("gw").state is TwinState.APPLIED)
        assert main(show) == 0
        assert "kmg-01 (unit 1, renke_rs_fsxcs)" in capsys.readouterr().out
        assert main([*command, "--wait", "0.3"]) == 1, "the gateway has not answered to version 2"
        assert main([*command[:4], str(tmp_path / "none.toml"), *command[5:]]) == 2

        broker.kill()
        gateway.close()
        broker.start()
        gateway = Gateway(broker.port)
        newest = eventually(lambda: gateway.documents, timeout_s=20.0)[-1]
        assert msgspec.json.decode(newest)["version"] == 2
    finally:
        ingest.stop()
        gateway.close()
        broker.kill()


def test_a_malformed_report_is_a_reject_and_changes_nothing(tmp_path, store):
    from central.ingest.sorting import Refused as NotUnderstood
    from central.ingest.sorting import Said, sort

    assert sort(topics.up("gw", Up.REPORTED), twin.encode(reported(3))) == Said("gw", reported(3))
    for payload, reason in [(b"{", "not_json"), (b'{"v": 9}', "unsupported_version"), (b'{"v": 1}', "malformed")]:
        meaning = sort(topics.up("gw", Up.REPORTED), payload)
        assert isinstance(meaning, NotUnderstood)
        assert meaning.reason == reason
