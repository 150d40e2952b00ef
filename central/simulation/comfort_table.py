"""UTCI and WBGT for the rows of a CSV table."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np

from central.heat.comfort.utci import utci, vapour_pressure_for_utci_hpa
from central.heat.comfort.wbgt import wbgt
from contract.errors import UserError

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

FIRST_LINE: Final = 2
"""The header stands on line 1."""

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


def add_indices(points: Path, out: Path) -> tuple[int, list[str]]:
    """Copy a table and add the indices that its columns allow.

    Returns:
        number of rows, and the names of the added columns.

    Raises:
        UserError: the table is missing, has the columns of neither index, or a row holds no number, a number out of
            range, or more vapour than UTCI is defined for; names file, line, column and value.
    """
    try:
        with points.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            rows = list(reader)
    except FileNotFoundError:
        raise UserError("no such file", where=str(points)) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"cannot be read as CSV: {error}", where=str(points)) from None
    wants_utci = set(UTCI_COLUMNS) <= set(columns)
    wants_wbgt = set(WBGT_COLUMNS) <= set(columns)
    if not wants_utci and not wants_wbgt:
        raise UserError(
            f"has the columns {', '.join(columns) or '(none)'}",
            where=str(points),
            hint=f"UTCI needs {', '.join(UTCI_COLUMNS)}; WBGT needs {', '.join(WBGT_COLUMNS)}",
        )
    added = [*(ADDED_BY_UTCI if wants_utci else ()), *(ADDED_BY_WBGT if wants_wbgt else ())]
    if wants_utci:
        _add_utci(points, rows)
    if wants_wbgt:
        _add_wbgt(points, rows)
    try:
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(
                file, [*(name for name in columns if name not in added), *added], extrasaction="ignore"
            )
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(out)) from None
    return len(rows), added


def _add_utci(points: Path, rows: list[dict[str, str]]) -> None:
    table = np.array([[_number(points, line, row, name) for name in UTCI_COLUMNS] for line, row in _numbered(rows)])
    air, radiant, wind, humidity = table.reshape(-1, len(UTCI_COLUMNS)).T
    for line, (at_c, at_pct) in enumerate(zip(air, humidity, strict=True), start=FIRST_LINE):
        try:
            vapour_pressure_for_utci_hpa(at_c, at_pct)
        except ValueError as error:
            raise UserError(str(error), where=f"{points}: line {line}") from None
    for row, value in zip(rows, utci(air, radiant, wind, humidity), strict=True):
        row["utci_degc"] = f"{value:.6f}"


def _add_wbgt(points: Path, rows: list[dict[str, str]]) -> None:
    for line, row in _numbered(rows):
        air, humidity, wind, pressure, solar, direct, cosine = (
            _number(points, line, row, name) for name in WBGT_COLUMNS
        )
        result = wbgt(air, max(humidity, 0.1), wind, solar, pressure, direct_fraction=direct, cos_zenith=cosine)
        row["wbgt_degc"] = f"{result.wbgt_degc:.6f}"
        row["globe_degc"] = f"{result.globe_degc:.6f}"
        row["natural_wet_bulb_degc"] = f"{result.natural_wet_bulb_degc:.6f}"


def _numbered(rows: list[dict[str, str]]) -> Iterable[tuple[int, dict[str, str]]]:
    """Rows with the line of the file that they stand on."""
    return enumerate(rows, start=FIRST_LINE)


def _number(points: Path, line: int, row: dict[str, str], name: str) -> float:
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
