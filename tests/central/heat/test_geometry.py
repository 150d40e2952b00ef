"""What is seen from each cell: against closed forms, plain NumPy and a trusted simulation."""

import math

import numpy as np
import pytest

from central.heat.geometry import prepare
from central.heat.geometry import reference as plain
from central.heat.geometry.dome import PATCHES, pack, sky_dome, unpack
from central.heat.geometry.march import march
from central.heat.geometry.walls import NO_WALL, walls
from central.heat.step_reference import hidden_patches
from central.heat.surface import Surface
from tests.shared import shared_path


def city(dsm, cdsm=None, pixel_size_m=1.0):
    dsm = np.asarray(dsm, dtype=np.float32)
    cdsm = np.zeros_like(dsm) if cdsm is None else cdsm
    return prepare(Surface(dsm, np.zeros_like(dsm), cdsm, pixel_size_m, 36.139, 139.389))


def shade_of(geometry, azimuth_deg, altitude_deg):
    shade = np.empty(geometry.openness_level.shape, dtype=np.uint8)
    geometry.cast_shadow(azimuth_deg, altitude_deg, shade)
    return shade[:, : geometry.columns]


def test_patches_cover_the_sky_once():
    dome = sky_dome()
    assert dome.solid_angle_sr.sum() == pytest.approx(2.0 * math.pi)
    assert dome.plan_share.sum() == pytest.approx(1.0)
    places = set(zip(dome.word, dome.bit, strict=True))
    assert len(places) == PATCHES
    assert dome.bit.max() < 64


def test_packing_and_unpacking_are_each_others_reverse():
    marked = np.random.default_rng(3).random((5, PATCHES)) < 0.4
    assert (marked == unpack(pack(marked).T).T).all()


def test_an_open_field_sees_all_of_the_sky():
    geometry = city(np.zeros((10, 10)))
    assert np.allclose(geometry.sky_view, 1.0, atol=1e-5)
    assert not geometry.blocked.any()
    assert (shade_of(geometry, 135.0, 3.0) == 2).all()


@pytest.mark.parametrize("distance_m", [5, 10, 20, 40])
def test_before_a_long_wall_the_sky_view_is_half_of_one_plus_the_cosine(distance_m):
    """An endless wall under the angle a hides (1 - cos a) / 2 of a level plane's sky."""
    height_m, wall_row = 20.0, 60
    dsm = np.zeros((130, 1201))
    dsm[wall_row, :] = height_m
    seen = city(dsm).sky_view[wall_row + distance_m, 600]
    angle = math.atan2(height_m, distance_m)
    assert seen == pytest.approx(0.5 * (1.0 + math.cos(angle)), abs=0.03)


def test_in_a_canyon_the_sky_view_is_the_cosine_of_the_walls_angle():
    height_m, half_width = 15.0, 10
    dsm = np.zeros((61, 1201))
    dsm[: 30 - half_width + 1, :] = height_m
    dsm[30 + half_width :, :] = height_m
    angle = math.atan2(height_m, half_width)
    assert city(dsm).sky_view[30, 600] == pytest.approx(math.cos(angle), abs=0.03)


@pytest.mark.parametrize(
    ("azimuth_deg", "row_step", "column_step"), [(0, 1, 0), (90, 0, -1), (180, -1, 0), (270, 0, 1)]
)
def test_a_tower_throws_a_shadow_as_long_as_its_height_at_45_degrees(azimuth_deg, row_step, column_step):
    dsm = np.zeros((81, 81))
    dsm[40, 40] = 10.5
    shade = shade_of(city(dsm), azimuth_deg, 45.0)
    reached = [shade[40 + row_step * k, 40 + column_step * k] for k in range(1, 15)]
    assert reached == [0] * 10 + [2] * 4
    assert np.count_nonzero(shade == 0) == 10


def test_the_sun_shines_under_a_crown_on_a_trunk():
    cdsm = np.zeros((41, 41), dtype=np.float32)
    cdsm[20, 20] = 12.0  # crown from 3 m to 12 m
    geometry = city(np.zeros((41, 41)), cdsm)
    shade = shade_of(geometry, 180.0, 45.0)
    north_of_tree = [int(shade[20 - k, 20]) for k in range(1, 15)]
    assert north_of_tree[0] == 2  # 1 m away the beam passes below the crown
    assert 1 in north_of_tree[3:12]
    assert north_of_tree[13] == 2
    assert not (shade == 0).any()


