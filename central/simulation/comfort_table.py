"""UTCI and WBGT for the rows of a CSV table."""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from central.heat.comfort.utci import WIND_MAX_MS, utci, vapour_pressure_for_utci_hpa
from central.heat.comfort.wbgt import wbgt
from contract.errors import UserError
from contract.whole_file import asked_for

UTCI_COLUMNS: Final = ("ta_C", "tmrt_C", "va10_ms", "rh_pct")
WBGT_COLUMNS: Final = (
    "ta_C",
    "rh_pct",
    "wind2m_ms",
    "pressure_hPa",
    "solar_used_Wm2",
    "direct_fraction_liljegren",
    "cos_zenith",
)
ADDED_BY_UTCI: Final = ("utci_degc",)
ADDED_BY_WBGT: Final = ("wbgt_degc", "globe_degc", "natural_wet_bulb_degc")

RANGES: Final = {
    "ta_C": (-60.0, 70.0),
    "tmrt_C": (-120.0, 150.0),
    "va10_ms": (0.0, 100.0),
    "rh_pct": (0.0, 100.0),
    "wind2m_ms": (0.0, 100.0),
    "pressure_hPa": (500.0, 1100.0),
    "solar_used_Wm2": (0.0, 2000.0),
    "direct_fraction_liljegren": (0.0, 1.0),
    "cos_zenith": (-1.0, 1.0),
}


AIR_FOR_UTCI_DEGC: Final = (-50.0, 50.0)
RADIANT_SURPLUS_FOR_UTCI_K: Final = (-30.0, 70.0)
"""Where the polynomial of UTCI was fitted (Broede et al. 2012, Int. J. Biometeorol. 56:481-494); beyond it runs away."""

BEYOND: Final = "\0beyond the last column"

Row = dict[str, str]


@dataclass(frozen=True)
class Made:
    """What was added to a table."""

    rows: int
    columns: tuple[str, ...]
    note: str
    """What the reader of the new columns should know; empty where nothing."""


def add_indices(points: Path, out: Path) -> Made:
    """Copy a table and add the indices that its columns allow.

    Raises:
        UserError: the table is missing, names a column twice or has the columns of neither index; or a row holds more
            values than there are columns, no number, a number out of range, or air and radiation that UTCI is not
            defined for. Names file, line, column and value.
    """
    columns, rows = _read(points)
    wants_utci = set(UTCI_COLUMNS) <= set(columns)
    wants_wbgt = set(WBGT_COLUMNS) <= set(columns)
    if not wants_utci and not wants_wbgt:
        raise UserError(
            f"has the columns {', '.join(columns) or '(none)'}",
            where=str(points),
            hint=f"UTCI needs {', '.join(UTCI_COLUMNS)}; WBGT needs {', '.join(WBGT_COLUMNS)}",
        )
    added = (*(ADDED_BY_UTCI if wants_utci else ()), *(ADDED_BY_WBGT if wants_wbgt else ()))
    note = _add_utci(points, rows) if wants_utci else ""
    if wants_wbgt:
        _add_wbgt(points, rows)
    with asked_for(out) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*(name for name in columns if name not in added), *added], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(row for _, row in rows)
    return Made(len(rows), added, note)


def _read(points: Path) -> tuple[list[str], list[tuple[int, Row]]]:
    """The columns, and each row with the line of the file that it ends on."""
    try:
        with points.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restkey=BEYOND)
            columns = list(reader.fieldnames or [])
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise UserError("no such file", where=str(points)) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot be read as CSV: {error}", where=str(points)) from None
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise UserError(
            f"names the column {', '.join(repr(name) for name in twice)} more than once",
            where=str(points),
            hint="which one is meant cannot be told: rename or remove the others",
        )
    for line, row in rows:
        if any(row.get(BEYOND, ())):
            raise UserError(f"the row has more values than the {len(columns)} columns", where=f"{points}: line {line}")
    return columns, rows


def _add_utci(points: Path, rows: list[tuple[int, Row]]) -> str:
    """Adds the values; returns what is to be said of them."""
    table = np.array([[_number(points, line, row, name) for name in UTCI_COLUMNS] for line, row in rows])
    air, radiant, wind, humidity = table.reshape(-1, len(UTCI_COLUMNS)).T
    for (line, row), at_c, to_c, at_pct in zip(rows, air, radiant, humidity, strict=True):
        _check_domain(f"{points}: line {line}", row, at_c, to_c - at_c)
        try:
            vapour_pressure_for_utci_hpa(at_c, at_pct)
        except ValueError as error:
            raise UserError(str(error), where=f"{points}: line {line}") from None
    for (_, row), value in zip(rows, utci(air, radiant, wind, humidity), strict=True):
        row["utci_degc"] = f"{value:.6f}"
    stormy = np.flatnonzero(wind > WIND_MAX_MS)
    if not stormy.size:
        return ""
    return (
        f"{points}: wind above {WIND_MAX_MS:g} m/s counts as {WIND_MAX_MS:g} m/s in UTCI: {stormy.size} of {len(rows)} "
        f"rows, the first in line {rows[stormy[0]][0]}"
    )


def _check_domain(place: str, row: Row, air_degc: float, surplus_k: float) -> None:
    hint = "leave the row out, or the columns of UTCI"
    lowest, highest = AIR_FOR_UTCI_DEGC
    if not lowest <= air_degc <= highest:
        raise UserError(
            f"{row['ta_C']}: UTCI is defined for air of {lowest:g} .. {highest:g} C", where=f"{place}, ta_C", hint=hint
        )
    lowest, highest = RADIANT_SURPLUS_FOR_UTCI_K
    if not lowest <= round(surplus_k, 6) <= highest:
        raise UserError(
            f"{row['tmrt_C']} at ta_C {row['ta_C']}: UTCI is defined for tmrt_C - ta_C of {lowest:g} .. {highest:g} K",
            where=f"{place}, tmrt_C",
            hint=hint,
        )


def _add_wbgt(points: Path, rows: list[tuple[int, Row]]) -> None:
    for line, row in rows:
        air, humidity, wind, pressure, solar, direct, cosine = (
            _number(points, line, row, name) for name in WBGT_COLUMNS
        )
        result = wbgt(air, max(humidity, 0.1), wind, solar, pressure, direct_fraction=direct, cos_zenith=cosine)
        row["wbgt_degc"] = f"{result.wbgt_degc:.6f}"
        row["globe_degc"] = f"{result.globe_degc:.6f}"
        row["natural_wet_bulb_degc"] = f"{result.natural_wet_bulb_degc:.6f}"


def _number(points: Path, line: int, row: Row, name: str) -> float:
    place = f"{points}: line {line}, {name}"
    text = row.get(name) or ""
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{text!r} is not a number", where=place) from None
    lowest, highest = RANGES[name]
    if not lowest <= value <= highest:
        raise UserError(f"{text} must lie in {lowest:g} .. {highest:g}", where=place)
    return value
