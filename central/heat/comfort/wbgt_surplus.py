# ruff: noqa: PLR0917 - physics takes its quantities one by one
"""The polynomials that tell how WBGT changes with the air of a place: their terms, and their values in each cell.

Four numbers tell the change: the surplus of air temperature s and of relative humidity r, each as a share of half its span,
and the radiation x and the wind y of the place. Over 20 K and all humidities it spans 35 C, so that no single polynomial
short enough for each cell of a map follows it. Three things do:

- The air's own radiation goes with the 0.143th power of the vapour pressure (Oke 1987), which is steep in dry and in
  cold air. So the eighth root q of the humidity stands beside the humidity itself.
- The air acts nearly alike under all radiations and winds. So the change is taken as U1(s, r, q) + U2(s, r, q) V2(x, y)
  + U3(s, r, q) V3(x, y): the mean over radiation and wind, and what the two greatest singular vectors add.
- Where the air spans more than ``WIDE_HUMIDITY_PCT`` or ``WIDE_AIR_K``, the same has more terms, a third vector, and the
  globe's radiation g beside the wick's: a beam does not warm the two in the same proportion as the sky's light does.

The terms of each factor are those that solved balances of random weathers could spare least.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from central.heat.compiled import kernel
from central.heat.geometry.types import Floats32, Floats64

HUMIDITY_MIN_PCT: Final = 0.1
WIDE_HUMIDITY_PCT: Final = 40.0
WIDE_AIR_K: Final = 10.0


class Terms(NamedTuple):
    """What a fit consists of, and where the balances are solved for it. Exponents in the order of the coefficients."""

    mean: Any
    """(n, 3) exponents of s, r and q in U1."""
    pairs: tuple[tuple[Any, Any], ...]
    """For each singular vector the exponents of s, r and q in U, and those of x, y and g in V. U1 has all terms of
    each U, and so carries V's constants, which come first."""
    air_nodes: Floats64
    """s at which the balances are solved."""
    humidity_nodes: Floats64
    """r likewise. Close together at the dry end, where the air's radiation is steep."""
    light_nodes: Floats64
    """(m, 2) diffuse and direct radiation as shares of the most a place may get; walls leave no place without any."""

    @property
    def size(self) -> int:
        """Number of all coefficients."""
        return 2 + len(self.mean) + sum(len(of_air) + len(of_place) - 1 for of_air, of_place in self.pairs)


def _exponents(quantities: str, terms: str) -> Any:
    """(n, 3) of terms that are written out, as ``1 r rr s sr``."""
    return np.array([[term.count(quantity) for quantity in quantities] for term in terms.split()])


_FEW: Final = _exponents("srq", "1 r rr q s sr srr sq ss")
USUAL: Final = Terms(
    mean=_exponents("srq", "1 r rr rrr q qq s sr srr srrr sq ss ssr ssrr"),
    pairs=(
        (_FEW, _exponents("xyg", "1 y yy yyyy yyyyy x xy xyy xyyy xx xxy xxyy xxyyy")),
        (_FEW, _exponents("xyg", "1 y yy yyy x xy xyy xyyy xx xxy")),
    ),
    air_nodes=-np.cos(np.pi * np.arange(6) / 5),
    humidity_nodes=np.array([-1.0, -0.98, -0.9, -0.7, -0.4, 0.1, 0.6, 1.0]),
    light_nodes=np.array([(0.1, 0.0), (0.5, 0.0), (1.0, 0.0), (0.2, 1.0), (1.0, 1.0)]),
)
"""(55,) coefficients, evaluated by ``wbgt_surplus``."""

_MANY: Final = _exponents("srq", "1 r rr rrr q qq qqq s sr srr srrr sq sqq ss ssr ssrr ssq")
_PLACE: Final = _exponents("xyg", "1 y yy yyy yyyy yyyyy x xy xyy xyyy xyyyy xx xxy xxyy xxyyy g gy")
WIDE: Final = Terms(
    mean=_MANY,
    pairs=((_MANY, _PLACE),) * 3,
    air_nodes=-np.cos(np.pi * np.arange(5) / 4),
    humidity_nodes=np.array([-1.0, -0.985, -0.93, -0.8, -0.5, -0.1, 0.4, 0.85, 1.0]),
    light_nodes=np.array([(0.1, 0.0), (0.5, 0.0), (1.0, 0.0), (0.1, 1.0), (0.5, 1.0), (1.0, 1.0)]),
)
"""(118,) coefficients, evaluated by ``wbgt_surplus_wide``."""


