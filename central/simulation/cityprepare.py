"""Preparing a city straight into its file: band by band, and from where it stopped after a crash.

The file is laid out and mapped into memory first, so that a whole municipality need not fit in it. A journal beside it
names the city and the bands that are on disk; the file takes its name only when all are.
"""

import hashlib
import json
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from central.heat.geometry import Geometry
from central.heat.geometry.blocks import BLOCK, BlockedHeights
from central.heat.geometry.dome import WORDS
from central.heat.geometry.prepared import Room, geometry_of, heights_of, look_round
from central.heat.surface import Surface
from central.simulation.cityfile import HEIGHTS, NUMBERS, PAGE_BYTES, Layout, load_city, write_header
from contract.errors import UserError

ROOM: Final = ("blocked", "openness_level", "sky_view_padded", "sky_view_buildings_padded")

Array = npt.NDArray[Any]


def prepare_city(path: Path, surface: Surface, progress: Callable[[float], None] | None = None) -> Geometry:
    """Prepare a city into a file, going on where an earlier try was cut off.

    Args:
        path: file to write; what an unfinished try left lies beside it as ``.NAME.part`` and ``.NAME.journal``.
        surface: the city.
        progress: called with the share done; what it raises stops the work, which can be taken up again.

    Returns:
        The city as ``load_city`` gives it.

    Raises:
        UserError: the file cannot be written.
    """
    part, journal = path.with_name(f".{path.name}.part"), path.with_name(f".{path.name}.journal")
    heights, is_ground = heights_of(surface)
    rows, blocks = heights.block_floor.shape
    padded = (rows, blocks * BLOCK)
    fixed: dict[str, Array] = {name: getattr(heights, name) for name in HEIGHTS}
    shapes = {
        **{name: (array.dtype, array.shape) for name, array in fixed.items()},
        "blocked": (np.dtype(np.uint64), (rows, blocks, 2 * WORDS, BLOCK)),
        "openness_level": (np.dtype(np.uint8), padded),
        "sky_view_padded": (np.dtype(np.float32), padded),
        "sky_view_buildings_padded": (np.dtype(np.float32), padded),
        "is_ground": (is_ground.dtype, is_ground.shape),
    }
    layout = Layout.of(shapes)
    name = surface_digest(surface)
    try:
        done = _done_before(journal, part, name, PAGE_BYTES + layout.size_bytes)
        if not done:
            with part.open("wb") as empty:
                empty.truncate(PAGE_BYTES + layout.size_bytes)
            journal.write_text(json.dumps({"surface": name}) + "\n")
        with part.open("r+b") as file, journal.open("a") as log:
            mapped = mmap.mmap(file.fileno(), 0)  # closed with its last view, also when the work is cut off
            arrays = {
                entry: np.frombuffer(mapped, dtype, int(np.prod(shape)), PAGE_BYTES + layout.offsets[entry]).reshape(
                    shape
                )
                for entry, (dtype, shape) in shapes.items()
            }
            for entry, array in (*fixed.items(), ("is_ground", is_ground)):
                np.copyto(arrays[entry], array)
            in_file = BlockedHeights(**{entry: arrays[entry] for entry in HEIGHTS})
            del heights, fixed

            def keep(first_row: int) -> None:
                mapped.flush()
                log.write(json.dumps({"band": first_row}) + "\n")
                log.flush()
                os.fsync(log.fileno())

            room = Room(*(arrays[entry] for entry in ROOM))
            look_round(in_file, surface.pixel_size_m, room, done=done, on_band=keep, progress=progress)
            geometry = geometry_of(surface, in_file, arrays["is_ground"], room)
            mapped[:PAGE_BYTES] = write_header({key: getattr(geometry, key) for key in NUMBERS}, arrays, layout)
            mapped.flush()
        part.replace(path)
        journal.unlink()
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror or error}", where=str(path)) from None
    return load_city(path, verify=False)


def _done_before(journal: Path, part: Path, surface: str, size_bytes: int) -> frozenset[int]:
    """First rows of the bands that an earlier try left on disk; none when it was another city's or is damaged."""
    try:
        lines = journal.read_text().splitlines()
        if not lines or json.loads(lines[0]) != {"surface": surface} or part.stat().st_size != size_bytes:
            return frozenset()
    except (OSError, ValueError):
        return frozenset()
    done = set()
    for line in lines[1:]:
        try:
            done.add(int(json.loads(line)["band"]))
        except (ValueError, KeyError, TypeError):
            break  # the end of the last line was cut off
    return frozenset(done)


def surface_digest(surface: Surface) -> str:
    """Names a surface by all that its geometry follows from."""
    digest = hashlib.blake2b(digest_size=12)
    for array in (surface.dsm, surface.dem, surface.cdsm):
        digest.update(repr(array.shape).encode())
        digest.update(array.tobytes())
    numbers = (surface.pixel_size_m, surface.lat, surface.lon, surface.altitude_m)
    digest.update(repr(numbers).encode())
    return digest.hexdigest()
