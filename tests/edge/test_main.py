"""The agent as a process: simulated stations on one side, a real broker and a small central on the other."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.config import BusConfig
from edge.fieldbus.device import Sample
from edge.main import Collector
from firmware_sim.city import running
from firmware_sim.config import LineConfig, SimConfig, StationConfig
from tests.edge.central import Central
from tests.processes import free_port, start_mosquitto

ROOT = Path(__file__).resolve().parents[2]
PROFILES = ROOT / "config" / "devices"
KINDS = ("thies_clima_sensor_us", "renke_rs_fsxcs", "seeed_orch_s4", "vaisala_wxt530")


def write_config(folder, port, *, line="line-a", extra_mqtt=""):
    stations = "".join(
        f'[[bus.station]]\nid = "s{unit}"\nprofile = "{kind}"\nunit_address = {unit}\n'
        for unit, kind in enumerate(KINDS, 1)
    )
    path = folder / "edge.toml"
    path.write_text(
        f'gateway = "gw"\ndata_dir = "data"\nprofiles_dir = "{PROFILES}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\nreceipt_timeout_s = 2.0\nbackoff_max_s = 0.5\n{extra_mqtt}\n'
        f"[health]\ninterval_s = 1.0\n"
        f'[[bus]]\nname = "line-a"\nport = "lines/{line}"\ninterval_s = 0.25\n'.replace("lines/", f"{folder}/lines/")
        + stations
    )
    return path


@pytest.fixture
def agent(tmp_path):
    """Starts `kumagaya edge run` with its log in a file, and ends it whatever happens."""
    children = []

    def start(config):
        log = (tmp_path / f"edge-{len(children)}.log").open("wb")
        command = [sys.executable, "-m", "kumagaya", "edge", "run", "--config", str(config), "--log", "json"]
        child = subprocess.Popen(command, stderr=log, stdout=log, cwd=ROOT)
        log.close()
        child.log_path = Path(log.name)
        children.append(child)
        return child

    yield start
    for child in children:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        child.wait()


@pytest.fixture
def stations(tmp_path):
    """Four simulated stations without line timing; keeps every answer that was served."""
    members = tuple(StationConfig(f"s{unit}", unit, kind) for unit, kind in enumerate(KINDS, 1))
    line = LineConfig("line-a", members, timing=False)
    config = SimConfig(str(tmp_path / "lines"), (line,), str(PROFILES), served_log=str(tmp_path / "served"))
    with running(config) as city:
        yield city


@pytest.fixture
def broker(tmp_path):
    child = start_mosquitto(tmp_path / "broker")
    yield child
    child.kill()


@pytest.fixture
def central(broker):
    bot = Central(broker.port)
    yield bot
    bot.close()


def events(child):
    return [json.loads(line) for line in child.log_path.read_text().splitlines()]


def wait_event(child, name, timeout_s=30.0):
    """Waits until the agent has logged the event; a busy machine takes seconds to start an interpreter."""
    deadline = time.monotonic() + timeout_s
    while f'"event": "{name}"' not in child.log_path.read_text():
        assert time.monotonic() < deadline, child.log_path.read_text()
        assert child.poll() is None, child.log_path.read_text()
        time.sleep(0.02)


def served(tmp_path):
    return sum(len(path.read_text().splitlines()) for path in (tmp_path / "served").iterdir())


def test_from_the_bus_to_the_receipt_and_a_clean_stop(tmp_path, stations, broker, central, agent):
    child = agent(write_config(tmp_path, broker.port))
    central.wait(lambda c: c.prefix >= 16 and c.healths, timeout_s=30.0)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10.0) == 0
    central.wait(lambda c: c.presences[-1][0].online is False)
    assert central.prefix == len(central.items) == served(tmp_path), "every answer that was served is stored, once"
    assert central.duplicates == 0
    assert [event["event"] for event in events(child)] == ["started", "connected", "stopping", "stopped"]
    assert events(child)[-1]["waiting"] == 0
    reading = central.items[central.epochs[0], 1]
    assert (reading.station, set(reading.values) >= {"air_temperature_degc", "wind_speed_ms"}) == ("s1", True)
    health = central.healths[-1]
    assert [device.station for device in health.devices] == ["s1", "s2", "s3", "s4"]
    assert health.resident_memory_bytes < 80_000_000
    assert health.disk_free_bytes > 0


def test_killed_and_started_again_it_loses_and_doubles_nothing(tmp_path, stations, broker, central, agent):
    config = write_config(tmp_path, broker.port)
    for wanted in (6, 12, 18):
        child = agent(config)
        central.wait(lambda c, wanted=wanted: len(c.items) >= wanted, timeout_s=40.0)
        child.kill()
        child.wait()
    central.wait(lambda c: c.presences[-1][0].online is False)
    child = agent(config)
    central.wait(lambda c: c.prefix == len(c.items) and c.prefix >= 24, timeout_s=40.0)
    child.send_signal(signal.SIGINT)
    assert child.wait(10.0) == 0
    assert len(central.epochs) == 1
    # At each kill one sweep (four stations) may have been read but not committed: the poll in flight.
    assert 0 <= served(tmp_path) - central.prefix <= 3 * len(KINDS)


def test_a_second_signal_stops_trying_and_keeps_what_waits(tmp_path, stations, broker, agent):
    silent = Central(broker.port, receipts=False)
    child = agent(write_config(tmp_path, broker.port, extra_mqtt="stop_flush_s = 30.0"))
    wait_event(child, "connected")
    time.sleep(0.8)
    child.send_signal(signal.SIGTERM)
    wait_event(child, "stopping")
    time.sleep(0.5)
    assert child.poll() is None, "it waits for receipts"
    child.send_signal(signal.SIGTERM)
    assert child.wait(10.0) == 1
    silent.wait(lambda c: c.presences[-1][0].online is False)
    silent.close()
    stopped = events(child)[-1]
    assert (stopped["event"], stopped["cut_short"]) == ("stopped", True)
    assert stopped["waiting"] >= 4


def test_without_port_and_broker_it_waits_patiently_and_stops_cleanly(tmp_path, agent):
    child = agent(write_config(tmp_path, free_port(), line="nothing-here"))
    wait_event(child, "port_lost")
    wait_event(child, "not_connected")
    time.sleep(0.5)
    child.send_signal(signal.SIGTERM)
    assert child.wait(10.0) == 0
    reasons = {event["event"]: event.get("reason", "") for event in events(child)}
    assert "no such file" in reasons["port_lost"]
    assert "refused" in reasons["not_connected"].lower()
    assert len([event for event in events(child) if event["event"] in {"port_lost", "not_connected"}]) == 2


def test_two_agents_do_not_share_a_data_folder(tmp_path, agent):
    config = write_config(tmp_path, free_port())
    wait_event(agent(config), "started")
    second = agent(config)
    assert second.wait(30.0) == 2
    assert "another agent is running on this data folder" in second.log_path.read_text()
    assert len(second.log_path.read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('gateway = "gw"', 'gateway = "GW"', "'GW' is no gateway id"),
        ("receipt_timeout_s = 2.0", '[mqtt.tls]\nca = "none.pem"', "certificates cannot be used"),
        ('data_dir = "data"', 'data_dir = "/proc/none"', "no data folder"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_and_exit_2(tmp_path, agent, old, new, message):
    config = write_config(tmp_path, free_port())
    text = config.read_text()
    assert old in text
    if "tls" in new:
        text = text.replace("backoff_max_s = 0.5\n", "")
    config.write_text(text.replace(old, new))
    child = agent(config)
    assert child.wait(30.0) == 2
    (line,) = child.log_path.read_text().splitlines()
    assert line.startswith("kumagaya edge: ")
    assert message in line


def test_a_thread_that_ends_by_a_bug_ends_the_agent(tmp_path):
    program = (
        "import sys, edge.main, edge.fieldbus.bus; from edge import config, logs; from pathlib import Path\n"
        "def bug(*_): raise ValueError('planted')\n"
        "edge.fieldbus.bus.Bus._sweep = bug\n"
        "logs.configure(as_json=True)\n"
        "sys.exit(edge.main.run(config.load(Path(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", program, str(write_config(tmp_path, free_port()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30.0, cwd=ROOT, check=False)
    assert done.returncode == 70
    last = json.loads(done.stderr.splitlines()[-1])
    assert (last["event"], last["thread"]) == ("thread_ended", "bus-line-a")
    assert "planted" in last["exception"]


class Appended:
    """Stands for the outbox: keeps what the collector hands over."""

    def __init__(self):
        self.calls = []

    def append(self, readings, *, flush):
        self.calls.append((len(readings), flush))


def test_each_reading_has_the_mark_of_its_own_moment():
    kept = []
    outbox = Appended()
    outbox.append = lambda readings, flush: kept.extend(readings)
    samples = [Sample("s1", at_ms, at_ms, {}, {}, clock_synchronised=at_ms > 1_500) for at_ms in (1_000, 2_000)]
    Collector(outbox, "boot", [BusConfig("a", "/dev/a")])("a", samples)
    assert [(one.at_ms, one.clock_synchronised) for one in kept] == [(1_000, False), (2_000, True)]


def test_one_commit_when_the_fastest_buses_have_delivered():
    buses = [BusConfig("a", "/dev/a"), BusConfig("b", "/dev/b"), BusConfig("slow", "/dev/c", interval_s=60.0)]
    outbox = Appended()
    collector = Collector(outbox, "boot", buses)
    sample = Sample("s1", 1_000, 1_000, {"wind_speed_ms": 99.0}, {}, clock_synchronised=True)
    collector("a", [sample])
    collector("slow", [sample])
    collector("b", [])
    collector("a", [])
    assert outbox.calls == [(1, False), (1, False), (0, True), (0, False)]
