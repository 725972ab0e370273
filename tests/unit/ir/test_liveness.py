"""Uses and liveness, against their definitions."""

from hypothesis import given

from optc.ir.block import Block, Program
from optc.ir.builder import Builder
from optc.ir.liveness import definitions, free_values, last_uses, live_after, result_uses, users, uses_of
from tests.unit.ir.ops_for_tests import F2, Add, Neg, block_of
from tests.unit.ir.test_printer import nested_programs


def blocks_of(block: Block) -> list[Block]:
    return [block, *(inner for op in block.ops for nested in op.blocks for inner in blocks_of(nested))]


@given(nested_programs())
def test_users_lists_each_place_of_use_once(program: Program) -> None:
    body = program.main.body
    found = users(body)
    places = [(value, id(op)) for op in body.walk() for value in op.operands]
    assert sorted((hash(v), id(op)) for v, ops in found.items() for op in ops) == sorted(
        (hash(v), i) for v, i in places
    )


@given(nested_programs())
def test_definitions_and_result_uses_look_into_nested_blocks(program: Program) -> None:
    body = program.main.body
    assert all(value in op.results for value, op in definitions(body).items())
    assert set(definitions(body)) == {v for op in body.walk() for v in op.results}
    assert result_uses(body) == {v for block in blocks_of(body) for v in block.results}


@given(nested_programs())
def test_a_value_is_live_exactly_from_its_definition_to_its_last_use(program: Program) -> None:
    for block in blocks_of(program.main.body):
        live = live_after(block)
        for position in range(len(block.ops)):
            known = {*block.params, *(v for op in block.ops[: position + 1] for v in op.results)}
            later = {*block.results, *(v for op in block.ops[position + 1 :] for v in uses_of(op))}
            unused = set(block.params) - set(block.results) - {v for op in block.ops for v in uses_of(op)}
            assert live[position] - unused == known & later


@given(nested_programs())
def test_each_value_dies_at_most_once_and_never_if_it_is_a_result(program: Program) -> None:
    for block in blocks_of(program.main.body):
        dead = [value for values in last_uses(block) for value in values]
        assert len(set(dead)) == len(dead)
        assert not set(dead) & set(block.results)


@given(nested_programs())
def test_a_whole_body_needs_nothing_from_outside(program: Program) -> None:
    body = program.main.body
    assert free_values(body) == ()
    assert set(free_values(Block((), body.ops, body.results))) <= set(body.params)


def test_free_values_come_in_order_of_first_use() -> None:
    builder = Builder()
    x, y = builder.param(F2, "x"), builder.param(F2, "y")
    total = builder.add(Add(y, x))
    assert free_values(Block((), builder.ops, (total, x))) == (y, x)
    assert free_values(block_of(Neg, y)) == (y,)
