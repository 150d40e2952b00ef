"""The classes that people read instead of degrees, and where a heat area begins."""

from typing import Final

from central.heat.comfort.bands import BANDS as WBGT_BANDS
from central.heat.comfort.bands import Band

UTCI_BANDS: Final = (
    Band("no_heat_stress", "熱ストレスなし", "No heat stress", float("-inf")),
    Band("moderate_heat_stress", "中程度の熱ストレス", "Moderate heat stress", 26.0),
    Band("strong_heat_stress", "強い熱ストレス", "Strong heat stress", 32.0),
    Band("very_strong_heat_stress", "非常に強い熱ストレス", "Very strong heat stress", 38.0),
    Band("extreme_heat_stress", "極度の熱ストレス", "Extreme heat stress", 46.0),
)
"""The warm side of the assessment scale of Broede et al. 2012, Int. J. Biometeorol. 56:481-494."""

BANDS: Final = {"wbgt": WBGT_BANDS, "utci": UTCI_BANDS}
"""Which layers have bands."""

HEAT_AREA_FROM_DEGC: Final = {"wbgt": 28.0, "utci": 32.0}
"""Where a heat area begins unless the question says otherwise: severe warning, strong heat stress."""
