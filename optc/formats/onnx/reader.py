"""From an ONNX model to a program.

Weights stay where they are: raw data of the file are referred to, external data are memory-mapped. A node that
no importer maps is carried as an `opaque` op with the types that the file (or ONNX's own shape inference) gives.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError

from optc.errors import OptcError
from optc.formats.node_names import node_names
from optc.formats.onnx.compressed import fold_compressed
from optc.formats.onnx.foreign_types import with_inferred_types
from optc.formats.onnx.functions import DOMAIN, inline_foreign
from optc.formats.onnx.node import Importer, Node
from optc.formats.onnx.tables import IMPORTERS
from optc.formats.onnx.tensors import dtype_of, is_known, tensor_of_proto
from optc.formats.reading import Reading, unwatched, watched
from optc.formats.results import named_results
from optc.ir.block import Block, Function, Program
from optc.ir.builder import Builder
from optc.ir.dims import UNKNOWN, Dim, SymDim
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ir.tensor import Tensor
from optc.ir.types import HIGHEST_RANK, TensorType, Type, UnknownType
from optc.ir.value import Value

OPSETS = range(11, 25)
_STANDARD_DOMAINS = ("", "ai.onnx")
_MOST_READINGS = 20
"""Times that a subgraph is read, on average: first to see what it gives, then again for other types, or as it is."""


def read_onnx(path: Path, report: Reading = unwatched) -> Program:
    """The program in an ONNX file; `report` is told how many nodes are read.

    Raises:
        OptcError: the file is not an ONNX model, its opset is not from 11 to 24, or it is malformed; the message
            names the node or tensor.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
    except OSError as error:
        raise OptcError("unreadable", str(path), "model file", "readable", error.strerror) from None
    except (DecodeError, ValueError, RuntimeError):
        raise OptcError("not-onnx", str(path), "content", "an ONNX model (protobuf)") from None
    return program_of(model, path.parent, str(path), report)


def program_of(
    model: onnx.ModelProto, folder: Path | None = None, where: str = "ONNX model", report: Reading = unwatched
) -> Program:  # fmt: skip
    """The program in an ONNX model in memory; `folder` is where its external data are."""
    if not model.HasField("graph") or (not model.graph.node and not model.graph.output):
        raise OptcError("not-onnx", where, "content", "an ONNX model (protobuf)", "no graph")
    _check_text(model, where)
    model = inline_foreign(model, where)
    opset = _opset(model, where)
    reader = _Reader(opset, folder, where, model, report)
    body, output_names = reader.graph(model.graph)
    program = Program((Function("main", body, output_names),), _metadata(model))
    return fold_compressed(program)


def _opset(model: onnx.ModelProto, where: str) -> int:
    versions = [entry.version for entry in model.opset_import if entry.domain in _STANDARD_DOMAINS]
    if not versions or versions[0] not in OPSETS:
        raise OptcError(
            "onnx-opset", where, "opset", f"from {OPSETS[0]} to {OPSETS[-1]}", versions[0] if versions else "none"
        )
    return int(versions[0])


def _metadata(model: onnx.ModelProto) -> dict[str, str]:
    found = {entry.key: entry.value for entry in model.metadata_props}
    found["onnx.graph"] = model.graph.name
    found |= node_names((n.op_type, n.name, n.output[0] if n.output else "") for n in _all_nodes(model.graph))
    for entry in model.opset_import:
        if entry.domain not in (*_STANDARD_DOMAINS, DOMAIN):
            found[f"onnx.opset.{entry.domain}"] = str(entry.version)
    return found


def _all_graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """A graph, and the subgraphs of its nodes."""
    waiting = [graph]
    while waiting:
        yield (last := waiting.pop())
        waiting += [a.g for n in last.node for a in n.attribute if a.type == onnx.AttributeProto.GRAPH]


