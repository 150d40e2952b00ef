"""`kumagaya heat paths`: cool ways on foot, on files."""

import argparse
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import UserError
from contract.whole_file import asked_for

if TYPE_CHECKING:
    from central.city.model import City
    from central.city.walking import WalkingLines

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
    from central.simulation.frames import LAYERS, quantise
    from central.simulation.paths.cool import DETOUR_MAX, LAYERS_NEEDED, CoolPaths, NoPath
    from central.simulation.paths.geojson import paths_geojson
    from central.simulation.paths.place import read_place
    from central.simulation.surface_city import load_surface_city

    if not 1.0 <= arguments.max_detour <= DETOUR_MAX:
        raise UserError(f"is {arguments.max_detour:g}, must lie in 1 .. {DETOUR_MAX:g}", where="--max-detour")
    origin, goal = read_place(arguments.origin, "--from"), read_place(arguments.goal, "--to")
    city, surface = load_surface_city(arguments.surface)
    is_ground = surface.dsm - surface.dem < 1.0
    fields = _fields(arguments.frame, surface.shape, LAYERS_NEEDED)
    _check_values(arguments.frame, fields, is_ground)
    layers = {name: quantise(LAYERS[name], field, is_ground) for name, field in fields.items()}
    lines = None if arguments.walking is None else _streets(arguments.walking, city)
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
            f"UTCI {_number(met.mean_utci_degc)} (highest {_number(met.max_utci_degc)})  WBGT {_number(met.mean_wbgt_degc)}  "
            f"{found.index} dose {dose:.0f} degC min"
        )
    if arguments.out is not None:
        # A frame's file does not tell its moment.
        body = paths_geojson(found, frame_id=arguments.frame.name, at=None, max_detour=arguments.max_detour)
        with asked_for(arguments.out) as part:
            part.write_text(json.dumps(body, ensure_ascii=False), encoding="utf-8")
        print(f"written to {arguments.out}")
    return 0


def _streets(path: Path, city: "City") -> "WalkingLines":
    """The lines of an Overpass answer on the map. Raises UserError where there is none of them."""
    from central.city.walking import read_overpass

    lines = read_overpass(path, city.frame).within(city.grid)
    if lines.edge_from.size == 0:
        lons, lats = zip(*city.corners, strict=True)
        raise UserError(
            "no way of this file lies on the map: it is of another place",
            where=str(path),
            hint=f"ask Overpass for the bounds {min(lats):.5f},{min(lons):.5f},{max(lats):.5f},{max(lons):.5f}",
        )
    return lines


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
    from central.simulation.rounding import rounded

    return f"{rounded(value, 1):.1f}" if math.isfinite(value) else "-"
