"""`kumagaya sim` from outside: a process that starts, obeys, and leaves nothing behind."""

import contextlib
import json
import signal
import subprocess
import sys

import pytest
import serial

from contract.profiles import load_profile
from kumagaya.cli import main
from tests.firmware_sim.builders import DEVICES, request_words

CONFIG = DEVICES.parent / "sim-city.toml"


@contextlib.contextmanager
def simulator(*words, lines):
    """The command as a process of its own, once it has said `lines` lines."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kumagaya", "sim", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(lines):
            assert process.stdout.readline(), process.stderr.read()
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_a_city_is_served_commanded_and_stopped(tmp_path, capsys):
    place = tmp_path / "lines"
    with simulator("city", "--config", CONFIG, "--dir", place, "--served-log", tmp_path / "served", lines=3) as process:
        assert main(["sim", "set", "kmg-01", "air_temperature_degc=39.5", "--dir", str(place)]) == 0
        with serial.Serial(str(place / "line-a"), 9600, timeout=5) as port:
            assert request_words(port, 1, 4, 0x88BD, 2) == [0, 395]
        assert main(["sim", "fault", "kmg-02", "silence", "--for", "30", "--dir", str(place)]) == 0
        capsys.readouterr()
        assert main(["sim", "status", "--dir", str(place)]) == 0
        shown = capsys.readouterr().out
        assert "kmg-01" in shown
        assert "39.5 degC" in shown
        assert "silence" in shown
        assert main(["sim", "status", "--json", "--dir", str(place)]) == 0
        assert len(json.loads(capsys.readouterr().out)["lines"]) == 2
        assert main(["sim", "fault", "kmg-02", "clear", "--dir", str(place)]) == 0
        assert "1 faults switched off" in capsys.readouterr().out
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert list(place.iterdir()) == []
    assert (tmp_path / "served" / "kmg-01.jsonl").exists()


def test_one_station_on_a_bench(tmp_path):
    port_path = tmp_path / "bench"
    factory = load_profile(DEVICES / "seeed_orch_s4.toml")
    with simulator(
        "station", "--profile", "seeed_orch_s4", "--profiles", DEVICES, "--unit", "14", "--pty", port_path, lines=2
    ):
        with serial.Serial(str(port_path), factory.baud, timeout=5) as port:
            assert request_words(port, 14, 4, 6, 1) == [4]
        socket = tmp_path / "bench.sock"
        assert main(["sim", "set", "bench", "air_temperature_degc=27.98", "--dir", str(socket)]) == 0
        with serial.Serial(str(port_path), factory.baud, timeout=5) as port:
            assert request_words(port, 14, 4, 0, 1) == [0x0AEE]


def test_a_replayed_file_is_refused_at_the_start_unless_one_is_lenient(tmp_path, capsys):
    path = tmp_path / "measured.csv"
    path.write_text("at,station,air_temperature_degc\n2018-07-23T14:00+09:00,kmg-01,warm\n")
    words = ["sim", "city", "--config", str(CONFIG), "--dir", str(tmp_path / "lines"), "--replay", str(path)]
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{path}: line 2, column air_temperature_degc: 'warm' is no number" in error
    with simulator(*words[1:], "--lenient", lines=3):
        pass


MISTAKES = [
    (["city", "--config", "absent.toml"], "absent.toml: no such file"),
    (["station", "--profile", "absent", "--pty", "x"], "no such device profile"),
    (["station", "--profile", "seeed_orch_s4", "--profiles", str(DEVICES), "--unit", "300", "--pty", "x"], "unit"),
    (["fault", "kmg-01", "fire"], "unknown fault 'fire'"),
    (["fault", "kmg-01", "crc", "--dir", "nowhere"], "no simulator answers here"),
    (["set", "kmg-01", "air_temperature_degc"], "is not QUANTITY=VALUE"),
    (["set", "kmg-01", "air_temperature_degc=hot"], "'hot' is no number"),
    (["set", "kmg-01", "air_temperature_degc=nan"], "'nan' is no number"),
    (["status", "--dir", "nowhere"], "no simulator answers here"),
]


@pytest.mark.parametrize(("words", "expected"), MISTAKES)
def test_a_mistake_is_one_line_and_exit_code_2(words, expected, capsys):
    assert main(["sim", *words]) == 2
    error = capsys.readouterr().err
    assert expected in error
    assert error.count("\n") == 1
