"""Which rule a weight follows, and what the ledger says of it."""

from typing import Any

import numpy as np
import pytest

from optc.errors import UsageError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.opaque import Opaque
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.ops.elementwise import Add
from optc.ops.gather import Gather
from optc.ops.matmul import Linear, MatMul
from optc.ops.weights import weights_of
from optc.pipeline.manager import run_pipeline
from optc.pipeline.passes import PassContext
from optc.pipeline.pipeline import Pipeline
from optc.pipeline.remarks import Ledger, Remark
from passes.compress.configuration import Configuration
from passes.compress.configured import Configured
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify

P8, P4, Q8 = "palettize{bits=8,min_rank=1}", "palettize", "quantize"


def network() -> Program:
    """Two weights of their own, one of two ops of different types, and a vector."""
    rng = np.random.default_rng(0)
    b = Builder()
    x = b.param(TensorType(DType.F32, (4, 64)), "x")
    first, second, tied, vector = (
        b.const(rng.standard_normal(shape).astype(np.float32), name)
        for name, shape in (("first", (64, 64)), ("second", (64, 64)), ("tied", (64, 64)), ("vector", (4096,)))
    )
    y = b.add(Linear(x, first), "one")
    y = b.add(MatMul(y, second), "two")
    y = b.add(Linear(y, tied), "three")
    ids = b.const(np.zeros(4, np.int64), "ids")
    z = b.add(Gather(tied, ids, 0), "four")
    w = b.add(Gather(vector, ids, 0), "five")
    return b.program(y=b.add(Add(y, z)), z=w)


def remarks(running: Configured, program: Program | None = None) -> dict[str, Remark]:
    before = program or network()
    cx = PassContext(running)
    after = running.run(before, cx)
    for old, new in zip(weights_of(before), weights_of(after), strict=True):
        (remark,) = cx.ledger.about(old.name)
        assert remark.scheme == new.form
        assert remark.decision == "done" or new.constants == old.constants
    assert cx.ledger.unaccounted("configured", (w.name for w in weights_of(before))) == ()
    return {remark.subject: remark for remark in cx.ledger}


def forms(running: Configured, program: Program | None = None) -> dict[str, str]:
    return {name: remark.scheme for name, remark in remarks(running, program).items() if remark.kind == "weight"}


def test_names_go_before_types_and_types_before_the_default() -> None:
    running = Configured(P8, op_types=(f"{P4} for matmul",), names=("quantize for first", "none for two"))
    assert forms(running) == {
        "first": "quantized int8 per-channel", "second": "dense", "tied": "palettized 8-bit",
        "vector": "palettized 8-bit",
    }  # fmt: skip


def test_the_name_of_a_weight_goes_before_that_of_its_op_and_a_name_before_patterns() -> None:
    running = Configured(names=(f"{P8} for *", f"{P4} for one", "quantize for f?rst", f"{P4} for second"))
    found = forms(running)
    assert found["first"] == "palettized 8-bit"  # the first pattern that matches the weight itself
    assert found["second"] == "palettized 4-bit"
    assert forms(Configured(names=(f"{P4} for one",)))["first"] == "palettized 4-bit"


@pytest.mark.parametrize(
    ("given", "form", "overruled"),
    [
        ({"op_types": (f"{P8} for linear", "none for gather")}, "dense", "op_types.linear"),
        ({"op_types": (f"{P8} for gather", f"{P4} for linear")}, "palettized 4-bit", "op_types.gather"),
        ({"op_types": ("none for linear",), "names": (f"{P8} for four",)}, "palettized 8-bit", "op_types.linear"),
        ({"default": P8, "op_types": (f"{P4} for gather",)}, "palettized 4-bit", "default"),
        ({"op_types": (f"{P4} for gather", f"{P4} for linear")}, "palettized 4-bit", None),
        ({"op_types": (f"{P4} for gather",), "names": (f"{P8} for tied",)}, "palettized 8-bit", None),
    ],
)
def test_a_shared_weight_is_compressed_once_by_the_stated_rule(
    given: dict[str, Any], form: str, overruled: str | None
) -> None:
    remark = remarks(Configured(**given))["tied"]
    assert remark.scheme == form
    assert dict(remark.numbers).get("overruled") == overruled


