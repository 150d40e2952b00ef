"""The SQLite adapter: one file, one writer thread, any number of readers."""

from central.store.sqlite.store import SqliteStore, open_store

__all__ = ["SqliteStore", "open_store"]
