# ruff: noqa: PLR0917 - kernels take their numbers one by one
"""The two heat balances behind WBGT: the globe's and the wet wick's, solved one point at a time.

Liljegren, Carhart, Lawday, Tschopp & Sharp (2008), Modeling the wet bulb globe temperature using standard
meteorological measurements, J. Occup. Environ. Hyg. 5(10):645-655. Symbols in brackets are the paper's.

Each balance depends on radiation through one number alone: the globe's ``globe_radiation_k4`` and the wick's
``wick_radiation_wm2``. That is what lets two small polynomials stand for them over a map.
"""

import math

from central.heat.compiled import kernel

STEFAN_BOLTZMANN = 5.6696e-8
HEAT_CAPACITY_AIR = 1003.5
"""Specific heat of dry air at constant pressure [J/(kg K)]."""
MOLAR_MASS_AIR, MOLAR_MASS_WATER = 28.97, 18.015
"""[g/mol]"""
GAS_CONSTANT_AIR = 8314.34 / MOLAR_MASS_AIR
"""[J/(kg K)]"""
PRANDTL = HEAT_CAPACITY_AIR / (HEAT_CAPACITY_AIR + 1.25 * GAS_CONSTANT_AIR)

GLOBE_EMISSIVITY, GLOBE_ALBEDO, GLOBE_DIAMETER_M = 0.95, 0.05, 0.0508
WICK_EMISSIVITY, WICK_ALBEDO, WICK_DIAMETER_M, WICK_LENGTH_M = 0.95, 0.4, 0.007, 0.0254
GROUND_EMISSIVITY, GROUND_ALBEDO = 0.999, 0.45
WIND_MIN_MS = 0.13
COS_ZENITH_MIN = 0.00873
"""Below this (half a degree of altitude) the sun is taken as set."""

_END_SHARE = 0.25 * WICK_DIAMETER_M / WICK_LENGTH_M
_CRITICAL_PRESSURE = math.pow(36.4 * 218.0, 1.0 / 3.0)
_CRITICAL_TEMPERATURE = math.pow(132.0 * 647.3, 5.0 / 12.0)
_CRITICAL_SCALE = math.sqrt(132.0 * 647.3)
_MASS_TERM = math.sqrt(1.0 / MOLAR_MASS_AIR + 1.0 / MOLAR_MASS_WATER)

CONVERGED_K = 1e-5
ROUNDS_MAX = 60
"""The secant method needs five to eight rounds; no weather within the accepted ranges was found to need twenty."""


@kernel(fastmath=False)
def saturation_pressure_hpa(kelvin: float) -> float:
    """Vapour pressure of moist air over water [hPa]; Buck (1981), J. Appl. Meteorol. 20:1527-1532."""
    return 1.004 * 6.1121 * math.exp(17.502 * (kelvin - 273.15) / (kelvin - 32.18))


@kernel(fastmath=False)
def viscosity(kelvin: float) -> float:
    """Dynamic viscosity of air [kg/(m s)]; Bird, Stewart & Lightfoot (1960), Transport Phenomena, p. 23."""
    omega = (kelvin / 97.0 - 2.9) / 0.4 * (-0.034) + 1.048
    return 2.6693e-6 * math.sqrt(MOLAR_MASS_AIR * kelvin) / (3.617 * 3.617 * omega)


@kernel(fastmath=False)
def conductivity(kelvin: float) -> float:
    """Thermal conductivity of air [W/(m K)]; same, p. 257."""
    return (HEAT_CAPACITY_AIR + 1.25 * GAS_CONSTANT_AIR) * viscosity(kelvin)


@kernel(fastmath=False)
def diffusivity(kelvin: float, pressure_hpa: float) -> float:
    """Diffusivity of water vapour in air [m2/s]; same, p. 505."""
    reduced = math.pow(kelvin / _CRITICAL_SCALE, 2.334)
    atmospheres = pressure_hpa / 1013.25
    return 3.640e-4 * reduced * _CRITICAL_PRESSURE * _CRITICAL_TEMPERATURE * _MASS_TERM / atmospheres * 1e-4


@kernel(fastmath=False)
def evaporation_heat(kelvin: float) -> float:
    """Heat of evaporation of water [J/kg]; Van Wylen & Sonntag, table A.1.1."""
    return (313.15 - kelvin) / 30.0 * (-71100.0) + 2.4073e6


@kernel(fastmath=False)
def air_emissivity(vapour_pressure_hpa: float) -> float:
    """Emissivity of a clear sky; Oke (1987), Boundary Layer Climates, p. 373."""
    return 0.575 * math.pow(vapour_pressure_hpa, 0.143)


@kernel(fastmath=False)
def _reynolds(kelvin: float, pressure_hpa: float, wind_ms: float, diameter_m: float) -> float:
    density = pressure_hpa * 100.0 / (GAS_CONSTANT_AIR * kelvin)
    return max(wind_ms, WIND_MIN_MS) * density * diameter_m / viscosity(kelvin)


@kernel(fastmath=False)
def globe_convection(kelvin: float, pressure_hpa: float, wind_ms: float) -> float:
    """Convective heat transfer of the globe [W/(m2 K)]: a sphere in air (Bird et al., p. 409)."""
    reynolds = _reynolds(kelvin, pressure_hpa, wind_ms, GLOBE_DIAMETER_M)
    return (2.0 + 0.6 * math.sqrt(reynolds) * math.pow(PRANDTL, 0.3333)) * conductivity(kelvin) / GLOBE_DIAMETER_M


