"""Cool ways from a frame's levels: what they say where the map has no value, and that line and numbers belong together."""

import numpy as np
import pytest

from central.simulation.frames import LAYERS, NO_VALUE, quantise
from central.simulation.paths.cool import THRESHOLDS, CoolPaths, NoPath, Obstacle
from tests.central.simulation.small_city import LAT, LON, small_city

WEST, EAST = (LAT, LON - 5e-4), (LAT, LON + 5e-4)
OPEN = (LAT - 4e-4, LON - 5e-4), (LAT - 3.2e-4, LON + 1e-4)
"""Between these two nothing stands."""


@pytest.fixture(scope="module")
def town():
    return small_city()


def frame(surface, **changed):
    """Layers of an even afternoon of 40 degC UTCI; `changed`: fields by name."""
    ground = surface.dsm - surface.dem < 1.0
    even = {"utci": 40.0, "wbgt": 30.0, "shadow": 1.0}
    fields = {name: np.full(surface.shape, value, np.float32) for name, value in even.items()} | changed
    return {name: quantise(LAYERS[name], field, ground) for name, field in fields.items()}


def holed(surface, value):
    field = np.full(surface.shape, value, np.float32)
    field[25:45, 22:38] = np.nan
    return field


@pytest.mark.parametrize(("layer", "value"), [("utci", 40.0), ("shadow", 1.0)])
def test_ground_without_a_value_is_no_cool_place(town, layer, value):
    city, surface = town
    layers = frame(surface, **{layer: holed(surface, value)})
    assert layers[layer].level[30, 30] == NO_VALUE
    assert layers["wbgt"].level[30, 30] != NO_VALUE
    walks = CoolPaths().find(city, "holed", layers, WEST, EAST).paths
    whole = CoolPaths().find(city, "whole", frame(surface), WEST, EAST).paths
    # Nothing tells the middle of the map from what lies round it: no way through it is better than another.
    assert len(walks) == len(whole) == 1
    assert walks[0] == whole[0]
    assert walks[0].exposure.mean_utci_degc == pytest.approx(40.0)
    assert walks[0].exposure.shade_pct == 0.0


def test_nobody_is_led_over_ground_that_the_map_shows_nothing_of(town):
    city, surface = town
    wbgt = np.full(surface.shape, 30.0, np.float32)
    wbgt[44:56, 18:22] = np.nan
    (walk,) = CoolPaths().find(city, "holed", frame(surface, wbgt=wbgt), *OPEN).paths
    (direct,) = CoolPaths().find(city, "whole", frame(surface), *OPEN).paths
    assert len(direct.line) == 2
    assert len(walk.line) > 2
    assert walk.exposure.length_m > direct.exposure.length_m + 1.0
    assert walk.exposure.mean_wbgt_degc == pytest.approx(30.0)


def test_a_frame_without_any_wbgt_has_no_walk(town):
    city, surface = town
    layers = frame(surface, wbgt=np.full(surface.shape, np.nan, np.float32))
    found = CoolPaths().find(city, "none", layers, WEST, EAST)
    assert isinstance(found, NoPath)
    assert found.obstacle is Obstacle.NO_WALK_NEAR


def test_the_numbers_are_those_of_the_line_as_it_is_drawn(town):
    city, surface = town
    chance = np.random.default_rng(11)
    utci = chance.uniform(30.0, 46.0, surface.shape).astype(np.float32)
    layers = frame(surface, utci=utci)
    found = CoolPaths().find(city, "rough", layers, (LAT - 4e-4, LON - 5e-4), (LAT + 4e-4, LON + 5e-4))
    values = layers["utci"].values()
    assert len(found.paths) > 1
    for path in found.paths:
        corners = np.array([city.frame.point_to_local(lon, lat) for lon, lat in path.line])
        steps_m = np.hypot(*np.diff(corners, axis=0).T)
        assert path.exposure.length_m == pytest.approx(steps_m.sum(), abs=0.3)
        # Walked in steps of 5 cm over the published levels.
        points = np.concatenate(
            [
                a + (b - a) * ((np.arange(n) + 0.5) / n)[:, None]
                for a, b, n in zip(corners[:-1], corners[1:], (steps_m / 0.05).astype(int) + 1, strict=True)
            ]
        )
        column = ((points[:, 0] - city.grid.x_west_m) / 2.0).astype(int)
        row = ((city.grid.y_north_m - points[:, 1]) / 2.0).astype(int)
        met = values[row, column]
        assert np.isfinite(met).all()
        assert path.exposure.mean_utci_degc == pytest.approx(float(met.mean()), abs=0.5)
        assert sum(path.exposure.utci_minutes) == pytest.approx(path.exposure.duration_s / 60.0)
        assert len(path.exposure.utci_minutes) == len(THRESHOLDS.utci_degc)
