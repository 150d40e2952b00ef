"""Open ground as a network, and what a walk over it costs."""

import numpy as np
import pytest

from central.heat.paths import (
    HeatField,
    Thresholds,
    alternatives,
    edge_doses,
    exposure_along,
    network_of_edges,
    network_of_ground,
)

BANDS = Thresholds((-np.inf, 26.0, 32.0, 38.0), (-np.inf, 25.0, 28.0, 31.0))


def test_no_piece_crosses_a_building():
    chance = np.random.default_rng(5)
    ground = np.ones((80, 90), np.bool_)
    for _ in range(40):
        row, column = chance.integers(0, 75, 2)
        ground[row : row + chance.integers(1, 9), column : column + chance.integers(1, 9)] = False
    network = network_of_ground(ground, 2.0)
    assert network.edges > 1000
    share = np.linspace(0.0, 1.0, 101)
    for begin, end in zip(network.edge_from, network.edge_to, strict=True):
        x = network.x_cells[begin] + share * (network.x_cells[end] - network.x_cells[begin])
        y = network.y_cells[begin] + share * (network.y_cells[end] - network.y_cells[begin])
        assert ground[y.astype(int), x.astype(int)].all()


def test_nobody_squeezes_through_where_two_buildings_touch_corners():
    ground = np.ones((20, 20), np.bool_)
    ground[:10, 10:] = ground[10:, :10] = False
    network = network_of_ground(ground, 4.0)
    assert network.component[0] != network.component[-1]


def test_in_the_open_a_walk_is_hardly_longer_than_the_straight_line():
    network = network_of_ground(np.ones((200, 200), np.bool_), 2.0)
    dose = np.zeros(network.edges, np.float32)
    for angle in np.radians(np.arange(0.0, 90.0, 7.0)):
        start, _ = network.nearest(2.0, 2.0)
        goal, _ = network.nearest(2.0 + 190.0 * np.cos(angle), 2.0 + 190.0 * np.sin(angle))
        straight_m = 2.0 * np.hypot(
            network.x_cells[goal] - network.x_cells[start], network.y_cells[goal] - network.y_cells[start]
        )
        assert alternatives(network, dose, start, goal, 1.3).shortest.length_m <= 1.028 * straight_m


def test_a_lane_of_one_cell_is_walked():
    ground = np.zeros((30, 30), np.bool_)
    ground[13, :] = True
    network = network_of_ground(ground, 2.0)
    assert np.unique(network.component).size == 1
    assert network.length_m.sum() == pytest.approx(56.0)


@pytest.mark.parametrize("mask", [np.zeros((7, 5), np.bool_), np.ones((1, 1), np.bool_)])
def test_hardly_any_ground_is_no_trouble(mask):
    network = network_of_ground(mask, 2.0)
    assert network.edges == 0
    assert (network.nearest(1.0, 1.0) is None) == (not mask.any())


def test_the_dose_is_heat_above_the_threshold_times_time():
    field = np.full((10, 100), 36.0, np.float32)
    field[:, 50:] = 20.0
    network = network_of_edges([0.0, 100.0], [5.0, 5.0], [0], [1], 2.2)
    # 220 m at 1.1 m/s are 200 s; half of them 10 K above 26 degC, the other half below it.
    assert edge_doses(network, HeatField(field, 26.0))[0] == pytest.approx(10.0 * 100.0 / 60.0, rel=1e-5)


def test_what_a_walker_meets():
    utci = np.full((10, 100), 30.0, np.float32)
    utci[:, 75:] = 40.0
    wbgt = utci - 8.0
    sunlit = (utci > 35.0).astype(np.float32)
    network = network_of_edges([0.0, 50.0, 100.0], [5.0, 5.0, 5.0], [0, 1], [1, 2], 2.2)
    met = exposure_along(
        network.x_cells,
        network.y_cells,
        cell_m=network.cell_m,
        utci_degc=utci,
        wbgt_degc=wbgt,
        sunlit=sunlit,
        thresholds=BANDS,
    )
    assert met.length_m == pytest.approx(220.0)
    assert met.duration_s == pytest.approx(200.0)
    assert met.shade_pct == pytest.approx(75.0)
    assert met.mean_utci_degc == pytest.approx(32.5)
    assert (met.max_utci_degc, met.max_wbgt_degc) == (40.0, 32.0)
    assert met.utci_minutes == pytest.approx((0.0, 2.5, 0.0, 5 / 6))
    assert met.wbgt_minutes == pytest.approx((2.5, 0.0, 0.0, 5 / 6))
    assert met.utci_dose_degc_min == pytest.approx(2.5 * 4.0 + 5 / 6 * 14.0)
    assert met.utci_dose_degc_min == pytest.approx(float(edge_doses(network, HeatField(utci, 26.0)).sum()), rel=1e-5)


def test_a_walk_of_one_place_has_no_length_but_a_temperature():
    field = np.full((10, 10), 33.0, np.float32)
    here = np.array([5.0], np.float32)
    met = exposure_along(here, here, cell_m=2.0, utci_degc=field, wbgt_degc=field, sunlit=field, thresholds=BANDS)
    assert (met.length_m, met.mean_utci_degc, met.shade_pct) == (0.0, 33.0, 0.0)