@kernel(fastmath=False)
def wick_convection(kelvin: float, pressure_hpa: float, wind_ms: float) -> float:
    """Convective heat transfer of the wick [W/(m2 K)]: a cylinder in cross flow (Bedingfield & Drew 1950, eq. 32)."""
    reynolds = _reynolds(kelvin, pressure_hpa, wind_ms, WICK_DIAMETER_M)
    return 0.281 * math.pow(reynolds, 0.6) * math.pow(PRANDTL, 0.44) * conductivity(kelvin) / WICK_DIAMETER_M


@kernel(fastmath=False)
def globe_radiation_k4(
    air_k: float, vapour_pressure_hpa: float, diffuse_wm2: float, direct_wm2: float, cos_zenith: float
) -> float:
    """What the globe receives, as the fourth power of the temperature it would take without wind [K4].

    ``diffuse_wm2`` and ``direct_wm2`` are on a level plane; their sum is the paper's S, ``direct_wm2`` its f_db S.
    """
    absorbed = (1.0 - GLOBE_ALBEDO) / (2.0 * STEFAN_BOLTZMANN * GLOBE_EMISSIVITY)
    total = 0.5 * (air_emissivity(vapour_pressure_hpa) + GROUND_EMISSIVITY) * air_k**4
    total += absorbed * (1.0 + GROUND_ALBEDO) * (diffuse_wm2 + direct_wm2)
    if cos_zenith >= COS_ZENITH_MIN:
        total += absorbed * direct_wm2 * (0.5 / cos_zenith - 1.0)
    return total


@kernel(fastmath=False)
def wick_radiation_wm2(
    air_k: float, vapour_pressure_hpa: float, diffuse_wm2: float, direct_wm2: float, cos_zenith: float
) -> float:
    """What the wick absorbs [W/m2], its own emission left out; arguments as for the globe."""
    total = (
        STEFAN_BOLTZMANN * WICK_EMISSIVITY * 0.5 * (air_emissivity(vapour_pressure_hpa) + GROUND_EMISSIVITY) * air_k**4
    )
    total += (1.0 - WICK_ALBEDO) * (1.0 + _END_SHARE + GROUND_ALBEDO) * (diffuse_wm2 + direct_wm2)
    if cos_zenith >= COS_ZENITH_MIN:
        tan_zenith = math.sqrt(max(0.0, 1.0 - cos_zenith * cos_zenith)) / cos_zenith
        total += (1.0 - WICK_ALBEDO) * direct_wm2 * (tan_zenith / math.pi - 1.0)
    return total


@kernel(fastmath=False)
def _globe_balance(globe_k: float, air_k: float, radiation_k4: float, pressure_hpa: float, wind_ms: float) -> float:
    convection = globe_convection(0.5 * (globe_k + air_k), pressure_hpa, wind_ms)
    return radiation_k4 - convection / (STEFAN_BOLTZMANN * GLOBE_EMISSIVITY) * (globe_k - air_k) - globe_k**4


@kernel(fastmath=False)
def globe_temperature_k(air_k: float, radiation_k4: float, pressure_hpa: float, wind_ms: float) -> float:
    """Temperature of the 2-inch black globe [K] (the paper's eq. 16); wind at the globe, at least 0.13 m/s."""
    before = air_k
    guess = air_k + 10.0
    residual_before = _globe_balance(before, air_k, radiation_k4, pressure_hpa, wind_ms)
    for _ in range(ROUNDS_MAX):
        residual = _globe_balance(guess, air_k, radiation_k4, pressure_hpa, wind_ms)
        slope = residual - residual_before
        if slope == 0.0:
            break
        better = guess - residual * (guess - before) / slope
        before, residual_before, guess = guess, residual, better
        if abs(guess - before) < CONVERGED_K:
            break
    return guess


@kernel(fastmath=False)
def _wick_balance(
    wick_k: float, air_k: float, vapour_pressure_hpa: float, absorbed_wm2: float, pressure_hpa: float, wind_ms: float
) -> float:
    film_k = 0.5 * (wick_k + air_k)
    wick_vapour_hpa = saturation_pressure_hpa(wick_k)
    density = pressure_hpa * 100.0 / (GAS_CONSTANT_AIR * film_k)
    schmidt = viscosity(film_k) / (density * diffusivity(film_k, pressure_hpa))
    evaporation = (
        evaporation_heat(film_k)
        / (HEAT_CAPACITY_AIR * MOLAR_MASS_AIR / MOLAR_MASS_WATER)
        * (wick_vapour_hpa - vapour_pressure_hpa)
        / (pressure_hpa - wick_vapour_hpa)
        * math.pow(PRANDTL / schmidt, 0.56)
    )
    radiation = absorbed_wm2 - STEFAN_BOLTZMANN * WICK_EMISSIVITY * wick_k**4
    return air_k - evaporation + radiation / wick_convection(film_k, pressure_hpa, wind_ms) - wick_k


@kernel(fastmath=False)
def natural_wet_bulb_k(
    air_k: float, vapour_pressure_hpa: float, absorbed_wm2: float, pressure_hpa: float, wind_ms: float
) -> float:
    """Temperature of the naturally ventilated wet bulb [K] (the paper's eq. 17)."""
    before = air_k - 5.0
    guess = air_k - 8.0
    residual_before = _wick_balance(before, air_k, vapour_pressure_hpa, absorbed_wm2, pressure_hpa, wind_ms)
    for _ in range(ROUNDS_MAX):
        residual = _wick_balance(guess, air_k, vapour_pressure_hpa, absorbed_wm2, pressure_hpa, wind_ms)
        slope = residual - residual_before
        if slope == 0.0:
            break
        better = guess - residual * (guess - before) / slope
        # Far from the root the balance is steep in the vapour term: no stride longer than 15 K.
        better = min(max(better, guess - 15.0), guess + 15.0)
        before, residual_before, guess = guess, residual, better
        if abs(guess - before) < CONVERGED_K:
            break
    return guess
