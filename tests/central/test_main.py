"""Central as a process: starts, serves, refuses in one line, stops when told."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from central.store.door import Resolution, Station
from central.store.sqlite import open_store
from contract.topics import Stream
from tests.central.ingest.conftest import Gateway, eventually
from tests.central.store.making import FixedClock, batch, readings
from tests.processes import free_port, start_mosquitto

STATION = """
[[station]]
id = "kmg-01"
name_ja = "駅"
name_en = "Station"
lat = 36.139
lon = 139.389
"""

MIGRATIONS = Path(__file__).resolve().parents[2] / "central" / "store" / "migrations" / "sqlite"


class Process:
    """`kumagaya central VERB` on a folder of its own."""

    def __init__(self, folder: Path, verb: str, broker_port: int, web_port: int, extra: str = "") -> None:
        self.log = folder / f"{verb}.log"
        config = folder / "central.toml"
        text = f'data_dir = "data"\n[mqtt]\nport = {broker_port}\n[web]\nport = {web_port}\n{extra}'
        config.write_text(text + STATION, encoding="utf-8")
        with self.log.open("ab") as out:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "kumagaya", "central", verb, "--config", str(config)], stdout=out, stderr=out
            )

    def events(self) -> list[str]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [line["event"] for line in lines]

    def terminate(self) -> tuple[int, float]:
        """SIGTERM: (exit code, seconds it took)."""
        began = time.monotonic()
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(20), time.monotonic() - began

    def end(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait(10)


@pytest.fixture
def start(tmp_path):
    """Starts a verb of central; whatever still runs when the test ends is killed."""
    running = []

    def begin(verb, broker_port, web_port=None, extra=""):
        running.append(Process(tmp_path, verb, broker_port, web_port or free_port(), extra))
        return running[-1]

    yield begin
    for process in running:
        process.end()


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.read().decode()
    except OSError:
        return None


def test_ingest_alone_takes_readings_and_stops_within_five_seconds(start, tmp_path):
    broker = start_mosquitto(tmp_path / "broker")
    try:
        central = start("ingest", broker.port)
        eventually(lambda: "broker connected" in central.events(), 30)
        gateway = Gateway("gw-01", broker.port)
        gateway.send(batch(*readings(1, 5)))
        eventually(lambda: gateway.up_to() == 5)
        gateway.stop()
        code, seconds = central.terminate()
        assert (code, seconds < 5.0) == (0, True), central.log.read_text()
        store = open_store(tmp_path / "data" / "central.db", FixedClock(0))
        assert store.gateways()[0].streams[0].stored == 5
        assert store.stations()[0].name_ja == "駅"
        store.close()
    finally:
        broker.stop()


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_of_central_and_broker_lose_nothing_that_was_receipted(start, tmp_path, seed):
    """The gateway does what an outbox does: it sends again from the last receipt on, until all is receipted."""
    chance, count = random.Random(seed), 1500
    broker = start_mosquitto(tmp_path / "broker")
    gateway = Gateway("gw-01", broker.port)
    central = start("ingest", broker.port)
    kills = ["central", "broker", "central"]
    try:
        deadline = time.monotonic() + 60
        while gateway.up_to() < count:
            assert time.monotonic() < deadline, (
                f"receipts only up to {gateway.up_to()}: {central.log.read_text()[-2000:]}"
            )
            first = max(1, gateway.up_to() + 1)
            for start_seq in range(first, min(first + 300, count + 1), 20):
                last = min(start_seq + 19, count)
                gateway.send(batch(*readings(start_seq, last), oldest=first))
            time.sleep(chance.uniform(0.05, 0.4))
            if kills and gateway.up_to() > count * (3 - len(kills)) / 4:
                if kills.pop() == "central":
                    central.end()
                    central = start("ingest", broker.port)
                else:
                    broker.kill()
                    broker.start()
        assert kills == []
        assert central.terminate()[0] == 0
        store = open_store(tmp_path / "data" / "central.db", FixedClock(0))
        rows = store.readings("kmg-01", 0, 2**42, Resolution.RAW, 10_000).rows
        (stream,) = store.gateways()[0].streams
        store.close()
        assert len(rows) == len({row[0] for row in rows}) == stream.stored == stream.up_to_seq == count
        assert stream.missing == 0
    finally:
        gateway.stop()
        broker.stop()


def test_the_web_is_up_without_a_broker_and_says_what_is_missing(start):
    port = free_port()
    central = start("serve", free_port(), port, "[roles]\nsimulate = false\n")
    health = json.loads(eventually(lambda: get(port, "/healthz"), 60))
    assert health["status"] == "degraded"
    assert health["checks"]["broker"]["status"] == "degraded"
    assert "kumagaya_ingest_broker_connected 0.0" in get(port, "/metrics")
    assert 'kumagaya_ingest_rejected_total{reason="not_json"} 0.0' in get(port, "/metrics")
    stations = json.loads(get(port, "/v1/stations"))["stations"]
    assert [one["id"] for one in stations] == ["kmg-01"]
    warnings = [event for event in central.events() if event == "no broker: trying again"]
    assert len(warnings) == 1
    code, seconds = central.terminate()
    assert (code, seconds < 5.0) == (0, True), central.log.read_text()


def test_a_port_in_use_is_one_line_with_the_port(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        central = start("serve", free_port(), port)
        assert central.child.wait(30) == 2
        (line,) = central.log.read_text().splitlines()
        assert f"port {port} is in use" in line
        assert "web.port" in line


def test_streets_that_cannot_be_read_are_one_line_with_file_and_key(start, tmp_path):
    (tmp_path / "walk.json").write_text('{"elements": []}')
    central = start("serve", free_port(), None, '[simulation]\nwalking = "walk.json"\n')
    assert central.child.wait(30) == 2
    (line,) = central.log.read_text().splitlines()
    assert f"simulation.walking: {tmp_path / 'walk.json'}" in line
    assert "no way to walk on" in line
    assert "ask Overpass" in line


def test_ingest_alone_does_not_ask_for_streets(start, tmp_path):
    (tmp_path / "walk.json").write_text("{")
    central = start("ingest", free_port(), None, '[simulation]\nwalking = "walk.json"\n')
    eventually(lambda: "no broker: trying again" in central.events(), 30)
    assert central.terminate()[0] == 0


def test_nothing_to_run_is_refused(start):
    central = start("serve", 1, None, "[roles]\ningest = false\nsimulate = false\nweb = false\n")
    assert central.child.wait(30) == 2
    assert "[roles]" in central.log.read_text()


def test_a_station_taken_out_of_the_configuration_stays_with_its_readings(start, tmp_path):
    store = open_store(tmp_path / "data" / "central.db", FixedClock(0))
    store.ingest_batch("gw", Stream.TELEMETRY, batch(*readings(1, 2))).result(5)
    store.station_upsert(Station("old", "旧", "Old", 36.0, 139.0)).result(5)
    store.close()
    central = start("ingest", free_port())
    eventually(lambda: "no broker: trying again" in central.events(), 30)
    assert central.terminate()[0] == 0
    store = open_store(tmp_path / "data" / "central.db", FixedClock(0))
    assert [(one.id, one.configured) for one in store.stations()] == [("kmg-01", True), ("old", False)]
    store.close()


def test_migrate_backup_and_restore_from_the_command_line(tmp_path):
    config = tmp_path / "central.toml"
    config.write_text('data_dir = "data"\n')

    def central(*words):
        command = [sys.executable, "-m", "kumagaya", "central", words[0], "--config", str(config), *words[1:]]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=60, env={**os.environ, "NO_COLOR": "1"}
        )
        return done.returncode, done.stdout, done.stderr

    ran = "".join(f"ran {path.stem}\n" for path in sorted(MIGRATIONS.glob("*.sql")))
    assert ran.startswith("ran 0001_readings\n")
    assert central("migrate")[:2] == (0, f"{ran}{tmp_path}/data/central.db is up to date\n")
    assert central("migrate")[:2] == (0, f"{tmp_path}/data/central.db is up to date\n")
    backup = str(tmp_path / "backup.db")
    assert central("backup", backup)[0] == 0
    code, _, line = central("backup", backup)
    assert (code, line.count("\n")) == (2, 1)
    assert "backup.db" in line
    code, _, line = central("restore", backup)
    assert code == 2
    assert "--replace" in line
    assert central("restore", backup, "--replace")[0] == 0
    running = open_store(tmp_path / "data" / "central.db", FixedClock(0))
    code, _, line = central("restore", backup, "--replace")
    running.close()
    assert code == 2
    assert "in use" in line
