"""Passes with one thing wrong, as people get it wrong: each must be found out by the laws of the pass."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs
import numpy as np

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.liveness import uses_of
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops.activations import Gelu, HardSigmoid, HardSwish, Sigmoid, Silu
from optc.ops.attention import ScaledDotProductAttention
from optc.ops.cast import Cast
from optc.ops.elementwise import Add, Mul, Sub
from optc.ops.norm import BatchNorm, LayerNorm
from optc.ops.shape import Transpose
from optc.ops.slice import Slice
from optc.pipeline.passes import Pass, PassContext
from optc.pipeline.rules import Match, Replacement, Rule, rewrite
from optc.testing.programs import Idiom
from passes.cleanup.canonicalize import Canonicalize
from passes.cleanup.common_subexpressions import CommonSubexpressions
from passes.cleanup.dead_code import DeadCode
from passes.cleanup.deduplicate_weights import DeduplicateWeights
from passes.cleanup.fold_batch_norm import FoldBatchNorm
from passes.cleanup.fold_constants import FoldConstants
from passes.cleanup.fuse_attention import FuseAttention
from passes.cleanup.fuse_gelu import FuseGelu
from passes.cleanup.fuse_hard_swish import FuseHardSwish
from passes.cleanup.fuse_layer_norm import FuseLayerNorm
from passes.cleanup.fuse_silu import FuseSilu
from passes.cleanup.push_transposes import PushTransposes
from passes.cleanup.remove_identities import RemoveIdentities
from passes.rules.attention import ATTENTION
from passes.rules.batch_norm import FOLD_BATCH_NORM
from passes.rules.fitting import in_place_of, standing_for
from passes.rules.gelu import GELU
from passes.rules.layer_norm import LAYER_NORM
from tests.properties.passes import (
    test_canonicalize,
    test_common_subexpressions,
    test_dead_code,
    test_deduplicate_weights,
    test_fold_batch_norm,
    test_fold_constants,
    test_fuse_attention,
    test_fuse_gelu,
    test_fuse_hard_swish,
    test_fuse_layer_norm,
    test_fuse_silu,
    test_push_transposes,
    test_remove_identities,
)

Bodies = Callable[[Block], Block]
Apply = Callable[[Any, Match], Replacement]


@attrs.frozen
class Fault:
    """A wrong pass, what is wrong with it, and idioms that hold what it works on."""

    what: str
    wrong: Pass
    idioms: Sequence[Idiom]


def planted(right: Pass, change: Bodies) -> Pass:
    """A pass that promises what `right` promises, and does something else to each function."""

    def run(self: Pass, program: Program, cx: PassContext) -> Program:
        return program.map_bodies(change)

    wrong = attrs.frozen(type("Planted", (type(right),), {"run": run, "__doc__": "See `faults`."}))
    made: Pass = wrong()
    return made


def by_rules(*rules: Rule) -> Bodies:
    return lambda body: rewrite(body, rules)


def by_rule(kind: type[Op], apply: Apply) -> Bodies:
    return by_rules(Rule("wrong", (kind,), apply))


def spoilt(rules: Sequence[Rule], kind: type[Op], spoil: Callable[[Any], Op]) -> Bodies:
    """Rules of which the ops of one class are spoilt after they are made."""

    def wrapped(rule: Rule) -> Rule:
        def apply(op: Any, match: Match) -> Replacement:
            found = rule.apply(op, match)
            return spoil(found) if isinstance(found, kind) else found

        return attrs.evolve(rule, apply=apply)

    return by_rules(*map(wrapped, rules))


def batch_norm_without(field: str) -> Bodies:
    """Folding that forgets a parameter."""
    fold = FOLD_BATCH_NORM[0].apply

    def apply(op: BatchNorm, match: Match) -> Replacement:
        kind = op.mean.tensor
        zero = match.constant(np.zeros(kind.static_shape), dtype=kind.dtype)
        return fold(op.evolve(**{field: zero}), match)

    return by_rule(BatchNorm, apply)


def sub_as_add(op: Sub, match: Match) -> Replacement:
    return FOLD_BATCH_NORM[2].apply(Add(op.x, op.y), match)


def any_gate(op: Mul, match: Match) -> Replacement:
    """Silu of the one factor, whatever the gate is made of."""
    return in_place_of(op, Silu(op.x)) if isinstance(match.definition(op.y), Sigmoid) else None


def any_slope(op: Mul, match: Match) -> Replacement:
    gate = match.definition(op.y)
    return in_place_of(op, HardSwish(op.x)) if isinstance(gate, HardSigmoid) and gate.x is op.x else None


def composed_the_wrong_way(op: Transpose, match: Match) -> Replacement:
    inner = match.definition(op.x)
    if not isinstance(inner, Transpose):
        return None
    return in_place_of(op, Transpose(inner.x, tuple(op.perm[i] for i in inner.perm)))


def pushed_past_a_constant(op: Add, match: Match) -> Replacement:
    """Which is left as it is."""
    inner = match.definition(op.x)
    if not isinstance(inner, Transpose) or match.const(op.y) is None or op.result.type != inner.result.type:
        return None
    if op.y.type != inner.x.type:
        return None
    return Transpose(match.add(Add(inner.x, op.y)), inner.perm)


def kept_for(uses: Callable[[Op], Iterable[Value]], kept: Callable[[Op], bool]) -> Bodies:
    """Removal of the ops of a function that no later op uses, unless they are to be kept."""

    def change(body: Block) -> Block:
        needed = set(body.results)
        left = set()
        for op in reversed(body.ops):
            if kept(op) or needed.intersection(op.results):
                needed.update(uses(op))
                left.add(id(op))
        unwanted = {id(op) for op in body.ops} - left
        return rebuild(body, lambda op, out: () if id(op) in unwanted else None)

    return change


def has_effect(op: Op) -> bool:
    return not all(inner.pure for inner in (op, *(nested for block in op.blocks for nested in block.walk())))


def operands_alone(op: Op) -> Iterable[Value]:
    """Without what nested blocks use."""
    return op.operands


def merged_by(key: Callable[[Op], Any]) -> Bodies:
    """Merging of the ops that have equal keys (None: not to be merged)."""

    def change(body: Block) -> Block:
        first: dict[Any, Op] = {}
        top = {value for op in body.ops for value in op.results}

        def visit(op: Op, out: Builder) -> tuple[Value, ...] | None:
            kept = first.setdefault(key(op), op) if key(op) is not None and top.issuperset(op.results) else op
            return None if kept is op else kept.results

        return rebuild(body, visit)

    return change


def without_attributes(op: Op) -> Any:
    plain = op.pure and not op.blocks and not op.constant and len(op.results) == 1
    return (type(op), op.operands, op.result.type) if plain else None


def without_order(op: Op) -> Any:
    return (frozenset(op.operands), op.result.type) if isinstance(op, Sub) else None


def beginning_of(op: Op) -> Any:
    """All but the last element."""
    if not isinstance(op, Const):
        return None
    return op.value.dtype, op.value.shape, op.value.stored()[: -op.value.dtype.bits // 8].tobytes()


def without_shape(op: Op) -> Any:
    return (op.value.dtype, op.value.stored().tobytes()) if isinstance(op, Const) else None


def folded_in_the_wrong_order(op: Sub, match: Match) -> Replacement:
    x, y = match.const(op.x), match.const(op.y)
    if x is None or y is None:
        return None
    return in_place_of(op, Const(Tensor.of(op.evaluate(y.array(), x.array()), x.dtype)))


def folded_by_one_operand(op: Mul, match: Match) -> Replacement:
    """A product by a constant that holds a zero is held to be zero."""
    y = match.const(op.y)
    if y is None or not y.elements or y.array().all() or op.result.type != op.y.type:
        return None
    return match.constant(np.zeros(y.shape), dtype=y.dtype)


def any_way(op: Cast, match: Match) -> Replacement:
    inner = match.definition(op.x)
    return in_place_of(op, Cast(inner.x, op.to)) if isinstance(inner, Cast) else None


def slice_of_the_same_shape(op: Slice, match: Match) -> Replacement:
    return standing_for(op, op.x)


def constant_to_right(op: Sub, match: Match) -> Replacement:
    return in_place_of(op, Sub(op.y, op.x)) if match.const(op.x) is not None and match.const(op.y) is None else None


def zero_without_sign(op: Add, match: Match) -> Replacement:
    y = match.const(op.y)
    return standing_for(op, op.x) if y is not None and y.elements and not y.array().any() else None


FAULTS = (
    Fault("forgets the mean", planted(FoldBatchNorm(), batch_norm_without("mean")), test_fold_batch_norm.IDIOMS),
    Fault("forgets the bias", planted(FoldBatchNorm(), batch_norm_without("bias")), test_fold_batch_norm.IDIOMS),
    Fault("adds what is subtracted", planted(FoldBatchNorm(), by_rule(Sub, sub_as_add)), test_fold_batch_norm.IDIOMS),
    Fault(
        "takes one gelu for the other",
        planted(FuseGelu(), spoilt(GELU, Gelu, lambda op: Gelu(op.x, "none" if op.approximate == "tanh" else "tanh"))),
        test_fuse_gelu.IDIOMS,
    ),
    Fault("takes any gate", planted(FuseSilu(), by_rule(Mul, any_gate)), test_fuse_silu.IDIOMS),
    Fault("takes any slope", planted(FuseHardSwish(), by_rule(Mul, any_slope)), test_fuse_hard_swish.IDIOMS),
    Fault(
        "has another epsilon",
        planted(FuseLayerNorm(), spoilt(LAYER_NORM, LayerNorm, lambda op: op.evolve(epsilon=op.epsilon * 2 + 0.5))),
        test_fuse_layer_norm.IDIOMS,
    ),
    Fault(
        "forgets the scale",
        planted(FuseLayerNorm(), spoilt(LAYER_NORM, LayerNorm, lambda op: op.evolve(scale=None))),
        test_fuse_layer_norm.FORMS,
    ),
    Fault(
        "forgets the mask",
        planted(FuseAttention(), spoilt(ATTENTION, ScaledDotProductAttention, lambda op: op.evolve(mask=None))),
        test_fuse_attention.IDIOMS,
    ),
    Fault(
        "forgets the scale",
        planted(FuseAttention(), spoilt(ATTENTION, ScaledDotProductAttention, lambda op: op.evolve(scale=None))),
        test_fuse_attention.IDIOMS,
    ),
    Fault(
        "composes orders the wrong way",
        planted(PushTransposes(), by_rule(Transpose, composed_the_wrong_way)),
        test_push_transposes.IDIOMS,
    ),
    Fault(
        "leaves constants as they are",
        planted(PushTransposes(), by_rule(Add, pushed_past_a_constant)),
        test_push_transposes.IDIOMS,
    ),
    Fault("forgets uses in blocks", planted(DeadCode(), kept_for(operands_alone, has_effect)), test_dead_code.IDIOMS),
    Fault("forgets effects", planted(DeadCode(), kept_for(uses_of, lambda op: False)), test_dead_code.IDIOMS),
    Fault(
        "ignores attributes",
        planted(CommonSubexpressions(), merged_by(without_attributes)),
        test_common_subexpressions.IDIOMS,
    ),
    Fault(
        "ignores the order of operands",
        planted(CommonSubexpressions(), merged_by(without_order)),
        test_common_subexpressions.IDIOMS,
    ),
    Fault(
        "ignores the last element",
        planted(DeduplicateWeights(), merged_by(beginning_of)),
        test_deduplicate_weights.IDIOMS,
    ),
    Fault(
        "ignores the shape", planted(DeduplicateWeights(), merged_by(without_shape)), test_deduplicate_weights.IDIOMS
    ),
    Fault(
        "subtracts the wrong way",
        planted(FoldConstants(), by_rule(Sub, folded_in_the_wrong_order)),
        test_fold_constants.IDIOMS,
    ),
    Fault(
        "takes one zero for all",
        planted(FoldConstants(), by_rule(Mul, folded_by_one_operand)),
        test_fold_constants.IDIOMS,
    ),
    Fault(
        "takes any way between types",
        planted(RemoveIdentities(), by_rule(Cast, any_way)),
        test_remove_identities.IDIOMS,
    ),
    Fault(
        "takes a slice of the same shape",
        planted(RemoveIdentities(), by_rule(Slice, slice_of_the_same_shape)),
        test_remove_identities.IDIOMS,
    ),
    Fault(
        "exchanges the operands of sub",
        planted(Canonicalize(), by_rule(Sub, constant_to_right)),
        test_canonicalize.IDIOMS,
    ),
    Fault("takes 0 for -0", planted(Canonicalize(), by_rule(Add, zero_without_sign)), test_canonicalize.IDIOMS),
)
"""At least one for each cleanup pass."""
