"""What is measured of a machine: pieces of work by name, each made only when its turn comes."""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import attrs
import numpy as np

from backends.cpu import sample_programs as programs
from backends.cpu import sample_weights as weights
from backends.cpu.engine import operators_of, work_of
from backends.cpu.sample_weights import FORMS, SampleForm
from backends.cpu.timing import Work
from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ops.weights import chain_of, expand

LONG_CHAIN = 65
"""Ops in the chain whose time, less that of a chain of one, is the overhead of ops."""
ADDED = 1 << 20
"""Elements of the tensors that are added: 4 MB each, as large as what passes between the layers of many networks."""
SIDE, ROWS = 1024, 64
"""A square matrix and the rows by which it is multiplied, with which rates of arithmetic are measured."""
SIDES = (1024, 2048, 3072, 6144)
"""Sides of the matrices of float32 that bandwidth is measured with: 4 to 151 MB."""
DISK_BYTES = 1 << 26
BLOCKS = (8, 16, 32)
"""Sizes of blocks that are tried, to see which the runtime expands inside the product."""

LAUNCH, CHAIN, ADDITION, DISK = "a prediction of one small op", "a chain of small ops", "an addition", "a file"


@attrs.frozen
class Job:
    """One thing to time; `make` gives the work, or refuses with an error whose text is the reason."""

    name: str
    make: Callable[[], Work]


def jobs(threads: int = 0) -> Iterator[Job]:
    """All that is timed, with so many threads; 0 for as many as the runtime takes by itself."""
    run = partial(work_of, threads=threads)
    yield Job(LAUNCH, lambda: run(programs.chain(1)))
    yield Job(CHAIN, lambda: run(programs.chain(LONG_CHAIN)))
    yield Job(ADDITION, lambda: run(programs.addition(ADDED)))
    yield Job(arithmetic("f32"), lambda: run(programs.product(ROWS, SIDE, weights.dense)))
    yield Job(arithmetic("bf16"), lambda: run(programs.narrow_product(ROWS, SIDE, weights.dense)))
    yield Job(arithmetic("i8"), lambda: run(programs.product_of_integers(ROWS, SIDE)))
    for side in SIDES:
        yield Job(dense(side), _product(run, 1, side, weights.dense))
    for name, form in FORMS.items():
        yield Job(kept(name), _product(run, 1, form.side, form.make))
        if form.scheme in STREAMING:
            yield Job(arithmetic(name), _product(run, ROWS, SIDE, form.make))
        yield Job(expansion(name), _expansion(form))
    for name, make in IN_A_BUFFER.items():
        yield Job(in_a_buffer(name), _linear(run, FORMS[name].side, make))
    yield Job(DISK, _disk)


STREAMING = ("quantized", "quantized_block")
"""Schemes that a runtime may expand inside the product; of these the arithmetic of the product is timed as well."""


def arithmetic(weight: str) -> str:
    """The name of the job that times a product of large matrices, of a type or with a weight of a form."""
    return f"{ROWS} rows by a matrix, {weight}"


def dense(side: int) -> str:
    """The name of the job that times one row by a matrix of float32."""
    return f"one row by a matrix of {4e-6 * side * side:.0f} MB"


def kept(form: str) -> str:
    """The name of the job that times one row by a matrix that is expanded at each prediction."""
    return f"one row by a matrix, {form}"


IN_A_BUFFER = {
    "int8 per channel": weights.rows_of_integers(DType.I8), "int8 in blocks of 32": weights.blocks(DType.I8, 32)
}  # fmt: skip
"""Of each scheme that may stream, the form that is timed in front of an op that may not expand it itself."""


def in_a_buffer(form: str) -> str:
    """The name of the job that times one row by a linear op whose weight is expanded at each prediction."""
    return f"one row by a linear op, {form}"


def expansion(form: str) -> str:
    """The name of the job that times expansion at load."""
    return f"expansion at load, {form}"


def fusions() -> Mapping[str, Callable[[], Program]]:
    """Programs of which it is asked whether the runtime expands the weight inside the product, by name."""
    streaming = {name: form for name, form in FORMS.items() if form.scheme in STREAMING}
    return {
        **{fused(name): _program_of(form) for name, form in streaming.items()},
        **{blocks_fused(size): _blocks_program(size) for size in BLOCKS},
        LINEAR_FUSED: lambda: programs.linear(1, 256, weights.rows_of_integers(DType.I8)),
    }


LINEAR_FUSED = "linear"


def fused(form: str) -> str:
    """The name of the question whether a product with a weight of this form is one operator."""
    return f"matmul, {form}"


def blocks_fused(size: int) -> str:
    """The name of the same question on blocks of a size."""
    return f"matmul, blocks of {size}"


def is_fused(program: Program) -> bool:
    """Whether ONNX Runtime runs the program as one operator that takes the weight as it is stored.

    Raises:
        UsageError: slug `engine-missing`.
    """
    try:
        operators = operators_of(program)
    except OptcError as error:
        if error.slug != "engine":
            raise
        return False
    return len(operators) == 1 and operators[0] not in ("MatMul", "Gemm")


def _product(run: Callable[..., Work], rows: int, side: int, weight: weights.Maker) -> Callable[[], Work]:
    return lambda: run(programs.product(rows, side, weight), fold=weight is weights.dense)


def _linear(run: Callable[..., Work], side: int, weight: weights.Maker) -> Callable[[], Work]:
    return lambda: run(programs.linear(1, side, weight))


def _program_of(form: SampleForm) -> Callable[[], Program]:
    return lambda: programs.product(1, 256, form.make)


def _blocks_program(size: int) -> Callable[[], Program]:
    return lambda: programs.product(1, 256, weights.blocks(DType.I4, size))


def _expansion(form: SampleForm) -> Callable[[], Work]:
    def make() -> Work:
        b = Builder()
        value = form.make(b, (form.side, form.side))
        defined = {result: op for op in b.ops for result in op.results}
        chain = chain_of(value, defined.__getitem__)
        return lambda: expand(chain, value)

    return make


def _disk() -> Work:
    """Reading a file that the system does not hold in memory."""
    forget = getattr(os, "posix_fadvise", None)
    if forget is None:
        raise OptcError("no-measure", "file", "system", "one that forgets files when asked")
    folder = tempfile.TemporaryDirectory(prefix="optc-")
    path = Path(folder.name) / "file"
    path.write_bytes(np.random.default_rng(0).bytes(DISK_BYTES))

    def read() -> int:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            forget(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            return len(file.read()) + (0 if folder.name else 1)  # the folder lives as long as this function

    return read
