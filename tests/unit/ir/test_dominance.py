"""Dominance agrees with a walk that keeps the scope by hand."""

from hypothesis import given

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.dominance import Dominance
from optc.ir.op import Op
from optc.ir.value import Value
from tests.unit.ir.ops_for_tests import F2, Neg
from tests.unit.ir.test_printer import nested_programs


def scopes(block: Block, outside: frozenset[Value]) -> dict[int, frozenset[Value]]:
    """The values in scope at each op, by the op's id."""
    found: dict[int, frozenset[Value]] = {}
    scope = outside | set(block.params)
    for op in block.ops:
        found[id(op)] = scope
        for nested in op.blocks:
            found |= scopes(nested, scope)
        scope = scope | set(op.results)
    return found


@given(nested_programs())
def test_a_value_dominates_exactly_the_ops_in_whose_scope_it_is(program: Program) -> None:
    body = program.main.body
    dominance = Dominance(body)
    everything = {*body.params, *(v for op in body.walk() for v in op.results)}
    everything |= {v for op in body.walk() for block in op.blocks for v in block.params}
    at = scopes(body, frozenset())
    for op in body.walk():
        assert {v for v in everything if dominance.dominates(v, op)} == at[id(op)]


def test_nothing_is_dominated_that_is_not_in_the_block() -> None:
    builder = Builder()
    x = builder.param(F2, "x")
    op: Op = Neg(x)
    builder.append(op)
    dominance = Dominance(builder.block())
    assert dominance.dominates(x, op)
    assert not dominance.dominates(Value(F2), op)
    assert not dominance.dominates(x, Neg(x))
