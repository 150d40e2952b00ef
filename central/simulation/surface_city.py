"""A surface file as a city: what the npz of `kumagaya heat import` tells beyond the heights.

It knows heights, land cover and whom to thank. It knows no outlines: no roads with their classes, bridges and tunnels, no railways, no
buildings by their ids.
"""

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from central.city.grid import Grid
from central.city.model import City, ImportReport, LandCover
from central.city.projection import LocalFrame
from central.city.walking import SURFACE_FILE
from central.heat.land_cover import LandCover as Codes
from central.heat.surface import Surface
from central.simulation.cityfile import arrays_in, surface_of
from contract.errors import UserError

ANEW: Final = "make the surface anew with `kumagaya heat import`"


def load_surface_city(path: Path) -> tuple[City, Surface]:
    """The city and the surface of a file; ground without a land cover is unknown ground.

    Raises:
        UserError: no surface (see `cityfile.load_surface`), or a land cover or an attribution that is none.
    """
    arrays = arrays_in(path)
    surface = surface_of(path, arrays)
    cover, credit = arrays.get("land_cover"), arrays.get("attribution")
    rows, columns = surface.shape
    size_m = surface.pixel_size_m
    thanks = "" if credit is None else _line(path, credit)
    city = City(
        name_ja=path.name,
        name_en=path.name,
        source=SURFACE_FILE,
        frame=LocalFrame(surface.lat, surface.lon),
        grid=Grid(-columns * size_m / 2, rows * size_m / 2, columns, rows, size_m),
        buildings=(),
        land_cover=_codes(path, cover, surface.shape),
        attribution_ja=thanks,
        attribution_en=thanks,
        report=ImportReport(),
    )
    return city, surface


def _codes(path: Path, cover: npt.NDArray[Any] | None, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    if cover is None:
        return np.full(shape, LandCover.UNKNOWN, np.uint8)
    where = f"{path}: land_cover"
    if cover.shape != shape:
        raise UserError(f"has shape {cover.shape}, the surface has {shape}", where=where, hint=ANEW)
    if cover.dtype.kind not in "iu":
        # Rounded or cut to whole numbers it would be another cover.
        raise UserError(f"has type {cover.dtype}, must be uint8", where=where, hint=ANEW)
    try:
        return Codes(cover).codes
    except ValueError as error:
        raise UserError(str(error).removeprefix("land cover "), where=where, hint=ANEW) from None


def _line(path: Path, credit: npt.NDArray[Any]) -> str:
    if credit.size != 1 or credit.dtype.kind != "U":
        raise UserError(
            f"has shape {credit.shape} and type {credit.dtype}, must be one text",
            where=f"{path}: attribution",
            hint=ANEW,
        )
    return " ".join(str(credit.ravel()[0]).split())
