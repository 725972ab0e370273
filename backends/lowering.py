"""Lowering: placement and decisions become part of the program.

`@load` runs once and returns the resident tensors. `@predict` takes them, then the inputs, and holds constants, one op
for each kernel on its unit, and hand-overs. When a weight is expanded is which function holds its constexpr ops: those
of weights that are expanded at load stand in `@load`; of the others, inside the kernel that uses the weight (`fused`),
or in a kernel of their own before it (`explicit`). Load then predict computes, bit for bit on the reference semantics,
what the main function computes, whatever is decided and wherever the kernels run.

Values are handed over just after the kernel that makes them, once to each unit that needs them: they can then travel
while other kernels run, and the unit that made them can use their memory again at once.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from backends.kernels import Kernel
from backends.lowered_ops import KERNELS, HandOver, KernelOp, is_lowered
from backends.lowered_values import Constants, Taken, inside
from optc.errors import OptcError
from optc.ir.block import Block, Function, Program
from optc.ir.const import Const
from optc.ir.liveness import uses_of
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.weights import Weight

Expansion = Literal["load", "fused", "explicit"]
EXPANSIONS: tuple[Expansion, ...] = ("load", "fused", "explicit")
LOAD_FUNCTION, PREDICT_FUNCTION = "load", "predict"
EXPAND = "expand"
"""The kind of a kernel that does nothing but expand a weight."""


@attrs.frozen(eq=False)
class Lowered:
    """A lowered program.

    `resident`: the names under which `@predict` takes what `@load` returns, in order. `kernels`: the op of each kernel
    that was lowered, in their order. `expansions`: the op that expands a weight on a unit, by the weight's name (that
    of its value, for a constant expression that only the results use) and unit.
    """

    program: Program
    resident: tuple[str, ...]
    kernels: tuple[KernelOp, ...]
    expansions: Mapping[tuple[str, str], KernelOp]


def check_not_lowered(program: Program) -> None:
    """Check that a program is not what lowering made.

    Raises:
        OptcError: slug `already-lowered`.
    """
    names = {function.name for function in program.functions}
    if is_lowered(program) or {LOAD_FUNCTION, PREDICT_FUNCTION} <= names:
        hint = "plan the model that it was made of"
        raise OptcError("already-lowered", "program", "functions", "without @load and @predict", "", hint)


def lower(
    program: Program,
    kernels: Sequence[Kernel],
    units: Sequence[str],
    weights: Sequence[Weight],
    plans: Mapping[tuple[str, str], Expansion],
    tiles: Sequence[int] = (),
) -> Lowered:
    """Lower the main function: `kernels` are those of its body, `units` says where each runs.

    `plans` says by the name of a weight and a unit how the weight is expanded there; weights that it does not name are
    expanded at load. A weight that is not compressed has nothing to expand: it is resident, or stays a constant.
    `tiles` says for each kernel how many pieces its weights are taken in (1). Constant expressions that are no
    `weights` are expanded where they are used. A constant expression that is a result of the function is taken from
    where it is dense anyway; if nothing but the result needs it, it is resident.

    Raises:
        OptcError: slugs `already-lowered`; `kernels`: they are not those of the main function; `kernel-count`: not as
            many units, or tiles, as kernels; `no-such-unit`, `no-such-weight`, `expansion`: an unknown name.
    """
    check_not_lowered(program)
    tiles = tiles or (1,) * len(kernels)
    _check_kernels(program.main, kernels, units, tiles)
    _check_plans(plans, weights)
    work = _Lowering(program.main, kernels, units, weights, plans)
    made = tuple(work.kernel(*given) for given in zip(kernels, units, work.taken, tiles, strict=True))
    results = tuple(work.result(value) for value in program.main.body.results)
    functions = (work.load(), work.predict(results))
    return Lowered(attrs.evolve(program, functions=functions), work.names(), made, work.expansions)


def _check_kernels(main: Function, kernels: Sequence[Kernel], units: Sequence[str], tiles: Sequence[int]) -> None:
    for what, given in (("units", units), ("tiles", tiles)):
        if len(given) != len(kernels):
            raise OptcError(
                "kernel-count", "lowering", f"number of {what}", f"that of kernels, {len(kernels)}", len(given)
            )
    for unit in units:
        _check_unit(unit)
    held = {id(op) for kernel in kernels for op in kernel.all_ops}
    if held != {id(op) for op in main.body.ops if not op.constant}:
        raise OptcError("kernels", "lowering", "kernels", f"those of @{main.name}")


def _check_unit(unit: str) -> None:
    if unit not in KERNELS:
        raise OptcError("no-such-unit", "lowering", "unit of a kernel", f"one of {', '.join(KERNELS)}", unit)


def _check_plans(plans: Mapping[tuple[str, str], Expansion], weights: Sequence[Weight]) -> None:
    known = {weight.name for weight in weights}
    for (name, unit), expansion in plans.items():
        _check_unit(unit)
        if name not in known:
            raise OptcError("no-such-weight", "lowering", "name of a weight", "that of a weight to decide on", name)
        if expansion not in EXPANSIONS:
            raise OptcError("expansion", f"weight {name}", "expansion", f"one of {', '.join(EXPANSIONS)}", expansion)


class _Lowering:
    """What has been lowered so far: the ops of `@predict`, and where its values are."""

    def __init__(
        self, main: Function, kernels: Sequence[Kernel], units: Sequence[str], weights: Sequence[Weight],
        plans: Mapping[tuple[str, str], Expansion],
    ) -> None:  # fmt: skip
        self.main, self.plans = main, plans
        self.weights = {weight.value: weight for weight in weights}
        self.constants = Constants(main.body)
        self.taken = [self.constants.taken_by(kernel) for kernel in kernels]
        self.units_of: dict[Value, dict[str, None]] = {}  # where each constant is used
        self.targets: dict[Value, dict[str, None]] = {}  # where each other value is used
        for kernel, unit, taken in zip(kernels, units, self.taken, strict=True):
            for value in taken.direct:
                self.units_of.setdefault(value, {})[unit] = None
            for value in kernel.reads:
                self.targets.setdefault(value, {})[unit] = None
        self.resident = self._residents()
        self.ops: list[Op] = []
        self.value: dict[tuple[Value, str], Value] = {}  # results of kernels, on each unit that has them
        self.home: dict[Value, str] = {}
        self.expansions: dict[tuple[str, str], KernelOp] = {}

    def _residents(self) -> dict[Value, Value]:
        """The parameter of `@predict` for each tensor that `@load` returns."""
        found = [v for v in self.weights if any(self.plan(v, unit) == "load" for unit in self.units_of.get(v, ()))]
        chains = self.constants.expressions
        found += [v for v in dict.fromkeys(self.main.body.results) if v in chains and v not in self.units_of]
        taken = set(self.main.input_names)
        out = {}
        for value in found:
            name = self.name_of(value)
            while name in taken:
                name += "'"
            taken.add(name)
            out[value] = value.renamed(name)
        return out

    def name_of(self, value: Value) -> str:
        return self.weights[value].name if value in self.weights else value.name or "weight"

    def plan(self, value: Value, unit: str) -> Expansion:
        if value not in self.weights:
            return "fused"
        return self.plans.get((self.weights[value].name, unit), "load")

    def kernel(self, kernel: Kernel, unit: str, taken: Taken, tiles: int) -> KernelOp:
        """Add the op of a kernel, the expansions before it and the hand-overs after it."""
        fused = [v for v in taken.direct if v in self.constants.expressions and self.plan(v, unit) == "fused"]
        chain, clones = self.constants.cloned((*taken.nested, *fused))
        known = {v: self.on(v, unit) for v in kernel.reads}
        known |= {v: self.dense(v, unit) for v in taken.direct if v not in fused}
        known |= {v: clones[v] for v in fused}
        body = inside(kernel, chain, known, clones)
        results = tuple(value.renamed(value.name) for value in kernel.writes)
        kind = "_".join((kernel.root.name, *self.constants.slugs(fused)))
        made = KERNELS[unit](body, kind, tiles, results=results)
        self.ops.append(made)
        for value, result in zip(kernel.writes, results, strict=True):
            self.hand_over(value, result, unit)
        return made

    def hand_over(self, value: Value, result: Value, unit: str) -> None:
        """Give a kernel's result to each other unit that has a kernel which reads it."""
        self.home[value] = unit
        self.value[value, unit] = result
        for target in self.targets.get(value, ()):
            if target != unit:
                given = result.renamed(result.name and f"{result.name}.{target}")
                self.ops.append(HandOver(result, unit, target, results=(given,)))
                self.value[value, target] = given

    def on(self, value: Value, unit: str) -> Value:
        """The value on a unit; inputs are everywhere."""
        return self.value.get((value, unit), value)

    def dense(self, value: Value, unit: str) -> Value:
        """A constant on a unit: as it is, expanded at load, or by a kernel that is added if there is none."""
        if value in self.resident and self.plan(value, unit) == "load":
            return self.resident[value]
        if value not in self.constants.expressions:
            return value
        if (value, unit) not in self.value:
            chain, clones = self.constants.cloned((value,))
            result = value.renamed(f"{self.name_of(value)}.{unit}")
            made = KERNELS[unit](Block((), chain, (clones[value],)), EXPAND, results=(result,))
            self.ops.append(made)
            self.expansions[self.name_of(value), unit] = made
            self.value[value, unit] = result
        return self.value[value, unit]

    def result(self, value: Value) -> Value:
        """What `@predict` returns for a result of the main function."""
        if value in self.resident:
            return self.resident[value]
        if value not in self.constants.expressions:
            return self.on(value, self.home.get(value, ""))
        units = self.units_of[value]
        return self.dense(value, next((u for u in units if (value, u) in self.value), next(iter(units))))

    def names(self) -> tuple[str, ...]:
        return tuple(value.name for value in self.resident.values())

    def load(self) -> Function:
        """`@load`: the constants and constexpr ops of what is resident."""
        ops = {id(op): op for value in self.resident for op in self.constants.chain(value)}
        return Function(LOAD_FUNCTION, Block((), ops.values(), self.resident), self.names())

    def predict(self, results: Sequence[Value]) -> Function:
        """`@predict`: the constants that are still needed, then all else."""
        needed = {*results, *(value for op in self.ops for value in uses_of(op))}
        constants = [op for op in self.main.body.ops if isinstance(op, Const) and op.results[0] in needed]
        block = Block((*self.resident.values(), *self.main.body.params), (*constants, *self.ops), results)
        return Function(PREDICT_FUNCTION, block, self.main.output_names)
