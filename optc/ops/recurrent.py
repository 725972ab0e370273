"""Recurrent layers, LSTM and GRU, with the operand layouts and equations of ONNX and its default activations.

Sums and states are kept in float64 and results rounded once.
"""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import Dim
from optc.ir.dtypes import FLOATS, Array, DType
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, abstract_op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.expect import expect_rank, expect_shape
from optc.ops.sizes import same_size

State = tuple[Array, ...]
"""The hidden state `[N, H]`, and after it the cell state where a layer has one; float64."""


@abstract_op
class Recurrent(Op):
    """What LSTM and GRU share: `x: [T, N, I]` is read step by step, once per direction (`D` is 1 or 2).

    `weight: [D, gates * H, I]` applies to the input, `recurrent_weight: [D, gates * H, H]` to the hidden state, and
    `bias: [D, 2 * gates * H]` holds the bias of the first, then of the second. `lengths: [N]` says how many steps of
    each sequence count (all, if absent): later results are 0, and a reverse pass starts at the last step that
    counts. Initial states `[D, N, H]` are 0 if absent.

    Results are all hidden states `[T, D, N, H]`, then the last of each state, `[D, N, H]`: 0 for a sequence of no
    steps, as in ONNX Runtime (ONNX does not say).
    """

    x: Value = operand(*FLOATS)
    weight: Value = operand(*FLOATS, same_as="x")
    recurrent_weight: Value = operand(*FLOATS, same_as="x")
    bias: Value | None = operand(*FLOATS, same_as="x", default=None)
    lengths: Value | None = operand(DType.I32, default=None)
    initial_hidden: Value | None = operand(*FLOATS, same_as="x", default=None)
    direction: str = attribute(default="forward", one_of=("forward", "reverse", "bidirectional"))
    gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]] = ("initial_hidden",)

    @property
    def reversals(self) -> tuple[bool, ...]:
        """For each direction, whether it reads the sequences backwards."""
        return {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}[self.direction]

    @property
    def hidden_size(self) -> int:
        """`H`.

        Raises:
            OptcError: slug `hidden-size`: it is not known at compile time.
        """
        size = self.recurrent_weight.tensor.shape[-1]
        if not isinstance(size, int):
            raise self.refuse("hidden-size", "last size of operand recurrent_weight", "an integer", size)
        return size

    def infer(self) -> tuple[TensorType, ...]:
        for name in ("x", "weight", "recurrent_weight"):
            expect_rank(self, name, getattr(self, name), 3, 3)
        steps, batch, inputs = self.x.tensor.shape
        directions, hidden = len(self.reversals), self.hidden_size
        same_size(self, "first size of weight", self.weight.tensor.shape[0], directions)
        expect_shape(self, "weight", self.weight, (directions, self.gates * hidden, inputs))
        expect_shape(self, "recurrent_weight", self.recurrent_weight, (directions, self.gates * hidden, hidden))
        expect_shape(self, "bias", self.bias, (directions, 2 * self.gates * hidden))
        expect_shape(self, "lengths", self.lengths, (batch,))
        last = self.x.tensor.with_shape((directions, batch, hidden))
        for name in self.states:
            expect_shape(self, name, getattr(self, name), last.shape)
        return (self.x.tensor.with_shape((steps, directions, batch, hidden)), *(last for _ in self.states))

    @abstractmethod
    def step(self, gates: Array, recurrent: Array, bias: Array, state: State) -> State:
        """The next state.

        `gates: [N, gates * H]` is the input's part with the bias of both weights, `recurrent: [gates * H, H]` is
        the recurrent weight, `bias: [gates * H]` its bias; all are float64.
        """

    def scan(
        self, x: Array, weight: Array, recurrent: Array, bias: Array | None, lengths: Array | None,
        *initial: Array | None,
    ) -> tuple[Array, ...]:  # fmt: skip
        """All results, for `evaluate`."""
        steps, batch, _ = x.shape
        counts = np.full(batch, steps) if lengths is None else np.clip(lengths, 0, steps).astype(np.int64)
        hidden = np.zeros((steps, len(self.reversals), batch, self.hidden_size))
        last = [np.zeros(hidden.shape[1:]) if s is None else s.astype(np.float64) for s in initial]
        for d, backwards in enumerate(self.reversals):
            biases = np.zeros(2 * weight.shape[1]) if bias is None else bias[d].astype(np.float64)
            of_input, of_state = np.split(biases, 2)
            gates = x.astype(np.float64) @ weight[d].T.astype(np.float64) + (of_input + of_state)
            kernel = recurrent[d].astype(np.float64)
            state: State = tuple(s[d] for s in last)
            for t in range(steps):
                state = self._advance(t, backwards, counts, gates, kernel, of_state, state, hidden[:, d])
            for kept, final in zip(last, state, strict=True):
                kept[d] = np.where((counts > 0)[:, np.newaxis], final, 0)
        return tuple(r.astype(x.dtype) for r in (hidden, *last))

    def _advance(
        self, t: int, backwards: bool, counts: Array, gates: Array, recurrent: Array, bias: Array, state: State,
        hidden: Array,
    ) -> State:  # fmt: skip
        """Step `t` of one direction, for the sequences that are that long; writes their hidden states."""
        rows = np.flatnonzero(t < counts)
        at = counts[rows] - 1 - t if backwards else np.full(len(rows), t)
        new = self.step(gates[at, rows], recurrent, bias, tuple(s[rows] for s in state))
        hidden[at, rows] = new[0]
        out = tuple(s.copy() for s in state)
        for kept, fresh in zip(out, new, strict=True):
            kept[rows] = fresh
        return out

    def operations(self) -> Dim:
        steps, batch, inputs = self.x.tensor.shape
        of_gates: Any = 2 * self.gates * self.hidden_size * (inputs + self.hidden_size)
        elementwise = (2 * self.gates + 5) * self.hidden_size
        total: Any = (of_gates + elementwise) * steps * batch * len(self.reversals)
        return total  # type: ignore[no-any-return]  # Dim arithmetic is typed Any


