"""Where the sun stands and what reaches the ground under a clear sky: as much as a simulated pyranometer needs."""

import math
from dataclasses import dataclass

_J2000_MS = 946_728_000_000
"""2000-01-01 12:00 UTC."""


@dataclass(frozen=True)
class SunPosition:
    elevation_deg: float
    azimuth_deg: float
    """From north, clockwise, 0..360."""


def sun_position(unix_ms: int, lat_deg: float, lon_deg: float) -> SunPosition:
    """The sun's centre without refraction, good to about 0.02 degrees between 1950 and 2050.

    Source: The Astronomical Almanac's low-precision formulas for the Sun (section C, "Low precision formulas").
    """
    days = (unix_ms - _J2000_MS) / 86_400_000
    mean_longitude = 280.460 + 0.9856474 * days
    anomaly = math.radians(357.528 + 0.9856003 * days)
    longitude = math.radians(mean_longitude + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.0000004 * days)
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))
    right_ascension = math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude))
    sidereal_deg = 280.46061837 + 360.98564736629 * days + lon_deg
    hour_angle = math.radians(sidereal_deg) - right_ascension
    lat = math.radians(lat_deg)
    sine = math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(hour_angle)
    azimuth = math.atan2(
        -math.cos(declination) * math.sin(hour_angle),
        math.sin(declination) * math.cos(lat) - math.cos(declination) * math.sin(lat) * math.cos(hour_angle),
    )
    return SunPosition(math.degrees(math.asin(max(-1.0, min(1.0, sine)))), math.degrees(azimuth) % 360.0)


def clear_sky_global_wm2(elevation_deg: float) -> float:
    """Global horizontal irradiance under a clear sky [W/m2]; 0 at night.

    Source: Haurwitz (1945), J. Meteorology 2, 154-166, as evaluated by Reno, Hansen and Stein (2012), SAND2012-2389.
    """
    cosine = math.sin(math.radians(elevation_deg))
    return 1098.0 * cosine * math.exp(-0.057 / cosine) if cosine > 0.0 else 0.0
