"""The character of one day in Kumagaya: how hot, when, how cloudy, whether a shower comes. The same for every site."""

import datetime as dt
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from firmware_sim.noise import key_of, smooth, uniform

JST: Final = dt.timezone(dt.timedelta(hours=9), "JST")
DAY_MS: Final = 86_400_000
_JST_OFFSET_MS: Final = 9 * 3_600_000


@dataclass(frozen=True)
class Shower:
    """Rain that rises and falls evenly.

    Attributes:
        starts_h, lasts_h: hours JST of the day.
        peak_mmh: intensity in the middle.

    """

    starts_h: float
    lasts_h: float
    peak_mmh: float

    def intensity_mmh(self, hour: float) -> float:
        part = (hour - self.starts_h) / self.lasts_h
        return self.peak_mmh * (1.0 - abs(2.0 * part - 1.0)) if 0.0 < part < 1.0 else 0.0

    def fallen_mm(self, hour: float) -> float:
        """The integral of the intensity up to `hour`."""
        part = min(1.0, max(0.0, (hour - self.starts_h) / self.lasts_h))
        share = 2.0 * part * part if part < 0.5 else 1.0 - 2.0 * (1.0 - part) ** 2
        return share * self.peak_mmh * self.lasts_h / 2.0


@dataclass(frozen=True)
class DayCharacter:
    """One civil day (JST) at the reference site.

    Attributes:
        minimum_degc, minimum_h: lowest temperature and its hour, about sunrise.
        maximum_degc, maximum_h: highest temperature and its hour.
        dew_point_degc: mean of the day.
        cloudiness: 0 clear .. 1 overcast.

    """

    minimum_degc: float
    minimum_h: float
    maximum_degc: float
    maximum_h: float
    dew_point_degc: float
    cloudiness: float
    shower: Shower | None


RECORD_DAY: Final = dt.date(2018, 7, 23)
"""41.1 degC at 14:16 JST at Kumagaya, then the highest temperature measured in Japan (Japan Meteorological Agency)."""

_RECORD: Final = DayCharacter(
    minimum_degc=27.9,
    minimum_h=4.9,
    maximum_degc=41.1,
    maximum_h=14.0 + 16.0 / 60.0,
    dew_point_degc=20.5,
    cloudiness=0.12,
    shower=None,
)
"""Maximum and its time are the record's; the rest is ours, so that the afternoon is as dry as such days are (about 30 % RH)."""


def day_number(unix_ms: int) -> int:
    """Days since 1970-01-01 JST."""
    return (unix_ms + _JST_OFFSET_MS) // DAY_MS


def hour_of_day(unix_ms: int) -> float:
    """Hours JST since the day began, 0 <= h < 24."""
    return (unix_ms + _JST_OFFSET_MS) % DAY_MS / 3_600_000


def date_of(number: int) -> dt.date:
    return dt.date(1970, 1, 1) + dt.timedelta(days=number)


@lru_cache(maxsize=1024)
def day_character(seed: int, number: int) -> DayCharacter:
    """The day `number` (see `day_number`). The seasons are two cosines through the size of Kumagaya's climate; days vary by seed."""
    date = date_of(number)
    if date == RECORD_DAY:
        return _RECORD
    season = math.cos(2.0 * math.pi * (date.timetuple().tm_yday - 213) / 365.25)
    spell = smooth(key_of(seed, "warm spell"), number / 5.0)
    draw = [
        uniform(key_of(seed, f"day {name}"), number) for name in ("range", "hour", "cloud", "shower", "start", "rain")
    ]
    cloudiness = min(1.0, max(0.0, 0.45 - 0.35 * spell + 0.5 * (draw[2] - 0.5)))
    maximum = 20.7 + 11.5 * season + 3.5 * spell - 3.0 * (cloudiness - 0.4)
    width = 9.5 + 2.5 * (draw[0] - 0.5) - 4.0 * (cloudiness - 0.4)
    shower = None
    if draw[3] < 0.35 * max(0.0, season) * (0.5 + cloudiness):
        shower = Shower(
            starts_h=15.0 + 3.5 * draw[4], lasts_h=0.4 + 0.9 * draw[5], peak_mmh=8.0 + 60.0 * draw[5] * draw[0]
        )
    return DayCharacter(
        minimum_degc=maximum - width,
        minimum_h=5.7 - 0.9 * season,
        maximum_degc=maximum,
        maximum_h=13.7 + 1.0 * draw[1],
        dew_point_degc=8.5 + 13.0 * season + 2.0 * spell,
        cloudiness=cloudiness,
        shower=shower,
    )
