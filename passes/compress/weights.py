"""What all compression passes share: which weights they take, the guards, and one remark per weight."""

import abc
import math
from collections.abc import Callable, Sequence

import attrs
import ml_dtypes
import numpy as np

from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import Array, DType
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.numerics.legal_sizes import legal_size
from optc.ops.resize import DynamicResize
from optc.ops.weights import Weight, form, weights_of
from optc.pipeline.passes import Pass, PassContext, option
from optc.pipeline.remarks import Remark
from optc.pipeline.suggest import did_you_mean
from passes.compress.rows import apart
from passes.compress.stored import Stored, stored

MIN_ELEMENTS = 2048
"""Smaller weights are left dense unless told otherwise, as coremltools' `weight_threshold` has it."""
COMPRESSIBLE = (DType.F16, DType.F32)
_CHANNEL_AXES = {"matmul": -1, "conv_transpose": 1, "lstm": 1, "gru": 1}
"""The axis of output channels by consumer; 0 for all others (conv, linear, rows of an embedding)."""
_INPUT_AXES = {"lstm": 2, "gru": 2}
"""The axis of input channels by consumer, where it is not the first that is not that of output channels."""

Numbers = dict[str, int | float | str]


@attrs.frozen(eq=False)
class Encoding:
    """A weight in its new form, and what a remark should say of it besides."""

    stored: Stored
    numbers: Numbers = attrs.field(factory=dict)


Encode = Callable[[Weight, Stored], Encoding]
"""The new form of a weight, from what is stored of it now. Refuses with an `OptcError`, whose slug is the reason."""


@attrs.frozen(kw_only=True)
class Compression(Pass):
    """A pass that stores each weight in another form, or leaves it as it was."""

    min_elements: int = option(MIN_ELEMENTS, minimum=0, help="leave smaller weights as they are")
    min_rank: int = option(2, minimum=0, help="leave weights of fewer axes as they are: biases, scales of norms")
    joint: bool = option(False, help="take weights that another pass has compressed, too")
    strict: bool = option(False, help="refuse sizes that do not fit a weight, rather than take the nearest that do")
    force: bool = option(False, help="compress even where the result is not smaller")

    def run(self, program: Program, cx: PassContext) -> Program:
        return compress_weights(program, cx, lambda weight: self)

    @abc.abstractmethod
    def encoder(self, weights: Sequence[Weight], cx: PassContext) -> Encode:
        """How to encode these weights, all that the pass will be asked for; `importance_of` says what counts."""

    def fitting(
        self, weight: Weight, axis: int, wanted: int, numbers: Numbers, *, of: str = "", unit: int = 1,
        most: int | None = None,
    ) -> int:  # fmt: skip
        """The size of groups or blocks along an axis, see `legal_size`.

        What is taken in place of what is wanted is noted in `numbers`, as `asked` and `taken`, or `asked_<of>` and
        `taken_<of>`.

        Raises:
            OptcError: the size does not divide the dimension, and the pass is strict (`size-does-not-divide`).
        """
        dim = max(weight.value.tensor.static_shape[axis], 1)
        size = min(wanted, dim) or dim
        taken = legal_size(dim, wanted, unit, most)
        if taken == size:
            return size
        if self.strict:
            expected = f"a divisor of {dim}" + (f" and a multiple of {unit}" if unit > 1 else "")
            raise OptcError("size-does-not-divide", weight.name, f"size along axis {axis}", expected, size)
        ending = f"_{of}" if of else ""
        numbers[f"asked{ending}"], numbers[f"taken{ending}"] = size, taken
        return taken


def compress_weights(
    program: Program,
    cx: PassContext,
    choose: Callable[[Weight], Compression | None],
    why: Callable[[Weight], Numbers] = lambda weight: {},
) -> Program:
    """Replace each weight by the encoding of the pass that is chosen for it; None leaves it.

    What `why` says of a choice stands in the remark.

    A weight that is left as it was keeps its very tensor. Each weight gets one remark, with the reason: `compressed`;
    `excluded`, `too-few-elements`, `too-few-axes`, `dtype`, `size` (a number that says how large a result is),
    `already-compressed`, `unknown-form`, `not-smaller` (skipped); or the slug of the error by which it was refused.

    Raises:
        UsageError: importance is given for a weight that the program does not have (`no-such-weight`).
    """
    tasks = [_Task(weight, choose(weight), why(weight)) for weight in weights_of(program)]
    _check_importance(cx, [task.weight.name for task in tasks])
    groups: dict[Compression, list[_Task]] = {}
    for task in tasks:
        if task.refusal() is None and task.chosen is not None:
            groups.setdefault(task.chosen, []).append(task)
    encoders = {chosen: chosen.encoder([task.weight for task in group], cx) for chosen, group in groups.items()}
    outcomes = cx.map(lambda task: task.outcome(cx, encoders), tasks, _Task.effort)
    made = {}
    for task, (ops, remark) in zip(tasks, outcomes, strict=True):
        cx.ledger.add(remark)
        if ops:
            made[task.weight.value] = ops
            cx.count("compressed")

    def visit(op: Op, out: Builder) -> Op | None:
        ops = next((made[value] for value in op.results if value in made), None)
        if ops is None:
            return None
        for part in ops[:-1]:
            out.append(part)
        return ops[-1]

    return program.map_bodies(lambda body: rebuild(body, visit)) if made else program


