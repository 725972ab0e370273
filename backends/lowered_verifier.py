"""What must hold of a lowered program: what may stand at each stage, and where each value is.

Values of `@predict` live on units. Constants, inputs and resident tensors are on every unit that uses them (handing
them in is part of launching it); the result of a kernel is on its unit, and on others only where it was handed over.
"""

from collections.abc import Callable, Mapping

import attrs

from backends.capability import RULES
from backends.lowered_ops import CATALOG, HandOver, KernelOp
from backends.lowering import LOAD_FUNCTION, PREDICT_FUNCTION
from backends.rule import Rule
from optc.errors import OptcError
from optc.ir.block import Function, Program
from optc.ir.const import Const
from optc.ir.liveness import uses_of
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ir.verifier import Invariant, located, verify

INVARIANTS = tuple(
    Invariant(number, slug, says)
    for number, (slug, says) in enumerate(
        (
            ("lowered-functions", "The functions are @load and @predict, in this order."),
            ("resident", "@load takes nothing; what it returns are the first inputs of @predict, in names and types."),
            ("stage-op", "At each stage stand only the ops of `STAGES`."),
            ("unit-op", "An op inside a kernel is one that no rule of the kernel's unit refuses."),
            ("residence", "What a kernel uses is on its unit; what is handed over is on the unit that it comes from."),
            ("needless-handover", "Constants and inputs are not handed over, and no value twice to one unit."),
        ),
        start=1,
    )
)


@attrs.frozen
class Stage:
    """A place in a lowered program: the ops that may stand there."""

    where: str
    says: str
    allows: Callable[[Op], bool]


STAGES = {
    stage.where: stage
    for stage in (
        Stage(LOAD_FUNCTION, "a constant or a constexpr op", lambda op: op.constant),
        Stage(
            PREDICT_FUNCTION, "a const, a kernel or a handover", lambda op: isinstance(op, Const | KernelOp | HandOver)
        ),
        Stage("kernel", "no kernel and no handover", lambda op: not isinstance(op, KernelOp | HandOver)),
    )
}
"""What may stand at the top level of each function, and inside kernels, blocks nested in them included."""


def verify_lowered(program: Program, rules: Mapping[str, tuple[Rule, ...]] = RULES) -> None:
    """Check a lowered program: that it is well formed, and `INVARIANTS`; `rules` are those of the units.

    Raises:
        OptcError: the first rule that is broken, with the lines of the program round the op; its slug is the
            invariant's.
    """
    verify(program, CATALOG)
    load, predict = _functions(program)
    _check_resident(load, predict)
    for function in (load, predict):
        checker = _Checker(function, rules)
        try:
            checker.check()
        except OptcError as error:
            raise located(error, program, function, checker.current) from None


def _functions(program: Program) -> tuple[Function, Function]:
    names = [function.name for function in program.functions]
    if names != [LOAD_FUNCTION, PREDICT_FUNCTION]:
        given = ", ".join(f"@{name}" for name in names) or "none"
        raise OptcError("lowered-functions", "program", "functions", f"@{LOAD_FUNCTION} and @{PREDICT_FUNCTION}", given)
    return program.functions[0], program.functions[1]


def _check_resident(load: Function, predict: Function) -> None:
    if load.inputs:
        raise OptcError("resident", "function @load", "inputs", "none", ", ".join(load.inputs))
    given = [f"{name}: {kind}" for name, kind in load.outputs.items()]
    taken = [f"{name}: {kind}" for name, kind in predict.inputs.items()][: len(given)]
    for expected, actual in zip(given, taken + ["none"] * len(given), strict=False):
        if expected != actual:
            raise OptcError("resident", "function @predict", "input", f"{expected}, as @load returns it", actual)


class _Checker:
    """One walk over a function; `current` is the op that is looked at, for the message."""

    def __init__(self, function: Function, rules: Mapping[str, tuple[Rule, ...]]) -> None:
        self.function, self.rules = function, rules
        self.current: Op | None = None
        self.home: dict[Value, str] = {}  # where values are that are not everywhere
        self.handed: set[tuple[Value, str]] = set()

    def check(self) -> None:
        for op in self.function.body.ops:
            self.current = op
            _check_stage(op, STAGES[self.function.name])
            if isinstance(op, KernelOp):
                self.kernel(op)
            elif isinstance(op, HandOver):
                self.handover(op)

    def kernel(self, kernel: KernelOp) -> None:
        for op in kernel.body.walk():
            _check_stage(op, STAGES["kernel"])
            for rule in self.rules.get(kernel.unit, ()) if not op.constant else ():
                if rule.refuses(op):
                    raise _refuse(
                        "unit-op", f"op {op.name} inside", f"one that {kernel.unit} runs", rule.slug, rule.says
                    )
        for value in uses_of(kernel):
            self.expect(value, kernel.unit)
        self.home.update((value, kernel.unit) for value in kernel.results)

    def handover(self, op: HandOver) -> None:
        if op.x not in self.home:
            raise _refuse(
                "needless-handover", "operand x", "the result of a kernel", repr(op.x), "others are everywhere"
            )
        self.expect(op.x, op.source)
        if (op.x, op.target) in self.handed:
            raise _refuse("needless-handover", f"hand-over to {op.target}", "the only one of its value", repr(op.x))
        self.handed.add((op.x, op.target))
        self.home[op.results[0]] = op.target

    def expect(self, value: Value, unit: str) -> None:
        home = self.home.get(value, unit)
        if home != unit:
            raise _refuse("residence", f"value {value!r}", f"on {unit}", home, "a handover gives it to another unit")


def _check_stage(op: Op, stage: Stage) -> None:
    if not stage.allows(op):
        place = "inside a kernel" if stage.where == "kernel" else f"at the top level of @{stage.where}"
        raise _refuse("stage-op", f"op {place}", stage.says, op.name)


def _refuse(slug: str, what: str, expected: str, actual: object = "", hint: str = "") -> OptcError:
    return OptcError(slug, "", what, expected, actual, hint)
