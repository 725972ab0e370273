"""Uses, free values and liveness: analyses that are worked out when asked for, never kept as state."""

from collections import defaultdict

from optc.ir.block import Block
from optc.ir.op import Op
from optc.ir.value import Value


def users(block: Block) -> dict[Value, list[Op]]:
    """The ops that use each value, in order, once per place of use, those of nested blocks included.

    A use as a result of a block is not an op's and is not listed; `result_uses` has those.
    """
    found: dict[Value, list[Op]] = defaultdict(list)
    for op in block.walk():
        for value in op.operands:
            found[value].append(op)
    return dict(found)


def result_uses(block: Block) -> set[Value]:
    """Values that the block, or a block nested in it, gives as a result."""
    found = set(block.results)
    for op in block.walk():
        for nested in op.blocks:
            found.update(nested.results)
    return found


def definitions(block: Block) -> dict[Value, Op]:
    """The op that defines each value, nested blocks included; parameters are absent."""
    return {value: op for op in block.walk() for value in op.results}


def free_values(block: Block) -> tuple[Value, ...]:
    """Values that the block uses and does not define, in order of first use."""
    found: dict[Value, None] = {}
    own: set[Value] = set(block.params)
    for op in block.ops:
        for value in uses_of(op):
            if value not in own:
                found[value] = None
        own.update(op.results)
    for value in block.results:
        if value not in own:
            found[value] = None
    return tuple(found)


def uses_of(op: Op) -> tuple[Value, ...]:
    """All values that an op needs: its operands, and what its nested blocks take from outside."""
    if not op.spec.regions:
        return op.operands
    out = list(op.operands)
    for block in op.blocks:
        out.extend(free_values(block))
    return tuple(out)


def last_uses(block: Block) -> list[tuple[Value, ...]]:
    """For each op of the block, the block's own values that nothing needs after it."""
    own = set(block.params)
    for op in block.ops:
        own.update(op.results)
    seen = set(block.results)
    out: list[tuple[Value, ...]] = []
    for op in reversed(block.ops):
        dead = []
        for value in (*uses_of(op), *op.results):
            if value not in seen:
                seen.add(value)
                if value in own:
                    dead.append(value)
        out.append(tuple(dead))
    out.reverse()
    return out


def live_after(block: Block) -> list[frozenset[Value]]:
    """For each op of the block, the block's own values that are defined and still needed after it."""
    live: set[Value] = set(block.params)
    out = []
    for op, dead in zip(block.ops, last_uses(block), strict=True):
        live.update(op.results)
        live.difference_update(dead)
        out.append(frozenset(live))
    return out
