"""A forecast that somebody else made, as a CSV file: the format and what is told of rows that cannot be used.

    valid_at,air_temperature_degc,relative_humidity_pct,wind_speed_ms,global_radiation_wm2,cloud_cover_pct,air_pressure_hpa
    2018-07-23T15:00+09:00,40.2,31,2.5,,20,

`valid_at` (ISO 8601 with offset) and `air_temperature_degc` are needed; a cell may be empty, a column left out: then the blended
forecast stands in. Of radiation and cloud cover the radiation counts. Rows may come in any order; between rows at most
INTERPOLATED_MS apart values are interpolated. A row that cannot be used is told with its line and left out, the others count; so
is radiation that the sun cannot give at that moment, but the rest of its row counts. A column of another name is told and not
read; a column that is there twice makes the file useless, because nobody can say which of the two is meant.
"""

import csv
import io
import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from central.heat.sun import sun_position
from central.simulation.forcing import credible_radiation_wm2
from central.simulation.forecast.weather import MS_PER_HOUR

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
YEARS: Final = (1950, 2050)
"""For which the sun is known."""
NEEDED: Final = ("valid_at", "air_temperature_degc")
KNOWN: Final = ("valid_at", *RANGES)


@dataclass(frozen=True, slots=True)
class SuppliedHour:
    """One usable row. `values`: quantity -> value, only what was given."""

    valid_ms: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Supplied:
    """What a file holds: usable rows by time, how many there were in all, and what is not used and why, one line each."""

    hours: tuple[SuppliedHour, ...]
    rows: int
    problems: tuple[str, ...]

    def at(self, valid_ms: int) -> dict[str, float]:
        """The values of a moment; between two rows close enough interpolated, else nothing."""
        index = bisect_left(self.hours, valid_ms, key=lambda hour: hour.valid_ms)
        if index == len(self.hours):
            return {}
        high = self.hours[index]
        if high.valid_ms == valid_ms:
            return dict(high.values)
        low = self.hours[index - 1]
        span_ms = high.valid_ms - low.valid_ms
        if index == 0 or span_ms > INTERPOLATED_MS:
            return {}
        share = (valid_ms - low.valid_ms) / span_ms
        return {
            name: (1.0 - share) * low.values[name] + share * high.values[name]
            for name in low.values
            if name in high.values
        }


def parse(data: bytes, place: tuple[float, float]) -> Supplied:
    """Reads a file. Never raises: a file that is no such table is told in `problems` and has no rows.

    Args:
        data: the file.
        place: (lat, lon) of the city [degrees]: how much radiation can be depends on its sun.

    """
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
                told, is_table = _header(columns)
                problems += [f"line {reader.line_num}: {line}" for line in told]
                if not is_table:
                    return Supplied((), 0, _short(problems))
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
                usable, told_too_bright = _without_too_bright(found, place)
                problems += [f"line {reader.line_num}: {line}" for line in told_too_bright]
                hours[usable.valid_ms] = usable
    except csv.Error as error:
        problems.append(f"line {reader.line_num}: not CSV: {error}")
    if columns is None:
        problems.append("line 1: the file is empty")
    return Supplied(tuple(hours[at_ms] for at_ms in sorted(hours)), rows, _short(problems))


def _short(problems: Sequence[str]) -> tuple[str, ...]:
    if len(problems) <= PROBLEMS_MAX:
        return tuple(problems)
    return (*problems[:PROBLEMS_MAX], f"and {len(problems) - PROBLEMS_MAX} more")


def _header(columns: Sequence[str]) -> tuple[list[str], bool]:
    """What is wrong with a header, and whether the table can be read all the same. Columns without a name are told by their cells."""
    unknown = [_shown(name) for name in dict.fromkeys(columns) if name and name not in KNOWN]
    missing = [name for name in NEEDED if name not in columns]
    if missing:
        instead = f"; not known: {', '.join(unknown[:10])}" if unknown else ""
        return [f"no column {', '.join(missing)}{instead}; the file is not used"], False
    twice = [name for name in KNOWN if columns.count(name) > 1]
    if twice:
        return [f"column {', '.join(twice)} is there more than once; the file is not used"], False
    return [f"column {name} is not known and not read; known: {', '.join(KNOWN)}" for name in unknown], True


def _shown(text: str) -> str:
    """As it stands where that can be read, else quoted and cut."""
    return text if text.isprintable() and len(text) <= 40 and " " not in text else repr(text[:40])


def _without_too_bright(hour: SuppliedHour, place: tuple[float, float]) -> tuple[SuppliedHour, list[str]]:
    """Without radiation that a station would not be believed either, and what is to be told of it."""
    radiation_wm2 = hour.values.get("global_radiation_wm2")
    if radiation_wm2 is None:
        return hour, []
    sun = sun_position(hour.valid_ms, *place)
    most_wm2 = credible_radiation_wm2(sun)
    if radiation_wm2 <= most_wm2:
        return hour, []
    told = (
        f"global_radiation_wm2: {radiation_wm2:g} must lie in 0 .. {most_wm2:.0f} with the sun {sun.altitude_deg:.0f} deg "
        "high; it is not used, the rest of the row is"
    )
    rest = {name: value for name, value in hour.values.items() if name != "global_radiation_wm2"}
    return SuppliedHour(hour.valid_ms, rest), [told]


def _row(columns: Sequence[str], cells: Sequence[str]) -> SuppliedHour | str:
    """The row, or what is wrong with it."""
    if len(cells) > len(columns):
        return f"{len(cells)} cells, the header has {len(columns)}"
    row: dict[str, str] = {}
    for name, cell in zip(columns, cells, strict=False):
        if not name and cell.strip():
            return f"{cell.strip()[:40]!r} stands in a column without a name"
        row[name] = cell.strip()
    text = row.get("valid_at", "")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return f"valid_at: {text[:40]!r} is not an ISO 8601 time"
    if moment.tzinfo is None:
        return f"valid_at: {text[:40]!r} has no offset from UTC, such as +09:00"
    if not YEARS[0] <= moment.year <= YEARS[1]:
        return f"valid_at: {text[:40]!r} must lie in the years {YEARS[0]} .. {YEARS[1]}"
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
