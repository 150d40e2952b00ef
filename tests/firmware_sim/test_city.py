"""Real ports: masters of three makers read the simulated stations through pseudo terminals."""

import json
import shutil
import subprocess
import time

import minimalmodbus
import pytest
import serial

from contract.clock import SimulatedClock
from contract.errors import UserError
from firmware_sim.city import build_city, running
from firmware_sim.config import LineConfig, SimConfig, StationConfig
from firmware_sim.control import AskStatus, ClearFault, SetFault, SetValues, ask
from firmware_sim.faults import FaultKind
from tests.firmware_sim.builders import DEVICES, MIDDAY_MS, FixedWeather, words_in
from tests.firmware_sim.builders import ask as request

WEATHER = FixedWeather(
    air_temperature_degc=41.1, relative_humidity_pct=31.0, wind_speed_ms=2.5, air_pressure_hpa=1003.0
)
TIMEOUT_S = 2.0


def config(tmp_path, **changes):
    line_a = LineConfig(
        "line-a",
        (
            StationConfig("kmg-01", 1, "renke_rs_fsxcs", response_time_s=0.0),
            StationConfig("kmg-02", 2, "thies_clima_sensor_us", response_time_s=0.0),
        ),
        timing=False,
    )
    line_b = LineConfig("line-b", (StationConfig("kmg-03", 1, "vaisala_wxt530", response_time_s=0.0),), timing=False)
    wanted = {"directory": str(tmp_path / "lines"), "profiles": str(DEVICES), "line": (line_a, line_b)}
    return SimConfig(**{**wanted, **changes})


@pytest.fixture
def city(tmp_path):
    with running(config(tmp_path, served_log=str(tmp_path / "served")), weather=lambda _: WEATHER) as city:
        yield city


def exchange(port, frame, answer_bytes):
    port.reset_input_buffer()
    port.write(frame)
    return port.read(answer_bytes)


def test_a_raw_serial_client_gets_the_bytes_of_the_manual(city):
    with serial.Serial(str(city.ports["line-a"]), 9600, timeout=TIMEOUT_S) as port:
        answer = exchange(port, request(1, 3, 500, 6), 17)
        assert words_in(answer) == [25, 0, 0, 0, 310, 411]
        answer = exchange(port, request(2, 4, 0x88BD, 2), 9)
        assert words_in(answer) == [0, 411]


def test_bytes_that_a_terminal_would_translate_come_through_unchanged(city):
    # 0x0A, 0x0D, 0x03, 0x04, 0x11, 0x13, 0x7F: line ends, interrupts, flow control.
    for word in (0x0A0D, 0x0304, 0x1113, 0x7F1A):
        ask(city.ports["line-a"].parent, SetValues("kmg-01", {"illuminance_lx": float(word)}))
        with serial.Serial(str(city.ports["line-a"]), 9600, timeout=TIMEOUT_S) as port:
            assert words_in(exchange(port, request(1, 3, 510, 2), 9)) == [0, word]


def test_a_master_may_close_and_open_the_port_as_often_as_it_likes(city):
    for _ in range(5):
        with serial.Serial(str(city.ports["line-b"]), 9600, timeout=TIMEOUT_S) as port:
            assert words_in(exchange(port, request(1, 4, 0x1F, 1), 7)) == [411]


def test_a_master_that_never_reads_does_not_stop_the_others(city):
    with serial.Serial(str(city.ports["line-a"]), 9600, timeout=TIMEOUT_S) as deaf:
        for _ in range(150):
            deaf.write(request(1, 3, 500, 16))
        with serial.Serial(str(city.ports["line-b"]), 9600, timeout=TIMEOUT_S) as port:
            assert words_in(exchange(port, request(1, 4, 0x1F, 1), 7)) == [411]


def test_minimalmodbus_reads_all_stations_of_a_line(city):
    instrument = minimalmodbus.Instrument(str(city.ports["line-a"]), 1)
    try:
        instrument.serial.baudrate = 9600
        instrument.serial.timeout = TIMEOUT_S
        assert instrument.read_register(505, number_of_decimals=1, functioncode=3, signed=True) == 41.1
        instrument.address = 2
        assert instrument.read_long(0x88BD, functioncode=4) == 411
        with pytest.raises(minimalmodbus.IllegalRequestError):
            instrument.read_register(0, functioncode=4)
    finally:
        instrument.serial.close()


