"""Many rows with few statements.

The sqlite3 module lets go of the interpreter's lock once for every step of a statement, so `executemany` of n rows may have to win it
back n times; beside a busy thread (web, simulation) that was measured at 300 rows/s instead of 250,000. One statement for many rows
asks once.
"""

import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

PARAMETERS_MAX: Final = 32_766
"""SQLite's own limit of `?` in a statement since 3.32."""
ROWS_A_STATEMENT: Final = (256, 16, 1)
"""Few sizes, so that the statements stay prepared."""


class RowInsert:
    """`head` VALUES (?, ...), ... `tail` for rows of `width` values."""

    def __init__(self, head: str, width: int, tail: str = "") -> None:
        row = "(" + ",".join("?" * width) + ")"
        self._statements = [
            (rows, f"{head} VALUES {','.join([row] * rows)} {tail}")
            for rows in ROWS_A_STATEMENT
            if rows * width <= PARAMETERS_MAX
        ]

    def run(self, connection: sqlite3.Connection, rows: Sequence[Sequence[Any]]) -> None:
        start = 0
        for size, statement in self._statements:
            while len(rows) - start >= size:
                connection.execute(statement, tuple(chain.from_iterable(rows[start : start + size])))
                start += size
