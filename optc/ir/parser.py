"""Programs from text, an exact inverse of the printer.

The types that a text gives to results are taken as they are; whether they are right is for the verifier to say. A
text is not trusted: nesting is bounded, and nothing is allocated that the text does not spell out.
"""

from collections.abc import Mapping
from typing import Any

import attrs

from optc.errors import OptcError
from optc.ir.block import DEEPEST, Block, Function, Program
from optc.ir.check import RULE_BREAKS, RULE_HOLDS
from optc.ir.cursor import Cursor, did_you_mean
from optc.ir.fields import OperandField, RegionField
from optc.ir.lexer import unquote, value_word
from optc.ir.literal_parser import LiteralParser, key
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value


def parse_program(
    text: str, catalog: Mapping[str, type[Op]], tensors: Mapping[str, Tensor] | None = None, where: str = "text"
) -> Program:
    """The program that a text says; `catalog` has the ops that it may use, `tensors` what it names by SHA-256.

    Raises:
        OptcError: at a line and column of `where`; slugs `syntax`, `unknown-op`, `undefined-value`, `defined-twice`,
            `unknown-attribute`, `missing-attribute`, `repeated-attribute`, `missing-operand`, `operand-count`,
            `missing-region`, `repeated-region`, `result-count`, `output-type`, `bad-type`, `bad-dimension`,
            `nesting-depth`, `op-rule`, those of constant tensors (`tensor-size`, `tensor-element`,
            `value-out-of-range`, `tensor-bytes`, `unknown-tensor`, `tensor-type`) and those of building
            ops, functions and programs.
    """
    return _Parser(Cursor(text, where), catalog, tensors or {}).program()


@attrs.frozen
class _Plan:
    """What the parser needs of an op's declaration."""

    operands: tuple[OperandField, ...]
    attributes: frozenset[str]
    required: tuple[str, ...]
    regions: Mapping[str, RegionField]  # by their name in the text


_PLANS: dict[type[Op], _Plan] = {}


def _plan(kind: type[Op]) -> _Plan:
    spec = kind.spec
    return _PLANS.get(kind) or _PLANS.setdefault(
        kind,
        _Plan(
            spec.operands,
            frozenset(field.name for field in spec.attributes),
            tuple(field.name for field in spec.attributes if field.required),
            {field.word: field for field in spec.regions},
        ),
    )


