"""Blocks, functions and programs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from optc.errors import OptcError
from optc.ir.op import Op
from optc.ir.types import Type
from optc.ir.value import Value

DEEPEST = 64
"""How many blocks may lie in each other."""


NODE_NAMES = "names.nodes"
"""Metadata that hold names only, which make no difference between programs."""


def _tuple(items: Any) -> Any:
    return tuple(items)


@attrs.frozen(eq=False, repr=False)
class Block:
    """A sequence of ops: `params` go in, `results` come out; values of enclosing blocks may be used freely.

    Two blocks are equal if they are the same up to the names of their values; values that are defined
    outside are compared by identity.
    """

    params: tuple[Value, ...] = attrs.field(converter=_tuple)
    ops: tuple[Op, ...] = attrs.field(converter=_tuple)
    results: tuple[Value, ...] = attrs.field(converter=_tuple)

    def walk(self) -> Iterator[Op]:
        """All ops, those of nested blocks before the op that holds them."""
        for op in self.ops:
            if op.spec.regions:
                for block in op.blocks:
                    yield from block.walk()
            yield op

    def __eq__(self, other: object) -> bool:
        from optc.ir.equality import blocks_equal

        return blocks_equal(self, other) if isinstance(other, Block) else NotImplemented

    def __hash__(self) -> int:
        return hash((len(self.params), tuple(op.name for op in self.ops), len(self.results)))


@attrs.frozen(eq=False, repr=False)
class Function:
    """A named block whose inputs are named by its parameters, and whose outputs by `output_names`.

    Raises:
        OptcError: slugs `output-names`, `input-names`: a name is empty, missing, or used twice.
    """

    name: str
    body: Block
    output_names: tuple[str, ...] = attrs.field(converter=_tuple)

    def __attrs_post_init__(self) -> None:
        where = f"function @{self.name}"
        if len(self.output_names) != len(self.body.results):
            raise OptcError(
                "output-names", where, "number of output names",
                f"that of results, {len(self.body.results)}", len(self.output_names),
            )  # fmt: skip
        for slug, names in (("input-names", self.input_names), ("output-names", self.output_names)):
            if "" in names or len(set(names)) != len(names):
                raise OptcError(slug, where, slug.replace("-", " "), "distinct and not empty", ", ".join(names))

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.body.params)

    @property
    def inputs(self) -> Mapping[str, Type]:
        """Types of the inputs by name."""
        return {p.name: p.type for p in self.body.params}

    @property
    def outputs(self) -> Mapping[str, Type]:
        """Types of the outputs by name."""
        return {n: v.type for n, v in zip(self.output_names, self.body.results, strict=True)}

    def with_body(self, body: Block) -> "Function":
        """This function with another body; itself if it is the same one."""
        return self if body is self.body else attrs.evolve(self, body=body)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Function):
            return NotImplemented
        mine = (self.name, self.input_names, self.output_names)
        return mine == (other.name, other.input_names, other.output_names) and self.body == other.body

    def __hash__(self) -> int:
        return hash((self.name, self.body))


def _metadata(items: Any) -> Any:
    return tuple(sorted(items.items() if isinstance(items, Mapping) else items))


def _without_names(metadata: tuple[tuple[str, str], ...]) -> Any:
    return tuple(entry for entry in metadata if entry[0] != NODE_NAMES)


@attrs.frozen(repr=False)
class Program:
    """Functions of distinct names, and metadata (text by key, sorted).

    Raises:
        OptcError: slug `function-names`, if two functions have the same name.
    """

    functions: tuple[Function, ...] = attrs.field(converter=_tuple)
    metadata: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_metadata, eq=_without_names)

    def __attrs_post_init__(self) -> None:
        names = [f.name for f in self.functions]
        if len(set(names)) != len(names):
            raise OptcError("function-names", "program", "names of functions", "distinct", ", ".join(names))

    @property
    def main(self) -> Function:
        """The function called `main`, or else the first."""
        return next((f for f in self.functions if f.name == "main"), self.functions[0])

    def function(self, name: str) -> Function:
        """The function of that name.

        Raises:
            OptcError: slug `no-such-function`.
        """
        for function in self.functions:
            if function.name == name:
                return function
        known = ", ".join(f"@{f.name}" for f in self.functions)
        raise OptcError("no-such-function", "program", "name of a function", f"one of {known}", f"@{name}")

    def map_bodies(self, change: Callable[[Block], Block]) -> "Program":
        """This program with `change(body)` for the body of each function; itself if none changes."""
        functions = tuple(f.with_body(change(f.body)) for f in self.functions)
        same = all(a is b for a, b in zip(functions, self.functions, strict=True))
        return self if same else attrs.evolve(self, functions=functions)

    def walk(self) -> Iterator[Op]:
        """All ops of all functions."""
        for function in self.functions:
            yield from function.body.walk()

    def __str__(self) -> str:
        """The text form, complete (large constants in base64)."""
        from optc.ir.printer import print_program

        return print_program(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What IPython and Hypothesis show: the text form."""
        for number, line in enumerate(str(self).splitlines()):
            if number:
                printer.break_()
            printer.text(line)

    def __repr__(self) -> str:
        return f"<Program of {sum(1 for _ in self.walk())} ops: {', '.join('@' + f.name for f in self.functions)}>"
