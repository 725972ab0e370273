"""The error function, which NumPy lacks."""

import math
from typing import Any

import numpy as np

_erf = np.vectorize(math.erf, otypes=[np.float64])


def erf(x: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    """`2 / sqrt(pi)` times the integral of `exp(-t * t)` from 0 to `x`, of any shape, in float64."""
    return np.asarray(_erf(x))
