"""Small stations and lines for the tests of this room."""

from pathlib import Path

from contract.profiles import load_profile
from firmware_sim.bus import Bus
from firmware_sim.frames import with_crc
from firmware_sim.station import Station
from firmware_sim.timing import LineTiming

DEVICES = Path(__file__).resolve().parents[2] / "config" / "devices"
MIDDAY_MS = 1_532_322_960_000
"""2018-07-23 14:16 JST."""


class FixedWeather:
    """The same values whenever asked; `asked` counts."""

    def __init__(self, **values):
        self.values = values
        self.asked = 0

    def at(self, unix_ms):
        self.asked += 1
        return {**self.values, "rain_accumulated_mm": self.asked / 10} if "count" in self.values else self.values


def profile(name):
    return load_profile(DEVICES / f"{name}.toml")


def station(name="renke_rs_fsxcs", unit=1, faults=(), response_time_s=0.02, station_id="kmg-01", **values):
    return Station(
        station_id,
        unit,
        profile(name),
        FixedWeather(**values),
        faults=faults,
        response_time_s=response_time_s,
    )


def bus(*stations, served=None, **timing):
    return Bus(
        "line-a",
        stations,
        LineTiming(**timing),
        lambda: MIDDAY_MS,
        (lambda _: None) if served is None else served.append,
    )


def ask(unit, function, address, count):
    return with_crc(bytes((unit, function)) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


def words_in(frame):
    """The registers in a good read answer."""
    assert frame[1] < 0x80, frame.hex(" ")
    assert frame == with_crc(frame[:-2])
    return [int.from_bytes(frame[at : at + 2], "big") for at in range(3, 3 + frame[2], 2)]


def converse(line, request, now_s=0.0, until_s=10.0):
    """Sends one request and plays the clock forward: [(moment, bytes)]."""
    line.receive(request, now_s)
    heard = []
    while (moment := line.next_s()) is not None and moment <= until_s:
        heard += [(moment, data) for data in line.due(moment)]
    return heard


def request_words(port, unit, function, address, count):
    """Asks over an open serial port and gives the registers of the answer."""
    port.reset_input_buffer()
    port.write(ask(unit, function, address, count))
    return words_in(port.read(5 + 2 * count))