def test_a_crown_straight_above_hides_the_zenith():
    cdsm = np.zeros((20, 20), dtype=np.float32)
    cdsm[10, 10] = 8.0
    by_building, by_crown = hidden_patches(city(np.zeros((20, 20)), cdsm))
    assert by_crown[PATCHES - 1, 10, 10]
    assert by_crown[PATCHES - 1].sum() == 1
    assert not by_building.any()


def test_what_rises_less_than_a_metre_is_ground():
    dsm = np.zeros((20, 20))
    dsm[5:9, 5:9] = 0.9
    geometry = city(dsm)
    assert geometry.is_ground.all()
    assert np.allclose(geometry.sky_view, 1.0, atol=1e-5)


def test_kernels_hide_the_same_patches_as_plain_numpy(small_surface, small_city):
    by_building, by_crown = hidden_patches(small_city)
    expected_building, expected_crown = plain.hidden_patches(small_surface)
    assert expected_building.any()
    assert expected_crown.any()
    # Rays end where the raster's margin begins, one block out: beyond it nothing stands.
    assert (by_building == expected_building).mean() > 0.99999
    assert (by_crown == expected_crown).mean() > 0.99999


@pytest.mark.parametrize(("azimuth_deg", "altitude_deg"), [(116.5, 61.3), (189.3, 73.8), (249.7, 57.2), (281.0, 9.0)])
def test_kernels_cast_the_same_shadow_as_plain_numpy(small_surface, small_city, azimuth_deg, altitude_deg):
    expected = plain.shade(small_surface, azimuth_deg, altitude_deg)
    assert {0, 1, 2} == set(np.unique(expected).tolist())
    assert (shade_of(small_city, azimuth_deg, altitude_deg) == expected).mean() > 0.9999


def test_sky_view_is_what_the_bits_say(small_city):
    by_building, by_crown = hidden_patches(small_city)
    share = sky_dome().plan_share[:, np.newaxis, np.newaxis]
    buildings = 1.0 - (share * by_building).sum(axis=0)
    assert np.abs(small_city.sky_view_buildings - buildings).max() < 1e-5
    with_trees = buildings - (1.0 - 0.03) * (share * by_crown).sum(axis=0)
    assert np.abs(small_city.sky_view - np.clip(with_trees, 0.0, 1.0)).max() < 1e-5


def test_preparing_twice_gives_the_same_city_and_tells_how_far_it_is(small_surface, small_city):
    told = []
    again = prepare(small_surface, told.append)
    assert (again.blocked == small_city.blocked).all()
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_marching_reaches_the_relief_and_no_further():
    ray = march(180.0, 45.0, 2.0, 30.0)
    assert ray.rise_m[-1] == pytest.approx(30.0)
    assert ray.rows.tolist() == list(range(1, 16))
    assert not ray.columns.any()


def test_sky_view_agrees_with_the_trusted_simulation(reference):
    ground = reference.geometry.is_ground
    buildings = (reference.geometry.sky_view_buildings - reference.svf)[ground]
    assert np.sqrt(np.mean(buildings**2)) <= 0.002
    with_trees = (reference.geometry.sky_view - reference.svf_with_trees)[ground]
    assert np.sqrt(np.mean(with_trees**2)) <= 0.005


class TestBushes:
    """A crown whose lower end, a quarter of its height, lies below a metre."""

    @staticmethod
    def under_a_crown_of(height_m):
        cdsm = np.zeros((40, 40), dtype=np.float32)
        cdsm[20, 20] = height_m
        geometry = city(np.zeros((40, 40)), cdsm)
        return geometry.sky_view[20, 20], shade_of(geometry, 180.0, 50.0)

    def test_who_stands_in_one_sees_leaves_all_around_and_no_sun(self):
        sky, shade = self.under_a_crown_of(3.9)
        assert sky == pytest.approx(0.03, abs=1e-5)  # what passes the leaves
        assert shade[20, 20] == 1
        assert shade[21, 20] == 2

    def test_under_a_higher_crown_one_looks_out_beneath_it(self):
        sky, shade = self.under_a_crown_of(4.1)
        assert sky > 0.9
        assert shade[20, 20] == 2


