"""Inside kernels: their ops on the values of a unit, and the constant expressions that they expand themselves."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from backends.kernels import Kernel
from optc.ir.block import Block
from optc.ir.const import Const
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.constexpr import LutToDense, ShiftScale, SparseToDense
from optc.ops.weights import chain_of

Known = Mapping[Value, Value]
SLUGS = ((SparseToDense, "sparse"), (LutToDense, "lut"), (ShiftScale, "affine"))
"""How a kernel takes a weight that it expands: by the first of these ops that is part of the weight."""


@attrs.frozen
class Taken:
    """Constants of the main block that a kernel uses: `direct`ly, or in constant expressions of its `nested` blocks."""

    direct: tuple[Value, ...]
    nested: tuple[Value, ...]


class Constants:
    """The constants of a block. `expressions` are the results of its constexpr ops."""

    def __init__(self, body: Block) -> None:
        self.maker = {value: op for op in body.ops if op.constant for value in op.results}
        self.expressions = {value for value, op in self.maker.items() if not isinstance(op, Const)}

    def chain(self, value: Value) -> tuple[Op, ...]:
        """The constant ops that make a value, operands first."""
        return chain_of(value, self.maker.__getitem__)

    def taken_by(self, kernel: Kernel) -> Taken:
        """The constants that a kernel uses, in order of first use; of the nested ones, only expressions."""
        direct: dict[Value, None] = {}
        nested: dict[Value, None] = {}
        for op in kernel.all_ops:
            direct.update((v, None) for v in op.operands if v in self.maker)
            for block in op.blocks if op.spec.regions else ():
                for constant, value in _uses_in(block):
                    if constant and value in self.expressions:
                        nested[value] = None
                    elif not constant and value in self.maker:
                        direct[value] = None
        return Taken(tuple(direct), tuple(nested))

    def cloned(self, values: Iterable[Value]) -> tuple[list[Op], dict[Value, Value]]:
        """Constexpr ops that make these values afresh (from the same constants), and the new value of each."""
        new: dict[Value, Value] = {}
        ops = []
        for value in values:
            for op in self.chain(value):
                if isinstance(op, Const) or op.results[0] in new:
                    continue
                results = tuple(v.renamed(v.name) for v in op.results)
                ops.append(op.with_operands(lambda v: new.get(v, v)).evolve(results=results))
                new.update(zip(op.results, results, strict=True))
        return ops, new

    def slugs(self, values: Iterable[Value]) -> list[str]:
        """How these values are expanded, each way once."""
        found = set()
        for value in values:
            kinds = {type(op) for op in self.chain(value)}
            found.add(next((slug for kind, slug in SLUGS if kind in kinds), "cast"))
        return sorted(found)


def _uses_in(block: Block) -> Iterator[tuple[bool, Value]]:
    """The values used in a block and all nested ones, with whether the user is itself a constant."""
    for op in block.ops:
        for value in op.operands:
            yield op.constant, value
        for nested in op.blocks if op.spec.regions else ():
            yield from _uses_in(nested)
    for value in block.results:
        yield False, value


def inside(kernel: Kernel, chain: Sequence[Op], known: Known, clones: Known) -> Block:
    """The body of a kernel: `chain`, then its ops on `known` values (constants in nested blocks on `clones`).

    What stands before the root gets fresh results, as other kernels have it too.
    """
    known = dict(known)
    ops = list(chain)
    for op in kernel.before:
        results = tuple(v.renamed(v.name) for v in op.results)
        ops.append(op.with_operands(lambda v: known.get(v, v)).evolve(results=results))
        known.update(zip(op.results, results, strict=True))
    ops += [_on(op, known, clones) for op in kernel.ops]
    return Block((), ops, kernel.writes)


def _on(op: Op, known: Known, clones: Known) -> Op:
    values = clones if op.constant else known
    changed = op.with_operands(lambda v: values.get(v, v))
    return changed.with_blocks(lambda block: _block_on(block, known, clones)) if op.spec.regions else changed


def _block_on(block: Block, known: Known, clones: Known) -> Block:
    ops = [_on(op, known, clones) for op in block.ops]
    return Block(block.params, ops, [known.get(value, value) for value in block.results])
