"""Preparing a city straight into its file: band by band, and from where it stopped after a crash.

The file is laid out and mapped into memory first, so that a whole municipality need not fit in it. A journal beside it
names the city, the program and the bands that are on disk; the file takes its name only when all are. One run at a time
works at a file: it holds a lock on the journal, which goes with it however it ends.
"""

import fcntl
import hashlib
import json
import mmap
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
import numpy.typing as npt

from central.heat import geometry as geometry_room
from central.heat.compiled import digest_of
from central.heat.geometry import Geometry, prepared
from central.heat.geometry.blocks import BLOCK, BlockedHeights
from central.heat.geometry.dome import WORDS
from central.heat.geometry.prepared import Room, geometry_of, heights_of, look_round
from central.heat.surface import Surface
from central.simulation import cityfile
from central.simulation.cityfile import HEIGHTS, NUMBERS, PAGE_BYTES, Layout, load_city, write_header
from contract.errors import UserError

ROOM: Final = ("blocked", "openness_level", "sky_view_padded", "sky_view_buildings_padded")

Array = npt.NDArray[Any]
Shapes = dict[str, tuple[np.dtype[Any], tuple[int, ...]]]


def prepare_city(path: Path, surface: Surface, progress: Callable[[float], None] | None = None) -> Geometry:
    """Prepare a city into a file, going on where an earlier try was cut off.

    Args:
        path: file to write; what an unfinished try left lies beside it as ``.NAME.part`` and ``.NAME.journal``.
        surface: the city.
        progress: called with the share done; what it raises stops the work, which can be taken up again.

    Returns:
        The city as ``load_city`` gives it.

    Raises:
        UserError: the file cannot be written, the disk has no room for it, or another run prepares it just now.
    """
    part, journal = path.with_name(f".{path.name}.part"), path.with_name(f".{path.name}.journal")
    if path.is_dir():
        raise UserError("cannot be written: it is a folder", where=str(path))
    try:
        with _held(journal, path) as log:
            try:
                _prepare(part, log, surface, progress)
                part.replace(path)
            except BaseException:
                if not _bands(_lines(journal)):  # nothing to take up again
                    part.unlink(missing_ok=True)
                    journal.unlink()
                raise
            journal.unlink()
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror or error}", where=str(path)) from None
    return load_city(path, verify=False)


def _prepare(part: Path, log: TextIO, surface: Surface, progress: Callable[[float], None] | None) -> None:
    """Fill ``part``; ``log`` is the journal that this run holds."""
    heights, is_ground = heights_of(surface)
    rows, blocks = heights.block_floor.shape
    padded = (rows, blocks * BLOCK)
    fixed: dict[str, Array] = {name: getattr(heights, name) for name in HEIGHTS}
    shapes: Shapes = {
        **{name: (array.dtype, array.shape) for name, array in fixed.items()},
        "blocked": (np.dtype(np.uint64), (rows, blocks, 2 * WORDS, BLOCK)),
        "openness_level": (np.dtype(np.uint8), padded),
        "sky_view_padded": (np.dtype(np.float32), padded),
        "sky_view_buildings_padded": (np.dtype(np.float32), padded),
        "is_ground": (is_ground.dtype, is_ground.shape),
    }
    layout = Layout.of(shapes)
    size_bytes = PAGE_BYTES + layout.size_bytes
    head = {"surface": surface_digest(surface), "version": cityfile.VERSION, "program": _program_digest(shapes)}
    done = _done_before(Path(log.name), part, head, size_bytes)
    if done:
        log.write("\n")  # a line that a crash cut off stays a line of its own
    else:
        log.truncate(0)
    with part.open("r+b" if done else "wb+") as file:
        # A page of a sparse file that the disk has no room for kills whoever writes to it (SIGBUS): room for all first.
        os.posix_fallocate(file.fileno(), 0, size_bytes)
        if not done:
            _note(log, head)
        mapped = mmap.mmap(file.fileno(), 0)  # closed with its last view, also when the work is cut off
        arrays = {
            entry: np.frombuffer(mapped, dtype, int(np.prod(shape)), PAGE_BYTES + layout.offsets[entry]).reshape(shape)
            for entry, (dtype, shape) in shapes.items()
        }
        for entry, array in (*fixed.items(), ("is_ground", is_ground)):
            np.copyto(arrays[entry], array)
        in_file = BlockedHeights(**{entry: arrays[entry] for entry in HEIGHTS})
        del heights, fixed

        def keep(first_row: int) -> None:
            mapped.flush()
            _note(log, {"band": first_row})

        room = Room(*(arrays[entry] for entry in ROOM))
        look_round(in_file, surface.pixel_size_m, room, done=done, on_band=keep, progress=progress)
        geometry = geometry_of(surface, in_file, arrays["is_ground"], room)
        mapped[:PAGE_BYTES] = write_header({key: getattr(geometry, key) for key in NUMBERS}, arrays, layout)
        mapped.flush()


