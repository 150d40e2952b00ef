"""A city file opened safely and read element by element, so that its size does not matter.

External entities, networks and document types are off: city files have none, and a document type is the way to make
a small file grow without end in memory. Every way a file can be the wrong one ends in a UserError of one line.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from lxml import etree

from contract.errors import UserError

Element = Any
"""lxml's element; the library ships no types."""

_SNIFFED_BYTES = 512
_ARCHIVES = {
    b"PK\x03\x04": "a zip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
}
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def local_name(element: Element) -> str:
    """The tag without its namespace: PLATEAU's editions differ in namespaces only. Comments have none."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def root_name(path: Path) -> str:
    """Local name of the document's root element.

    Raises:
        UserError: the file is absent, unreadable, empty, packed, not XML, or has a document type.
    """
    with _opened(path) as stream:
        head = _first_bytes(path, stream)
    if not head.strip():
        raise UserError("the file is empty", where=str(path))
    for magic, kind in _ARCHIVES.items():
        if head.startswith(magic):
            raise UserError(f"the file is {kind}, not CityGML", where=str(path), hint="unpack it first")
    if not head.startswith(_BYTE_ORDER_MARKS) and not head.lstrip().startswith(b"<"):
        raise UserError(f"the file is not XML, it begins with {head[:16]!r}", where=str(path))
    with _opened(path) as stream:
        # Not huge_tree here: the limits of libxml2 hold until the absence of a document type is certain.
        for _, element in _guarded(path, etree.iterparse(stream, events=("start",), **_SAFE)):
            if element.getroottree().docinfo.internalDTD is not None:
                raise UserError("the file has a document type (DOCTYPE), city files have none", where=str(path))
            return local_name(element)
    raise UserError("the file has no element", where=str(path))


_SAFE: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "remove_comments": True}


def each_element(path: Path, names: tuple[str, ...]) -> Iterator[Element]:
    """Every element of these local names when its end is reached; it is freed when the next one is asked for.

    The file must have passed `root_name`. An element inside another of the names comes first. Who stops asking stops
    the reading.

    Raises:
        UserError: the file breaks off or is no well-formed XML, with the line.
    """
    tags = tuple("{*}" + name for name in names)
    with _opened(path) as stream:
        for _, element in _guarded(path, etree.iterparse(stream, events=("end",), tag=tags, huge_tree=True, **_SAFE)):
            yield element
            element.clear(keep_tail=False)
            parent = element.getparent()
            while parent is not None and element.getprevious() is not None:
                del parent[0]


def elements(path: Path, names: tuple[str, ...], handle: Callable[[Element], None]) -> None:
    """Hands every element of `each_element` to `handle`."""
    for element in each_element(path, names):
        handle(element)


def _opened(path: Path) -> BinaryIO:
    try:
        if not path.exists():
            raise UserError("no such file or folder", where=str(path))
        if path.is_dir():
            raise UserError("this is a folder, a file was expected", where=str(path))
        plain = path.open("rb")
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=str(path)) from None
    packed = plain.read(2) == b"\x1f\x8b"
    plain.seek(0)
    if packed:
        plain.close()
        return cast("BinaryIO", gzip.open(path, "rb"))
    if path.suffix == ".gz" and plain.read(1):
        plain.close()
        raise UserError("the name ends in .gz but the content is not gzip", where=str(path))
    plain.seek(0)
    return plain


def _first_bytes(path: Path, stream: BinaryIO) -> bytes:
    try:
        return stream.read(_SNIFFED_BYTES)
    except (EOFError, OSError, zlib.error) as error:
        raise _broken_gzip(path, error) from None


def _guarded(path: Path, events: Any) -> Iterator[tuple[str, Element]]:
    """The parser's events; its errors and those of gzip become one clear line."""
    try:
        yield from events
    except etree.XMLSyntaxError as error:
        line = f", line {error.lineno}" if error.lineno else ""
        reason = str(error.msg or "no reason given").splitlines()[0]
        raise UserError(
            f"the XML is broken or breaks off: {reason}",
            where=f"{path}{line}",
            hint="download the file again",
        ) from None
    except (EOFError, OSError, zlib.error) as error:
        raise _broken_gzip(path, error) from None


def _broken_gzip(path: Path, error: Exception) -> UserError:
    return UserError(
        f"the gzip stream is broken or breaks off: {error}", where=str(path), hint="download the file again"
    )
