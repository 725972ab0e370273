from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.attention import ScaledDotProductAttention as Attention

B, L, S, E = (SymDim.named(name) for name in "blse")
RNG = np.random.default_rng(3)


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def normal(*shape: int) -> Any:
    return RNG.standard_normal(shape).astype(np.float32)


def run(query: Any, key: Any, value: Any, mask: Any = None, **attributes: Any) -> Any:
    held = [tensor(*a.shape) for a in (query, key, value)]
    of_mask = None if mask is None else tensor(*mask.shape, dtype=DType.BOOL if mask.dtype == bool else DType.F32)
    with np.errstate(all="ignore"):
        return Attention(*held, of_mask, **attributes).evaluate(query, key, value, mask)


def test_rows_come_from_queries_and_columns_from_values() -> None:
    op = Attention(tensor(B, 4, L, E), tensor(B, 1, S, E), tensor(B, 4, S, 6), tensor(L, S))
    assert op.result.tensor.shape == (B, 4, L, 6)


def test_leading_axes_of_different_names_give_an_unknown_size() -> None:
    assert Attention(tensor(B, L, 4), tensor(S, L, 4), tensor(L, 4)).result.tensor.shape == (UNKNOWN, L, 4)


@pytest.mark.parametrize(
    ("shapes", "mask", "slug"),
    [
        (((4,), (3, 4), (3, 2)), None, "operand-rank"),
        (((2, 4), (3, 5), (3, 2)), None, "operand-shape"),
        (((2, 4), (3, 4), (4, 2)), None, "operand-shape"),
        (((2, 2, 4), (3, 3, 4), (3, 2)), None, "broadcast"),
        (((2, 4), (3, 4), (3, 2)), tensor(2, 2), "operand-shape"),
        (((2, 4), (3, 4), (3, 2)), tensor(1, 2, 3), "operand-shape"),
        (((2, 4), (3, 4), (3, 2)), tensor(2, 3, dtype=DType.F16), "operand-same-dtype"),
        (((2, 4), (3, 4), (3, 2)), tensor(2, 3, dtype=DType.I32), "operand-dtype"),
    ],
)
def test_operands_that_do_not_fit_are_refused(shapes: Any, mask: Value | None, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        Attention(*(tensor(*shape) for shape in shapes), mask)
    assert caught.value.slug == slug


def test_equal_keys_share_the_attention() -> None:
    value = normal(5, 3)
    made = run(normal(2, 4), np.ones((5, 4), np.float32), value)
    np.testing.assert_allclose(made, np.broadcast_to(value.mean(0), (2, 3)), rtol=1e-5, atol=1e-6)


def test_a_causal_query_sees_nothing_that_comes_later() -> None:
    query, key, value = normal(4, 3), normal(4, 3), normal(4, 2)
    before = run(query, key, value, is_causal=True)
    key[3], value[3] = 9, 9
    after = run(query, key, value, is_causal=True)
    np.testing.assert_array_equal(before[:3], after[:3])
    np.testing.assert_array_equal(before[0], run(query[:1], key[:1], value[:1])[0])


def test_a_bool_mask_is_a_float_mask_of_minus_infinity() -> None:
    query, key, value = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 2)
    allowed = np.array([True, False, True, True, False])
    np.testing.assert_array_equal(
        run(query, key, value, allowed),
        run(query, key, value, np.where(allowed, 0, -np.inf).astype(np.float32)),
    )


def test_a_query_barred_from_all_keys_takes_zeros() -> None:
    allowed = np.array([[True, True], [False, False]])
    made = run(normal(2, 4), normal(2, 4), normal(2, 3), allowed)
    assert (made[0] != 0).all()
    np.testing.assert_array_equal(made[1], np.zeros(3, np.float32))


def test_a_bool_mask_and_causality_hold_together() -> None:
    allowed = np.array([[False, True], [True, True]])
    made = run(normal(2, 4), normal(2, 4), normal(2, 3), allowed, is_causal=True)
    np.testing.assert_array_equal(made[0], np.zeros(3, np.float32))


def test_the_default_scale_is_one_over_the_root_of_the_size() -> None:
    query, key, value = normal(2, 16), normal(3, 16), normal(3, 2)
    np.testing.assert_array_equal(run(query, key, value), run(query, key, value, scale=0.25))
    assert (run(query, key, value) != run(query, key, value, scale=1.0)).any()


def test_large_scores_do_not_overflow() -> None:
    made = run(np.full((1, 2), 3e19, np.float32), np.full((1, 2), 3e19, np.float32), np.float32([[2]]))
    np.testing.assert_array_equal(made, [[2]])


def test_without_keys_there_is_nothing_to_take() -> None:
    made = run(normal(2, 4), np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32))
    np.testing.assert_array_equal(made, np.zeros((2, 3), np.float32))


def test_arithmetic_is_that_of_two_products_and_a_softmax() -> None:
    op = Attention(tensor(B, 8, 10, 16), tensor(B, 8, 20, 16), tensor(B, 8, 20, 4))
    assert op.operations() == B * (8 * 10 * 20 * (2 * 16 + 2 * 4 + 5))
