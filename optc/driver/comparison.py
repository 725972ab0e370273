"""Two models side by side: weight by weight and, given inputs, output by output and op by op."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import numpy as np

from optc.driver.progress import by_op
from optc.errors import OptcError
from optc.formats.interface import identifier, restored
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.ir.interpreter import interpret
from optc.ir.op import Op
from optc.ir.value import Value
from optc.numerics.distance import max_error, snr_db
from optc.ops.weights import Weight, weights_of
from optc.pipeline.instrumentation import Progress, ignore_progress


@attrs.frozen
class Difference:
    """One tensor in both models: `snr_db` is infinite where they agree, `max_error` an absolute difference.

    Both are None where it is in one model only, or its shape or kind of elements differs: `problem` says so.
    """

    name: str
    snr_db: float | None = None
    max_error: float | None = None
    bytes_a: int | None = None
    bytes_b: int | None = None
    op: str = ""
    problem: str = ""

    @property
    def same(self) -> bool:
        return self.max_error == 0.0 and not self.problem

    def to_json(self) -> dict[str, Any]:
        """Plain data. JSON has no infinity: `snr_db` is null where nothing differs, and `exact` is true."""
        finite = {
            key: None if value is None or not math.isfinite(value) else value
            for key, value in (("snr_db", self.snr_db), ("max_error", self.max_error))
        }
        return {**attrs.asdict(self), **finite, "exact": self.same}


@attrs.frozen
class Comparison:
    """`ops` are the values that both models compute under one name, in the order of the second model."""

    weights: tuple[Difference, ...]
    outputs: tuple[Difference, ...] = ()
    ops: tuple[Difference, ...] = ()

    @property
    def first(self) -> Difference | None:
        """The first op whose result differs."""
        return next((difference for difference in self.ops if not difference.same), None)

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain data."""
        tables = {
            key: [difference.to_json() for difference in rows]
            for key, rows in (("weights", self.weights), ("outputs", self.outputs), ("ops", self.ops))
        }
        return {**tables, "first_difference": None if self.first is None else self.first.to_json()}


def compare(
    a: Program, b: Program, inputs: Mapping[str, Any] | None = None, report: Progress = ignore_progress
) -> Comparison:
    """Compare by name; with `inputs`, both are run by the reference interpreter. `report` hears how far that is.

    A name that a format had to change is that which it was; names are shown as the first model has them.

    Raises:
        OptcError: one of them cannot be run on these inputs.
    """
    a, b = alike(a, b)
    spelled = _spelling(a)
    weights = _compare_weights(a, b, report)
    if not inputs:
        return Comparison(weights)
    seen: dict[str, Array] = {}
    once_a, once_b = _names_used_once(a), frozenset(map(spelled, _names_used_once(b)))
    ops: list[Difference] = []

    count_a, count_b = (by_op(report, f"running the {name} model", p) for name, p in (("first", a), ("second", b)))

    def keep(op: Op, value: Value, array: Any) -> None:
        count_a(op, value, array)
        if value.name in once_a and value.name in once_b and not op.constant:
            seen[value.name] = array

    def hold(op: Op, value: Value, array: Any) -> None:
        count_b(op, value, array)
        name = spelled(value.name)
        if name in once_b and name in seen and not op.constant:
            ops.append(difference(name, seen.pop(name), array, op=op.name))

    old = _run(a, inputs, "first model", keep)
    new = _run(b, inputs, "second model", hold)
    outputs = tuple(
        difference(name, old[name], new[name]) if name in old and name in new else _missing(name, name in old)
        for name in dict.fromkeys((*old, *new))
    )
    return Comparison(weights, outputs, tuple(ops))


def _run(program: Program, inputs: Mapping[str, Any], where: str, watch: Any) -> dict[str, Array]:
    try:
        return interpret(program, inputs, watch=watch)
    except OptcError as error:
        raise error.at(f"{where}: {error.where}") from None


def _spelling(a: Program) -> Callable[[str], str]:
    """Names as the first model has them: those of Core ML have underscores in place of other characters."""
    known = {value.name for op in a.walk() for value in op.results}
    plain = {identifier(name): name for name in known}
    return lambda name: name if name in known else plain.get(name, name)


def alike(a: Program, b: Program) -> tuple[Program, Program]:
    """Both programs, with inputs and outputs as they were before a format changed them, if they differ in them."""
    return (a, b) if a.main.input_names == b.main.input_names else (restored(a), restored(b))


def paired_weights(a: Program, b: Program) -> dict[str, tuple[Weight | None, Weight | None]]:
    """The weights of both by name, as the first model spells it; None where a model has no such weight."""
    spelled = _spelling(a)
    old = {weight.name: weight for weight in weights_of(a)}
    new = {spelled(weight.name): weight for weight in weights_of(b)}
    return {name: (old.get(name), new.get(name)) for name in dict.fromkeys((*old, *new))}


def _compare_weights(a: Program, b: Program, report: Progress) -> tuple[Difference, ...]:
    pairs = paired_weights(a, b)
    done, total = 0, sum(old.dense_bytes for old, _ in pairs.values() if old is not None)
    found = []
    for name, (old, new) in pairs.items():
        found.append(_two_weights(name, old, new))
        done += old.dense_bytes if old is not None else 0
        report("comparing weights", done, total)
    return tuple(found)


def _two_weights(name: str, a: Weight | None, b: Weight | None) -> Difference:
    if a is not None and b is not None:
        return _weight(name, a, b)
    return attrs.evolve(
        _missing(name, a is not None), bytes_a=a.stored_bytes if a else None, bytes_b=b.stored_bytes if b else None
    )


def _weight(name: str, a: Weight, b: Weight) -> Difference:
    sizes: dict[str, Any] = {"bytes_a": a.stored_bytes, "bytes_b": b.stored_bytes}
    if a.constants == b.constants and a.form == b.form:
        return Difference(name, math.inf, 0.0, **sizes)
    return difference(name, a.expanded(), b.expanded(), **sizes)


def _missing(name: str, in_a: bool) -> Difference:
    return Difference(name, problem="only in the first model" if in_a else "only in the second model")


def difference(name: str, a: Array, b: Array, **more: Any) -> Difference:
    """How `b` differs from `a`; `more` are further fields of the result."""
    if a.shape != b.shape:
        return Difference(name, problem=f"shape {list(a.shape)} and {list(b.shape)}", **more)
    if a.dtype.kind == "O" or b.dtype.kind == "O":
        same = a.dtype == b.dtype and bool(np.array_equal(a, b))
        return Difference(name, max_error=0.0 if same else None, problem="" if same else "other texts", **more)
    if np.array_equal(a, b):
        return Difference(name, math.inf, 0.0, **more)
    return Difference(name, snr_db(a, b), max_error(a, b), **more)


def _names_used_once(program: Program) -> frozenset[str]:
    counts = Counter(value.name for op in program.main.body.walk() for value in op.results)
    return frozenset(name for name, count in counts.items() if count == 1 and name)
