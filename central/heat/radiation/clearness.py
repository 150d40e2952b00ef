"""What a cloudless sky would give, how clear this one is, and how its radiation splits into direct and diffuse."""

import math
from dataclasses import dataclass

from central.heat.sun import Sun

STANDARD_PRESSURE_HPA = 1013.25
CLEANEST_TURBIDITY = 2.0
LOWEST_ALTITUDE_DEG = 0.5
"""Below this the ratios to the clear sky say nothing: all radiation is diffuse, the clearness is taken as 1."""

# Smith (1966), Note on the relationship between total precipitable water and surface dew point, J. Appl. Meteorol.
# 5:726-727, table 1: by bands of 10 degrees of latitude; winter, spring, summer, autumn.
_SMITH_EXPONENT = (
    (3.37, 2.85, 2.80, 2.64),
    (2.99, 3.02, 2.70, 2.93),
    (3.60, 3.00, 2.98, 2.93),
    (3.04, 3.11, 2.92, 2.94),
    (2.70, 2.95, 2.77, 2.71),
    (2.52, 3.07, 2.67, 2.93),
    (1.76, 2.69, 2.61, 2.61),
    (1.60, 1.67, 2.24, 2.63),
    (1.11, 1.44, 1.94, 2.02),
)


@dataclass(frozen=True)
class Irradiance:
    """Short-wave radiation at a moment [W/m2]."""

    global_wm2: float
    """On a level plane."""
    direct_normal_wm2: float
    """From the sun alone, on a plane that faces it."""
    diffuse_wm2: float
    """From the sky alone, on a level plane."""


def haurwitz_wm2(sun: Sun) -> float:
    """Global radiation of a cloudless sky [W/m2] from the sun's altitude alone.

    Haurwitz (1945), Insolation in relation to cloudiness and cloud density, J. Meteorol. 2:154-166, with the
    coefficients that Reno, Hansen & Stein (2012), SAND2012-2389, print.
    """
    sin_altitude = math.sin(math.radians(sun.apparent_altitude_deg))
    if sin_altitude <= 0.0:
        return 0.0
    return 1098.0 * sin_altitude * math.exp(-0.059 / sin_altitude)


def clear_sky_wm2(
    sun: Sun, air_temperature_degc: float, relative_humidity_pct: float, air_pressure_hpa: float
) -> float:
    """Global radiation of a cloudless sky over air of this temperature and humidity [W/m2].

    Crawford & Duchon (1999), J. Appl. Meteorol. 38:474-480: transmission through gases and Rayleigh scattering, water
    vapour and aerosol, each after the authors cited there. The optical air mass is the one printed there, which stays
    near 1 for low sun too: the correction that ``clearness_index`` applies was fitted together with it.
    """
    if sun.altitude_deg <= 0.0:
        return 0.0
    cos_zenith = math.sin(math.radians(sun.altitude_deg))
    air_mass = 35.0 * cos_zenith / math.sqrt(1224.0 * cos_zenith**2 + 1.0)
    gases = 1.021 - 0.084 * math.sqrt(air_mass * (0.000949 * air_pressure_hpa + 0.051))
    water_cm = _precipitable_water_cm(sun, air_temperature_degc, relative_humidity_pct)
    vapour = 1.0 - 0.077 * math.pow(water_cm * air_mass, 0.3)
    aerosol = math.pow(0.935, air_mass)
    return sun.extraterrestrial_wm2 * cos_zenith * gases * vapour * aerosol


def _precipitable_water_cm(sun: Sun, air_temperature_degc: float, relative_humidity_pct: float) -> float:
    """Water in the column of air [cm] from the dew point at the ground (Smith 1966)."""
    gamma = math.log(max(relative_humidity_pct, 1.0) / 100.0) + 17.27 * air_temperature_degc / (
        237.7 + air_temperature_degc
    )
    dew_point_degc = 237.7 * gamma / (17.27 - gamma)
    north = sun.latitude_deg >= 0.0
    # Seasons begin at the solstices and equinoxes; the southern ones are half a year off.
    season = int(((sun.day_of_year + 10) % 365) / 91.25 + (0 if north else 2)) % 4
    exponent = _SMITH_EXPONENT[min(int(abs(sun.latitude_deg) / 10.0), 8)][season]
    return math.exp(0.1133 - math.log(exponent + 1.0) + 0.0393 * (dew_point_degc * 1.8 + 32.0))


