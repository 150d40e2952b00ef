"""One layer as a GeoTIFF for GIS programs: float32, with its coordinate system."""

from typing import Any

from rasterio.io import MemoryFile

from central.city.geotiff import SOFTWARE, coordinate_system
from central.city.grid import Grid
from central.city.projection import LocalFrame
from central.simulation.frames import Layer


def encode_geotiff(layer: Layer, grid: Grid, frame: LocalFrame, *, at: str, credit: str) -> bytes:
    """The layer's values as a tiled, deflated GeoTIFF; no value is NaN.

    Args:
        layer: what to write.
        grid: its place in local metres.
        frame: the local metres (transverse Mercator round the city).
        at: the moment it shows, ISO 8601, kept as a tag.
        credit: whom to thank for the city's model, kept as a tag.

    """
    values = layer.values()
    rows, columns = values.shape
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "height": rows,
        "width": columns,
        "count": 1,
        "dtype": "float32",
        "nodata": float("nan"),
        "crs": coordinate_system(frame),
        "transform": grid.transform,
        "compress": "deflate",
        "predictor": 3,
        "zlevel": 1,
    }
    if min(rows, columns) >= 256:
        profile |= {"tiled": True, "blockxsize": 256, "blockysize": 256}
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(values, 1)
            target.set_band_description(1, layer.kind.title_en)
            target.set_band_unit(1, layer.kind.unit)
            target.update_tags(
                TIFFTAG_SOFTWARE=SOFTWARE,
                LAYER=layer.kind.name,
                TIME=at,
                CREDIT=credit,
                QUANTISATION_STEP=str(layer.step),
            )
        return bytes(memory.read())
