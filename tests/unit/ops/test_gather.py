import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.gather import Gather, GatherElements, GatherND

N = SymDim.named("n")


def tensor(*shape: Dim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def index(*shape: Dim) -> Value:
    return tensor(*shape, dtype=DType.I64)


def test_gathered_slices_take_the_shape_of_the_indices() -> None:
    assert Gather(tensor(5, 6, 7), index(N, 2), 1).result.tensor.shape == (5, N, 2, 7)
    assert Gather(tensor(5, N), index(), 0).result.tensor.shape == (N,)


def test_the_vectors_of_gather_nd_point_to_slices_after_the_batch() -> None:
    assert GatherND(tensor(N, 5, 6), index(N, 3, 1), 1).result.tensor.shape == (N, 3, 6)
    assert GatherND(tensor(4, 5, 6), index(2), 0).result.tensor.shape == (6,)


@pytest.mark.parametrize(
    ("op", "x", "indices", "number", "slug"),
    [
        (Gather, (2,), (1,), 1, "axis"),
        (Gather, (), (1,), 0, "axis"),
        (GatherElements, (2, 3), (1,), 0, "indices-shape"),
        (GatherElements, (2, 3), (2, 4), 0, "indices-shape"),
        (GatherND, (2, 3), (N, 3), 0, "indices-shape"),
        (GatherND, (2, 3), (2, N), 0, "unknown-rank"),
        (GatherND, (2, 3), (), 0, "operand-rank"),
        (GatherND, (2, 3), (3, 1), 1, "batch-dims"),
        (GatherND, (2, 3), (2, 1), 2, "batch-dims"),
    ],
)
def test_indices_that_do_not_fit_are_refused(
    op: type[Gather], x: tuple[Dim, ...], indices: tuple[Dim, ...], number: int, slug: str
) -> None:
    with pytest.raises(OptcError) as caught:
        op(tensor(*x), index(*indices), number)
    assert caught.value.slug == slug


@pytest.mark.parametrize(
    "op", [Gather(tensor(3), index(1), 0), GatherElements(tensor(3), index(1), 0), GatherND(tensor(3), index(1), 0)]
)
def test_indices_count_from_both_ends_and_not_beyond(op: Op) -> None:
    x = np.float32([5, 6, 7])
    assert op.evaluate(x, np.array([-3])).item() == 5
    for outside in (-4, 3):
        with pytest.raises(OptcError) as caught:
            op.evaluate(x, np.array([outside]))
        assert caught.value.slug == "index-range"


def test_nothing_can_be_gathered_from_an_empty_axis_but_nothing() -> None:
    op = Gather(tensor(0, 2), index(N), 0)
    assert op.evaluate(np.zeros((0, 2), np.float32), np.zeros(0, np.int64)).shape == (0, 2)
    with pytest.raises(OptcError) as caught:
        op.evaluate(np.zeros((0, 2), np.float32), np.array([0]))
    assert caught.value.slug == "index-range"
