"""The checks that make a program well formed: structure first, then each op's own rule."""

from collections.abc import Mapping
from typing import Any

import attrs

from optc.errors import OptcError, excerpt_of
from optc.ir.block import DEEPEST, Block, Function, Program
from optc.ir.check import RULE_BREAKS, RULE_HOLDS, check_fields
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.printer import print_lines
from optc.ir.types import StateType, TensorType, Type, UnknownType, type_refines
from optc.ir.value import Value


@attrs.frozen
class Invariant:
    """One rule: its number, the slug of the error that says it is broken, and what it says."""

    number: int
    slug: str
    says: str


INVARIANTS = tuple(
    Invariant(number, slug, says)
    for number, (slug, says) in enumerate(
        (
            ("defined-twice", "A value is defined once in its function, by one op or as one parameter."),
            ("undefined-value", "A value is used only after its definition, in the same block or one nested in it."),
            ("block-form", "A block holds ops, and values as its parameters and results."),
            ("nesting-depth", f"At most {DEEPEST} blocks lie in each other."),
            ("unknown-op", "Each op's class is the one that the catalog has under the op's name."),
            ("operand-form", "An operand is one value, or as many as its declaration says."),
            ("operand-type", "An operand is a tensor or a state, as its declaration says."),
            ("operand-dtype", "An operand's element type is one that its declaration allows."),
            ("operand-same-dtype", "Operands that are declared to share their element type do."),
            ("const-operand", "An operand that is declared constant is defined by a constant or a constexpr op."),
            ("attribute-kind", "An attribute's value is of its declared kind."),
            ("attribute-choice", "An attribute's value is one of its declared choices."),
            ("attribute-minimum", "An attribute's value is not below its declared minimum."),
            ("region-form", "A region is a block, or as many as its declaration says."),
            ("op-rule", "The op's own rule holds, its regions' signatures included; ops may name slugs of their own."),
            ("result-count", "An op defines as many values as its rule infers."),
            ("result-type", "A written type is the inferred one, or more precise where inference knows nothing."),
            ("type-form", "A type has a known element type, and dimensions that are symbolic or not negative."),
            ("state-escapes", "A state is an input of a function, never a result or a parameter of a nested block."),
        ),
        start=1,
    )
)  # fmt: skip


def verify(program: Program, catalog: Mapping[str, type[Op]] | None = None) -> None:
    """Check a program against `INVARIANTS` (number 5 only with a catalog).

    Raises:
        OptcError: the first rule that is broken, with the lines of the program round the op; its slug is the
            invariant's, or for an op's own rule the op's.
    """
    for function in program.functions:
        checker = _FunctionChecker(catalog)
        try:
            checker.function(function)
        except OptcError as error:
            raise located(error, program, function, checker.current) from error.__cause__


def located(error: OptcError, program: Program, function: Function, op: Op | None) -> OptcError:
    """The error at an op of a function, with the lines of the program round it; at the function if there is no op."""
    if op is None:
        return error.at(f"function @{function.name}")
    try:
        text, line_of_op = print_lines(program)
        line = line_of_op[id(op)]
        shown = text.split("\n")[line - 1]
        excerpt = excerpt_of(text, line, len(shown) - len(shown.lstrip()) + 1)
    except RULE_BREAKS:
        excerpt = ""  # the op is too malformed to be printed
    return error.at(f"{op.describe()} in @{function.name}", excerpt)


