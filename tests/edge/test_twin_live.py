"""Documents that reach a running agent over a real broker: stations and rates change live, a wrong address is rolled back."""

import json
import time

import msgspec
import paho.mqtt.client as mqtt
import pytest

from contract import topics, twin
from contract.profiles import load_profiles
from contract.topics import Down, Up
from contract.twin import Desired, DesiredBus, DesiredStation, Refusal, Refused, TwinState
from edge import status
from tests.edge.test_main import KINDS, PROFILES, agent, broker, central, served, stations, wait_event, write_config

__all__ = ["agent", "broker", "central", "stations"]

STATION_1, STATION_2 = (DesiredStation(f"s{unit}", KINDS[unit - 1], unit) for unit in (1, 2))


class Wishes:
    """The other end of the twin: publishes documents, keeps what was reported."""

    def __init__(self, port):
        self.reports = []
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _u, message: self.reports.append(twin.decode_reported(message.payload))
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(topics.up("gw", Up.REPORTED), qos=1)
        self._client.loop_start()

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()

    def publish(self, payload):
        self._client.publish(topics.down("gw", Down.DESIRED), payload, qos=1, retain=True).wait_for_publish(5.0)

    def wish(self, version, *stations, interval_s=0.5):
        kinds = sorted({each.profile for each in stations})
        profiles = load_profiles(PROFILES)
        bus = DesiredBus("line-a", interval_s, stations)
        self.publish(twin.encode(Desired(1, version, "gw", 0, (bus,), tuple(profiles[kind] for kind in kinds))))

    def wait(self, condition, timeout_s=20.0):
        deadline = time.monotonic() + timeout_s
        while not any(condition(report) for report in self.reports):
            assert time.monotonic() < deadline, [(each.state, each.reason, each.detail) for each in self.reports]
            time.sleep(0.02)
        return next(report for report in self.reports if condition(report))


@pytest.fixture
def wishes(broker):
    one = Wishes(broker.port)
    yield one
    one.close()


def of(central, name):
    return [item for item in list(central.items.values()) if item.station == name]


def one_station(tmp_path, port):
    """The agent's own file has only the first of the four stations."""
    path = write_config(tmp_path, port)
    head, *blocks = path.read_text().split("[[bus.station]]")
    path.write_text(f"{head}[[bus.station]]{blocks[0]}")
    return path


def test_stations_and_rates_change_live_and_a_wrong_address_is_rolled_back(  # noqa: PLR0917 - fixtures
    tmp_path, stations, broker, central, agent, wishes
):
    config = one_station(tmp_path, broker.port)
    child = agent(config)
    wishes.wait(lambda report: report.state is TwinState.LOCAL)
    central.wait(lambda c: len(c.items) >= 2, timeout_s=30.0)

    wishes.wish(1, STATION_1, STATION_2)
    wishes.wait(lambda report: report.applied_version == 1)
    central.wait(lambda c: len(of(c, "s2")) >= 2)
    central.wait(lambda c: {each.station for each in c.hellos[-1].stations} == {"s1", "s2"})

    wishes.wish(2, STATION_1, STATION_2, interval_s=0.2)
    wishes.wait(lambda report: report.applied_version == 2)
    count = len(of(central, "s1"))
    central.wait(lambda c: len(of(c, "s1")) >= count + 10, timeout_s=6.0)
    times = [item.at_ms for item in of(central, "s1")[-8:]]
    assert (times[-1] - times[0]) / 7 == pytest.approx(200, abs=60)

    wishes.wish(3, msgspec.structs.replace(STATION_1, unit_address=77), STATION_2, interval_s=0.2)
    report = wishes.wait(lambda report: report.state is TwinState.ROLLED_BACK)
    assert (report.reason, report.applied_version, report.seen_version) == (Refusal.STATION_SILENT, 2, 3)
    count = len(of(central, "s1"))
    central.wait(lambda c: len(of(c, "s1")) >= count + 5)

    wishes.publish(b'{"v": 1, "mood": "fine"}')
    report = wishes.wait(lambda report: report.reason is Refusal.MALFORMED)
    assert (report.state, report.applied_version) == (TwinState.REFUSED, 2)
    seen = status.ask(tmp_path / "data")
    assert isinstance(seen, status.Status)
    assert (seen.twin.applied_version, seen.twin.reason) == (2, Refusal.MALFORMED)

    child.terminate()
    assert child.wait(15.0) == 0
    assert central.prefix == len(central.items) == served(tmp_path), "no reading was lost while plans changed"
    assert central.duplicates == 0


def test_the_last_good_document_survives_a_restart_without_a_network(  # noqa: PLR0917 - fixtures
    tmp_path, stations, broker, central, agent, wishes
):
    config = one_station(tmp_path, broker.port)
    child = agent(config)
    central.wait(lambda c: len(c.items) >= 1, timeout_s=30.0)
    wishes.wish(5, STATION_1, STATION_2)
    wishes.wait(lambda report: report.applied_version == 5)
    child.kill()
    child.wait()
    broker.kill()
    again = agent(config)
    wait_event(again, "not_connected")
    deadline = time.monotonic() + 10.0
    while not isinstance(seen := status.ask(tmp_path / "data"), status.Status) or seen.outbox[0].rows < 8:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)
    assert (seen.twin.state, seen.twin.applied_version) == (TwinState.APPLIED, 5)
    assert [device.station for line in seen.lines for device in line.devices] == ["s1", "s2"]
    assert json.loads((tmp_path / "data" / "desired.json").read_text())["applied"]["version"] == 5


def test_what_reports_say_is_what_central_can_read(tmp_path, broker, agent, wishes):
    agent(write_config(tmp_path, broker.port, line="nothing-here"))
    report = wishes.wait(lambda report: not isinstance(report, Refused), timeout_s=30.0)
    assert [each.profile for each in report.bus[0].station] == list(KINDS)
