"""Dominance: which values are defined wherever an op runs.

Blocks are straight lines of ops and nest, so a value dominates an op if it is defined earlier in the op's own
block or in a block round it. Depths and positions are worked out once; each question is then answered by
walking up at most the nesting depth.
"""

from optc.ir.block import Block
from optc.ir.op import Op
from optc.ir.value import Value

_Place = tuple[int, int]  # number of the block, position in it (-1 for parameters)


class Dominance:
    """Dominance of one block and all nested ones."""

    def __init__(self, block: Block) -> None:
        self._values: dict[Value, _Place] = {}
        self._ops: dict[int, _Place] = {}
        self._parents: list[_Place] = []
        self._visit(block, (-1, -1))

    def _visit(self, block: Block, parent: _Place) -> None:
        number = len(self._parents)
        self._parents.append(parent)
        for value in block.params:
            self._values[value] = (number, -1)
        for position, op in enumerate(block.ops):
            self._ops[id(op)] = (number, position)
            for nested in op.blocks:
                self._visit(nested, (number, position))
            for value in op.results:
                self._values[value] = (number, position)

    def dominates(self, value: Value, op: Op) -> bool:
        """Whether `value` is defined before `op` on every path to it; False if either is not in the block."""
        if value not in self._values or id(op) not in self._ops:
            return False
        home, defined_at = self._values[value]
        number, position = self._ops[id(op)]
        while number != home:
            number, position = self._parents[number]
            if number < 0:
                return False
        return defined_at < position
