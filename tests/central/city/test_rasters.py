"""From outlines to cells: areas, overlaps, slopes, relief, seams."""

import numpy as np
import pytest

from central.city.grid import grid_over
from central.city.load import Window, load_city
from central.city.model import LandCover
from central.city.terrain import ground_from_feet, ground_from_triangles
from tests.central.city import gml


def test_the_grid_covers_its_bounds_on_whole_pixels():
    grid = grid_over((-13.1, -10.5, 14.0, 16.1), 2.0)
    assert (grid.x_west_m, grid.x_east_m, grid.y_south_m, grid.y_north_m) == (-14.0, 14.0, -12.0, 18.0)
    assert grid.shape == (15, 14)
    assert grid.cell_of(-13.9, 17.9) == (0, 0)
    assert grid.cell_of(13.9, -11.9) == (14, 13)
    assert grid.cell_of(14.1, 0.0) is None
    assert grid.column_x_m()[0] == -13.0
    assert grid.row_y_m()[0] == 17.0


def test_a_single_shed_still_has_ground_round_it(tmp_path):
    _, surface = load_city(gml.write(tmp_path, gml.document(gml.house("shed", size=3))), pixel_size_m=4)
    assert surface.shape == (8, 8)
    assert (surface.dsm == 0).any()


def test_row_0_is_north_and_column_0_is_west(tmp_path):
    members = [gml.house("sw", 0, 0, tall=5), gml.house("ne", 90, 90, tall=50), gml.house("se", 90, 0, tall=20)]
    city, surface = load_city(gml.write(tmp_path, gml.document(*members)))
    assert surface.dsm[2, -3] == 50.0
    assert surface.dsm[-3, 2] == 5.0
    assert surface.dsm[-3, -3] == 20.0
    west_north, east_north, east_south, west_south = city.corners
    assert west_north[0] < east_north[0]
    assert west_north[1] > west_south[1]
    assert east_south[1] < east_north[1]
    assert city.bounds["west"] <= gml.LON <= city.bounds["east"]
    row, column = city.cell_at(gml.LAT + 95 * gml.M_LAT, gml.LON + 95 * gml.M_LON)
    assert surface.dsm[row, column] == 50.0


