"""From a program to an ONNX model of opset 21, which plain ONNX Runtime runs without extensions."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import helper

from optc.errors import OptcError
from optc.formats.interface import restored
from optc.formats.node_names import names_of
from optc.formats.onnx.external import ExternalData, needs_external_data
from optc.formats.onnx.functions import DOMAIN, VERSION
from optc.formats.onnx.graph import Graph, Names
from optc.formats.onnx.tables import EXPORTERS
from optc.formats.onnx.tensors import tensor_to_proto
from optc.formats.placing import aside, both_aside
from optc.ir.block import NODE_NAMES, Block, Program
from optc.ir.const import Const
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ir.value import Value

OPSET = 21
IR_VERSION = 10


def write_onnx(program: Program, path: Path) -> tuple[Path, ...]:
    """Write a program of one function; the files that were written, which appear whole or not at all.

    What is too large for one file has its constants beside it, in the file of that name with `.data` behind it.

    Raises:
        OptcError: slug `not-in-onnx`: an op has no ONNX form (all such ops are named in one message), or there are
            several functions.
        OSError: the file cannot be written.
    """
    if needs_external_data(program):
        beside = path.with_name(path.name + ".data")
        external = ExternalData(beside.name)
        data = model_of(program, external).SerializeToString()
        with both_aside(path, beside) as (made, made_beside):
            made.write_bytes(data)
            external.write(made_beside)
        return path, beside
    data = model_of(program).SerializeToString()
    with aside(path) as made:
        made.write_bytes(data)
    return (path,)


def model_of(program: Program, external: ExternalData | None = None) -> onnx.ModelProto:
    """The main function of a program as an ONNX model, its large constants in `external`; see `write_onnx`."""
    _check_exportable(program)
    program = restored(program)
    main = program.main
    graph = Graph(Names(_value_names(main.body)), initializer=external.initializer if external else tensor_to_proto)
    graph.export_block = _export_block
    metadata = dict(program.metadata)
    graph.node_names = names_of(metadata)
    for value in main.body.params:
        graph.define(value)
    outputs = _reserve_outputs(graph, main.body, main.output_names)
    _export_ops(main.body, graph, outputs)
    for value, name in zip(main.body.results, main.output_names, strict=True):
        if outputs.get(value) != name:
            graph.node("Identity", [graph.name(value)], [name])
    metadata.pop(NODE_NAMES, None)
    proto = graph.proto(metadata.pop("onnx.graph", "main"), main.body.params, main.output_names, main.body.results)
    imports = [helper.make_opsetid("", OPSET)]
    for key in [k for k in metadata if k.startswith("onnx.opset.")]:
        imports.append(helper.make_opsetid(key.removeprefix("onnx.opset."), int(metadata.pop(key))))
    if graph.functions:
        imports.append(helper.make_opsetid(DOMAIN, VERSION))
    functions = list(graph.functions.values())
    model = helper.make_model(
        proto, functions=functions, opset_imports=imports, ir_version=IR_VERSION, producer_name="optc"
    )
    helper.set_model_props(model, metadata)
    return model


def _value_names(block: Block) -> Iterator[str]:
    """The names of values of a block, and of those nested in it."""
    values = (*block.params, *(value for op in block.walk() for value in op.results))
    return (value.name for value in values if value.name)


def _reserve_outputs(graph: Graph, block: Block, names: tuple[str, ...]) -> dict[Value, str]:
    """The values that can be computed straight into an output name; the others need an Identity."""
    made = {v for op in block.ops if not isinstance(op, Const) for v in op.results}
    chosen: dict[Value, str] = {}
    for value, name in zip(block.results, names, strict=True):
        graph.reserve(name)
        if value in made and value not in chosen:
            chosen[value] = name
            graph.prefer(value, name)
    return chosen


def _export_ops(block: Block, graph: Graph, outputs: Mapping[Value, str]) -> None:
    for op in block.ops:
        if isinstance(op, Const):
            graph.hold(op.result, op.value)
        elif isinstance(op, Opaque):
            _export_opaque(op, graph)
        else:
            EXPORTERS[type(op)](op, graph)


def _export_block(block: Block, graph: Graph) -> None:
    """The ops of a nested block; results that it does not compute itself pass through an Identity."""
    for value in block.params:
        graph.define(value)
    _export_ops(block, graph, {})
    own = {v for op in block.ops if not isinstance(op, Const) for v in op.results}
    seen: set[Value] = set()
    for value in block.results:
        if value in own and value not in seen:
            graph.block_results.append(graph.name(value))
        else:
            graph.block_results.append(graph.node("Identity", [graph.name(value)]))
        seen.add(value)


def _export_opaque(op: Opaque, graph: Graph) -> None:
    domain, kind, _ = _operator(op)
    attributes: dict[str, Any] = {}
    for name, value in op.extras:
        key = name.removeprefix("body:")
        attributes[key] = graph.nested(op.bodies[value]) if key != name else value
    inputs = [graph.name(v) for v in op.inputs]
    graph.node(kind, inputs, graph.outputs(op), domain=domain, **attributes)


def _operator(op: Opaque) -> tuple[str, str, int]:
    """Domain, operator and opset version of an opaque op of ONNX."""
    domain, _, rest = op.operator.removeprefix("onnx:").rpartition("::")
    kind, _, version = rest.rpartition("@")
    if domain or not version.isdecimal() or len(version) > 4:
        return domain, rest, 0
    return domain, kind, int(version)


def _check_exportable(program: Program) -> None:
    if len(program.functions) > 1:
        names = ", ".join(f"@{function.name}" for function in program.functions)
        raise OptcError("not-in-onnx", "program", "functions", "one, as an ONNX model has one graph", names)
    missing: dict[str, int] = {}
    for op in program.main.body.walk():
        reason = _reason_against(op)
        if reason:
            missing[reason] = missing.get(reason, 0) + 1
    if missing:
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(missing.items()))
        raise OptcError("not-in-onnx", "program", "every op", "one that ONNX can express", listed)


def _reason_against(op: Op) -> str:
    if isinstance(op, Const) or type(op) in EXPORTERS:
        return ""
    if not isinstance(op, Opaque):
        return op.name
    if not op.operator.startswith("onnx:"):
        return op.operator
    domain, kind, version = _operator(op)
    if not domain and version and not _same_since(kind, version):
        return f"{kind} of opset {version}, which opset {OPSET} changed"
    return ""


def _same_since(kind: str, version: int) -> bool:
    try:
        then = onnx.defs.get_schema(kind, version, "").since_version
        return bool(then == onnx.defs.get_schema(kind, OPSET, "").since_version)
    except onnx.defs.SchemaError:
        return False
