# ruff: noqa: PLR0917, RET504 - physics takes its quantities one by one, every line of the scheme alike
"""The UTCI polynomial of all four variables as straight code, so that eight or sixteen cells are computed at once.

210 terms c[p, q, d, v] e^p t^q d^d v^v with p + q + d + v up to 6, nested by Horner's rule: vapour pressure outermost,
then air temperature, then Tmrt minus air temperature, then wind. ``centred`` moves the polynomial so that e and t are
counted from a centre: over a city both span little, and single precision then loses nothing.
"""

import math
from typing import Any

import numpy as np

from central.heat.comfort.utci import COEFFICIENTS, DEGREE
from central.heat.compiled import kernel
from central.heat.geometry.types import Floats32, Floats64

Floats = Floats32 | Floats64


def centred(vapour_pressure_kpa: float, air_temperature_degc: float) -> Floats64:
    """(210,) coefficients in the order of ``utci_offsets``, counted from this vapour pressure and air temperature.

    The first 28 are those of the centre itself, ordered by the exponents of Tmrt - air temperature and wind.
    """
    by_vapour, by_air = _shift(vapour_pressure_kpa), _shift(air_temperature_degc)
    moved = np.einsum("ip,pdvt,qt->iqdv", by_vapour, COEFFICIENTS, by_air)
    return np.array(
        [
            moved[p, q, d, v]
            for p in range(DEGREE + 1)
            for q in range(DEGREE + 1 - p)
            for d in range(DEGREE + 1 - p - q)
            for v in range(DEGREE + 1 - p - q - d)
        ]
    )


def _shift(centre: float) -> Floats64:
    """Matrix that turns coefficients of x into those of x - centre."""
    size = DEGREE + 1
    return np.array([[math.comb(old, new) * centre ** max(old - new, 0) for old in range(size)] for new in range(size)])


@kernel(inline="always")
def degree_6(k: Floats, a: int, d: float, v: float) -> Any:
    u = k[a + 27]
    u = u * d + (k[a + 25] + v * (k[a + 26]))
    u = u * d + (k[a + 22] + v * (k[a + 23] + v * (k[a + 24])))
    u = u * d + (k[a + 18] + v * (k[a + 19] + v * (k[a + 20] + v * (k[a + 21]))))
    u = u * d + (k[a + 13] + v * (k[a + 14] + v * (k[a + 15] + v * (k[a + 16] + v * (k[a + 17])))))
    u = u * d + (k[a + 7] + v * (k[a + 8] + v * (k[a + 9] + v * (k[a + 10] + v * (k[a + 11] + v * (k[a + 12]))))))
    u = u * d + (
        k[a + 0] + v * (k[a + 1] + v * (k[a + 2] + v * (k[a + 3] + v * (k[a + 4] + v * (k[a + 5] + v * (k[a + 6]))))))
    )
    return u


@kernel(inline="always")
def degree_5(k: Floats, a: int, d: float, v: float) -> Any:
    u = k[a + 20]
    u = u * d + (k[a + 18] + v * (k[a + 19]))
    u = u * d + (k[a + 15] + v * (k[a + 16] + v * (k[a + 17])))
    u = u * d + (k[a + 11] + v * (k[a + 12] + v * (k[a + 13] + v * (k[a + 14]))))
    u = u * d + (k[a + 6] + v * (k[a + 7] + v * (k[a + 8] + v * (k[a + 9] + v * (k[a + 10])))))
    u = u * d + (k[a + 0] + v * (k[a + 1] + v * (k[a + 2] + v * (k[a + 3] + v * (k[a + 4] + v * (k[a + 5]))))))
    return u


@kernel(inline="always")
def degree_4(k: Floats, a: int, d: float, v: float) -> Any:
    u = k[a + 14]
    u = u * d + (k[a + 12] + v * (k[a + 13]))
    u = u * d + (k[a + 9] + v * (k[a + 10] + v * (k[a + 11])))
    u = u * d + (k[a + 5] + v * (k[a + 6] + v * (k[a + 7] + v * (k[a + 8]))))
    u = u * d + (k[a + 0] + v * (k[a + 1] + v * (k[a + 2] + v * (k[a + 3] + v * (k[a + 4])))))
    return u


