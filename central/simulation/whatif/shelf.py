"""Finished scenarios on disk: a folder each, with a description and its maps as PNG. One process writes, any may read.

They outlive restarts. Kept are the newest, as many as SCENARIOS_MAX and BYTES_MAX allow; the newest one always. Those of another
city stay where they are until they are the oldest, but are not shown: their maps would lie over the wrong streets.
"""

import os
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog

from central.city.grid import Grid
from central.simulation.frames import Layer, LayerKind
from central.simulation.png import PngError, decode_gray, encode_gray
from central.simulation.whatif.compare import Row
from central.simulation.whatif.maps import kind_of

SCENARIOS_MAX: Final = 64
BYTES_MAX: Final = 512_000_000
"""A grove takes 30 kB a moment, a tower of 60 m 0.9 MB, what changes all of a city of a million cells 3 MB."""
SCRATCH_LIVES_S: Final = 3600.0
NAME: Final = re.compile(r"[0-9a-f]{16}")
VERSION: Final = 1
_ABOUT: Final = "scenario.json"

log = structlog.get_logger("central.simulation")


@dataclass(frozen=True, slots=True)
class KeptLayer:
    """What is known of a map without reading it; see `frames.Layer`."""

    kind: LayerKind
    offset: float
    step: float
    minimum: float | None
    mean: float | None
    maximum: float | None


@dataclass(frozen=True, eq=False)
class KeptResult:
    """`grid`: the window that was compared, None where the changes change no cell; then there are no rows and no layers either."""

    grid: Grid | None
    rows: tuple[Row, ...]
    layers: tuple[Mapping[str, KeptLayer], ...]
    """For each moment, by name."""
    untouched: tuple[int, ...]
    """Features that changed no cell."""
    cropped: tuple[int, ...] = ()
    """Features that reach beyond the map."""


@dataclass(frozen=True, eq=False)
class Kept:
    """A finished scenario."""

    id: str
    submitted_at_ms: int
    changes: int
    result: KeptResult


class _LayerFile(msgspec.Struct, frozen=True):
    offset: float
    step: float
    minimum: float | None
    mean: float | None
    maximum: float | None


class _MomentFile(msgspec.Struct, frozen=True):
    at_ms: int
    hot_m2_before: float
    hot_m2_after: float
    walks_m2: float
    walks_before: dict[str, float | None] | None
    walks_after: dict[str, float | None] | None
    layers: dict[str, _LayerFile]


class _ScenarioFile(msgspec.Struct, frozen=True):
    version: int
    place: str
    submitted_at_ms: int
    changes: int
    grid: tuple[float, float, int, int, float] | None
    moments: list[_MomentFile]
    untouched: list[int]
    cropped: list[int] = []


