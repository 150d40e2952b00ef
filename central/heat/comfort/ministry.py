"""The regression behind the Ministry of the Environment's WBGT pages."""

import numpy as np
import numpy.typing as npt


def ministry_wbgt(
    air_temperature_degc: npt.ArrayLike,
    relative_humidity_pct: npt.ArrayLike,
    wind_speed_ms: npt.ArrayLike,
    global_radiation_wm2: npt.ArrayLike,
) -> npt.NDArray[np.float64]:
    """WBGT [degC] in the open from the four quantities of an ordinary weather station.

    Ono & Tonouchi (2014), Estimation of wet-bulb globe temperature using generally measured meteorological indices,
    Japanese Journal of Biometeorology 50(4):147-157. Fitted to summer data of eleven Japanese cities: not for winter.

    Args:
        air_temperature_degc: at 1.5 m.
        relative_humidity_pct: 0 .. 100.
        wind_speed_ms: mean of ten minutes.
        global_radiation_wm2: on a level plane.
    """
    air = np.asarray(air_temperature_degc, dtype=np.float64)
    humidity = np.asarray(relative_humidity_pct, dtype=np.float64)
    radiation_kwm2 = np.asarray(global_radiation_wm2, dtype=np.float64) / 1000.0
    return (
        0.735 * air
        + 0.0374 * humidity
        + 0.00292 * air * humidity
        + 7.619 * radiation_kwm2
        - 4.557 * radiation_kwm2**2
        - 0.0572 * np.asarray(wind_speed_ms, dtype=np.float64)
        - 4.064
    )
