"""Backup and restore of the file. A backup is taken while others write; a restore needs the store for itself."""

import sqlite3
import time
from pathlib import Path
from typing import Final

from central.store.sqlite.connection import InUse, connect_reader, pending
from central.store.sqlite.store import copy
from contract.errors import UserError

_BESIDE: Final = ("", "-wal", "-shm")


def backup(path: Path, target: Path) -> None:
    """A consistent copy of the store at `path` as one file. Raises UserError: no store there, or the copy cannot be written."""
    if not path.is_file():
        raise UserError("no store here", where=str(path))
    if target.exists():
        raise UserError("there is a file already", where=str(target), hint="choose another name")
    connection = connect_reader(path)
    try:
        copy(connection, target)
    finally:
        connection.close()


def restore(source: Path, path: Path, *, replace: bool = False) -> Path | None:
    """Puts a backup in the place of the store at `path`.

    Returns:
        Where the store that was there has been set aside, or None.

    Raises:
        UserError: the backup is missing, damaged or of another version; the store is in use; there is a store and `replace` is False.

    """
    if not source.is_file():
        raise UserError("no such backup", where=str(source))
    _check(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    alone = InUse(path, alone=True)
    try:
        aside: Path | None = None
        if path.exists():
            if not replace:
                raise UserError(
                    "there is a store already", where=str(path), hint="--replace sets it aside and restores"
                )
            aside = path.with_name(f"{path.name}.replaced-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
            for suffix in _BESIDE:
                part = path.with_name(path.name + suffix)
                if part.exists():
                    part.replace(aside.with_name(aside.name + suffix))
        connection = connect_reader(source)
        try:
            copy(connection, path)
        finally:
            connection.close()
        return aside
    finally:
        alone.release()


def _check(source: Path) -> None:
    pending(source)  # refuses what another version wrote
    connection = connect_reader(source)
    try:
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'migrations'").fetchone()[0]:
            raise UserError("not a backup of central: no table of migrations", where=str(source))
        verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if verdict != "ok":
            raise UserError(f"the backup is damaged: {verdict}", where=str(source))
    except sqlite3.DatabaseError as error:
        raise UserError(f"the backup is damaged: {error}", where=str(source)) from None
    finally:
        connection.close()
