"""`kumagaya edge check` on simulated lines, a foreign slave, and lines that lie."""

import fcntl
import json
import os
import subprocess
import sys
import termios
import time

import pytest

from edge.check.asking import Line
from edge.check.findings import Station
from edge.check.ports import holder_of
from edge.check.run import Task, check
from firmware_sim.city import running
from firmware_sim.config import LineConfig, SimConfig, StationConfig
from firmware_sim.faults import FaultKind, FaultPlan
from kumagaya.cli import main
from tests.edge.slave import Slave, answer, bench_profile, count_of
from tests.edge.test_independent_slave import PROFILE, pymodbus_slave
from tests.edge.test_main import PROFILES, ROOT, agent, wait_event, write_config
from tests.processes import free_port

__all__ = ["agent"]

KINDS = (
    "thies_clima_sensor_us",
    "renke_rs_fsxcs",
    "seeed_orch_s4",
    "vaisala_wxt530",
    "gill_maximet_gmx600",
    "lambrecht_meteo",
)


@pytest.fixture
def line(tmp_path):
    """Starts a simulated line: unit -> (kind, faults). Returns the path of its port."""
    open_lines = []

    def start(**units):
        members = tuple(
            StationConfig(
                f"s{name[1:]}",
                int(name[1:]),
                kind,
                fault=tuple(FaultPlan(fault, probability=chance) for fault, chance in faults),
            )
            for name, (kind, *faults) in units.items()
        )
        config = SimConfig(str(tmp_path / "lines"), (LineConfig("line-a", members, timing=False),), str(PROFILES))
        one = running(config)
        open_lines.append(one)
        return str(one.__enter__().ports["line-a"])

    yield start
    for one in open_lines:
        one.__exit__(None, None, None)


def run(capsys, *words):
    """The command in this process: exit code and its JSON."""
    code = main(["edge", "check", "--json", "--tries", "5", *words])
    return code, json.loads(capsys.readouterr().out)


def test_every_shipped_device_is_recognised_alone(line, capsys):
    port = line(**{f"u{unit}": (kind,) for unit, kind in enumerate(KINDS, 1)})
    code, report = run(capsys, "--port", port, "--baud", "9600", "--units", "1-7")
    assert (code, report["passed"], report["problems"]) == (0, True, [])
    units = report["ports"][0]["units"]
    assert [[each["profile"] for each in unit["recognition"]["best"]] for unit in units] == [[kind] for kind in KINDS]
    assert all(unit["signal"]["verdict"] == "good" for unit in units)
    values = {value["quantity"]: value for value in units[0]["recognition"]["best"][0]["values"]}
    assert values["air_temperature_degc"]["plausible"] is True
    assert values["air_temperature_degc"]["unit"] == "degC"


def test_it_is_told_how_the_line_differs_from_the_configuration(tmp_path, line, capsys):
    port = line(
        u1=("thies_clima_sensor_us", (FaultKind.ECHO, 1.0)),
        u2=("vaisala_wxt530",),
        u3=("seeed_orch_s4", (FaultKind.CRC, 0.15)),
        u6=("vaisala_wxt530",),
    )
    config = write_config(tmp_path, 1883)
    assert port == str(tmp_path / "lines" / "line-a")
    code, report = run(capsys, "--config", str(config), "--units", "6", "--tries", "20")
    assert code == 1
    found = {(each["name"], each["where"].rpartition("unit ")[2]): each for each in report["ports"][0]["findings"]}
    assert (
        set(found)
        == {
            ("echo", f"{port} at 9600 8N1"),
            ("wrong_profile", "2"),
            ("poor_signal", "3"),
            ("station_missing", "4"),
            ("unexpected_unit", "6"),
        }
        or ("address_conflict", "3") in found
    )
    assert "looks like vaisala_wxt530" in found["wrong_profile", "2"]["what"]
    assert "unit 6 looks like it" in found["station_missing", "4"]["advice"]
    assert report["problems"]


