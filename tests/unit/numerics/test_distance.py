"""Examples of distances, above all the special values."""

import math

import numpy as np
import pytest

from optc.errors import OptcError
from optc.numerics.distance import max_error, snr_db, sum_squared_error


def test_known_distances() -> None:
    reference, near = np.array([3.0, 4.0], np.float16), np.array([3.0, 3.5], np.float16)
    assert sum_squared_error(reference, near) == 0.25
    assert max_error(reference, near) == 0.5
    assert snr_db(reference, near) == pytest.approx(20.0)


def test_float16_sums_do_not_overflow() -> None:
    assert sum_squared_error(np.full(4, 1024, np.float16), np.full(4, -1024, np.float16)) == 4 * 2048.0**2


@pytest.mark.parametrize(
    ("reference", "near", "snr", "worst"),
    [
        ([], [], math.inf, 0.0),
        ([0.0], [0.0], math.inf, 0.0),
        ([0.0], [1.0], -math.inf, 1.0),
        ([math.inf, 1.0], [math.inf, 1.0], math.inf, 0.0),
        ([math.inf, 1.0], [math.inf, 2.0], math.inf, 1.0),
        ([math.inf], [-math.inf], -math.inf, math.inf),
        ([1.0], [math.inf], -math.inf, math.inf),
    ],
)
def test_special_values(reference: list[float], near: list[float], snr: float, worst: float) -> None:
    assert snr_db(np.array(reference), np.array(near)) == snr
    assert max_error(np.array(reference), np.array(near)) == worst


@pytest.mark.parametrize("place", [0, 1, 2])
def test_nan_is_never_lost(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optc.numerics.distance.SLICE", 1)
    damaged = np.ones(3)
    damaged[place] = math.nan
    for function in (snr_db, max_error, sum_squared_error):
        assert math.isnan(function(np.ones(3), damaged))
        assert math.isnan(function(damaged, np.ones(3)))


def test_other_shapes_are_refused() -> None:
    for function in (snr_db, max_error, sum_squared_error):
        with pytest.raises(OptcError) as caught:
            function(np.ones(3), np.ones((3, 1)))
        assert caught.value.slug == "shape-mismatch"
