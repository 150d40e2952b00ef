"""A Modbus slave on a real pseudo terminal that does what a test's script says, lies included."""

import os
import select
import threading
import time
import tty
from collections.abc import Callable, Sequence
from typing import Self

from contract.profiles import Profile, Readable, Register
from edge.fieldbus.frames import crc16

QUANTITIES = (
    "illuminance_lx",
    "air_temperature_degc",
    "relative_humidity_pct",
    "air_pressure_hpa",
    "wind_speed_ms",
    "wind_gust_ms",
    "wind_direction_deg",
    "global_radiation_wm2",
    "rain_intensity_mmh",
    "noise_level_db",
    "pm2_5_ugm3",
    "pm10_ugm3",
)
BASE = 100


def bench_profile(name: str = "bench", response_s: float = 0.1, registers: int = 12) -> Profile:
    """A device with registers from BASE; the first serves a number that tells answers apart."""
    return Profile(
        name=name,
        title="bench device",
        source=("test",),
        function=3,
        register=tuple(Register(quantity, BASE + index) for index, quantity in enumerate(QUANTITIES[:registers])),
        readable=(Readable(BASE, BASE + registers - 1),),
        response_time_max_s=response_s,
    )


def frame(*data: int) -> bytes:
    return bytes(data) + crc16(bytes(data))


def answer(request: bytes, words: Sequence[int]) -> bytes:
    """The true reply to a read request, with these register values."""
    return frame(request[0], request[1], 2 * len(words), *(byte for word in words for byte in word.to_bytes(2, "big")))


def exception(request: bytes, code: int) -> bytes:
    return frame(request[0], request[1] | 0x80, code)


def count_of(request: bytes) -> int:
    return int.from_bytes(request[4:6], "big")


Action = tuple[float, bytes]
"""Seconds after the request, bytes to put on the line then."""
Script = Callable[[int, bytes], Sequence[Action]]
"""(number of the request from 0, the request's bytes) -> what the line does."""


class Slave:
    """Serves while the `with` block runs; `port` is what a master opens; `requests` what it was asked, with the moment."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[tuple[float, bytes]] = []
        self._device, self._line = os.openpty()
        tty.setraw(self._device)
        tty.setraw(self._line)
        self.port = os.ttyname(self._line)
        self._due: list[Action] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="slave")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Ends the thread and closes the line: the master sees its adapter vanish."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            os.close(self._device)
            os.close(self._line)

    def asked(self, unit: int) -> list[float]:
        return [at_s for at_s, request in self.requests if request[0] == unit]

    def _serve(self) -> None:
        heard = b""
        while not self._stop.is_set():
            now_s = time.monotonic()
            for at_s, data in [action for action in self._due if action[0] <= now_s]:
                self._due.remove((at_s, data))
                os.write(self._device, data)
            wait_s = min((at_s - now_s for at_s, _ in self._due), default=0.02)
            if select.select([self._device], [], [], max(0.0, min(wait_s, 0.02)))[0]:
                heard += os.read(self._device, 4096)
                while len(heard) >= 8:
                    request, heard = heard[:8], heard[8:]
                    self.requests.append((time.monotonic(), request))
                    actions = self.script(len(self.requests) - 1, request)
                    self._due.extend((time.monotonic() + after_s, data) for after_s, data in actions)
