"""Surfaces and prepared cities on disk.

A surface is an npz with ``dsm``, ``dem``, ``cdsm`` [m], ``pixel_size`` [m], ``lat``, ``lon`` and, where known,
``altitude``. A prepared city is one file of our own: it is mapped into memory rather than read, so that opening one is
instant and several processes share its pages.

    8 bytes    magic "KUMACITY"
    4 bytes    version, little endian
    4 bytes    length of the header
    4 bytes    CRC-32 of the header
    n bytes    header: JSON with the city's numbers and, per array, name, type, shape, offset and CRC-32
    ...        the arrays, each beginning at a multiple of 4096 bytes
"""

import json
import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from central.heat.geometry import Geometry
from central.heat.geometry.blocks import BlockedHeights
from central.heat.surface import Surface
from contract.errors import UserError
from contract.whole_file import asked_for

MAGIC: Final = b"KUMACITY"
VERSION: Final = 2
PAGE_BYTES: Final = 4096
HEADER_BYTES_MAX: Final = 1 << 20
FIXED_BYTES: Final = 12

SNIFFED_BYTES: Final = 512
ZIP_MAGIC: Final = b"PK"
KINDS: Final = {
    MAGIC: "a prepared city",
    b"\x93NUMPY": "a single array",
    b"\x1f\x8b": "a gzip file",
    b"II*\0": "a TIFF",
    b"MM\0*": "a TIFF",
    b"\x89HDF": "an HDF5 or NetCDF file",
    b"CDF": "a NetCDF file",
}
"""What people take for a surface, by how it begins."""

NUMBERS: Final = ("rows", "columns", "pixel_size_m", "lat", "lon", "altitude_m")
HEIGHTS: Final = (
    "solid",
    "canopy_top",
    "canopy_base",
    "solid_block_top",
    "canopy_block_top",
    "any_block_top",
    "block_floor",
)
MAPS: Final = ("blocked", "openness_level", "sky_view_padded", "sky_view_buildings_padded", "is_ground")

Array = npt.NDArray[Any]


def save_surface(path: Path, surface: Surface, **beside: Array) -> None:
    """Write a surface as a compressed npz, whole or not at all; ``beside``: further arrays that go with it."""
    with asked_for(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            dsm=surface.dsm,
            dem=surface.dem,
            cdsm=surface.cdsm,
            pixel_size=np.float64(surface.pixel_size_m),
            lat=np.float64(surface.lat),
            lon=np.float64(surface.lon),
            altitude=np.float64(surface.altitude_m),
            **beside,  # type: ignore[arg-type]
        )


def load_surface(path: Path) -> Surface:
    """Read a surface.

    Raises:
        UserError: the file is missing, no npz, lacks an array, or holds a city that ``Surface`` refuses.
    """
    return surface_of(path, arrays_in(path))


def surface_of(path: Path, arrays: dict[str, Array]) -> Surface:
    """The surface among the arrays of a file; see ``load_surface``."""
    wanted = ("dsm", "dem", "cdsm", "pixel_size", "lat", "lon")
    missing = [name for name in wanted if name not in arrays]
    if missing:
        raise UserError(f"lacks {', '.join(missing)}", where=str(path), hint=f"a surface holds {', '.join(wanted)}")
    numbers = {name: _number(path, name, arrays[name]) for name in ("pixel_size", "lat", "lon")}
    altitude_m = _number(path, "altitude", arrays["altitude"]) if "altitude" in arrays else float("nan")
    try:
        return Surface(
            arrays["dsm"],
            arrays["dem"],
            arrays["cdsm"],
            numbers["pixel_size"],
            numbers["lat"],
            numbers["lon"],
            altitude_m=altitude_m,
        )
    except ValueError as error:
        raise UserError(str(error), where=str(path)) from None


def arrays_in(path: Path) -> dict[str, Array]:
    """All arrays of an npz by name; see ``load_surface`` for what is refused."""
    make_one = "make one with `kumagaya heat import`"
    try:
        with path.open("rb") as file:
            begin = file.read(SNIFFED_BYTES)
        if not begin.startswith(ZIP_MAGIC):
            raise UserError(f"is {_kind(begin)}, not an npz of arrays", where=str(path), hint=make_one)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), hint=make_one) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=str(path)) from None
    except MemoryError:
        raise UserError("holds an array that does not fit into memory", where=str(path), hint=make_one) from None
    except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        # NumPy takes whatever it does not know for a pickle and advises to load it as one: nobody should.
        raise UserError(
            "cannot be read as npz: cut short, damaged, or of other things than numbers",
            where=str(path),
            hint=make_one,
        ) from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise UserError(f"{name} is no array", where=str(path), hint=make_one)
    return arrays


def _kind(begin: bytes) -> str:
    """What a file is that begins like this, in the words of who took it for a surface."""
    for magic, kind in KINDS.items():
        if begin.startswith(magic):
            return kind
    if not begin:
        return "an empty file"
    if any(byte < ord(" ") and byte not in b"\t\r\n\f" for byte in begin):
        return "some other file"
    return "XML" if begin.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") else "a text file"


def _number(path: Path, name: str, array: Array) -> float:
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise UserError(f"{name} has shape {array.shape} and type {array.dtype}, must be one number", where=str(path))
    return float(array.ravel()[0])


