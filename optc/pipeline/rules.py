"""Rewrite rules as rows, and the greedy driver that applies them until none fits.

A rule starts at an op and looks upstream. It returns what stands for the op, or None; it never changes anything:

    def add_zero(op: Add, match: Match) -> Replacement:
        return op.x if match.scalar(op.y) == 0 else None

    RULES = (Rule("add-zero", (Add,), add_zero, "x + 0 -> x"),)
    smaller = program.map_bodies(lambda body: rewrite(body, RULES, cx.count))

Ops that a rewrite leaves without a use are kept for dead-code elimination to remove, and are not looked at any more.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from optc.errors import OptcError
from optc.ir.block import Block
from optc.ir.builder import Builder
from optc.ir.const import Const
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.tensor import Tensor
from optc.ir.types import type_refines
from optc.ir.value import Value
from optc.pipeline.uses import Uses

Replacement = Op | Value | tuple[Value, ...] | None
"""What stands for an op: an op (not yet added), values in place of its results, or None if the rule does not fit."""

_STEPS_PER_OP = 8
_STEPS_AT_LEAST = 64
_REMEMBERED = 32


def _classes(classes: Iterable[type[Op]]) -> tuple[type[Op], ...]:
    return tuple(classes)


@attrs.frozen
class Rule:
    """One row: a name, the classes of ops it starts at (subclasses too), what it does, and that in one line for people.

    A rule must lead somewhere: to fewer ops, cheaper ones, or a canonical form. Two rules that undo each other are
    stopped, and named, by the driver.
    """

    name: str
    starts_at: tuple[type[Op], ...] = attrs.field(converter=_classes)
    apply: "Callable[[Any, Match], Replacement]"
    doc: str = ""


class Match:
    """What a rule may ask about the program round its op, and how it adds ops in front of it.

    def subtract(op: Subtract, match: Match) -> Replacement:        # x - 0 -> x, else x - y -> x + (-y)
        return op.x if match.scalar(op.y) == 0 else Add(op.x, match.add(Negate(op.y)))
    """

    def __init__(self, uses: Uses, out: Builder) -> None:
        self._uses = uses
        self._out = out

    def definition(self, value: Value | None) -> Op | None:
        """The op that defines a value; None for a parameter, and for no value."""
        return None if value is None else self._uses.definitions.get(value)

    def single_use(self, value: Value) -> bool:
        """Whether one op uses the value, once, and no block gives it as a result besides; dead ops do not count."""
        return self._uses.counts.get(value, 0) == 1

    def const(self, value: Value | None) -> Tensor | None:
        """The tensor of a value that a `const` op defines."""
        op = self.definition(value)
        return op.value if isinstance(op, Const) else None

    def scalar(self, value: Value | None) -> Any:
        """The only element of a constant, as a Python number (or text); None if it has more, or is no constant."""
        tensor = self.const(value)
        return tensor.array().item() if tensor is not None and tensor.elements == 1 else None

    def add(self, op: Op, *names: str) -> Value:
        """Add an op in front of the one that is rewritten; its first result. Undone if the rule then returns None."""
        value = self._out.add(op, *names)
        self._uses.define(self._out.ops[-1])
        self._uses.retain(op)
        return value

    def constant(self, values: Any, name: str = "", dtype: DType | None = None) -> Value:
        """Add a constant (see `Builder.const`)."""
        tensor = values if isinstance(values, Tensor) else Tensor.of(values, dtype)
        return self.add(Const(tensor), name)


def rewrite(
    block: Block, rules: Iterable[Rule], count: Callable[[str], None] | None = None, max_steps: int | None = None
) -> Block:
    """Apply rules, the earlier ones first, until none fits; the same block if none did.

    `count` is told the name of the rule at each application (`PassContext.count` will do). `max_steps` bounds the
    applications; by default 8 for each op of the block.

    Raises:
        OptcError: slug `looping-rules`, if the bound is passed; slug `rule-type`, if a rule returns values of other
            types than those it replaces.
    """
    ops = sum(1 for _ in block.walk())
    driver = _Driver(tuple(rules), count, max(_STEPS_AT_LEAST, _STEPS_PER_OP * ops) if max_steps is None else max_steps)
    while True:
        before = driver.steps
        rebuilt = driver.round(block)
        if driver.steps == before:
            return block
        block = rebuilt


class _Driver:
    """One call of `rewrite`: the rules by class of op, and how many steps were taken."""

    def __init__(self, rules: tuple[Rule, ...], count: Callable[[str], None] | None, max_steps: int) -> None:
        self.rules = rules
        self.by_class: dict[type[Op], tuple[Rule, ...]] = {}
        self.count = count
        self.max_steps = max_steps
        self.steps = 0
        self.last: deque[str] = deque(maxlen=_REMEMBERED)

    def round(self, block: Block) -> Block:
        """One forward walk; each op is rewritten until no rule fits it."""
        self.uses = Uses(block)
        return rebuild(block, self.visit)

    def visit(self, op: Op, out: Builder) -> Replacement:
        answer = None
        if self.rules_for(type(op)) and not self.uses.is_dead(op):
            answer = self.rewritten(op, out)
        if answer is None or isinstance(answer, Op):
            self.uses.define(answer or op)
        return answer

    def rules_for(self, cls: type[Op]) -> tuple[Rule, ...]:
        found = self.by_class.get(cls)
        if found is None:
            found = self.by_class[cls] = tuple(rule for rule in self.rules if issubclass(cls, rule.starts_at))
        return found

    def rewritten(self, op: Op, out: Builder) -> Op | tuple[Value, ...] | None:
        """The op or the values that stand for `op` in the end; None if no rule fits it."""
        current, first = op, len(out.ops)
        while (found := self.first_fit(current, out)) is not None:
            if isinstance(found, tuple):
                made = {value for added in out.ops[first:] for value in added.results}
                self.uses.replace(op.results, found, made)
                self.uses.release(current)
                return found
            self.uses.retain(found)
            self.uses.release(current)
            current = found
        return None if current is op else current

    def first_fit(self, op: Op, out: Builder) -> Op | tuple[Value, ...] | None:
        """What the first rule that fits puts in place of an op: an op that defines the same values, or other values."""
        match = Match(self.uses, out)
        for rule in self.rules_for(type(op)):
            added = len(out.ops)
            found = _fitted(op, rule.apply(op, match), rule)
            if found is not None:
                self.step(rule)
                return found
            for undone in out.ops[added:]:
                self.uses.forget(undone)
            del out.ops[added:]
        return None

    def step(self, rule: Rule) -> None:
        self.steps += 1
        self.last.append(rule.name)
        if self.steps > self.max_steps:
            names = ", ".join(dict.fromkeys(self.last))
            raise OptcError(
                "looping-rules", "rewrite rules", "rewriting", f"done within {self.max_steps} steps",
                f"still applying {names}", "one of these rules undoes what another does, or its own work",
            )  # fmt: skip
        if self.count is not None:
            self.count(rule.name)


def _fitted(op: Op, found: Replacement, rule: Rule) -> Op | tuple[Value, ...] | None:
    """A replacement that gives values of the types that `op` gives; as an op, the very same values.

    None if it gives more precise types: what follows was checked with the types that are written. An op that gives less
    precise ones takes over those that are written.
    """
    if found is None:
        return None
    values = found.results if isinstance(found, Op) else (found,) if isinstance(found, Value) else found
    if len(values) != len(op.results):
        raise _wrong_types(op, values, rule)
    for old, new in zip(op.results, values, strict=True):
        if new.type == old.type or (isinstance(found, Op) and type_refines(old.type, new.type)):
            continue
        if type_refines(new.type, old.type):
            return None
        raise _wrong_types(op, values, rule)
    return found.evolve(results=op.results) if isinstance(found, Op) else values


def _wrong_types(op: Op, values: tuple[Value, ...], rule: Rule) -> OptcError:
    expected, actual = (", ".join(str(value.type) for value in side) or "none" for side in (op.results, values))
    return op.refuse("rule-type", f"types of what rule {rule.name} puts in its place", expected, actual)