def test_pymodbus_reads_a_station(city):
    from pymodbus.client import ModbusSerialClient

    client = ModbusSerialClient(str(city.ports["line-a"]), baudrate=9600, timeout=TIMEOUT_S)
    try:
        assert client.connect()
        answer = client.read_holding_registers(500, count=6, device_id=1)
        assert answer.registers == [25, 0, 0, 0, 310, 411]
        assert client.read_input_registers(0, count=1, device_id=2).exception_code == 2
        written = client.write_register(0x6000, 7, device_id=1)
        assert not written.isError()
        assert client.read_holding_registers(0x6000, count=1, device_id=1).registers == [7]
    finally:
        client.close()


def test_mbpoll_reads_a_station(city):
    program = shutil.which("mbpoll")
    if program is None:
        pytest.skip("mbpoll (a Debian package) is not on this machine")
    # fmt: off
    words = [program, "-m", "rtu", "-a", "1", "-b", "9600", "-P", "none", "-0", "-r", "500", "-c", "6", "-t", "4", "-o", "2", "-1"]
    # fmt: on
    result = subprocess.run(
        [*words, str(city.ports["line-a"])], capture_output=True, text=True, timeout=20, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "[505]: \t411" in result.stdout


def test_the_served_log_holds_what_was_served(city, tmp_path):
    with serial.Serial(str(city.ports["line-a"]), 9600, timeout=TIMEOUT_S) as port:
        exchange(port, request(1, 3, 500, 6), 17)
        ask(city.ports["line-a"].parent, SetFault("kmg-01", FaultKind.CRC))
        exchange(port, request(1, 3, 500, 6), 17)
    lines = (tmp_path / "served" / "kmg-01.jsonl").read_text().splitlines()
    [one] = [json.loads(line) for line in lines]
    assert one["station"] == "kmg-01"
    assert one["words"] == [25, 0, 0, 0, 310, 411]
    assert one["values"]["air_temperature_degc"] == 41.1
    assert abs(one["at_ms"] - time.time() * 1000) < 60_000


def test_the_wall_time_of_a_served_answer_is_the_citys(tmp_path):
    clock = SimulatedClock(MIDDAY_MS, time.time(), 1.0)
    served = config(tmp_path, served_log=str(tmp_path / "served"))
    with (
        running(served, clock=clock, weather=lambda _: WEATHER) as city,
        serial.Serial(str(city.ports["line-a"]), 9600, timeout=TIMEOUT_S) as port,
    ):
        exchange(port, request(1, 3, 500, 6), 17)
    [line] = (tmp_path / "served" / "kmg-01.jsonl").read_text().splitlines()
    assert 0 <= json.loads(line)["at_ms"] - MIDDAY_MS < 60_000


def test_a_fault_is_switched_on_and_off_at_run_time(city):
    directory = city.ports["line-a"].parent
    with serial.Serial(str(city.ports["line-a"]), 9600, timeout=0.2) as port:
        ask(directory, SetFault("kmg-01", FaultKind.SILENCE))
        assert exchange(port, request(1, 3, 500, 1), 7) == b""
        assert ask(directory, ClearFault("kmg-01")) == {"cleared": 1}
        port.timeout = TIMEOUT_S
        assert words_in(exchange(port, request(1, 3, 500, 1), 7)) == [25]


def test_a_value_set_by_hand_reaches_the_line_until_it_is_released(city):
    directory = city.ports["line-b"].parent
    with serial.Serial(str(city.ports["line-b"]), 9600, timeout=TIMEOUT_S) as port:
        for setting, word in [
            (SetValues("kmg-03", {"air_temperature_degc": 39.5}), 395),
            (SetValues("kmg-03", {"air_temperature_degc": None}), 32767),
            (SetValues("kmg-03", release=("air_temperature_degc",)), 411),
        ]:
            ask(directory, setting)
            assert words_in(exchange(port, request(1, 4, 0x1F, 1), 7)) == [word]


def test_status_tells_counts_faults_and_values(city):
    directory = city.ports["line-a"].parent
    with serial.Serial(str(city.ports["line-a"]), 9600, timeout=TIMEOUT_S) as port:
        exchange(port, request(1, 3, 500, 1), 7)
        exchange(port, request(1, 3, 0, 1), 5)
    ask(directory, SetFault("kmg-01", FaultKind.LATE, for_s=60.0))
    status = ask(directory, AskStatus())
    line = status["lines"][0]
    one = line["stations"][0]
    assert line["port"] == str(city.ports["line-a"])
    assert (one["id"], one["requests"], one["answers"], one["exceptions"]) == ("kmg-01", 2, 2, 1)
    assert one["faults_on"] == ["late"]
    assert one["values"]["air_temperature_degc"] == 41.1


REFUSED = [
    (SetFault("kmg-99", FaultKind.CRC), "no station 'kmg-99' (known: kmg-01, kmg-02, kmg-03)"),
    (SetValues("kmg-01", {"temperature": 1.0}), "unknown quantity 'temperature'"),
    (SetValues("kmg-03", {"wind_speed_ms": 1.0}), "kmg-03 (vaisala_wxt530) does not measure 'wind_speed_ms'"),
    (SetFault("kmg-01", FaultKind.CRC, for_s=-1.0), "control request: Expected `float` > 0.0"),
]


@pytest.mark.parametrize(("wish", "words"), REFUSED)
def test_a_wish_that_cannot_be_granted_is_refused_by_name(city, wish, words):
    with pytest.raises(UserError) as caught:
        ask(city.ports["line-a"].parent, wish)
    assert words in str(caught.value)


def test_rubbish_on_the_control_socket_is_answered_and_survived(city):
    import socket

    place = city.ports["line-a"].parent
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_S)
        connection.connect(str(place / "sim.sock"))
        connection.sendall(b'{"do": "dance"}\n\xff\xfe\n')
        answers = b""
        while answers.count(b"\n") < 2:
            answers += connection.recv(4096)
    assert all("error" in json.loads(line) for line in answers.splitlines())
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(place / "sim.sock"))
        connection.sendall(b"x" * 1000)
    assert ask(place, AskStatus())["lines"]