@dataclass(frozen=True)
class Layout:
    """Where each array begins, counted from the end of the header's page [B]."""

    offsets: Mapping[str, int]
    size_bytes: int

    @classmethod
    def of(cls, shapes: "Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]") -> "Layout":
        """One array after the other, each on its own pages."""
        offsets, offset = {}, 0
        for name, (dtype, shape) in shapes.items():
            offsets[name] = offset
            offset += -(-int(np.prod(shape, dtype=np.int64)) * dtype.itemsize // PAGE_BYTES) * PAGE_BYTES
        return cls(offsets, offset)


def write_header(numbers: Mapping[str, float], arrays: Mapping[str, Array], layout: Layout) -> bytes:
    """The first page of a prepared city; reads every array once for its checksum."""
    entries = [
        {
            "name": name,
            "dtype": array.dtype.str,
            "shape": array.shape,
            "offset": layout.offsets[name],
            "crc32": zlib.crc32(_raw(array)),
        }
        for name, array in arrays.items()
    ]
    header = json.dumps({"city": dict(numbers), "arrays": entries}).encode()
    fixed = MAGIC + struct.pack("<III", VERSION, len(header), zlib.crc32(header))
    return (fixed + header).ljust(PAGE_BYTES, b"\0")


def save_city(path: Path, geometry: Geometry) -> None:
    """Write a prepared city, whole or not at all: a crash leaves the file that was there before."""
    arrays = _arrays_of(geometry)
    layout = Layout.of({name: (array.dtype, array.shape) for name, array in arrays.items()})
    header = write_header({name: getattr(geometry, name) for name in NUMBERS}, arrays, layout)
    with asked_for(path) as part, part.open("wb") as file:
        file.write(header)
        for array in arrays.values():
            _fill_page(file)
            file.write(_raw(array))
        _fill_page(file)
        file.flush()
        os.fsync(file.fileno())


def load_city(path: Path, *, verify: bool = True) -> Geometry:
    """Map a prepared city into memory.

    Args:
        path: file written by ``save_city``.
        verify: compare the checksums, which reads the whole file once (about a second for a gigabyte).

    Raises:
        UserError: the file is missing, no prepared city, of another version, cut short or damaged.
    """
    hint = "prepare it again with `kumagaya heat prepare`"
    try:
        with path.open("rb") as file:
            header, start = _read_header(path, file, hint)
            # A private mapping can be written to without touching the file; the kernels are compiled for writable
            # arrays and would be compiled once more for read-only ones.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), hint="make one with `kumagaya heat prepare`") from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=str(path)) from None
    arrays: dict[str, Array] = {}
    try:
        for entry in header["arrays"]:
            dtype, shape, first = np.dtype(entry["dtype"]), tuple(entry["shape"]), start + int(entry["offset"])
            size = int(np.prod(shape, dtype=np.int64))
            if first + size * dtype.itemsize > len(mapped):
                raise UserError(f"is cut short: array {entry['name']} is incomplete", where=str(path), hint=hint)
            array = np.frombuffer(mapped, dtype=dtype, count=size, offset=first).reshape(shape)
            if verify and zlib.crc32(_raw(array)) != entry["crc32"]:
                raise UserError(f"is damaged: checksum of array {entry['name']} differs", where=str(path), hint=hint)
            arrays[entry["name"]] = array
        fields: dict[str, Any] = {name: header["city"][name] for name in NUMBERS}
        fields |= {name: arrays[name] for name in MAPS}
        return Geometry(heights=BlockedHeights(**{name: arrays[name] for name in HEIGHTS}), **fields)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"is damaged: header is wrong at {error}", where=str(path), hint=hint) from None


def _arrays_of(geometry: Geometry) -> dict[str, Array]:
    named = {name: getattr(geometry.heights, name) for name in HEIGHTS}
    named |= {name: getattr(geometry, name) for name in MAPS}
    return {name: np.ascontiguousarray(array) for name, array in named.items()}


def _raw(array: Array) -> memoryview:
    """The bytes of a contiguous array."""
    return array.reshape(-1).view(np.uint8).data


def _fill_page(file: BinaryIO) -> None:
    file.write(b"\0" * (-file.tell() % PAGE_BYTES))


def _read_header(path: Path, file: BinaryIO, hint: str) -> tuple[dict[str, Any], int]:
    """The header, and where the first array begins."""
    fixed = file.read(len(MAGIC) + FIXED_BYTES)
    if len(fixed) < len(MAGIC) + FIXED_BYTES or not fixed.startswith(MAGIC):
        raise UserError("is not a prepared city", where=str(path), hint="make one with `kumagaya heat prepare`")
    version, length, checksum = struct.unpack("<III", fixed[len(MAGIC) :])
    if version != VERSION:
        raise UserError(f"is of version {version}, this program reads version {VERSION}", where=str(path), hint=hint)
    if length > HEADER_BYTES_MAX:
        raise UserError("is damaged: header is too long", where=str(path), hint=hint)
    text = file.read(length)
    if zlib.crc32(text) != checksum:
        raise UserError("is damaged: checksum of the header differs", where=str(path), hint=hint)
    header: dict[str, Any] = json.loads(text)
    return header, -(-file.tell() // PAGE_BYTES) * PAGE_BYTES
