"""The shipped configurations speak of the same city."""

import tomllib
from pathlib import Path

from central.config import load_config

CONFIG = Path(__file__).resolve().parents[1] / "config"


def table(name: str) -> dict:
    return tomllib.loads((CONFIG / name).read_text(encoding="utf-8"))


def test_the_edge_polls_the_lines_that_the_simulator_serves():
    polled = {
        bus["name"]: [(station["id"], station["profile"], station["unit_address"]) for station in bus["station"]]
        for bus in table("edge.toml")["bus"]
    }
    served = {
        line["name"]: [(station["id"], station["profile"], station["unit"]) for station in line["station"]]
        for line in table("sim-city.toml")["line"]
    }
    assert polled == served


def test_the_simulated_stations_stand_where_the_listed_ones_do():
    listed = {station["id"]: (station["lat"], station["lon"]) for station in table("stations.toml")["station"]}
    simulated = {
        station["id"]: (station["site"]["lat"], station["site"]["lon"])
        for line in table("sim-city.toml")["line"]
        for station in line["station"]
    }
    assert listed == simulated
    assert len(listed) == 8


def test_central_knows_the_listed_stations():
    config = load_config(CONFIG / "central.toml")
    assert [station.id for station in config.station] == [
        station["id"] for station in table("stations.toml")["station"]
    ]
