"""What is in sight at each point of a forward walk over nested blocks."""

from collections.abc import Hashable
from itertools import count
from typing import Generic, TypeVar

from optc.ir.block import Block
from optc.ir.op import Op
from optc.ir.value import Value

K = TypeVar("K", bound=Hashable)
Path = tuple[int, ...]


class Scopes(Generic[K]):
    """The first op of each kind, as `rebuild` walks: a nested block sees what was found before it in those round it.

    Blocks are numbered; the path of a value leads from the outermost block to the one that defines it. The walk must
    leave the types of values as they are, so that it meets them all again.
    """

    def __init__(self, block: Block) -> None:
        self._paths: dict[Value, Path] = {}
        self._first: dict[K, Op] = {}
        self._open: list[tuple[int, list[K]]] = []
        self._path: Path = ()
        self._numbers = count()
        self._number(block, ())

    def _number(self, block: Block, outside: Path) -> None:
        path = (*outside, next(self._numbers))
        for op in block.ops:
            if op.spec.regions:
                for nested in op.blocks:
                    self._number(nested, path)
            for value in op.results:
                self._paths[value] = path

    def first(self, key: K, op: Op) -> Op:
        """The first op in sight that was given with an equal key: `op` itself if there is none before it."""
        self._enter(self._paths[op.results[0]])
        found = self._first.setdefault(key, op)
        if found is op:
            self._open[-1][1].append(key)
        return found

    def _enter(self, path: Path) -> None:
        if path is self._path:
            return
        while len(self._open) > len(path) or (self._open and self._open[-1][0] != path[len(self._open) - 1]):
            for key in self._open.pop()[1]:
                del self._first[key]
        self._open += [(number, []) for number in path[len(self._open) :]]
        self._path = path
