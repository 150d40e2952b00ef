"""Reads measured weather from files. The format is recognised by its first line; a wrong file is refused in one clear line.

Known: minute data of the DTU solar station (UTC), hourly AMeDAS tables by station (JST), SURFRAD day files (UTC), and our own table
`at,station,<quantity>...` (`at` in ISO 8601 with its offset). Any of them may be compressed with gzip.
"""

import contextlib
import csv
import gzip
import io
import math
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from contract.errors import UserError
from firmware_sim.recording import Recording, Series
from firmware_sim.recording_formats import Format, Row, format_of

ROWS_MAX = 5_000_000
_GZIP_MAGIC = b"\x1f\x8b"


def load_recording(path: Path, *, lenient: bool = False, stations_file: Path | None = None) -> Recording:
    """Reads a whole file.

    Args:
        path: of the file.
        lenient: values that are no numbers, and rows with a wrong number of fields, are counted and taken for gaps.
        stations_file: a table with `lat`, `lon` and the station's name (`amdno` or `station`); left out: a `*stations*.csv` beside it.

    Raises:
        UserError: names file, line, column and value of the first thing wrong.

    """
    lines = _text(path).splitlines()
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise UserError("the file is empty", where=str(path))
    kind = format_of(lines, str(path))
    collector = _Collector(path, lenient=lenient)
    for row in kind.rows(lines, str(path)):
        collector.add(kind, row)
    return collector.finish(_coordinates(path, stations_file))


def series_span(path: Path) -> tuple[int, int]:
    """The first and the last moment a file has a row for, unix milliseconds. Raises UserError as `load_recording` does."""
    return load_recording(path, lenient=True).span_ms


class _Collector:
    def __init__(self, path: Path, *, lenient: bool) -> None:
        self._path = path
        self._lenient = lenient
        self._times: dict[str, array[int]] = {}
        self._columns: dict[str, dict[str, array[float]]] = {}
        self._sums: dict[tuple[str, str], float] = {}
        self._doubtful = 0
        self._rows = 0

    def add(self, kind: Format, row: Row) -> None:
        self._rows += 1
        if self._rows > ROWS_MAX:
            raise UserError(f"more than {ROWS_MAX} rows", where=str(self._path), hint="cut the file into parts")
        if row.problem is not None:
            self._doubt(row.problem, f"line {row.line}", "mend the row")
            return
        times = self._times.setdefault(row.station, array("q"))
        if times and row.at_ms <= times[-1]:
            raise UserError(
                f"time {row.fields[kind.time_column]!r} does not come after the row before it",
                where=f"{self._path}: line {row.line}, column {kind.time_column}",
                hint="sort the rows by time and leave each moment once",
            )
        times.append(row.at_ms)
        columns = self._columns.setdefault(row.station, {name: array("d") for name in kind.quantities})
        for quantity, column in kind.quantities.items():
            value = self._number(kind, row, column.name)
            if column.adds_up:
                value = self._added(row.station, quantity, value)
            columns[quantity].append(value)

    def _added(self, station: str, quantity: str, amount: float) -> float:
        if math.isnan(amount):
            return amount
        total = self._sums.get((station, quantity), 0.0) + amount
        self._sums[station, quantity] = total
        return total

    def _number(self, kind: Format, row: Row, column: str) -> float:
        text = row.fields[column].strip()
        if text in kind.missing:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            value = math.inf
        if math.isinf(value):
            self._doubt(
                f"{text!r} is no number", f"line {row.line}, column {column}", "correct it, or read it leniently"
            )
            return math.nan
        return value

    def _doubt(self, what: str, place: str, hint: str) -> None:
        if not self._lenient:
            raise UserError(what, where=f"{self._path}: {place}", hint=hint)
        self._doubtful += 1

    def finish(self, coordinates: dict[str, tuple[float, float]]) -> Recording:
        series = {name: Series(name, times, self._measured(name)) for name, times in self._times.items()}
        if not series:
            raise UserError("has no rows that can be used", where=str(self._path))
        known = {name: place for name, place in coordinates.items() if name in series}
        gaps: Counter[str] = Counter()
        for member in series.values():
            for quantity, column in member.columns.items():
                gaps[quantity] += sum(map(math.isnan, column))
        return Recording(series, known, {name: count for name, count in gaps.items() if count}, self._doubtful)

    def _measured(self, station: str) -> "dict[str, array[float]]":
        columns = self._columns[station]
        return {name: column for name, column in columns.items() if not all(map(math.isnan, column))}


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UserError("no such file", where=str(path)) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(path)) from None
    if data.startswith(_GZIP_MAGIC):
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise UserError(f"the gzip file is damaged or breaks off: {error}", where=str(path)) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"not UTF-8 text: {error}", where=str(path)) from None


def _coordinates(path: Path, stations_file: Path | None) -> dict[str, tuple[float, float]]:
    if stations_file is not None:
        return _read_coordinates(stations_file)
    for beside in sorted(path.parent.glob("*stations*.csv")):
        # What happens to lie there was not asked for: when it is no such table, it is none of our business.
        with contextlib.suppress(UserError):
            return _read_coordinates(beside)
    return {}


def _read_coordinates(path: Path) -> dict[str, tuple[float, float]]:
    return dict(_coordinate_rows(path))


def _coordinate_rows(path: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    reader = csv.DictReader(io.StringIO(_text(path)))
    names = reader.fieldnames or []
    name_column = next((column for column in ("amdno", "station") if column in names), None)
    if name_column is None or "lat" not in names or "lon" not in names:
        raise UserError("needs the columns amdno (or station), lat and lon", where=str(path))
    for row in reader:
        try:
            yield row[name_column], (float(row["lat"]), float(row["lon"]))
        except (TypeError, ValueError):
            raise UserError("lat or lon is no number", where=f"{path}: line {reader.line_num}") from None
