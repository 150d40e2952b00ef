"""Where the forecast is kept: one description, pictures beside it, and the scores of the past. One process writes, any may read."""

import os
import re
import shutil
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import structlog

from central.simulation.forecast.skill import Skill
from central.simulation.frames import LAYERS, Layer
from central.simulation.library import FrameMeta, frame_id
from central.simulation.png import PngError, decode_gray, encode_gray
from contract.whole_file import whole_file

HOUR_ID: Final = re.compile(r"[0-9]{8}T[0-9]{9}Z_[0-9]{8}T[0-9]{9}Z")
DECODED_MAX: Final = 32
"""Decoded layers held in memory, a megabyte each in a city of a million cells: the WBGT of every hour, and a few more."""

T = TypeVar("T")
log = structlog.get_logger("central.simulation")


class ForecastHour(msgspec.Struct, frozen=True):
    """One hour to come. `source`: blended, or supplied where the air temperature is from the file."""

    id: str
    valid_ms: int
    source: str
    meta: FrameMeta


class SuppliedNote(msgspec.Struct, frozen=True):
    """What became of the supplied file: rows in it, rows that can be used, and one line for each of the others."""

    rows: int
    usable: int
    problems: list[str]


class Forecast(msgspec.Struct, frozen=True):
    """`history_days`: how much of the stations' past it rests on; below 3 the day's shape is the built-in one."""

    issued_ms: int
    history_days: float
    hours: list[ForecastHour]
    supplied: SuppliedNote | None = None


def hour_id(valid_ms: int, issued_ms: int) -> str:
    """Names an hour of one issue, so that its pictures never change under their address."""
    return f"{frame_id(valid_ms)}_{frame_id(issued_ms)}"


class ForecastShelf:
    """Files under one folder.

    Args:
        folder: made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._decoded: OrderedDict[tuple[str, str], Layer] = OrderedDict()
        self._read: dict[Path, tuple[int, object]] = {}

    def current(self) -> Forecast | None:
        """The newest forecast; None before the first."""
        return self._load(self._folder / "current.json", Forecast)

    def skill(self) -> Skill:
        return self._load(self._folder / "skill.json", Skill) or Skill()

    def png_path(self, name: str, layer: str) -> Path | None:
        """The layer's file, None when there is none."""
        if not HOUR_ID.fullmatch(name) or layer not in LAYERS:
            return None
        path = self._folder / "hours" / name / f"{layer}.png"
        return path if path.is_file() else None

    def layer(self, hour: ForecastHour, layer: str) -> Layer | None:
        """The decoded layer; None when its file is gone or damaged."""
        key = (hour.id, layer)
        with self._lock:
            if key in self._decoded:
                self._decoded.move_to_end(key)
                return self._decoded[key]
        path, summary = self.png_path(hour.id, layer), hour.meta.layers.get(layer)
        if path is None or summary is None:
            return None
        try:
            level = decode_gray(path.read_bytes())
        except (OSError, PngError):
            return None
        decoded = Layer(
            LAYERS[layer], level, summary.offset, summary.step, summary.minimum, summary.mean, summary.maximum
        )
        with self._lock:
            self._decoded[key] = decoded
            while len(self._decoded) > DECODED_MAX:
                self._decoded.popitem(last=False)
        return decoded

    def put_hour(self, name: str, layers: Sequence[Layer]) -> None:
        """Writes one hour's pictures, whole or not at all. Raises OSError."""
        target = self._folder / "hours" / name
        scratch = target.with_name(f".{name}.{os.getpid()}")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for layer in layers:
            (scratch / f"{layer.kind.name}.png").write_bytes(encode_gray(layer.level))
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)

    def publish(self, forecast: Forecast) -> None:
        """Makes a forecast the current one; pictures of the one before stay for those who still hold its addresses. Raises OSError."""
        former = self.current()
        self._write(self._folder / "current.json", forecast)
        kept = {hour.id for one in (former, forecast) if one is not None for hour in one.hours}
        for path in (self._folder / "hours").glob("*"):
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    def keep_skill(self, skill: Skill) -> None:
        """Raises OSError."""
        self._write(self._folder / "skill.json", skill)

    def forget(self) -> None:
        """The city is another one: its pictures would be laid over the wrong streets."""
        (self._folder / "current.json").unlink(missing_ok=True)
        shutil.rmtree(self._folder / "hours", ignore_errors=True)

    def _write(self, path: Path, value: object) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part:
            part.write_bytes(msgspec.json.encode(value))

    def _load(self, path: Path, kind: type[T]) -> T | None:
        """Read again only when the file changed."""
        try:
            changed_ns = path.stat().st_mtime_ns
            with self._lock:
                held = self._read.get(path)
            if held is not None and held[0] == changed_ns and isinstance(held[1], kind):
                return held[1]
            value = msgspec.json.decode(path.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("a file of the forecast cannot be read and is made again", path=str(path), reason=str(error))
            return None
        with self._lock:
            self._read[path] = (changed_ns, value)
        return value
