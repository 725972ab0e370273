"""What is measured: the jobs, and what becomes of those that cannot be done."""

import sys
from collections.abc import Mapping

import numpy as np
import pytest

from backends.cpu.engine import inputs_of, operators_of, work_of
from backends.cpu.jobs import Job, fusions, is_fused
from backends.cpu.measure import Instruments, measure, prepared
from backends.cpu.sample_programs import addition, product
from backends.cpu.sample_weights import FORMS, dense
from backends.cpu.timing import Sample, Work
from backends.forms import form_of
from backends.sizes import Sizes
from optc.errors import OptcError, UsageError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dims import SymDim
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ir.verifier import verify
from optc.ops.weights import weights_of


def refused() -> Work:
    raise OptcError("engine", "ONNX Runtime", "model", "one that it can run", "no such kernel")


def test_a_job_that_cannot_be_done_leaves_its_reason_and_the_others_go_on() -> None:
    works, why = prepared([Job("a", refused), Job("b", lambda: list)])
    assert set(works) == {"b"}
    assert why == {"a": "ONNX Runtime: no such kernel"}


def test_what_preparation_takes_is_no_longer_there_for_measuring() -> None:
    now = iter([0.0, 30.0])
    given: list[float] = []

    def sample(works: Mapping[str, Work], seconds: float) -> Mapping[str, Sample]:
        given.append(seconds)
        return {name: Sample((1.0,)) for name in works}

    tools = Instruments(clock=lambda: next(now), sample=sample, is_fused=lambda _: True)
    seen = measure(90.0, tools, [Job("a", lambda: list)])
    assert given == [60.0]
    assert set(seen.samples) == {"a"}
    assert set(seen.fused) == set(fusions())


def test_without_the_runtime_measuring_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match="package onnxruntime must be installed") as caught:
        prepared([Job("a", lambda: work_of(addition(4)))])
    assert caught.value.slug == "engine-missing"


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_of_the_scheme_and_width_that_it_is_measured_for(name: str) -> None:
    program = product(1, 64, FORMS[name].make)
    verify(program)
    (weight,) = weights_of(program)
    found = form_of(weight)
    assert (found.kind, found.bits) == (FORMS[name].scheme, FORMS[name].bits)
    assert weight.value.tensor.static_shape == (64, 64)


@pytest.mark.parametrize("name", FORMS)
def test_with_folding_off_no_form_is_expanded_at_load(name: str) -> None:
    work = work_of(product(2, 64, FORMS[name].make), fold=False)
    assert np.shape(work()) == (1, 2, 64)


def test_a_dense_product_is_not_fused_and_a_program_that_is_refused_is_not_either() -> None:
    b = Builder()
    x = b.param(TensorType(DType.BF16, (2, 4)), "x")
    from optc.ops.matmul import MatMul

    assert operators_of(product(1, 64, dense)) == ["MatMul"]
    assert not is_fused(product(1, 64, dense))
    assert not is_fused(b.program(y=b.add(MatMul(x, b.param(TensorType(DType.BF16, (4, 4)), "y")))))


def test_made_up_inputs_have_the_types_and_sizes_of_the_program() -> None:
    b = Builder()
    x = b.param(TensorType(DType.F16, (SymDim.named("n"), 3)), "x")
    i = b.param(TensorType(DType.I64, (2,)), "i")
    program: Program = b.program(x=x, i=i)
    made = inputs_of(program, Sizes({"n": 5}))
    assert {name: (array.shape, array.dtype.name) for name, array in made.items()} == {
        "x": ((5, 3), "float16"), "i": ((2,), "int64"),
    }  # fmt: skip
    assert made["i"].tolist() == [1, 1]
