"""From a program to a Core ML package.

The same program gives the same bytes, the identifiers of the manifest included.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from pathlib import Path

from optc.errors import OptcError
from optc.formats.coreml.body import MOST_RANK, Body, Files, stored_type
from optc.formats.coreml.description import TARGET, describe
from optc.formats.coreml.domains import CAST_NAMES
from optc.formats.coreml.matmul import swapped
from optc.formats.coreml.opaque import PREFIX, export_opaque
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.proto.model_pb2 import Model
from optc.formats.coreml.recurrent import rewritten
from optc.formats.coreml.tables import EXPORTERS
from optc.formats.coreml.targets import IOS16, IOS17, TARGETS, Target, target_named
from optc.formats.coreml.values import type_message
from optc.formats.interface import Original
from optc.formats.node_names import names_of
from optc.formats.placing import folder_aside
from optc.ir.block import Block, Function, Program
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.liveness import result_uses, users
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ir.types import StateType, TensorType, Type
from optc.ir.value import Value
from optc.ops.cast import Cast
from optc.ops.dynamic import Dynamic
from optc.ops.gather import Gather, GatherElements, GatherND
from optc.ops.matmul import MatMul
from optc.ops.shape import Transpose

_INDICES = (DType.I8, DType.U8, DType.I16, DType.U16)
_GATHERS = (Gather, GatherElements, GatherND)
AS_I32 = (DType.BOOL, DType.I8, DType.U8, DType.I16, DType.U16)
"""What goes in and out as integers of 32 bits."""
_AUTHOR = "com.apple.CoreML"
_NAMESPACE = uuid.UUID("5d0ce9d8-3c6f-5b0e-8d55-6c0f7e1c5a54")


def write_coreml(program: Program, path: Path, target: str = "") -> tuple[Path, ...]:
    """Write a program as a `.mlpackage` folder, which appears whole or not at all; the folder.

    Without a target it is written for that from which it was read, or else for the lowest from iOS 16 on that can
    express it.

    Raises:
        OptcError: an op has no form in Core ML (all such ops are named in one message), or none for the target.
        OSError: the folder cannot be written.
    """
    model, files = model_of(program, target)
    data = model.SerializeToString(deterministic=True)
    with folder_aside(path) as made:
        place = made / "Data" / _AUTHOR
        (place / "weights").mkdir(parents=True)
        files.weights.write(place / "weights" / "weight.bin")
        (place / "model.mlmodel").write_bytes(data)
        (made / "Manifest.json").write_text(_manifest(data), "utf-8")
    return (path,)


def model_of(program: Program, target: str = "") -> tuple[Model, Files]:
    """A program as a Core ML model, and the constants that lie beside it; see `write_coreml`."""
    _check_exportable(program)
    named = target or dict(program.metadata).get(TARGET, "")
    if named:
        return _model_for(program, target_named(named))
    last = None
    for candidate in TARGETS[TARGETS.index(IOS16) :]:
        try:
            return _model_for(program, candidate)
        except OptcError as error:
            if error.slug != "target-too-old":
                raise
            last = error
    assert last is not None  # there is a target
    raise last


def _model_for(program: Program, target: Target) -> tuple[Model, Files]:
    model, files = Model(specification_version=target.specification), Files(target)
    model.ml_program.version = 1
    changed: dict[str, Original] = {}
    for function in program.functions:
        made, names = _function(function, files, names_of(dict(program.metadata)))
        model.ml_program.functions[function.name].CopyFrom(made)
        changed |= names
    describe(model, program, changed)
    return model, files


def _function(
    function: Function, files: Files, node_names: Mapping[str, str]
) -> tuple[mil.Function, dict[str, Original]]:
    """The message of a function, and what inputs and outputs were, by the names that they got, where that changed."""
    body, block = Body(files), function.body
    body.export_ops = _export_ops
    body.node_names = node_names
    made = mil.Function(opset=files.target.opset)
    known: list[tuple[str, str, Value]] = []
    for value in block.params:
        name = body.names.fresh(value.name)
        known.append((name, value.name, value))
        made.inputs.add(name=name, type=type_message(_outside(value, function, files.target)))
        body.prefer(given := Value(_outside(value, function, files.target)), name)
        body.define(given)
        _adapt(given, value, body)
    outputs = _reserve_outputs(function, body)
    known += [(name, old, value) for (value, name), old in zip(outputs, function.output_names, strict=True)]
    _export_ops(block, body)
    message = mil.Block(outputs=[name for _, name in outputs])
    for value, name in outputs:
        kind = _outside(value, function, files.target)
        if kind != stored_type(value.type, files.target) or body.name(value) != name:
            body.prefer(final := Value(kind), name)
            _adapt(value, final, body)
    message.operations.extend(body.operations)
    made.block_specializations[files.target.opset].CopyFrom(message)
    changed = {
        name: Original(old, value.type.dtype, value.type.rank) for name, old, value in known
        if isinstance(value.type, TensorType)
        and (name != old or value.type.dtype in (DType.I64, *AS_I32) or _is_scalar(value.type))
    }  # fmt: skip
    return made, changed


def _outside(value: Value, function: Function, target: Target) -> Type:
    """The type that an input or output has: integers are of 32 bits, as are truth values; scalars are vectors.

    Raises:
        OptcError: slug `coreml-rank`.
    """
    kind = stored_type(value.type, target)
    where = f"function @{function.name}: %{value.name}"
    if isinstance(kind, StateType) and not kind.tensor.rank:
        raise OptcError("coreml-rank", where, "rank of a state", "at least 1", 0)
    if not isinstance(kind, TensorType):
        return kind
    if kind.rank > MOST_RANK:
        raise OptcError("coreml-rank", where, "rank of an input or output", f"at most {MOST_RANK}", kind.rank)
    if kind.dtype in AS_I32:
        kind = kind.with_dtype(DType.I32)
    return kind.with_shape((1,)) if _is_scalar(kind) else kind


def _is_scalar(kind: TensorType) -> bool:
    """Whether a type is that of a number, which must be a vector outside."""
    return not kind.rank and kind.dtype is not DType.STR


def _adapt(value: Value, wanted: Value, body: Body) -> None:
    """Let a value, cast and reshaped where that must be, be another."""
    given, kind = (stored_type(v.type, body.target) for v in (value, wanted))
    if given == kind:
        body.alias(wanted, value)
        return
    assert isinstance(given, TensorType)  # states stay what they are
    assert isinstance(kind, TensorType)
    if given.dtype is not kind.dtype:
        step = wanted if given.rank == kind.rank else Value(given.with_dtype(kind.dtype))
        if not {given.dtype, kind.dtype} <= {DType.I32, DType.BOOL}:
            body.require(IOS17, f"op {given.dtype} as {kind.dtype}")
        body.add("cast", (step,), x=value, dtype=CAST_NAMES[kind.dtype])
        value = step
    if given.rank != kind.rank:
        body.add("squeeze" if given.rank else "expand_dims", (wanted,), x=value, axes=(0,))


def _reserve_outputs(function: Function, body: Body) -> list[tuple[Value, str]]:
    """Values and names of the outputs; a value that is computed gets its first output's name."""
    computed = {v for op in function.body.ops if not op.constant for v in op.results}
    found, seen = [], set()
    for value, wanted in zip(function.body.results, function.output_names, strict=True):
        name = body.names.fresh(wanted)
        kind = value.type
        adapted = (
            isinstance(kind, TensorType) and kind.dtype is not DType.STR and (kind.dtype in AS_I32 or not kind.rank)
        )
        if value in computed and value not in seen and not adapted:
            body.prefer(value, name)
            seen.add(value)
        found.append((value, name))
    return found


