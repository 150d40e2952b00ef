# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""Everything a person absorbs, folded into one weight per patch of the sphere around them.

A person is an upright cylinder: 0.22 of its surface faces each of the four sides, 0.06 up and 0.06 down; a beam meets
0.28 of it side on (Lindberg, Holmer & Thorsson 2008, Int. J. Biometeorol. 52:697-713; Holmer et al. 2015, Theor. Appl.
Climatol. 119:1-13; Wallenberg et al. 2020, Urban Climate 31:100589, and 2023, Geosci. Model Dev. 16:1-25). What a patch
sends depends only on what fills it: sky, shaded wall, sunlit wall or tree. So at one moment the absorbed radiation of
any cell is the sum of 153 such weights chosen by the cell's bits, plus one of three values for beam and ground.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from central.heat.geometry.dome import sky_dome
from central.heat.geometry.skyview import OPENNESS_LEVELS
from central.heat.geometry.types import Bits, Floats64
from central.heat.radiation.clearness import Irradiance
from central.heat.radiation.perez import patch_irradiance
from central.heat.sun import Sun

STEFAN_BOLTZMANN = 5.67e-8
KELVIN = 273.15

ABSORPTIVITY_SHORT = 0.70
ABSORPTIVITY_LONG = 0.97
SIDE_SHARE = 0.22
"""Share of the body that faces one of the four sides."""
END_SHARE = 0.06
"""Share that faces up, and down."""
BEAM_SHARE = 0.28
"""Share that a level beam meets."""
GROUND_VIEW = END_SHARE + 2.0 * SIDE_SHARE
"""Share of the body that the ground fills: the end below and half of each side."""


@dataclass(frozen=True)
class Materials:
    """What ground, walls and crowns are made of; the defaults are the usual mixed city of the papers above."""

    ground_albedo: float = 0.15
    ground_emissivity: float = 0.95
    wall_albedo: float = 0.20
    wall_emissivity: float = 0.90
    leaf_albedo: float = 0.20
    leaf_emissivity: float = 0.90
    leaf_transmissivity: float = 0.03
    """Short-wave radiation that passes a crown in leaf; Konarska et al. (2014), Theor. Appl. Climatol. 117:363-376."""
    twig_transmissivity: float = 0.50
    """The same for a bare crown."""
    surface_heating_k_per_deg: float = 0.37
    """Rise of the surface over the air per degree of the day's highest sun, and its intercept, cloudless [K]."""
    surface_heating_start_k: float = -3.41
    hottest_hour: float = 15.0
    """Mean solar time at which ground and walls are hottest."""


LEAVES_FROM_DAY, LEAVES_TO_DAY = 97, 300
HALF_YEAR_DAYS = 183


def canopy_transmissivity(sun: Sun, materials: Materials) -> float:
    """Share of short-wave radiation that passes a deciduous crown on this day of the year, either hemisphere."""
    day = sun.day_of_year if sun.latitude_deg >= 0.0 else (sun.day_of_year + HALF_YEAR_DAYS) % 365
    in_leaf = LEAVES_FROM_DAY < day < LEAVES_TO_DAY
    return materials.leaf_transmissivity if in_leaf else materials.twig_transmissivity


@dataclass(frozen=True, eq=False)
class Absorbed:
    """What a person absorbs at one moment [W per m2 of body]; arrays of shape (153,) unless said."""

    sky: Floats64
    """From each patch where it shows sky."""
    wall: Floats64
    """The same where a wall in shade fills it."""
    sunlit_surplus: Floats64
    """What a wall adds when the sun is on it."""
    tree: Floats64
    """The same where a crown fills it."""
    is_sunlit: Bits
    """(256, 153) whether a wall in the patch is in the sun, by the cell's level of openness."""
    beam_and_ground: Floats64
    """(3,) the sun's beam and all that comes from the ground, in the shade of a building, of a crown, in the sun."""
    beam: Floats64
    """(3,) the part of it that is the beam and its reflection."""


@dataclass(frozen=True, eq=False)
class WallHeating:
    """How much warmer than the air the walls in each patch are [K], each (153,); see ``central.heat.memory``."""

    sunlit: Floats64
    shaded: Floats64


def surface_heating_k(sun: Sun, clearness: float, materials: Materials) -> float:
    """How much warmer sunlit ground and walls are than the air [K]; 0 at night.

    Lindberg, Holmer & Thorsson (2008), Int. J. Biometeorol. 52:697-713, and Lindberg, Onomura & Grimmond (2016), same
    journal 60:1439-1452: a sine from sunrise to the hottest hour, scaled with the height the sun reaches that day and
    with the clearness. The hours are those of the mean sun of the place, not of its time zone.
    """
    course = heating_course_k(
        sun, materials.surface_heating_k_per_deg, materials.surface_heating_start_k, materials.hottest_hour
    )
    return course * clearness


