"""Files that hold keys and lists: written whole or not at all, with the mode they are to have from their first byte."""

import os
import secrets
from pathlib import Path

from contract.errors import UserError

PRIVATE: int = 0o600
PUBLIC: int = 0o644


def write_atomically(path: Path, content: bytes, mode: int = PUBLIC, group: int | None = None) -> None:
    """Puts `content` in the place of `path`; a reader sees the old file or the new one. Raises UserError."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                if group is not None:
                    os.fchown(file.fileno(), -1, group)
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(path)) from None


def private_folder(path: Path) -> Path:
    """Makes the folder, for its owner alone. Raises UserError."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UserError(f"cannot be made: {error.strerror}", where=str(path)) from None
    return path


def read(path: Path, hint: str = "") -> bytes:
    """Raises UserError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path), hint=hint) from None
