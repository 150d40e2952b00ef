"""From what anemometers on their masts say to the wind that heat is computed with: pure."""

from typing import Final

from central.heat.comfort.wbgt import wind_ratio
from central.heat.step import WIND_REFERENCE_HEIGHT_M
from central.heat.weather import RANGES

CALM_BELOW_MS: Final = 0.5
"""A reading below this, one knot, is reported as calm (WMO-No. 8, vol. I, ch. 5) and says only that the cups may not have
turned. UTCI counts no less either (Broede et al. 2012)."""


def wind_for_heat_ms(measured_ms: float) -> float:
    """The wind to compute heat stress with [m/s], at the height where it was measured.

    Liljegren's globe and wick follow the wind down to 0.13 m/s and grow 4.5 C of WBGT hotter on the way from 0.5 m/s, under a
    high sun. An anemometer that stands still must not set off that alarm.
    """
    return max(measured_ms, CALM_BELOW_MS)


def wind_at_10m_ms(measured_ms: float, height_m: float) -> float:
    """The wind that a step takes [m/s]: at 10 m over open ground, from one measured at ``height_m``."""
    at_10m_ms = wind_for_heat_ms(measured_ms) * wind_ratio(WIND_REFERENCE_HEIGHT_M, height_m)
    # A hurricane over low masts would be more at 10 m than a step takes, and makes no difference any more.
    return min(at_10m_ms, RANGES["wind_speed_ms"][1])
