"""The block of MIL that exporters add operations to, and the signature of exporters."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.domains import CAST_NAMES, DATA, OTHER_RESULTS, takes, wider
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.targets import IOS17, IOS18, Target
from optc.formats.coreml.values import type_message, value_message
from optc.formats.coreml.weight_file import CODES, WeightFileWriter
from optc.formats.interface import identifier
from optc.ir.block import Block
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import StateType, TensorType, Type
from optc.ir.value import Value
from optc.ops.weights import Weight, chain_of

WEIGHT_FILE = "@model_path/weights/weight.bin"
MOST_RANK = 5
_LEAST_IN_FILE = 10
"""Elements from which on a constant lies in the weight file; coremltools draws the line there too."""
_IN_FILE = (DType.F16, DType.F32, DType.I8, DType.U8)
_WIDE_INTEGERS = (DType.I16, DType.U16, DType.I32, DType.U32)
_ACTIVATIONS = (DType.F16, DType.F32, DType.I32, DType.BOOL, DType.STR)
_SMALL_INTEGERS = (DType.I8, DType.U8, DType.I16, DType.U16)

Parameter = Any
"""What an operation can be given: a value, or several; None for nothing; or a constant: a truth value, an integer, a
string, a tuple of these, a tensor, or an array (which says of which element type a float is)."""


class Names:
    """Names of values, each given once in a function."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def fresh(self, wanted: str) -> str:
        """`wanted` as an identifier, or that with a number if it is taken."""
        base = name = identifier(wanted)
        while name in self._taken:
            number = self._next.get(base, 0)
            self._next[base] = number + 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name


def lies_in_file(dtype: DType, elements: int, target: Target) -> bool:
    """Whether a constant lies in the weight file; others are part of the program."""
    wide = target >= IOS18 and dtype in _WIDE_INTEGERS
    return elements >= _LEAST_IN_FILE and dtype in CODES and (dtype in _IN_FILE or dtype.is_sub_byte or wide)


@attrs.define(eq=False)
class Files:
    """What all functions of a model share: the target, and the constants in its weight file."""

    target: Target
    weights: WeightFileWriter = attrs.field(factory=WeightFileWriter)

    def value(self, tensor: Tensor) -> mil.Value:
        """The message of a constant, which lies in the weight file if it is large enough."""
        if not lies_in_file(tensor.dtype, tensor.elements, self.target):
            return value_message(tensor)
        value = mil.Value(type=type_message(TensorType(tensor.dtype, tensor.shape)))
        value.blob_file.file_name, value.blob_file.offset = WEIGHT_FILE, self.weights.place(tensor)
        return value


