# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""How WBGT changes with the air of a place: the polynomials of ``wbgt_surplus``, fitted anew for each step.

The polynomials of ``wbgt_surface`` hold for one air temperature and humidity. Where these differ from place to place, the
balances are solved at some airs and places of the step's ranges; the change against the centre's air is split into its mean
over the places and its greatest singular vectors, and each of these is fitted.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numba import prange

from central.heat.comfort.least_squares import least_squares
from central.heat.comfort.liljegren import (
    COS_ZENITH_MIN,
    WIND_MIN_MS,
    globe_radiation_k4,
    globe_temperature_k,
    natural_wet_bulb_k,
    saturation_pressure_hpa,
    wick_radiation_wm2,
)
from central.heat.comfort.wbgt import KELVIN
from central.heat.comfort.wbgt_surface import WbgtSurface
from central.heat.comfort.wbgt_surplus import HUMIDITY_MIN_PCT, Terms, terms_for
from central.heat.compiled import PARALLEL, kernel
from central.heat.geometry.types import Floats32, Floats64

WIND_NODES: Final = -np.cos(np.pi * np.arange(6) / 5)
RIDGE: Final = 1e-9
"""Keeps the equations solvable at night, when all radiation is the same, and in air of one humidity."""
ROUNDS: Final = 12
"""Of the search for each of the greatest singular vectors; what is left of others than these is small anyway."""


class WbgtVariation(NamedTuple):
    """The fitted polynomials; zeros where the air is the same everywhere."""

    coefficients: Floats32
    """(55,) or (118,): humidity over half its span at the centre and at 0.1 %, then those of U1, of each further U and of
    each V but for its constant."""
    centre: Floats32
    """(4,) air temperature [degC], 1 / half its span, humidity [%], 1 / half its span."""


@kernel(fastmath=False)
def _wbgt_degc(
    air_degc: float,
    humidity_pct: float,
    wind_ms: float,
    diffuse_wm2: float,
    direct_wm2: float,
    pressure_hpa: float,
    cosine: float,
) -> float:
    """WBGT of one point, wind at 2 m, both heat balances solved."""
    air_k = air_degc + KELVIN
    vapour_hpa = max(humidity_pct, HUMIDITY_MIN_PCT) / 100.0 * saturation_pressure_hpa(air_k)
    globe_k4 = globe_radiation_k4(air_k, vapour_hpa, diffuse_wm2, direct_wm2, cosine)
    wick_wm2 = wick_radiation_wm2(air_k, vapour_hpa, diffuse_wm2, direct_wm2, cosine)
    globe = globe_temperature_k(air_k, globe_k4, pressure_hpa, wind_ms) - KELVIN
    wick = natural_wet_bulb_k(air_k, vapour_hpa, wick_wm2, pressure_hpa, wind_ms) - KELVIN
    return 0.7 * wick + 0.2 * globe + 0.1 * air_degc


