"""The built-in downtown is a town, and always the same one."""

import time

import numpy as np
import pytest
import shapely

from central.city.model import LandCover
from central.city.synthetic import synthetic_downtown


@pytest.fixture(scope="module")
def downtown():
    return synthetic_downtown(11202)


def test_it_covers_two_kilometres_round_the_station(downtown):
    city, surface = downtown
    assert surface.shape == (1000, 1000)
    assert (surface.pixel_size_m, surface.lat, surface.lon) == (2.0, 36.139, 139.389)
    assert city.center == pytest.approx((36.139, 139.389), abs=1e-6)


def test_the_same_seed_draws_the_same_town_and_another_seed_another(downtown):
    city, surface = downtown
    again, surface_again = synthetic_downtown(11202)
    assert np.array_equal(surface.dsm, surface_again.dsm)
    assert np.array_equal(surface.cdsm, surface_again.cdsm)
    assert [b.id for b in again.buildings] == [b.id for b in city.buildings]
    other, _ = synthetic_downtown(1)
    assert [b.height_m for b in other.buildings] != [b.height_m for b in city.buildings]


def test_it_is_quickly_made():
    before = time.process_time()
    synthetic_downtown(7)
    assert time.process_time() - before < 4.0  # 1.2 s on an idle core


def test_it_has_the_mix_of_a_japanese_downtown(downtown):
    city, surface = downtown
    heights = np.array([b.height_m for b in city.buildings])
    centres = shapely.get_coordinates(shapely.centroid(np.array([b.outline for b in city.buildings], dtype=object)))
    distance_m = np.hypot(centres[:, 0], centres[:, 1])
    core, outskirts = heights[distance_m < 250], heights[distance_m > 600]
    assert 5_000 < len(heights) < 15_000
    assert 12.0 < np.median(core) < 25.0
    assert 6.0 < np.median(outskirts) < 9.0
    assert 3 <= ((heights >= 40) & (heights <= 60)).sum() <= 8
    assert heights.max() <= 60.0
    # Real tiles of such towns are built over to 19..29 %.
    assert 0.2 < (city.land_cover == LandCover.ROOF).mean() < 0.32
    assert 0.02 < (surface.cdsm > 0).mean() < 0.10


def test_every_land_cover_class_is_there(downtown):
    city, _ = downtown
    shares = {cover: float((city.land_cover == cover).mean()) for cover in LandCover}
    assert shares.pop(LandCover.UNKNOWN) == 0.0
    assert all(share > 0.005 for share in shares.values()), shares


def test_outlines_are_clean_and_within_the_raster(downtown):
    city, _ = downtown
    outlines = np.array([b.outline for b in city.buildings], dtype=object)
    assert shapely.is_valid(outlines).all()
    west, south, east, north = shapely.total_bounds(outlines)
    assert min(west, south) > -1000.0
    assert max(east, north) < 1000.0
    assert len({b.id for b in city.buildings}) == len(city.buildings)


def test_houses_do_not_stand_in_each_other(downtown):
    city, _ = downtown
    outlines = np.array([b.outline for b in city.buildings], dtype=object)
    overlap_m2 = shapely.area(outlines).sum() - shapely.union_all(outlines).area
    # The hall over the tracks reaches over its own platforms; nothing else may.
    assert overlap_m2 / shapely.area(outlines).sum() < 0.002


def test_trees_stand_on_the_ground_and_not_in_houses_or_water(downtown):
    city, surface = downtown
    trees = surface.cdsm > 0
    assert not (trees & (surface.dsm > surface.dem)).any()
    assert not (trees & (city.land_cover == LandCover.WATER)).any()
    assert 2.0 < surface.cdsm[trees].mean() < 10.0
    assert surface.cdsm.max() <= 15.0


def test_the_ground_falls_gently_but_for_the_levee(downtown):
    _, surface = downtown
    north = surface.dem[:700]
    assert 2.0 < np.ptp(north) < 10.0
    assert np.abs(np.diff(north, axis=0)).max() < 0.05
    assert surface.dem[800:].max() > north.mean() + 3.0


@pytest.mark.parametrize(("pixel_size_m", "side"), [(4.0, 500), (1.0, 2000)])
def test_it_can_be_drawn_coarser_and_finer(pixel_size_m, side):
    _, surface = synthetic_downtown(11202, pixel_size_m=pixel_size_m)
    assert surface.shape == (side, side)
