import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.space import DepthToSpace, SpaceToDepth

N, H = SymDim.named("n"), SymDim.named("h")


def tensor(*shape: Dim) -> Value:
    return Value(TensorType(DType.F32, shape))


def test_channels_become_pixels_and_back() -> None:
    x = np.arange(48, dtype=np.float32).reshape(1, 8, 2, 3)
    there = DepthToSpace(tensor(1, 8, 2, 3), 2)
    back = SpaceToDepth(there.result, 2)
    np.testing.assert_array_equal(back.evaluate(there.evaluate(x)), x)


def test_symbolic_planes_grow_by_the_block() -> None:
    assert DepthToSpace(tensor(N, 8, H, 3), 2).result.tensor.shape == (N, 2, H * 2, 6)
    assert SpaceToDepth(tensor(N, 2, H * 2, 6), 2).result.tensor.shape == (N, 8, H, 3)


def test_the_two_modes_order_channels_differently() -> None:
    x = np.arange(8, dtype=np.float32).reshape(1, 8, 1, 1)
    first = {mode: DepthToSpace(tensor(1, 8, 1, 1), 2, mode).evaluate(x)[0, 0].reshape(-1) for mode in ("DCR", "CRD")}
    assert first["DCR"].tolist() == [0, 2, 4, 6]
    assert first["CRD"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("shape", "block", "slug"),
    [((1, 6, 2, 2), 2, "blocksize"), ((4, 2, 2), 2, "operand-rank"), ((1, 4, 2, 2), 0, "attribute-minimum")],
)
def test_channels_that_make_no_blocks_are_refused(shape: tuple[int, ...], block: int, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        DepthToSpace(tensor(*shape), block)
    assert caught.value.slug == slug


def test_a_symbolic_plane_that_turns_out_odd_is_refused() -> None:
    with pytest.raises(OptcError) as caught:
        SpaceToDepth(tensor(1, 1, H, 2), 2).evaluate(np.zeros((1, 1, 3, 2), np.float32))
    assert caught.value.slug == "blocksize"
