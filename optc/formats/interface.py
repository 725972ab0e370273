"""What inputs and outputs were before a format changed them, kept in the metadata for formats that need not.

Core ML has fewer names, and no integers of 64 bits, truth values or scalars as inputs and outputs. `original.interface`
is a JSON object: name, element type and rank as they were, by the name that is there now:
`{"input_1": ["input.1", "i64", 2]}`. A scalar has become a vector of one element.
"""

import json
import re
from collections.abc import Mapping

import attrs

from optc.errors import OptcError
from optc.ir.block import Block, Function, Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.rewriter import substitute
from optc.ir.types import TensorType, Type
from optc.ir.value import Value
from optc.ops.cast import Cast
from optc.ops.shape import Reshape

KEY = "original.interface"
_NARROW_OR_WIDE = (DType.I64, DType.BOOL, DType.I8, DType.U8, DType.I16, DType.U16)


@attrs.frozen
class Original:
    """What an input or output was."""

    name: str
    dtype: DType
    rank: int


def identifier(name: str) -> str:
    """A name as Core ML wants them: letters, digits and underscores, no digit first."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name) or "v"
    return f"_{plain}" if plain[0].isdigit() else plain


def originals(metadata: Mapping[str, str]) -> dict[str, Original]:
    """What inputs and outputs were, by the names that they have.

    Raises:
        OptcError: slug `original-interface`: the metadata hold no such object.
    """
    try:
        data = json.loads(metadata.get(KEY, "{}"))
        return {str(new): Original(str(old), DType(dtype), int(rank)) for new, (old, dtype, rank) in data.items()}
    except (ValueError, RecursionError, AttributeError, TypeError):
        expected = "an object of names and element types in JSON"
        raise OptcError("original-interface", f"metadata {KEY}", "value", expected) from None


def with_originals(metadata: Mapping[str, str], changed: Mapping[str, Original]) -> dict[str, str]:
    """The metadata after a change: `changed` says what inputs and outputs were, by the names that they got.

    What they were before an earlier change counts.
    """
    before = originals(metadata)
    found = {new: before.get(old.name, old) for new, old in changed.items()}
    kept = {name: entry for name, entry in metadata.items() if name != KEY}
    if found:
        listed = {new: [old.name, old.dtype.value, old.rank] for new, old in found.items()}
        kept[KEY] = json.dumps(listed, sort_keys=True, ensure_ascii=False)
    return kept


def restored(program: Program) -> Program:
    """The program whose main function has inputs and outputs as they were, as far as names are distinct then.

    Raises:
        OptcError: slug `original-interface`.
    """
    metadata = dict(program.metadata)
    known = originals(metadata)
    if not known:
        return program
    metadata.pop(KEY)
    main = program.main
    inputs, outputs = _names(main.input_names, known), _names(main.output_names, known)
    builder, fresh = Builder(), {}
    for value, name in zip(main.body.params, inputs, strict=True):
        kind = _type(value, known.get(value.name))
        given = builder.param(kind, name)
        fresh[value] = _adapted(given, value.type, value.name, builder)
    inner = substitute(main.body, fresh)
    builder.ops += inner.ops
    results = [
        _adapted(value, _type(value, known.get(name)), "", builder)
        for value, name in zip(inner.results, main.output_names, strict=True)
    ]
    changed = Function(main.name, Block(builder.params, builder.ops, results), outputs)
    functions = tuple(changed if function is main else function for function in program.functions)
    return attrs.evolve(program, functions=functions, metadata=metadata)


def _type(value: Value, original: Original | None) -> Type:
    """The type that a value had, as far as it has changed in ways that formats change it."""
    kind = value.type
    if original is None or not isinstance(kind, TensorType):
        return kind
    if kind.dtype is DType.I32 and original.dtype in _NARROW_OR_WIDE:
        kind = kind.with_dtype(original.dtype)
    return kind.with_shape(()) if original.rank == 0 and kind.shape == (1,) else kind


def _adapted(value: Value, to: Type, name: str, builder: Builder) -> Value:
    """A value as another of a type that formats confuse with its own."""
    if value.type == to or not isinstance(to, TensorType):
        return value
    if value.tensor.dtype is not to.dtype:
        value = builder.add(Cast(value, to.dtype), name)
    return builder.add(Reshape(value, to.static_shape), name) if value.tensor.rank != to.rank else value


def _names(names: tuple[str, ...], known: Mapping[str, Original]) -> tuple[str, ...]:
    wanted = tuple(known[name].name if name in known else name for name in names)
    return wanted if len(set(wanted)) == len(wanted) and all(wanted) else names
