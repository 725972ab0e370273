"""Each op that Core ML can express: random programs go to a package and come back computing the same."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from optc.errors import OptcError
from optc.formats.coreml.reader import read_coreml
from optc.formats.coreml.tables import EXPORTERS
from optc.formats.coreml.writer import write_coreml
from optc.formats.interface import restored
from optc.ir.block import Block, Function, Program
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ir.rewriter import substitute
from optc.ir.value import Value
from optc.ir.verifier import verify
from optc.testing.equivalence import assert_equivalent
from optc.testing.programs import programs
from optc.testing.samplers.catalog import SAMPLERS

REFUSALS = ("not-in-coreml", "coreml-dtype", "coreml-rank", "coreml-shape")
SELDOM = (
    "lstm", "while_loop", "state.read", "constexpr.cast", "constexpr.lut_to_sparse", "constexpr.sparse_shift_scale",
    "lp_pool", "quantize", "dequantize",
)  # fmt: skip
"""Ops that Core ML has in few of the forms that are drawn; masks are not what it hands out."""


def examples() -> int:
    """A third of the profile's number: there are many ops."""
    assert settings.default is not None
    return max(25, settings.default.max_examples // 3)


def with_inputs_of(program: Program, after: Program) -> Program:
    """`after` with the input types of `program`, whose symbolic sizes Core ML has no names for."""
    body = after.main.body
    fresh = {v: Value(program.main.inputs[v.name], v.name) for v in body.params}
    inner = substitute(body, fresh)
    body = Block(tuple(fresh.values()), inner.ops, inner.results)
    return Program((Function(after.main.name, body, after.main.output_names),))


@pytest.mark.parametrize("op", sorted(EXPORTERS, key=lambda op: op.spec.name), ids=lambda op: op.spec.name)
def test_programs_of_one_op_come_back_from_a_package_computing_the_same(op: type[Op], tmp_path: Path) -> None:
    drawn = written = 0

    @settings(max_examples=examples(), suppress_health_check=list(HealthCheck), deadline=None)
    @given(programs({op: SAMPLERS[op]}, most=2))
    def law(program: Program) -> None:
        nonlocal drawn, written
        drawn += 1
        path = tmp_path / "model.mlpackage"
        try:
            write_coreml(program, path, "ios18")
        except OptcError as error:
            if error.slug in REFUSALS:
                return
            raise
        written += 1
        back = read_coreml(path)
        verify(back)
        assert not [op for op in back.walk() if isinstance(op, Opaque)]
        assert_equivalent(program, with_inputs_of(program, restored(back)), exact=False)

    law()
    assert written or op.spec.name in SELDOM, f"none of {drawn} programs of {op.spec.name} could be written"