def test_a_person_reads_values_reasons_and_the_verdict_in_the_last_line(line, capsys):
    port = line(u1=("seeed_orch_s4",), u2=("vaisala_wxt530", (FaultKind.CRC, 0.1)))
    assert main(["edge", "check", "--port", port, "--baud", "9600", "--units", "1-2", "--tries", "20"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{port} at 9600 8N1"
    assert lines[1].startswith("  unit 1: seeed_orch_s4; signal good, 20 of 20 good, ")
    assert any(text.split()[0] == "air_temperature_degc" and text.endswith("plausible") for text in lines)
    assert any(text.startswith("  PROBLEM poor_signal") for text in lines)
    assert lines[-1] == "FAILED: poor_signal"


def test_a_slave_that_none_of_us_wrote():
    with pymodbus_slave([3, 4]) as port:
        stations = (Station("a", 3, PROFILE.name), Station("b", 4, PROFILE.name))
        task = Task(port, (Line(port, 115_200),), stations, {3: PROFILE, 4: PROFILE}, Line(port, 115_200))
        report = check([task], {PROFILE.name: PROFILE}, units=[3, 4, 5], tries=5)
    assert report.problems == ()
    result = report.ports[0].result
    assert result is not None
    best = {unit.unit: [each.profile for each in unit.recognition.best] for unit in result.units}
    assert best == {3: ["independent"], 4: ["independent"], 5: []}
    values = {value.quantity: value.value for value in result.units[0].recognition.best[0].values}
    assert values == {"air_temperature_degc": -10.0, "air_pressure_hpa": pytest.approx(1012.78), "wind_speed_ms": 3.5}
    # For a unit it does not serve, pymodbus answers with an exception, as a gateway does.
    assert [finding.name for finding in report.ports[0].findings] == ["nobody_behind_gateway"]


BENCH = bench_profile(registers=3)


def bench_check(slave, unit=1, settings=None, units=(1,)):
    lines = tuple(Line(slave.port, each.baud, each.parity) for each in settings or [Line("", 9600)])
    stations = (Station("s1", unit, BENCH.name),)
    return check(
        [Task(slave.port, lines, stations, {unit: BENCH}, lines[0])], {BENCH.name: BENCH}, units=units, tries=6
    )


def served(request):
    words = [100, 20, 50][: count_of(request)]
    return answer(request, words) if request[1] == 3 and request[2:4] == b"\x00\x64" else b""


def test_two_devices_at_one_address_are_found_by_their_second_reply():
    def script(number, request):
        reply = served(request) if request[0] == 1 else b""
        other = answer(request, [101, 201, 51][: count_of(request)]) if reply else b""
        return [(0.005, reply), (0.015, other)] if reply else []

    with Slave(script) as slave:
        assert "address_conflict" in bench_check(slave).problems


def test_a_station_that_listens_at_another_baud_rate_is_found():
    settings = (Line("", 9600), Line("", 19_200, "E"))
    slave = Slave(lambda number, request: [])

    def script(number, request):
        fast = termios.tcgetattr(slave._line)[4] == termios.B19200
        return [(0.005, served(request))] if fast and request[0] == 1 else []

    slave.script = script
    with slave:
        report = bench_check(slave, settings=settings)
    assert report.problems == ("wrong_line_settings",)
    assert report.ports[0].findings[0].what.endswith("answers at 19200 8E1")


def test_a_dead_line_is_told_with_what_was_tried():
    with Slave(lambda number, request: []) as slave:
        report = bench_check(slave, settings=(Line("", 9600), Line("", 19_200)))
    assert report.problems == ("nothing_answers",)
    assert report.ports[0].findings[0].what.endswith("nor at 19200 8N1")


def test_it_refuses_a_port_that_the_agent_holds(tmp_path, line, agent, capsys):
    line(u1=("thies_clima_sensor_us",))
    config = write_config(tmp_path, free_port())
    child = agent(config)
    wait_event(child, "not_connected")
    code, report = run(capsys, "--config", str(config))
    assert (code, report["problems"]) == (1, ["agent_running"])
    (finding,) = report["ports"][0]["findings"]
    assert str(child.pid) in finding["what"]
    assert "systemctl stop" in finding["advice"]


def test_without_its_file_the_agent_is_found_by_the_port_it_holds(tmp_path, line, agent, capsys):
    port = line(u1=("thies_clima_sensor_us",))
    child = agent(write_config(tmp_path, free_port()))
    deadline = time.monotonic() + 20.0
    while holder_of(port) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    code, report = run(capsys, "--port", port, "--baud", "9600")
    assert (code, report["problems"]) == (1, ["agent_running"])
    assert str(child.pid) in report["ports"][0]["findings"][0]["what"]


def test_it_says_when_another_program_holds_the_port(line, capsys):
    port = line(u1=("thies_clima_sensor_us",))
    holding = os.open(port, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(holding, fcntl.LOCK_EX)
        code, report = run(capsys, "--port", port, "--baud", "9600")
    finally:
        os.close(holding)
    assert (code, report["problems"]) == (1, ["port_in_use"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "/dev/x", "--units", "0-3"], "--units: '0-3' is not in 1..247"),
        (["--port", "/dev/x", "--units", "a"], "--units: 'a' is no number"),
        (["--port", "/dev/x", "--baud", "5"], "--baud: '5' is not in 300..921600"),
        (["--port", "/dev/x", "--tries", "0"], "--tries: 0 is not in 1..10000"),
        (["--config", "/no/edge.toml"], "/no/edge.toml: no such file"),
        (["--config", "/no/edge.toml", "--port", "/dev/x"], "--config says port and baud rate"),
        (["--port", "/dev/x", "--profiles", "/no/folder"], "no device profile"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(words, message):
    done = subprocess.run(
        [sys.executable, "-m", "kumagaya", "edge", "check", *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert message in said
