"""The ops of lowered programs: the catalog has them all, and a kernel computes what its ops compute."""

import numpy as np

from backends import lowered_ops
from backends.cost_table import UNITS
from backends.lowered_ops import CATALOG, KERNELS, OPS, CpuKernel, HandOver, KernelOp, is_lowered
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.interpreter import interpret
from optc.ir.op import Op
from optc.ir.types import TensorType
from optc.ops.activations import Relu
from optc.ops.catalog import CATALOG as PROGRAM_CATALOG
from optc.ops.elementwise import Add

F = TensorType(DType.F32, (3,))


def test_every_op_class_of_the_module_is_in_its_catalog() -> None:
    declared = {c for c in vars(lowered_ops).values() if isinstance(c, type) and issubclass(c, Op) and c.op_name}
    assert declared == set(OPS)
    assert {**PROGRAM_CATALOG, **{op.op_name: op for op in OPS}} == CATALOG
    assert not PROGRAM_CATALOG.keys() & {op.op_name for op in OPS}


def test_there_is_a_kernel_for_each_unit_of_the_cost_tables() -> None:
    assert tuple(KERNELS) == UNITS == lowered_ops.UNITS
    assert all(kernel.op_name == f"{unit}.kernel" for unit, kernel in KERNELS.items())


def test_a_kernel_computes_what_its_ops_compute_and_counts_their_arithmetic() -> None:
    b, inside = Builder(), Builder()
    x = b.param(F, "x")
    total = inside.add(Add(x, x))
    kernel = CpuKernel(inside.block(inside.add(Relu(total)), total), "add")
    y, z = b.append(kernel)
    moved = b.add(HandOver(y, "cpu", "npu"))
    outputs = interpret(b.program(y=moved, z=z), {"x": np.array([-1, 0, 2], np.float32)})
    assert outputs["y"].tolist() == [0, 0, 4]
    assert outputs["z"].tolist() == [-2, 0, 4]
    assert kernel.operations() == 6
    assert b.ops[-1].operations() == 0


def test_kernels_may_have_effects_and_so_are_kept() -> None:
    assert not any(kernel.pure or kernel.constant for kernel in (*KERNELS.values(), KernelOp))


def test_only_a_program_with_such_ops_is_lowered() -> None:
    b = Builder()
    x = b.param(F, "x")
    assert not is_lowered(b.program(x=x))
    b.append(CpuKernel(Builder().block(x), "nothing"))
    assert is_lowered(b.program(x=x))