def terms_for(air_span_k: float, humidity_span_pct: float) -> Terms:
    """The shorter ones where they stay within 0.05 C."""
    return WIDE if humidity_span_pct > WIDE_HUMIDITY_PCT or air_span_k > WIDE_AIR_K else USUAL


@kernel(inline="always")
def _root(c: Floats32, r: float) -> Any:
    """The eighth root q of twice the humidity over half its span, at least that of 0.1 %."""
    # The greater of two without a branch, doubled; the doubling is part of the fit.
    t = c[0] + r
    return np.sqrt(np.sqrt(np.sqrt((t + c[1]) + np.abs(t - c[1]))))


@kernel(inline="always")
def wbgt_surplus(c: Floats32, s: float, r: float, x: float, y: float) -> Any:
    """WBGT over that of the surface [C], by the coefficients of ``USUAL``.

    ``s`` and ``r``: surplus of air temperature and humidity as shares of half their span; ``x`` and ``y``: the wick's
    radiation and the wind, each -1 .. 1, as the surface counts them.
    """
    q = _root(c, r)
    none = c[2] + r * (c[3] + r * (c[4] + r * c[5])) + q * (c[6] + q * c[7])
    once = c[8] + r * (c[9] + r * (c[10] + r * c[11])) + q * c[12]
    mean = none + s * (once + s * (c[13] + r * (c[14] + r * c[15])))
    once = c[20] + r * (c[21] + r * c[22]) + q * c[23]
    second = c[16] + r * (c[17] + r * c[18]) + q * c[19] + s * (once + s * c[24])
    once = c[29] + r * (c[30] + r * c[31]) + q * c[32]
    third = c[25] + r * (c[26] + r * c[27]) + q * c[28] + s * (once + s * c[33])
    none = y * (c[34] + y * (c[35] + y * y * (c[36] + y * c[37])))
    once = c[38] + y * (c[39] + y * (c[40] + y * c[41]))
    twice = c[42] + y * (c[43] + y * (c[44] + y * c[45]))
    of_second = none + x * (once + x * twice)
    none = y * (c[46] + y * (c[47] + y * c[48]))
    once = c[49] + y * (c[50] + y * (c[51] + y * c[52]))
    of_third = none + x * (once + x * (c[53] + y * c[54]))
    return mean + second * of_second + third * of_third


@kernel(inline="always")
def _of_air(c: Floats32, k: int, s: float, r: float, q: float) -> Any:
    """One of ``WIDE``'s factors U, its 17 coefficients from ``k`` on."""
    none = c[k] + r * (c[k + 1] + r * (c[k + 2] + r * c[k + 3])) + q * (c[k + 4] + q * (c[k + 5] + q * c[k + 6]))
    once = c[k + 7] + r * (c[k + 8] + r * (c[k + 9] + r * c[k + 10])) + q * (c[k + 11] + q * c[k + 12])
    twice = c[k + 13] + r * (c[k + 14] + r * c[k + 15]) + q * c[k + 16]
    return none + s * (once + s * twice)


@kernel(inline="always")
def _of_place(c: Floats32, k: int, x: float, y: float, g: float) -> Any:
    """One of ``WIDE``'s factors V but for its constant, its 16 coefficients from ``k`` on."""
    none = y * (c[k] + y * (c[k + 1] + y * (c[k + 2] + y * (c[k + 3] + y * c[k + 4]))))
    once = c[k + 5] + y * (c[k + 6] + y * (c[k + 7] + y * (c[k + 8] + y * c[k + 9])))
    twice = c[k + 10] + y * (c[k + 11] + y * (c[k + 12] + y * c[k + 13]))
    return none + x * (once + x * twice) + g * (c[k + 14] + y * c[k + 15])


@kernel(inline="always")
def wbgt_surplus_wide(c: Floats32, s: float, r: float, x: float, y: float, g: float) -> Any:
    """The same by the coefficients of ``WIDE``; ``g``: the globe's radiation, as the surface counts it."""
    q = _root(c, r)
    second = _of_air(c, 19, s, r, q) * _of_place(c, 70, x, y, g)
    third = _of_air(c, 36, s, r, q) * _of_place(c, 86, x, y, g)
    return _of_air(c, 2, s, r, q) + second + third + _of_air(c, 53, s, r, q) * _of_place(c, 102, x, y, g)
