"""Reads what the books are made of: the stations' log, the ticket machine's, and the store."""

import json
import sqlite3
from collections import Counter
from pathlib import Path

from contract.quantities import QUANTITIES
from tests.torture.books import Served, Span, Stored, Stream


def read_served(folder: Path) -> list[Served]:
    """Every answer in the log; a line cut off by a SIGKILL was never put on the wire."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n"):
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            found.append(Served(entry["station"], entry["at_ms"], entry["values"], not entry.get("faults")))
    return found


def read_store(database: Path) -> tuple[list[Stored], list[Stream], list[Span], int]:
    """Readings in the order of their numbers, streams, what was shed, and the rows of `gaps`."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        readings = connection.execute(
            "SELECT stations.id AS station, readings.* FROM readings JOIN stations ON stations.key = readings.station_key"
            " ORDER BY stream_key, seq"
        ).fetchall()
        events = connection.execute("SELECT stream_key, count(*), max(seq) FROM events GROUP BY stream_key").fetchall()
        streams = connection.execute("SELECT * FROM streams").fetchall()
        sheds = connection.execute("SELECT * FROM shed_ranges").fetchall()
        (gaps,) = connection.execute("SELECT count(*) FROM gaps").fetchone()
    stored = [
        Stored(
            row["station"],
            row["stream_key"],
            row["seq"],
            row["at_ms"],
            {name: value for name, value in dict(row).items() if name in QUANTITIES},
            row["clock_synchronised"],
        )
        for row in readings
    ]
    rows = Counter(one.stream_key for one in stored)
    highest: dict[int, int] = {}
    for one in stored:
        highest[one.stream_key] = max(one.seq, highest.get(one.stream_key, 0))
    for key, count, last in events:
        rows[key], highest[key] = count, last
    known = [
        Stream(
            row["stream"],
            row["epoch"],
            row["up_to_seq"],
            row["shed"],
            row["missing"],
            highest.get(row["key"], 0),
            rows[row["key"]],
        )
        for row in streams
    ]
    return stored, known, [Span(row["first_at_ms"], row["last_at_ms"]) for row in sheds], gaps


def read_numbers(path: Path) -> list[int]:
    """Whole lines only: the last one may have been cut off."""
    if not path.exists():
        return []
    return [int(line) for line in path.read_text().split("\n")[:-1] if line]


def read_events(database: Path) -> list[tuple[int, int, int]]:
    """(stream key, seq, number) of each stored event."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT stream_key, seq, body FROM events").fetchall()
    return [(key, seq, json.loads(body)["n"]) for key, seq, body in rows]
