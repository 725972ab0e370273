import ml_dtypes
import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.matmul import Linear, MatMul

N, M = SymDim.named("n"), SymDim.named("m")


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


@pytest.mark.parametrize(
    ("x", "y", "shape"),
    [
        ((2, 3), (3, 4), (2, 4)),
        ((3,), (3, 4), (4,)),
        ((2, 3), (3,), (2,)),
        ((3,), (3,), ()),
        ((N, 8, M, 64), (N, 8, 64, M), (N, 8, M, M)),
        ((5, 1, 2, 3), (4, 3, M), (5, 4, 2, M)),
        ((3,), (7, 3, 4), (7, 4)),
    ],
)
def test_matmul_infers_like_numpy(x: tuple[int, ...], y: tuple[int, ...], shape: tuple[int, ...]) -> None:
    assert MatMul(tensor(*x), tensor(*y)).result.tensor.shape == shape


@pytest.mark.parametrize(
    ("slug", "x", "y"),
    [
        ("operand-rank", tensor(), tensor(3)),
        ("operand-rank", tensor(3), tensor()),
        ("size-mismatch", tensor(2, 3), tensor(4, 5)),
        ("size-mismatch", tensor(2, 3), tensor(2)),
        ("broadcast", tensor(2, 3, 4), tensor(3, 4, 5)),
        ("operand-same-dtype", tensor(2, 3), tensor(3, 4, dtype=DType.F16)),
        ("operand-dtype", tensor(2, 3, dtype=DType.I8), tensor(3, 4, dtype=DType.I8)),
    ],
)
def test_matmul_refuses(slug: str, x: Value, y: Value) -> None:
    with pytest.raises(OptcError) as caught:
        MatMul(x, y)
    assert caught.value.slug == slug


@pytest.mark.parametrize(
    ("slug", "operands"),
    [
        ("operand-rank", (tensor(), tensor(2, 3))),
        ("operand-rank", (tensor(3), tensor(3))),
        ("size-mismatch", (tensor(5, 4), tensor(2, 3))),
        ("operand-shape", (tensor(5, 3), tensor(2, 3), tensor(3))),
        ("operand-shape", (tensor(5, 3), tensor(2, 3), tensor(1, 2))),
    ],
)
def test_linear_refuses(slug: str, operands: tuple[Value, ...]) -> None:
    with pytest.raises(OptcError) as caught:
        Linear(*operands)
    assert caught.value.slug == slug


def test_linear_infers_symbolic_sizes() -> None:
    assert Linear(tensor(N, M, 3), tensor(4, 3), tensor(4)).result.tensor.shape == (N, M, 4)


def test_linear_is_a_product_with_the_transposed_weight_and_a_bias() -> None:
    x, w, bias = np.float32([[[1, 2]]]), np.float32([[1, 0], [0, 1], [10, 10]]), np.float32([0.5, 0, 0])
    assert Linear(tensor(1, 1, 2), tensor(3, 2), tensor(3)).evaluate(x, w, bias).tolist() == [[[1.5, 2, 30]]]


def test_sums_of_nothing_are_zero() -> None:
    assert MatMul(tensor(2, 0), tensor(0, 3)).evaluate(np.zeros((2, 0), "f"), np.zeros((0, 3), "f")).tolist() == [
        [0, 0, 0],
        [0, 0, 0],
    ]
    op = Linear(tensor(2, 0), tensor(3, 0), tensor(3))
    assert op.evaluate(np.zeros((2, 0), "f"), np.zeros((3, 0), "f"), np.ones(3, "f")).tolist() == [[1, 1, 1]] * 2


def test_equal_values_give_equal_bits_in_any_layout() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((1, 400), np.float32), rng.standard_normal((50, 400), np.float32)
    by_rows = Linear(tensor(1, 400), tensor(50, 400)).evaluate(x, w, None)
    product = MatMul(tensor(1, 400), tensor(400, 50))
    np.testing.assert_array_equal(by_rows, product.evaluate(x, w.T))
    np.testing.assert_array_equal(by_rows, product.evaluate(x, np.ascontiguousarray(w.T)))


def test_bfloat16_is_rounded_once() -> None:
    # 256 + 1 is no bf16; rounded at each step, the ones would be lost.
    x = np.array([[256, 1, 1]], ml_dtypes.bfloat16)
    op = MatMul(tensor(1, 3, dtype=DType.BF16), tensor(3, 1, dtype=DType.BF16))
    found = op.evaluate(x, np.ones((3, 1), ml_dtypes.bfloat16))
    assert found.dtype == ml_dtypes.bfloat16
    assert found.item() == 258


def test_integer_products_wrap() -> None:
    x = np.array([[2**31 - 1, 1]], np.int32)
    op = MatMul(tensor(1, 2, dtype=DType.I32), tensor(2, 1, dtype=DType.I32))
    assert op.evaluate(x, np.ones((2, 1), np.int32)).tolist() == [[-(2**31)]]


def test_arithmetic_counts_a_multiply_add_as_two() -> None:
    assert MatMul(tensor(5, 2, 3), tensor(3, 4)).operations() == 5 * 2 * 4 * 3 * 2
    assert MatMul(tensor(N, 3), tensor(3, 4)).operations() == N * 24
    assert Linear(tensor(5, 3), tensor(4, 3)).operations() == 5 * 4 * 3 * 2
    assert Linear(tensor(5, 3), tensor(4, 3), tensor(4)).operations() == 5 * 4 * (3 * 2 + 1)
