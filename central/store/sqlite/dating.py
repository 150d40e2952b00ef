"""When something was measured by a gateway that did not know the time: a boot's offset, and the dates that follow from it.

Monotonic time plus an offset is wall time, for everything of one boot. A message of the boot with a synchronised clock proves the
offset. Until then the tightest bound serves: nothing is measured after it was received. All items of a boot without a proof always
have the same offset, so that their order is that of the monotonic clock whatever becomes known when.

A clock may be set within a boot, so that its proofs differ. An undated item then takes the offset of the next proof after it in
monotonic time, as far as one is known when it comes, and else of the last one before it: what ended the uncertainty knows best.
Once proven, a date stays.
"""

import sqlite3
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any, Final

import msgspec
import numpy as np

from central.store.rollup import COLUMNS, DAY_S, HOUR_S, JST_AHEAD_OF_UTC_MS, MINUTE_S, NAMES, deltas
from central.store.sqlite.inserting import RowInsert
from contract.quantities import Flag

BY_BOUND: Final = 0
BY_OWN_CLOCK: Final = 1
BY_OFFSET: Final = 2
BOUND_STEP_MS: Final = 1_000
"""A tighter bound moves dates only when it is better by so much; a clock that was set counts as set from so much on."""
PROOF_STEP_MS: Final = 100
"""From so much on two proofs of a boot differ: more than the time between reading one clock and the other."""
RUNS_MAX: Final = 256
FUTURE_TOLERANCE_MS: Final = 60_000
ROWS_AT_ONCE: Final = 50_000
_MINUTE_MS: Final = MINUTE_S * 1000
_HOUR_MS: Final = HOUR_S * 1000
_DAY_MS: Final = DAY_S * 1000

_OF_BOOT: Final = (
    "boot_id = ? AND clock_synchronised = 0 AND stream_key IN (SELECT key FROM streams WHERE gateway = ?)"
    " AND monotonic_ms > ? AND monotonic_ms <= ?"
)
_INSERT_ROLLUPS: Final = RowInsert(
    f"INSERT INTO rollups (resolution_s, station_key, at_ms, readings, {', '.join(COLUMNS)})", 4 + len(COLUMNS)
)
_encode = msgspec.json.Encoder().encode
_flags = msgspec.json.Decoder(dict[str, Flag])


class Run(msgspec.Struct):
    """Proofs that agree, next to each other in monotonic time; the last of them was at `last_ms`."""

    last_ms: int
    offset_ms: int


class Boot(msgspec.Struct):
    """`offset_ms`: a bound, or the newest proof. `runs`: the proofs by items that are remembered, in the order of monotonic time."""

    offset_ms: int
    proven: bool
    runs: list[Run] = []

    def at(self, monotonic_ms: int) -> int:
        """The offset [ms] of an undated item."""
        index = bisect_left(self.runs, monotonic_ms, key=_last_ms)
        if index < len(self.runs):
            return self.runs[index].offset_ms
        return self.runs[-1].offset_ms if self.runs else self.offset_ms

    def note(self, monotonic_ms: int, offset_ms: int) -> None:
        """Remembers a proof. They may come in any order: what was sent again proves old offsets once more."""
        runs = self.runs
        index = bisect_left(runs, monotonic_ms, key=_last_ms)
        if index < len(runs) and abs(runs[index].offset_ms - offset_ms) <= PROOF_STEP_MS:
            return
        if index > 0 and abs(runs[index - 1].offset_ms - offset_ms) <= PROOF_STEP_MS:
            runs[index - 1].last_ms = monotonic_ms
            return
        runs.insert(index, Run(monotonic_ms, offset_ms))
        del runs[:-RUNS_MAX]


def _last_ms(run: Run) -> int:
    return run.last_ms


