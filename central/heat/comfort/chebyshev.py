"""Polynomials through samples at Chebyshev's nodes: a fit that is one small sum of products."""

from collections.abc import Callable
from functools import cache

import numpy as np

from central.heat.geometry.types import Floats64


@cache
def chebyshev_series(degree: int, count: int) -> tuple[Floats64, Floats64]:
    """(count,) nodes on -1 .. 1, and (degree + 1, count) what each sample adds to each of Chebyshev's polynomials.

    The fit lies within a few times the error of the best polynomial there is (Trefethen, Approximation Theory and
    Approximation Practice, chapter 16).
    """
    nodes = np.cos(np.pi * (np.arange(count) + 0.5) / count)
    series = np.cos(np.outer(np.arange(degree + 1), np.arccos(nodes))) * (2.0 / count)
    series[0] *= 0.5
    return nodes, series


@cache
def chebyshev_powers(degree: int) -> Floats64:
    """(degree + 1, degree + 1) coefficients of powers, lowest first, of each of Chebyshev's polynomials, by column."""
    powers = np.zeros((degree + 1, degree + 1))
    for term in range(degree + 1):
        powers[: term + 1, term] = np.polynomial.chebyshev.cheb2poly(np.eye(degree + 1)[term, : term + 1])
    return powers


def fitted_powers(function: Callable[[Floats64], Floats64], middle: float, half: float, degree: int) -> Floats64:
    """(degree + 1,) coefficients, lowest power first, that give function(middle + half x) for x in -1 .. 1."""
    nodes, series = chebyshev_series(degree, 2 * degree + 8)
    terms = (series * function(middle + half * nodes)).sum(axis=1)
    return np.asarray((chebyshev_powers(degree) * terms).sum(axis=1))