def clearness_index(
    sun: Sun,
    global_radiation_wm2: float,
    air_temperature_degc: float,
    relative_humidity_pct: float,
    air_pressure_hpa: float,
) -> float:
    """How clear the sky is: 1 cloudless, towards 0 overcast; 1 also when the sun is too low to tell.

    Measured over cloudless radiation, with the correction for low sun of Lindberg, Holmer & Thorsson (2008), SOLWEIG
    1.0, Int. J. Biometeorol. 52:697-713, eq. 13.
    """
    if sun.altitude_deg < LOWEST_ALTITUDE_DEG:
        return 1.0
    cloudless_wm2 = clear_sky_wm2(sun, air_temperature_degc, relative_humidity_pct, air_pressure_hpa)
    correction = 0.1473 * math.log(sun.altitude_deg) + 0.3454
    return min(max(global_radiation_wm2 / cloudless_wm2 + 1.0 - correction, 0.0), 1.0)


def cleanest_beam_wm2(sun: Sun) -> float:
    """The most that the sun sends through the cleanest air, on a plane that faces it [W/m2].

    Rigollier, Bauer & Wald (2000), On the clear sky model of the ESRA, Solar Energy 68(1):33-48, with a Linke
    turbidity of 2; air mass after Kasten & Young (1989), Applied Optics 28:4735-4738.
    """
    if not sun.is_up:
        return 0.0
    sin_altitude = math.sin(math.radians(sun.altitude_deg))
    m = 1.0 / (sin_altitude + 0.50572 * math.pow(sun.altitude_deg + 6.07995, -1.6364))
    if m <= 20.0:
        rayleigh_depth = 1.0 / (6.62960 + 1.75130 * m - 0.12020 * m**2 + 0.00650 * m**3 - 0.00013 * m**4)
    else:
        rayleigh_depth = 1.0 / (10.4 + 0.718 * m)
    return sun.extraterrestrial_wm2 * math.exp(-0.8662 * CLEANEST_TURBIDITY * m * rayleigh_depth)


def split(
    global_radiation_wm2: float, sun: Sun, air_temperature_degc: float, relative_humidity_pct: float
) -> Irradiance:
    """Tell direct from diffuse where only the global radiation is measured.

    Reindl, Beckman & Duffie (1990), Diffuse fraction correlations, Solar Energy 45(1):1-7, the form with air
    temperature and humidity.
    """
    global_wm2 = max(global_radiation_wm2, 0.0)
    if sun.altitude_deg < LOWEST_ALTITUDE_DEG or global_wm2 == 0.0:
        return Irradiance(global_wm2, 0.0, global_wm2)
    sin_altitude = math.sin(math.radians(sun.altitude_deg))
    index = min(global_wm2 / (sun.extraterrestrial_wm2 * sin_altitude), 1.0)
    humidity = relative_humidity_pct / 100.0
    if index <= 0.3:
        share = 1.0 - 0.232 * index + 0.0239 * sin_altitude - 0.000682 * air_temperature_degc + 0.0195 * humidity
        share = min(share, 1.0)
    elif index < 0.78:
        share = 1.329 - 1.716 * index + 0.267 * sin_altitude - 0.00357 * air_temperature_degc + 0.106 * humidity
        share = min(max(share, 0.1), 0.97)
    else:
        share = 0.426 * index - 0.256 * sin_altitude + 0.00349 * air_temperature_degc + 0.0734 * humidity
        share = max(share, 0.1)
    diffuse_wm2 = share * global_wm2
    direct_normal_wm2 = (global_wm2 - diffuse_wm2) / sin_altitude
    # Near the horizon a small error of the global radiation, or a bright cloud, would make a beam that no air lets
    # through, and a person standing in it tens of degrees too hot.
    direct_normal_wm2 = min(direct_normal_wm2, cleanest_beam_wm2(sun))
    return Irradiance(global_wm2, direct_normal_wm2, global_wm2 - direct_normal_wm2 * sin_altitude)
