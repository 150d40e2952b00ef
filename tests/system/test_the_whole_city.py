"""The main job from outside: real mosquitto, eight simulated stations with faults, one edge, central; a heat map follows."""

import json
import sqlite3
import time
import tomllib
import urllib.request

import numpy as np
import pytest
import rasterio.warp
from rasterio.io import MemoryFile
from rich.console import Console

from firmware_sim.control import SetFault, ask
from firmware_sim.faults import FaultKind
from kumagaya.demo.city import get_json, started
from kumagaya.demo.options import Options
from tests.processes import MOSQUITTO, free_port
from tests.shared import shared_path
from tests.system.ledger import read_served, read_stored, settle

pytestmark = [pytest.mark.system, pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")]

SPEED = 60.0
FAULTS = [
    ("kmg-02", SetFault("kmg-02", FaultKind.CRC, probability=0.2)),
    ("kmg-03", SetFault("kmg-03", FaultKind.SILENCE, for_s=3.0)),
    ("kmg-04", SetFault("kmg-04", FaultKind.NOISE_BEFORE, probability=0.2)),
    ("kmg-06", SetFault("kmg-06", FaultKind.LATE, probability=0.1, late_s=0.6)),
    ("kmg-08", SetFault("kmg-08", FaultKind.EXCEPTION, probability=0.2)),
]


def built_in() -> tuple[None, None]:
    return None, None


def real():
    return (
        shared_path("data/plateau/53395404_bldg_6697_op.gml.gz"),
        shared_path("data/weather/dtu_1min_2018_07.csv.gz"),
    )


@pytest.fixture(
    scope="module", params=[built_in, real], ids=["built-in city, modelled weather", "PLATEAU tile, measured weather"]
)
def city(request, tmp_path_factory):
    tile, weather = request.param()
    options = Options(
        host="127.0.0.1",
        port=free_port(),
        data_dir=tmp_path_factory.mktemp("c"),
        city=tile,
        weather=weather,
        start=None,
        speed=SPEED,
        seed=2018,
        faults=False,
    )
    with started(options, Console(stderr=True), served_log=True) as (running, supervisor):
        yield running, supervisor


def get(city, path: str):
    return get_json(city[0].url + path)


def test_all_eight_stations_are_read_and_on_the_map(city):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        stations = get(city, "/v1/stations")["stations"]
        if all(station["last"] is not None for station in stations):
            break
        time.sleep(0.2)
    assert [station["id"] for station in stations] == [f"kmg-0{number}" for number in range(1, 9)]
    bounds = get(city, "/v1/city")["bounds"]
    for station in stations:
        assert not station["last"]["stale"]
        assert bounds["west"] < station["lon"] < bounds["east"]
        assert bounds["south"] < station["lat"] < bounds["north"]


def test_a_frame_can_be_had_as_picture_and_as_geotiff_with_the_same_values(city):
    frame = get(city, "/v1/heat/frames/latest")
    layer = frame["layers"]["tmrt"]
    with MemoryFile(download(city, layer["png"])) as file, file.open() as picture:
        gray = picture.read(1)
    with MemoryFile(download(city, layer["tif"])) as file, file.open() as raster:
        values = raster.read(1)
        left, bottom, right, top = rasterio.warp.transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
    assert gray.shape == values.shape == (frame["height"], frame["width"])
    ground = gray > 0
    assert 0.3 < ground.mean() <= 1.0
    assert np.allclose(values[ground], layer["offset"] + layer["step"] * gray[ground], atol=layer["step"])
    assert not np.isfinite(values[~ground]).any() or (values[~ground] == raster.nodata).all()
    assert (left, bottom, right, top) == pytest.approx(
        [frame["bounds"][side] for side in ("west", "south", "east", "north")], abs=2e-4
    )


def test_the_stream_brings_frames_and_readings_as_they_come(city):
    kinds: dict[str, list] = {"frame": [], "readings": []}
    deadline = time.monotonic() + 30
    with urllib.request.urlopen(city[0].url + "/v1/heat/stream", timeout=20) as stream:
        event = ""
        for line in stream:
            text = line.decode().rstrip("\r\n")
            if text.startswith("event: "):
                event = text[7:]
            elif text.startswith("data: ") and event in kinds:
                kinds[event].append(json.loads(text[6:]))
            if (len(kinds["frame"]) >= 3 and len(kinds["readings"]) >= 3) or time.monotonic() > deadline:
                break
    ids = [frame["id"] for frame in kinds["frame"]]
    assert len(ids) >= 3
    assert ids == sorted(set(ids))
    assert len(kinds["readings"]) >= 3
    assert get(city, f"/v1/heat/frames/{ids[-1]}")["id"] == ids[-1]


def test_a_malformed_message_is_counted_and_disturbs_nobody(city):
    from paho.mqtt import publish

    running = city[0]
    before = get(city, "/v1/stations")["stations"][0]["last"]["at"]
    for topic, payload in [
        ("kumagaya/v1/ekimae/up/telemetry", b"\xff\xfenot json"),
        ("kumagaya/v1/intruder/up/telemetry", b'{"v":99}'),
        ("kumagaya/v1/ekimae/up/health", b"[]"),
    ]:
        publish.single(topic, payload, qos=1, hostname="127.0.0.1", port=running.mqtt_port)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        metrics = download(city, "/metrics").decode()
        rejected = sum(
            float(line.rpartition(" ")[2])
            for line in metrics.splitlines()
            if line.startswith("kumagaya_ingest_rejected_total{")
        )
        if rejected >= 3 and get(city, "/v1/stations")["stations"][0]["last"]["at"] > before:
            break
        time.sleep(0.2)
    assert rejected == 3
    assert get(city, "/v1/stations")["stations"][0]["last"]["at"] > before


def test_every_served_reading_is_in_the_store_exactly_once(city):
    """Last in this file: it ends the edge, so that nothing is under way when the books are compared."""
    running, supervisor = city
    for _, fault in FAULTS:
        ask(running.folders.lines, fault)
    time.sleep(12)
    edge = next(child for child in supervisor.children if child.name == "edge")
    edge.process.terminate()
    assert edge.process.wait(15) == 0
    database = running.folders.central / "central.db"
    stopped = json.loads(edge.log.read_text().splitlines()[-1])
    assert (stopped["event"], stopped["waiting"]) == ("stopped", 0), "not everything was receipted"
    lines = {
        station["id"]: line["name"]
        for line in tomllib.loads(running.files.sim.read_text())["line"]
        for station in line["station"]
    }
    accounts = settle(read_served(running.folders.run / "served"), read_stored(database), lines, speed=SPEED)
    print(*accounts, sep="\n")
    assert len(accounts) == 8
    assert all(account.balanced for account in accounts), accounts
    assert sum(account.stored for account in accounts) > 8 * 10
    progress = [state for state in stream_states(database) if state["missing"] or state["duplicates"]]
    assert not progress, progress


def stream_states(database) -> list[dict]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM streams")]


def download(city, path: str) -> bytes:
    with urllib.request.urlopen(city[0].url + path, timeout=20) as answer:
        return answer.read()
