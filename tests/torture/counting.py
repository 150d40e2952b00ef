"""Simulated stations whose every answer is a number that was never served before: what is stored says by itself which answer it was.

`python -m tests.torture.counting CONFIG STARTED_UNIX_S` serves until SIGTERM.
"""

import signal
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from contract.quantities import QUANTITIES
from firmware_sim.city import build_city
from firmware_sim.config import load_config

PROFILE = "counting"
RESPONSE_S = 0.4
"""Generous: a busy machine is no fault of the line."""
TICKS_PER_S = 100
STATION_TICKS = 1_000_000
"""A station's numbers begin at its index times this."""
_U16 = (
    ("air_temperature_degc", 0.01),
    ("relative_humidity_pct", 0.01),
    ("air_pressure_hpa", 0.01),
    ("wind_speed_ms", 0.005),
    ("wind_gust_ms", 0.005),
    ("wind_direction_deg", 0.01),
    ("global_radiation_wm2", 0.1),
    ("dew_point_degc", 0.01),
    ("rain_intensity_mmh", 0.01),
    ("noise_level_db", 0.005),
)
FIRST, LAST = "rain_accumulated_mm", "illuminance_lx"
"""At both ends of the block; 32 bits, so that they never come round. Everything between comes round at different numbers."""
_LX_PER_TICK = 0.01


def profile() -> dict[str, object]:
    """A device of twelve quantities in one block, with room behind it: a longer question is a different one."""
    registers: list[dict[str, object]] = [{"quantity": FIRST, "address": 0, "type": "u32", "scale": 0.01}]
    registers += [
        {"quantity": name, "address": address, "scale": scale, "offset": QUANTITIES[name].minimum}
        for address, (name, scale) in enumerate(_U16, 2)
    ]
    registers.append({"quantity": LAST, "address": 2 + len(_U16), "type": "u32", "scale": _LX_PER_TICK})
    return {
        "name": PROFILE,
        "title": "a station that counts its answers",
        "source": ["tests"],
        "function": 3,
        "response_time_max_s": RESPONSE_S,
        "register": registers,
        "readable": [{"first": 0, "last": 99}],
    }


def write_profile(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{PROFILE}.toml").write_text(tomli_w.dumps(profile()))


def values(station: int, number: int) -> dict[str, float | None]:
    """What the station with this index serves as its answer `number`."""
    sample: dict[str, float | None] = {
        FIRST: (station * STATION_TICKS + number) * 0.01,
        LAST: (station * STATION_TICKS + number) * _LX_PER_TICK,
    }
    for index, (name, scale) in enumerate(_U16):
        quantity = QUANTITIES[name]
        span = min(65_536, int((quantity.maximum - quantity.minimum) / scale))
        sample[name] = quantity.minimum + (number + station * 701 + index * 97) % span * scale
    return sample


class Counting:
    """A weather source that never says the same twice, not even after it was killed: numbers follow the time since the start."""

    def __init__(self, station: int, started_unix_s: float) -> None:
        self._station = station
        self._started_unix_s = started_unix_s
        self._number = 0

    def at(self, unix_ms: int) -> Mapping[str, float | None]:
        elapsed = int((time.time() - self._started_unix_s) * TICKS_PER_S)
        self._number = max(self._number + 1, elapsed)
        return values(self._station, self._number)


def main() -> None:
    config, started_unix_s = load_config(Path(sys.argv[1])), float(sys.argv[2])
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    index = {station.id: number for number, station in enumerate(s for line in config.line for s in line.station)}
    with build_city(config, weather=lambda station: Counting(index[station.id], started_unix_s)) as city:
        city.serve(stop)


if __name__ == "__main__":
    main()
