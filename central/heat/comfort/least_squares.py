"""A small fit by least squares, without the threads of a linear algebra library.

Such a library's threads go on waiting for work in a loop for milliseconds after each product of matrices, on the very
cores that the step's own threads need: with it a step took twice as long.
"""

import numpy as np

from central.heat.compiled import kernel
from central.heat.geometry.types import Floats64


@kernel()
def least_squares(design: Floats64, values: Floats64, ridge: float) -> Floats64:
    """(n,) x that makes the mean of (design @ x - values)^2 + ridge x^2 least, by Cholesky's decomposition.

    Args:
        design: (m, n).
        values: (m,).
        ridge: more than 0, so that there is one answer whatever the design.
    """
    count, size = design.shape
    lower = np.zeros((size, size))
    right = np.zeros(size)
    for row in range(count):
        for i in range(size):
            along = design[row, i]
            right[i] += along * values[row]
            for j in range(i + 1):
                lower[i, j] += along * design[row, j]
    for i in range(size):
        lower[i, i] += ridge * count
        for j in range(i + 1):
            left = lower[i, j]
            for k in range(j):
                left -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(left) if i == j else left / lower[j, j]
    for i in range(size):
        for k in range(i):
            right[i] -= lower[i, k] * right[k]
        right[i] /= lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            right[i] -= lower[k, i] * right[k]
        right[i] /= lower[i, i]
    return right
