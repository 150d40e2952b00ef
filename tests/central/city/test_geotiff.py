"""The rasters as GeoTIFF: values, place, overviews and credit survive."""

import numpy as np
import pytest
import rasterio
from rasterio.warp import transform

from central.city.geotiff import write_geotiffs
from central.city.load import load_city
from contract.errors import UserError
from tests.central.city import gml


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tif")
    town = gml.document(gml.house("low", 0, 0, tall=5), gml.house("high", 1300, 1290, tall=50))
    city, surface = load_city(gml.write(folder, town))
    write_geotiffs(folder / "out", city, surface)
    return folder / "out", city, surface


@pytest.mark.parametrize("name", ["dsm", "dem", "cdsm", "land_cover"])
def test_each_layer_is_a_cloud_optimised_file_with_its_values(written, name):
    folder, city, surface = written
    with rasterio.open(folder / f"{name}.tif") as layer:
        expected = city.land_cover if name == "land_cover" else getattr(surface, name)
        assert np.array_equal(layer.read(1), expected)
        assert layer.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert layer.overviews(1)
        assert layer.tags()["CREDIT"] == city.attribution_ja
        assert "PLATEAU" in layer.tags()["TIFFTAG_COPYRIGHT"]
        assert layer.res == (2.0, 2.0)
        assert layer.nodata == (255 if name == "land_cover" else None)
    assert sorted(path.name for path in folder.iterdir()) == ["cdsm.tif", "dem.tif", "dsm.tif", "land_cover.tif"]


def test_the_file_lies_where_the_city_lies(written):
    folder, _, _ = written
    with rasterio.open(folder / "dsm.tif") as layer:
        (x,), (y,) = transform("EPSG:6668", layer.crs, [gml.LON + 1305 * gml.M_LON], [gml.LAT + 1295 * gml.M_LAT])
        assert next(layer.sample([(x, y)]))[0] == 50.0


def test_a_folder_that_cannot_be_made_is_named(written, tmp_path):
    _, city, surface = written
    with pytest.raises(UserError, match="the folder cannot be made"):
        write_geotiffs(tmp_path / "a" / "b", city, surface)
    (tmp_path / "dsm.tif").mkdir()
    with pytest.raises(UserError, match=r"dsm\.tif: cannot be written"):
        write_geotiffs(tmp_path, city, surface)
