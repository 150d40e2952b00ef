"""The agent at its work: eight stations at 1 Hz on one line of 9600 baud, real mosquitto, real central. `python -m bench.edge`

Prints polls a second, what was written to disk for each reading (`write_bytes` of /proc/PID/io, with checkpoints and receipts),
resident memory, processor time, and whether what the stations served is what central holds.
`--dead`, `--noisy`: so many of the stations never answer, answer one in twenty with a wrong CRC.
"""

import argparse
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tomli_w

from firmware_sim.city import running
from firmware_sim.config import LineConfig, SimConfig, StationConfig
from firmware_sim.faults import FaultKind, FaultPlan
from tests.processes import start_mosquitto

ROOT = Path(__file__).resolve().parents[1]
STATIONS = 8
WARM_UP_S = 20.0


def written_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines():
        if line.startswith("write_bytes"):
            return int(line.split()[1])
    raise LookupError("no write_bytes in /proc")


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def stored(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        count: int = database.execute("SELECT count(*) FROM readings").fetchone()[0]
        return count


def faults_of(unit: int, dead: int, noisy: int) -> tuple[FaultPlan, ...]:
    if unit <= dead:
        return (FaultPlan(FaultKind.SILENCE),)
    return (FaultPlan(FaultKind.CRC, probability=0.05),) if unit <= dead + noisy else ()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=330.0)
    parser.add_argument("--dead", type=int, default=0)
    parser.add_argument("--noisy", type=int, default=0)
    parser.add_argument("--profile", default="renke_rs_fsxcs")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kumagaya-bench-edge-"))
    broker = start_mosquitto(folder / "broker")
    profiles = str(ROOT / "config" / "devices")
    names = [f"s{unit}" for unit in range(1, STATIONS + 1)]
    members = tuple(
        StationConfig(
            name,
            unit,
            arguments.profile,
            fault=faults_of(unit, arguments.dead, arguments.noisy),
        )
        for unit, name in enumerate(names, 1)
    )
    sim = SimConfig(
        str(folder / "lines"), (LineConfig("line", members, baud=9600),), profiles, served_log=str(folder / "served")
    )
    edge = {
        "gateway": "bench",
        "data_dir": str(folder / "edge"),
        "profiles_dir": profiles,
        "mqtt": {"host": "127.0.0.1", "port": broker.port},
        "bus": [
            {
                "name": "line",
                "port": str(folder / "lines" / "line"),
                "station": [
                    {"id": name, "profile": arguments.profile, "unit_address": unit}
                    for unit, name in enumerate(names, 1)
                ],
            }
        ],
    }
    central = {
        "data_dir": str(folder / "central"),
        "mqtt": {"host": "127.0.0.1", "port": broker.port},
        "roles": {"ingest": True, "simulate": False, "web": False},
    }
    for name, table in (("edge", edge), ("central", central)):
        (folder / f"{name}.toml").write_text(tomli_w.dumps(table), encoding="utf-8")
    children = []
    try:
        with running(sim):
            for command in (["central", "serve"], ["edge", "run"]):
                log = (folder / f"{command[0]}.log").open("wb")
                arguments_of = [
                    sys.executable,
                    "-m",
                    "kumagaya",
                    *command,
                    "--config",
                    str(folder / f"{command[0]}.toml"),
                ]
                children.append(subprocess.Popen(arguments_of, stdout=log, stderr=log, cwd=ROOT))
                log.close()
            agent, database = children[1].pid, folder / "central" / "central.db"
            time.sleep(WARM_UP_S)
            began_s, before = time.monotonic(), (stored(database), written_bytes(agent), cpu_s(agent))
            time.sleep(arguments.seconds)
            took_s = time.monotonic() - began_s
            after = stored(database), written_bytes(agent), cpu_s(agent)
            resident = resident_bytes(agent)
            readings = after[0] - before[0]
            children[1].terminate()
            children[1].wait(15)
            time.sleep(0.5)
        total = stored(database)
        lines = (line for path in (folder / "served").iterdir() for line in path.read_text("utf-8").splitlines())
        served = sum(not json.loads(line).get("faults") for line in lines)
        print(
            f"polls_per_s={readings / took_s:.2f} written_bytes_per_reading={(after[1] - before[1]) / readings:.0f}"
            f" resident_mb={resident / 1e6:.1f} cpu_pct={100 * (after[2] - before[2]) / took_s:.2f}"
            f" seconds={took_s:.0f} stored={total} served_whole={served}"
        )
    finally:
        for child in children:
            if child.poll() is None:
                child.kill()
                child.wait()
        broker.stop()


if __name__ == "__main__":
    main()