def _sigmoid(x: Array) -> Array:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * x))


@op("lstm")
class Lstm(Recurrent):
    """Long short-term memory; the gates are input, output, forget, cell. The third result is the last cell state.

    `cell' = forget * cell + input * tanh(..)`, `hidden' = output * tanh(cell')`.
    """

    initial_cell: Value | None = operand(*FLOATS, same_as="x", default=None)
    gates: ClassVar[int] = 4
    states: ClassVar[tuple[str, ...]] = ("initial_hidden", "initial_cell")

    def step(self, gates: Array, recurrent: Array, bias: Array, state: State) -> State:
        hidden, cell = state
        i, o, f, c = np.split(gates + hidden @ recurrent.T, 4, axis=-1)
        cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(c)
        return _sigmoid(o) * np.tanh(cell), cell

    def evaluate(
        self, x: Array, weight: Array, recurrent: Array, bias: Any, lengths: Any, hidden: Any, cell: Any
    ) -> tuple[Array, ...]:
        return self.scan(x, weight, recurrent, bias, lengths, hidden, cell)


@op("gru")
class Gru(Recurrent):
    """Gated recurrent unit; the gates are update, reset, hidden.

    `hidden' = (1 - update) * tanh(..) + update * hidden`. The reset gate multiplies the hidden state before its
    weight is applied, or with `linear_before_reset` the product and its bias.
    """

    linear_before_reset: bool = attribute(default=False)
    gates: ClassVar[int] = 3

    def step(self, gates: Array, recurrent: Array, bias: Array, state: State) -> State:
        (hidden,) = state
        size = hidden.shape[-1]
        z, r = np.split(_sigmoid(gates[:, : 2 * size] + hidden @ recurrent[: 2 * size].T), 2, axis=-1)
        own = gates[:, 2 * size :]
        if self.linear_before_reset:
            # The gates hold the recurrent bias already; all but r times it is taken off again.
            own = own + r * (hidden @ recurrent[2 * size :].T) + (r - 1) * bias[2 * size :]
        else:
            own = own + (r * hidden) @ recurrent[2 * size :].T
        return ((1 - z) * np.tanh(own) + z * hidden,)

    def evaluate(self, x: Array, weight: Array, recurrent: Array, bias: Any, lengths: Any, hidden: Any) -> Any:
        return self.scan(x, weight, recurrent, bias, lengths, hidden)


OPS: tuple[type[Op], ...] = (Lstm, Gru)
