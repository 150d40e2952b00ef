"""A city's rasters as GeoTIFF files for GIS programs: cloud-optimised (COG), with overviews and their credit."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyproj
import rasterio
from numpy.typing import NDArray
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import TransverseMercatorConversion
from rasterio._err import CPLE_BaseError  # what the closing of a COG raises has no public name
from rasterio.errors import RasterioError

from central.city.model import City, LandCover
from central.city.projection import LocalFrame
from central.heat.surface import Surface
from contract.errors import UserError
from contract.whole_file import asked_for

SOFTWARE: Final = "kumagaya"
LAYERS: Final = {
    "dsm": ("height of ground and buildings above sea level", "m"),
    "dem": ("height of the bare ground above sea level", "m"),
    "cdsm": ("height of the canopy above ground", "m"),
    "land_cover": (", ".join(f"{cover.value} {cover.name.lower().replace('_', ' ')}" for cover in LandCover), ""),
}
"""What each file holds, and its unit."""


JGD2011_EPSG: Final = 6668


def coordinate_system(frame: LocalFrame) -> rasterio.CRS:
    """The local metres as a coordinate system of JGD2011, whose degrees they are counted from.

    In PROJ's notation of ``frame.crs`` the datum has no name, and a GIS asks its user for it or guesses.
    """
    local = ProjectedCRS(
        TransverseMercatorConversion(latitude_natural_origin=frame.lat, longitude_natural_origin=frame.lon),
        name=f"local metres round {frame.lat:.6f} N {frame.lon:.6f} E",
        geodetic_crs=pyproj.CRS.from_epsg(JGD2011_EPSG),
    )
    return rasterio.CRS.from_wkt(local.to_wkt())


def write_geotiffs(folder: Path, city: City, surface: Surface) -> list[Path]:
    """Writes dsm.tif, dem.tif, cdsm.tif and land_cover.tif into a folder, which is made where it does not exist.

    Each file is written whole or not at all. Coordinates are the city's local metres (transverse Mercator of JGD2011).

    Raises:
        UserError: a file cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder cannot be made: {error.strerror or error}", where=str(folder)) from None
    written = []
    for name in LAYERS:
        path = folder / f"{name}.tif"
        values = city.land_cover if name == "land_cover" else getattr(surface, name)
        _write(path, name, values, city)
        written.append(path)
    return written


def _write(path: Path, name: str, values: NDArray[np.generic], city: City) -> None:
    rows, columns = values.shape
    classes = name == "land_cover"
    title, unit = LAYERS[name]
    profile: dict[str, Any] = {
        "driver": "COG",
        "height": rows,
        "width": columns,
        "count": 1,
        "dtype": values.dtype.name,
        "crs": coordinate_system(city.frame),
        "transform": city.grid.transform,
        "compress": "deflate",
        "predictor": "no" if classes else "yes",
        # Heights may be averaged in the overviews, codes of classes may not.
        "overview_resampling": "nearest" if classes else "average",
        "num_threads": "2",
    }
    if classes:
        profile["nodata"] = int(LandCover.UNKNOWN)
    try:
        with asked_for(path) as part, rasterio.open(part, "w", **profile) as target:
            target.write(values, 1)
            target.set_band_description(1, title)
            if unit:
                target.set_band_unit(1, unit)
            target.update_tags(
                TIFFTAG_SOFTWARE=SOFTWARE,
                TIFFTAG_COPYRIGHT=city.attribution_en,
                TIFFTAG_IMAGEDESCRIPTION=f"{city.name_en}: {title}",
                CREDIT=city.attribution_ja,
            )
    except (RasterioError, CPLE_BaseError) as error:
        raise UserError(f"cannot be written: {str(error).splitlines()[0]}", where=str(path)) from None
