"""The error function, which NumPy lacks."""

import math

import numpy as np

from optc.numerics.arrays import Array

_erf = np.vectorize(math.erf, otypes=[np.float64])


def erf(x: Array) -> Array:
    """`2 / sqrt(pi)` times the integral of `exp(-t * t)` from 0 to `x`, of any shape, in float64."""
    return np.asarray(_erf(x))