def heating_course_k(sun: Sun, k_per_deg: float, start_k: float, hottest_hour: float) -> float:
    """The same under a cloudless sky for any surface, by the three numbers that describe it."""
    amplitude = k_per_deg * sun.noon_altitude_deg + start_k
    if not sun.is_up or sun.mean_solar_hour < sun.sunrise_hour:
        return 0.0
    phase = (sun.mean_solar_hour - sun.sunrise_hour) / (hottest_hour - sun.sunrise_hour)
    return max(0.0, amplitude * math.sin(math.pi / 2.0 * phase))


def sky_emissivity(air_temperature_degc: float, relative_humidity_pct: float) -> float:
    """Emissivity of the whole cloudless sky; Prata (1996), Q. J. R. Meteorol. Soc. 122:1127-1151."""
    vapour_hpa = (
        relative_humidity_pct
        / 100.0
        * 6.107
        * math.pow(10.0, 7.5 * air_temperature_degc / (237.3 + air_temperature_degc))
    )
    water_cm = 46.5 * vapour_hpa / (air_temperature_degc + KELVIN)
    return 1.0 - (1.0 + water_cm) * math.exp(-math.sqrt(1.2 + 3.0 * water_cm))


def absorbed(
    sun: Sun,
    irradiance: Irradiance,
    clearness: float,
    air_temperature_degc: float,
    relative_humidity_pct: float,
    transmissivity: float,
    materials: Materials,
    *,
    wall_heating: WallHeating | None = None,
    surface_air_degc: float | None = None,
) -> Absorbed:
    """The weights of one moment.

    Args:
        sun: position; below the horizon there is no beam and nothing is sunlit.
        irradiance: short-wave radiation on an open place.
        clearness: 1 cloudless .. 0 overcast.
        air_temperature_degc: of the whole city.
        relative_humidity_pct: 0 .. 100.
        transmissivity: share of short-wave radiation that passes a crown.
        materials: albedo, emissivity and heating of ground and walls.
        wall_heating: what walls remember; without memory sunlit walls are as warm as the hour makes them, the others
            as warm as the air.
        surface_air_degc: air temperature at the walls, crowns and the ground of the place, where it differs from the
            city's; the sky stays that of the city.
    """
    dome = sky_dome()
    sin_patch, cos_patch = dome.sin_altitude, dome.cos_altitude
    altitude = math.radians(max(sun.altitude_deg, 0.0))
    direct = irradiance.direct_normal_wm2 if sun.is_up else 0.0
    diffuse = irradiance.diffuse_wm2
    sky_k4 = STEFAN_BOLTZMANN * (air_temperature_degc + KELVIN) ** 4
    local_degc = air_temperature_degc if surface_air_degc is None else surface_air_degc
    air_k4 = STEFAN_BOLTZMANN * (local_degc + KELVIN) ** 4
    heating_k = surface_heating_k(sun, clearness, materials)
    sunlit_k, shaded_k = (heating_k, 0.0) if wall_heating is None else (wall_heating.sunlit, wall_heating.shaded)
    wall_k4 = STEFAN_BOLTZMANN * (local_degc + shaded_k + KELVIN) ** 4

    # View of the body: W from a Lambertian patch onto the sides, H onto a level plane.
    onto_sides = dome.solid_angle_sr * cos_patch / math.pi
    onto_level = dome.solid_angle_sr * sin_patch / math.pi
    long_view = BEAM_SHARE * onto_sides + END_SHARE * onto_level
    # What falls on the level also reaches the body from the ground: its lower end, and half of each side's view.
    level_share = END_SHARE * (1.0 + materials.ground_albedo) + 2.0 * SIDE_SHARE * materials.ground_albedo

    clear_emissivity = sky_emissivity(air_temperature_degc, relative_humidity_pct)
    cloud = 1.0 - clearness
    # Martin & Berdahl (1984), Solar Energy 33:241-252: the clear sky is warmer towards the horizon.
    patch_emissivity = 1.0 - (1.0 - clear_emissivity) * np.exp(0.308 * (1.7 - 1.0 / np.maximum(sin_patch, 0.01)))
    patch_emissivity = patch_emissivity * clearness + cloud
    sky_short = (
        ABSORPTIVITY_SHORT
        * patch_irradiance(dome, sun, irradiance)
        * (BEAM_SHARE * cos_patch + level_share * sin_patch)
    )
    sky = sky_short + ABSORPTIVITY_LONG * sky_k4 * patch_emissivity * long_view

    sky_long_wm2 = sky_k4 * (clear_emissivity * clearness + cloud)
    ground_k = local_degc + 0.5 * heating_k + KELVIN
    ground_long_wm2 = materials.ground_emissivity * STEFAN_BOLTZMANN * ground_k**4
    reflected_long = (1.0 - materials.wall_emissivity) * 0.5 * (sky_long_wm2 + ground_long_wm2)
    # A facade sees half of the sky and half of the ground, of which half lies in its own or another shade.
    beam_on_level = direct * math.sin(altitude)
    on_facade = 0.5 * diffuse + 0.5 * materials.ground_albedo * (0.5 * beam_on_level + diffuse)
    onto_body_sides = ABSORPTIVITY_SHORT * BEAM_SHARE * onto_sides
    onto_body_level = ABSORPTIVITY_SHORT * level_share * onto_level
    # Onto the level a facade sends what Lindberg et al. (2008) give it: its albedo times the whole diffuse radiation.
    reflected = onto_body_sides * on_facade + onto_body_level * diffuse
    wall = (
        ABSORPTIVITY_LONG * long_view * (materials.wall_emissivity * wall_k4 + reflected_long)
        + materials.wall_albedo * reflected
    )
    tree = (
        transmissivity * sky_short
        + ABSORPTIVITY_LONG * long_view * materials.leaf_emissivity * air_k4
        + materials.leaf_albedo * reflected
    )

    # A wall that fills a patch faces the person: the beam meets it under the patch's azimuth from the sun's.
    cos_from_sun = np.cos(np.radians(dome.azimuth_deg - sun.azimuth_deg))
    beam_on_wall = direct * math.cos(altitude) * np.maximum(-cos_from_sun, 0.0)
    sunlit_k4 = STEFAN_BOLTZMANN * (local_degc + sunlit_k + KELVIN) ** 4
    sunlit_surplus = (
        ABSORPTIVITY_LONG * long_view * materials.wall_emissivity * (sunlit_k4 - wall_k4)
        + materials.wall_albedo * (onto_body_sides + onto_body_level) * beam_on_wall
    )

    beam, ground = _beam_and_ground(direct, altitude, level_share, heating_k, local_degc, transmissivity, materials)
    return Absorbed(
        sky=sky,
        wall=wall,
        sunlit_surplus=sunlit_surplus,
        tree=tree,
        is_sunlit=sunlit_walls(sun),
        beam_and_ground=beam + ground,
        beam=beam,
    )