@kernel(inline="always")
def degree_3(k: Floats, a: int, d: float, v: float) -> Any:
    u = k[a + 9]
    u = u * d + (k[a + 7] + v * (k[a + 8]))
    u = u * d + (k[a + 4] + v * (k[a + 5] + v * (k[a + 6])))
    u = u * d + (k[a + 0] + v * (k[a + 1] + v * (k[a + 2] + v * (k[a + 3]))))
    return u


@kernel(inline="always")
def degree_2(k: Floats, a: int, d: float, v: float) -> Any:
    u = k[a + 5]
    u = u * d + (k[a + 3] + v * (k[a + 4]))
    u = u * d + (k[a + 0] + v * (k[a + 1] + v * (k[a + 2])))
    return u


@kernel(inline="always")
def degree_1(k: Floats, a: int, d: float, v: float) -> Any:
    u = k[a + 2]
    u = u * d + (k[a + 0] + v * (k[a + 1]))
    return u


@kernel(inline="always")
def degree_0(k: Floats, a: int, _d: float, _v: float) -> Any:
    return k[a]


@kernel()
def at_second(k: Floats, a: int, v: float) -> Floats:
    """(7,) coefficients of ``d`` that ``degree_6`` comes down to at one ``v``."""
    along = np.empty(7, k.dtype)
    for exponent in range(7):
        first = a + exponent * (15 - exponent) // 2
        value = k[first + 6 - exponent]
        for term in range(first + 5 - exponent, first - 1, -1):
            value = value * v + k[term]
        along[exponent] = value
    return along


@kernel(inline="always")
def power_6(c: Floats, d: float) -> Any:
    """The polynomial of ``at_second``."""
    return c[0] + d * (c[1] + d * (c[2] + d * (c[3] + d * (c[4] + d * (c[5] + d * c[6])))))


@kernel(inline="always")
def cubic(k: Floats, a: int, t: float, d: float, v: float) -> Any:
    """Terms up to the third degree in all three."""
    w = degree_0(k, a + 19, d, v)
    w = w * t + degree_1(k, a + 16, d, v)
    w = w * t + degree_2(k, a + 10, d, v)
    w = w * t + degree_3(k, a, d, v)
    return w


@kernel(inline="always")
def utci_offsets(k: Floats, e: Floats, t: Floats, d: Floats, v: Floats, w: Floats, u: Floats) -> None:
    """Write UTCI minus air temperature [K] into ``u``, cell by cell of a block; see the module.

    ``e`` and ``t``: vapour pressure and air temperature as surplus over the centre; ``d``: Tmrt minus air temperature;
    ``v``: wind; ``w``: room to work in. One loop for every twenty coefficients or so, which then stay in registers:
    all 210 in one loop are read from memory again for each cell, which takes longer than the arithmetic.
    """
    for i in range(u.size):
        two = degree_0(k, 208, d[i], v[i]) * t[i] + degree_1(k, 205, d[i], v[i])
        three = (degree_0(k, 204, d[i], v[i]) * t[i] + degree_1(k, 201, d[i], v[i])) * t[i] + degree_2(
            k, 195, d[i], v[i]
        )
        u[i] = (degree_0(k, 209, d[i], v[i]) * e[i] + two) * e[i] + three
    for i in range(u.size):
        u[i] = u[i] * e[i] + cubic(k, 175, t[i], d[i], v[i])
    for i in range(u.size):
        w[i] = cubic(k, 155, t[i], d[i], v[i])
    for i in range(u.size):
        u[i] = u[i] * e[i] + (w[i] * t[i] + degree_4(k, 140, d[i], v[i]))
    for i in range(u.size):
        w[i] = cubic(k, 120, t[i], d[i], v[i])
    for i in range(u.size):
        w[i] = w[i] * t[i] + degree_4(k, 105, d[i], v[i])
    for i in range(u.size):
        u[i] = u[i] * e[i] + (w[i] * t[i] + degree_5(k, 84, d[i], v[i]))
    for i in range(u.size):
        w[i] = cubic(k, 64, t[i], d[i], v[i])
    for i in range(u.size):
        w[i] = w[i] * t[i] + degree_4(k, 49, d[i], v[i])
    for i in range(u.size):
        w[i] = w[i] * t[i] + degree_5(k, 28, d[i], v[i])
    for i in range(u.size):
        u[i] = u[i] * e[i] + (w[i] * t[i] + degree_6(k, 0, d[i], v[i]))
