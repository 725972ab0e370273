"""What is planned of a program with symbolic dimensions: its cleaned-up form, at the sizes that are given."""

from collections.abc import Mapping

import attrs

from optc.driver.facade import Pipeline
from optc.errors import OptcError, UsageError
from optc.ir.block import Block, Program
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.op import Op
from optc.ir.types import TensorType, Type, type_refines
from optc.ir.value import Value
from optc.pipeline.manager import run_pipeline

CLEANUP = "@cleanup"
"""What works out, once the inputs have sizes, the sizes that the program computes."""


def sized(program: Program, sizes: Mapping[str, int]) -> Program:
    """What is planned of a program for inputs of these sizes (1 for dimensions that are not given).

    The program itself if its inputs have fixed sizes. Otherwise it is cleaned up, so that it is planned like what
    compression makes of it. If fixing the sizes lets more of it be worked out (a program that computes sizes), the
    result is for these sizes only; if not, it is for all. Results are the same but for the rounding of batch norms
    that are folded.

    Raises:
        UsageError: slug `sizes`: the program cannot be computed at these.
    """
    if all(not isinstance(v.type, TensorType) or v.type.is_static for v in program.main.body.params):
        return program
    general = run_pipeline(Pipeline.parse(CLEANUP), program).program
    fixed = _at(general, sizes)
    return fixed if _names(fixed) != _names(general) or _is_unknown(general) else general


def _at(program: Program, sizes: Mapping[str, int]) -> Program:
    """The program for inputs of these sizes only, cleaned up."""
    body = program.main.body
    inputs = {value: Value(_fixed(value.type, sizes, unknown=1), value.name) for value in body.params}
    try:
        main = program.main.with_body(_fixed_block(body, sizes, inputs))
    except OptcError as error:
        raise _refused(program, sizes, str(error)) from None
    functions = tuple(main if function is program.main else function for function in program.functions)
    outcome = run_pipeline(Pipeline.parse(CLEANUP), attrs.evolve(program, functions=functions))
    for remark in outcome.ledger:
        if remark.kind == "program" and remark.decision == "refused":
            raise _refused(program, sizes, remark.message)
    return outcome.program


def _fixed_block(block: Block, sizes: Mapping[str, int], fixed: dict[Value, Value]) -> Block:
    """A block whose values have these sizes; what is written of a size counts where types do not say it.

    Raises:
        OptcError: an op cannot take them.
    """

    def now(value: Value) -> Value:
        return fixed.get(value, value)

    def put(value: Value, kind: Type) -> Value:
        if kind != value.type:
            fixed[value] = Value(kind, value.name)
        return now(value)

    params = tuple(fixed.get(value) or put(value, _fixed(value.type, sizes)) for value in block.params)
    ops: list[Op] = []
    for op in block.ops:
        moved = op.with_operands(now).with_blocks(lambda nested: _fixed_block(nested, sizes, fixed))
        written = [_fixed(value.type, sizes) for value in op.results]
        if moved is not op or any(kind != value.type for kind, value in zip(written, op.results, strict=True)):
            kinds = map(_settled, written, moved.inferred())
            moved = moved.evolve(results=tuple(put(v, kind) for v, kind in zip(op.results, kinds, strict=True)))
        ops.append(moved)
    if all(new is old for new, old in zip((*params, *ops), (*block.params, *block.ops), strict=True)):
        return block
    return Block(params, ops, tuple(now(value) for value in block.results))


def _settled(written: Type, inferred: Type) -> Type:
    """What is inferred, and the sizes that are written where inference knows none."""
    if not (isinstance(written, TensorType) and isinstance(inferred, TensorType)) or written.rank != inferred.rank:
        return written if type_refines(written, inferred) else inferred
    dims = zip(written.shape, inferred.shape, strict=True)
    return inferred.with_shape(tuple(known if isinstance(known, int) else said for said, known in dims))


def _refused(program: Program, sizes: Mapping[str, int], why: str) -> UsageError:
    given = ", ".join(f"{name}={size}" for name, size in sizes.items()) or "1 each"
    shapes = (value.type.shape for value in program.main.body.params if isinstance(value.type, TensorType))
    dims = (dim for shape in shapes for dim in shape if isinstance(dim, SymDim))
    names = dict.fromkeys(name for dim in dims for name in sorted(dim.names()))
    names.pop("?", None)
    hint = f"; --size NAME=N gives a size to dimensions of the inputs, {', '.join(names)}" if names else ""
    return UsageError("sizes", "plan", "sizes", "such that the program can be computed", given, why + hint)


def _names(program: Program) -> list[str]:
    return [op.name for op in program.main.body.ops]


def _is_unknown(program: Program) -> bool:
    """Whether there is a size of which nothing is known before the program runs."""
    values = (value for op in program.main.body.ops for value in op.results)
    return any(isinstance(v.type, TensorType) and UNKNOWN in v.type.shape for v in values)


def symbols(program: Program) -> set[str]:
    """The names in the dimensions of the main function's values."""
    body = program.main.body
    values = (*body.params, *(value for op in body.ops for value in op.results))
    shapes = (value.type.shape for value in values if isinstance(value.type, TensorType))
    names = {name for shape in shapes for dim in shape if isinstance(dim, SymDim) for name in dim.names()}
    return names - {"?"}


def _fixed(kind: Type, sizes: Mapping[str, int], unknown: Dim = UNKNOWN) -> Type:
    if not isinstance(kind, TensorType) or kind.is_static:
        return kind
    return kind.with_shape(tuple(_size(dim, sizes, unknown) for dim in kind.shape))


def _size(dim: Dim, sizes: Mapping[str, int], unknown: Dim) -> Dim:
    if not isinstance(dim, SymDim):
        return dim
    return unknown if dim == UNKNOWN else dim.substitute({name: sizes.get(name, 1) for name in dim.names()})
