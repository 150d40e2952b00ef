"""The rasters as GeoTIFF: values, place, overviews and credit survive."""

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.warp import transform

from central.city.geotiff import coordinate_system, write_geotiffs
from central.city.load import load_city
from central.city.projection import LocalFrame
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


@pytest.mark.parametrize("name", ["dsm", "land_cover"])
def test_the_coordinate_system_names_its_datum(written, name):
    folder, city, _ = written
    with rasterio.open(folder / f"{name}.tif") as layer:
        assert "unknown" not in layer.crs.to_wkt().lower()
        read = pyproj.CRS.from_wkt(layer.crs.to_wkt())
    assert read.name == f"local metres round {city.frame.lat:.6f} N {city.frame.lon:.6f} E"
    assert read.datum.name == "Japanese Geodetic Datum 2011"
    assert read.geodetic_crs.to_epsg() == 6668


@pytest.mark.parametrize(("lat", "lon"), [(36.139, 139.389), (26.2123, 127.6792), (43.0621, 141.3544)])
def test_named_or_not_a_place_is_the_same_metres(lat, lon):
    """To a micrometre, from degrees of JGD2011 and of WGS 84, which differ by less than surveys can tell."""
    frame = LocalFrame(lat, lon)
    named = pyproj.CRS.from_wkt(coordinate_system(frame).to_wkt())
    for degrees in ("EPSG:6668", "EPSG:4326"):
        to_metres = pyproj.Transformer.from_crs(degrees, named, always_xy=True)
        for east, north in ((0.0, 0.0), (0.02, 0.01), (-0.1, 0.09)):
            assert to_metres.transform(lon + east, lat + north) == pytest.approx(
                frame.point_to_local(lon + east, lat + north), abs=1e-6
            )


def test_a_folder_that_cannot_be_made_is_named(written, tmp_path):
    _, city, surface = written
    with pytest.raises(UserError, match="the folder cannot be made"):
        write_geotiffs(tmp_path / "a" / "b", city, surface)
    (tmp_path / "dsm.tif").mkdir()
    with pytest.raises(UserError, match=r"dsm\.tif: cannot be written"):
        write_geotiffs(tmp_path, city, surface)
