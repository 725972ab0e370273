"""A program at the sizes that are given for its symbolic dimensions."""

from collections.abc import Mapping

import attrs

from optc.driver.facade import Pipeline
from optc.errors import UsageError
from optc.ir.block import Block, Program
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.rewriter import substitute
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.pipeline.manager import run_pipeline

CLEANUP = "@cleanup"
"""What works out, once the inputs have sizes, the sizes that the program computes."""


def sized(program: Program, sizes: Mapping[str, int]) -> Program:
    """The program itself if the sizes of all values follow from those of its inputs, by their types.

    Otherwise (where the program computes sizes) one for inputs of these sizes only (1 for dimensions that are not
    given), cleaned up, so that what it computes them from is gone. Results are the same for inputs of these sizes.

    Raises:
        UsageError: slug `sizes`: the program cannot be computed at these.
    """
    body = program.main.body
    values = (value for op in body.ops for value in op.results)
    if not any(isinstance(v.type, TensorType) and UNKNOWN in v.type.shape for v in values):
        return program
    fixed = {
        value: Value(_fixed(value.type, sizes), value.name)
        for value in body.params
        if isinstance(value.type, TensorType) and not value.type.is_static
    }
    if not fixed:
        return program
    moved = substitute(body, fixed)
    block = Block([fixed.get(value, value) for value in body.params], moved.ops, moved.results)
    main = program.main.with_body(block)
    functions = tuple(main if function is program.main else function for function in program.functions)
    outcome = run_pipeline(Pipeline.parse(CLEANUP), attrs.evolve(program, functions=functions))
    for remark in outcome.ledger:
        if remark.kind == "program" and remark.decision == "refused":
            given = ", ".join(f"{name}={size}" for name, size in sizes.items()) or "1 each"
            raise UsageError("sizes", "plan", "sizes", "such that the program can be computed", given, remark.message)
    return outcome.program


def symbols(program: Program) -> set[str]:
    """The names in the dimensions of the main function's values."""
    body = program.main.body
    values = (*body.params, *(value for op in body.ops for value in op.results))
    shapes = (value.type.shape for value in values if isinstance(value.type, TensorType))
    names = {name for shape in shapes for dim in shape if isinstance(dim, SymDim) for name in dim.names()}
    return names - {"?"}


def _fixed(kind: TensorType, sizes: Mapping[str, int]) -> TensorType:
    return kind.with_shape(tuple(_size(dim, sizes) for dim in kind.shape))


def _size(dim: Dim, sizes: Mapping[str, int]) -> Dim:
    if not isinstance(dim, SymDim):
        return dim
    return 1 if dim == UNKNOWN else dim.substitute({name: sizes.get(name, 1) for name in dim.names()})
