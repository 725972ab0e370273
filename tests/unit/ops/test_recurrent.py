from typing import Any

import numpy as np
import pytest

from optc.errors import OptcError
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType, dtype_of_numpy
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.recurrent import Gru, Lstm, Recurrent

T, N = SymDim.named("t"), SymDim.named("n")
RNG = np.random.default_rng(5)
STEPS, BATCH, INPUTS, HIDDEN = 4, 3, 2, 5


def tensor(*shape: int | SymDim, dtype: DType = DType.F32) -> Value:
    return Value(TensorType(dtype, shape))


def weights(op: type[Recurrent], directions: int = 1) -> dict[str, Any]:
    """Arrays for all operands of a layer but the lengths."""
    rows = op.gates * HIDDEN
    shapes = {
        "x": (STEPS, BATCH, INPUTS),
        "weight": (directions, rows, INPUTS),
        "recurrent_weight": (directions, rows, HIDDEN),
        "bias": (directions, 2 * rows),
    } | dict.fromkeys(op.states, (directions, BATCH, HIDDEN))
    return {name: RNG.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def run(op: type[Recurrent], arrays: dict[str, Any], **attributes: Any) -> Any:
    held = {k: tensor(*a.shape, dtype=dtype_of_numpy(a.dtype)) for k, a in arrays.items()}
    made = op(**held, **attributes)
    return made.evaluate(*(arrays.get(field.name) for field in op.spec.operands))


both = pytest.mark.parametrize("op", [Lstm, Gru])


@both
def test_results_have_the_sizes_of_x_and_of_the_hidden_state(op: type[Recurrent]) -> None:
    rows = op.gates * 5
    made = op(tensor(T, N, 2), tensor(2, rows, 2), tensor(2, rows, 5), direction="bidirectional")
    last = tensor(2, N, 5).type
    assert [v.type for v in made.results] == [tensor(T, 2, N, 5).type, *(last for _ in op.states)]


@both
@pytest.mark.parametrize(
    ("change", "slug"),
    [
        ({"x": tensor(4, 2)}, "operand-rank"),
        ({"x": tensor(4, 3, 7)}, "operand-shape"),
        ({"weight": tensor(1, 7, 2)}, "operand-shape"),
        ({"direction": "bidirectional"}, "size-mismatch"),
        ({"direction": "backward"}, "attribute-choice"),
        ({"recurrent_weight": tensor(1, N, N)}, "hidden-size"),
        ({"bias": tensor(1, 7)}, "operand-shape"),
        ({"lengths": tensor(4, dtype=DType.I32)}, "operand-shape"),
        ({"lengths": tensor(3, dtype=DType.I64)}, "operand-dtype"),
        ({"initial_hidden": tensor(1, 3, 4)}, "operand-shape"),
    ],
)
def test_operands_that_do_not_fit_are_refused(op: type[Recurrent], change: dict[str, Any], slug: str) -> None:
    rows = op.gates * 5
    fields = {"x": tensor(4, 3, 2), "weight": tensor(1, rows, 2), "recurrent_weight": tensor(1, rows, 5)}
    with pytest.raises(OptcError) as caught:
        op(**fields | change)
    assert caught.value.slug == slug


@both
def test_a_reverse_layer_is_a_forward_layer_on_the_reversed_sequence(op: type[Recurrent]) -> None:
    arrays = weights(op)
    backwards = run(op, arrays, direction="reverse")
    forwards = run(op, arrays | {"x": arrays["x"][::-1]})
    np.testing.assert_array_equal(backwards[0], forwards[0][::-1])
    for a, b in zip(backwards[1:], forwards[1:], strict=True):
        np.testing.assert_array_equal(a, b)


@both
def test_each_direction_of_a_bidirectional_layer_is_a_layer(op: type[Recurrent]) -> None:
    arrays = weights(op, 2)
    whole = run(op, arrays, direction="bidirectional")
    for d, direction in enumerate(("forward", "reverse")):
        part = {k: a if k == "x" else a[d : d + 1] for k, a in arrays.items()}
        for ours, single in zip(whole, run(op, part, direction=direction), strict=True):
            np.testing.assert_array_equal(ours.take(d, axis=-3), single.take(0, axis=-3))


@both
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_lengths_cut_each_sequence_as_if_it_were_alone(op: type[Recurrent], direction: str) -> None:
    arrays = weights(op)
    counts = np.int32([4, 1, 2])
    y, *last = run(op, arrays | {"lengths": counts}, direction=direction)
    for row, count in enumerate(counts):
        alone = {k: a[:, row : row + 1] if k in ("x", *op.states) else a for k, a in arrays.items()}
        expected, *final = run(op, alone | {"x": alone["x"][:count]}, direction=direction)
        np.testing.assert_allclose(y[:count, :, row], expected[:, :, 0], rtol=1e-6)
        np.testing.assert_array_equal(y[count:, :, row], 0)
        for a, b in zip(last, final, strict=True):
            np.testing.assert_allclose(a[:, row], b[:, 0], rtol=1e-6)


@both
def test_a_sequence_of_no_steps_ends_in_zeros(op: type[Recurrent]) -> None:
    y, *last = run(op, weights(op) | {"lengths": np.int32([0, 4, 4])})
    assert not y[:, :, 0].any()
    assert not any(state[:, 0].any() for state in last)
    assert all(state[:, 1:].all() for state in last)


@both
def test_the_state_carries_a_sequence_over_two_runs(op: type[Recurrent]) -> None:
    arrays = weights(op)
    x = arrays.pop("x")
    whole = run(op, arrays | {"x": x})
    first = run(op, arrays | {"x": x[:2]})
    second = run(op, arrays | {"x": x[2:]} | dict(zip(op.states, first[1:], strict=True)))
    np.testing.assert_allclose(np.concatenate([first[0], second[0]]), whole[0], rtol=1e-5, atol=1e-6)


@both
def test_absent_operands_are_zeros(op: type[Recurrent]) -> None:
    arrays = weights(op)
    kept = ("x", "weight", "recurrent_weight")
    zeros = {k: a if k in kept else np.zeros_like(a) for k, a in arrays.items()}
    for a, b in zip(run(op, zeros), run(op, {k: arrays[k] for k in kept}), strict=True):
        np.testing.assert_array_equal(a, b)


@both
def test_sixteen_bit_results_are_those_of_wide_arithmetic_rounded_once(op: type[Recurrent]) -> None:
    narrow = {k: a.astype(np.float16) for k, a in weights(op).items()}
    wide = run(op, {k: a.astype(np.float64) for k, a in narrow.items()})
    for a, b in zip(run(op, narrow), wide, strict=True):
        np.testing.assert_array_equal(a, b.astype(np.float16))


def test_an_lstm_with_open_gates_sums_its_inputs() -> None:
    opened = np.float32([[100, 100, 100, 0] + [0] * 4])  # input, output and forget gates saturate at 1
    x = np.float32([0.5, -0.25, 1.0]).reshape(3, 1, 1)
    weight = np.float32([0, 0, 0, 1]).reshape(1, 4, 1)
    recurrent = np.zeros((1, 4, 1), np.float32)
    y, hidden, cell = run(Lstm, {"x": x, "weight": weight, "recurrent_weight": recurrent, "bias": opened})
    sums = np.cumsum(np.tanh(x[:, 0, 0].astype(np.float64)))
    np.testing.assert_allclose(y[:, 0, 0, 0], np.tanh(sums), rtol=1e-6)
    np.testing.assert_allclose(cell[0, 0, 0], sums[-1], rtol=1e-6)
    np.testing.assert_array_equal(hidden[0], y[-1, 0])


def test_a_gru_with_a_closed_update_gate_keeps_its_state() -> None:
    arrays = weights(Gru)
    arrays["bias"][:, :HIDDEN] = 1000
    _, hidden = run(Gru, arrays)
    np.testing.assert_array_equal(hidden, arrays["initial_hidden"])


def test_the_place_of_the_reset_gate_matters_only_if_it_is_not_open() -> None:
    arrays = weights(Gru)
    assert (run(Gru, arrays)[0] != run(Gru, arrays, linear_before_reset=True)[0]).any()
    arrays["bias"][:, HIDDEN : 2 * HIDDEN] = 1000
    before, after = run(Gru, arrays)[0], run(Gru, arrays, linear_before_reset=True)[0]
    np.testing.assert_allclose(before, after, rtol=1e-5, atol=1e-6)


def test_arithmetic_counts_both_products_of_each_gate_and_step() -> None:
    made = Lstm(tensor(T, 1, 2), tensor(1, 20, 2), tensor(1, 20, 5))
    assert made.operations() == T * (2 * 4 * 5 * (2 + 5) + 13 * 5)
