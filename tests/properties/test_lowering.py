"""The central law: whatever is decided and wherever kernels run, load then predict computes what the program does."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.capability import refusal
from backends.kernels import kernels_of
from backends.lowered_ops import CATALOG, KERNELS
from backends.lowered_run import run_lowered
from backends.lowered_verifier import verify_lowered
from backends.lowering import EXPANSIONS, Expansion, Lowered, lower
from backends.memory_plan import memory_plan
from backends.sizes import Sizes
from backends.uses import decided_weights
from optc.errors import OptcError
from optc.ir.block import Block, Program
from optc.ir.dtypes import Array
from optc.ir.interpreter import Cell
from optc.ir.liveness import free_values
from optc.ir.parser import parse_program
from optc.testing.outputs import outputs_of
from optc.testing.programs import programs, random_inputs
from tests.properties.plain_device import DEVICE
from tests.properties.stored_weights import IDIOMS, nested

Plans = dict[tuple[str, str], Expansion]
EASY = settings(suppress_health_check=list(HealthCheck))
FLAT = tuple(idiom for idiom in IDIOMS if idiom is not nested)
FEW = 4
"""The most pairs of weight and unit of which every assignment is tried: 81 programs."""


def placements(most: int = 8) -> st.SearchStrategy[list[str]]:
    """A unit for each kernel, cycled through, legal or not."""
    return st.lists(st.sampled_from(sorted(KERNELS)), min_size=1, max_size=most)


def lowered_by(program: Program, units: Sequence[str], plans: Plans) -> Lowered:
    """The program with its kernels on these units, cycled through, and its weights expanded so."""
    kernels = kernels_of(program.main.body)
    placed = [units[number % len(units)] for number in range(len(kernels))]
    return lower(program, kernels, placed, decided_weights(program, min_elements=1), plans)


def assignments(program: Program, units: Sequence[str]) -> Iterator[Plans]:
    """Every assignment of expansions to the first few pairs of a weight and a unit; others are expanded at load."""
    weights = decided_weights(program, min_elements=1)
    pairs = [(weight.name, unit) for weight in weights for unit in sorted(set(units))][:FEW]
    for chosen in itertools.product(EXPANSIONS, repeat=len(pairs)):
        yield dict(zip(pairs, chosen, strict=True))


def drawn(data: st.DataObject, program: Program) -> Plans:
    """An expansion of each weight on each unit."""
    names = [weight.name for weight in decided_weights(program, min_elements=1)]
    return {pair: data.draw(st.sampled_from(EXPANSIONS)) for pair in itertools.product(names, sorted(KERNELS))}


def assert_computes(lowered: Program, expected: Mapping[str, Any], inputs: Mapping[str, Any]) -> None:
    """The lowered program gives these outputs, and leaves these states, bit for bit."""
    states = {name: Cell(value.array) for name, value in inputs.items() if isinstance(value, Cell)}
    arrays = {name: value for name, value in inputs.items() if name not in states}
    outputs: dict[str, Array] = run_lowered(lowered, arrays, states)
    outputs |= {f"state {name}": cell.array for name, cell in states.items()}
    assert list(outputs) == list(expected)
    for name, array in expected.items():
        assert (outputs[name].dtype, outputs[name].shape) == (array.dtype, array.shape)
        strings = array.dtype == np.object_
        assert outputs[name].tolist() == array.tolist() if strings else outputs[name].tobytes() == array.tobytes()


@EASY
@given(programs(idioms=IDIOMS), placements(), st.data())
def test_load_then_predict_computes_the_bits_of_any_program(
    program: Program, units: list[str], data: st.DataObject
) -> None:
    lowered = lowered_by(program, units, drawn(data, program)).program
    verify_lowered(lowered, rules={})
    assert_computes(lowered, outputs_of(program, 0), random_inputs(program, 0))


@EASY
@given(programs(idioms=IDIOMS), st.data())
def test_a_lowered_program_is_legal_if_each_kernel_is_on_its_unit(program: Program, data: st.DataObject) -> None:
    kernels = kernels_of(program.main.body)
    units = data.draw(st.lists(st.sampled_from(sorted(KERNELS)), min_size=1, max_size=len(kernels) or 1))
    lowered = lowered_by(program, units, drawn(data, program)).program
    if all(refusal(kernel, units[n % len(units)]) is None for n, kernel in enumerate(kernels)):
        verify_lowered(lowered)
    else:
        with pytest.raises(OptcError) as caught:
            verify_lowered(lowered)
        assert caught.value.slug == "unit-op"


@EASY
@given(programs(idioms=IDIOMS, samplers={}, most=2), placements(2))
def test_it_does_so_for_every_assignment_of_decisions(program: Program, units: list[str]) -> None:
    expected, inputs = outputs_of(program, 0), random_inputs(program, 0)
    for plans in assignments(program, units):
        assert_computes(lowered_by(program, units, plans).program, expected, inputs)


@EASY
@given(programs(idioms=IDIOMS), placements(), st.data())
def test_the_text_of_a_lowered_program_says_it_exactly(program: Program, units: list[str], data: st.DataObject) -> None:
    lowered = lowered_by(program, units, drawn(data, program)).program
    assert parse_program(str(lowered), CATALOG) == lowered


@EASY
@given(programs(idioms=IDIOMS))
def test_kernels_cover_each_op_once_but_for_dequantization_that_is_shared(program: Program) -> None:
    body = program.main.body
    kernels = kernels_of(body)
    lent = {id(op) for kernel in kernels for op in kernel.before}
    held = Counter(id(op) for kernel in kernels for op in kernel.all_ops)
    assert held.keys() == {id(op) for op in body.ops if not op.constant}
    assert all(count == 1 or number in lent for number, count in held.items())
    assert {op.name for kernel in kernels for op in kernel.before} <= {"dequantize"}


@EASY
@given(programs(idioms=IDIOMS))
def test_a_kernel_reads_what_it_takes_and_writes_what_is_taken_from_it(program: Program) -> None:
    body = program.main.body
    kernels = kernels_of(body)
    constant = {value for op in body.ops if op.constant for value in op.results}
    for kernel in kernels:
        others = [free_values(Block((), other.all_ops, ())) for other in kernels if other is not kernel]
        wanted = {*body.results, *(value for values in others for value in values)}
        assert set(kernel.reads) == set(free_values(Block((), kernel.all_ops, ()))) - constant
        assert set(kernel.writes) == {v for op in kernel.ops for v in op.results if v in wanted}
    defined = set(body.params)
    for kernel in kernels:
        assert defined.issuperset(kernel.reads)
        defined.update(kernel.writes)


@EASY
@given(programs(idioms=IDIOMS), placements(), st.data())
def test_a_lowered_kernel_holds_the_ops_of_its_kernel_on_its_unit(
    program: Program, units: list[str], data: st.DataObject
) -> None:
    kernels = kernels_of(program.main.body)
    lowered = lowered_by(program, units, drawn(data, program))
    assert len(lowered.kernels) == len(kernels)
    for number, (op, kernel) in enumerate(zip(lowered.kernels, kernels, strict=True)):
        assert op.unit == units[number % len(units)]
        assert [o.name for o in op.body.ops if not o.constant] == [o.name for o in kernel.all_ops]
        assert [v.type for v in op.results] == [v.type for v in kernel.writes]


@EASY
@given(programs(idioms=FLAT, samplers={}), placements(), st.sampled_from(EXPANSIONS))
def test_where_constexpr_ops_stand_is_the_decision(program: Program, units: list[str], expansion: Expansion) -> None:
    body = program.main.body
    weights = decided_weights(program, min_elements=1)
    compressed = {w.name for w in weights if w.scheme != "dense"}
    lowered = lowered_by(program, units, {(w.name, unit): expansion for w in weights for unit in units})
    used = {value for op in body.ops if not op.constant for value in op.operands}
    only_results = {v for op in body.ops if op.constant and op.name != "const" for v in op.results} - used
    only_results &= set(body.results)
    assert len(lowered.resident) == len(only_results) + (len(weights) if expansion == "load" else 0)
    inside = [op for kernel in lowered.kernels for op in kernel.body.ops if op.constant]
    assert bool(inside) == (expansion == "fused" and bool(compressed))
    assert expansion != "explicit" or {name for name, _ in lowered.expansions} == compressed
    assert expansion != "load" or not lowered.expansions


@EASY
@given(programs(idioms=IDIOMS), placements(), st.data())
def test_what_lies_in_memory_at_once_does_not_overlap(program: Program, units: list[str], data: st.DataObject) -> None:
    lowered = lowered_by(program, units, drawn(data, program))
    for memory in memory_plan(lowered, DEVICE, Sizes()).units.values():
        for a, b in itertools.combinations(memory.buffers, 2):
            apart = a.last < b.first or b.last < a.first
            assert apart or a.offset + a.size <= b.offset or b.offset + b.size <= a.offset
        steps = {b.first for b in memory.buffers}
        alive = [sum(b.size for b in memory.buffers if b.first <= step <= b.last) for step in steps]
        assert memory.peak_bytes == max(alive, default=0)
        assert memory.arena_bytes == max((b.offset + b.size for b in memory.buffers), default=0) >= memory.peak_bytes