class _Parser:
    def __init__(self, cursor: Cursor, catalog: Mapping[str, type[Op]], tensors: Mapping[str, Tensor]) -> None:
        self.cursor = cursor
        self.catalog = catalog
        self.literals = LiteralParser(cursor, tensors)
        self.values: dict[str, Value] = {}  # in scope
        self.order: list[str] = []  # the same, in the order of definition
        self.defined: set[str] = set()  # anywhere in the function
        self.depth = 0

    def program(self) -> Program:
        cursor = self.cursor
        metadata = []
        while cursor.skip("metadata"):
            name = cursor.string()
            cursor.expect("=")
            metadata.append((name, cursor.string()))
        functions = []
        while cursor.token:
            functions.append(self.function())
        try:
            return Program(functions, metadata)
        except OptcError as error:
            raise cursor.located(error, cursor.at) from None

    def function(self) -> Function:
        cursor = self.cursor
        cursor.expect("func")
        at = cursor.at
        word = cursor.take()
        if word[:1] != "@" or len(word) < 2:
            raise cursor.syntax("the name of a function, such as @main", at)
        name = cursor.unquoted(word[1:], at) if word[1] == '"' else word[1:]
        self.values, self.order, self.defined = {}, [], set()
        params = self.params()
        cursor.expect("->")
        outputs = self.outputs()
        body = self.block(params, "return")
        for (output, kind), value in zip(outputs, body.results, strict=False):
            if kind != value.type:
                raise cursor.fail("output-type", f"output {output}", f"{value.type} like its value", kind, at)
        try:
            return Function(name, body, tuple(output for output, _ in outputs))
        except OptcError as error:
            raise cursor.located(error, at) from None

    def outputs(self) -> list[tuple[str, Any]]:
        cursor = self.cursor
        cursor.expect("(")
        out: list[tuple[str, Any]] = []
        while not cursor.skip(")"):
            if out:
                cursor.expect(",")
            name = key(cursor)
            cursor.expect(":")
            out.append((name, self.literals.type()))
        return out

    def params(self) -> list[Value]:
        cursor = self.cursor
        cursor.expect("(")
        out: list[Value] = []
        while not cursor.skip(")"):
            if out:
                cursor.expect(",")
            at = cursor.at
            word = cursor.take()
            cursor.expect(":")
            out.append(self.define(word, self.literals.type(), at))
        return out

    def block(self, params: list[Value], last: str) -> Block:
        """Read a block from its `{` to its `}`."""
        cursor = self.cursor
        if self.depth == DEEPEST:
            raise cursor.fail("nesting-depth", "blocks in each other", f"at most {DEEPEST} deep")
        self.depth += 1
        cursor.expect("{")
        ops = []
        while not cursor.skip(last):
            ops.append(self.op())
        results: list[Value] = []
        while not cursor.skip("}"):
            if results:
                cursor.expect(",")
            results.append(self.use(cursor.take()))
        self.depth -= 1
        return Block(params, ops, results)

    def op(self) -> Op:
        cursor = self.cursor
        begin = cursor.at
        words = self.result_words() if cursor.token[:1] == "%" else []
        at = cursor.at
        name = cursor.take()
        kind = self.catalog.get(name)
        if kind is None:
            raise self.unknown_op(name, at)
        plan = _plan(kind)
        fields = self.operands(plan, name)
        if cursor.skip("{"):
            self.attributes(plan, name, fields)
        types = self.types(len(words))
        if plan.regions:
            self.regions(plan, fields)
        for needed in plan.required:
            if needed not in fields:
                raise cursor.fail("missing-attribute", f"attribute {needed} of {name}", "given", at=at)
        results = tuple(
            [self.define(word, t, begin + 2 * i) for i, (word, t) in enumerate(zip(words, types, strict=True))]
        )
        try:
            made = kind(**fields, results=results)
        except OptcError as error:
            raise cursor.located(error, begin) from None
        except RULE_BREAKS as error:
            raise cursor.fail("op-rule", f"operands of {name}", RULE_HOLDS, error, begin) from error
        if len(made.results) != len(results):
            raise cursor.fail("result-count", f"number of results of {name}", str(len(made.results)), 0, at)
        return made

    def result_words(self) -> list[str]:
        cursor = self.cursor
        words = [cursor.take()]
        while cursor.skip(","):
            words.append(cursor.take())
        cursor.expect("=")
        return words

    def types(self, count: int) -> list[Any]:
        cursor = self.cursor
        if not count:
            return []
        cursor.expect(":")
        out = [self.literals.type()]
        while cursor.skip(","):
            out.append(self.literals.type())
        if len(out) != count:
            raise cursor.fail("result-count", "number of types", f"{count}, one for each result", len(out))
        return out

    def operands(self, plan: _Plan, name: str) -> dict[str, Any]:
        cursor = self.cursor
        at = cursor.at
        cursor.expect("(")
        held: list[Any] = []
        while not cursor.skip(")"):
            if held:
                cursor.expect(",")
            held.append(self.argument())
        if len(held) > len(plan.operands):
            raise cursor.fail("operand-count", f"operands of {name}", f"at most {len(plan.operands)}", len(held), at)
        fields: dict[str, Any] = {}
        for field, item in zip(plan.operands, held, strict=False):
            fields[field.name] = item
        for field in plan.operands[len(held) :]:
            if field.form == "one":
                raise cursor.fail("missing-operand", f"operand {field.name} of {name}", "given", at=at)
            fields[field.name] = None if field.form == "optional" else ()
        return fields

    def argument(self) -> Any:
        cursor = self.cursor
        token = cursor.take()
        if token != "[":
            return self.place(token)
        items: list[Any] = []
        while not cursor.skip("]"):
            if items:
                cursor.expect(",")
            items.append(self.place(cursor.take()))
        return tuple(items)

    def place(self, token: str) -> Value | None:
        return None if token == "_" else self.use(token)

    def attributes(self, plan: _Plan, op: str, fields: dict[str, Any]) -> None:
        cursor = self.cursor
        first = True
        while not cursor.skip("}"):
            if not first:
                cursor.expect(",")
            first = False
            at = cursor.at
            name = cursor.take()
            if name not in plan.attributes:
                if not name.isidentifier():
                    raise cursor.syntax("the name of an attribute", at)
                hint = did_you_mean(name, plan.attributes)
                raise cursor.fail("unknown-attribute", f"attribute {name}", f"one that {op} has", at=at, hint=hint)
            if name in fields:
                raise cursor.fail("repeated-attribute", f"attribute {name}", "given once", at=at)
            cursor.expect("=")
            fields[name] = self.literals.value()

    def regions(self, plan: _Plan, fields: dict[str, Any]) -> None:
        cursor = self.cursor
        at = cursor.at
        found: dict[str, list[Block]] = {}
        while cursor.token in plan.regions:
            name = cursor.take()
            if name in found and not plan.regions[name].many:
                raise cursor.fail("repeated-region", f"region {name}", "given once", at=cursor.at - 1)
            found.setdefault(name, []).append(self.nested())
        for name, field in plan.regions.items():
            if field.many:
                fields[field.name] = tuple(found.get(name, ()))
            elif name not in found:
                raise cursor.fail("missing-region", f"region {name}", "given", at=at)
            else:
                fields[field.name] = found[name][0]

    def nested(self) -> Block:
        """A block whose own values are forgotten after it."""
        outside = len(self.order)
        block = self.block(self.params(), "yield")
        for word in self.order[outside:]:
            del self.values[word]
        del self.order[outside:]
        return block

    def unknown_op(self, name: str, at: int) -> OptcError:
        if not name or not (name[0].isalpha() or name[0] == "_"):
            return self.cursor.syntax("an op, or the end of the block", at)
        return self.cursor.fail("unknown-op", "op", "in the catalog", name, at, did_you_mean(name, self.catalog))

    def use(self, word: str) -> Value:
        value = self.values.get(word)
        return value if value is not None else self.use_rare(word)

    def use_rare(self, word: str) -> Value:
        """A value whose name is spelt in another way than where it is defined, or the error that there is none."""
        at = self.cursor.at - 1 if word else self.cursor.at
        plain = self.plain(word, at)
        if plain in self.values:
            return self.values[plain]
        hint = did_you_mean(plain, self.values)
        if plain in self.defined:
            hint = "it is defined in a block that has ended"
        raise self.cursor.fail("undefined-value", f"value {plain[:80]}", "defined before its use", at=at, hint=hint)

    def define(self, word: str, kind: Any, at: int) -> Value:
        word = self.plain(word, at)
        if word in self.defined:
            raise self.cursor.fail("defined-twice", f"value {word[:80]}", "defined once", at=at)
        self.defined.add(word)
        self.order.append(word)
        value = self.values[word] = Value(kind, _hint(word))
        return value

    def plain(self, word: str, at: int) -> str:
        """The one spelling of a value's name."""
        if len(word) < 2 or word[0] != "%":
            raise self.cursor.syntax("a value, such as %x", at)
        if word[1] != '"':
            return word
        name, mark, number = word[1:].rpartition("#") if word[-1] != '"' else (word[1:], "", "")
        return value_word(self.cursor.unquoted(name, at)) + mark + number


def _hint(word: str) -> str:
    """The name of the value that is written so; empty if it is only a number."""
    if word[1] == '"':
        return unquote(word[1 : word.rindex('"') + 1])
    name = word[1:].partition("#")[0]
    return "" if name.isdigit() else name
