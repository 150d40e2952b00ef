"""`kumagaya heat paths`: cool ways on foot, on files."""

import argparse
import json
import math
from pathlib import Path
from typing import Any

from contract.errors import UserError
from contract.whole_file import asked_for

DESCRIPTION = """Walks from A to B that trade length against heat, through a frame of `kumagaya heat step`: prints their numbers and writes
them as GeoJSON. People walk on the open ground of the surface, or on the streets of an Overpass answer (docs/paths.md)."""
MAKE_ONE = "make one with `kumagaya heat step`"


def add_paths_parser(subparsers: Any) -> None:
    """Adds `paths` to the parser of `kumagaya heat`."""
    parser: argparse.ArgumentParser = subparsers.add_parser("paths", help="cool ways on foot", description=DESCRIPTION)
    parser.add_argument("surface", type=Path, metavar="SURFACE.npz")
    parser.add_argument(
        "--frame",
        type=Path,
        required=True,
        metavar="FRAME.npz",
        help="maps of `kumagaya heat step` of the same surface",
    )
    parser.add_argument("--from", dest="origin", required=True, metavar="LAT,LON")
    parser.add_argument("--to", dest="goal", required=True, metavar="LAT,LON")
    parser.add_argument(
        "--max-detour",
        type=float,
        default=1.3,
        metavar="X",
        help="longest walk as a multiple of the shortest (default: 1.3)",
    )
    parser.add_argument(
        "--index", choices=("utci", "wbgt"), default="utci", help="what the heat dose is made of (default: utci)"
    )
    parser.add_argument("--walking", type=Path, metavar="OVERPASS.json", help="streets to walk on, plain or .gz")
    parser.add_argument("--out", type=Path, metavar="PATHS.geojson")
    parser.set_defaults(run=run_paths)


def run_paths(arguments: argparse.Namespace) -> int:
    """Finds the walks, prints their numbers, writes them."""
    import numpy as np

    from central.city.grid import Grid
    from central.city.model import City, ImportReport, LandCover
    from central.city.projection import LocalFrame
    from central.city.walking import read_overpass
    from central.simulation.cityfile import load_surface
    from central.simulation.frames import LAYERS, quantise
    from central.simulation.paths import DETOUR_MAX, LAYERS_NEEDED, CoolPaths, NoPath, paths_geojson

    if not 1.0 <= arguments.max_detour <= DETOUR_MAX:
        raise UserError(f"is {arguments.max_detour:g}, must lie in 1 .. {DETOUR_MAX:g}", where="--max-detour")
    origin, goal = _place("--from", arguments.origin), _place("--to", arguments.goal)
    surface = load_surface(arguments.surface)
    rows, columns = surface.shape
    size = surface.pixel_size_m
    with np.load(arguments.surface, allow_pickle=False) as archive:
        cover = archive["land_cover"] if "land_cover" in archive.files else None
    if cover is None or cover.shape != surface.shape:
        cover = np.full(surface.shape, LandCover.UNKNOWN, np.uint8)
    frame = LocalFrame(surface.lat, surface.lon)
    grid = Grid(-columns * size / 2, rows * size / 2, columns, rows, size)
    city = City("", "", "surface", frame, grid, (), cover.astype(np.uint8), "", "", ImportReport())
    is_ground = surface.dsm - surface.dem < 1.0
    fields = _fields(arguments.frame, surface.shape, LAYERS_NEEDED)
    _check_values(arguments.frame, fields, is_ground)
    layers = {name: quantise(LAYERS[name], field, is_ground) for name, field in fields.items()}
    lines = None if arguments.walking is None else read_overpass(arguments.walking, frame)
    found = CoolPaths(lines).find(
        city, "file", layers, origin, goal, max_detour=arguments.max_detour, index=arguments.index
    )
    if isinstance(found, NoPath):
        raise UserError(found.detail, where=f"--{found.end}" if found.end else "")
    if found.index != arguments.index:
        print(f"{arguments.index} is not defined in this frame: walks are chosen by {found.index}")
    for path in found.paths:
        met = path.exposure
        dose = met.utci_dose_degc_min if found.index == "utci" else met.wbgt_dose_degc_min
        print(
            f"{'+'.join(path.kinds):<20} {met.length_m:6.0f} m {met.duration_s / 60.0:5.1f} min  shade {met.shade_pct:3.0f} %  "
            f"UTCI {_number(met.mean_utci_degc)} (highest {_number(met.max_utci_degc)})  WBGT {met.mean_wbgt_degc:.1f}  "
            f"{found.index} dose {dose:.0f} degC min"
        )
    if arguments.out is not None:
        body = paths_geojson(found, frame_id=arguments.frame.name, at="", max_detour=arguments.max_detour)
        with asked_for(arguments.out) as part:
            part.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
        print(f"written to {arguments.out}")
    return 0


def _place(option: str, text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(word) for word in text.split(","))
    except ValueError:
        raise UserError(
            f"{text!r} is no place", where=option, hint="LAT,LON in degrees, for example 36.139,139.389"
        ) from None
    if not (abs(lat) <= 90.0 and abs(lon) <= 180.0):
        raise UserError(f"{text!r} is no place on Earth", where=option)
    return lat, lon


def _fields(path: Path, shape: tuple[int, int], names: tuple[str, ...]) -> dict[str, Any]:
    """The maps of a frame by name. Raises UserError for a file that is not one of this surface."""
    import zipfile
    import zlib

    import numpy as np

    try:
        archive = np.load(path, allow_pickle=False)
        if isinstance(archive, np.ndarray):
            raise UserError("is a single array, not an npz of maps", where=str(path), hint=MAKE_ONE)
        with archive:
            fields = {name: archive[name] for name in names if name in archive.files}
    except FileNotFoundError:
        raise UserError("no such file", where=str(path), hint=MAKE_ONE) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror or error}", where=str(path), hint=MAKE_ONE) from None
    except (ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error):
        # NumPy takes whatever it does not know for a pickle and advises to load it as one: nobody should.
        raise UserError("is no npz of maps, or a damaged one", where=str(path), hint=MAKE_ONE) from None
    for name in names:
        if name not in fields:
            raise UserError(f"lacks {name}", where=str(path), hint=MAKE_ONE)
        if fields[name].dtype.kind != "f":
            raise UserError(f"{name} has type {fields[name].dtype}, must be float", where=str(path), hint=MAKE_ONE)
        if fields[name].shape != shape:
            raise UserError(f"{name} has shape {fields[name].shape}, the surface has {shape}", where=str(path))
    return fields


def _check_values(path: Path, fields: "dict[str, Any]", is_ground: Any) -> None:
    """Refuses a map that says nothing of some of the open ground: a walk there would be given a heat that nobody computed.

    UTCI may lack everywhere: it is not defined above 50 hPa of vapour.
    """
    import numpy as np

    cells = int(np.count_nonzero(is_ground))
    for name, field in fields.items():
        lacking = int(np.count_nonzero(~np.isfinite(field) & is_ground))
        if lacking == 0 or (name == "utci" and lacking == cells):
            continue
        raise UserError(
            f"{name} has no finite value on {lacking} of the {cells} cells of open ground",
            where=str(path),
            hint="make the frame anew with `kumagaya heat step` from this surface",
        )


def _number(value: float) -> str:
    """One decimal, "-" for what is not defined."""
    return f"{value:.1f}" if math.isfinite(value) else "-"
