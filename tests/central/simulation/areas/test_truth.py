"""The polygons say what the map says: shade in strips, random streets, and a moment of the built-in city computed whole."""

import numpy as np
import pytest
import shapely
from rasterio import Affine, features

from central.city.grid import Grid
from central.city.load import load_city
from central.heat.geometry import prepare
from central.heat.land_cover import LandCover
from central.heat.step import Weather, step
from central.heat.sun import sun_position
from central.heat.surface import Surface
from central.simulation.areas.lines import TOLERANCE_CELLS
from central.simulation.areas.polygons import NearestGround, outlines, pieces_of
from central.simulation.frames import LAYERS, quantise
from tests.central.simulation.small_city import JST_14_MS

PIXEL_M = 2.0
SIDE = 240
NOON_MS = JST_14_MS - 2 * 3_600_000


def grid_of(shape):
    return Grid(0.0, 0.0, shape[1], shape[0], PIXEL_M)


class Truth:
    """The areas of a field beside the bands of its cells.

    `share_off[band]`: how much larger its polygons are than its cells. `wrong`, `merged`: shares of the ground drawn in another band, and
    given to another one because their piece was too small. `furthest_cells`: how far a ground cell in another band is from an
    outline at most, other than where it was merged away.
    """

    def __init__(self, wbgt_degc, ground=None, minimum_degc=28.0):
        ground = np.ones(wbgt_degc.shape, bool) if ground is None else ground
        grid, nearest = grid_of(wbgt_degc.shape), NearestGround(ground)
        layer = quantise(LAYERS["wbgt"], wbgt_degc.astype(np.float32), ground)
        self.pieces = pieces_of(layer, grid, minimum_degc, nearest)
        self.areas = outlines(self.pieces, grid)
        limits = [band.from_degc for band in self.pieces.bands]
        filled = np.where(ground, layer.values(), -99.0)[nearest._rows, nearest._columns]
        self.cells = np.digitize(filled + 1e-4, limits)
        numbers = {band.id: number for number, band in enumerate(self.pieces.bands, 1)}
        drawn = features.rasterize(
            ((area.outline, numbers[area.band]) for area in self.areas),
            out_shape=grid.shape,
            transform=Affine(PIXEL_M, 0.0, grid.x_west_m, 0.0, -PIXEL_M, grid.y_north_m),
        )
        self.share_off = {
            band: sum(area.outline.area for area in self.areas if area.band == band)
            / ((self.cells == number).sum() * PIXEL_M**2)
            - 1.0
            for band, number in numbers.items()
            if (self.cells == number).any()
        }
        merged = self.pieces.classes != self.cells
        self.wrong = ((drawn != self.cells) & ground).sum() / ground.sum()
        self.merged = (merged & ground).sum() / ground.sum()
        rows, columns = np.nonzero((drawn != self.cells) & ground & ~merged)
        places = shapely.points(PIXEL_M * (columns + 0.5), -PIXEL_M * (rows + 0.5))
        borders = shapely.union_all([shapely.boundary(area.outline) for area in self.areas])
        self.furthest_cells = max(shapely.distance(borders, places) / PIXEL_M, default=0.0)


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("lies_along", ["rows", "columns"])
def test_strips_of_shade_keep_their_size(width, first, lies_along):
    """20 cells apart, as beside rows of houses at noon; at even and at odd places."""
    field = np.full((200, 200), 33.0)
    for row in range(10 + first, 190, 20):
        field[row : row + width] = 29.0
    truth = Truth(field if lies_along == "rows" else field.T)
    assert (truth.cells == 1).mean() == pytest.approx(9 * width / 200)
    assert truth.share_off["severe_warning"] == pytest.approx(0.0, abs=0.01)
    assert truth.share_off["danger"] == pytest.approx(0.0, abs=0.01)
    assert (truth.wrong, truth.merged) == (0.0, 0.0)


@pytest.mark.parametrize("seed", range(8))
def test_random_streets_keep_their_size(seed):
    """Streets of 1 to 5 cells at any angle through what is hotter, and trees, one cell each, along some of them."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:150, :150] - 75.0
    field = np.full((150, 150), 32.0)
    for _ in range(8):
        angle, off, half = random.uniform(0, np.pi), random.uniform(-70, 70), random.uniform(0.5, 2.5)
        field[np.abs(x * np.cos(angle) + y * np.sin(angle) - off) < half] = random.choice([26.0, 29.0, 30.0])
    field[random.random(field.shape) < 0.001] = 26.0
    truth = Truth(field)
    assert max(map(abs, truth.share_off.values())) < 0.02
    assert truth.merged < 0.01
    assert truth.wrong < 0.04
    assert truth.furthest_cells < TOLERANCE_CELLS


@pytest.fixture(scope="module")
def quarter():
    """A part of the built-in city, 480 m wide, ready to be stepped."""
    city, surface = load_city(None)
    part = slice(300, 300 + SIDE), slice(380, 380 + SIDE)
    cut = [np.ascontiguousarray(field[part]) for field in (surface.dsm, surface.dem, surface.cdsm)]
    geometry = prepare(Surface(*cut, pixel_size_m=PIXEL_M, lat=surface.lat, lon=surface.lon))
    return geometry, LandCover(np.ascontiguousarray(city.land_cover[part]))


@pytest.mark.parametrize("hours_from_noon", [-2.0, 0.0, 1.5, 3.0, 5.0])
def test_a_moment_of_the_city_computed_whole(quarter, hours_from_noon):
    geometry, land_cover = quarter
    sun = sun_position(NOON_MS + int(hours_from_noon * 3_600_000), geometry.lat, geometry.lon)
    weather = Weather(39.0, 33.0, 3.0, 1000.0 * np.sin(np.radians(sun.altitude_deg)))
    frame = step(geometry, weather, sun, land_cover=land_cover)
    truth = Truth(frame.wbgt_degc, np.asarray(geometry.is_ground))
    assert min((truth.cells == 1).mean(), (truth.cells == 2).mean()) > 0.1, "both bands are worth looking at"
    assert max(map(abs, truth.share_off.values())) < 0.02
    assert truth.merged < 0.01
    assert truth.wrong < 0.03
    assert truth.furthest_cells < TOLERANCE_CELLS
    assert all(area.outline.is_valid for area in truth.areas)