class _FunctionChecker:
    """One walk over a function; `current` is the op that is looked at, for the message."""

    def __init__(self, catalog: Mapping[str, type[Op]] | None) -> None:
        self.catalog = catalog
        self.current: Op | None = None
        self.defined: set[Value] = set()  # anywhere in the function
        self.scope: set[Value] = set()
        self.order: list[Value] = []  # the scope, in order of definition
        self.constants: set[Value] = set()
        self.good_types: set[Type] = set()

    def function(self, function: Function) -> None:
        self.block(function.body, 1, None)

    def block(self, block: Block, depth: int, holder: Op | None) -> None:
        if depth > DEEPEST:
            raise _refuse("nesting-depth", "blocks in each other", f"at most {DEEPEST} deep")
        outside = len(self.order)
        for value in block.params:
            self.define(value, "parameter", allow_state=holder is None)
        for op in block.ops:
            self.op(op, depth)
        self.current = holder
        for value in block.results:
            self.use(value, "result of the block")
            if type(value.type) is StateType:
                raise _refuse("state-escapes", f"result {value!r} of the block", "no state")
        self.scope.difference_update(self.order[outside:])
        del self.order[outside:]

    def op(self, op: Op, depth: int) -> None:
        if not isinstance(op, Op):
            raise _refuse("block-form", "member of a block", "an op", type(op).__name__)
        self.current = op
        if self.catalog is not None and self.catalog.get(op.name) is not type(op):
            raise _refuse("unknown-op", "op", "the one of the catalog", op.name)
        check_fields(op)
        self.operands(op)
        if op.spec.regions:
            for block in op.blocks:
                self.block(block, depth + 1, op)
            self.current = op
        self.results(op)

    def operands(self, op: Op) -> None:
        scope = self.scope
        for value in op.operands:
            if value not in scope:
                self.use(value, "operand")
        for field in op.spec.operands:
            if field.const:
                held = getattr(op, field.name)
                for value in held if type(held) is tuple else (held,):
                    if value is not None and value not in self.constants:
                        raise _refuse("const-operand", f"operand {field.name}", "known at compile time", repr(value))

    def results(self, op: Op) -> None:
        try:
            types = op.inferred()
        except RULE_BREAKS as error:
            raise _refuse("op-rule", "operands", RULE_HOLDS, error) from error
        if len(types) != len(op.results):
            raise _refuse("result-count", "number of results", str(len(types)), len(op.results))
        for value, inferred in zip(op.results, types, strict=True):
            self.define(value, "result", allow_state=False)
            if value.type != inferred and not type_refines(value.type, inferred):
                raise _refuse("result-type", f"type of result {_word(value)}", inferred, value.type)
        if op.constant:
            self.constants.update(op.results)

    def use(self, value: Any, what: str) -> None:
        if type(value) is not Value:
            raise _refuse("block-form", what, "a value", type(value).__name__)
        if value not in self.scope:
            ended = "it is defined in a block that has ended" if value in self.defined else ""
            raise _refuse("undefined-value", f"{what} {_word(value)}", "defined before its use", "", ended)

    def define(self, value: Any, what: str, allow_state: bool) -> None:
        if type(value) is not Value:
            raise _refuse("block-form", what, "a value", type(value).__name__)
        if value in self.defined:
            raise _refuse("defined-twice", f"{what} {_word(value)}", "defined once")
        self.defined.add(value)
        self.scope.add(value)
        self.order.append(value)
        if not allow_state and type(value.type) is StateType:
            raise _refuse("state-escapes", f"{what} {_word(value)}", "no state", value.type)
        if value.type not in self.good_types:
            self.good_types.add(_checked_type(value))


def _checked_type(value: Value) -> Type:
    kind = value.type
    tensor = kind.tensor if isinstance(kind, StateType) else kind
    if isinstance(tensor, UnknownType):
        return kind
    if not isinstance(tensor, TensorType) or not isinstance(tensor.dtype, DType):
        raise _refuse("type-form", f"type of {_word(value)}", "a type", repr(kind))
    for dim in tensor.shape:
        if not isinstance(dim, SymDim) and (type(dim) is not int or dim < 0):
            raise _refuse("type-form", f"dimension of {_word(value)}", "symbolic or at least 0", repr(dim))
    return kind


def _word(value: Value) -> str:
    return f"%{value.name}" if value.name else "without a name"


def _refuse(slug: str, what: str, expected: object, actual: object = "", hint: str = "") -> OptcError:
    return OptcError(slug, "", what, str(expected), actual, hint)
