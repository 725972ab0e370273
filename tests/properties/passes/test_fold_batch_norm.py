"""Laws of fold-batch-norm."""

from typing import Any

from optc.ir.block import Program
from optc.ir.value import Value
from optc.ops.conv import ConvTranspose
from optc.ops.elementwise import Add, Div, Mul, Sub
from optc.ops.matmul import Linear, MatMul
from optc.ops.norm import BatchNorm
from optc.testing.check_pass import check_pass
from optc.testing.samplers.norm import EPSILONS
from optc.testing.samplers.window import conv, conv_transpose
from optc.testing.source import Source
from passes.cleanup.fold_batch_norm import FoldBatchNorm
from tests.properties.passes.planting import add, mixed, needed, number, positive, signed, smooth


def layer(s: Source) -> tuple[Value, int]:
    """The result of a layer, mostly with a constant weight, and its axis of channels."""
    kind = s.choice(("conv", "conv_transpose", "linear", "matmul", "biased"))
    if kind.startswith("conv"):
        return add(s, conv(s) if kind == "conv" else conv_transpose(s)), 1
    x = smooth(s, 2, 2 if s.boolean() else 3)
    dtype, made = x.tensor.dtype, s.integer(1, 4)
    taken = x.tensor.static_shape[-1]
    axis = x.tensor.rank - 1
    if kind == "linear":
        bias = signed(s, dtype, (made,)) if s.boolean() else None
        return add(s, Linear(x, signed(s, dtype, (made, taken)), bias)), axis
    total = add(s, MatMul(x, signed(s, dtype, (taken, made))))
    return mixed(s, Add, total, signed(s, dtype, (made,))) if kind == "biased" else total, axis


def batch_norm_after_a_layer(s: Source) -> Value:
    """With channels along axis 1, which are not those of a linear layer over more axes; parameters mostly constant."""
    x, _ = layer(s)
    if s.integer(0, 5) == 0:
        s.offer(x)  # to be used again
    dtype, shape = x.tensor.dtype, (x.tensor.static_shape[1],)
    scale, bias, mean = (signed(s, dtype, shape) for _ in range(3))
    if s.integer(0, 5) == 0:
        mean = s.value(dtype, shape)
    return add(s, BatchNorm(x, scale, bias, mean, positive(s, dtype, shape), epsilon=s.choice(EPSILONS)))


def arithmetic_after_a_layer(s: Source) -> Value:
    """With a number per channel, or one for all, or for something else than the channels."""
    x, axis = layer(s)
    rank, sizes = x.tensor.rank, x.tensor.static_shape
    axis = s.integer(0, rank - 1) if s.integer(0, 4) == 0 else axis
    c = number(s, s.choice((0.0, -1.0, 0.3)), x)
    if s.boolean():
        c = positive(s, x.tensor.dtype, (sizes[axis], *(1,) * (rank - 1 - axis)))
    op: Any = s.choice((Add, Mul, Sub, Div))
    return mixed(s, op, x, c) if op is not Div else add(s, Div(x, c))


def two_layers_of_one_weight(s: Source) -> Value:
    """What is folded into a shared weight would have to be stored twice."""
    x = smooth(s, 2, 2)
    dtype, taken = x.tensor.dtype, x.tensor.static_shape[-1]
    w = signed(s, dtype, (3, taken))
    s.offer(add(s, Linear(x, w)))
    return mixed(s, Mul, add(s, Linear(x, w)), signed(s, dtype, (3,)))


IDIOMS = (batch_norm_after_a_layer, arithmetic_after_a_layer, two_layers_of_one_weight)


def weights(program: Program) -> dict[str, list[tuple[int, ...]]]:
    """Shapes of what layers that are needed multiply by, by the kind of layer."""
    found: dict[str, list[tuple[int, ...]]] = {}
    for op in needed(program):
        if isinstance(op, Linear | ConvTranspose | MatMul):
            w = op.y if isinstance(op, MatMul) else op.w
            found.setdefault(op.name, []).append(w.tensor.static_shape)
    return {name: sorted(shapes) for name, shapes in found.items()}


def no_layer_is_lost_and_no_op_is_won(before: Program, after: Program) -> None:
    assert weights(before) == weights(after)
    computing = [sum(not op.constant for op in needed(program)) for program in (before, after)]
    assert computing[1] <= computing[0]


def test_batch_norms_are_folded_and_results_stay_the_same_but_for_rounding() -> None:
    check_pass(FoldBatchNorm(), IDIOMS, extra=no_layer_is_lost_and_no_op_is_won)
