"""Computing only where a change is felt gives what computing everything gives, to the last bit."""

from decimal import Decimal

import numpy as np
import pytest
from shapely import Point, box

from central.city.grid import Grid
from central.heat.geometry import prepare
from central.heat.land_cover import LandCover
from central.heat.step import Weather, step
from central.heat.sun import sun_position
from central.heat.surface import Surface
from central.simulation.whatif.compare import Moment, Row, compare
from central.simulation.whatif.edit import Change
from central.simulation.whatif.maps import DIGITS, map_layers, row_dict, window_grid
from central.simulation.whatif.surface import apply_changes

LAT, LON = 36.139, 139.389
JST_14_MS = 1_532_322_000_000
HOUR_MS = 3_600_000
HOT = Weather(37.0, 40.0, 2.0, 900.0)
WEAK = Weather(30.0, 60.0, 1.0, 120.0)
GRID = Grid(-230.0, 200.0, 230, 200, 2.0)
MOMENTS = (
    Moment(JST_14_MS, HOT),
    Moment(JST_14_MS - 8 * HOUR_MS, WEAK),
    Moment(JST_14_MS + 10 * HOUR_MS, Weather(27.0, 80.0, 1.0)),
)


def town(seed=0):
    """Houses and trees on a slope, 460 m x 400 m."""
    chance = np.random.default_rng(seed)
    rows, columns = GRID.shape
    dem = (20.0 + np.linspace(0.0, 6.0, columns) + np.zeros((rows, 1))).astype(np.float32)
    dsm, cdsm = dem.copy(), np.zeros(GRID.shape, np.float32)
    for _ in range(60):
        row, column = chance.integers(0, rows - 8), chance.integers(0, columns - 8)
        dsm[row : row + 7, column : column + 6] = dem[row, column] + chance.uniform(3.0, 14.0)
    for _ in range(40):
        row, column = chance.integers(0, rows - 4), chance.integers(0, columns - 4)
        cdsm[row : row + 3, column : column + 3] = chance.uniform(3.0, 9.0)
    cdsm[dsm > dem] = 0.0
    return Surface(dsm, dem, cdsm, 2.0, LAT, LON)


def covers(surface):
    cover = np.random.default_rng(7).choice(np.array([0, 1, 5, 6, 7, 255], np.uint8), GRID.shape)
    cover[surface.dsm - surface.dem >= 1.0] = 2
    return cover


def add(kind, outline, height_m):
    return Change("add", kind, outline, height_m, 0)


def remove(kind, outline):
    return Change("remove", kind, outline, 0.0, 0)


HERE = box(150, 120, 240, 210)
CASES = {
    "a tree": [add("tree", Point(-40, 30).buffer(3.0), 8.0)],
    "the tallest tree of all": [add("tree", Point(-40, 30).buffer(5.0), 30.0)],
    "a tower": [add("building", box(-20, -20, 0, 0), 24.0)],
    "a house less": [remove("building", box(-60, -60, -20, -20))],
    "everything gone in a corner": [remove("building", HERE), remove("tree", HERE)],
    "several things": [
        add("building", box(50, 50, 60, 66), 9.0), add("tree", Point(80, 40).buffer(3.0), 7.0), remove("tree", box(0, 0, 40, 40)),
    ],
}  # fmt: skip


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_only_what_changes_is_computed_and_it_is_what_the_whole_city_gives(changes):
    before = town()
    edited = apply_changes(before, GRID, changes)
    assert edited.is_changed.any()
    cover = covers(before)
    found = compare(before, edited.surface, edited.is_changed, MOMENTS, np.ones(GRID.shape, np.bool_), land_cover=cover)
    dirty = found.windows.dirty.slices
    whole_before, whole_after = prepare(before), prepare(edited.surface)
    for moment, maps in zip(MOMENTS, found.maps, strict=True):
        sun = sun_position(moment.at_ms, LAT, LON)
        was, is_now = (
            step(whole, moment.weather, sun, land_cover=LandCover(np.where(whole.is_ground & (cover == 2), 255, cover)))
            for whole in (whole_before, whole_after)
        )
        for name in ("tmrt", "utci", "wbgt"):
            whole = getattr(was, f"{name}_degc"), getattr(is_now, f"{name}_degc")
            np.testing.assert_array_equal(maps.before[name], whole[0][dirty])
            np.testing.assert_array_equal(maps.after[name], whole[1][dirty])
            differs = whole[0] != whole[1]
            differs[dirty] = False
            assert not differs.any(), f"{name} changed outside the dirty box"
        np.testing.assert_array_equal(maps.after["shadow"], is_now.shadow[dirty])


def test_by_day_a_small_change_is_felt_in_a_small_part_only():
    before = town()
    edited = apply_changes(before, GRID, CASES["a tree"])
    by_day = compare(before, edited.surface, edited.is_changed, MOMENTS[:1], np.ones(GRID.shape, np.bool_))
    assert by_day.windows.dirty.cells < 0.6 * edited.is_changed.size


