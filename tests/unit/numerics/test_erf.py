import math

import numpy as np

from optc.numerics.erf import erf


def test_erf_is_the_integral_of_the_bell_curve() -> None:
    x = np.linspace(-3, 3, 13)
    steps = np.linspace(0, 1, 20001)
    integral = [2 / math.sqrt(math.pi) * v * np.mean(np.exp(-((v * (steps[1:] + steps[:-1]) / 2) ** 2))) for v in x]
    np.testing.assert_allclose(erf(x), integral, atol=1e-8)


def test_erf_keeps_any_shape_and_is_float64() -> None:
    for shape in ((), (0,), (2, 0), (2, 3)):
        found = erf(np.zeros(shape, np.float32))
        assert (found.shape, found.dtype) == (shape, np.float64)


def test_erf_of_infinity_is_1_and_of_nan_nan() -> None:
    np.testing.assert_array_equal(erf(np.array([np.inf, -np.inf, np.nan])), [1, -1, np.nan])
