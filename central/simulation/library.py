"""Where frames are kept and found again: descriptions in the store, layers as PNG files beside it."""

import os
import re
import shutil
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from central.city.model import City
from central.simulation.frames import LAYERS, Layer
from central.simulation.png import PngError, decode_gray, encode_gray
from central.store.door import Frame, FramePage

if TYPE_CHECKING:
    from concurrent.futures import Future

FRAME_ID: Final = re.compile(r"[0-9]{8}T[0-9]{9}Z")
MS_PER_MINUTE: Final = 60_000
KEEP_EVERY_MS: Final = 10 * MS_PER_MINUTE
KEEP_SPAN_MS: Final = 24 * 60 * MS_PER_MINUTE
COMMIT_TIMEOUT_S: Final = 10.0
DECODED_MAX: Final = 8
"""Decoded layers held in memory: the two or three of the newest frame that questions are asked about."""


class FrameStore(Protocol):
    """What the library needs of the store."""

    def add_frame(self, frame: Frame) -> "Future[None]": ...
    def delete_frames(self, frame_ids: Sequence[str]) -> "Future[None]": ...
    def latest_frame(self) -> Frame | None: ...
    def frame(self, frame_id: str) -> Frame | None: ...
    def frames(self, limit: int = 100, after: str | None = None) -> FramePage: ...


def frame_id(at_ms: int) -> str:
    """The name of the frame of a moment: 20180723T051600000Z, so that names sort as the moments do."""
    moment = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{moment:%Y%m%dT%H%M%S}{at_ms % 1000:03d}Z"


class LayerSummary(msgspec.Struct, frozen=True):
    """How to read a layer's levels, and its statistics over outdoor ground (None without ground)."""

    offset: float
    step: float
    minimum: float | None
    mean: float | None
    maximum: float | None


class FrameMeta(msgspec.Struct, frozen=True):
    """What the store keeps of a frame beside its moment.

    Attributes:
        weather: what the step was run with, units in the names.
        assumed: quantities that no station gave.
        corners: (lon, lat) NW, NE, SE, SW.
        bounds: west, south, east, north [degrees].
    """

    weather: dict[str, float | str | None]
    assumed: list[str]
    stations_used: list[str]
    step_ms: float
    corners: list[tuple[float, float]]
    bounds: dict[str, float]
    width: int
    height: int
    pixel_size_m: float
    layers: dict[str, LayerSummary]
    band_share: dict[str, float]


class FrameLibrary:
    """Frames of one city. One process writes, any number reads."""

    def __init__(self, store: FrameStore, folder: Path, *, recent_max: int = 120) -> None:
        self._store = store
        self._folder = folder
        self._recent_max = recent_max
        self._decoded: OrderedDict[tuple[str, str], Layer] = OrderedDict()
        self._lock = threading.Lock()

    # Reading

    def latest(self) -> Frame | None:
        return self._store.latest_frame()

    def frame(self, name: str) -> Frame | None:
        """The frame of this name; None for one that was pruned or never was."""
        return self._store.frame(name) if FRAME_ID.fullmatch(name) else None

    def page(self, limit: int, after: str | None = None) -> FramePage:
        """Newest first. Raises the store's BadCursor for a foreign `after`."""
        return self._store.frames(limit, after)

    def png_path(self, name: str, layer: str) -> Path | None:
        """The layer's file, None when there is none."""
        if not FRAME_ID.fullmatch(name) or layer not in LAYERS:
            return None
        path = self._folder / name / f"{layer}.png"
        return path if path.is_file() else None

    def layer(self, frame: Frame, layer: str) -> Layer | None:
        """The decoded layer; None when its file is gone or damaged."""
        with self._lock:
            if (frame.id, layer) in self._decoded:
                self._decoded.move_to_end((frame.id, layer))
                return self._decoded[frame.id, layer]
        path = self.png_path(frame.id, layer)
        summary = meta_of(frame).layers.get(layer)
        if path is None or summary is None:
            return None
        try:
            level = decode_gray(path.read_bytes())
        except (OSError, PngError):
            return None
        decoded = Layer(
            LAYERS[layer], level, summary.offset, summary.step, summary.minimum, summary.mean, summary.maximum
        )
        self._remember(frame.id, decoded)
        return decoded

    # Writing

    def keep(self, frame: Frame, layers: Sequence[Layer]) -> None:
        """Writes the layers, then the description: a frame that can be found is complete.

        Raises:
            OSError: the folder cannot be written.
            StoreUnavailable: the store cannot be written.

        """
        target = self._folder / frame.id
        scratch = self._folder / f".{frame.id}.{os.getpid()}"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        for layer in layers:
            (scratch / f"{layer.kind.name}.png").write_bytes(encode_gray(layer.level))
        if target.exists():
            shutil.rmtree(target)
        scratch.rename(target)
        self._store.add_frame(frame).result(COMMIT_TIMEOUT_S)
        for layer in layers:
            self._remember(frame.id, layer)

    def prune(self) -> int:
        """Forgets what `outlived` names, descriptions first; then files without a description. Returns how many went."""
        known = [(frame.id, frame.at_ms) for frame in self._all()]
        gone = outlived(known, self._recent_max)
        if gone:
            self._store.delete_frames(gone).result(COMMIT_TIMEOUT_S)
        kept = {name for name, _ in known} - set(gone)
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name not in kept and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
        return len(gone)

    def forget_others(self, city: City) -> int:
        """Forgets the frames of any other city that this folder was used for before. Returns how many went."""
        gone = [frame.id for frame in self._all() if not shows(frame, city)]
        if gone:
            self._store.delete_frames(gone).result(COMMIT_TIMEOUT_S)
        return len(gone)

    def _all(self) -> Iterator[Frame]:
        after: str | None = None
        while True:
            page = self._store.frames(1000, after)
            yield from page.frames
            after = page.next_cursor
            if after is None:
                return

    def _remember(self, name: str, layer: Layer) -> None:
        with self._lock:
            self._decoded[name, layer.kind.name] = layer
            while len(self._decoded) > DECODED_MAX:
                self._decoded.popitem(last=False)


def outlived(frames: Sequence[tuple[str, int]], recent_max: int) -> list[str]:
    """Which of the frames (id, at_ms; the one added last first) can go.

    Kept are the `recent_max` added last, and of the older ones the last of every ten minutes of the day before the newest.
    """
    if not frames:
        return []
    newest_ms = frames[0][1]
    slots = {at_ms // KEEP_EVERY_MS for _, at_ms in frames[:recent_max]}
    gone = []
    for name, at_ms in frames[recent_max:]:
        slot = at_ms // KEEP_EVERY_MS
        if slot in slots or not 0 <= newest_ms - at_ms <= KEEP_SPAN_MS:
            gone.append(name)
        slots.add(slot)
    return gone


def corners_of(city: City) -> list[tuple[float, float]]:
    """(lon, lat) of the raster's corners NW, NE, SE, SW, to the centimetre."""
    return [(round(lon, 7), round(lat, 7)) for lon, lat in city.corners]


def shows(frame: Frame, city: City) -> bool:
    """Whether the frame is one of this city, cell for cell."""
    meta = meta_of(frame)
    return (meta.width, meta.height) == (city.grid.width, city.grid.height) and meta.corners == corners_of(city)


def meta_of(frame: Frame) -> FrameMeta:
    """The frame's description as a typed value."""
    return msgspec.convert(frame.meta, FrameMeta)


def meta_dict(meta: FrameMeta) -> dict[str, Any]:
    """The description as the store takes it."""
    plain: dict[str, Any] = msgspec.to_builtins(meta)
    return plain
