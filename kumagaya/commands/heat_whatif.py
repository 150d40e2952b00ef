"""`kumagaya heat whatif`: what buildings and trees more or less would change, on files."""

import argparse
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import UserError

if TYPE_CHECKING:
    from central.city.grid import Grid
    from central.city.projection import LocalFrame
    from central.simulation.whatif.compare import Moment, Row

DESCRIPTION = """Compares a city with an edited one: GeoJSON features to add or remove buildings and trees (docs/whatif.md).
Prints a table and writes DIR/table.csv and, for each moment, maps of the difference and of before and after as GeoTIFF and PNG."""
COLUMNS = ("time", "quantity", "unit", "before", "after", "difference")


def add_whatif_parser(subparsers: Any) -> None:
    """Adds `whatif` to the parser of `kumagaya heat`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "whatif", help="what buildings and trees would change", description=DESCRIPTION
    )
    parser.add_argument("surface", type=Path, metavar="CITY", help="SURFACE.npz of `kumagaya heat import`")
    parser.add_argument("--edit", type=Path, required=True, metavar="EDIT.geojson")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for table and maps; made if missing"
    )
    parser.add_argument(
        "--time", action="append", required=True, metavar="ISO", help="with its UTC offset; may be given several times"
    )
    parser.add_argument("--ta", type=float, required=True, metavar="C", help="air temperature")
    parser.add_argument("--rh", type=float, required=True, metavar="%", help="relative humidity")
    parser.add_argument("--wind", type=float, required=True, metavar="M/S", help="at 10 m")
    parser.add_argument("--ghi", type=float, metavar="W/M2", help="global radiation; left out: cloudless sky")
    parser.add_argument("--pressure", type=float, default=1013.25, metavar="HPA", help="at the city (default: 1013.25)")
    parser.set_defaults(run=run_whatif)


def run_whatif(arguments: argparse.Namespace) -> int:
    """Compares, prints the table, writes the maps."""
    from central.simulation.cityfile import MAGIC
    from central.simulation.surface_city import load_surface_city
    from central.simulation.whatif.city import walks_of
    from central.simulation.whatif.edit import read_edit
    from central.simulation.whatif.jobs import Task, run_task
    from kumagaya.commands.heat import _progress

    path: Path = arguments.surface
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(MAGIC)) == MAGIC:
                raise UserError(
                    "is a prepared city, which no longer tells ground from roofs", where=str(path),
                    hint="give the SURFACE.npz that it was prepared from",
                )  # fmt: skip
    city, surface = load_surface_city(path)
    grid, frame, credit = city.grid, city.frame, city.attribution_en
    moments = [_moment(text, arguments) for text in arguments.time]
    try:
        content = arguments.edit.read_bytes()
    except FileNotFoundError:
        raise UserError("no such file", where=str(arguments.edit)) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", where=str(arguments.edit)) from None
    changes = read_edit(content, grid, frame, where=str(arguments.edit))
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot be made: {error.strerror}", where=str(arguments.out)) from None
    task = Task(surface, grid, changes, moments, walks_of(city, surface), city.land_cover)
    with _progress() as bar:
        shown = bar.add_task("comparing", total=1.0)
        try:
            result = run_task(task, lambda share, line: bar.update(shown, completed=share, description=line))
        except ValueError as error:
            raise UserError(str(error), where=str(path)) from None
    for index in result.untouched:
        print(f"without effect: features[{index}] changes no cell")
    for index in result.cropped:
        print(f"cropped: features[{index}] reaches beyond the map, only what lies on it is compared")
    if result.grid is None:
        print("nothing changes")
        return 0
    box = result.grid
    print(f"compared {box.width} x {box.height} of {grid.width} x {grid.height} cells: beyond them nothing changes")
    lines = [line for text, row in zip(arguments.time, result.rows, strict=True) for line in _lines(text, row)]
    for line in lines:
        print("  ".join(f"{word:<{width}}" for word, width in zip(line, (25, 24, 4, 12, 12, 12), strict=True)).rstrip())
    _write(arguments.out, lines, result.layers, box, frame, arguments.time, credit)
    print(f"written to {arguments.out}")
    if credit:
        print(f"attribution: {credit}")
    return 0


def _moment(text: str, arguments: argparse.Namespace) -> "Moment":
    from central.simulation.whatif.compare import Moment
    from kumagaya.commands.heat import _unix_ms, _weather

    weather = _weather(arguments)
    return Moment(_unix_ms(text), weather)


def _lines(time: str, row: "Row") -> list[tuple[str, ...]]:
    from central.simulation.whatif.maps import DIGITS, row_dict

    table = row_dict(row)
    values = {"wbgt_31_and_more": ("m2", table["wbgt_31_and_more_m2"])}
    for name, value in (table["walks"] or {}).items():
        quantity, _, unit = name.rpartition("_")
        values[f"walks_{quantity}"] = (unit, value)
    return [
        (time, quantity, unit, *(f"{value[column]:.{DIGITS[unit]}f}" for column in ("before", "after", "difference")))
        for quantity, (unit, value) in values.items()
    ]


def _write(  # noqa: PLR0917
    out: Path,
    lines: list[tuple[str, ...]],
    layers: Any,
    grid: "Grid",
    frame: "LocalFrame",
    times: list[str],
    credit: str,
) -> None:
    from central.simulation.geotiff import encode_geotiff
    from central.simulation.png import encode_gray

    scales = {}
    try:
        with (out / "table.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *lines])
        for number, (time, by_name) in enumerate(zip(times, layers, strict=True)):
            for name, layer in by_name.items():
                stem = f"{number}_{name}"
                (out / f"{stem}.tif").write_bytes(encode_geotiff(layer, grid, frame, at=time, credit=credit))
                (out / f"{stem}.png").write_bytes(encode_gray(layer.level))
                scales[f"{stem}.png"] = {
                    "time": time, "unit": layer.kind.unit, "offset": layer.offset, "step": layer.step, "attribution": credit
                }  # fmt: skip
        # value = offset + step * gray, gray 0 = building.
        (out / "scales.json").write_text(json.dumps(scales, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", where=str(out)) from None
