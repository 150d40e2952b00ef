"""`kumagaya heat import`: CityGML tiles to the rasters that the heat simulation reads."""

import argparse
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contract.errors import UserError
from contract.whole_file import asked_for

if TYPE_CHECKING:
    from central.city.load import Window

_SYNTHETIC = "synthetic"
DEFAULT_SIDE_M = 2000.0


def add_import_parser(subparsers: Any) -> None:
    """Adds `import` to the parser of `kumagaya heat`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "import",
        help="city model to surface rasters",
        description="Reads PLATEAU CityGML tiles of buildings, relief, roads, land use and plants (or .osm files, or "
        "folders of all these) and writes the surface rasters dsm, dem [m above sea level], cdsm [m above ground], "
        "land_cover, pixel_size, lat, lon: row 0 north, column 0 west.",
    )
    parser.add_argument(
        "gml",
        nargs="+",
        metavar="GML",
        help=f"tile (.gml, .gml.gz, .osm, .osm.gz), folder, or '{_SYNTHETIC}' for the built-in downtown",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="SURFACE.npz", help="file to write")
    parser.add_argument("--cell", type=float, default=2.0, metavar="M", help="pixel size: 1, 2 or 4 m (default 2)")
    parser.add_argument("--center", metavar="LAT,LON", help="cut a square out round this place")
    parser.add_argument(
        "--size", type=float, metavar="M", help=f"side of that square in metres (default {DEFAULT_SIDE_M:g})"
    )
    parser.add_argument(
        "--trees",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="list of trees: CSV with lon, lat, height_m, crown_diameter_m, or GeoJSON points; may be given again",
    )
    parser.add_argument(
        "--tif", type=Path, metavar="DIR", help="also write dsm, dem, cdsm, land_cover as GeoTIFF (COG)"
    )
    parser.add_argument("--buildings", type=Path, metavar="FILE.geojson", help="also write the building outlines")
    parser.set_defaults(run=run_import)


def run_import(arguments: argparse.Namespace) -> int:
    """Imports, prints the report, writes the files; nothing is written when the input is refused."""
    import numpy as np

    from central.city.geojson import buildings_geojson
    from central.city.geotiff import write_geotiffs
    from central.city.grid import CELLS_MUNICIPALITY_MAX, check_pixel_size
    from central.city.load import load_city
    from central.city.sources import tiles_beyond
    from central.simulation.cityfile import save_surface

    started_s = time.monotonic()
    tif: Path | None = arguments.tif
    if tif is not None and tif.exists() and not tif.is_dir():
        raise UserError("this is a file, a folder is needed", where=f"--tif {tif}")
    if tif is not None and not tif.absolute().parent.is_dir():
        raise UserError("the folder to write to does not exist", where=f"--tif {tif}")
    for path in filter(None, (arguments.out, arguments.buildings)):
        if not path.absolute().parent.is_dir():
            raise UserError("the folder to write to does not exist", where=str(path))
        if path.is_dir():
            raise UserError("this is a folder, a file name is needed", where=str(path))
    names: list[str] = arguments.gml
    window = _window(arguments.center, arguments.size)
    if names == [_SYNTHETIC] and window is not None:
        raise UserError("the built-in downtown cannot be cut", where="--center")
    # Once the pixel size is right, what the raster's limits refuse is the square's size, or the cells' for all tiles.
    with _named("--cell"):
        check_pixel_size(arguments.cell)
    with _named("--cell" if window is None else "--size"):
        city, surface = load_city(
            None if names == [_SYNTHETIC] else names,
            pixel_size_m=arguments.cell,
            window=window,
            trees=arguments.trees,
            cells_max=CELLS_MUNICIPALITY_MAX,
        )
    told = city.report.lines()
    beyond = [] if window is None else tiles_beyond(names, window.box())
    if beyond:
        what = "1 tile" if len(beyond) == 1 else f"{len(beyond)} tiles"
        shown = ", ".join(beyond[:4]) + (" ..." if len(beyond) > 4 else "")
        told.insert(1, f"not opened   {what} that by the mesh code in the name miss the square: {shown}")
    for line in told:
        print(line)
    height, width = surface.shape
    print(
        f"raster       {width} x {height} cells of {surface.pixel_size_m:g} m, "
        f"centre {surface.lat:.5f} N {surface.lon:.5f} E, ground {surface.dem.min():.1f} .. {surface.dem.max():.1f} m, "
        f"highest roof {(surface.dsm - surface.dem).max():.1f} m above it, "
        f"highest tree {surface.cdsm.max():.1f} m"
    )
    save_surface(arguments.out, surface, land_cover=city.land_cover, attribution=np.array(city.attribution_ja))
    print(f"written      {arguments.out}")
    if arguments.buildings is not None:
        with asked_for(arguments.buildings) as part:
            part.write_bytes(buildings_geojson(city))
        print(f"written      {arguments.buildings}")
    if tif is not None:
        for path in write_geotiffs(tif, city, surface):
            print(f"written      {path}")
    # Linux counts the peak in KiB.
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"took         {time.monotonic() - started_s:.1f} s, {peak_mb:.0f} MB of memory at most")
    if city.attribution_en:
        print(f"attribution  {city.attribution_ja}")
    return 0


def _window(center: str | None, size_m: float | None) -> "Window | None":
    from central.city.load import Window

    if center is None:
        if size_m is not None:
            raise UserError("--size needs --center LAT,LON", where="--size")
        return None
    try:
        lat, lon = (float(word) for word in center.split(","))
    except ValueError:
        raise UserError(
            f"{center!r} is no place", where="--center", hint="LAT,LON in degrees, for example 36.139,139.389"
        ) from None
    with _named("--center"):
        default = Window(lat, lon, DEFAULT_SIDE_M)
    if size_m is None:
        return default
    with _named("--size"):
        return Window(lat, lon, size_m)


@contextmanager
def _named(option: str) -> Iterator[None]:
    """Puts the option in front of what the city refuses without a file's name: there it knows the quantity alone."""
    try:
        yield
    except UserError as error:
        if error.where not in {"cell", "city"}:
            raise
        raise UserError(error.what, where=option, hint=error.hint) from None