class Boots:
    """Remembers boots between transactions; `forget` when one was rolled back."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Boot | None] = {}

    def forget(self) -> None:
        self._known.clear()

    def known(self, connection: sqlite3.Connection, gateway: str, boot_id: str) -> Boot | None:
        key = gateway, boot_id
        if key not in self._known:
            row = connection.execute(
                "SELECT offset_ms, proven FROM boots WHERE gateway = ? AND boot_id = ?", key
            ).fetchone()
            self._known[key] = None if row is None else Boot(row[0], bool(row[1]))
        return self._known[key]

    def prove(
        self, connection: sqlite3.Connection, gateway: str, boot_id: str, offset_ms: int, now_ms: int
    ) -> set[int]:
        """Notes the offset that a synchronised message shows. What waited for it is dated by it; returns the stations concerned."""
        boot = self.known(connection, gateway, boot_id)
        if boot is not None and boot.proven:
            if not boot.runs and abs(offset_ms - boot.offset_ms) > PROOF_STEP_MS:
                self._write(connection, gateway, boot_id, Boot(offset_ms, proven=True))
            return set()
        self._write(connection, gateway, boot_id, Boot(offset_ms, proven=True))
        return redate(connection, gateway, boot_id, offset_ms, BY_OFFSET, now_ms)

    def prove_by_items(
        self, connection: sqlite3.Connection, gateway: str, boot_id: str, proofs: Iterable[tuple[int, int]], now_ms: int
    ) -> set[int]:
        """As `prove`, by (monotonic time, offset) [ms] of one or more synchronised items of a batch."""
        boot = self.known(connection, gateway, boot_id)
        was_proven = boot is not None and boot.proven
        if boot is None:
            boot = Boot(0, proven=True)
        for monotonic_ms, offset_ms in proofs:
            boot.note(monotonic_ms, offset_ms)
        newest_ms = boot.runs[-1].offset_ms
        if not was_proven or abs(newest_ms - boot.offset_ms) > PROOF_STEP_MS:
            boot.offset_ms, boot.proven = newest_ms, True
            self._write(connection, gateway, boot_id, boot)
        if was_proven:
            return set()
        touched: set[int] = set()
        after_ms = -1
        for run in boot.runs[:-1]:
            touched |= redate(
                connection, gateway, boot_id, run.offset_ms, BY_OFFSET, now_ms, between_ms=(after_ms, run.last_ms)
            )
            after_ms = run.last_ms
        return touched | redate(connection, gateway, boot_id, newest_ms, BY_OFFSET, now_ms)

    def bound(
        self, connection: sqlite3.Connection, gateway: str, boot_id: str, offset_ms: int, now_ms: int
    ) -> set[int]:
        """Notes that the offset is no larger than `offset_ms`. Returns the stations whose dates a tighter bound has moved."""
        boot = self.known(connection, gateway, boot_id)
        if boot is not None and (boot.proven or offset_ms > boot.offset_ms - BOUND_STEP_MS):
            return set()
        self._write(connection, gateway, boot_id, Boot(offset_ms, proven=False))
        return set() if boot is None else redate(connection, gateway, boot_id, offset_ms, BY_BOUND, now_ms)

    def _write(self, connection: sqlite3.Connection, gateway: str, boot_id: str, boot: Boot) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO boots VALUES (?, ?, ?, ?)", (gateway, boot_id, boot.offset_ms, boot.proven)
        )
        self._known[gateway, boot_id] = boot


def redate(  # noqa: PLR0917 - one act on one boot
    connection: sqlite3.Connection,
    gateway: str,
    boot_id: str,
    offset_ms: int,
    mark: int,
    now_ms: int,
    *,
    between_ms: tuple[int, int] = (-1, 2**62),
) -> set[int]:
    """Dates the undated readings and events of a boot by the offset, with roll-ups and last readings. Returns the stations' keys.

    `between_ms`: only what is after the first and not after the second, in monotonic time.
    """
    connection.execute(
        f"UPDATE events SET at_ms = max(0, monotonic_ms + ?), clock_synchronised = ? WHERE {_OF_BOOT}",  # noqa: S608
        (offset_ms, mark, boot_id, gateway, *between_ms),
    )
    touched: dict[int, set[int]] = {}
    for station_key, before, after in connection.execute(
        f"SELECT DISTINCT station_key, at_ms / {_MINUTE_MS}, max(0, monotonic_ms + ?) / {_MINUTE_MS} FROM readings WHERE {_OF_BOOT}",  # noqa: S608
        (offset_ms, boot_id, gateway, *between_ms),
    ):
        touched.setdefault(station_key, set()).update((before, after))
    if not touched:
        return set()
    connection.execute(
        f"UPDATE readings SET at_ms = max(0, monotonic_ms + ?), clock_synchronised = ? WHERE {_OF_BOOT}",  # noqa: S608
        (offset_ms, mark, boot_id, gateway, *between_ms),
    )
    for station_key, minutes in touched.items():
        _roll_up_again(connection, station_key, minutes)
        _choose_last(connection, station_key, now_ms)
    return set(touched)


def _roll_up_again(connection: sqlite3.Connection, station_key: int, minutes: set[int]) -> None:
    """Minutes from the readings, hours from the minutes, days from the hours."""
    for first, last in _runs(minutes):
        _minutes_again(connection, station_key, first * _MINUTE_MS, (last + 1) * _MINUTE_MS)
    hours = {minute * _MINUTE_MS // _HOUR_MS * _HOUR_MS for minute in minutes}
    days = {(hour + JST_AHEAD_OF_UTC_MS) // _DAY_MS * _DAY_MS - JST_AHEAD_OF_UTC_MS for hour in hours}
    for starts, resolution_s, finer_s in ((hours, HOUR_S, MINUTE_S), (days, DAY_S, HOUR_S)):
        for start_ms in starts:
            _coarser_again(connection, station_key, start_ms, resolution_s, finer_s)


def _minutes_again(connection: sqlite3.Connection, station_key: int, from_ms: int, to_ms: int) -> None:
    connection.execute(
        "DELETE FROM rollups WHERE resolution_s = ? AND station_key = ? AND at_ms >= ? AND at_ms < ?",
        (MINUTE_S, station_key, from_ms, to_ms),
    )
    rows = connection.execute(
        f"SELECT at_ms, flags, {', '.join(NAMES)} FROM readings WHERE station_key = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms",  # noqa: S608
        (station_key, from_ms, to_ms),
    )
    rest: list[tuple[Any, ...]] = []
    while chunk := rows.fetchmany(ROWS_AT_ONCE):
        # A minute that may go on in the next chunk waits for it.
        rest += chunk
        cut = rest[-1][0] // _MINUTE_MS * _MINUTE_MS
        whole = [row for row in rest if row[0] < cut]
        rest = [row for row in rest if row[0] >= cut]
        _insert_minutes(connection, station_key, whole)
    _insert_minutes(connection, station_key, rest)


def _insert_minutes(connection: sqlite3.Connection, station_key: int, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    values = np.array([row[2:] for row in rows], dtype=np.float64)
    for index, row in enumerate(rows):
        if row[1]:
            for name in _flags.decode(row[1]):
                values[index, NAMES.index(name)] = np.nan
    added = deltas([station_key] * len(rows), [row[0] for row in rows], values)
    _INSERT_ROLLUPS.run(connection, [row for row in added if row[0] == MINUTE_S])


def _coarser_again(
    connection: sqlite3.Connection, station_key: int, start_ms: int, resolution_s: int, finer_s: int
) -> None:
    connection.execute(
        "DELETE FROM rollups WHERE resolution_s = ? AND station_key = ? AND at_ms = ?",
        (resolution_s, station_key, start_ms),
    )
    # min and max pass over NULL; HAVING leaves an interval without readings away.
    merged = ", ".join(f"{column[-3:] if column.endswith(('_min', '_max')) else 'sum'}({column})" for column in COLUMNS)
    connection.execute(
        f"INSERT INTO rollups (resolution_s, station_key, at_ms, readings, {', '.join(COLUMNS)})"  # noqa: S608
        f" SELECT ?, station_key, ?, sum(readings), {merged} FROM rollups"
        " WHERE resolution_s = ? AND station_key = ? AND at_ms >= ? AND at_ms < ? GROUP BY station_key HAVING sum(readings) > 0",
        (resolution_s, start_ms, finer_s, station_key, start_ms, start_ms + resolution_s * 1000),
    )


def _choose_last(connection: sqlite3.Connection, station_key: int, now_ms: int) -> None:
    """The newest reading of a station after dates have moved."""
    select = (
        f"SELECT streams.gateway, seq, at_ms, received_at_ms, clock_synchronised, flags, {', '.join(NAMES)}"  # noqa: S608
        " FROM readings JOIN streams ON streams.key = stream_key WHERE station_key = ?"
    )
    row = connection.execute(
        f"{select} AND at_ms <= ? ORDER BY at_ms DESC, stream_key DESC, seq DESC LIMIT 1",
        (station_key, now_ms + FUTURE_TOLERANCE_MS),
    ).fetchone()
    if row is None:
        return
    last = connection.execute(
        "SELECT gateway, seq, received_at_ms, clock_synchronised FROM last_readings WHERE station_key = ?",
        (station_key,),
    ).fetchone()
    if last is not None and last[3] == BY_OWN_CLOCK and last[0] == row[0] and last[1] > row[1] and last[2] >= row[3]:
        # Numbered later, received later, its date untouched by all this: the clock was set back before it.
        return
    gateway, seq, at_ms, received_at_ms, mark, flags = row[:6]
    flagged = _flags.decode(flags) if flags else {}
    values = {name: value for name, value in zip(NAMES, row[6:], strict=True) if value is not None or name in flagged}
    connection.execute(
        "UPDATE last_readings SET gateway = ?, seq = ?, at_ms = ?, received_at_ms = ?, clock_synchronised = ?, reading_values = ?,"
        " flags = ? WHERE station_key = ?",
        (gateway, seq, at_ms, received_at_ms, mark, _encode(values).decode(), flags, station_key),
    )


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Consecutive numbers as (first, last)."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return runs