@pytest.mark.parametrize("pixel_size_m", [1, 2, 4])
def test_built_area_is_kept_at_every_pixel_size(tmp_path, pixel_size_m):
    houses = [gml.house(f"h{k}", 23.3 * (k % 12), 21.7 * (k // 12), size=9 + k % 5) for k in range(144)]
    city, surface = load_city(gml.write(tmp_path, gml.document(*houses)), pixel_size_m=pixel_size_m)
    built_m2 = float((surface.dsm > surface.dem).sum()) * pixel_size_m**2
    assert built_m2 == pytest.approx(sum(b.outline.area for b in city.buildings), rel=0.03)
    assert ((city.land_cover == LandCover.ROOF) == (surface.dsm > surface.dem)).all()


def test_where_buildings_overlap_the_higher_one_is_seen(tmp_path):
    text = gml.document(gml.house("tower", 0, 0, 20, tall=40), gml.house("hall", 0, 0, 20, tall=8))
    assert load_city(gml.write(tmp_path, text))[1].dsm.max() == 40.0
    text = gml.document(gml.house("hall", 0, 0, 20, tall=8), gml.house("tower", 0, 0, 20, tall=40))
    _, surface = load_city(gml.write(tmp_path, text))
    assert (surface.dsm == 40.0).sum() == (surface.dsm > 0).sum()


def test_tiles_side_by_side_have_no_seam(tmp_path):
    """A row of touching houses, cut into two tiles: the raster is that of the uncut row."""
    houses = [gml.house(f"h{k}", 20.0 * k, 0, 20, tall=5 + k) for k in range(10)]
    whole = gml.write(tmp_path, gml.document(*houses), "whole_bldg.gml")
    west = gml.write(tmp_path, gml.document(*houses[:5]), "west_bldg.gml")
    east = gml.write(tmp_path, gml.document(*houses[5:]), "east_bldg.gml")
    _, once = load_city(whole)
    city, twice = load_city([east, west])
    assert np.array_equal(once.dsm, twice.dsm)
    assert (once.dsm[1:-1, 1:-1] > 0).all()
    assert city.report.tiles == ("east_bldg.gml", "west_bldg.gml")


def test_a_plateau_folder_is_read_by_theme(tmp_path):
    for theme, text in (
        ("bldg", gml.document(gml.house("a"))),
        ("fld", "not even XML"),
    ):
        folder = tmp_path / "11202_kumagaya" / "udx" / theme
        folder.mkdir(parents=True)
        gml.write(folder, text, f"54391360_{theme}_6697_op.gml")
    city, _ = load_city(tmp_path / "11202_kumagaya")
    assert city.report.tiles == ("54391360_bldg_6697_op.gml",)


def test_a_window_cuts_a_square_and_skips_tiles_by_their_mesh(tmp_path):
    gml.write(
        tmp_path, gml.document(*[gml.house(f"h{k}", 100.0 * k, 0) for k in range(12)]), "54391360_bldg_6697_op.gml"
    )
    gml.write(tmp_path, "not even XML", "53391360_bldg_6697_op.gml")  # 74 km to the south: never opened
    middle = Window(gml.LAT, gml.LON + 505 * gml.M_LON, 400.0)
    city, surface = load_city(tmp_path, window=middle)
    assert surface.shape == (200, 200)
    assert [b.id for b in city.buildings] == ["h3", "h4", "h5", "h6", "h7"]
    assert city.report.outside == 7
    assert (surface.lat, surface.lon) == pytest.approx((middle.lat, middle.lon), abs=1e-6)


def test_ground_follows_a_slope_of_feet(tmp_path):
    members = []
    for k in range(100):
        east, north = 25.0 * (k % 10), 25.0 * (k // 10)
        ring, foot = gml.square(east, north, 10), 50.0 + 0.04 * east
        members.append(
            gml.building(f"h{k}", gml.height(6), gml.lod0(ring, tag="lod0FootPrint"), gml.lod1(ring, foot, foot + 6))
        )
    city, surface = load_city(gml.write(tmp_path, gml.document(*members)))
    middle_row = surface.dem[surface.shape[0] // 2]
    expected = 50.0 + 0.04 * ((np.arange(len(middle_row)) + 0.5) * 2.0 - 5.0)
    assert middle_row[10:-10] == pytest.approx(expected[10:-10], abs=0.25)
    assert city.report.terrain == "buildings"
    above = (surface.dsm - surface.dem)[surface.dsm > surface.dem]
    assert above == pytest.approx(6.0, abs=0.5)


def test_one_foot_on_a_roof_terrace_does_not_raise_the_ground():
    grid = grid_over((0, 0, 200, 200), 2.0)
    x, y = (axis.ravel().astype(float) for axis in np.meshgrid(np.arange(10) * 20.0, np.arange(10) * 20.0))
    feet = np.full(100, 30.0)
    feet[44] = 45.0
    assert ground_from_feet(grid, x, y, feet) == pytest.approx(30.0)


@pytest.mark.parametrize(("count", "lowest", "highest"), [(0, 0.0, 0.0), (1, 12.0, 12.0), (2, 12.0, 13.0)])
def test_ground_from_too_few_feet_is_still_ground(count, lowest, highest):
    grid = grid_over((0, 0, 40, 40), 2.0)
    places = np.array([0.0, 40.0])[:count]
    ground = ground_from_feet(grid, places, places, np.array([12.0, 13.0])[:count])
    assert ground.min() >= lowest
    assert ground.max() <= highest


def test_triangles_are_planes_and_cover_their_common_edge():
    grid = grid_over((0, 0, 20, 20), 2.0)
    corners = np.array([[[0, 0, 0], [20, 0, 2], [20, 20, 4]], [[0, 0, 0], [20, 20, 4], [0, 20, 2]]], dtype=float)
    ground, share = ground_from_triangles(grid, [corners])
    x, y = np.meshgrid(grid.column_x_m(), grid.row_y_m())
    assert share == 1.0
    assert ground == pytest.approx(0.1 * (x + y), abs=1e-5)


def test_degenerate_triangles_cover_nothing():
    grid = grid_over((0, 0, 20, 20), 2.0)
    ground, share = ground_from_triangles(grid, [np.array([[[1, 1, 5], [1, 1, 5], [19, 19, 5]]], dtype=float)])
    assert share == 0.0
    assert (ground == 0.0).all()


def test_a_relief_tile_gives_the_ground_its_true_level(tmp_path):
    buildings = gml.write(
        tmp_path, gml.document(gml.house("a", 0, 0, tall=8), gml.house("b", 90, 90, tall=8)), "1_bldg.gml"
    )
    corners = [(-50, -50, 20.0), (150, -50, 20.0), (150, 150, 40.0), (-50, 150, 40.0)]
    triangles = [corners[:3], [corners[0], corners[2], corners[3]]]
    dem = gml.write(tmp_path, gml.document(gml.relief(*triangles)), "543913_dem_6697.gml")
    city, surface = load_city([buildings, dem])
    assert city.report.terrain == "dem"
    assert surface.dem[0, 0] == pytest.approx(34.9, abs=0.2)
    assert surface.dem[-1, 0] == pytest.approx(25.1, abs=0.2)
    assert city.buildings[1].base_m == pytest.approx(34.5, abs=0.2)
    assert surface.dsm[2, -3] == pytest.approx(42.5, abs=0.2)
    # The same when nothing in the name says what the file holds.
    renamed = dem.rename(tmp_path / "ground.gml")
    assert load_city([buildings, renamed])[0].report.terrain == "dem"


def test_a_relief_elsewhere_is_not_stretched_over_the_city(tmp_path):
    buildings = gml.write(tmp_path, gml.document(gml.house("a")), "1_bldg.gml")
    dem = gml.write(
        tmp_path, gml.document(gml.relief([(5000, 0, 90.0), (5100, 0, 90.0), (5000, 90, 90.0)])), "2_dem.gml"
    )
    city, surface = load_city([buildings, dem])
    assert city.report.terrain == "flat"
    assert surface.dem.max() == 0.0


def test_a_broken_triangle_is_counted(tmp_path):
    buildings = gml.write(tmp_path, gml.document(gml.house("a")), "1_bldg.gml")
    good = [(-50, -50, 9.0), (150, -50, 9.0), (0, 150, 9.0)]
    text = gml.document(gml.relief(good, [(0, 0, 1.0), (9, 0, 1.0), (0, 9, 1.0)])).replace(" 1<", " one<", 1)
    city, _ = load_city([buildings, gml.write(tmp_path, text, "2_dem.gml")])
    assert city.report.skipped == {"posList holds text": 1}
    assert city.buildings[0].base_m == 9.0
