"""What readers do with the values that an operator of a file was turned into: they get its names and types."""

from collections.abc import Sequence

from optc.errors import OptcError
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dims import UNKNOWN
from optc.ir.types import TensorType, Type
from optc.ir.value import Value


def named_results(
    builder: Builder, start: int, results: Sequence[Value], names: Sequence[str], declared: Sequence[Type]
) -> tuple[Value, ...]:
    """The values of an operator's outputs, named, and with types as precise as the file gives them.

    The ops from `start` on are those that the operator was turned into; they are rebuilt where a result changes. A
    value that they did not compute, or that is two outputs, stays as it is. Outputs without a name are not used.
    """
    fresh: dict[Value, Value] = {}
    made = {v for op in builder.ops[start:] if not isinstance(op, Const) for v in op.results}
    for value, name, kind in zip(results, names, declared, strict=False):
        if value in made and value not in fresh and name:
            fresh[value] = Value(sharper(value.type, kind), name)
    if fresh:
        for index in range(start, len(builder.ops)):
            op = builder.ops[index].with_operands(lambda v: fresh.get(v, v))
            if any(v in fresh for v in op.results):
                op = op.evolve(results=tuple(fresh.get(v, v) for v in op.results))
            builder.ops[index] = op
    return tuple(fresh.get(v, v) for v in results)


def sharper(inferred: Type, declared: Type) -> Type:
    """The inferred type, with what only the declaration knows."""
    if not isinstance(inferred, TensorType) or not isinstance(declared, TensorType):
        return inferred
    if inferred.rank != declared.rank:
        return inferred
    dims = (d if i == UNKNOWN else i for i, d in zip(inferred.shape, declared.shape, strict=True))
    return inferred.with_shape(tuple(dims))


def check_declared(inferred: Type, declared: Type, where: str) -> None:
    """Check that a file does not declare another type than the operator has.

    Raises:
        OptcError: slug `declared-type`: element type, rank, or a size that both know, differ.
    """
    if not isinstance(inferred, TensorType) or not isinstance(declared, TensorType):
        return
    sizes = zip(inferred.shape, declared.shape, strict=False)
    differ = any(isinstance(a, int) and isinstance(b, int) and a != b for a, b in sizes)
    if differ or inferred.rank != declared.rank or inferred.dtype is not declared.dtype:
        raise OptcError("declared-type", where, "declared type", str(inferred), declared)
