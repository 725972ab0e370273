import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim, parse_dim
from optc.ir.dtypes import Array, DType
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops import conv as module
from optc.ops.conv import Conv, ConvTranspose

N, H = SymDim.named("n"), SymDim.named("h")


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def ramp(*shape: int, dtype: type = np.float32) -> Array:
    return (np.arange(np.prod(shape)) % 7 - 3).reshape(shape).astype(dtype)


@pytest.mark.parametrize(
    ("attributes", "height"),
    [
        ({}, "h-2"),
        ({"pads": (1, 1, 1, 1)}, "h"),
        ({"pads": (1, 1, 1, 1), "strides": (2, 2)}, "(h-1)//2+1"),
        ({"dilations": (2, 1)}, "h-4"),
        ({"pad_mode": "same_upper", "strides": (2, 1)}, "(h+1)//2"),
        ({"pad_mode": "valid", "strides": (3, 1)}, "(h-3)//3+1"),
    ],
)
def test_conv_infers_symbolic_sizes(attributes: dict[str, object], height: str) -> None:
    found = Conv(tensor(N, 3, H, 20), tensor(8, 3, 3, 3), **attributes).result.tensor  # type: ignore[arg-type]  # parametrized
    assert found.shape[:3] == (N, 8, parse_dim(height))


def test_conv_transpose_infers_symbolic_sizes() -> None:
    found = ConvTranspose(tensor(N, 4, H), tensor(4, 2, 3), strides=(2,), groups=3 - 1, output_padding=(1,))
    assert found.result.tensor.shape == (N, 4, parse_dim("2*h+2"))


def test_conv_transpose_in_a_same_mode_multiplies_sizes_by_the_stride() -> None:
    made = ConvTranspose(tensor(1, 1, H), tensor(1, 1, 3), strides=(2,), pad_mode="same_lower")
    assert made.result.tensor.shape == (1, 1, parse_dim("2*h"))


def test_conv_transpose_gives_the_output_shape_it_is_asked_for() -> None:
    made = ConvTranspose(tensor(1, 1, H), tensor(1, 1, 3), strides=(2,), output_shape=(11,))
    assert made.result.tensor.shape == (1, 1, 11)
    assert made.evaluate(ramp(1, 1, 5), ramp(1, 1, 3), None).shape == (1, 1, 11)


def test_conv_of_a_hand_worked_example() -> None:
    op = Conv(tensor(1, 1, 4), tensor(1, 1, 2), tensor(1), pads=(1, 0), strides=(2,))
    x, w, bias = np.float32([[[1, 2, 3, 4]]]), np.float32([[[10, 1]]]), np.float32([0.5])
    assert op.evaluate(x, w, bias).tolist() == [[[1.5, 23.5]]]


def test_conv_transpose_of_a_hand_worked_example() -> None:
    op = ConvTranspose(tensor(1, 1, 2), tensor(1, 1, 3), strides=(2,))
    assert op.evaluate(np.float32([[[1, 10]]]), np.float32([[[1, 2, 3]]]), None).tolist() == [[[1, 2, 13, 20, 30]]]


@pytest.mark.parametrize(("groups", "taken"), [(1, 4), (2, 2), (4, 1)])
def test_conv_of_groups_is_the_convolutions_of_the_groups_side_by_side(groups: int, taken: int) -> None:
    x, w = ramp(2, 4, 5, 6), ramp(8, taken, 3, 2)
    whole = Conv(tensor(2, 4, 5, 6), tensor(8, taken, 3, 2), groups=groups).evaluate(x, w, None)
    made = 8 // groups
    parts = [
        Conv(tensor(2, taken, 5, 6), tensor(made, taken, 3, 2)).evaluate(
            x[:, g * taken : (g + 1) * taken], w[g * made : (g + 1) * made], None
        )
        for g in range(groups)
    ]
    np.testing.assert_array_equal(whole, np.concatenate(parts, 1))


def test_conv_gives_the_same_bits_however_little_is_laid_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((1, 6, 9, 9), np.float32), rng.standard_normal((4, 3, 3, 3), np.float32)
    op = Conv(tensor(1, 6, 9, 9), tensor(4, 3, 3, 3), groups=2)
    at_once = op.evaluate(x, w, None)
    monkeypatch.setattr(module, "_CHUNK", 100)
    np.testing.assert_array_equal(op.evaluate(x, w, None), at_once)


