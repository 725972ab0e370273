"""What every simulator must do: the laws of its rounding, and of the programs that it runs."""

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from backends.cost_table import UNITS
from backends.simulators import SIMULATORS
from optc.ir.dtypes import FLOAT8S, INTEGERS, Array, DType

DTYPES = (DType.F16, DType.BF16, DType.F32)
LARGEST = {DType.F16: 65504.0, DType.BF16: 3.3895313892515355e38, DType.F32: 3.4028234663852886e38}
LEAST = {DType.F16: 2.0**-14, DType.BF16: 2.0**-126, DType.F32: 2.0**-126}
"""The least normal numbers; below, numbers are multiples of the last place of these, or zero."""
DIGITS = {DType.F16: 11, DType.BF16: 8, DType.F32: 24}
every_simulator = pytest.mark.parametrize("unit", SIMULATORS)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
FLOATS_32 = st.lists(st.floats(width=32), min_size=1, max_size=8).map(lambda v: np.array(v, np.float32))
EDGES = np.array([65504.0, 65519.99, 65520.0, -65520.0, 3.4e38, 2.0**-24, 2.0**-25, 1.5 * 2.0**-25, -0.0], np.float32)


def is_held(array: Array, dtype: DType) -> bool:
    """Whether every value is one of `dtype`."""
    with np.errstate(all="ignore"):
        back = array.astype(dtype.numpy).astype(array.dtype)
    return bool(((back == array) | (np.isnan(array) & np.isnan(back))).all())


def test_every_unit_that_tables_know_has_a_simulator() -> None:
    assert set(SIMULATORS) == set(UNITS)


@every_simulator
@every_dtype
@given(FLOATS_32)
@example(EDGES)
def test_what_a_unit_holds_is_of_its_type(unit: str, dtype: DType, array: Array) -> None:
    simulator = SIMULATORS[unit](dtype)
    for held in (simulator.entering(array), simulator.computed(array)):
        assert (held.dtype, held.shape) == (array.dtype, array.shape)
        assert is_held(held, dtype)


@every_simulator
@every_dtype
@given(FLOATS_32)
@example(EDGES)
def test_a_value_moves_by_at_most_half_a_unit_in_its_last_place(unit: str, dtype: DType, array: Array) -> None:
    wide = array[np.isfinite(array)].astype(np.float64)
    held = SIMULATORS[unit](dtype).computed(array[np.isfinite(array)]).astype(np.float64)
    within = np.isfinite(held)
    place = 2.0 ** (np.floor(np.log2(np.maximum(np.abs(wide), LEAST[dtype]))) - DIGITS[dtype] + 1)
    flushed = (held == 0) & (np.abs(wide) < LEAST[dtype])
    assert (within | (np.abs(wide) > LARGEST[dtype])).all()
    assert (np.abs(held - wide)[within & ~flushed] <= place[within & ~flushed] / 2).all()


@every_simulator
@every_dtype
@given(FLOATS_32)
@example(EDGES)
def test_holding_twice_is_holding_once(unit: str, dtype: DType, array: Array) -> None:
    simulator = SIMULATORS[unit](dtype)
    for step in (simulator.entering, simulator.computed):
        once = step(array)
        assert step(once).tobytes() == once.tobytes()
        assert simulator.entering(once).tobytes() == once.tobytes() or np.isnan(once).any()


@every_simulator
@every_dtype
@given(st.floats(width=32, allow_nan=False), st.floats(width=32, allow_nan=False))
def test_holding_keeps_order_and_sign(unit: str, dtype: DType, a: float, b: float) -> None:
    assume(a <= b)
    pair = np.array([a, b, -a, -b], np.float32)
    held = SIMULATORS[unit](dtype).computed(pair)
    assert held[0] <= held[1]
    assert (np.signbit(held) == np.signbit(pair)).all()


@every_simulator
@every_dtype
@pytest.mark.parametrize("held", [*INTEGERS, DType.BOOL, *FLOAT8S, DType.F16, DType.BF16], ids=str)
def test_integers_and_floats_of_no_more_bits_stay_what_they_are(unit: str, dtype: DType, held: DType) -> None:
    array = np.array([0, 1, 1, 0]).astype(held.numpy)
    simulator = SIMULATORS[unit](dtype)
    assert simulator.entering(array).tobytes() == simulator.computed(array).tobytes() == array.tobytes()


def computed(unit: str, dtype: DType, *values: float, kind: type[np.floating] = np.float32) -> list[float]:
    return [float(value) for value in SIMULATORS[unit](dtype).computed(np.array(values, kind))]


@every_simulator
def test_float16_rounds_half_to_even_keeps_subnormals_and_overflows_to_infinity(unit: str) -> None:
    assert computed(unit, DType.F16, 2049, 2051, 65519.99, 65520, -1e9) == [2048, 2052, 65504, np.inf, -np.inf]
    assert computed(unit, DType.F16, 2.0**-24, 2.0**-25, 1.5 * 2.0**-25) == [2.0**-24, 0.0, 2.0**-24]


def test_a_processor_flushes_subnormal_bfloat16_and_a_graphics_processor_keeps_it() -> None:
    assert computed("cpu", DType.BF16, 2.0**-126, 2.0**-127) == [2.0**-126, 0.0]
    assert computed("gpu", DType.BF16, 2.0**-126, 2.0**-127) == [2.0**-126, 2.0**-127]


def test_a_processor_computes_doubles_as_such_and_other_units_round_them() -> None:
    assert computed("cpu", DType.F16, 1 / 3, kind=np.float64) == [1 / 3]
    for unit in ("gpu", "npu"):
        assert computed(unit, DType.F16, 1 / 3, kind=np.float64) == [float(np.float16(1 / 3))]


def test_a_neural_accelerator_takes_nan_for_infinity_and_makes_none() -> None:
    simulator = SIMULATORS["npu"](DType.F16)
    assert simulator.entering(np.array([np.nan, 1], np.float32)).tolist() == [np.inf, 1]
    assert simulator.computed(np.array([np.nan, np.inf], np.float32)).tolist() == [0, np.inf]
