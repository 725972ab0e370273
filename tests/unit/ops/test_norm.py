from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim
from optc.ir.dtypes import FLOATS, DType
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import norm

N, C = SymDim.named("n"), SymDim.named("c")
RNG = np.random.default_rng(7)


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def channels(count: int, operands: int = 2) -> list[Value]:
    return [tensor(count) for _ in range(operands)]


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    "op",
    [
        norm.BatchNorm(tensor(N, 4, 3), *channels(4, 4)),
        norm.BatchNorm(tensor(N, C), *channels(4, 4)),
        norm.InstanceNorm(tensor(N, 4, C), *channels(4)),
        norm.GroupNorm(tensor(N, C, 3), *channels(4), groups=3),
        norm.LayerNorm(tensor(N, C, 4), 2, tensor(4), tensor(C)),
        norm.RmsNorm(tensor(N, C, 4), 1, tensor(C, 4)),
        norm.LpNormalize(tensor(N, C), 1),
    ],
    ids=lambda op: op.name,
)
def test_the_result_has_the_type_of_x_whatever_is_not_known_of_it(op: Op) -> None:
    assert op.result.type == op.operands[0].type


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_element_type_is_kept(dtype: DType) -> None:
    op = norm.LayerNorm(tensor(2, 3, dtype=dtype), 1, tensor(3, dtype=dtype))
    made = op.evaluate(normal(2, 3).astype(dtype.numpy), normal(3).astype(dtype.numpy), None)
    assert made.dtype == dtype.numpy


@pytest.mark.parametrize(
    ("build", "slug", "actual"),
    [
        (lambda: norm.BatchNorm(tensor(4), *channels(4, 4)), "operand-rank", 1),
        (lambda: norm.InstanceNorm(tensor(2, 4), *channels(4)), "operand-rank", 2),
        (lambda: norm.BatchNorm(tensor(2, 4), *channels(4, 3), tensor(5)), "operand-shape", "[5]"),
        (lambda: norm.InstanceNorm(tensor(2, 4, 1), tensor(4), tensor(1, 4)), "operand-shape", "[1,4]"),
        (lambda: norm.GroupNorm(tensor(2, 4), *channels(4), groups=3), "group-count", 3),
        (lambda: norm.GroupNorm(tensor(2, 4), *channels(4), groups=0), "attribute-minimum", 0),
        (lambda: norm.LayerNorm(tensor(2, 4), 2), "axis", 2),
        (lambda: norm.LayerNorm(tensor(), 0), "axis", 0),
        (lambda: norm.LayerNorm(tensor(2, 4), 0, tensor(4)), "operand-shape", "[4]"),
        (lambda: norm.LayerNorm(tensor(2, 4), 1, None, tensor(1)), "operand-shape", "[1]"),
        (lambda: norm.RmsNorm(tensor(2, 4), 1, tensor(4, dtype=DType.F16)), "operand-same-dtype", DType.F16),
        (lambda: norm.LpNormalize(tensor(2, 4), 0, p=3), "attribute-choice", 3),
        (lambda: norm.LpNormalize(tensor(2, dtype=DType.I32), 0), "operand-dtype", DType.I32),
    ],
)
def test_operands_that_do_not_fit_are_refused(build: Any, slug: str, actual: Any) -> None:
    with pytest.raises(OptcError) as caught:
        build()
    assert (caught.value.slug, caught.value.actual) == (slug, str(actual))


def test_one_group_per_channel_is_instance_norm_and_one_group_in_all_is_layer_norm() -> None:
    x, ones, zeros = normal(2, 4, 5), np.ones(4, np.float32), np.zeros(4, np.float32)
    value = tensor(2, 4, 5)
    by_instance = norm.InstanceNorm(value, *channels(4)).evaluate(x, ones, zeros)
    np.testing.assert_allclose(
        norm.GroupNorm(value, *channels(4), groups=4).evaluate(x, ones, zeros), by_instance, rtol=1e-6
    )
    by_layer = norm.LayerNorm(value, 1).evaluate(x, None, None)
    np.testing.assert_allclose(
        norm.GroupNorm(value, *channels(4), groups=1).evaluate(x, ones, zeros), by_layer, rtol=1e-6
    )


def test_batch_norm_with_the_statistics_of_its_batch_standardizes_each_channel() -> None:
    x = normal(64, 3) * np.float32([1, 10, 0.1]) + np.float32([0, 5, -3])
    op = norm.BatchNorm(tensor(64, 3), *channels(3, 4), epsilon=0.0)
    made = op.evaluate(x, np.ones(3, np.float32), np.float32([0, 1, 2]), x.mean(0), x.var(0))
    np.testing.assert_allclose(made.mean(0), [0, 1, 2], atol=1e-5)
    np.testing.assert_allclose(made.std(0), 1, rtol=1e-5)


def test_layer_norm_is_exact_where_the_mean_dwarfs_the_deviation() -> None:
    x = np.float32([[4096, 4097, 4098]])
    made = norm.LayerNorm(tensor(1, 3), 1, epsilon=0.0).evaluate(x, None, None)
    np.testing.assert_allclose(made, [[-np.sqrt(1.5), 0, np.sqrt(1.5)]], rtol=1e-6)


def test_rms_norm_does_not_overflow_in_float16() -> None:
    x = np.full((1, 8), 60000, np.float16)
    made = norm.RmsNorm(tensor(1, 8, dtype=DType.F16), 1).evaluate(x, None)
    np.testing.assert_array_equal(made, np.ones((1, 8), np.float16))


@pytest.mark.parametrize(("p", "expected"), [(1, [3 / 7, -4 / 7]), (2, [0.6, -0.8])])
def test_lp_normalize_divides_by_the_norm_and_leaves_zeros(p: int, expected: list[float]) -> None:
    made = norm.LpNormalize(tensor(2, 2), 1, p=p).evaluate(np.float32([[3, -4], [0, 0]]))
    np.testing.assert_array_equal(made, np.float32([expected, [0, 0]]))


def test_an_empty_tensor_stays_empty() -> None:
    none, empty = tensor(2, 0), np.zeros((2, 0), np.float32)
    assert norm.LayerNorm(none, 1).evaluate(empty, None, None).shape == (2, 0)
    assert norm.RmsNorm(none, 1).evaluate(empty, None).shape == (2, 0)
    assert norm.LpNormalize(none, 1).evaluate(empty).shape == (2, 0)
    grouped = norm.GroupNorm(tensor(2, 4, 0), *channels(4), groups=2)
    ones = np.ones(4, np.float32)
    assert grouped.evaluate(np.zeros((2, 4, 0), np.float32), ones, ones).shape == (2, 4, 0)


def test_arithmetic_grows_with_what_the_op_applies() -> None:
    assert norm.BatchNorm(tensor(2, 4, 3), *channels(4, 4)).operations() == 48
    plain, scaled = norm.LayerNorm(tensor(N, 4), 1), norm.LayerNorm(tensor(N, 4), 1, tensor(4), tensor(4))
    assert (plain.operations(), scaled.operations()) == (N * 20, N * 28)