def _export_ops(block: Block, body: Body) -> None:
    body.absorbed.update(_absorbed(block, body.target))
    unwritten = rewritten(block)
    for op in block.ops:
        if isinstance(op, Const):
            body.hold(op.result, op.value)
        elif isinstance(op, Opaque):
            export_opaque(op, body)
        elif not any(v in body.absorbed or v in unwritten for v in op.results):
            _export(_settled(op, body), body)
        if op.constant and not isinstance(op, Const):
            body.expanded.update(dict.fromkeys(op.results, op))


def _export(op: Op, body: Body) -> None:
    try:
        EXPORTERS[type(op)](op, body)
    except OptcError as error:
        if error.where.startswith("op "):
            raise
        raise error.at(f"{op.describe()}: {error.where}") from None


def _settled(op: Op, body: Body) -> Op:
    """An op whose parameters all are constants as its twin that has them as attributes."""
    if not isinstance(op, Dynamic):
        return op
    given = {}
    for name in op.parameters:
        value = getattr(op, name)
        held = body.tensor(value)
        if value is not None and held is None:
            return op
        if held is not None:
            given[name] = held.array()
    twin = op.settled(given)
    return op if twin is None or type(twin) not in EXPORTERS else twin.evolve(results=op.results)


def _absorbed(block: Block, target: Target) -> Mapping[Value, Value]:
    """Values whose users can do with what they are made of.

    Matrix products transpose matrices themselves; gathers take indices of narrow types.
    """
    uses = users(block)
    kept = result_uses(block)
    found = {}
    for op in block.ops:
        if not isinstance(op, Transpose | Cast) or op.results[0] in kept:
            continue
        value, by = op.results[0], uses.get(op.results[0], ())
        if isinstance(op, Transpose):
            fine = op.x.tensor.rank > 1 and op.perm == swapped(op.x.tensor.rank)
            fine = fine and all(isinstance(user, MatMul) for user in by)
        else:
            fine = target >= IOS17 and op.x.tensor.dtype in _INDICES and op.to in (DType.I32, DType.I64)
            fine = fine and all(isinstance(u, _GATHERS) and u.indices is value and u.x is not value for u in by)
        if fine and by:
            found[value] = op.x
    return found


def _check_exportable(program: Program) -> None:
    missing: dict[str, int] = {}
    for op in program.walk():
        known = isinstance(op, Const) or type(op) in EXPORTERS
        if isinstance(op, Opaque):
            known = op.operator.startswith(PREFIX)
        if not known:
            name = op.operator if isinstance(op, Opaque) else op.name
            missing[name] = missing.get(name, 0) + 1
    if missing:
        listed = ", ".join(f"{name} ({count})" for name, count in sorted(missing.items()))
        raise OptcError("not-in-coreml", "program", "every op", "one that Core ML can express", listed)


def _manifest(data: bytes) -> str:
    """The manifest; identifiers are made from the content."""
    content = hashlib.sha256(data).hexdigest()
    items = {
        "model.mlmodel": ("CoreML Model Specification", f"{_AUTHOR}/model.mlmodel"),
        "weights": ("CoreML Model Weights", f"{_AUTHOR}/weights"),
    }
    names = {name: str(uuid.uuid5(_NAMESPACE, f"{name}:{content}")).upper() for name in items}
    entries = {
        names[name]: {"author": _AUTHOR, "description": text, "name": name, "path": path}
        for name, (text, path) in items.items()
    }
    manifest = {
        "fileFormatVersion": "1.0.0",
        "itemInfoEntries": dict(sorted(entries.items())),
        "rootModelIdentifier": names["model.mlmodel"],
    }
    return json.dumps(manifest, indent=4) + "\n"
