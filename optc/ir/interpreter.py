"""The reference interpreter: what a program computes, by each op's own semantics in NumPy.

Arrays are dropped after their last use. A state is a `Cell` that ops read and write. What an op returns is held
against the types that the program gives its results: a wrong dtype or shape is an error, not a wrong answer. Ops get
arrays in row-major order: NumPy's sums depend on the order in memory, and equal values must give equal bits.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.ir.block import Block, Function, Program
from optc.ir.check import RULE_BREAKS
from optc.ir.dims import Dim, SymDim
from optc.ir.dtypes import Array
from optc.ir.liveness import last_uses
from optc.ir.op import Op, RunBlock
from optc.ir.types import StateType, TensorType, Type
from optc.ir.value import Value

Sizes = dict[str, int]


class Cell:
    """The tensor that a state holds at the moment."""

    def __init__(self, array: Array) -> None:
        self.array = array


Watch = Callable[[Op, Value, Any], None]
"""Told of each result as it is computed: the op, the value, and its array."""
Compute = Callable[[Op, tuple[Any, ...], RunBlock], tuple[Any, ...]]
"""The arrays of an op's results from those of its operands, as `evaluate` gives them."""


def interpret(
    program: Program,
    inputs: Mapping[str, Any],
    function: str = "",
    states: Mapping[str, Cell] | None = None,
    watch: Watch | None = None,
    compute: Compute | None = None,
) -> dict[str, Array]:
    """Outputs by name of one run of `function` (by default the main one).

    `inputs` are arrays by input name; `states` are cells for the inputs that are states, zero if absent. `watch` sees
    every result, those of nested blocks too. `compute` stands in for `evaluate`.

    Raises:
        OptcError: an input is missing, unknown, or of another dtype or shape than declared; an op is opaque, or
            cannot compute these arrays (slug `evaluation`, unless the op names a rule of its own).
    """
    target = program.function(function) if function else program.main
    sizes: Sizes = {}
    arguments = _bind(target, inputs, states or {}, sizes)
    results = _Run(sizes, watch, compute or evaluate).block(target.body, arguments)
    return dict(zip(target.output_names, results, strict=True))


def check_inputs(function: Function, inputs: Mapping[str, Any]) -> None:
    """Check arrays by input name against the inputs of a function.

    Raises:
        OptcError: as `interpret` does.
    """
    _bind(function, inputs, {}, {})


def _bind(function: Function, inputs: Mapping[str, Any], states: Mapping[str, Cell], sizes: Sizes) -> tuple[Any, ...]:
    where = f"inputs of @{function.name}"
    for name in [*inputs, *states]:
        if name not in function.inputs:
            near = difflib.get_close_matches(name, function.inputs, n=1)
            hint = f"did you mean {near[0]}?" if near else ""
            raise OptcError("unknown-input", where, "name", f"one of {', '.join(function.inputs)}", name, hint)
    out: list[Any] = []
    for name, kind in function.inputs.items():
        if isinstance(kind, StateType):
            cell = states[name] if name in states else _fresh_cell(kind.tensor, where, name)
            _check_array(cell.array, kind.tensor, sizes, where, f"state {name}")
            out.append(cell)
        elif name not in inputs:
            raise OptcError("missing-input", where, f"input {name}", f"given, as {kind}")
        else:
            array = np.asarray(inputs[name], order="C")
            _check_array(array, kind, sizes, where, f"input {name}")
            out.append(array)
    return tuple(out)


def _fresh_cell(kind: TensorType, where: str, name: str) -> Cell:
    if not kind.is_static:
        raise OptcError("missing-input", where, f"state {name}", f"given, as the size of {kind} is not known")
    try:
        return Cell(np.zeros(kind.static_shape, kind.dtype.numpy))
    except (MemoryError, ValueError) as error:
        raise OptcError("missing-input", where, f"state {name}", f"given, as {kind} cannot be made", error) from None


def _check_array(array: Any, kind: Type, sizes: Sizes, where: str, what: str) -> None:
    if not isinstance(kind, TensorType):
        return
    if not isinstance(array, np.ndarray | np.generic) or array.dtype != kind.dtype.numpy:
        raise OptcError("array-dtype", where, what, f"{kind} ({kind.dtype.numpy})", getattr(array, "dtype", array))
    if array.ndim != kind.rank or not all(map(lambda s, d: _fits(s, d, sizes), array.shape, kind.shape)):
        raise OptcError("array-shape", where, what, f"of shape {kind}", list(array.shape))


def _fits(size: int, dim: Dim, sizes: Sizes) -> bool:
    if not isinstance(dim, SymDim):
        return size == dim
    if len(dim.terms) == 1 and dim.terms[0][1] == 1 and len(dim.terms[0][0]) == 1:
        atom = dim.terms[0][0][0]
        if isinstance(atom, str):
            return atom == "?" or sizes.setdefault(atom, size) == size
    known = dim.substitute(sizes)
    return isinstance(known, SymDim) or known == size


def evaluate(op: Op, operands: tuple[Any, ...], run: RunBlock | None = None) -> tuple[Any, ...]:
    """The arrays of an op's results, from those of its operands (see `Op.evaluate`); `run` runs nested blocks.

    Raises:
        OptcError: the op cannot compute these arrays: it says so itself, or slug `evaluation`; or it gives another
            number of arrays than it has results.
    """
    try:
        with np.errstate(all="ignore"):
            out = op.evaluate(*operands) if run is None or not op.spec.regions else op.execute(operands, run)
    except (*RULE_BREAKS, MemoryError) as error:  # such as sizes that clash only now
        raise op.refuse("evaluation", "operands", "such that the op can be computed", error) from error
    results = out if isinstance(out, tuple) else (out,)
    if len(results) != len(op.results):
        raise op.refuse("result-count", "evaluation", f"{len(op.results)} arrays", len(results))
    return results


class _Run:
    """One run: the arrays of the values that are still needed."""

    def __init__(self, sizes: Sizes, watch: Watch | None, compute: Compute) -> None:
        self.sizes = sizes
        self.watch = watch
        self.compute = compute
        self.arrays: dict[Value, Any] = {}

    def block(self, block: Block, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        arrays = self.arrays
        arrays.update(zip(block.params, arguments, strict=True))
        for op, dead in zip(block.ops, last_uses(block), strict=True):
            for value, array in zip(op.results, self.op(op), strict=True):
                arrays[value] = array
            for value in dead:
                arrays.pop(value, None)
        given = tuple(arrays[value] for value in block.results)
        own = {value for op in block.ops for value in op.results}
        for value in own.intersection(block.results):
            arrays.pop(value, None)
        return given

    def op(self, op: Op) -> tuple[Any, ...]:
        operands = tuple(self.fetch(argument) for argument in op.arguments())
        results = self.compute(op, operands, self.block)
        for array, value in zip(results, op.results, strict=True):
            # Sizes that only the data decides get a fresh name each time a loop body runs.
            _check_array(array, value.type, dict(self.sizes), op.describe(), f"result {value!r}")
            if self.watch is not None:
                self.watch(op, value, array)
        return tuple(np.asarray(array, order="C") if isinstance(array, np.ndarray) else array for array in results)

    def fetch(self, argument: Any) -> Any:
        if type(argument) is tuple:
            return tuple(self.fetch(item) for item in argument)
        return None if argument is None else self.arrays[argument]
