"""What survives a restart: the last document that proved itself, the one that did not, and the one under trial. One small file."""

import contextlib
import os
from pathlib import Path

import msgspec

from contract.twin import Desired, Refused

FILE_NAME = "desired.json"


class Failed(msgspec.Struct, frozen=True):
    """A document that is not tried again: central sends the same one after every connect."""

    version: int
    digest: str
    refused: Refused
    rolled_back: bool


class Tried(msgspec.Struct, frozen=True):
    """A document under trial; `starts`: how many times the agent began with it."""

    version: int
    digest: str
    starts: int


class Memory(msgspec.Struct, frozen=True):
    """The whole file."""

    applied: Desired | None = None
    failed: Failed | None = None
    tried: Tried | None = None


def load(folder: Path) -> tuple[Memory, str]:
    """What the file says, and a problem in words ("" when there is none): a missing or damaged file is an empty memory."""
    path = folder / FILE_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Memory), ""
    except FileNotFoundError:
        return Memory(), ""
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        return Memory(), f"{path}: {error}"


def save(folder: Path, memory: Memory) -> None:
    """Replaces the file as a whole, on disk when it returns. Raises OSError; the old file is then still there."""
    path = folder / FILE_NAME
    part = path.with_suffix(".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(memory))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
