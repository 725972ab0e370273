"""Running a program with ONNX Runtime, by way of the ONNX writer."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from optc.errors import OptcError, UsageError
from optc.formats.interface import KEY as INTERFACE
from optc.formats.onnx.writer import write_onnx
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.ir.interpreter import check_inputs

if TYPE_CHECKING:
    import onnxruntime

# Float activations stay float: by default ONNX Runtime rounds them to int8 where a weight has 4 bits.
_EXACT = {"session.qdq_matmulnbits_accuracy_level": "0"}
_ERRORS_ONLY = 3


class Session:
    """A program that ONNX Runtime has loaded, to be run many times.

    Raises:
        UsageError: slug `engine-missing`: onnxruntime is not installed.
        OptcError: ONNX cannot express the program, or ONNX Runtime refuses it (slug `engine`).
    """

    def __init__(self, program: Program) -> None:
        self._function = program.main
        metadata = {name: text for name, text in program.metadata if name != INTERFACE}
        with tempfile.TemporaryDirectory(prefix="optc-") as folder:
            path = Path(folder) / "model.onnx"
            write_onnx(Program((program.main,), metadata), path)
            self._session = _session(path)

    def run(self, inputs: Mapping[str, Any]) -> dict[str, Array]:
        """Outputs by name; `inputs` are arrays by input name.

        Raises:
            OptcError: an input is missing, unknown, or of another dtype or shape than declared; or ONNX Runtime cannot
                compute (slug `engine`).
        """
        check_inputs(self._function, inputs)
        given = {node.name: np.ascontiguousarray(inputs[node.name]) for node in self._session.get_inputs()}
        names = list(self._function.output_names)
        try:
            found = self._session.run(names, given)
        except Exception as error:  # ONNX Runtime's exceptions have no class of their own
            raise _refused("inputs", "such that the model can be computed", error) from None
        return dict(zip(names, found, strict=True))


def onnxruntime_for(command: str) -> Any:
    """The package onnxruntime, for a command that needs it.

    Raises:
        UsageError: slug `engine-missing`.
    """
    try:
        import onnxruntime
    except ImportError:
        raise UsageError(
            "engine-missing", command, "package onnxruntime", "installed", "", "pip install 'optc[run]'"
        ) from None
    return onnxruntime


def _session(path: Path) -> "onnxruntime.InferenceSession":
    onnxruntime = onnxruntime_for("run")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    for key, value in _EXACT.items():
        options.add_session_config_entry(key, value)
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _refused("model", "one that it can run", error) from None


def _refused(what: str, expected: str, error: Exception) -> OptcError:
    said = str(error).replace("\n", " ")
    return OptcError("engine", "ONNX Runtime", what, expected, said[:500])