class Body:
    """Operations of one block; those of nested blocks use the same names."""

    def __init__(self, files: Files, outer: "Body | None" = None) -> None:
        self.files = files
        self.operations: list[mil.Operation] = []
        self.root: Body = self if outer is None else outer.root
        self.node_names: Mapping[str, str] = {} if outer is None else outer.node_names
        """The names of operations by their first outputs, as far as they are to have other ones."""
        self.names: Names = Names() if outer is None else outer.names
        self._of: dict[Value, str] = {} if outer is None else outer._of
        self._held: dict[Value, Tensor] = {} if outer is None else outer._held
        self.expanded: dict[Value, Op] = {} if outer is None else outer.expanded
        """The constexpr ops, by their results."""
        self._preferred: dict[Value, str] = {}
        self._parameters: dict[Tensor, str] = {}
        self.absorbed: dict[Value, Value] = {} if outer is None else outer.absorbed
        """Values by what they are made of, where all users can do with that: transposed matrices, narrow indices."""
        self.export_ops: Callable[[Block, Body], None] | None = None if outer is None else outer.export_ops

    @property
    def target(self) -> Target:
        return self.files.target

    def require(self, target: Target, what: str) -> None:
        """Refuse what only a later target can express.

        Raises:
            OptcError: slug `target-too-old`, which names the lowest target that can.
        """
        if self.target < target:
            raise OptcError(
                "target-too-old",
                what,
                "target",
                f"{target.name} or later",
                self.target.name,
                f"use --target {target.name}",
            )

    def name(self, value: Value) -> str:
        """The name of a value; a constant is written when it is first asked for."""
        if value not in self._of and value in self._held:
            stored_type(value.type, self.target)  # refuses what there are no values of
            self._of[value] = self.names.fresh(value.name or "const")
            self.root.write_constant(self._of[value], self._held[value])
        return self._of[value]

    def hold(self, value: Value, tensor: Tensor) -> None:
        """Let a value be a constant."""
        self._held[value] = tensor

    def tensor(self, value: Value | None) -> Tensor | None:
        """The constant that a value is, or None."""
        return self._held.get(value) if value is not None else None

    def is_constant(self, value: Value) -> bool:
        """Whether a value is a constant, or expanded from constants."""
        return value in self._held or value in self.expanded

    def weight(self, value: Value) -> Weight | None:
        """The weight that a value is, if it is a constant or expanded from constants."""
        if not self.is_constant(value):
            return None
        held: dict[Value, Op] = {}

        def definition(value: Value) -> Op:
            if value in self.expanded:
                return self.expanded[value]
            if value not in held:
                held[value] = Const(self._held[value], results=(value,))
            return held[value]

        return Weight(value.name, value, chain_of(value, definition), ())

    def define(self, value: Value, name: str = "") -> str:
        """Give a value its name."""
        self._of[value] = self._preferred.get(value) or self.names.fresh(name or value.name)
        return self._of[value]

    def prefer(self, value: Value, name: str) -> None:
        """Let a value have a name, which is kept for it, when it is defined."""
        self._preferred[value] = name

    def alias(self, value: Value, other: Value) -> None:
        """Let a value be another; where it has a name to keep, an operation hands it on."""
        if value in self._preferred:
            self.add("identity", (value,), x=other)
        elif other in self._held and other not in self._of:
            self._held[value] = self._held[other]
        else:
            self._of[value] = self.name(other)

    def emit(self, op: Op, kind: str, **inputs: Parameter) -> None:
        """Add the operation that computes the results of `op`."""
        self.add(kind, op.results, **inputs)

    def make(self, kind: str, type_: TensorType, **inputs: Parameter) -> Value:
        """Add an operation that computes an intermediate value of this type."""
        value = Value(type_, kind)
        self.add(kind, (value,), **inputs)
        return value

    def add(
        self, kind: str, results: tuple[Value, ...], blocks: tuple[mil.Block, ...] = (), **inputs: Parameter
    ) -> None:
        """Add an operation; inputs that are None are left out.

        Where it does not take the element type of its data it is computed in a wider one, if that is the same.

        Raises:
            OptcError: slug `not-in-coreml`: there is no such type.
        """
        refused = self._refused(kind, inputs)
        if refused is None:
            self._add(kind, results, blocks, inputs)
            return
        wide = wider(kind, self.target, refused)
        if wide is None:
            raise OptcError("not-in-coreml", f"operation {kind}", "element type", "one that it takes", refused)
        self._add_wider(kind, results, inputs, refused, wide)

    def _refused(self, kind: str, inputs: Mapping[str, Parameter]) -> DType | None:
        """The element type of data that an operation does not take, if there is one."""
        for key, given in inputs.items():
            if isinstance(given, Value) and key in DATA and isinstance(given.type, TensorType):
                dtype: DType = DType.I32 if given.type.dtype is DType.I64 else given.type.dtype
            elif kind == "fill" and key == "value":
                dtype = Tensor.of(given).dtype
            else:
                continue
            if not takes(kind, self.target, dtype):
                return dtype
        return None

    def _add_wider(
        self, kind: str, results: tuple[Value, ...], inputs: Mapping[str, Parameter], narrow: DType, wide: DType
    ) -> None:
        if DType.BOOL is not narrow and not narrow.is_float:
            self.require(IOS17, f"operation {kind} on {narrow}")
        given = {key: self._widened(value, narrow, wide) for key, value in inputs.items()}
        follows = kind not in OTHER_RESULTS
        made = tuple(
            Value(v.tensor.with_dtype(wide), kind) if follows and v.tensor.dtype is narrow else v for v in results
        )
        self._add(kind, made, (), given)
        for value, result in zip(made, results, strict=True):
            if value is not result:
                self._add("cast", (result,), (), {"x": value, "dtype": CAST_NAMES[narrow]})

    def _widened(self, given: Parameter, narrow: DType, wide: DType) -> Parameter:
        if isinstance(given, tuple):
            return tuple(self._widened(item, narrow, wide) for item in given)
        if isinstance(given, np.ndarray):
            return given.astype(wide.numpy) if given.dtype == narrow.numpy else given
        if not isinstance(given, Value) or given.tensor.dtype is not narrow:
            return given
        held = self.tensor(given)
        if held is not None:
            return self.constant(held.array().astype(wide.numpy), given.name)
        made = Value(given.tensor.with_dtype(wide), given.name)
        self._add("cast", (made,), (), {"x": given, "dtype": CAST_NAMES[wide]})
        return made

    def _add(
        self, kind: str, results: tuple[Value, ...], blocks: tuple[mil.Block, ...], inputs: Mapping[str, Parameter]
    ) -> None:
        names = [self.define(value) for value in results]
        label = names[0] if names else self.names.fresh(kind)
        operation = mil.Operation(type=kind, blocks=blocks)
        for key, given in inputs.items():
            if given is None:
                continue
            many = isinstance(given, tuple) and all(isinstance(g, Value) for g in given) and len(given) > 0
            for item in given if many else (given,):
                bound = self.name(item) if isinstance(item, Value) else self.parameter(f"{label}_{key}", item)
                operation.inputs[key].arguments.add().name = bound
        self.finish(operation, label, names, results)

    def constant(self, value: Any, name: str) -> Value:
        """A new value that is a constant."""
        tensor = parameter_tensor(value)
        made = Value(TensorType(tensor.dtype, tensor.shape), name)
        self.hold(made, tensor)
        return made

    def add_constexpr(self, op: Op, kind: str, **attributes: Tensor) -> None:
        """Add the operation whose parameters are attributes, as those of compressed weights are before iOS 18."""
        names = [self.define(value) for value in op.results]
        operation = mil.Operation(type=kind)
        for key, tensor in attributes.items():
            operation.attributes[key].CopyFrom(self.files.value(tensor))
        self.finish(operation, names[0], names, op.results)

    def finish(
        self,
        operation: mil.Operation,
        label: str,
        names: Sequence[str],
        results: Sequence[Value],
        types: Mapping[int, mil.ValueType] | None = None,
    ) -> None:
        """Add an operation that lacks but its name and outputs; `types` are those that optc has no form for."""
        for index, (name, value) in enumerate(zip(names, results, strict=True)):
            given = types.get(index) if types else None
            operation.outputs.add(name=name, type=given or type_message(stored_type(value.type, self.target)))
        name = self.node_names.get(results[0].name if results else "", label)
        operation.attributes["name"].CopyFrom(value_message(Tensor.of(identifier(name), DType.STR)))
        self.operations.append(operation)

    def parameter(self, name: str, value: Any) -> str:
        """The name of a constant that holds a parameter; equal ones of a block, which are many, share it."""
        tensor = parameter_tensor(value)
        if tensor not in self._parameters:
            self._parameters[tensor] = self.names.fresh(f"{name}_0")
            self.write_constant(self._parameters[tensor], tensor)
        return self._parameters[tensor]

    def write_constant(self, name: str, tensor: Tensor) -> None:
        """Add the operation that is a constant, of this name."""
        self._write(name, self.files.value(narrowed(tensor)))

    def write_value(self, name: str, value: mil.Value) -> str:
        """Add the operation that is a constant; its name."""
        made = self.names.fresh(name)
        self._write(made, value)
        return made

    def _write(self, name: str, value: mil.Value) -> None:
        operation = mil.Operation(type="const")
        operation.outputs.add(name=name, type=value.type)
        operation.attributes["name"].CopyFrom(value_message(Tensor.of(name, DType.STR)))
        operation.attributes["val"].CopyFrom(value)
        self.operations.append(operation)

    def nested(self, params: Sequence[Value], fill: "Callable[[Body], Sequence[Value]]") -> mil.Block:
        """The message of a nested block whose operations `fill` adds; it gives the results."""
        inner = Body(self.files, self)
        made = mil.Block()
        for value in params:
            kind = type_message(stored_type(value.type, self.target))
            made.inputs.add(name=inner.define(value), type=kind)
        made.outputs.extend([inner.name(value) for value in fill(inner)])
        made.operations.extend(inner.operations)
        return made

    def inline(self, block: Block) -> Sequence[Value]:
        """Add the operations of a block, whose parameters have names; its results."""
        assert self.export_ops is not None  # set by the writer
        self.export_ops(block, self)
        return block.results