def test_links_and_socket_are_gone_afterwards(tmp_path):
    with build_city(config(tmp_path), weather=lambda _: WEATHER) as city:
        assert all(port.is_symlink() for port in city.ports.values())
        assert (tmp_path / "lines" / "sim.sock").is_socket()
    assert list((tmp_path / "lines").iterdir()) == []


def test_a_second_simulator_in_the_same_directory_is_refused(city, tmp_path):
    with pytest.raises(UserError, match="another simulator runs here"), build_city(config(tmp_path)):
        pass
    assert city.ports["line-a"].is_symlink()


def test_what_a_killed_simulator_left_behind_is_replaced(tmp_path):
    directory = tmp_path / "lines"
    directory.mkdir()
    (directory / "line-a").symlink_to("/dev/pts/99999")
    (directory / "sim.sock").touch()
    with build_city(config(tmp_path), weather=lambda _: WEATHER) as city:
        assert city.ports["line-a"].resolve().is_char_device()


def test_a_file_in_the_way_of_a_port_is_left_alone(tmp_path):
    directory = tmp_path / "lines"
    directory.mkdir()
    (directory / "line-b").write_text("mine")
    with pytest.raises(UserError, match="is in the way and is no link"), build_city(config(tmp_path)):
        pass
    assert (directory / "line-b").read_text() == "mine"
    assert [path.name for path in directory.iterdir()] == ["line-b"]


def test_no_simulator_no_answer(tmp_path):
    with pytest.raises(UserError, match="no simulator answers here"):
        ask(tmp_path, AskStatus())
    with pytest.raises(UserError, match="longer than a socket's name may be"):
        ask(tmp_path / ("x" * 120), AskStatus())


def test_stations_far_apart_in_number_are_served_side_by_side(tmp_path):
    """Twenty lines with eight stations each, all asked at once."""
    lines = tuple(
        LineConfig(
            f"line-{line:02}",
            tuple(
                StationConfig(f"s-{line}-{unit}", unit, "renke_rs_fsxcs", response_time_s=0.0) for unit in range(1, 9)
            ),
            timing=False,
        )
        for line in range(20)
    )
    with running(config(tmp_path, line=lines), weather=lambda _: WEATHER) as city:
        # One thread serves all twenty: on a busy machine the last may wait a while.
        ports = [serial.Serial(str(port), 9600, timeout=10 * TIMEOUT_S) for port in city.ports.values()]
        try:
            for unit in range(1, 9):
                for port in ports:
                    port.write(request(unit, 3, 500, 16))
                for port in ports:
                    assert words_in(port.read(37))[5] == 411
        finally:
            for port in ports:
                port.close()
