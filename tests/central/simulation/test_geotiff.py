"""A GeoTIFF that a GIS puts where the city is."""

import numpy as np
import pytest
from pyproj import CRS, Transformer
from rasterio.io import MemoryFile

from central.simulation.frames import LAYERS, quantise
from central.simulation.geotiff import encode_geotiff
from tests.central.simulation.small_city import LAT, LON, small_city


@pytest.mark.parametrize("cells", [60, 300])
def test_values_place_and_tags(cells):
    city, _ = small_city()
    grid = city.grid if cells == 60 else type(city.grid)(-300.0, 300.0, 300, 300, 2.0)
    values = np.linspace(20.0, 40.0, cells * cells, dtype=np.float32).reshape(cells, cells)
    ground = np.ones(values.shape, bool)
    ground[3, 4] = False
    layer = quantise(LAYERS["wbgt"], values, ground)
    data = encode_geotiff(layer, grid, city.frame, at="2018-07-23T05:00:00.000Z", credit="somebody")
    with MemoryFile(data) as memory, memory.open() as tif:
        read = tif.read(1)
        assert tif.dtypes == ("float32",)
        assert np.isnan(read[3, 4])
        assert np.isnan(tif.nodata)
        assert np.nanmax(np.abs(read - values)) <= layer.step / 2 + 1e-4
        assert tif.tags()["TIME"] == "2018-07-23T05:00:00.000Z"
        assert tif.tags()["CREDIT"] == "somebody"
        assert tif.units == ("degC",)
        assert CRS.from_wkt(tif.crs.to_wkt()).datum.name == "Japanese Geodetic Datum 2011"
        # The middle of the raster is the middle of the city.
        x, y = tif.transform @ (cells / 2, cells / 2)
        lon, lat = Transformer.from_crs(tif.crs, "EPSG:4326", always_xy=True).transform(x, y)
        assert (lat, lon) == (pytest.approx(LAT, abs=1e-7), pytest.approx(LON, abs=1e-7))
        # Row 0 is north.
        assert tif.transform.e < 0
