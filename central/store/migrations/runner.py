"""Finds the steps of one database and tells which of them have to run. Running them is the adapter's work."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from contract.errors import UserError

FOLDER: Final = Path(__file__).resolve().parent
_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


class Migration(msgspec.Struct, frozen=True):
    """One step: its place in the order, its name, its statements."""

    number: int
    name: str
    sql: str


def migrations(database: str) -> list[Migration]:
    """All steps of a database (`sqlite`), in order. Raises ValueError when the numbers are not 1, 2, 3, ..."""
    found: list[Migration] = []
    for path in sorted((FOLDER / database).glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path}: a migration is named 0001_what_it_does.sql")
        found.append(Migration(int(match[1]), match[2], path.read_text(encoding="utf-8")))
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"{FOLDER / database}: numbers have to be 1, 2, 3, ..., are {[step.number for step in found]}")
    return found


def still_to_run(database: str, ran: Iterable[tuple[int, str]], where: str) -> list[Migration]:
    """The steps after those that `ran` (number, name). Raises UserError when another version made them."""
    known = migrations(database)
    done = sorted(ran)
    expected = [(step.number, step.name) for step in known[: len(done)]]
    if done != expected:
        raise UserError(
            f"schema has migrations {done}, this software knows {[(step.number, step.name) for step in known]}",
            where=where,
            hint="it was written by another version: install that one, or restore a backup",
        )
    return known[len(done) :]
