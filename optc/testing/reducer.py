"""Shrinks a program that shows a fault, as long as it still shows it.

Three steps are tried over and over until none helps: drop an output; cut the program at a value, which becomes an
input; put an operand of the same type in place of a result. What nothing needs any more is dropped each time. Source
of the scheme: A. Zeller and R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002 (large cuts first).
"""

from collections.abc import Callable, Iterator, Sequence

from optc.errors import OptcError
from optc.ir.block import Block, Function, Program
from optc.ir.liveness import uses_of
from optc.ir.op import Op
from optc.ir.rewriter import rebuild
from optc.ir.value import Value
from optc.ir.verifier import verify

Interesting = Callable[[Program], bool]
MAX_TESTS = 10_000


def reduce_program(program: Program, interesting: Interesting, max_tests: int = MAX_TESTS) -> Program:
    """The smallest program found for which `interesting` still holds; at most `max_tests` programs are tried.

    Every program that is tried is valid.

    Raises:
        OptcError: slug `not-interesting`, if `interesting` does not hold for `program` itself.
    """
    if not interesting(program):
        raise OptcError("not-interesting", "reduce", "test", "true of the program that is to be reduced", "false")
    tests = 0
    shrunk = True
    while shrunk and tests < max_tests:
        shrunk = False
        for candidate in _candidates(program):
            tests += 1
            if tests > max_tests:
                break
            if _size(candidate) < _size(program) and _valid(candidate) and interesting(candidate):
                program, shrunk = candidate, True
                break
    return program


def _size(program: Program) -> tuple[int, int, int]:
    main = program.main
    return sum(1 for _ in program.walk()), len(main.body.results), len(main.body.params)


def _valid(program: Program) -> bool:
    try:
        verify(program)
    except OptcError:
        return False
    return True


def _candidates(program: Program) -> Iterator[Program]:
    main = program.main
    if len(program.functions) > 1:
        yield Program((main,), program.metadata)
    yield _pruned(program, main.body, main.output_names)
    yield from _fewer_outputs(program)
    yield from _cuts(program)
    yield from _bypasses(program)
    yield from _without_unused(program)


def _fewer_outputs(program: Program) -> Iterator[Program]:
    """One output alone, then all but one."""
    main = program.main
    pairs = list(zip(main.output_names, main.body.results, strict=True))
    if len(pairs) < 2:
        return
    for kept in [[pair] for pair in pairs] + [[q for q in pairs if q is not p] for p in pairs]:
        block = Block(main.body.params, main.body.ops, [value for _, value in kept])
        yield from _tidied(program, block, tuple(name for name, _ in kept))


def _cuts(program: Program) -> Iterator[Program]:
    """The results of an op as inputs: half of the ops first, then each alone, later ones first."""
    main = program.main
    ops = [op for op in main.body.ops if op.results and not op.constant]
    groups: list[Sequence[Op]] = [ops[: len(ops) // 2]] if len(ops) > 3 else []
    for group in [*groups, *([op] for op in reversed(ops))]:
        taken = set(main.input_names)
        fresh: dict[Value, Value] = {}
        for value in (v for op in group for v in op.results):
            name = value.name or "cut"
            while name in taken:
                name += "'"
            taken.add(name)
            fresh[value] = Value(value.type, name)
        yield from _changed(program, fresh)


def _bypasses(program: Program) -> Iterator[Program]:
    """An operand in place of a result of the same type."""
    for op in program.main.body.ops:
        if len(op.results) == 1:
            same = next((v for v in op.operands if v.type == op.result.type), None)
            if same is not None:
                yield from _changed(program, {op.result: same})


def _without_unused(program: Program) -> Iterator[Program]:
    """Ops whose results nothing uses left out: half of them first, then each alone."""
    main = program.main
    used = {value for op in main.body.ops for value in uses_of(op)} | set(main.body.results)
    unused = [op for op in main.body.ops if not used.intersection(op.results)]
    groups: list[Sequence[Op]] = [unused[: len(unused) // 2]] if len(unused) > 3 else []
    for group in [*groups, *([op] for op in unused)]:
        gone = set(map(id, group))
        ops = [op for op in main.body.ops if id(op) not in gone]
        yield _as_main(program, Block(main.body.params, ops, main.body.results), main.output_names)


def _changed(program: Program, values: dict[Value, Value]) -> Iterator[Program]:
    """The program without the ops of some values, with other values (new inputs among them) in place of these."""
    main = program.main
    known = {v for op in main.body.ops for v in op.results} | set(main.body.params)
    new_params = [v for v in values.values() if v not in known]
    start = Block((*main.body.params, *new_params), main.body.ops, main.body.results)

    def visit(op: Op, out: object) -> tuple[Value, ...] | None:
        return tuple(values[v] for v in op.results) if op.results and op.results[0] in values else None

    block = rebuild(start, visit)
    ops = [op for op in block.ops if not op.results or op.results[0] not in values]
    yield from _tidied(program, Block(block.params, ops, block.results), main.output_names)


def _tidied(program: Program, block: Block, names: tuple[str, ...]) -> Iterator[Program]:
    """The program with this main block, without what nothing needs; then, as a fault may lie in that, with it."""
    pruned = _pruned(program, block, names)
    yield pruned
    if len(pruned.main.body.ops) < len(block.ops):
        yield _as_main(program, block, names)


def _pruned(program: Program, block: Block, names: tuple[str, ...]) -> Program:
    """The program with this main block, without what nothing needs."""
    needed = set(block.results)
    ops = []
    for op in reversed(block.ops):
        if not op.pure or any(v in needed for v in op.results):
            needed.update(uses_of(op))
            ops.append(op)
    return _as_main(program, Block(block.params, tuple(reversed(ops)), block.results), names)


def _as_main(program: Program, block: Block, names: tuple[str, ...]) -> Program:
    """The program with this main block, without inputs that nothing uses."""
    used = {value for op in block.ops for value in uses_of(op)} | set(block.results)
    params = [p for p in block.params if p in used]
    main = program.main
    made = Function(main.name, Block(params, block.ops, block.results), names)
    return Program(tuple(made if f is main else f for f in program.functions), program.metadata)
