"""The ONNX graph that exporters add nodes to, and the signature of exporters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from optc.errors import OptcError
from optc.formats.node_names import default_name
from optc.formats.onnx.functions import DOMAIN, GROUP_BYTES, UNPACKED, with_callees
from optc.formats.onnx.tensors import elem_type, tensor_to_proto
from optc.ir.block import Block
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType
from optc.ir.value import Value


class Names:
    """Names of ONNX values and nodes, each given once in the whole model.

    What the program names itself is called so, whatever comes before it: names that are made up differ from `own`.
    """

    def __init__(self, own: Iterable[str] = ()) -> None:
        self.taken: set[str] = set()
        self._own = frozenset(own)
        self._next: dict[str, int] = {}

    def fresh(self, wanted: str) -> str:
        """`wanted`, which the program names so, or that with a number if it is taken."""
        if not wanted or wanted in self.taken:
            return self.made_up(wanted)
        self.taken.add(wanted)
        return wanted

    def made_up(self, stem: str) -> str:
        """A name for what has none in the program: `stem`, or that with a number."""
        name = stem
        while not name or name in self.taken or name in self._own:
            number = self._next.get(stem, 0)
            self._next[stem] = number + 1
            name = f"{stem or 'v'}_{number}"
        self.taken.add(name)
        return name


class Graph:
    """Nodes and initializers of one ONNX graph; nested blocks become graphs of their own with the same names."""

    def __init__(
        self,
        names: Names,
        outer: "Graph | None" = None,
        initializer: Callable[[Tensor, str], onnx.TensorProto] = tensor_to_proto,
    ) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._defined: dict[str, Value] = {}
        self._names = names
        self._initializer_of = initializer
        self._of: dict[Value, str] = {} if outer is None else outer._of
        self._constants: dict[Any, str] = {} if outer is None else outer._constants
        self._held: dict[Value, tuple[Tensor, Graph]] = {} if outer is None else outer._held
        self.functions: dict[str, onnx.FunctionProto] = {} if outer is None else outer.functions
        """The model-local functions that nodes of the model call, callees first."""
        self._root: Graph = self if outer is None else outer._root
        self.node_names: Mapping[str, str] = {} if outer is None else outer.node_names
        """The names of nodes by their first outputs, as far as they are to have any."""
        self._preferred: dict[Value, str] = {}
        self._written: set[Value] = set()
        self.block_results: list[str] = []
        """Names of the results of a nested block."""
        self.export_block: Callable[[Block, Graph], None] | None = None if outer is None else outer.export_block

    def name(self, value: Value | None) -> str:
        """The ONNX name of a value; the empty string for an absent operand."""
        if value is None:
            return ""
        if value in self._held and value not in self._root._written:
            self._root._written.add(value)
            tensor, holder = self._held[value]
            self._of[value] = holder._initializer(tensor, self._of[value])
        return self._of[value]

    def hold(self, value: Value, tensor: Tensor) -> None:
        """Let a value be a constant; it is written, into this graph, when a node first asks for its name."""
        self._held[value] = tensor, self
        self._of[value] = self._names.fresh(value.name) if value.name else ""

    def tensor(self, value: Value | None) -> Tensor | None:
        """The constant that a value is, or None."""
        return self._held[value][0] if value is not None and value in self._held else None

    def reshaped(self, value: Value, shape: tuple[int, ...]) -> str:
        """The name of an initializer that has the elements of a constant in another shape."""
        tensor, holder = self._held[value]
        if tensor.shape == shape:
            return self.name(value)
        return holder.constant(Tensor(tensor.dtype, shape, tensor.storage), name=value.name)

    def _initializer(self, tensor: Tensor, reserved: str) -> str:
        """Write a constant; types that ONNX does not have are packed, and unpacked by a node."""
        if tensor.dtype not in UNPACKED:
            return self.constant(tensor, reserved=reserved)
        packed = tensor.stored()
        missing = -packed.size % GROUP_BYTES[tensor.dtype]
        name = self.constant(np.concatenate([packed, np.zeros(missing, np.uint8)]), DType.U8)
        shape = self.constant(np.array(tensor.shape, np.int64))
        out = [reserved] if reserved else 1
        return self.call(UNPACKED[tensor.dtype], [name, shape], out)

    def call(self, function: str, inputs: Sequence[str], outputs: Sequence[str] | int = 1, **attributes: Any) -> str:
        """Add a node that calls one of `optc.formats.onnx.functions`; otherwise as `node`."""
        for proto in with_callees(function):
            self.functions.setdefault(proto.name, proto)
        return self.node(function, inputs, outputs, domain=DOMAIN, **attributes)

    def define(self, value: Value, wanted: str = "") -> str:
        """Give a value its name."""
        preferred = self._preferred.get(value, "")
        self._of[value] = name = preferred or self._names.fresh(wanted or value.name)
        self._defined[name] = value
        return name

    def reserve(self, name: str) -> None:
        """Keep a name for an output."""
        self._names.taken.add(name)

    def prefer(self, value: Value, name: str) -> None:
        """Let a value have a reserved name when it is defined."""
        self._preferred[value] = name

    def alias(self, value: Value, name: str) -> None:
        """Let a value be known by the name of another."""
        self._of[value] = name

    def outputs(self, op: Op) -> list[str]:
        """Names for all results of an op, for the node that computes them."""
        return [self.define(value) for value in op.results]

    def node(
        self, op_type: str, inputs: Sequence[str], outputs: Sequence[str] | int = 1, domain: str = "", **attributes: Any
    ) -> str:
        """Add a node; `outputs` are names, or how many fresh ones to make. Gives the first output's name.

        Attributes that are None are left out; dtypes are written as ONNX's numbers, tensors as tensors.
        """
        names = [self._names.made_up("") for _ in range(outputs)] if isinstance(outputs, int) else list(outputs)
        kept = {key: _attribute(value) for key, value in attributes.items() if value is not None}
        inputs = list(inputs)
        while inputs and not inputs[-1]:
            inputs.pop()
        output = names[0] if names else ""
        own = self.node_names.get(output)
        label = self._names.fresh(own) if own else self._names.made_up(default_name(op_type, output))
        made = helper.make_node(op_type, inputs, names, name=label, domain=domain)
        for key, value in kept.items():
            # What an empty list would be of is not known; there is but one kind that has such attributes.
            kind = onnx.AttributeProto.INTS if value == [] else None
            made.attribute.append(helper.make_attribute(key, value, attr_type=kind))
        self.nodes.append(made)
        return names[0] if names else ""

    def emit(self, op: Op, op_type: str, inputs: Sequence[Value | str | None], **attributes: Any) -> None:
        """Add the node that computes the results of `op`."""
        given = [value if isinstance(value, str) else self.name(value) for value in inputs]
        self.node(op_type, given, self.outputs(op), **attributes)

    def constant(self, values: Any, dtype: DType | None = None, name: str = "", reserved: str = "") -> str:
        """The name of an initializer that holds `values`; equal ones without a name of their own are shared.

        Those are the whole model's; one with a name is this graph's, beside the nodes that use it, as optimizers of
        runtimes expect of a quantized weight.

        A `reserved` name is taken as it is, being one that was given already.
        """
        tensor = values if isinstance(values, Tensor) else Tensor.of(np.asarray(values), dtype)
        own = name or reserved
        if not own and tensor in self._constants:
            return self._constants[tensor]
        given = reserved or (self._names.fresh(name) if name else self._names.made_up("c"))
        place = self if own else self._root
        place.initializers.append(self._root._initializer_of(tensor, given))
        if not own:
            self._constants[tensor] = given
        return given

    def nested(self, block: Block) -> onnx.GraphProto:
        """The graph of a nested block."""
        if self.export_block is None:
            raise OptcError("nested-block", "ONNX graph", "nested block", "written by the model's writer")
        inner = Graph(self._names, self)
        self.export_block(block, inner)
        return inner.proto("body", block.params, inner.block_results, block.results)

    def proto(
        self, name: str, inputs: Sequence[Value], output_names: Sequence[str], outputs: Sequence[Value]
    ) -> onnx.GraphProto:
        """The finished graph. It declares the types of what its nodes compute, which viewers show beside the edges."""
        given = [value_info(self.name(v), v) for v in inputs]
        declared = {*output_names, *(info.name for info in given)}
        between = [(n, v) for n, v in self._defined.items() if n not in declared and isinstance(v.type, TensorType)]
        return helper.make_graph(
            self.nodes, name, given,
            [value_info(n, v) for n, v in zip(output_names, outputs, strict=True)],
            self.initializers, value_info=[value_info(n, v) for n, v in between],
        )  # fmt: skip


def value_info(name: str, value: Value) -> onnx.ValueInfoProto:
    """The declaration of a value; unknown types are left out."""
    if not isinstance(value.type, TensorType):
        return onnx.ValueInfoProto(name=name)
    shape = [d if isinstance(d, int) else None if str(d) == "?" else str(d) for d in value.type.shape]
    dtype = DType.U8 if value.type.dtype in UNPACKED else value.type.dtype
    return helper.make_tensor_value_info(name, elem_type(dtype), shape)


def _attribute(value: Any) -> Any:
    if isinstance(value, DType):
        return elem_type(value)
    if isinstance(value, Tensor):
        return tensor_to_proto(value, "")
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")  # as it was read: ONNX's strings may be any bytes
    return [_attribute(item) for item in value] if isinstance(value, tuple) else value


Exporter = Callable[[Any, Graph], None]
"""Adds the nodes of one op, and names its results (`Graph.outputs` or `Graph.emit`)."""
Exporters = Mapping[type[Op], Exporter]
