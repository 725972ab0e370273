"""Lowering: the decisions become part of the program.

`@load` runs once and returns the resident tensors; `@predict` takes them and the inputs. When a weight is expanded
is which function holds its constexpr op.
"""

from collections.abc import Mapping, Sequence

import attrs

from backends.decision import LOAD
from optc.errors import OptcError
from optc.ir.block import Block, Function, Program
from optc.ir.liveness import uses_of
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops.weights import Weight

LOAD_FUNCTION, PREDICT_FUNCTION = "load", "predict"


@attrs.frozen
class Lowered:
    """A lowered program, and the names under which `@predict` takes what `@load` returns."""

    program: Program
    resident: tuple[str, ...]


def lower(program: Program, weights: Sequence[Weight], choices: Mapping[str, str]) -> Lowered:
    """Split the main function into `@load` and `@predict`; `choices` says `load` or `predict` by weight name.

    Load then predict computes what the main function computes, bit for bit on the reference semantics.

    Raises:
        OptcError: slug `already-lowered`, or `no-such-weight` if a choice names none of `weights`.
    """
    main = program.main
    if {f.name for f in program.functions} & {LOAD_FUNCTION, PREDICT_FUNCTION}:
        raise OptcError("already-lowered", "program", "functions", "without @load and @predict")
    known = {w.name for w in weights}
    for name in choices:
        if name not in known:
            raise OptcError("no-such-weight", "choices", "name", "that of a weight", name)
    loaded = [w for w in weights if choices.get(w.name, LOAD) == LOAD]
    names = _names(loaded, main)
    load_ops = tuple({id(op): op for weight in loaded for op in weight.chain}.values())
    load = Function(LOAD_FUNCTION, Block((), load_ops, [w.value for w in loaded]), names)
    predict = _predict(main, loaded, names)
    return Lowered(attrs.evolve(program, functions=(load, predict)), names)


def _names(loaded: Sequence[Weight], main: Function) -> tuple[str, ...]:
    taken = set(main.input_names)
    out = []
    for weight in loaded:
        name = weight.name
        while name in taken:
            name += "'"
        taken.add(name)
        out.append(name)
    return tuple(out)


def _predict(main: Function, loaded: Sequence[Weight], names: Sequence[str]) -> Function:
    """The main function with loaded weights as leading parameters, and without what only they needed."""
    resident = {w.value: Value(w.value.type, name) for w, name in zip(loaded, names, strict=True)}
    body = _substituted(main.body, resident)
    block = Block((*resident.values(), *main.body.params), _needed(body), body.results)
    return Function(PREDICT_FUNCTION, block, main.output_names)


def _substituted(block: Block, resident: Mapping[Value, Value]) -> Block:
    """The block on the resident tensors, in nested blocks too; constexpr ops keep their own operands."""

    def new(value: Value) -> Value:
        return resident.get(value, value)

    ops: list[Op] = []
    for op in block.ops:
        if op.constant:
            ops.append(op)
            continue
        changed = op.with_operands(new)
        for field in changed.spec.regions:
            held = getattr(changed, field.name)
            blocks = tuple(_substituted(b, resident) for b in (held if field.many else (held,)))
            changed = changed.evolve(**{field.name: blocks if field.many else blocks[0]})
        ops.append(changed)
    return Block(block.params, ops, [new(v) for v in block.results])


def _needed(block: Block) -> list[Op]:
    """The ops of a block without constants that nothing uses."""
    needed = set(block.results)
    kept = []
    for op in reversed(block.ops):
        if not op.constant or any(v in needed for v in op.results):
            needed.update(uses_of(op))
            kept.append(op)
    kept.reverse()
    return kept
