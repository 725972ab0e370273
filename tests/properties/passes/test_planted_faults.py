"""What the kit is for: a fault planted in a pass is found on random programs, and shown in a small one."""

from functools import cache
from statistics import median

import pytest
from hypothesis import HealthCheck, Phase, find, settings

from optc.errors import OptcError
from optc.ir.block import Program
from optc.testing.check_pass import check_once
from optc.testing.programs import programs
from optc.testing.reducer import reduce_program
from passes.catalog import EXACT, ROUNDING
from tests.properties.passes.faults import FAULTS, Fault

# No shrinking by Hypothesis: that is what the reducer is tested for.
_SEARCH = settings(
    max_examples=2000, phases=[Phase.generate], database=None, derandomize=True, deadline=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
_BY_NAME = {f"{fault.wrong.name}, {fault.what}": fault for fault in FAULTS}


def shows(fault: Fault, program: Program) -> bool:
    """Whether a law of the pass does not hold for a program."""
    try:
        check_once(fault.wrong, program)
    except (AssertionError, OptcError):
        return True
    return False


@cache
def reduced(name: str) -> tuple[Program, Program]:
    """The first drawn program that shows a fault, and what the reducer makes of it."""
    fault = _BY_NAME[name]
    found = find(programs(idioms=fault.idioms), lambda program: shows(fault, program), settings=_SEARCH)
    return found, reduce_program(found, lambda program: shows(fault, program))


def size(program: Program) -> int:
    """The number of ops; constants are data."""
    return sum(op.name != "const" for op in program.walk())


def test_every_cleanup_pass_has_a_planted_fault() -> None:
    assert {fault.wrong.name for fault in FAULTS} == {cls.name for cls in (*EXACT, *ROUNDING)}


@pytest.mark.parametrize("name", _BY_NAME)
def test_a_planted_fault_is_found_and_shows_in_the_reduced_program_too(name: str) -> None:
    found, small = reduced(name)
    assert shows(_BY_NAME[name], small)
    assert size(small) <= size(found)


def test_planted_faults_reduce_to_at_most_5_ops_in_the_median() -> None:
    sizes = {name: size(reduced(name)[1]) for name in _BY_NAME}
    assert median(sizes.values()) <= 5, sizes
