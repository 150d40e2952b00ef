"""Real PLATEAU tiles: the counts, heights and extents that were taken from the files by other means."""

import numpy as np
import pytest
import shapely
from rasterio.features import rasterize

from central.city.geojson import buildings_geojson
from central.city.load import Window, load_city
from central.city.model import RoadSection
from central.city.stations import place_stations
from tests.shared import shared_path

NIIZA = "data/plateau/53395404_bldg_6697_op.gml.gz"
TAISHO = "data/plateau/51357356_bldg_6697_op.gml.gz"
SUMINOE = "data/plateau/51357363_bldg_6697_op.gml.gz"
ISHIKAWA = "data/plateau/54363371_bldg_6697.gml.gz"
YOKOSUKA = "data/plateau/52397519_bldg_6697_op.gml.gz"
TATEBAYASHI = "data/plateau/54392491_bldg_6697_op.osm.gz"

#         file     buildings, stated heights, min, mean, max,  south, north, west, east                    built share
TILES = {
    "niiza": (NIIZA, 657, 657, 2.5, 6.9, 27.7, (35.75508, 35.75859, 139.55001, 139.55640), 0.23),
    "taisho": (TAISHO, 499, 371, 3.0, 7.6, 27.8, (34.62599, 34.63356, 135.45002, 135.46255), 0.29),
    "suminoe": (SUMINOE, 397, 228, 3.0, 17.4, 276.4, (34.63302, 34.64179, 135.41264, 135.42542), 0.21),
    "ishikawa": (ISHIKAWA, 192, 151, 2.0, 6.6, 19.8, (36.30829, 36.31655, 136.38811, 136.39992), 0.03),
}


@pytest.mark.parametrize("name", list(TILES))
def test_counts_heights_and_extent(name):
    file, buildings, stated, lowest, mean, highest, extent, built = TILES[name]
    city, surface = load_city(shared_path(file))
    report = city.report
    assert (report.buildings, report.volumes, report.with_height) == (buildings, buildings, stated)
    assert report.with_height + report.height_from_solid + report.height_estimated == buildings
    assert report.height_estimated == buildings - stated  # their solids are placeholders of 3 m
    assert report.skipped == {}
    measured = [b.height_m for b in city.buildings if b.height_source.value == "measured"]
    assert min(measured) == lowest
    assert np.mean(measured) == pytest.approx(mean, abs=0.05)
    assert max(measured) == highest
    shapes = city.frame.geometries_to_lonlat(np.array([b.outline for b in city.buildings], dtype=object))
    west, south, east, north = shapely.total_bounds(shapes)
    assert (south, north, west, east) == pytest.approx(extent, abs=1e-5)
    assert (surface.dsm > surface.dem).mean() == pytest.approx(built, abs=0.006)


def test_niiza_stands_on_its_true_ground():
    city, surface = load_city(shared_path(NIIZA))
    assert surface.shape == (196, 290)  # 389 m x 578 m
    assert city.report.terrain == "buildings"
    assert (surface.dem.min(), surface.dem.max()) == pytest.approx((51.6, 55.4), abs=0.4)
    # Between houses the ground does not jump.
    assert np.abs(np.diff(surface.dem, axis=0)).max() < 0.5


def test_osaka_has_a_ground_although_its_footprints_lie_at_zero():
    """LOD0 is written at 0 m there, the LOD1 solids stand on 0.4 .. 4.4 m."""
    city, surface = load_city(shared_path(TAISHO))
    assert city.report.terrain == "buildings"
    assert 0.3 < surface.dem.min() < surface.dem.max() < 4.5


def test_taisho_with_heights_that_nobody_measured():
    city, _ = load_city(shared_path(TAISHO))
    assert (city.report.height_from_storeys, city.report.height_from_neighbours) == (47, 81)
    guessed = [b.height_m for b in city.buildings if b.height_estimated]
    assert len(guessed) == 128
    assert 3.0 <= min(guessed) <= max(guessed) < 20.0


def test_roofs_of_ishikawa_and_yokosuka_are_planes():
    ishikawa, surface = load_city(shared_path(ISHIKAWA), pixel_size_m=1)
    assert ishikawa.report.lod2 == 31
    yokosuka, _ = load_city(shared_path(YOKOSUKA))
    assert (yokosuka.report.buildings, yokosuka.report.volumes, yokosuka.report.lod2) == (13, 14, 3)
    above = surface.dsm - surface.dem
    for building in (b for b in ishikawa.buildings if b.roof and b.outline.area > 60):
        inside = [
            above[cell]
            for x, y in shapely.get_coordinates(building.outline.buffer(-2).representative_point())
            if (cell := ishikawa.grid.cell_of(x, y))
        ]
        assert max(inside) <= building.height_m + 1.0


