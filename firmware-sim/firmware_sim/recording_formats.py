"""The formats of measured weather: which first line tells them, what their columns mean, in which time zone they write."""

import csv
import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from contract.errors import UserError
from contract.quantities import QUANTITIES

_EMPTY = frozenset({"", "NaN", "nan", "NA", "null"})


@dataclass(frozen=True)
class Row:
    """One row of a file, still text.

    Attributes:
        line: in the file, from 1.
        problem: what is wrong with the row as a whole; then the rest means nothing.

    """

    line: int
    at_ms: int
    station: str
    fields: Mapping[str, str]
    problem: str | None = None


@dataclass(frozen=True)
class Column:
    """A column that holds a quantity; `adds_up`: it holds amounts since the last row, the device a total."""

    name: str
    adds_up: bool = False


@dataclass(frozen=True)
class Format:
    """How to read one kind of file.

    Attributes:
        rows: of the file's lines; raises UserError for a time that cannot be read.
        missing: texts that mean "not measured".

    """

    name: str
    time_column: str
    quantities: Mapping[str, Column]
    rows: Callable[[Sequence[str], str], Iterator[Row]]
    missing: frozenset[str] = _EMPTY


def format_of(lines: Sequence[str], where: str) -> Format:
    """The format that the first lines tell. Raises UserError when they tell none."""
    header = [name.strip() for name in next(csv.reader([lines[0]]), [])]
    if header[:2] == ["Time(utc)", "GHI"]:
        return _DTU
    if header[:2] == ["obs_time_jst", "amdno"]:
        return _AMEDAS
    if len(lines) > 1 and len(header) == 1 and "version" in lines[1]:
        return _SURFRAD
    if "at" in header or "station" in header or set(header) & QUANTITIES.keys():
        return _own_table(header, where)
    raise UserError(
        f"no known weather file: its first line is {lines[0][:60]!r}",
        where=where,
        hint="our own table begins at,station,air_temperature_degc",
    )


def _own_table(header: Sequence[str], where: str) -> Format:
    for needed in ("at", "station"):
        if needed not in header:
            raise UserError(
                f"the column {needed!r} is missing", where=f"{where}: line 1", hint="begin with at,station,<quantity>"
            )
    quantities = [name for name in header if name not in {"at", "station"}]
    for name in quantities:
        if name not in QUANTITIES:
            raise UserError(
                f"unknown quantity {name!r}",
                where=f"{where}: line 1",
                hint=f"known: {', '.join(sorted(QUANTITIES))}",
            )
    if not quantities:
        raise UserError("no quantity but at and station", where=f"{where}: line 1")
    return Format(
        "own table", "at", {name: Column(name) for name in quantities}, _table_rows("at", "station", _zoned_ms)
    )


def _table_rows(
    time_column: str, station_column: str | None, time_of: Callable[[str], int]
) -> Callable[[Sequence[str], str], Iterator[Row]]:
    def rows(lines: Sequence[str], where: str) -> Iterator[Row]:
        reader = csv.reader(lines)
        header = [name.strip() for name in next(reader)]
        for values in reader:
            line = reader.line_num
            if not values:
                continue
            if len(values) != len(header):
                yield Row(line, 0, "", {}, f"has {len(values)} fields, the first line {len(header)}")
                continue
            fields = dict(zip(header, values, strict=True))
            yield Row(
                line,
                _time(time_of, fields[time_column], f"{where}: line {line}, column {time_column}"),
                "" if station_column is None else fields[station_column].strip(),
                fields,
            )

    return rows


def _time(time_of: Callable[[str], int], text: str, where: str) -> int:
    try:
        return time_of(text.strip())
    except ValueError as error:
        raise UserError(f"{text!r} is no time: {error}", where=where) from None


def _zoned_ms(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("its offset is missing, such as +09:00 or Z")
    return round(moment.timestamp() * 1000)


def _utc_ms(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return round(moment.timestamp() * 1000)


_SURFRAD_TIME = ("year", "day_of_year", "month", "day", "hour", "minute", "hour_decimal", "zenith")
# fmt: off
_SURFRAD_VALUES = (
    "dw_solar", "uw_solar", "direct_n", "diffuse", "dw_ir", "dw_casetemp", "dw_dometemp", "uw_ir", "uw_casetemp", "uw_dometemp",
    "uvb", "par", "netsolar", "netir", "totalnet", "temp", "rh", "windspd", "winddir", "pressure",
)
# fmt: on
"""SURFRAD's file description (NOAA Global Monitoring Laboratory): every value is followed by its quality flag. The flags are not
heeded: what the instrument said stays in."""
_SURFRAD_FIELDS = len(_SURFRAD_TIME) + 2 * len(_SURFRAD_VALUES)


def _surfrad_rows(lines: Sequence[str], where: str) -> Iterator[Row]:
    station = lines[0].strip()
    for line, text in enumerate(lines[2:], start=3):
        values = text.split()
        if not values:
            continue
        if len(values) != _SURFRAD_FIELDS:
            yield Row(line, 0, station, {}, f"has {len(values)} fields instead of {_SURFRAD_FIELDS}")
            continue
        fields = dict(zip(_SURFRAD_TIME + _SURFRAD_VALUES, values[:8] + values[8::2], strict=True))
        try:
            year, month, day, hour, minute = (int(fields[name]) for name in ("year", "month", "day", "hour", "minute"))
            moment = dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC)
        except ValueError as error:
            raise UserError(f"{' '.join(values[:6])!r} is no time: {error}", where=f"{where}: line {line}") from None
        fields["time"] = moment.isoformat()
        yield Row(line, round(moment.timestamp() * 1000), station, fields)


_DTU = Format(
    "DTU solar station",
    "Time(utc)",
    {
        "global_radiation_wm2": Column("GHI"),
        "wind_speed_ms": Column("wind_speed_avg"),
        "wind_direction_deg": Column("wind_dir_avg"),
        "air_temperature_degc": Column("air_temperature"),
        "air_pressure_hpa": Column("air_pressure"),
        "relative_humidity_pct": Column("relative_humidity"),
        "rain_accumulated_mm": Column("rain_accumulation", adds_up=True),
        "rain_intensity_mmh": Column("rain_intensity"),
    },
    _table_rows("Time(utc)", None, _utc_ms),
)

_AMEDAS = Format(
    "AMeDAS by hour",
    "obs_time_jst",
    {
        "air_temperature_degc": Column("temp_c"),
        "rain_accumulated_mm": Column("precip_1h_mm", adds_up=True),
        # The amount of the last hour is also its mean intensity.
        "rain_intensity_mmh": Column("precip_1h_mm"),
    },
    _table_rows("obs_time_jst", "amdno", _zoned_ms),
)

_SURFRAD = Format(
    "SURFRAD",
    "time",
    {
        "global_radiation_wm2": Column("dw_solar"),
        "air_temperature_degc": Column("temp"),
        "relative_humidity_pct": Column("rh"),
        "wind_speed_ms": Column("windspd"),
        "wind_direction_deg": Column("winddir"),
        "air_pressure_hpa": Column("pressure"),
    },
    _surfrad_rows,
    _EMPTY | {"-9999.9", "-9999.90", "-9999"},
)
