"""Running a lowered program: `@load` once, then `@predict`, each kernel in the arithmetic of its unit."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from backends.lowered_ops import KernelOp
from backends.lowering import LOAD_FUNCTION, PREDICT_FUNCTION
from backends.simulators import Simulator
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.ir.interpreter import Cell, Watch, evaluate, interpret
from optc.ir.op import Op, RunBlock
from optc.ir.value import Value


def execute(
    lowered: Program,
    inputs: Mapping[str, Any],
    simulators: Mapping[str, Simulator] | None = None,
    states: Mapping[str, Cell] | None = None,
    watch: Watch | None = None,
) -> dict[str, Array]:
    """Outputs by name of one prediction; `simulators` by unit, without them as the reference interpreter computes.

    `watch` sees every result of the prediction.

    Weights are expanded by the reference semantics, at load and at prediction alike, and become values of the unit's
    type when an op of a kernel takes them: outputs do not depend on when a weight is expanded.

    Raises:
        OptcError: as `interpret` does.
    """
    resident = interpret(lowered, {}, LOAD_FUNCTION)
    arithmetic = None if simulators is None else _Arithmetic(simulators)
    return interpret(lowered, {**resident, **inputs}, PREDICT_FUNCTION, states, watch, arithmetic)


class _Arithmetic:
    """Computes ops as their units do.

    `own` are the values that the kernel which runs has computed; others become values of the unit as they enter, and
    `entered` keeps them while the kernel runs. Constant expressions are left to the reference semantics.
    """

    def __init__(self, simulators: Mapping[str, Simulator]) -> None:
        self.simulators = simulators
        self.unit: Simulator | None = None
        self.own: set[Value] = set()
        self.entered: dict[Value, Any] = {}

    def __call__(self, op: Op, operands: tuple[Any, ...], run: RunBlock) -> tuple[Any, ...]:
        if isinstance(op, KernelOp):
            self.unit = self.simulators[op.unit]
            results = evaluate(op, operands, run)
            self.unit = None
            self.own.clear()
            self.entered.clear()
            return results
        if self.unit is None or op.constant:
            return evaluate(op, operands, run)
        return self.inside(self.unit, op, operands, run)

    def inside(self, unit: Simulator, op: Op, operands: tuple[Any, ...], run: RunBlock) -> tuple[Any, ...]:
        """An op of a kernel."""
        for block in op.blocks if op.spec.regions else ():
            self.own.update(block.params)
        taken = tuple(self.taken(unit, v, array) for v, array in zip(op.arguments(), operands, strict=True))
        results = evaluate(op, taken, run)
        self.own.update(op.results)
        return tuple(unit.computed(np.asarray(r)) if isinstance(r, np.ndarray | np.generic) else r for r in results)

    def taken(self, unit: Simulator, argument: Any, held: Any) -> Any:
        """An operand (or a tuple of them) as the unit holds it."""
        if type(argument) is tuple:
            return tuple(self.taken(unit, v, array) for v, array in zip(argument, held, strict=True))
        if argument in self.own or not isinstance(held, np.ndarray):
            return held
        if argument not in self.entered:
            self.entered[argument] = np.asarray(unit.entering(held), order="C")
        return self.entered[argument]