class ScenarioShelf:
    """Folders under one folder.

    Args:
        folder: made when first written to.
        scenarios_max, bytes_max: what is kept.
    """

    def __init__(self, folder: Path, *, scenarios_max: int = SCENARIOS_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._folder = folder
        self._scenarios_max = scenarios_max
        self._bytes_max = bytes_max

    def load(self, place: str) -> list[Kept]:
        """The scenarios of this place, oldest first.

        What a crash left half written is cleared away; what is damaged is told in the log and left out.
        """
        found = []
        for path in self._folders():
            try:
                about = msgspec.json.decode((path / _ABOUT).read_bytes(), type=_ScenarioFile)
                if about.version == VERSION and about.place == place:
                    found.append(_read(path.name, about))
            except (OSError, msgspec.MsgspecError, KeyError) as error:
                log.warning("a scenario cannot be read and is left out", path=str(path), reason=str(error))
        now_s = time.time()
        for path in self._folder.glob(".*"):
            if now_s - path.stat().st_mtime > SCRATCH_LIVES_S:
                shutil.rmtree(path, ignore_errors=True)
        return sorted(found, key=lambda one: one.submitted_at_ms)

    def put(self, kept: Kept, pixels: tuple[Mapping[str, Layer], ...], place: str) -> frozenset[str]:
        """Writes a scenario, whole or not at all; returns the ids of those that had to go for it. Raises OSError.

        Args:
            kept: what it says.
            pixels: its maps, by moment and name.
            place: which city it is of.
        """
        target = self._folder / kept.id
        scratch = self._folder / f".{kept.id}.{os.getpid()}"
        try:
            scratch.mkdir(parents=True)
            for number, by_name in enumerate(pixels):
                for name, layer in by_name.items():
                    (scratch / f"{number}_{name}.png").write_bytes(encode_gray(layer.level))
            (scratch / _ABOUT).write_bytes(msgspec.json.encode(_written(kept, place)))
            scratch.rename(target)
        except OSError:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        return self._prune(kept.id)

    def layer(self, kept: Kept, moment: int, name: str) -> Layer | None:
        """The map with its pixels; None when its file is gone or damaged."""
        about = kept.result.layers[moment][name]
        try:
            level = decode_gray((self._folder / kept.id / f"{moment}_{name}.png").read_bytes())
        except (OSError, PngError) as error:
            log.warning("a map of a scenario cannot be read", scenario=kept.id, layer=name, reason=str(error))
            return None
        return Layer(about.kind, level, about.offset, about.step, about.minimum, about.mean, about.maximum)

    def forget(self, name: str) -> None:
        """Removes a scenario; nothing happens when there is none."""
        shutil.rmtree(self._folder / name, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return [path for path in self._folder.glob("*") if NAME.fullmatch(path.name) and path.is_dir()]

    def _prune(self, newest: str) -> frozenset[str]:
        """Removes the oldest until the rest is within both bounds."""
        by_age = sorted(self._folders(), key=lambda path: path.stat().st_mtime_ns)
        sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in by_age}
        count, size, gone = len(by_age), sum(sizes.values()), []
        for path in by_age:
            if count <= self._scenarios_max and size <= self._bytes_max:
                break
            if path.name != newest:
                shutil.rmtree(path, ignore_errors=True)
                gone.append(path.name)
                count, size = count - 1, size - sizes[path]
        return frozenset(gone)


def kept_layers(pixels: tuple[Mapping[str, Layer], ...]) -> tuple[Mapping[str, KeptLayer], ...]:
    """What is known of the maps, without their pixels."""
    return tuple(
        {
            name: KeptLayer(layer.kind, layer.offset, layer.step, layer.minimum, layer.mean, layer.maximum)
            for name, layer in by_name.items()
        }
        for by_name in pixels
    )


def _written(kept: Kept, place: str) -> _ScenarioFile:
    result, grid = kept.result, kept.result.grid
    return _ScenarioFile(
        VERSION,
        place,
        kept.submitted_at_ms,
        kept.changes,
        None if grid is None else (grid.x_west_m, grid.y_north_m, grid.width, grid.height, grid.pixel_size_m),
        [
            _MomentFile(
                row.at_ms,
                row.hot_m2_before,
                row.hot_m2_after,
                row.walks_m2,
                None if row.walks_before is None else dict(row.walks_before),
                None if row.walks_after is None else dict(row.walks_after),
                {
                    name: _LayerFile(layer.offset, layer.step, layer.minimum, layer.mean, layer.maximum)
                    for name, layer in by_name.items()
                },
            )
            for row, by_name in zip(result.rows, result.layers, strict=True)
        ],
        list(result.untouched),
        list(result.cropped),
    )


def _read(name: str, about: _ScenarioFile) -> Kept:
    """Raises KeyError for a map of a name that is not known."""
    rows = tuple(
        Row(
            at_ms=one.at_ms,
            hot_m2_before=one.hot_m2_before,
            hot_m2_after=one.hot_m2_after,
            walks_m2=one.walks_m2,
            walks_before=_means(one.walks_before),
            walks_after=_means(one.walks_after),
        )
        for one in about.moments
    )
    layers = tuple(
        {
            layer: KeptLayer(kind_of(layer), it.offset, it.step, it.minimum, it.mean, it.maximum)
            for layer, it in one.layers.items()
        }
        for one in about.moments
    )
    grid = None if about.grid is None else Grid(*about.grid)
    result = KeptResult(grid, rows, layers, tuple(about.untouched), tuple(about.cropped))
    return Kept(name, about.submitted_at_ms, about.changes, result)


def _means(written: Mapping[str, float | None] | None) -> Mapping[str, float] | None:
    """JSON has no NaN: a mean that is not defined is written as null."""
    if written is None:
        return None
    return {name: float("nan") if value is None else value for name, value in written.items()}
