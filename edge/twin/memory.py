"""What survives a restart: the last document that proved itself, the one that did not, and the one under trial. One small file."""

from pathlib import Path

import msgspec

from contract.twin import Desired, Refused
from edge.files import PRIVATE, write_atomically

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
    write_atomically(folder / FILE_NAME, msgspec.json.encode(memory), PRIVATE)
