"""A forecast that somebody else made, as a CSV file: the format and what is told of rows that cannot be used.

    valid_at,air_temperature_degc,relative_humidity_pct,wind_speed_ms,global_radiation_wm2,cloud_cover_pct,air_pressure_hpa
    2018-07-23T15:00+09:00,40.2,31,2.5,,20,

`valid_at` (ISO 8601 with offset) and `air_temperature_degc` are needed; a cell may be empty, a column left out: then the blended
forecast stands in. Of radiation and cloud cover the radiation counts. Rows may come in any order; between rows at most
INTERPOLATED_MS apart values are interpolated. A row that cannot be used is told with its line and left out, the others count.
"""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from central.simulation.forecast_weather import MS_PER_HOUR

INTERPOLATED_MS: Final = 3 * MS_PER_HOUR
ROWS_MAX: Final = 10_000
PROBLEMS_MAX: Final = 20

RANGES: Final = {
    "air_temperature_degc": (-40.0, 50.0),
    "relative_humidity_pct": (1.0, 100.0),
    "wind_speed_ms": (0.0, 60.0),
    "global_radiation_wm2": (0.0, 1400.0),
    "cloud_cover_pct": (0.0, 100.0),
    "air_pressure_hpa": (500.0, 1100.0),
}
NEEDED: Final = ("valid_at", "air_temperature_degc")


@dataclass(frozen=True, slots=True)
class SuppliedHour:
    """One usable row. `values`: quantity -> value, only what was given."""

    valid_ms: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Supplied:
    """What a file holds: usable rows by time, how many there were in all, and what was wrong with the others, one line each."""

    hours: tuple[SuppliedHour, ...]
    rows: int
    problems: tuple[str, ...]

    def at(self, valid_ms: int) -> dict[str, float]:
        """The values of a moment; between two rows close enough interpolated, else nothing."""
        before = [hour for hour in self.hours if hour.valid_ms <= valid_ms]
        after = [hour for hour in self.hours if hour.valid_ms >= valid_ms]
        if not before or not after:
            return {}
        low, high = before[-1], after[0]
        span_ms = high.valid_ms - low.valid_ms
        if span_ms == 0:
            return dict(low.values)
        if span_ms > INTERPOLATED_MS:
            return {}
        share = (valid_ms - low.valid_ms) / span_ms
        return {
            name: (1.0 - share) * low.values[name] + share * high.values[name]
            for name in low.values
            if name in high.values
        }


def parse(data: bytes) -> Supplied:
    """Reads a file. Never raises: a file that is no such table is told in `problems` and has no rows."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Supplied((), 0, (f"byte {error.start}: not UTF-8; save the table as UTF-8",))
    reader = csv.reader(io.StringIO(text, newline=""))
    hours: dict[int, SuppliedHour] = {}
    problems: list[str] = []
    columns: list[str] | None = None
    rows = 0
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if columns is None:
                columns = [cell.strip() for cell in cells]
                missing = [name for name in NEEDED if name not in columns]
                if missing:
                    return Supplied((), 0, (f"line {reader.line_num}: no column {', '.join(missing)}",))
                continue
            rows += 1
            if rows > ROWS_MAX:
                problems.append(f"line {reader.line_num}: more than {ROWS_MAX} rows; the rest is not read")
                break
            found = _row(columns, cells)
            if isinstance(found, str):
                problems.append(f"line {reader.line_num}: {found}")
            elif found.valid_ms in hours:
                problems.append(f"line {reader.line_num}: valid_at: a second row for this moment; the first counts")
            else:
                hours[found.valid_ms] = found
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: not CSV: {error}")
    if columns is None:
        problems.append("line 1: the file is empty")
    return Supplied(tuple(hours[at_ms] for at_ms in sorted(hours)), rows, _short(problems))


def _short(problems: Sequence[str]) -> tuple[str, ...]:
    if len(problems) <= PROBLEMS_MAX:
        return tuple(problems)
    return (*problems[:PROBLEMS_MAX], f"and {len(problems) - PROBLEMS_MAX} more")


def _row(columns: Sequence[str], cells: Sequence[str]) -> SuppliedHour | str:
    """The row, or what is wrong with it."""
    if len(cells) > len(columns):
        return f"{len(cells)} cells, the header has {len(columns)}"
    row = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
    text = row.get("valid_at", "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return f"valid_at: {text[:40]!r} is not an ISO 8601 time"
    if moment.tzinfo is None:
        return f"valid_at: {text[:40]!r} has no offset from UTC, such as +09:00"
    values: dict[str, float] = {}
    for name, (lowest, highest) in RANGES.items():
        cell = row.get(name, "")
        if not cell:
            continue
        try:
            value = float(cell)
        except ValueError:
            return f"{name}: {cell[:40]!r} is not a number"
        if not math.isfinite(value) or not lowest <= value <= highest:
            return f"{name}: {cell[:40]} must lie in {lowest:g} .. {highest:g}"
        values[name] = value
    if "air_temperature_degc" not in values:
        return "air_temperature_degc: missing"
    return SuppliedHour(round(moment.timestamp() * 1000), values)


def clearness_under(cloud_cover_pct: float) -> float:
    """Global over cloudless radiation under so much cloud: Kasten & Czeplak 1980, Solar Energy 24:177-189."""
    share: float = 1.0 - 0.75 * (cloud_cover_pct / 100.0) ** 3.4
    return share
