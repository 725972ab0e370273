"""The laws that every pass owes, on random programs.

A pass gets programs that hold the shapes it looks for (idioms) among others. It must accept each, leave a valid
program with the same inputs and outputs that computes the same, find nothing more to do the second time if it says
so, and really do something in a fair share of the programs.
"""

from collections.abc import Callable, Mapping, Sequence

from hypothesis import HealthCheck, given, settings

from optc.ir.block import Program
from optc.ir.op import Op
from optc.ir.verifier import verify
from optc.pipeline.passes import Pass, PassContext
from optc.testing.equivalence import assert_equivalent
from optc.testing.programs import Idiom, programs
from optc.testing.samplers.catalog import SAMPLERS
from optc.testing.source import Sampler

Extra = Callable[[Program, Program], None]
LEAST_DRAWN = 60
"""Programs that are drawn at least: of fewer, neighbours in Hypothesis's walk are too alike to tell a share by."""


def check_pass(
    tested: Pass | type[Pass],
    idioms: Sequence[Idiom] = (),
    samplers: Mapping[type[Op], Sampler] = SAMPLERS,
    least_share: float = 0.2,
    extra: Extra | None = None,
    least: int = 1,
) -> None:
    """Check the laws of a pass (a class stands for its defaults) on programs drawn with its idioms.

    `extra` adds a law on (before, after).

        check_pass(DeadCode, idioms=(unused_op,))

    Raises:
        AssertionError: a law does not hold (Hypothesis shows the smallest program that it found), or the pass changed
            less than `least_share` of the programs.
    """
    running = tested() if isinstance(tested, type) else tested
    drawn = fired = 0

    @settings(
        suppress_health_check=list(HealthCheck), deadline=None, max_examples=max(LEAST_DRAWN, settings().max_examples)
    )
    @given(programs(samplers, idioms, least=least))
    def law(program: Program) -> None:
        nonlocal drawn, fired
        after = check_once(running, program, extra)
        drawn += 1
        fired += after is not program

    law()
    assert fired >= least_share * drawn, f"{running} changed only {fired} of {drawn} programs"


def check_once(running: Pass, program: Program, extra: Extra | None = None) -> Program:
    """Check the laws of a pass on one program; the program after it.

    Raises:
        AssertionError: a law does not hold.
        OptcError: the program is not valid, before the pass or after it.
    """
    verify(program)
    after = running.run(program, PassContext(running))
    if after is not program:
        verify(after)
        assert_equivalent(program, after, exact=running.exact)
    if running.idempotent:
        again = running.run(after, PassContext(running))
        assert again is after, f"{running} changes its own result:\n{after}\nbecomes\n{again}"
    if extra is not None:
        extra(program, after)
    return after
