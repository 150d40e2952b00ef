"""Where the sun stands, and how much it sends to the top of the atmosphere."""

import math
from dataclasses import dataclass
from datetime import date

MS_PER_DAY = 86_400_000
J2000_UNIX_MS = 946_728_000_000
"""2000-01-01 12:00 UT."""

ORDINAL_OF_J2000 = date(2000, 1, 1).toordinal()
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Where the formulas are within 0.015 deg of NREL's algorithm; beyond they drift."""
FIRST_UNIX_MS, END_UNIX_MS = (
    J2000_UNIX_MS + (date(year, 1, 1).toordinal() - ORDINAL_OF_J2000) * MS_PER_DAY - MS_PER_DAY // 2
    for year in (FIRST_YEAR, LAST_YEAR + 1)
)
SOLAR_CONSTANT_WM2 = 1367.0


@dataclass(frozen=True)
class Sun:
    """The sun over one place at one moment. Angles in degrees, azimuth clockwise from north."""

    altitude_deg: float
    """Angle of the sun's centre above the horizon, without refraction; negative at night."""
    azimuth_deg: float
    apparent_altitude_deg: float
    """As seen through a standard atmosphere."""
    declination_deg: float
    distance_au: float
    """Distance of the sun in astronomical units."""
    noon_altitude_deg: float
    """Highest altitude of this day."""
    sunrise_hour: float
    """Mean solar time of sunrise; 0 where the sun does not set, 12 where it does not rise."""
    mean_solar_hour: float
    """Mean solar time, 0 .. 24: universal time shifted by the longitude."""
    day_of_year: int
    latitude_deg: float

    @property
    def is_up(self) -> bool:
        """Whether the sun's centre stands above the horizon."""
        return self.altitude_deg > 0.0

    @property
    def extraterrestrial_wm2(self) -> float:
        """Irradiance on a plane that faces the sun above the atmosphere [W/m2]."""
        return SOLAR_CONSTANT_WM2 / self.distance_au**2


def sun_position(unix_ms: int, lat: float, lon: float) -> Sun:
    """The sun at a moment and place, good to 0.01 deg between 1950 and 2050, to 0.015 deg from 1900 to 2200.

    The low-precision formulas of the Astronomical Almanac as given by Michalsky (1988), Solar Energy 40(3):227-235,
    with the refraction of Saemundsson (1986) in Meeus, Astronomical Algorithms, ch. 16.

    Args:
        unix_ms: milliseconds since 1970-01-01 00:00 UTC (UT1 - UTC, below 0.9 s, is neglected: 0.004 deg).
        lat: latitude [deg, north positive].
        lon: longitude [deg, east positive].

    Raises:
        ValueError: a year before 1 or after 9999, which no calendar date here can name.
    """
    days = (unix_ms - J2000_UNIX_MS) / MS_PER_DAY
    mean_longitude_deg = 280.460 + 0.9856474 * days
    mean_anomaly = math.radians((357.528 + 0.9856003 * days) % 360.0)
    ecliptic_longitude = math.radians(
        (mean_longitude_deg + 1.915 * math.sin(mean_anomaly) + 0.020 * math.sin(2.0 * mean_anomaly)) % 360.0
    )
    obliquity = math.radians(23.439 - 0.0000004 * days)
    right_ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic_longitude), math.cos(ecliptic_longitude))
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic_longitude))
    distance_au = 1.00014 - 0.01671 * math.cos(mean_anomaly) - 0.00014 * math.cos(2.0 * mean_anomaly)

    # The sidereal time, whole turns dropped early so that no digits are lost.
    turns = (unix_ms % MS_PER_DAY) / MS_PER_DAY
    sidereal_deg = (280.46061837 + 0.98564736629 * days + 360.0 * (turns - 0.5) + lon) % 360.0
    hour_angle = math.radians(sidereal_deg) - right_ascension

    latitude = math.radians(lat)
    altitude = math.asin(
        math.sin(declination) * math.sin(latitude) + math.cos(declination) * math.cos(latitude) * math.cos(hour_angle)
    )
    azimuth = math.atan2(
        -math.cos(declination) * math.sin(hour_angle),
        math.sin(declination) * math.cos(latitude) - math.cos(declination) * math.sin(latitude) * math.cos(hour_angle),
    )
    altitude_deg = math.degrees(altitude)
    cos_sunset = min(1.0, max(-1.0, -math.tan(latitude) * math.tan(declination))) if abs(lat) < 90.0 else 0.0
    return Sun(
        altitude_deg=altitude_deg,
        azimuth_deg=math.degrees(azimuth) % 360.0,
        apparent_altitude_deg=altitude_deg + _refraction_deg(altitude_deg),
        declination_deg=math.degrees(declination),
        distance_au=distance_au,
        noon_altitude_deg=90.0 - abs(lat - math.degrees(declination)),
        sunrise_hour=12.0 - math.degrees(math.acos(cos_sunset)) / 15.0,
        mean_solar_hour=(turns * 24.0 + lon / 15.0) % 24.0,
        day_of_year=_day_of_year(days + lon / 360.0),
        latitude_deg=lat,
    )


def _refraction_deg(altitude_deg: float) -> float:
    """Lift of the sun's image at 1010 hPa and 10 C [deg]; none once it is well below the horizon."""
    if altitude_deg < -0.84:
        return 0.0
    return 1.02 / 60.0 / math.tan(math.radians(altitude_deg + 10.3 / (altitude_deg + 5.11)))


def _day_of_year(days_since_j2000: float) -> int:
    """Day of the year, 1 .. 366, of a day count since 2000-01-01 12:00."""
    midnight = math.floor(days_since_j2000 + 0.5)
    return date.fromordinal(ORDINAL_OF_J2000 + midnight).timetuple().tm_yday