def test_each_remark_names_its_rule_and_vectors_can_be_left() -> None:
    found = remarks(Configured("palettize{bits=8}", op_types=("none for matmul",)))
    assert {name: (r.reason, dict(r.numbers).get("rule")) for name, r in found.items()} == {
        "first": ("compressed", "default"), "second": ("excluded", "op_types.matmul"),
        "tied": ("compressed", "default"), "vector": ("too-few-axes", "default"),
    }  # fmt: skip
    assert dict(found["vector"].numbers) == {"axes": 1, "minimum": 2, "rule": "default"}


def test_a_rule_that_matches_nothing_leaves_a_remark_with_the_nearest_name() -> None:
    found = remarks(
        Configured(op_types=("none for liner", "none for conv"), names=("none for frist", "none for head*"))
    )
    unmatched = {name: remark for name, remark in found.items() if remark.kind == "program"}
    assert {name: (r.reason, r.message) for name, r in unmatched.items()} == {
        "names.frist": ("matches-nothing", "did you mean first?"),
        "names.head*": ("matches-nothing", ""),
        "op_types.liner": ("matches-nothing", "did you mean linear?"),
        "op_types.conv": ("matches-nothing", ""),
    }


@pytest.mark.parametrize("kind", ["rnn", "mil:rnn@ios15", "r?n"])
def test_operators_that_are_carried_have_the_types_that_their_format_gives_them(kind: str) -> None:
    b = Builder()
    x = b.param(TensorType(DType.F32, (4, 64)), "x")
    w = b.const(np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32), "w")
    op = Opaque("mil:rnn@ios15", (x, w), results=(Value(TensorType(DType.F32, (4, 64)), "y"),))
    program = b.program(y=b.add(op))
    assert forms(Configured(op_types=(f"{P8} for {kind}",)), program) == {"w": "palettized 8-bit"}


def test_a_joint_form_is_one_pass_for_each_step() -> None:
    made = Configuration(Palettize(bits=6, min_rank=1), {"linear": (Sparsify(), Quantize())}, {"second": None})
    first, second = made.passes()
    ledger: Ledger = run_pipeline(Pipeline((first, second)), network()).ledger
    last = {remark.subject: remark.scheme for remark in ledger}
    assert last["first"] == "sparse, quantized int8 per-channel"
    assert last["second"] == "dense"
    assert last["vector"] == "palettized 6-bit"
    assert len(ledger.about("first")) == 2


def test_a_configuration_without_rules_is_one_pass_that_leaves_everything() -> None:
    (only,) = Configuration().passes()
    assert {r.reason for r in remarks(only).values()} == {"excluded"}


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ({"default": "palettize{bits=5}"}, "option-choice"),
        ({"default": "palettise"}, "unknown-pass"),
        ({"default": "dead-code"}, "unknown-pass"),
        ({"default": "palettize,quantize"}, "rule-scheme"),
        ({"default": "fixpoint(palettize)"}, "rule-scheme"),
        ({"op_types": ("palettize",)}, "rule-form"),
        ({"names": ("none for a", "palettize for a")}, "rule-twice"),
    ],
    ids=str,
)
def test_a_wrong_rule_is_refused_when_the_pass_is_made(given: dict[str, Any], slug: str) -> None:
    with pytest.raises(UsageError) as refused:
        Configured(**given)
    assert refused.value.slug == slug


@pytest.mark.parametrize("first", ["gather", "linear"])
def test_a_shared_weight_gets_all_steps_of_the_rule_that_it_follows_and_none_of_another(first: str) -> None:
    joint, short = (Sparsify(), Quantize()), (Quantize(),)
    types = {"linear": joint if first == "linear" else short, "gather": short if first == "linear" else joint}
    made = Configuration(op_types=types).passes()
    ledger: Ledger = run_pipeline(Pipeline(made), network()).ledger
    (one, two) = ledger.about("tied")
    assert [dict(remark.numbers)["rule"] for remark in (one, two)] == ["op_types.linear"] * 2
    form = two.scheme if two.decision == "done" else one.scheme
    assert form == ("sparse, quantized int8 per-channel" if first == "linear" else "quantized int8 per-channel")
