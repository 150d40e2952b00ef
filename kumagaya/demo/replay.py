"""Which moment of a measured series a demonstration begins with, and how its time maps to the city's."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from array import array

DAY_MS: Final = 86_400_000
CITY_NOON_UTC_MS: Final = round((12.0 - 139.389 / 15.0) * 3_600_000)
"""Mean solar noon at Kumagaya Station (139.389 E), from midnight UTC: 02:42."""
SAME_PLACE_MS: Final = 30 * 60_000
"""The equation of time and a cloudy morning move the measured noon by less: then the series is taken to be of this longitude."""
RADIATION_MIN_WM2: Final = 50.0


class Measured(Protocol):
    """One station's rows, as the replay holds them."""

    @property
    def times_ms(self) -> Sequence[int]: ...
    @property
    def columns(self) -> "Mapping[str, array[float]]": ...


def measured_noon_utc_ms(series: Iterable[Measured]) -> int | None:
    """The time of day [ms from midnight UTC] round which the measured global radiation lies; None when none was measured.

    The radiation-weighted circular mean of the time of day: the sun itself tells at which longitude a file was taken.
    """
    east = north = 0.0
    for one in series:
        radiation = one.columns.get("global_radiation_wm2")
        if radiation is None:
            continue
        for at_ms, value in zip(one.times_ms, radiation, strict=True):
            if value > RADIATION_MIN_WM2:
                angle = 2 * math.pi * (at_ms % DAY_MS) / DAY_MS
                east += value * math.sin(angle)
                north += value * math.cos(angle)
    if east == north == 0.0:
        return None
    return round(math.atan2(east, north) / (2 * math.pi) * DAY_MS) % DAY_MS


def shift_ms(noon_utc_ms: int | None) -> int:
    """What to add to the city's time to look into the series, so that its noon falls on the city's: 0 for a series of this longitude."""
    if noon_utc_ms is None:
        return 0
    shift = (noon_utc_ms - CITY_NOON_UTC_MS + DAY_MS // 2) % DAY_MS - DAY_MS // 2
    return 0 if abs(shift) <= SAME_PLACE_MS else round(shift / 60_000) * 60_000


def first_morning_ms(first_ms: int, last_ms: int, shift: int) -> int:
    """City time of the first full hour before ten in the morning (JST) inside the series; its beginning when it is shorter than that."""
    start = first_ms - shift
    ten_jst = 3_600_000  # 01:00 UTC
    candidate = (start - ten_jst + DAY_MS - 1) // DAY_MS * DAY_MS + ten_jst
    return candidate if candidate + shift < last_ms else start
