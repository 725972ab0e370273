import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.pad import DynamicPad, Pad

N = SymDim.named("n")


def tensor(*shape: Dim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def test_pads_add_to_symbolic_sizes() -> None:
    assert Pad(tensor(N, 3), (1, 0, 2, -1)).result.tensor.shape == (N + 3, 2)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [0, 0, 1, 2, 3, 0]), ("reflect", [3, 2, 1, 2, 3, 2]), ("edge", [1, 1, 1, 2, 3, 3]),
        ("wrap", [2, 3, 1, 2, 3, 1]),
    ],
)  # fmt: skip
def test_each_mode_continues_the_axis_its_own_way(mode: str, expected: list[float]) -> None:
    assert Pad(tensor(3), (2, 1), mode=mode).evaluate(np.float32([1, 2, 3]), None).tolist() == expected


@pytest.mark.parametrize(
    ("shape", "pads", "mode", "slug"),
    [
        ((3,), (1,), "constant", "pads-count"),
        ((3,), (0, 3), "reflect", "pads-reflect"),
        ((0,), (0, 1), "edge", "pads-empty"),
        ((3,), (-1, 0), "edge", "pads-sign"),
        ((3,), (-2, -2), "constant", "pads-crop"),
        ((3,), (-4, 4), "constant", "pads-crop"),
        ((3,), (0, 0), "mirror", "attribute-choice"),
    ],
)
def test_pads_that_a_mode_cannot_make_are_refused(
    shape: tuple[int, ...], pads: tuple[int, ...], mode: str, slug: str
) -> None:
    with pytest.raises(OptcError) as caught:
        Pad(tensor(*shape), pads, mode=mode)
    assert caught.value.slug == slug


def test_a_value_of_several_elements_is_refused() -> None:
    with pytest.raises(OptcError) as caught:
        Pad(tensor(3), (0, 0), tensor(2))
    assert caught.value.slug == "pad-value"


def test_a_reflection_of_a_symbolic_axis_is_checked_when_it_runs() -> None:
    with pytest.raises(OptcError) as caught:
        Pad(tensor(N), (2, 0), mode="reflect").evaluate(np.zeros(2, np.float32), None)
    assert caught.value.slug == "pads-reflect"


def test_a_dynamic_pad_leaves_other_axes_known() -> None:
    op = DynamicPad(tensor(N, 3), tensor(2, dtype=DType.I64), (1,), mode="edge")
    assert op.result.tensor.shape == (N, UNKNOWN)
    assert op.settled({"pads": np.array([1, 2])}) == Pad(op.x, (0, 1, 0, 2), mode="edge")


def test_a_huge_pad_is_refused_before_it_is_allocated() -> None:
    with pytest.raises(OptcError) as caught:
        Pad(tensor(1), (0, 1 << 40)).evaluate(np.zeros(1, np.float32), None)
    assert caught.value.slug == "result-size"
