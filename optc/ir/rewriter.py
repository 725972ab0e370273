"""Blocks rebuilt in one forward walk.

Programs are immutable: to rewrite one is to build another. What a rewrite does not touch stays the very same object,
and a value keeps its identity as long as its type does, so that one small change does not rebuild all that follows.
"""

from collections.abc import Callable, Mapping
from typing import Any

from optc.ir.block import Block
from optc.ir.builder import Builder
from optc.ir.op import Op
from optc.ir.types import type_refines
from optc.ir.value import Value

Answer = None | Op | Value | tuple[Value, ...]
Visit = Callable[[Op, Builder], Answer]
"""Looks at one op, may add ops to the builder, and says what becomes of it: None keeps it, an op stands in its
place, values stand for its results, and the empty tuple drops it."""


def rebuild(block: Block, visit: Visit) -> Block:
    """The block in which each op is what `visit` answers, nested blocks before the op that holds them.

    The op that `visit` gets is already on new operands and nested blocks; ops that it adds to the builder come
    before what it answers. A result whose operands changed type gets its type inferred anew, unless the written type
    is at least as precise. A value without a name that was made in the visit takes over the name of what it stands
    for. The block itself is returned if nothing changes.

    Raises:
        OptcError: the new operands of an op break its declaration or its rule.
        ValueError: `visit` answers with another number of values than the op has results.
    """
    return _Rebuilder(visit, {}).block(block)


def substitute(block: Block, values: Mapping[Value, Value]) -> Block:
    """The block with other values in place of those that it uses from outside."""
    return _Rebuilder(lambda op, out: None, dict(values)).block(block)


def clone(block: Block, values: Mapping[Value, Value] | None = None) -> Block:
    """A copy that defines fresh values of the same names; `values` are put for what it uses from outside."""
    return _clone(block, dict(values or {}))


def _clone(block: Block, fresh: dict[Value, Value]) -> Block:
    def renew(value: Value) -> Value:
        return fresh.setdefault(value, value.renamed(value.name))

    def look_up(value: Value) -> Value:
        return fresh.get(value, value)

    params = tuple(renew(value) for value in block.params)
    ops = []
    for op in block.ops:
        moved = op.with_operands(look_up).with_blocks(lambda nested: _clone(nested, fresh))
        ops.append(moved.evolve(results=tuple(renew(value) for value in op.results)))
    return Block(params, ops, tuple(look_up(value) for value in block.results))


class _Rebuilder:
    """One walk. `replaced` says which value now stands for an old one; `heirs` which one took the place of a value
    that a visit made, in case that a later visit still knows that one."""

    def __init__(self, visit: Visit, replaced: dict[Value, Value]) -> None:
        self.visit = visit
        self.replaced = replaced
        self.heirs: dict[Value, Value] = {}

    def now(self, value: Value) -> Value:
        return self.replaced.get(value, value)

    def block(self, block: Block) -> Block:
        out = Builder()
        for op in block.ops:
            moved = self.moved(op)
            first = len(out.ops)
            answer = self.visit(moved, out)
            if answer is None:
                out.ops.append(moved)
            elif isinstance(answer, Op):
                self.put_op(moved, answer, out)
            else:
                self.put_values(moved, (answer,) if isinstance(answer, Value) else answer, out.ops[first:])
            if self.heirs and (answer is not None or len(out.ops) > first + 1):
                out.ops[first:] = [_with_values(new, self.heirs) for new in out.ops[first:]]
            self.follow(op, moved)
        results = tuple(self.now(value) for value in block.results)
        if _same(out.ops, block.ops) and _same(results, block.results):
            return block
        return Block(block.params, out.ops, results)

    def moved(self, op: Op) -> Op:
        """The op on new operands and nested blocks; itself if neither changes."""
        moved = (op.with_operands(self.now) if self.replaced else op).with_blocks(self.block)
        return moved if moved is op or _same_types(op, moved) else _retyped(moved)

    def follow(self, op: Op, moved: Op) -> None:
        """Let what stands for the results of the moved op stand for those of the op as it was."""
        if moved is not op:
            for old, new in zip(op.results, moved.results, strict=True):
                if old is not new:
                    self.replaced[old] = self.now(new)

    def put_op(self, op: Op, by: Op, out: Builder) -> None:
        """Put an op in the place of another; it defines the old values where their types stay."""
        if by is not op:
            _check_count(op, len(by.results))
            for old, new in zip(op.results, by.results, strict=True):
                if new is not old:
                    self.inherit(old, new)
        out.ops.append(by)

    def put_values(self, op: Op, by: tuple[Value, ...], added: list[Op]) -> None:
        """Let values stand for the results of an op; those that were made for it take over the names."""
        if not by:
            return
        _check_count(op, len(by))
        made = {value for new in added for value in new.results}
        for old, new in zip(op.results, by, strict=True):
            if new is old:
                continue
            if new not in made or new.name or new in self.heirs:
                self.replaced[old] = self.heirs.get(new, new)
            elif old in made:  # the op itself was kept, and something put behind it
                self.heirs[new] = self.replaced[old] = new.renamed(old.name)
            else:
                self.inherit(old, new)

    def inherit(self, old: Value, new: Value) -> None:
        """Let the op that defines `new` define the old value instead, or if the type changes, one of its name."""
        if new.type == old.type:
            self.heirs[new] = old
        else:
            self.heirs[new] = self.replaced[old] = new.renamed(new.name or old.name)


def _with_values(op: Op, heirs: dict[Value, Value]) -> Op:
    """An op that a visit made, using and defining heirs instead of the values that it was made with."""
    used = _Rebuilder(lambda op, out: None, heirs).moved(op)
    results = tuple(heirs.get(value, value) for value in op.results)
    return used if _same(results, used.results) else used.evolve(results=results)


def _retyped(op: Op) -> Op:
    """The op with results of the types that its new operands give."""
    types = op.inferred()
    if len(types) != len(op.results):
        raise op.refuse("result-count", "number of results", len(types), len(op.results))
    results = tuple(
        old if type_refines(old.type, kind) else Value(kind, old.name)
        for old, kind in zip(op.results, types, strict=True)
    )
    return op if _same(results, op.results) else op.evolve(results=results)


def _same_types(a: Op, b: Op) -> bool:
    """Whether two forms of an op have operands, and results of nested blocks, of the same types."""
    before = [*a.operands, *(value for block in a.blocks for value in block.results)]
    after = [*b.operands, *(value for block in b.blocks for value in block.results)]
    return [value.type for value in before] == [value.type for value in after]


def _same(a: Any, b: Any) -> bool:
    return len(a) == len(b) and all(x is y for x, y in zip(a, b, strict=True))


def _check_count(op: Op, count: int) -> None:
    if count != len(op.results):
        raise ValueError(f"{op.describe()} has {len(op.results)} results, and its visit answers with {count}")
