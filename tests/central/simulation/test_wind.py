"""What an anemometer says, and the wind that heat is computed with."""

import math

import pytest

from central.heat.comfort.wbgt import wbgt
from central.simulation.wind import CALM_BELOW_MS, wind_at_10m_ms, wind_for_heat_ms


@pytest.mark.parametrize(("measured", "counts_as"), [(0.0, 0.5), (0.49, 0.5), (0.5, 0.5), (0.51, 0.51), (7.0, 7.0)])
def test_calm_counts_as_the_speed_below_which_cups_may_stand_still(measured, counts_as):
    assert wind_for_heat_ms(measured) == counts_as


def test_a_mast_of_three_metres_is_carried_up_to_ten_by_the_log_law():
    assert wind_at_10m_ms(2.0, 10.0) == pytest.approx(2.0)
    assert wind_at_10m_ms(2.0, 3.0) == pytest.approx(2.0 * math.log(1000.0) / math.log(300.0))
    assert wind_at_10m_ms(0.0, 3.0) == wind_at_10m_ms(CALM_BELOW_MS, 3.0) > CALM_BELOW_MS


def test_no_hurricane_is_more_than_a_step_takes():
    assert wind_at_10m_ms(75.0, 3.0) == wind_at_10m_ms(90.0, 3.0) == 75.0


def test_what_it_is_for_still_cups_under_a_high_sun_would_be_four_degrees_of_wbgt():
    def at(wind_ms):
        return wbgt(35.0, 45.0, wind_ms, 900.0, 1005.0, direct_fraction=0.8, cos_zenith=0.9).wbgt_degc

    assert at(0.0) - at(0.5) == pytest.approx(4.6, abs=0.1)
    assert at(wind_for_heat_ms(0.0)) == at(0.5)
