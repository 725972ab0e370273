import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim, parse_dim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, LpPool, MaxPool

N, H = SymDim.named("n"), SymDim.named("h")
ROW = np.float32([[[1, 2, 3, 4, 5]]])


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"strides": (2,)}, "(h-3)//2+1"),
        ({"strides": (2,), "ceil_mode": True}, "(h-2)//2+1"),
        ({"strides": (2,), "pads": (1, 1)}, "(h-1)//2+1"),
        # A window that would start in the padding does not count.
        ({"strides": (3,), "pads": (0, 2), "ceil_mode": True}, "(h-1)//3+1"),
        ({"strides": (2,), "pad_mode": "same_upper"}, "(h+1)//2"),
    ],
)
def test_pools_infer_symbolic_sizes(attributes: dict[str, object], size: str) -> None:
    found = MaxPool(tensor(N, 4, H), (3,), **attributes)  # type: ignore[arg-type]  # parametrized
    assert found.result.tensor.shape == (N, 4, parse_dim(size))


def test_padding_never_wins_a_max_pool() -> None:
    assert MaxPool(tensor(1, 1, 5), (2,), pads=(1, 0)).evaluate(-ROW).tolist() == [[[-1, -1, -2, -3, -4]]]


def test_max_pool_takes_8_bit_integers() -> None:
    x = np.array([[[-128, -128, 5]]], np.int8)
    assert MaxPool(tensor(1, 1, 3, dtype=DType.I8), (2,), pads=(1, 0)).evaluate(x).tolist() == [[[-128, -128, 5]]]


def test_avg_pool_divides_by_what_it_counts() -> None:
    x = tensor(1, 1, 5)
    assert AvgPool(x, (2,), pads=(1, 0)).evaluate(ROW)[0, 0, 0] == 1
    assert AvgPool(x, (2,), pads=(1, 0), count_include_pad=True).evaluate(ROW)[0, 0, 0] == 0.5


def test_a_partial_window_never_counts_what_lies_past_the_padding() -> None:
    op = AvgPool(tensor(1, 1, 5), (4,), strides=(3,), ceil_mode=True, count_include_pad=True)
    assert op.evaluate(ROW).tolist() == [[[2.5, 4.5]]]


def test_lp_pool_is_the_norm_of_each_window() -> None:
    assert LpPool(tensor(1, 1, 2), (2,)).evaluate(np.float32([[[-3, 4]]])).tolist() == [[[5]]]
    assert LpPool(tensor(1, 1, 2), (2,), p=1).evaluate(np.float32([[[-3, 4]]])).tolist() == [[[7]]]


def test_global_pools_keep_the_axes_they_reduce() -> None:
    x = np.float32(np.arange(12)).reshape(1, 2, 2, 3)
    assert GlobalAvgPool(tensor(1, 2, 2, 3)).evaluate(x).tolist() == [[[[2.5]], [[8.5]]]]
    assert GlobalMaxPool(tensor(1, 2, 2, 3)).evaluate(x).tolist() == [[[[5]], [[11]]]]
    assert GlobalMaxPool(tensor(N, 2, H, H)).result.tensor.shape == (N, 2, 1, 1)


@pytest.mark.parametrize(
    ("slug", "x", "attributes"),
    [
        ("operand-rank", tensor(1, 2, 5, 5), {}),
        ("window-rank", tensor(1, 2, 5), {"kernel_shape": ()}),
        ("window-size", tensor(1, 2, 2), {}),
        ("pool-pads", tensor(1, 2, 5), {"pads": (0, 3)}),
        ("pool-ceil-mode", tensor(1, 2, 5), {"pad_mode": "same_upper", "ceil_mode": True}),
        ("operand-dtype", tensor(1, 2, 5, dtype=DType.I8), {}),
        ("attribute-minimum", tensor(1, 2, 5), {"kernel_shape": (0,)}),
        ("attribute-minimum", tensor(1, 2, 5), {"strides": (0,)}),
    ],
)
def test_avg_pool_refuses(slug: str, x: Value, attributes: dict[str, object]) -> None:
    with pytest.raises(OptcError) as caught:
        AvgPool(x, **{"kernel_shape": (3,), **attributes})  # type: ignore[arg-type]  # parametrized
    assert caught.value.slug == slug


@pytest.mark.parametrize(("slug", "x"), [("operand-rank", tensor(1, 2)), ("window-size", tensor(1, 2, 0))])
def test_global_pools_refuse(slug: str, x: Value) -> None:
    with pytest.raises(OptcError) as caught:
        GlobalAvgPool(x)
    assert caught.value.slug == slug


def test_a_global_pool_refuses_axes_that_turn_out_empty() -> None:
    with pytest.raises(OptcError) as caught:
        GlobalMaxPool(tensor(1, 2, H)).evaluate(np.zeros((1, 2, 0), np.float32))
    assert caught.value.slug == "window-size"
