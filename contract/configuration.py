"""Reads a TOML file into a tree of frozen, typed values: one place, one kind of message for a wrong key."""

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from contract.errors import UserError

Config = TypeVar("Config")


def load_toml(path: Path, kind: type[Config]) -> Config:
    """The file as `kind` (a msgspec.Struct with `forbid_unknown_fields`).

    Raises:
        UserError: the file is missing or no TOML, a key is unknown or missing, a value is of the wrong type; says which.

    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("no such file", where=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot be read: {error}", where=str(path)) from None
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"not TOML: {error}", where=str(path)) from None
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise UserError(_reworded(str(error)), where=str(path)) from None


def _reworded(message: str) -> str:
    """Msgspec says "Object contains unknown field `x` - at `$.bus[0]`"; a technician reads "bus[0]: unknown key x"."""
    text, _, place = message.partition(" - at `")
    place = place.rstrip("`").removeprefix("$").removeprefix(".")
    text = text.replace("Object contains unknown field", "unknown key").replace(
        "Object missing required field", "missing key"
    )
    return f"{place}: {text}" if place else text
