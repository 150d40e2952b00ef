"""Files that are there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from contract.errors import UserError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what takes the place of ``path`` when the block ends: a reader meets the old file or the new one.

    When the block raises, ``path`` stays as it was and nothing is left beside it. A power cut may leave the old file: who needs
    more syncs the file and its folder. A device, a pipe or a link is written to as it is: /dev/stdout must not become a file.

    Raises:
        OSError: it cannot be put in place.
    """
    if path.is_symlink() or (path.exists() and not path.is_file() and not path.is_dir()):
        yield path
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        part.replace(path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def asked_for(path: Path) -> Iterator[Path]:
    """``whole_file`` for a path that a person gave: what goes wrong with it is told in one line.

    Raises:
        UserError: it cannot be written; the line names it and says why.
    """
    try:
        with whole_file(path) as part:
            yield part
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror or error}", where=str(path)) from None