def test_trees_make_it_cooler_and_the_table_says_so():
    before = town()
    edited = apply_changes(before, GRID, CASES["several things"][1:2])
    found = compare(before, edited.surface, edited.is_changed, MOMENTS[:1], edited.is_changed)
    (row,) = found.rows
    table = row_dict(row)
    assert row.walks_m2 == edited.is_changed.sum() * 4.0
    assert table["walks"]["mean_tmrt_degc"]["difference"] < -10.0
    assert table["walks"]["mean_wbgt_degc"]["difference"] < -1.0
    # Under the rim towards the sun the crown lets it in sideways.
    assert table["walks"]["sunlit_pct"]["difference"] < -30.0
    area = table["wbgt_31_and_more_m2"]
    assert area["difference"] == area["after"] - area["before"] < 0.0


def test_maps_of_the_difference_are_read_back_within_half_a_step():
    before = town()
    edited = apply_changes(before, GRID, CASES["a tower"])
    found = compare(before, edited.surface, edited.is_changed, MOMENTS[:1], edited.is_changed)
    layers = map_layers(found, 0)
    difference = found.maps[0].after["tmrt"] - found.maps[0].before["tmrt"]
    common = found.is_ground_before & found.is_ground_after
    shown = layers["tmrt_difference"]
    assert np.abs(shown.values() - difference)[common].max() <= shown.step / 2 + 1e-4
    assert (shown.level[common] > 0).all()
    assert (shown.level[~common] == 0).all()
    assert (shown.level == 128).any()
    grid = window_grid(GRID, found.windows.dirty)
    assert grid.shape == shown.level.shape
    row, column = found.windows.dirty.row0, found.windows.dirty.column0
    assert GRID.cell_of(grid.x_west_m + 1.0, grid.y_north_m - 1.0) == (row, column)


def test_walks_that_vanish_under_a_building_are_no_walks():
    before = town()
    edited = apply_changes(before, GRID, CASES["a tower"])
    found = compare(before, edited.surface, edited.is_changed, MOMENTS[:1], edited.is_changed)
    assert row_dict(found.rows[0])["walks"] is None


def test_what_changes_no_cell_is_told():
    before = town()
    row, column = np.argwhere(before.dsm - before.dem > 2.0)[0]
    x, y = GRID.column_x_m()[column], GRID.row_y_m()[row]
    changes = [
        add("building", box(0.1, 0.1, 0.3, 0.3), 5.0),
        Change("add", "tree", box(x - 0.5, y - 0.5, x + 0.5, y + 0.5), 5.0, 1),
    ]
    edited = apply_changes(before, GRID, changes)
    assert edited.untouched == (0, 1)
    found = compare(before, edited.surface, edited.is_changed, MOMENTS, edited.is_changed)
    assert found.windows is None
    assert (found.rows, found.maps) == ((), ())


@pytest.mark.parametrize("action", ["add", "remove"])
def test_what_reaches_beyond_the_map_is_told(action):
    east = GRID.x_east_m
    outlines = [box(east - 10, 0, east + 10, 10), box(east - 10, 20, east + 0.9, 30), box(east - 30, 40, east - 10, 50)]
    changes = [Change(action, "building", outline, 5.0, index) for index, outline in enumerate(outlines)]
    assert apply_changes(town(), GRID, changes).cropped == (0,)


@pytest.mark.parametrize(
    ("before", "after"),
    [(70.66651, 70.64349), (70.6404, 70.6396), (31.0, 30.9999999), (31.2, 31.2), (0.0, -0.0001), (33.0004, 33.0006)],
)
def test_the_table_adds_up_as_it_is_written(before, after):
    means = [dict.fromkeys(("tmrt", "utci", "wbgt"), degc) | {"shadow": degc / 100.0} for degc in (before, after)]
    table = row_dict(Row(JST_14_MS, before, after, 4.0, *means))
    for name, numbers in {"hot_m2": table["wbgt_31_and_more_m2"], **table["walks"]}.items():
        values = [numbers[column] for column in ("before", "after", "difference")]
        written = [f"{value:.{DIGITS[name.rpartition('_')[2]]}f}" for value in values]
        assert [float(text) for text in written] == values
        assert Decimal(written[1]) - Decimal(written[0]) == Decimal(written[2])
        assert not any(text.startswith("-") and float(text) == 0.0 for text in written)


def test_a_building_takes_the_place_of_trees_and_stands_level_on_a_slope():
    before = town()
    edited = apply_changes(before, GRID, [add("building", box(-100, -50, -60, -30), 12.0)])
    roof = edited.surface.dsm[edited.is_changed]
    assert np.ptp(roof) == 0.0
    assert (edited.surface.cdsm[edited.is_changed] == 0.0).all()
    back = apply_changes(edited.surface, GRID, [remove("building", box(-100, -50, -60, -30))]).surface
    assert (back.dsm[edited.is_changed] == before.dem[edited.is_changed]).all()


def test_air_too_humid_for_utci_leaves_the_other_maps():
    before = town()
    edited = apply_changes(before, GRID, CASES["a tower"])
    wet = (Moment(JST_14_MS, Weather(40.0, 90.0, 2.0, 900.0)),)
    found = compare(before, edited.surface, edited.is_changed, wet, ~edited.is_changed)
    layers = map_layers(found, 0)
    assert layers["utci_difference"].minimum is None
    assert layers["wbgt_difference"].minimum < -0.5
    assert set(row_dict(found.rows[0])["walks"]) == {"mean_tmrt_degc", "mean_wbgt_degc", "sunlit_pct"}
