"""The memory plan on examples that are counted by hand, and as an assignment of random buffers."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.kernels import kernels_of
from backends.lowering import Expansion, lower
from backends.memory_plan import Buffer, MemoryPlan, memory_plan, placed
from backends.sizes import Sizes
from backends.uses import decided_weights
from optc.errors import UsageError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dims import parse_dim
from optc.ir.dtypes import DType
from optc.ir.types import StateType, TensorType
from optc.ops.constexpr import LutToDense
from optc.ops.elementwise import Add
from optc.ops.matmul import MatMul
from optc.ops.shape import Reshape
from optc.ops.softmax import Softmax
from optc.ops.state import StateRead
from tests.properties.plain_device import DEVICE

KIND = TensorType(DType.F32, (parse_dim("n"), 16))
TABLE, INDICES, DENSE = 16 * 4, 16 * 16 // 2, 16 * 16
"""Bytes of the lookup table and of the indices, and elements of the weight below."""


def planned(program: Program, units: list[str], expansion: Expansion = "load", n: int = 10) -> MemoryPlan:
    """The plan with every weight expanded in one way, for `n` rows: 160 elements in each value."""
    weights = decided_weights(program)
    plans = {(weight.name, unit): expansion for weight in weights for unit in units}
    lowered = lower(program, kernels_of(program.main.body), units, weights, plans)
    return memory_plan(lowered, DEVICE, Sizes({"n": n}))


def lifetimes(plan: MemoryPlan, unit: str) -> list[tuple[str, int, int, int]]:
    return [(b.name, b.size, b.first, b.last) for b in plan.units[unit].buffers]


def chain(length: int) -> Program:
    """`length` kernels one after the other."""
    b = Builder()
    value = b.param(KIND, "x")
    for number in range(length):
        value = b.add(Softmax(value, axis=1), f"y{number}")
    return b.program(y=value)


def product() -> Program:
    """A product with a palettized weight, and a sum with a small constant."""
    b = Builder()
    indices = b.const(np.zeros((16, 16), np.uint8), "indices", DType.U4)
    weight = b.add(LutToDense(indices, b.const(np.zeros((1, 1, 16, 1), np.float32), "table")), "w")
    y = b.add(MatMul(b.param(KIND, "x"), weight), "h")
    return b.program(y=b.add(Add(y, b.const(np.ones(16, np.float32), "bias")), "y"))


def test_a_chain_keeps_two_values_alive_and_takes_turns_in_their_memory() -> None:
    memory = planned(chain(5), ["npu"] * 5).units["npu"]
    assert (memory.peak_bytes, memory.arena_bytes) == (2 * 320, 2 * 320)
    assert [b.offset for b in memory.buffers] == [0, 320, 0, 320, 0, 320]
    assert lifetimes(planned(chain(2), ["npu"] * 2), "npu") == [("x", 320, 0, 0), ("y0", 320, 0, 1), ("y1", 320, 1, 2)]


def test_floats_count_in_the_element_type_of_the_unit_and_sizes_as_they_are_taken() -> None:
    assert planned(chain(2), ["cpu"] * 2).units["cpu"].peak_bytes == 2 * 640
    assert planned(chain(2), ["npu"] * 2, n=30).units["npu"].peak_bytes == 2 * 960


@pytest.mark.parametrize(
    ("unit", "expansion", "resident"),
    [
        ("cpu", "load", DENSE * 4 + 64),
        ("npu", "load", DENSE * 2 + 32),
        ("cpu", "fused", INDICES + TABLE + 64),
        ("npu", "fused", INDICES + TABLE + 32),
        ("npu", "explicit", INDICES + TABLE + 32),
    ],
)
def test_what_is_resident_is_weights_as_they_are_kept_and_constants(
    unit: str, expansion: Expansion, resident: int
) -> None:
    assert planned(product(), [unit] * 2, expansion).units[unit].resident_bytes == resident


def test_an_explicit_expansion_is_alive_until_the_last_kernel_that_uses_it() -> None:
    plan = planned(product(), ["npu"] * 2, "explicit")
    # Three constants come first; then the expansion, the product, the sum.
    assert lifetimes(plan, "npu") == [("w.npu", 512, 3, 4), ("x", 320, 0, 4), ("h", 320, 4, 5), ("y", 320, 5, 6)]
    assert plan.units["npu"].peak_bytes == 512 + 320 + 320


def test_what_is_handed_over_has_a_buffer_on_both_units() -> None:
    plan = planned(chain(2), ["npu", "cpu"])
    assert lifetimes(plan, "npu") == [("x", 320, 0, 0), ("y0", 320, 0, 1)]
    assert lifetimes(plan, "cpu") == [("y0.cpu", 640, 1, 2), ("y1", 640, 2, 3)]


def test_a_view_shares_the_buffer_of_what_it_views() -> None:
    b = Builder()
    x = b.param(KIND, "x")
    flat = b.add(Reshape(x, (16, -1)), "flat")
    y = b.add(Softmax(flat, axis=1), "y")
    plan = planned(b.program(y=y, flat=flat, again=b.add(Reshape(y, (-1,)), "again")), ["npu", "npu"])
    assert lifetimes(plan, "npu") == [("x", 320, 0, 2), ("y", 320, 1, 2)]


def test_a_state_is_resident_where_it_is_used() -> None:
    b = Builder()
    state = b.param(StateType(TensorType(DType.F32, (10, 16))), "s")
    plan = planned(b.program(y=b.add(Softmax(b.add(StateRead(state)), axis=1))), ["cpu", "cpu"])
    assert plan.units["cpu"].resident_bytes == 640


def test_a_unit_that_the_device_lacks_is_refused() -> None:
    program = chain(1)
    lowered = lower(program, kernels_of(program.main.body), ["gpu"], (), {})
    without = type(DEVICE)("small", "small", DEVICE.disk_gbps, {"cpu": DEVICE.units["cpu"]})
    with pytest.raises(UsageError, match=r"device small: unit must be one of cpu \(got gpu\)"):
        memory_plan(lowered, without, Sizes())


def a_buffer(size: int, first: int, span: int) -> Buffer:
    return Buffer("b", size, first, first + span)


BUFFERS = st.lists(st.builds(a_buffer, st.integers(0, 9), st.integers(0, 9), st.integers(0, 5)), max_size=12)


@given(BUFFERS)
def test_buffers_that_are_alive_at_once_never_overlap_and_each_lies_as_low_as_it_can(buffers: list[Buffer]) -> None:
    after = placed(buffers)
    assert [(b.size, b.first, b.last) for b in after] == [(b.size, b.first, b.last) for b in buffers]
    for a, b in itertools.combinations(after, 2):
        apart = a.last < b.first or b.last < a.first
        assert apart or not (a.size and b.size) or a.offset + a.size <= b.offset or b.offset + b.size <= a.offset
    for b in after:
        others = [o for o in after if o is not b and o.size and o.first <= b.last and b.first <= o.last]
        assert b.offset in {0, *(o.offset + o.size for o in others)}
