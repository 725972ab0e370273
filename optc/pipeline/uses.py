"""Definitions and uses that are kept up to date while a block is rewritten."""

from optc.ir.block import Block
from optc.ir.op import Op
from optc.ir.value import Value


class Uses:
    """How often each value of a block is used by ops that are needed, and which op defines it.

    Definitions are known of the ops that the walk has come past. An op is needed if it has an effect or one of its
    results is used; what only ops that are not needed use counts as not used.
    """

    def __init__(self, block: Block) -> None:
        self.counts: dict[Value, int] = {}
        self.definitions: dict[Value, Op] = {}
        self._count_block(block)

    def _count_block(self, block: Block) -> None:
        self._add(block.results)
        for op in reversed(block.ops):
            if not self.is_dead(op):
                self.retain(op)

    def _add(self, values: tuple[Value, ...]) -> None:
        counts = self.counts
        for value in values:
            counts[value] = counts.get(value, 0) + 1

    def is_dead(self, op: Op) -> bool:
        """Whether nothing needs the op."""
        counts = self.counts
        if any(counts.get(value) for value in op.results):
            return False
        return op.pure and (not op.spec.regions or all(inner.pure for block in op.blocks for inner in block.walk()))

    def define(self, op: Op) -> None:
        """The walk has come past this op."""
        for value in op.results:
            self.definitions[value] = op

    def retain(self, op: Op) -> None:
        """Count the uses of an op, and those of the ops in its nested blocks."""
        self._add(op.operands)
        if op.spec.regions:
            for block in op.blocks:
                self._count_block(block)

    def release(self, op: Op) -> None:
        """An op is gone: its operands have a use less, and ops upstream of it that nothing needs now are gone too."""
        waiting = [op]
        while waiting:
            for value in self._used(waiting.pop()):
                left = self.counts[value] = self.counts.get(value, 0) - 1
                definition = self.definitions.get(value)
                if left == 0 and definition is not None and self.is_dead(definition):
                    waiting.append(definition)

    def forget(self, op: Op) -> None:
        """An op was added and is taken back."""
        for value in self._used(op):
            self.counts[value] -= 1
        for value in op.results:
            del self.definitions[value]

    def replace(self, old: tuple[Value, ...], new: tuple[Value, ...], made: set[Value]) -> None:
        """The uses of the old values become uses of the new ones.

        `made` holds the values of ops that were added for this. If they have no name, `rebuild` lets their ops define
        the old values instead (see there).
        """
        for before, after in zip(old, new, strict=True):
            if after in made and not after.name:
                self.definitions[before] = self.definitions[after]
                self.counts[before] = self.counts.get(before, 0) + self.counts.pop(after, 0)
            elif before is not after:
                self.counts[after] = self.counts.get(after, 0) + self.counts.pop(before, 0)

    def _used(self, op: Op) -> list[Value]:
        found = list(op.operands)
        for block in op.blocks if op.spec.regions else ():
            found.extend(block.results)
            for inner in block.walk():
                found.extend(inner.operands)
        return found