def stored_type(kind: Type, target: Target) -> Type:
    """The type that a value has in MIL, whose indices are of 32 bits.

    Raises:
        OptcError: slugs `coreml-dtype`, `coreml-shape`: there are no such values.
    """
    if isinstance(kind, StateType):
        return kind
    if not isinstance(kind, TensorType):
        return kind
    dtype = DType.I32 if kind.dtype is DType.I64 else kind.dtype
    known = (*_ACTIVATIONS, *_SMALL_INTEGERS, DType.U1, DType.U4, DType.I4, DType.U2, DType.U3, DType.U6)
    if dtype not in known:
        raise OptcError("coreml-dtype", "Core ML", "element type of a value", "one that Core ML has", str(kind))
    if 0 in kind.shape:
        raise OptcError("coreml-shape", "Core ML", "each size of a value", "at least 1", str(kind))
    return kind.with_dtype(dtype)


def narrowed(tensor: Tensor) -> Tensor:
    """A constant as MIL has it: integers of 64 bits as such of 32.

    Raises:
        OptcError: slug `coreml-dtype`: a number does not fit.
    """
    if tensor.dtype not in (DType.I64, DType.U32, DType.U64):
        return tensor
    array = tensor.array()
    least, most = DType.I32.integer_range
    if array.size and (int(array.min()) < least or int(array.max()) > most):
        raise OptcError("coreml-dtype", "Core ML", "every integer", "of 32 bits", f"{array.min()} to {array.max()}")
    return Tensor.of(array.astype(np.int32))


def parameter_tensor(value: Any) -> Tensor:
    """A parameter as a constant: truth values, 32-bit integers, strings; arrays and tensors as they are."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, str):
        return Tensor.of(value, DType.STR)
    if isinstance(value, bool):
        return Tensor.of(np.array(value))
    if isinstance(value, np.ndarray | np.generic):
        return Tensor.of(np.asarray(value))
    if isinstance(value, tuple) and value and all(isinstance(v, bool) for v in value):
        return Tensor.of(np.array(value))
    return narrowed(Tensor.of(np.array(value, np.int64)))


Exporter = Callable[[Any, Body], None]
"""Adds the operations of one op, and names its results (`Body.emit`, `Body.alias`)."""
Exporters = Mapping[type[Op], Exporter]