class TestOneSideOfTheSky:
    def test_in_the_open_every_side_is_seen_whole(self):
        for azimuth_deg in (0.0, 90.0, 180.0, 270.0, 33.0):
            for seen in city(np.zeros((10, 10))).sky_view_towards(azimuth_deg):
                assert np.allclose(seen, 1.0, atol=1e-5)

    def test_a_wall_hides_its_own_side_and_no_other(self):
        dsm = np.zeros((120, 700))
        dsm[40, :] = 20.0
        geometry = city(dsm)
        by_side = {name: geometry.sky_view_towards(azimuth)[1][50, 350] for name, azimuth in (("n", 0.0), ("s", 180.0))}
        # The wall hides (1 - cos a) / 2 of the whole sky, all of it from the northern half.
        assert by_side["n"] == pytest.approx(math.cos(math.atan2(20.0, 10.0)), abs=0.05)
        assert by_side["s"] == pytest.approx(1.0, abs=1e-5)

    def test_two_halves_make_the_whole_but_for_their_border(self, small_city):
        halves = [small_city.sky_view_towards(azimuth)[0] for azimuth in (0.0, 180.0)]
        assert np.abs(0.5 * (halves[0] + halves[1]) - small_city.sky_view).max() < 0.03

    def test_it_agrees_with_the_trusted_simulation(self, reference):
        with np.load(shared_path("reference/heat/gothenburg_at_kumagaya.npz")) as data:
            for name, azimuth in (("north", 0.0), ("east", 90.0), ("south", 180.0), ("west", 270.0)):
                # There the half sky of an open place is 0.92 to 1.00: sides are compared as shares of it.
                theirs = data[f"svf_{name}"] / data[f"svf_{name}"].max()
                ours = reference.geometry.sky_view_towards(azimuth)[1]
                assert np.sqrt(np.mean((ours - theirs)[reference.geometry.is_ground] ** 2)) <= 0.025, name


class TestWalls:
    def test_each_side_of_a_house_has_its_height_and_faces_away_from_it(self):
        solid = np.zeros((9, 9), dtype=np.float32)
        solid[3:6, 3:6] = 8.0
        height_m, aspect_deg = walls(solid)
        for cell, faces_deg in (((2, 4), 0.0), ((4, 6), 90.0), ((6, 4), 180.0), ((4, 2), 270.0)):
            assert height_m[cell] == 8.0
            assert aspect_deg[cell] == pytest.approx(faces_deg, abs=1e-4)
        # The corner touches the house by a point alone: no wall stands there.
        assert height_m[2, 2] == 0.0
        assert aspect_deg[2, 2] == NO_WALL
        assert np.count_nonzero(height_m) == 12

    def test_between_two_equal_walls_none_prevails(self):
        solid = np.zeros((7, 7), dtype=np.float32)
        solid[:, (2, 4)] = 5.0
        height_m, aspect_deg = walls(solid)
        assert height_m[3, 3] == 5.0
        assert aspect_deg[3, 3] == NO_WALL

    def test_a_wall_that_faces_north_but_for_rounding_faces_0_and_not_360(self):
        solid = np.zeros((5, 5), dtype=np.float32)
        solid[3, 2] = 100.0
        # Towers to the west and to the east, the eastern higher by a micrometre: a hair west of north.
        solid[2, 1], solid[2, 3] = 8.0, np.nextafter(np.float32(8.0), np.float32(9.0))
        assert walls(solid)[1][2, 2] == 0.0

    def test_kerbs_and_the_maps_edge_are_no_walls(self):
        solid = np.zeros((6, 6), dtype=np.float32)
        solid[2, 2] = 0.9
        solid[0, 0] = 30.0
        assert not walls(solid)[0][2:].any()
        assert walls(solid)[0][0].max() == 0.0

    def test_heights_are_those_of_the_trusted_simulation(self, reference):
        with np.load(shared_path("reference/heat/gothenburg_at_kumagaya.npz")) as data:
            assert np.abs(walls(reference.geometry.solid_m)[0] - data["wall_height"]).max() < 1e-3
