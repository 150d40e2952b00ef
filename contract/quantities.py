"""The vocabulary of measured quantities: name, unit, valid range and how far a value may jump.

The ranges are what the air at ground level can plausibly do (WMO-No. 8, vol. I, annex 1.A, and vol. V, ch. 1 on plausible
value and rate-of-change checks), wider than any single instrument's range. `jump_max` is the largest believable difference between
two instantaneous readings of one station at most a minute apart; None where a jump says nothing (rain, direction).
"""

from enum import StrEnum
from typing import Final

import msgspec


class Flag(StrEnum):
    """What quality control says of one value. `ok` is never written: a value without a flag is good."""

    OK = "ok"
    MISSING = "missing"
    """The device answered with its invalid marker, or does not serve the quantity at the moment."""
    DEVICE_ERROR = "device_error"
    """The device reports a fault of this sensor, or its answer could not be decoded."""
    OUT_OF_RANGE = "out_of_range"
    """Outside the quantity's valid range."""
    JUMP = "jump"
    """Further from the previous reading than the quantity can move."""
    STUCK = "stuck"
    """Has not moved at all for longer than is natural."""


class Quantity(msgspec.Struct, frozen=True):
    """One thing that is measured.

    Attributes:
        name: as it stands in messages, tables and the API; ends with its unit.
        unit: for people, as printed.
        minimum, maximum: valid range, both ends included, in that unit.
        jump_max: largest believable step between readings <= 60 s apart; None: not checked.
        stuck_after_s: how long a value may stay exactly the same; None: not checked (calm wind, dry rain gauge, night).
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    jump_max: float | None = None
    stuck_after_s: float | None = None


def _table(*quantities: Quantity) -> dict[str, Quantity]:
    return {quantity.name: quantity for quantity in quantities}


QUANTITIES: Final[dict[str, Quantity]] = _table(
    Quantity("air_temperature_degc", "degC", -40.0, 60.0, jump_max=4.0, stuck_after_s=7200.0),
    Quantity("relative_humidity_pct", "%", 0.0, 100.0, jump_max=25.0, stuck_after_s=21600.0),
    Quantity("air_pressure_hpa", "hPa", 850.0, 1080.0, jump_max=3.0, stuck_after_s=21600.0),
    Quantity("wind_speed_ms", "m/s", 0.0, 75.0, jump_max=30.0),
    Quantity("wind_gust_ms", "m/s", 0.0, 110.0),
    Quantity("wind_direction_deg", "deg", 0.0, 360.0),
    Quantity("global_radiation_wm2", "W/m2", -10.0, 1600.0, jump_max=1200.0),
    Quantity("illuminance_lx", "lx", 0.0, 200_000.0),
    Quantity("dew_point_degc", "degC", -60.0, 45.0, jump_max=8.0),
    Quantity("rain_accumulated_mm", "mm", 0.0, 100_000.0),
    Quantity("rain_intensity_mmh", "mm/h", 0.0, 400.0),
    Quantity("noise_level_db", "dB", 20.0, 140.0),
    Quantity("pm2_5_ugm3", "ug/m3", 0.0, 1000.0),
    Quantity("pm10_ugm3", "ug/m3", 0.0, 2000.0),
    Quantity("supply_voltage_v", "V", 0.0, 60.0),
)
"""Every quantity a reading may hold, by name. A name outside this table is rejected at the door."""


def check_range(name: str, value: float) -> Flag:
    """`Flag.OK` or `Flag.OUT_OF_RANGE`. Raises KeyError for an unknown name."""
    quantity = QUANTITIES[name]
    return Flag.OK if quantity.minimum <= value <= quantity.maximum else Flag.OUT_OF_RANGE