@contextmanager
def _held(journal: Path, path: Path) -> Iterator[TextIO]:
    """The journal, open for reading and appending, for this run alone."""
    while True:
        with journal.open("a+", encoding="utf-8") as log:
            try:
                fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(
                    "another run prepares this file", where=str(path), hint="wait until it is done"
                ) from None
            # A run that ended between the two lines above took the journal along: then this one is nobody's.
            if _is_in_place(journal, log):
                yield log
                return


def _is_in_place(journal: Path, log: TextIO) -> bool:
    try:
        return os.path.samestat(journal.stat(), os.fstat(log.fileno()))
    except FileNotFoundError:
        return False


def _note(log: TextIO, entry: dict[str, Any]) -> None:
    """Add a line to the journal that outlives a power cut."""
    log.write(json.dumps(entry) + "\n")
    log.flush()
    os.fsync(log.fileno())


def _lines(journal: Path) -> list[Any]:
    """What the journal says, line by line; a line that a crash cut off says nothing."""
    said: list[Any] = []
    for line in journal.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            said.append(json.loads(line))
        except ValueError:
            said.append(None)
    return said


def _bands(lines: list[Any]) -> frozenset[int]:
    """First rows of the bands that are on disk."""
    bands = (line.get("band") for line in lines[1:] if isinstance(line, dict))
    return frozenset(band for band in bands if isinstance(band, int))


def _done_before(journal: Path, part: Path, head: dict[str, Any], size_bytes: int) -> frozenset[int]:
    """First rows of the bands that an earlier try left on disk.

    None when it was another city's, another program's or is damaged.
    """
    lines = _lines(journal)
    if not lines or lines[0] != head or not part.exists() or part.stat().st_size != size_bytes:
        return frozenset()
    return _bands(lines)


def _program_digest(shapes: Shapes) -> str:
    """Names all but the city that a band follows from: how the sky is looked at, in which bands, and how it is laid down.

    The sources rather than a list of their constants: such a list would lack the next one. A change that changes nothing
    makes an unfinished try begin anew, no more.
    """
    room = Path(geometry_room.__file__).parent
    laid_down = [(name, dtype.str, shape) for name, (dtype, shape) in shapes.items()]
    told = (digest_of(room, room), prepared.ROWS_PER_BAND, laid_down)
    return hashlib.blake2b(repr(told).encode(), digest_size=12).hexdigest()


def surface_digest(surface: Surface) -> str:
    """Names a surface by all that its geometry follows from."""
    digest = hashlib.blake2b(digest_size=12)
    for array in (surface.dsm, surface.dem, surface.cdsm):
        digest.update(repr(array.shape).encode())
        digest.update(array.tobytes())
    numbers = (surface.pixel_size_m, surface.lat, surface.lon, surface.altitude_m)
    digest.update(repr(numbers).encode())
    return digest.hexdigest()
