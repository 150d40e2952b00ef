"""Desired and reported configuration of gateways, as rows."""

import sqlite3

import msgspec

from contract.twin import Desired, Reported, encode


def add_desired(connection: sqlite3.Connection, desired: Desired) -> bool:
    """Whether it was added: its version has to be above every one the gateway had."""
    (newest,) = connection.execute(
        "SELECT coalesce(max(version), 0) FROM desired WHERE gateway = ?", (desired.gateway,)
    ).fetchone()
    if desired.version <= newest:
        return False
    connection.execute(
        "INSERT INTO desired VALUES (?, ?, ?, ?)",
        (desired.gateway, desired.version, desired.made_at_ms, encode(desired).decode()),
    )
    return True


def desired(connection: sqlite3.Connection, gateway: str) -> Desired | None:
    row = connection.execute(
        "SELECT document FROM desired WHERE gateway = ? ORDER BY version DESC LIMIT 1", (gateway,)
    ).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Desired)


def desired_versions(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT gateway, max(version) FROM desired GROUP BY gateway"))


def set_reported(connection: sqlite3.Connection, gateway: str, reported: Reported, now_ms: int) -> None:
    connection.execute(
        "INSERT INTO reported VALUES (?, ?, ?) ON CONFLICT (gateway)"
        " DO UPDATE SET received_at_ms = excluded.received_at_ms, document = excluded.document",
        (gateway, now_ms, encode(reported).decode()),
    )


def reported(connection: sqlite3.Connection, gateway: str) -> Reported | None:
    row = connection.execute("SELECT document FROM reported WHERE gateway = ?", (gateway,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Reported)
