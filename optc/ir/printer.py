"""Programs as text, an exact inverse of the parser.

    func @main(%x: f32[1,3]) -> (y: f32[1,3]) {
      %y = relu(%x) : f32[1,3]
      return %y
    }

Attributes that equal their default are left out. Values without a name are numbered; of several values with the same
name, later ones get `#1`, `#2`, ... behind it.
"""

from typing import Any

import attrs

from optc.ir.block import Block, Function, Program
from optc.ir.fields import float_bits
from optc.ir.lexer import function_word, key_word, quote, value_word
from optc.ir.literal_printer import TensorText, abridged_tensor, inline_tensor, tensor_beside, value_text
from optc.ir.op import Op, OpSpec
from optc.ir.tensor import Tensor
from optc.ir.types import Type
from optc.ir.value import Value


def print_program(program: Program, tensors: dict[str, Tensor] | None = None) -> str:
    """The text of a program, complete; it ends with a newline.

    With `tensors` given, constants of more than 16 elements are put into it by their SHA-256, and the text names them
    by that.
    """
    printer = _Printer(inline_tensor if tensors is None else tensor_beside(tensors))
    printer.program(program)
    return "\n".join(printer.lines) + "\n"


def print_lines(program: Program) -> tuple[str, dict[int, int]]:
    """The text of a program for a message (large constants abridged), and the 1-based line of each op by its `id`."""
    printer = _Printer(abridged_tensor)
    printer.program(program)
    return "\n".join(printer.lines) + "\n", printer.line_of_op


def print_op(op: Op) -> str:
    """One op as text, for a message; large constants are abridged."""
    printer = _Printer(abridged_tensor)
    printer.op(op, "")
    return "\n".join(printer.lines)


@attrs.frozen
class _Plan:
    """What the printer needs of an op's declaration."""

    name: str
    operands: tuple[str, ...]
    attributes: tuple[tuple[str, Any, bool], ...]  # name, default, whether its bits count
    regions: bool


_PLANS: dict[type[Op], _Plan] = {}


def _plan(kind: type[Op]) -> _Plan:
    return _PLANS.get(kind) or _PLANS.setdefault(kind, _make_plan(kind.spec))


def _make_plan(spec: OpSpec) -> _Plan:
    return _Plan(
        spec.name,
        tuple(field.name for field in spec.operands),
        tuple((a.name, a.default, a.kind in ("float", "floats", "extras")) for a in spec.attributes),
        bool(spec.regions),
    )


class _Printer:
    def __init__(self, tensor_text: TensorText) -> None:
        self.lines: list[str] = []
        self.line_of_op: dict[int, int] = {}
        self.tensor_text = tensor_text
        self.types: dict[Type, str] = {}
        self.words: dict[Value, str] = {}
        self.used: dict[str, int] = {}
        self.unnamed = 0

    def program(self, program: Program) -> None:
        self.lines += [f"metadata {quote(key)} = {quote(value)}" for key, value in program.metadata]
        for function in program.functions:
            if self.lines:
                self.lines.append("")
            self.function(function)

    def function(self, function: Function) -> None:
        self.words, self.used, self.unnamed = {}, {}, 0
        body = function.body
        params = self.params(body)
        outputs = ", ".join(
            f"{key_word(name)}: {self.type(value.type)}"
            for name, value in zip(function.output_names, body.results, strict=True)
        )
        self.lines.append(f"func {function_word(function.name)}({params}) -> ({outputs}) {{")
        self.block(body, "  ", "return")
        self.lines.append("}")

    def params(self, block: Block) -> str:
        return ", ".join(f"{self.define(value)}: {self.type(value.type)}" for value in block.params)

    def block(self, block: Block, indent: str, last: str) -> None:
        for op in block.ops:
            self.op(op, indent)
        results = ", ".join([self.use(value) for value in block.results])
        self.lines.append(f"{indent}{last} {results}" if results else f"{indent}{last}")

    def op(self, op: Op, indent: str) -> None:
        plan = _plan(type(op))
        operands = self.operands(op, plan)
        attributes = self.attributes(op, plan)
        text = f"{plan.name}({operands}){attributes}"
        if op.results:
            words = ", ".join([self.define(value) for value in op.results])
            types = ", ".join([self.type(value.type) for value in op.results])
            text = f"{words} = {text} : {types}"
        self.line_of_op[id(op)] = len(self.lines) + 1
        self.lines.append(indent + text)
        if plan.regions:
            self.regions(op, indent)

    def regions(self, op: Op, indent: str) -> None:
        for name, block in op.named_blocks():
            self.lines[-1] += f" {name} ({self.params(block)}) {{"
            self.block(block, indent + "  ", "yield")
            self.lines.append(indent + "}")

    def operands(self, op: Op, plan: _Plan) -> str:
        words = []
        written = 0
        for name in plan.operands:
            held = getattr(op, name)
            words.append(self.argument(held))
            if held is not None and held != ():
                written = len(words)
        return ", ".join(words[:written])

    def argument(self, held: Any) -> str:
        if type(held) is tuple:
            return "[" + ", ".join([self.argument(item) for item in held]) + "]"
        return "_" if held is None else self.use(held)

    def attributes(self, op: Op, plan: _Plan) -> str:
        words = []
        for name, default, by_bits in plan.attributes:
            held = getattr(op, name)
            if held is default or (default is not attrs.NOTHING and _same(held, default, by_bits)):
                continue
            words.append(f"{name} = {value_text(held, self.tensor_text)}")
        return f" {{{', '.join(words)}}}" if words else ""

    def type(self, kind: Type) -> str:
        text = self.types.get(kind)
        if text is None:
            text = self.types[kind] = str(kind)
        return text

    def use(self, value: Value) -> str:
        return self.words.get(value) or self.define(value)

    def define(self, value: Value) -> str:
        word = self.words.get(value)
        if word is not None:
            return word  # a value that is used before, or defined twice: shown as it is, for the verifier's message
        if value.name:
            word = value_word(value.name)
            again = self.used.get(word, 0)
            self.used[word] = again + 1
            if again:
                word = f"{word}#{again}"
        else:
            word = f"%{self.unnamed}"
            self.unnamed += 1
        self.words[value] = word
        return word


def _same(held: Any, default: Any, by_bits: bool) -> bool:
    if type(held) is not type(default):
        return False
    return bool(float_bits(held) == float_bits(default)) if by_bits else bool(held == default)
