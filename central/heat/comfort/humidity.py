"""Water vapour in air."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

KELVIN = 273.15

# Hardy (1998), ITS-90 formulations for vapor pressure, Papers and Abstracts of the Third International Symposium on
# Humidity and Moisture: ln(e / Pa) = sum(g_i T^(i-2)) + g_7 ln T over water. UTCI was fitted with these.
_HARDY_POWERS = (
    -2.8365744e3,
    -6.028076559e3,
    1.954263612e1,
    -2.737830188e-2,
    1.6261698e-5,
    7.0229056e-10,
    -1.8680009e-13,
)
_HARDY_LOGARITHM = 2.7150305


def saturation_vapour_pressure_hpa(temperature_degc: npt.ArrayLike) -> Floats:
    """Vapour pressure over water [hPa] at a temperature [degC]."""
    kelvin = np.asarray(temperature_degc, dtype=np.float64) + KELVIN
    logarithm = _HARDY_LOGARITHM * np.log(kelvin)
    for index, coefficient in enumerate(_HARDY_POWERS):
        logarithm = logarithm + coefficient * kelvin ** (index - 2)
    return np.asarray(np.exp(logarithm) * 0.01)
