"""Compares what the simulated stations served with what central holds: exactly once, unchanged, in order.

A station's log says every answer it put on the line, and which fault spoiled it. A sound answer must be stored once. A spoiled one may be
missing, and so may a sound one that shared its line with a spoiled one moments before: the bus was not readable then. What is stored must
have been served: anything else is a wrong value.
"""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from contract.quantities import QUANTITIES

TROUBLE_S = 2.5
"""How long a spoiled answer makes its line unreadable: its lateness, the silence kept afterwards, one more sweep."""
IN_FLIGHT_MAX = 1
"""The poll that was under way when the agent was stopped."""

Values = dict[str, float | None]


@dataclass(frozen=True)
class Served:
    at_ms: int
    values: Values
    sound: bool


@dataclass
class Account:
    """What became of one station's answers."""

    station: str
    served: int = 0
    stored: int = 0
    lost: int = 0
    excused: int = 0
    never_served: int = 0

    @property
    def balanced(self) -> bool:
        return self.lost == 0 and self.never_served == 0 and self.stored + self.excused == self.served


def read_served(folder: Path) -> dict[str, list[Served]]:
    """The served-log by station, in the order served."""
    return {
        path.stem: [
            Served(entry["at_ms"], entry["values"], not entry.get("faults"))
            for entry in map(json.loads, path.read_text().splitlines())
        ]
        for path in sorted(folder.glob("*.jsonl"))
    }


def read_stored(database: Path) -> dict[str, list[Values]]:
    """Every stored reading by station, in the order of its number; only values that were measured or are known to be missing."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(
            "SELECT stations.id AS station, readings.* FROM readings JOIN stations ON stations.key = readings.station_key"
            " ORDER BY stream_key, seq"
        ).fetchall()
    stored: dict[str, list[Values]] = {}
    for row in rows:
        stored.setdefault(row["station"], []).append({name: row[name] for name in QUANTITIES})
    return stored


def settle(
    served: dict[str, list[Served]], stored: dict[str, list[Values]], lines: dict[str, str], *, speed: float
) -> list[Account]:
    """One account a station. `lines` tells which line a station is on; `speed` how many city seconds a real one has."""
    spoiled = {
        line: sorted(
            one.at_ms for station, rows in served.items() if lines[station] == line for one in rows if not one.sound
        )
        for line in set(lines.values())
    }
    return [
        _settle(station, _whole(rows), stored.get(station, []), spoiled[lines[station]], TROUBLE_S * 1000 * speed)
        for station, rows in served.items()
    ]


def _whole(served: list[Served]) -> list[Served]:
    """Puts the parts together where a block was asked in two (the edge does so after a lost answer); a part left alone is not sound."""
    names = frozenset(name for answer in served for name in answer.values)
    whole: list[Served] = []
    for answer in served:
        before = whole[-1] if whole else None
        if before is not None and names > before.values.keys() and not before.values.keys() & answer.values.keys():
            whole[-1] = Served(answer.at_ms, before.values | answer.values, before.sound and answer.sound)
        else:
            whole.append(answer)
    return [Served(one.at_ms, one.values, one.sound and one.values.keys() == names) for one in whole]


def _settle(station: str, served: list[Served], stored: list[Values], spoiled: list[int], trouble_ms: float) -> Account:
    account = Account(station, served=len(served), stored=0)
    position = 0
    for index, answer in enumerate(served):
        if position < len(stored) and _same(answer.values, stored[position]):
            account.stored += 1
            position += 1
        elif (
            not answer.sound
            or any(0 <= answer.at_ms - moment <= trouble_ms for moment in spoiled)
            or index >= len(served) - IN_FLIGHT_MAX
        ):
            account.excused += 1
        else:
            account.lost += 1
    account.never_served = len(stored) - position
    return account


def _same(served: Values, stored: Values) -> bool:
    return all(stored.get(name) == value for name, value in served.items())