@kernel(parallel=True, fastmath=False)
def _sample(airs: Floats64, roots: Floats64, light: Floats64, pressure_hpa: float, cosine: float) -> Floats64:
    """(airs, places) change of WBGT against the first of the airs, places being winds by radiations.

    ``airs`` (n, 2) temperature [degC] and humidity [%]; ``roots`` fourth roots of the wind at 2 m; ``light`` (m, 2) diffuse
    and direct [W/m2].
    """
    change = np.empty((airs.shape[0], roots.size * light.shape[0]))
    for place in prange(change.shape[1]):
        speed = roots[place // light.shape[0]] ** 4
        diffuse, direct = light[place % light.shape[0]]
        centre = _wbgt_degc(airs[0, 0], airs[0, 1], speed, diffuse, direct, pressure_hpa, cosine)
        for air in range(airs.shape[0]):
            there = _wbgt_degc(airs[air, 0], airs[air, 1], speed, diffuse, direct, pressure_hpa, cosine)
            change[air, place] = there - centre
    return change


@kernel(fastmath=False)
def _times(matrix: Floats64, vector: Floats64) -> Floats64:
    """Their product, without a library whose threads would go on waiting on the step's cores."""
    result = np.zeros(matrix.shape[0])
    for row in range(matrix.shape[0]):
        for column in range(matrix.shape[1]):
            result[row] += matrix[row, column] * vector[column]
    return result


@kernel(fastmath=False)
def _greatest(values: Floats64) -> tuple[Floats64, Floats64]:
    """(airs,) and (places,) whose product leaves the least squares of ``values``, which is reduced by it."""
    airs, places = values.shape
    along = np.zeros(places)
    for place in range(places):
        along[place] = np.sum(values[:, place] ** 2)
    strength = np.zeros(airs)
    for _ in range(ROUNDS):
        length = np.sqrt(np.sum(along**2))
        if length == 0.0:
            break
        along /= length
        strength = _times(values, along)
        along = _times(values.T, strength)
    length = np.sqrt(np.sum(along**2))
    if length > 0.0:
        along /= length
    strength = _times(values, along)
    for air in range(airs):
        for place in range(places):
            values[air, place] -= strength[air] * along[place]
    return strength, along


@kernel(fastmath=False)
def _powers(exponents: Any, first: Floats64, second: Floats64, third: Floats64) -> Floats64:
    """(points, terms) products of powers of three quantities (points,)."""
    design = np.empty((first.size, exponents.shape[0]))
    for point in range(first.size):
        for term in range(exponents.shape[0]):
            of_two = first[point] ** exponents[term, 0] * second[point] ** exponents[term, 1]
            design[point, term] = of_two * third[point] ** exponents[term, 2]
    return design


def _fit(terms: Terms, change: Floats64, air: tuple[Floats64, ...], place: tuple[Floats64, ...]) -> Floats64:
    """(n,) coefficients of U1, the other U and the V, out of s, r and q of each air and x, y and g of each place.

    ``change`` (airs, places) is used up.
    """
    mean = change.mean(axis=1)
    change -= mean[:, np.newaxis]
    u1 = least_squares(_powers(terms.mean, *air), mean, RIDGE)
    of_airs, of_places = [], []
    for air_terms, place_terms in terms.pairs:
        strength, along = _greatest(change)
        u = least_squares(_powers(air_terms, *air), strength, RIDGE)
        v = least_squares(_powers(place_terms, *place), along, RIDGE)
        u1[(terms.mean[:, np.newaxis] == air_terms).all(axis=2).argmax(axis=0)] += v[0] * u
        of_airs.append(u)
        of_places.append(v[1:])
    return np.concatenate([u1, *of_airs, *of_places])


def wbgt_variation(
    surface: WbgtSurface,
    air_degc: tuple[float, float, float],
    humidity_pct: tuple[float, float, float],
    air_pressure_hpa: float,
    wind_range_ms: tuple[float, float],
    diffuse_max_wm2: float,
    direct_max_wm2: float,
    cos_zenith: float,
) -> WbgtVariation:
    """Fit the change of WBGT over a city's air.

    Within 0.05 C of the balances for air within 20 K between -20 and 45 C, any humidities and wind up to 40 m/s.

    Args:
        surface: at the centre's air temperature and humidity.
        air_degc: centre, lowest and highest air temperature.
        humidity_pct: centre, lowest and highest relative humidity.
        air_pressure_hpa: as given to ``wbgt_surface``, like the four that follow.
        wind_range_ms: lowest and highest wind of the map.
        diffuse_max_wm2: most diffuse radiation on the level.
        direct_max_wm2: the beam on the level.
        cos_zenith: cosine of the sun's zenith angle.
    """
    half_k, half_pct = (
        max(high - centre, centre - low, least) for (centre, low, high), least in ((air_degc, 0.1), (humidity_pct, 1.0))
    )
    terms = terms_for(air_degc[2] - air_degc[1], humidity_pct[2] - humidity_pct[1])
    cosine = cos_zenith if cos_zenith >= COS_ZENITH_MIN else 0.0
    first, last = (max(wind * float(surface.wind_terms[0]), WIND_MIN_MS) ** 0.25 for wind in wind_range_ms)
    roots = first + 0.5 * (WIND_NODES + 1.0) * (last - first)
    light = terms.light_nodes * (diffuse_max_wm2, direct_max_wm2)
    x, g = (
        to_share[0] + to_share[1] * light[:, 0] + to_share[2] * light[:, 1]
        for to_share in (surface.wick_terms, surface.globe_terms)
    )
    y = np.clip((roots - surface.wind_terms[1]) * surface.wind_terms[2], -1.0, 1.0)
    s = np.repeat(terms.air_nodes, len(terms.humidity_nodes))
    humidity = np.clip(humidity_pct[0] + half_pct * terms.humidity_nodes, *humidity_pct[1:])
    moist = np.tile(humidity, len(terms.air_nodes))
    airs = np.vstack([(air_degc[0], humidity_pct[0]), np.column_stack([air_degc[0] + half_k * s, moist])])
    with PARALLEL:
        change = _sample(airs, roots, light, air_pressure_hpa, cosine)
    q = (2.0 * np.maximum(moist, HUMIDITY_MIN_PCT) / half_pct) ** 0.125
    of_air = s, (moist - humidity_pct[0]) / half_pct, q
    of_place = np.tile(x, len(roots)), np.repeat(y, len(light)), np.tile(g, len(roots))
    # The wettest air and the calm, where WBGT bends most, count twice.
    fitted_airs = np.append(np.arange(s.size), np.arange(len(humidity) - 1, s.size, len(humidity)))
    fitted_places = np.append(np.arange(change.shape[1]), np.arange(len(light)))
    found = _fit(
        terms,
        change[1:][np.ix_(fitted_airs, fitted_places)],
        tuple(values[fitted_airs] for values in of_air),
        tuple(values[fitted_places] for values in of_place),
    )
    of_humidity = (humidity_pct[0] / half_pct, HUMIDITY_MIN_PCT / half_pct)
    centre = np.array([air_degc[0], 1.0 / half_k, humidity_pct[0], 1.0 / half_pct], dtype=np.float32)
    return WbgtVariation(np.concatenate([of_humidity, found]).astype(np.float32), centre)
