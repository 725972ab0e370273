"""From a Core ML model, an ML program, to a program.

Weights stay in their file. Constants that are parameters of operations become attributes. An operation that no
importer maps is carried as an `opaque` op, see `optc.formats.coreml.opaque`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from optc.errors import OptcError
from optc.formats.coreml.description import metadata_of
from optc.formats.coreml.opaque import opaque_of
from optc.formats.coreml.operation import Argument, Held, Operation, Output, UnmappedError
from optc.formats.coreml.package import Package, read_package
from optc.formats.coreml.proto import mil_pb2 as mil
from optc.formats.coreml.tables import IMPORTERS
from optc.formats.coreml.targets import Target, target_of_opset
from optc.formats.coreml.values import tensor_of, type_of
from optc.formats.node_names import node_names
from optc.formats.reading import Reading, unwatched, watched
from optc.formats.results import check_declared, named_results
from optc.ir.block import Block, Function, Program
from optc.ir.builder import Builder
from optc.ir.liveness import result_uses
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.value import Value

_DEEPEST = 32
_MOST_READINGS = 20
"""Times that a nested block is read, on average: first to see what it gives, then again to carry it as it is."""
_UNMAPPED_SLUGS = ("operand-type", "operand-dtype", "operand-same-dtype", "unknown-rank")


def read_coreml(path: Path, report: Reading = unwatched) -> Program:
    """The program in a `.mlpackage` folder or a `.mlmodel` file.

    The function that predictions run is the first; of several specializations of one, that for its own opset is read.
    `report` is told how many operations of a function are read.

    Raises:
        OptcError: the model is malformed, or none that optc reads; the message names the operation or value.
    """
    package = read_package(path)
    functions = package.model.ml_program.functions
    if not functions:
        raise OptcError("no-function", package.where, "ML program", "at least one function", "none")
    first = package.model.description.default_function_name or "main"
    names = sorted(functions, key=lambda name: (name != first, name))
    read = [_read_function(package, name, functions[name], report) for name in names]
    target = max(target for _, target in read)
    blocks = [functions[name].block_specializations[functions[name].opset] for name in names]
    named = node_names(_labels(blocks))
    return Program(tuple(function for function, _ in read), metadata_of(package.model, target) | named)


def _labels(blocks: Iterable[mil.Block]) -> Iterator[tuple[str, str, str]]:
    """Kind, name and first output of the operations that do not share their names with their first outputs."""
    for block in _all_blocks(blocks):
        for operation in block.operations:
            if operation.type == "const" or not operation.outputs or "name" not in operation.attributes:
                continue
            for name in operation.attributes["name"].immediate.tensor.strings.values[:1]:
                if name != operation.outputs[0].name:
                    yield operation.type, name, operation.outputs[0].name


def _all_blocks(blocks: Iterable[mil.Block]) -> Iterator[mil.Block]:
    """The blocks, and those nested in them."""
    waiting = list(blocks)
    while waiting:
        yield (last := waiting.pop())
        waiting += (block for operation in last.operations for block in operation.blocks)


def _read_function(package: Package, name: str, proto: mil.Function, report: Reading) -> tuple[Function, Target]:
    where = package.where if name == "main" else f"{package.where}: function {name}"
    target = target_of_opset(proto.opset, where)
    if proto.opset not in proto.block_specializations:
        raise OptcError(
            "specialization", where, "blocks", f"one for {proto.opset}", ", ".join(proto.block_specializations)
        )
    block = proto.block_specializations[proto.opset]
    reader = _Reader(package, target, where, block, report)
    builder, scope = Builder(), _Scope()
    for given in proto.inputs:
        scope.define(given.name, builder.param(type_of(given.type, where), given.name), where)
    return Function(name, reader.block(block, scope, builder), tuple(block.outputs)), target


class _Scope:
    """Values and constants by name, those of enclosing blocks included."""

    def __init__(self, outer: "_Scope | None" = None) -> None:
        self._known: dict[str, Argument] = {}
        self._outer = outer

    def define(self, name: str, argument: Argument, where: str) -> None:
        if not name or name in self._known:
            raise OptcError("value-name", where, "name of a value", "given, and once in its block", name)
        self._known[name] = argument

    def find(self, name: str, where: str) -> Argument:
        scope: _Scope | None = self
        while scope is not None:
            if name in scope._known:
                return scope._known[name]
            scope = scope._outer
        raise OptcError("undefined-value", where, "value", "defined before its use", name)


class _Reader:
    def __init__(self, package: Package, target: Target, where: str, outermost: mil.Block, report: Reading) -> None:
        self.package = package
        self.target = target
        self.report = report
        self.where = where
        self.open: list[Builder] = []
        """Those of the block that is read and of the blocks round it."""
        self.left = _MOST_READINGS * sum(1 + len(block.operations) for block in _all_blocks([outermost]))

    def block(self, block: mil.Block, scope: _Scope, builder: Builder) -> Block:
        """The block that these operations make, behind what the builder has already."""
        return _without_unused_constants(builder.block(*self._read(block, scope, builder)))

    def inline(self, block: mil.Block, params: Sequence[Value], scope: _Scope, builder: Builder) -> tuple[Value, ...]:
        """The results of a nested block, whose operations are added to the builder."""
        inner = _Scope(scope)
        for given, value in zip(block.inputs, params, strict=True):
            inner.define(given.name, value, self.where)
        return self._read(block, inner, builder)

    def _read(self, block: mil.Block, scope: _Scope, builder: Builder) -> tuple[Value, ...]:
        if len(self.open) == _DEEPEST:
            raise OptcError("nesting", self.where, "nesting of blocks", f"at most {_DEEPEST} deep")
        self.left -= 1 + len(block.operations)
        if self.left < 0:  # each level of nesting may be read several times, those inside it every time
            raise OptcError("nesting", self.where, "nested blocks", f"read at most {_MOST_READINGS} times each")
        self.open.append(builder)
        for operation in watched(block.operations, self.report if len(self.open) == 1 else unwatched):
            self._operation(operation, scope, builder)
        found = [scope.find(name, f"{self.where}: outputs of a block") for name in block.outputs]
        self.open.pop()
        return tuple(a.value if isinstance(a, Held) else a for a in found)

    def _constants(self) -> dict[Value, Op]:
        """The constant ops that were read so far, by their results."""
        return {value: op for builder in self.open for op in builder.ops if op.constant for value in op.results}

    def _operation(self, proto: mil.Operation, scope: _Scope, builder: Builder) -> None:
        named = proto.outputs[0].name if proto.outputs else ""
        where = f"{self.where}: {proto.type} {named}".rstrip()
        if proto.type == "const":
            if len(proto.outputs) != 1 or "val" not in proto.attributes:
                raise OptcError("const", where, "constant", "one output and a value")
            scope.define(named, self._held(named, proto.attributes["val"], builder, where), where)
            return
        arguments = {
            name: tuple(
                self._bound(binding, f"{named}_{name}", scope, builder, where) for binding in argument.arguments
            )
            for name, argument in sorted(proto.inputs.items())
        }
        for name, value in sorted(proto.attributes.items()):
            if name != "name":
                arguments[name] = (self._held(f"{named}_{name}", value, builder, where),)
        outputs = tuple(Output(o.name, type_of(o.type, where), o.type) for o in proto.outputs)
        seen = Operation(
            proto.type, self.target, arguments, outputs, proto.blocks, builder,
            lambda block, params, inner: self.inline(block, params, scope, inner), self._constants,
        )  # fmt: skip
        start = len(builder.ops)
        try:
            results = self._import(seen, where)
        except UnmappedError:
            results = None
        if results is None:
            builder.ops[start:] = [op for op in builder.ops[start:] if _is_held(op.results, arguments.values())]
            blocks = tuple(self._carried(block, scope) for block in proto.blocks)
            start = len(builder.ops)
            results = builder.append(opaque_of(seen, frozenset(proto.attributes), blocks))
        if len(results) != len(outputs):
            raise OptcError("output-count", where, "number of outputs", str(len(results)), len(outputs))
        for value, output in zip(results, outputs, strict=True):
            check_declared(value.type, output.type, where)
        declared = [o.type for o in outputs]
        fresh = named_results(builder, start, results, [o.name for o in outputs], declared)
        for value, output in zip(fresh, outputs, strict=True):
            scope.define(output.name, value, where)

    def _carried(self, block: mil.Block, scope: _Scope) -> Block:
        """A block of an operation that is carried."""
        builder = Builder()
        params = [builder.param(type_of(given.type, self.where), given.name) for given in block.inputs]
        return builder.block(*self.inline(block, params, scope, builder))

    def _import(self, seen: Operation, where: str) -> tuple[Value, ...] | None:
        importer = IMPORTERS.get(seen.kind)
        if importer is None:
            return None
        try:
            results = importer(seen)
        except OptcError as error:
            if error.slug in _UNMAPPED_SLUGS:
                return None
            raise error.at(where) from None
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise OptcError("mil-operation", where, "operation", "well formed", error) from None
        if results is None or set(seen.arguments) - seen.asked:
            return None
        return results if isinstance(results, tuple) else (results,)

    def _bound(self, binding: mil.Argument.Binding, name: str, scope: _Scope, builder: Builder, where: str) -> Argument:
        if binding.WhichOneof("binding") == "name":
            return scope.find(binding.name, where)
        return self._held(name, binding.value, builder, where)

    def _held(self, name: str, proto: mil.Value, builder: Builder, where: str) -> Held:
        return Held(name, proto, builder, lambda value: tensor_of(value, self.package, where))


def _is_held(results: Sequence[Value], arguments: Iterable[tuple[Argument, ...]]) -> bool:
    """Whether these are the value of a constant of the file: it may have other users, and stays."""
    return any(isinstance(a, Held) and a._value in results for given in arguments for a in given)


def _without_unused_constants(block: Block) -> Block:
    """The block but for constants that nothing uses: such as came to be in another form in the op that has them."""
    used, unused = result_uses(block), set[Value]()
    for op in reversed(list(block.walk())):
        if op.constant and used.isdisjoint(op.results):
            unused.update(op.results)
        else:
            used.update(op.operands)
    return rebuild(block, lambda op, out: () if unused & set(op.results) else None) if unused else block