def test_conv_of_16_bit_floats_rounds_once() -> None:
    # 2048 + 1 is no f16; a sum that was rounded at each step would lose each of the ones.
    x, w = np.ones((1, 9, 1), np.float16), np.ones((1, 9, 1), np.float16)
    x[0, 0, 0] = 2048
    op = Conv(tensor(1, 9, 1, dtype=DType.F16), tensor(1, 9, 1, dtype=DType.F16))
    assert op.evaluate(x, w, None).item() == 2056


def test_conv_crops_what_no_window_reaches() -> None:
    op = Conv(tensor(1, 1, 3), tensor(1, 1, 1), pads=(2, 0), strides=(9,))
    assert op.evaluate(ramp(1, 1, 3), ramp(1, 1, 1), None).tolist() == [[[0]]]


def test_conv_accepts_an_empty_batch() -> None:
    made = Conv(tensor(0, 2, 4), tensor(3, 2, 2))
    assert made.evaluate(ramp(0, 2, 4), ramp(3, 2, 2), None).shape == (0, 3, 3)


def test_arithmetic_counts_a_multiply_add_as_two() -> None:
    x, w, bias = tensor(1, 4, 6, 6), tensor(8, 2, 3, 3), tensor(8)
    assert Conv(x, w, groups=2).operations() == 8 * 4 * 4 * 2 * 9 * 2
    assert Conv(x, w, bias, groups=2).operations() == 8 * 4 * 4 * (2 * 9 * 2 + 1)
    assert ConvTranspose(x, tensor(4, 2, 3, 3)).operations() == 4 * 6 * 6 * 2 * 9 * 2


X, W = tensor(1, 4, 8, 8), tensor(6, 4, 3, 3)


@pytest.mark.parametrize(
    ("slug", "x", "w", "attributes"),
    [
        ("operand-rank", tensor(1, 4), W, {}),
        ("operand-rank", tensor(1, 4, 8), W, {}),
        ("operand-rank", tensor(1, 1, 1, 1, 1, 1), tensor(1, 1, 1, 1, 1, 1), {}),
        ("size-mismatch", tensor(1, 3, 8, 8), W, {}),
        ("size-mismatch", X, W, {"groups": 2}),
        ("conv-groups", tensor(1, 16, 8, 8), W, {"groups": 4}),
        ("operand-shape", X, W, {"bias": tensor(5)}),
        ("operand-shape", X, W, {"bias": tensor(6, 1)}),
        ("window-attribute", X, W, {"strides": (1,)}),
        ("window-attribute", X, W, {"pads": (1, 1)}),
        ("window-attribute", X, W, {"dilations": (1, 1, 1)}),
        ("window-pads", X, W, {"pads": (1, 1, 1, 1), "pad_mode": "valid"}),
        ("window-kernel", X, tensor(6, 4, 0, 3), {}),
        ("window-size", X, W, {"dilations": (4, 1)}),
        ("window-size", tensor(1, 4, 0, 8), W, {"pad_mode": "same_upper"}),
        ("attribute-minimum", X, W, {"pads": (-1, 0, 0, 0)}),
        ("attribute-minimum", X, W, {"groups": 0}),
        ("attribute-choice", X, W, {"pad_mode": "same"}),
    ],
)
def test_conv_refuses(slug: str, x: Value, w: Value, attributes: dict[str, object]) -> None:
    with pytest.raises(OptcError) as caught:
        Conv(x, w, **attributes)  # type: ignore[arg-type]  # parametrized
    assert caught.value.slug == slug


@pytest.mark.parametrize(
    ("slug", "attributes"),
    [
        ("conv-output-padding", {"output_padding": (2, 0), "strides": (2, 1)}),
        ("window-attribute", {"output_padding": (1,)}),
        ("window-attribute", {"output_shape": (9, 9, 9)}),
        ("window-pads", {"output_shape": (9, 9), "pads": (1, 1, 1, 1)}),
        ("conv-output-shape", {"output_shape": (11, 9)}),
        ("window-size", {"pads": (5, 0, 5, 0)}),
        ("size-mismatch", {"w": tensor(5, 2, 3, 3)}),
        ("conv-groups", {"groups": 3}),
    ],
)
def test_conv_transpose_refuses(slug: str, attributes: dict[str, object]) -> None:
    with pytest.raises(OptcError) as caught:
        ConvTranspose(**{"x": X, "w": tensor(4, 2, 3, 3), **attributes})  # type: ignore[arg-type]  # parametrized
    assert caught.value.slug == slug


def test_an_input_that_turns_out_too_short_is_refused_when_it_is_known() -> None:
    op = Conv(tensor(1, 1, H), tensor(1, 1, 3))
    with pytest.raises(OptcError) as caught:
        op.evaluate(ramp(1, 1, 2), ramp(1, 1, 3), None)
    assert caught.value.slug == "window-size"
