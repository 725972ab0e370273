import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import activations as a
from optc.ops.softmax import LogSoftmax, Softmax

N = SymDim.named("n")
FAR = np.float32([-1000, 1000])


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


@pytest.mark.parametrize(
    ("op", "left", "right"),
    [
        (a.Relu(tensor(2)), 0, 1000),
        (a.LeakyRelu(tensor(2), 0.5), -500, 1000),
        (a.Elu(tensor(2), 2.0), -2, 1000),
        (a.Celu(tensor(2), 2.0), -2, 1000),
        (a.ThresholdedRelu(tensor(2)), 0, 1000),
        (a.Gelu(tensor(2)), 0, 1000),
        (a.Gelu(tensor(2), "tanh"), 0, 1000),
        (a.Sigmoid(tensor(2)), 0, 1),
        (a.HardSigmoid(tensor(2)), 0, 1),
        (a.HardSwish(tensor(2)), 0, 1000),
        (a.Silu(tensor(2)), 0, 1000),
        (a.Softplus(tensor(2)), 0, 1000),
        (a.Mish(tensor(2)), 0, 1000),
    ],
    ids=lambda v: getattr(v, "name", None),
)
def test_far_from_zero_an_activation_is_its_asymptote(op: a.Unary, left: float, right: float) -> None:
    with np.errstate(all="ignore"):
        assert op.evaluate(FAR).tolist() == [left, right]


def test_gelu_is_exact_where_the_two_terms_nearly_cancel() -> None:
    found = a.Gelu(tensor(1)).evaluate(np.float32([-5]))
    np.testing.assert_allclose(found, [-5 * 2.866515718791939e-07], rtol=1e-6)


def test_celu_refuses_an_alpha_of_zero() -> None:
    with pytest.raises(OptcError) as caught:
        a.Celu(tensor(2), 0.0)
    assert caught.value.slug == "celu-alpha"


@pytest.mark.parametrize(("x", "slope"), [((3,), (2, 3)), ((1, 3), (2, 3)), ((3, 2), (3,))])
def test_prelu_refuses_a_slope_that_does_not_broadcast_to_x(x: tuple[int, ...], slope: tuple[int, ...]) -> None:
    with pytest.raises(OptcError) as caught:
        a.Prelu(tensor(*x), tensor(*slope))
    assert caught.value.slug in ("prelu-slope", "broadcast")


def test_prelu_keeps_the_shape_of_x() -> None:
    assert a.Prelu(tensor(N, 8, N), tensor(8, 1)).result.tensor.shape == (N, 8, N)


def test_softmax_does_not_overflow() -> None:
    assert Softmax(tensor(2), 0).evaluate(FAR).tolist() == [0, 1]
    assert LogSoftmax(tensor(2), 0).evaluate(FAR).tolist() == [-2000, 0]


def test_softmax_takes_an_empty_axis() -> None:
    empty = np.zeros((2, 0), np.float32)
    assert Softmax(tensor(2, 0), 1).evaluate(empty).shape == (2, 0)


@pytest.mark.parametrize(("shape", "axis"), [((2, 3), 2), ((2, 3), -1), ((), 0)])
def test_softmax_refuses_an_axis_that_x_lacks(shape: tuple[int, ...], axis: int) -> None:
    with pytest.raises(OptcError) as caught:
        Softmax(tensor(*shape), axis)
    assert caught.value.slug == "axis"


def test_softmax_counts_five_steps_for_each_element() -> None:
    assert Softmax(tensor(N, 4), 1).operations() == N * 20
