"""How the light of the sky is spread over it.

Perez, Seals & Michalsky (1993), All-weather model for sky luminance distribution, Solar Energy 50(3):235-245, with the
erratum in 51(5):423.
"""

import math

import numpy as np

from central.heat.geometry.dome import SkyDome
from central.heat.geometry.types import Floats64
from central.heat.radiation.clearness import Irradiance
from central.heat.sun import Sun

CLEARNESS_BOUNDS = (1.065, 1.230, 1.500, 1.950, 2.800, 4.500, 6.200)
CLEARNESS_MAX = 12.0
BRIGHTNESS_MIN, BRIGHTNESS_MAX = 0.01, 0.6
"""Range of the skies the model was fitted to; beyond it, near the horizon, it would give a black sky."""
SUN_LOWEST_DEG = 2.0
"""With the sun lower than this the sky is taken as equally bright: the model knows no twilight and turns black."""

# Table 1: for each of the eight bins of sky clearness the rows a, b, c, d, e of four numbers x1 .. x4.
COEFFICIENTS = np.array(
    [
        [
            (1.3525, -0.2576, -0.2690, -1.4366),
            (-0.7670, 0.0007, 1.2734, -0.1233),
            (2.8000, 0.6004, 1.2375, 1.0000),
            (1.8734, 0.6297, 0.9738, 0.2809),
            (0.0356, -0.1246, -0.5718, 0.9938),
        ],
        [
            (-1.2219, -0.7730, 1.4148, 1.1016),
            (-0.2054, 0.0367, -3.9128, 0.9156),
            (6.9750, 0.1774, 6.4477, -0.1239),
            (-1.5798, -0.5081, -1.7812, 0.1080),
            (0.2624, 0.0672, -0.2190, -0.4285),
        ],
        [
            (-1.1000, -0.2515, 0.8952, 0.0156),
            (0.2782, -0.1812, -4.5000, 1.1766),
            (24.7219, -13.0812, -37.7000, 34.8438),
            (-5.0000, 1.5218, 3.9229, -2.6204),
            (-0.0156, 0.1597, 0.4199, -0.5562),
        ],
        [
            (-0.5484, -0.6654, -0.2672, 0.7117),
            (0.7234, -0.6219, -5.6812, 2.6297),
            (33.3389, -18.3000, -62.2500, 52.0781),
            (-3.5000, 0.0016, 1.1477, 0.1062),
            (0.4659, -0.3296, -0.0876, -0.0329),
        ],
        [
            (-0.6000, -0.3566, -2.5000, 2.3250),
            (0.2937, 0.0496, -5.6812, 1.8415),
            (21.0000, -4.7656, -21.5906, 7.2492),
            (-3.5000, -0.1554, 1.4062, 0.3988),
            (0.0032, 0.0766, -0.0656, -0.1294),
        ],
        [
            (-1.0156, -0.3670, 1.0078, 1.4051),
            (0.2875, -0.5328, -3.8500, 3.3750),
            (14.0000, -0.9999, -7.1406, 7.5469),
            (-3.4000, -0.1078, -1.0750, 1.5702),
            (-0.0672, 0.4016, 0.3017, -0.4844),
        ],
        [
            (-1.0000, 0.0211, 0.5025, -0.5119),
            (-0.3000, 0.1922, 0.7023, -1.6317),
            (19.0000, -5.0000, 1.2438, -1.9094),
            (-4.0000, 0.0250, 0.3844, 0.2656),
            (1.0468, -0.3788, -2.4517, 1.4656),
        ],
        [
            (-1.0500, 0.0289, 0.4260, 0.3590),
            (-0.3250, 0.1156, 0.7781, 0.0025),
            (31.0625, -14.5000, -46.1148, 55.3750),
            (-7.2312, 0.4050, 13.3500, 0.6234),
            (1.5000, -0.6426, 1.8564, 0.5636),
        ],
    ]
)


def patch_irradiance(dome: SkyDome, sun: Sun, irradiance: Irradiance) -> Floats64:
    """Diffuse radiation of each patch on a plane that faces it [W/m2], shape (153,).

    Scaled so that a level plane under the whole dome receives exactly ``irradiance.diffuse_wm2``.
    """
    sin_patch = dome.sin_altitude
    luminance = np.ones_like(sin_patch)
    if sun.altitude_deg >= SUN_LOWEST_DEG and irradiance.diffuse_wm2 > 0.0:
        modelled = _relative_luminance(dome, sun, irradiance)
        if modelled.max() > 0.0:
            luminance = modelled
    share = luminance * dome.solid_angle_sr
    return np.asarray(irradiance.diffuse_wm2 * share / np.sum(share * sin_patch))


def _relative_luminance(dome: SkyDome, sun: Sun, irradiance: Irradiance) -> Floats64:
    zenith = math.radians(90.0 - sun.altitude_deg)
    zenith_term = 1.041 * zenith**3
    clearness = (1.0 + irradiance.direct_normal_wm2 / irradiance.diffuse_wm2 + zenith_term) / (1.0 + zenith_term)
    clearness = min(clearness, CLEARNESS_MAX)
    row = int(np.searchsorted(CLEARNESS_BOUNDS, clearness, side="right"))
    # Kasten & Young (1989), Applied Optics 28:4735-4738.
    air_mass = 1.0 / (math.cos(zenith) + 0.50572 * (sun.altitude_deg + 6.07995) ** -1.6364)
    brightness = air_mass * irradiance.diffuse_wm2 / sun.extraterrestrial_wm2
    brightness = min(max(brightness, BRIGHTNESS_MIN), BRIGHTNESS_MAX)
    x = COEFFICIENTS[row]
    a, b, c, d, e = x[:, 0] + x[:, 1] * zenith + brightness * (x[:, 2] + x[:, 3] * zenith)
    if row == 0:
        c = math.exp((brightness * (x[2, 0] + x[2, 1] * zenith)) ** x[2, 2]) - x[2, 3]
        d = -math.exp(brightness * (x[3, 0] + x[3, 1] * zenith)) + x[3, 2] + brightness * x[3, 3]
    sin_patch = dome.sin_altitude
    cos_to_sun = math.cos(zenith) * sin_patch + math.sin(zenith) * dome.cos_altitude * np.cos(
        np.radians(dome.azimuth_deg - sun.azimuth_deg)
    )
    to_sun = np.arccos(np.clip(cos_to_sun, -1.0, 1.0))
    gradation = 1.0 + a * np.exp(b / np.maximum(sin_patch, 0.01))
    indicatrix = 1.0 + c * np.exp(d * to_sun) + e * cos_to_sun**2
    return np.asarray(np.maximum(gradation * indicatrix, 0.0))