def sunlit_walls(sun: Sun) -> Bits:
    """Which walls the sun reaches, for a place in a round basin of the same sky view.

    A wall across from the sun is lit above the shadow of the rim behind the person: at distance 1 the rim of a basin
    of sky view s stands sqrt((1 - s) / s) high. Shape (256, 153): by level of openness and patch.
    """
    dome = sky_dome()
    cos_from_sun = np.cos(np.radians(dome.azimuth_deg - sun.azimuth_deg))
    openness = (np.arange(OPENNESS_LEVELS) + 0.5) / OPENNESS_LEVELS
    rim = np.sqrt((1.0 - openness) / openness)
    tan_patch = np.tan(np.radians(np.minimum(dome.altitude_deg, 89.0)))
    across = cos_from_sun < 0.0
    tan_sun = math.tan(math.radians(max(sun.altitude_deg, 0.0)))
    lit = across & (tan_patch > rim[:, np.newaxis] + 2.0 * cos_from_sun * tan_sun)
    return np.asarray(lit & sun.is_up)


def _beam_and_ground(
    direct: float,
    altitude: float,
    level_share: float,
    heating_k: float,
    air_temperature_degc: float,
    transmissivity: float,
    materials: Materials,
) -> tuple[Floats64, Floats64]:
    """What beam and ground send in the shade of a building, of a crown, in the sun; (3,) each."""
    reached = np.array([0.0, transmissivity, 1.0])
    beam = reached * direct * (BEAM_SHARE * math.cos(altitude) + level_share * math.sin(altitude))
    ground_k = air_temperature_degc + heating_k * reached + KELVIN
    ground = materials.ground_emissivity * STEFAN_BOLTZMANN * ground_k**4
    return ABSORPTIVITY_SHORT * beam, ABSORPTIVITY_LONG * GROUND_VIEW * ground


def mean_radiant_temperature_degc(absorbed_wm2: npt.ArrayLike) -> Floats64:
    """Temperature [degC] of a uniform black enclosure in which a person would absorb as much."""
    return (np.asarray(absorbed_wm2) / (ABSORPTIVITY_LONG * STEFAN_BOLTZMANN)) ** 0.25 - KELVIN
