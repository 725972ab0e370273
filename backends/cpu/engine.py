"""Programs in ONNX Runtime, as users run them: with its default options, on the threads that it takes by itself."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.cpu.timing import Work
from backends.sizes import Sizes
from optc.errors import OptcError
from optc.formats.onnx.runtime import onnxruntime_for
from optc.formats.onnx.writer import write_onnx
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.ir.types import TensorType

if TYPE_CHECKING:
    import onnxruntime

_ERRORS_ONLY = 3
_FOLDING = "ConstantFolding"


def session_of(
    path: Path, *, fold: bool = True, threads: int = 0, optimized: Path | None = None
) -> "onnxruntime.InferenceSession":
    """A session with default options; without `fold`, constants stay unexpanded where it would expand them at load.

    `threads`: how many compute an op; 0 for as many as it takes by itself. `optimized`: where to write the model as it
    is executed.

    Raises:
        UsageError: slug `engine-missing`.
        OptcError: slug `engine`: ONNX Runtime refuses the model.
    """
    runtime = onnxruntime_for("calibrate")
    options = runtime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = threads
    if optimized is not None:
        options.optimized_model_filepath = str(optimized)
    try:
        return runtime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=[] if fold else [_FOLDING]
        )
    except Exception as error:  # ONNX Runtime's exceptions have no class of their own
        said = str(error).replace("\n", " ")[:500]
        raise OptcError("engine", "ONNX Runtime", "model", "one that it can run", said) from None


def work_of(program: Program, *, fold: bool = True, threads: int = 0) -> Work:
    """One prediction of a program on made-up inputs, ready to be called.

    Raises:
        UsageError: slug `engine-missing`.
        OptcError: ONNX cannot express the program, or ONNX Runtime refuses it (slug `engine`).
    """
    with tempfile.TemporaryDirectory(prefix="optc-") as folder:
        path = Path(folder) / "model.onnx"
        write_onnx(program, path)
        return prediction(session_of(path, fold=fold, threads=threads), inputs_of(program, Sizes()))


def prediction(session: "onnxruntime.InferenceSession", inputs: Mapping[str, Array]) -> Work:
    """One prediction of a session, ready to be called.

    Raises:
        OptcError: slug `engine`: it cannot compute on these inputs.
    """
    given = {node.name: inputs[node.name] for node in session.get_inputs()}
    try:
        session.run(None, given)
    except Exception as error:  # as above
        said = str(error).replace("\n", " ")[:500]
        raise OptcError("engine", "ONNX Runtime", "inputs", "such that the model can be computed", said) from None
    return lambda: session.run(None, given)


def inputs_of(program: Program, sizes: Sizes) -> dict[str, Array]:
    """Arrays for the inputs of a program: floats spread round 0, always the same, and ones for all other types."""
    rng = np.random.default_rng(0)
    found: dict[str, Array] = {}
    for value in program.main.body.params:
        kind: Any = value.type
        if isinstance(kind, TensorType):
            shape = tuple(sizes.of(dim) for dim in kind.shape)
            floats = kind.dtype.is_float
            made = rng.standard_normal(shape, np.float32) if floats else np.ones(shape, np.int8)
            found[value.name] = made.astype(kind.dtype.numpy)
    return found


def operators_of(program: Program) -> list[str]:
    """The operators that ONNX Runtime executes for a program, in their order.

    Raises:
        UsageError: slug `engine-missing`.
        OptcError: ONNX cannot express the program, or ONNX Runtime refuses it (slug `engine`).
    """
    import onnx

    with tempfile.TemporaryDirectory(prefix="optc-") as folder:
        path, optimized = Path(folder) / "model.onnx", Path(folder) / "optimized.onnx"
        write_onnx(program, path)
        session_of(path, optimized=optimized)
        return [node.op_type for node in onnx.load(optimized, load_external_data=False).graph.node]
