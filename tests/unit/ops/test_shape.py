import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import shape as s

N, M = SymDim.named("n"), SymDim.named("m")


def tensor(*shape: Dim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


@pytest.mark.parametrize(
    ("own", "shape", "expected"),
    [
        ((2, 3, 4), (0, -1), (2, 12)),
        ((N, 12, 32), (0, -1), (N, 384)),
        ((N, 384), (0, 12, -1), (N, 12, 32)),
        ((N, M, 4), (-1, 4), (N * M, 4)),
        ((UNKNOWN, 6), (0, 2, -1), (UNKNOWN, 2, 3)),
        ((UNKNOWN, 6), (-1, 3), (UNKNOWN, 3)),
        ((), (1, -1), (1, 1)),
        ((1, 1), (), ()),
        ((0, 4), (0, -1), (0, 4)),
    ],
)
def test_reshape_knows_what_the_sizes_leave_open(
    own: tuple[Dim, ...], shape: tuple[int, ...], expected: tuple[Dim, ...]
) -> None:
    assert s.Reshape(tensor(*own), shape).result.tensor.shape == expected


@pytest.mark.parametrize(
    ("own", "shape", "slug"),
    [
        ((2, 3), (4, 2), "reshape-size"),
        ((2, 3), (4, -1), "reshape-size"),
        ((2, 3), (-1, -1), "reshape-infer"),
        ((2, 3), (2, 3, 0), "reshape-copy"),
        ((2, 3), (-2, 3), "attribute-minimum"),
        ((1,), (1,) * 33, "rank-limit"),
    ],
)
def test_a_reshape_that_does_not_fit_is_refused(own: tuple[Dim, ...], shape: tuple[int, ...], slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        s.Reshape(tensor(*own), shape)
    assert caught.value.slug == slug


def test_with_allowzero_a_zero_is_a_size() -> None:
    assert s.Reshape(tensor(0, 3), (3, 0), True).result.tensor.shape == (3, 0)
    with pytest.raises(OptcError, match="leaves one size open"):
        s.Reshape(tensor(0, 3), (0, -1), True)


def test_a_symbolic_reshape_is_checked_when_it_runs() -> None:
    op = s.Reshape(tensor(N), (2, -1))
    assert op.result.tensor.shape == (2, N // 2)
    with pytest.raises(OptcError) as caught:
        op.evaluate(np.zeros(3, np.float32))
    assert caught.value.slug == "reshape-size"


def test_only_axes_of_size_1_are_squeezed() -> None:
    assert s.Squeeze(tensor(1, N, 3), (0, 1)).result.tensor.shape == (3,)
    with pytest.raises(OptcError) as caught:
        s.Squeeze(tensor(1, 3), (1,))
    assert caught.value.slug == "squeeze-size"


def test_unsqueezed_axes_are_those_of_the_result() -> None:
    assert s.Unsqueeze(tensor(N, 2), (0, 3)).result.tensor.shape == (1, N, 2, 1)
    with pytest.raises(OptcError) as caught:
        s.Unsqueeze(tensor(N, 2), (3,))
    assert caught.value.slug == "axis"


@pytest.mark.parametrize("perm", [(0,), (0, 0), (0, 2), (0, 1, 2)])
def test_a_transposition_by_what_is_no_permutation_is_refused(perm: tuple[int, ...]) -> None:
    with pytest.raises(OptcError) as caught:
        s.Transpose(tensor(2, 3), perm)
    assert caught.value.slug == "permutation"


def test_flatten_multiplies_symbolic_sizes() -> None:
    assert s.Flatten(tensor(N, 3, M, 2), 2).result.tensor.shape == (N * 3, M * 2)
    assert s.Flatten(tensor(N), 0).result.tensor.shape == (1, N)


def test_expand_leaves_a_size_where_its_shape_has_1() -> None:
    assert s.Expand(tensor(N, 1), (2, 1, 4)).result.tensor.shape == (2, N, 4)
    with pytest.raises(OptcError) as caught:
        s.Expand(tensor(3), (2,))
    assert caught.value.slug == "broadcast"


def test_expand_does_not_allocate_what_no_memory_holds() -> None:
    with pytest.raises(OptcError) as caught:
        s.Expand(tensor(1), (1 << 40,)).evaluate(np.zeros(1, np.float32))
    assert caught.value.slug == "result-size"


def test_shape_gives_a_range_of_the_sizes() -> None:
    op = s.ShapeOf(tensor(N, 3, 4), 1, 3)
    assert op.result.tensor == TensorType(DType.I64, (2,))
    assert op.evaluate(np.zeros((2, 3, 4), np.float32)).tolist() == [3, 4]
    with pytest.raises(OptcError) as caught:
        s.ShapeOf(tensor(N), 1, 2)
    assert caught.value.slug == "shape-range"


def test_a_dynamic_reshape_knows_its_rank_from_the_length_of_its_shape() -> None:
    op = s.DynamicReshape(tensor(2, 6), tensor(3, dtype=DType.I64))
    assert op.result.tensor.shape == (UNKNOWN,) * 3
    found = op.evaluate(np.zeros((2, 6), np.float32), np.array([0, 2, -1]))
    assert found.shape == (2, 2, 3)


@pytest.mark.parametrize(("shape", "slug"), [((N,), "unknown-rank"), ((), "operand-rank"), ((1 << 40,), "rank-limit")])
def test_a_dynamic_reshape_to_no_certain_rank_is_refused(shape: tuple[Dim, ...], slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        s.DynamicReshape(tensor(2), tensor(*shape, dtype=DType.I64))
    assert caught.value.slug == slug


def test_a_dynamic_op_says_its_own_name_when_its_parameters_are_wrong() -> None:
    op = s.DynamicReshape(tensor(2, 6), tensor(1, dtype=DType.I64)).named("y")
    with pytest.raises(OptcError) as caught:
        op.evaluate(np.zeros((2, 6), np.float32), np.array([-7]))
    assert str(caught.value).startswith("op %y = dynamic_reshape: ")


def test_a_dynamic_op_settles_to_its_twin() -> None:
    x, axes = tensor(1, N, 1), tensor(2, dtype=DType.I64)
    assert s.DynamicSqueeze(x, axes).settled({"axes": np.array([-1, 0])}) == s.Squeeze(x, (0, 2))
    assert s.DynamicUnsqueeze(x, axes).settled({"axes": np.array([-1, 0])}) == s.Unsqueeze(x, (0, 4))


def test_a_dynamic_expand_keeps_sizes_that_cannot_change() -> None:
    op = s.DynamicExpand(tensor(N, 1, 4), tensor(4, dtype=DType.I64))
    assert op.result.tensor.shape == (UNKNOWN, UNKNOWN, UNKNOWN, 4)


def test_moving_elements_is_no_arithmetic() -> None:
    assert s.Reshape(tensor(N, 4), (-1,)).operations() == 0
    assert s.Transpose(tensor(2, 3), (1, 0)).cost().bytes_read == 24