def _all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph, those of its subgraphs included."""
    return (node for inner in _all_graphs(graph) for node in inner.node)


def _check_text(model: onnx.ModelProto, where: str) -> None:
    """Check that names are text: of others protobuf makes bytes, which nothing else expects.

    Raises:
        OptcError: slug `not-utf8`.
    """
    names: list[Any] = [model.graph.name]
    for owner in (*_all_graphs(model.graph), *model.functions):
        for node in owner.node:
            names += (
                node.name,
                node.op_type,
                node.domain,
                *node.input,
                *node.output,
                *(a.name for a in node.attribute),
            )
        names += (info.name for info in owner.value_info)
    for graph in _all_graphs(model.graph):
        names += (named.name for held in (graph.input, graph.output, graph.initializer) for named in held)
        names += (
            dim.dim_param for held in (graph.input, graph.output, graph.value_info) for info in held
            for dim in info.type.tensor_type.shape.dim
        )  # fmt: skip
    for function in model.functions:
        names += (function.name, function.domain, *function.input, *function.output, *function.attribute)
    names += (text for entry in model.metadata_props for text in (entry.key, entry.value))
    names += (entry.domain for held in (model, *model.functions) for entry in held.opset_import)
    for name in names:
        if not isinstance(name, str):
            raise OptcError("not-utf8", where, "every name", "text in UTF-8", repr(name)[:80])


def _declared_types(model: onnx.ModelProto, where: str) -> dict[str, Type]:
    """Types by value name, as the file declares them."""
    graph = model.graph
    return {info.name: type_of(info, where) for info in (*graph.value_info, *graph.output, *graph.input)}


def type_of(info: onnx.ValueInfoProto, where: str) -> Type:
    """The type that a declaration gives; unknown where it is no tensor, has no rank, or is of elements unknown here."""
    tensor = info.type.tensor_type
    if not info.type.HasField("tensor_type") or not tensor.HasField("shape") or not is_known(tensor.elem_type):
        return UnknownType()
    if len(tensor.shape.dim) > HIGHEST_RANK:
        raise OptcError(
            "tensor-shape", f"{where}: {info.name}", "rank", f"at most {HIGHEST_RANK}", len(tensor.shape.dim)
        )
    return TensorType(dtype_of(tensor.elem_type, where), tuple(_dim(dim) for dim in tensor.shape.dim))


def _dim(dim: Any) -> Dim:
    if dim.HasField("dim_value"):
        return int(dim.dim_value) if dim.dim_value >= 0 else UNKNOWN
    name = re.sub(r"[^A-Za-z0-9_.]", "_", dim.dim_param)
    if not name or dim.dim_param.startswith("unk__"):
        return UNKNOWN
    return SymDim.named(name if name[0].isalpha() or name[0] == "_" else f"d{name}")


class _Scope:
    """Values by ONNX name, the names of enclosing graphs included."""

    def __init__(self, outer: "_Scope | None" = None) -> None:
        self.values: dict[str, Value] = {}
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.outer = outer


class _Reader:
    def __init__(
        self, opset: int, folder: Path | None, where: str, model: onnx.ModelProto, report: Reading
    ) -> None:  # fmt: skip
        self.opset = opset
        self.folder = folder
        self.where = where
        self.model = model
        self.types = _declared_types(model, where)
        self.report = report
        self.asked_onnx = False
        self.defined: dict[Value, Op] = {}
        self.depth = 0
        self.left = _MOST_READINGS * sum(1 + len(graph.node) for graph in _all_graphs(model.graph))

    def graph(
        self, graph: onnx.GraphProto, outer: _Scope | None = None, param_types: Sequence[Type] = ()
    ) -> tuple[Block, tuple[str, ...]]:
        """The block of a graph and the names of its outputs."""
        self.depth += 1
        if self.depth > 32:
            raise OptcError("nesting", self.where, "nesting of subgraphs", "at most 32 deep")
        self.left -= 1 + len(graph.node)
        if self.left < 0:  # each level of nesting may be read several times, those inside it every time
            raise OptcError("nesting", self.where, "subgraphs", f"read at most {_MOST_READINGS} times each")
        scope, builder = _Scope(outer), Builder()
        if graph.sparse_initializer:
            raise OptcError("sparse-initializer", self.where, "initializers", "dense tensors", "a sparse one")
        scope.initializers = {t.name: t for t in graph.initializer}
        inputs = [i for i in graph.input if i.name not in scope.initializers]
        for index, info in enumerate(inputs):
            declared = type_of(info, self.where)
            given = param_types[index] if index < len(param_types) else declared
            scope.values[info.name] = builder.param(given, info.name)
        for node in watched(graph.node, self.report if self.depth == 1 else unwatched):
            self._node(node, scope, builder)
        results = [self._value(o.name, scope, builder, f"output {o.name}") for o in graph.output]
        self.depth -= 1
        return builder.block(*results), tuple(o.name for o in graph.output)

    def _value(self, name: str, scope: _Scope, builder: Builder, user: str) -> Value:
        found: _Scope | None = scope
        while found is not None:
            if name in found.values:
                return found.values[name]
            if name in found.initializers:
                tensor = tensor_of_proto(found.initializers[name], self.folder, self.where)
                return self._constant(tensor, name, scope, builder)
            found = found.outer
        raise OptcError("undefined-value", self.where, f"input of {user}", "defined before its use", name)

    def _constant(self, tensor: Tensor, name: str, scope: _Scope, builder: Builder) -> Value:
        value = builder.const(tensor, name)
        self.defined[value] = builder.ops[-1]
        scope.values[name] = value
        return value

    def _node(self, node: onnx.NodeProto, scope: _Scope, builder: Builder) -> None:
        label = f"{node.op_type} node {node.name or '(' + ', '.join(node.output) + ')'}"
        inputs = tuple(self._value(i, scope, builder, label) if i else None for i in node.input)
        attributes = {a.name: self._attribute(a, label) for a in node.attribute}
        if node.op_type == "Constant" and node.domain in _STANDARD_DOMAINS and len(node.output) == 1:
            self._constant(_constant_tensor(attributes, f"{self.where}: {label}"), node.output[0], scope, builder)
            return
        types = tuple(self.types.get(name, UnknownType()) for name in node.output)
        seen = Node(
            node.op_type, self.opset, inputs, attributes, tuple(node.output), types, builder, self.defined,
            lambda graph, params: self.graph(graph, scope, params)[0],
        )  # fmt: skip
        start = len(builder.ops)
        results = self._import(node, seen, label)
        if results is None:
            del builder.ops[start:]
            results = builder.append(self._opaque(node, seen))
        named = named_results(builder, start, results, seen.outputs, seen.output_types)
        for name, value in zip(node.output, named, strict=False):
            if name:
                scope.values[name] = value
        for op in builder.ops[start:]:
            self.defined.update(dict.fromkeys(op.results, op))

    def _import(self, node: onnx.NodeProto, seen: Node, label: str) -> tuple[Value, ...] | None:
        name = node.op_type if node.domain in _STANDARD_DOMAINS else f"{node.domain}.{node.op_type}"
        importer: Importer | None = IMPORTERS.get(name)
        if importer is None or any(v is not None and isinstance(v.type, UnknownType) for v in seen.inputs):
            return None
        try:
            results = importer(seen)
        except OptcError as error:
            if error.slug in ("operand-type", "operand-dtype", "operand-same-dtype"):
                return None
            raise error.at(f"{self.where}: {label}") from None
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise OptcError("onnx-node", f"{self.where}: {label}", "node", "well formed", error) from None
        if results is None:
            return None
        return results if isinstance(results, tuple) else (results,)

    def _opaque(self, node: onnx.NodeProto, seen: Node) -> Opaque:
        bodies = [(n, a) for n, a in seen.attributes.items() if isinstance(a, onnx.GraphProto)]
        if any(g.input for _, g in bodies):
            raise OptcError(
                "opaque-subgraph", self.where, f"operator {node.op_type} with subgraphs", "one that optc knows"
            )
        extras = [(n, a) for n, a in seen.attributes.items() if not isinstance(a, onnx.GraphProto)]
        extras += [(f"body:{n}", i) for i, (n, _) in enumerate(bodies)]
        domain = "" if node.domain in _STANDARD_DOMAINS else f"{node.domain}::"
        version = "" if domain else f"@{self.opset}"
        results = tuple(Value(self._type(name), name) for name in seen.outputs)
        blocks = tuple(seen.subgraph(g, ()) for _, g in bodies)
        return Opaque(f"onnx:{domain}{node.op_type}{version}", seen.inputs, tuple(extras), blocks, results=results)

    def _type(self, name: str) -> Type:
        """The type of an output of an operator that is carried, by ONNX's inference if the file does not say it."""
        if name and isinstance(self.types.get(name, UnknownType()), UnknownType) and not self.asked_onnx:
            self.asked_onnx = True
            inferred = _declared_types(with_inferred_types(self.model), self.where)
            self.types = {**inferred, **{n: t for n, t in self.types.items() if not isinstance(t, UnknownType)}}
        return self.types.get(name, UnknownType())

    def _attribute(self, attribute: onnx.AttributeProto, label: str) -> Any:
        kind = attribute.type
        if kind == onnx.AttributeProto.TENSOR:
            return tensor_of_proto(attribute.t, self.folder, f"{self.where}: {label}")
        if kind == onnx.AttributeProto.GRAPH:
            return attribute.g
        if kind == onnx.AttributeProto.STRING:
            return attribute.s.decode("utf-8", "surrogateescape")
        if kind == onnx.AttributeProto.STRINGS:
            return tuple(s.decode("utf-8", "surrogateescape") for s in attribute.strings)
        if kind in (onnx.AttributeProto.INT, onnx.AttributeProto.FLOAT):
            return onnx.helper.get_attribute_value(attribute)
        if kind in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS):
            return tuple(onnx.helper.get_attribute_value(attribute))
        name = onnx.AttributeProto.AttributeType.Name(kind)
        raise OptcError("onnx-attribute", f"{self.where}: {label}", attribute.name, "a kind that optc carries", name)


def _constant_tensor(attributes: Mapping[str, Any], where: str) -> Tensor:
    from optc.ir.dtypes import DType

    for name, dtype in (
        ("value_float", DType.F32), ("value_floats", DType.F32), ("value_int", DType.I64),
        ("value_ints", DType.I64), ("value_string", DType.STR), ("value_strings", DType.STR),
    ):  # fmt: skip
        if name in attributes:
            return Tensor.of(attributes[name], dtype)
    if not isinstance(attributes.get("value"), Tensor):
        raise OptcError("onnx-attribute", where, "value", "a dense tensor")
    tensor: Tensor = attributes["value"]
    return tensor
