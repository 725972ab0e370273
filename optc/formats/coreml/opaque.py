"""MIL operations that the catalog does not have, carried as `opaque` ops and written back.

The operator is `mil:NAME@TARGET`. Float constants of rank 1 or more are operands, so that they can be compressed; the
others are in `extras`, of which there are:

    operands          names of the arguments that the operands are, one for each
    constant:NAME     an argument that is a constant tensor
    value:NAME        an argument that is another constant: the bytes of its message
    attribute:NAME    the same as `constant`, of an attribute of the operation
    type:INDEX        the type of a result that is no tensor: the bytes of its message
"""

from collections.abc import Collection
from functools import partial
from typing import Any

from optc.formats.coreml.body import Body
from optc.formats.coreml.operation import Argument, Held, Operation
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.targets import target_named
from optc.ir.block import Block
from optc.ir.dtypes import DType
from optc.ir.opaque import Opaque
from optc.ir.tensor import Tensor
from optc.ir.types import UnknownType
from optc.ir.value import Value

PREFIX = "mil:"


def opaque_of(operation: Operation, attributes: Collection[str], blocks: tuple[Block, ...]) -> Opaque:
    """The op that carries an operation; `attributes` are the names of arguments that the file has as attributes."""
    operands: list[Value] = []
    names: list[str] = []
    extras: list[tuple[str, Any]] = []
    for name, given in operation.arguments.items():
        if not any(_is_operand(argument) for argument in given):
            extras += [_extra(name, argument, name in attributes) for argument in given if isinstance(argument, Held)]
            continue
        for argument in given:
            operands.append(argument.value if isinstance(argument, Held) else argument)
            names.append(f"attribute:{name}" if name in attributes else name)
    for index, output in enumerate(operation.outputs):
        if isinstance(output.type, UnknownType):
            extras.append((f"type:{index}", _bytes(output.proto)))
    results = tuple(Value(output.type, output.name) for output in operation.outputs)
    operator = f"{PREFIX}{operation.kind}@{operation.target.name}"
    return Opaque(operator, tuple(operands), (("operands", tuple(names)), *extras), blocks, results=results)


def export_opaque(op: Opaque, body: Body) -> None:
    """Add the operation that an op carries.

    Raises:
        OptcError: slug `target-too-old`: the operation is one of a later target.
    """
    kind, _, target = op.operator.removeprefix(PREFIX).partition("@")
    body.require(target_named(target), op.describe())
    extras = dict(op.extras)
    operation = mil.Operation(type=kind)
    names = [body.define(value) for value in op.results]
    label = names[0] if names else body.names.fresh(kind)
    for name, value in zip(extras.pop("operands", ()), op.inputs, strict=True):
        assert value is not None  # MIL has no gaps between inputs
        held = body.tensor(value)
        if name.startswith("attribute:") and held is not None:
            operation.attributes[name.removeprefix("attribute:")].CopyFrom(body.files.value(held))
        else:
            operation.inputs[name].arguments.add().name = body.name(value)
    types = {}
    for key, tensor in extras.items():
        form, _, name = key.partition(":")
        if form == "attribute":
            operation.attributes[name].CopyFrom(body.files.value(tensor))
        elif form == "constant":
            operation.inputs[name].arguments.add().name = body.parameter(f"{label}_{name}", tensor)
        elif form == "value":
            made = mil.Value.FromString(tensor.stored().tobytes())
            operation.inputs[name].arguments.add().name = body.write_value(f"{label}_{name}_0", made)
        else:
            types[int(name)] = mil.ValueType.FromString(tensor.stored().tobytes())
    for block in op.bodies:
        operation.blocks.append(body.nested(block.params, partial(Body.inline, block=block)))
    body.finish(operation, label, names, op.results, types)


def _is_operand(argument: Argument) -> bool:
    if isinstance(argument, Value):
        return True
    return argument.is_tensor and argument.tensor.dtype.is_float and bool(argument.tensor.shape)


def _extra(name: str, held: Held, attribute: bool) -> tuple[str, Any]:
    if not held.is_tensor:
        return f"value:{name}", _bytes(held.proto)
    return f"{'attribute' if attribute else 'constant'}:{name}", held.tensor


def _bytes(message: Any) -> Tensor:
    data = message.SerializeToString(deterministic=True)
    return Tensor.from_stored(DType.U8, (len(data),), data)