@attrs.frozen(eq=False)
class _Task:
    """One weight, the pass that is chosen for it, and why."""

    weight: Weight
    chosen: Compression | None
    why: Numbers

    def refusal(self) -> tuple[str, Numbers] | None:
        """Why the weight is left as it is, whatever the encoder says."""
        weight, chosen = self.weight, self.chosen
        if chosen is None:
            return "excluded", {}
        if weight.scheme != "dense" and not chosen.joint:
            return "already-compressed", {"form": weight.form}
        least = max(1, chosen.min_elements)
        if weight.elements < least:
            return "too-few-elements", {"elements": weight.elements, "minimum": least}
        rank = weight.value.tensor.rank
        if rank < chosen.min_rank:
            return "too-few-axes", {"axes": rank, "minimum": chosen.min_rank}
        if weight.value.tensor.dtype not in COMPRESSIBLE:
            return "dtype", {"dtype": weight.value.tensor.dtype.value}
        if any(isinstance(op, DynamicResize) for op in weight.consumers):
            return "size", {}
        return None

    def effort(self) -> float:
        """How much of the work the weight is: its elements, none if it is left as it is."""
        return 0.0 if self.refusal() else float(self.weight.elements)

    def outcome(self, cx: PassContext, encoders: dict[Compression, Encode]) -> tuple[tuple[Op, ...], Remark]:
        """The ops that make the weight anew (none if it is left), and the remark."""
        weight, chosen = self.weight, self.chosen
        before = weight.stored_bytes

        def left(reason: str, numbers: Numbers, decision: str = "skipped") -> tuple[tuple[Op, ...], Remark]:
            remark = Remark(
                cx.pass_name, weight.name, decision, reason, scheme=weight.form, bytes_before=before,
                bytes_after=before, numbers={**numbers, **self.why},
            )  # fmt: skip
            return (), remark

        refusal = self.refusal()
        if refusal is not None or chosen is None:
            return left(*(refusal or ("excluded", {})))
        now = stored(weight)
        if now is None:
            return left("unknown-form", {"form": weight.form})
        try:
            encoding = encoders[chosen](weight, now)
            ops = encoding.stored.ops(weight.name)
        except OptcError as error:
            return left(error.slug, {"problem": str(error)}, "refused")
        after = sum(op.value.stored_bytes for op in ops if isinstance(op, Const))
        if after >= before and not chosen.force:
            return left("not-smaller", {"bytes": after})
        change = apart(self._original(cx) or now, encoding.stored, weight.value.tensor.static_shape)
        if not math.isfinite(change.largest):
            return left("not-finite", {"problem": "what is stored would expand to infinite numbers"}, "refused")
        remark = Remark(
            cx.pass_name, weight.name, "done", "compressed", scheme=form(ops), bytes_before=before, bytes_after=after,
            snr_db=change.snr_db, numbers={"max_error": change.largest, **encoding.numbers, **self.why},
        )  # fmt: skip
        return ops, remark

    def _original(self, cx: PassContext) -> Stored | None:
        """What a pass before this one compressed; None if this one is the first."""
        first = cx.originals.setdefault(self.weight.name, self.weight)
        same = first.value.tensor.static_shape == self.weight.value.tensor.static_shape
        return stored(first) if first is not self.weight and same else None


def _check_importance(cx: PassContext, names: Sequence[str]) -> None:
    for name in cx.importance:
        if name not in names:
            raise UsageError(
                "no-such-weight",
                cx.pass_name,
                "importance",
                "of weights of the program",
                name,
                did_you_mean(name, names),
            )


def importance_of(weight: Weight, cx: PassContext) -> Array | None:
    """How much the squared error of each element counts, in the weight's shape; None where all count alike.

    Raises:
        OptcError: what is given does not broadcast to the weight (`importance-shape`), is no real number or not finite
            (`importance`), or negative.
    """
    given = cx.importance.get(weight.name)
    if given is None:
        return None
    if given.dtype == ml_dtypes.bfloat16:
        given = given.astype(np.float32)
    shape = weight.value.tensor.static_shape
    try:
        spread = np.broadcast_to(given, shape)
    except ValueError:
        raise OptcError(
            "importance-shape", weight.name, "importance", f"of shape {list(shape)}", list(given.shape)
        ) from None
    if spread.dtype.kind not in "fiub" or not np.isfinite(given).all() or (given < 0).any():
        raise OptcError("importance", weight.name, "importance", "finite numbers that are not negative")
    return spread


def input_axis(weight: Weight) -> int:
    """The axis of input channels."""
    rank = weight.value.tensor.rank
    axes = {_INPUT_AXES.get(op.name, rank) for op in weight.consumers}
    axis = axes.pop() if len(axes) == 1 else rank
    return axis if axis < rank else first_input_axis(rank, channel_axis(weight))


def first_input_axis(rank: int, channels: int) -> int:
    """The first axis that is not that of output channels, if there is one: by default that of input channels."""
    return next((axis for axis in range(rank) if axis != channels), channels)


def channel_axis(weight: Weight) -> int:
    """The axis of output channels; 0 if the ops that use the weight differ in it."""
    axes = {_CHANNEL_AXES.get(op.name, 0) for op in weight.consumers}
    axis = axes.pop() if len(axes) == 1 else 0
    rank = len(weight.value.tensor.static_shape)
    return axis % rank if -rank <= axis < rank else 0