def test_two_wards_of_osaka_in_one_raster():
    tiles = [shared_path(TAISHO), shared_path(SUMINOE)]
    city, surface = load_city(tiles, pixel_size_m=4)
    assert city.report.volumes == 499 + 397
    assert surface.shape == (440, 1146)
    alone, alone_surface = load_city(tiles[0])
    area = sum(b.outline.area for b in alone.buildings)
    assert area == pytest.approx(
        sum(b.outline.area for b in city.buildings if b.id in {a.id for a in alone.buildings}), rel=1e-4
    )
    assert alone_surface.dsm.max() == pytest.approx(27.8 + 2.5, abs=2.5)


def test_a_square_of_taisho():
    city, surface = load_city(shared_path(TAISHO), window=Window(34.630, 135.456, 600))
    assert surface.shape == (300, 300)
    assert city.report.volumes + city.report.outside == 499


def test_tatebayashi_from_osm():
    city, surface = load_city(shared_path(TATEBAYASHI))
    assert 2150 <= city.report.volumes <= 2274
    assert city.report.with_height == city.report.volumes
    assert 18.0 < surface.dem.min() < surface.dem.max() < 26.0
    # 36.7 m is written on the outline round the eight parts of the hospital; the tallest part has 36.1 m.
    assert max(b.height_m for b in city.buildings) == 36.1


def test_relief_of_yokosuka_is_read():
    from pathlib import Path

    from central.city.citygml import Tally
    from central.city.projection import LocalFrame
    from central.city.relief import read_triangles, to_local

    tally = Tally()
    triangles = to_local(
        read_triangles(Path(shared_path("data/plateau/523965_dem_6697_05_op.gml.gz")), tally), LocalFrame(35.2, 139.69)
    )
    assert tally.skipped == {}
    assert len(triangles) > 1000
    assert (triangles[:, :, 2].min(), triangles[:, :, 2].max()) == pytest.approx((-0.02, 24.2), abs=0.01)


@pytest.mark.parametrize(
    ("file", "roads", "asphalt", "bridges"),
    [(TAISHO, 104, 0.072, 0), (SUMINOE, 543, 0.219, 7)],
)
def test_roads_of_osaka_lie_between_its_buildings(file, roads, asphalt, bridges):
    """104 and 543 tran:Road; 7 of the bay's have the section type 7 (bridge, viaduct)."""
    city, surface = load_city([shared_path(file), shared_path(file.replace("bldg", "tran"))])
    assert (city.report.roads, len(city.roads), city.report.skipped) == (roads, roads, {})
    assert city.report.cover_shares["asphalt"] == pytest.approx(asphalt, abs=0.003)
    assert sum(road.section is RoadSection.BRIDGE for road in city.roads) == bridges
    assert 0.5 < np.median([road.width_m for road in city.roads]) < 30.0
    # The two surveys are of different years and still agree: hardly a road runs through a house.
    across = rasterize(
        [road.outline for road in city.roads], out_shape=city.grid.shape, transform=city.grid.transform
    ).astype(bool)
    assert (across & (surface.dsm > surface.dem)).sum() < 0.06 * across.sum()


def test_land_use_of_numazu():
    window = Window(34.988, 138.842, 3000)
    city, surface = load_city(shared_path("data/plateau/523836_luse_6668_op.gml.gz"), window=window)
    assert city.report.uses_unknown == {"205": 3, "214": 4, "217": 2, "219": 15}
    assert city.report.uses == 78
    assert city.report.wood_m2 == pytest.approx(45.9e4, rel=0.01)
    assert surface.cdsm.max() == 12.0


def test_relief_of_yokosuka_is_drawn():
    window = Window(35.2016, 139.6937, 1000)
    city, surface = load_city(shared_path("data/plateau/523965_dem_6697_05_op.gml.gz"), window=window)
    assert city.report.terrain == "dem"
    assert city.report.relief_share > 0.7
    assert (surface.dem.min(), surface.dem.max()) == pytest.approx((0.0, 24.0), abs=0.3)


def test_stations_and_outlines_of_a_real_tile():
    city, surface = load_city(shared_path(NIIZA))
    for site in place_stations(city):
        cell = city.cell_at(site.lat, site.lon)
        assert surface.dsm[cell] == surface.dem[cell]
    assert len(buildings_geojson(city)) < 400 * len(city.buildings)
