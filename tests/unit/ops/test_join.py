import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import join as j

N = SymDim.named("n")


def tensor(*shape: Dim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def test_concatenated_sizes_add_up() -> None:
    assert j.Concat((tensor(N, 3), tensor(N * 2, 3)), 0).result.tensor.shape == (N * 3, 3)
    assert j.Concat((tensor(2, N), tensor(1, UNKNOWN), tensor(1, 5)), 0).result.tensor.shape == (4, 5)


@pytest.mark.parametrize(
    ("shapes", "axis", "slug"),
    [
        ([], 0, "operand-count"),
        ([(2, 3), (2, 4)], 0, "join-shape"),
        ([(2, 3), (2,)], 0, "join-shape"),
        ([(2, 3)], 2, "axis"),
        ([()], 0, "axis"),
    ],
)
def test_what_does_not_fit_together_is_not_concatenated(shapes: list[tuple[int, ...]], axis: int, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        j.Concat(tuple(tensor(*shape) for shape in shapes), axis)
    assert caught.value.slug == slug


def test_operands_of_several_types_are_not_concatenated() -> None:
    with pytest.raises(OptcError) as caught:
        j.Concat((tensor(1), tensor(1, dtype=DType.I32)), 0)
    assert caught.value.slug == "operand-same-dtype"


def test_symbolic_sizes_that_turn_out_to_differ_are_refused() -> None:
    x, y = tensor(1, N), tensor(1, SymDim.named("m"))
    arrays = (np.zeros((1, 2), np.float32), np.zeros((1, 3), np.float32))
    for op in (j.Concat((x, y), 0), j.Stack((x, y), 0)):
        with pytest.raises(OptcError) as caught:
            op.evaluate(arrays)
        assert caught.value.slug == "join-shape"


def test_stack_adds_the_axis() -> None:
    assert j.Stack((tensor(N, 3), tensor(N, 3)), 2).result.tensor.shape == (N, 3, 2)
    with pytest.raises(OptcError) as caught:
        j.Stack((tensor(2), tensor(3)), 0)
    assert caught.value.slug == "join-shape"


def test_parts_are_equal_but_for_the_last() -> None:
    assert [v.tensor.shape for v in j.Split(tensor(7), 0, parts=3).results] == [(3,), (3,), (1,)]
    assert [v.tensor.shape for v in j.Split(tensor(N * 4, 2), 0, parts=2).results] == [(N * 2, 2), (N * 2, 2)]


@pytest.mark.parametrize(
    ("sizes", "parts", "slug"),
    [
        ((2, 2), 0, "split-size"), ((), 4, "split-size"), ((), 0, "split-form"), ((2, 3), 2, "split-form"),
        ((), 1 << 40, "split-form"),
    ],
)  # fmt: skip
def test_pieces_that_do_not_make_up_the_axis_are_refused(sizes: tuple[int, ...], parts: int, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        j.Split(tensor(5), 0, sizes, parts)
    assert caught.value.slug == slug


def test_a_dynamic_split_has_as_many_results_as_sizes() -> None:
    op = j.DynamicSplit(tensor(5, N), tensor(2, dtype=DType.I64), 0)
    assert [v.tensor.shape for v in op.results] == [(UNKNOWN, N), (UNKNOWN, N)]
    first, second = op.evaluate(np.arange(5, dtype=np.float32)[:, None], np.array([2, 3]))
    assert (first.shape, second.shape) == ((2, 1), (3, 1))


def test_tile_multiplies_sizes() -> None:
    assert j.Tile(tensor(N, 2), (3, 0)).result.tensor.shape == (N * 3, 0)
    with pytest.raises(OptcError) as caught:
        j.Tile(tensor(2, 2), (3,))
    assert caught.value.slug == "repeats-count"


def test_tile_does_not_allocate_what_no_memory_holds() -> None:
    with pytest.raises(OptcError) as caught:
        j.Tile(tensor(2), (1 << 40,)).evaluate(np.zeros(2, np.float32))
    assert caught.value.slug == "result-size"


def test_a_dynamic_tile_whose_repeats_turn_out_too_few_is_refused() -> None:
    op = j.DynamicTile(tensor(2, 2), tensor(N, dtype=DType.I64))
    with pytest.raises(OptcError) as caught:
        op.evaluate(np.zeros((2, 2), np.float32), np.array([2]))
    assert caught.value.slug == "repeats-count"
