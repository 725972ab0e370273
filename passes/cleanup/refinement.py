"""Walks that make types more precise, and pass them on to the ops that follow."""

from collections.abc import Callable

import attrs

from optc.errors import OptcError
from optc.ir.block import Block, Function, Program
from optc.ir.rewriter import Visit, rebuild
from optc.pipeline.passes import PassContext


def rebuild_refined(program: Program, visit_of: Callable[[Block], Visit], cx: PassContext) -> Program:
    """The program after one walk over each function, whose visits may answer with results of more precise types.

    Later ops may not go with such types: where an op that never runs has operands that do not fit, or where a state or
    a loop insists on a symbolic size. Such a function stays as it is, and a remark with the slug of the error says so.
    """
    functions = tuple(_refine(function, visit_of, cx) for function in program.functions)
    same = all(a is b for a, b in zip(functions, program.functions, strict=True))
    return program if same else attrs.evolve(program, functions=functions)


def _refine(function: Function, visit_of: Callable[[Block], Visit], cx: PassContext) -> Function:
    try:
        return function.with_body(rebuild(function.body, visit_of(function.body)))
    except OptcError as error:
        cx.remark(function.name, "refused", error.slug, kind="program", message=str(error))
        return function
