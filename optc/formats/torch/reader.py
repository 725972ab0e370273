"""From PyTorch to a program, by way of PyTorch's own ONNX exporter."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from optc.errors import OptcError
from optc.formats.onnx.reader import program_of
from optc.formats.torch.archive import copy_harmless
from optc.ir.block import Program


def program_of_module(
    module: Any,
    example_inputs: Sequence[Any] = (),
    *,
    dynamic_shapes: Any = None,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
) -> Program:
    """The program of a `torch.nn.Module`, in evaluation mode, or of a `torch.export.ExportedProgram`.

    `example_inputs` are tensors to call it with; `dynamic_shapes` says which of their sizes may differ, as for
    `torch.export.export`. Parameters keep their names.

    Raises:
        OptcError: slugs `no-torch`, `torch-export`: PyTorch is absent, or cannot export this.
    """
    torch = _torch()
    exported = isinstance(module, torch.export.ExportedProgram)
    was_training = not exported and module.training
    try:
        with _quiet():
            if was_training:
                module.eval()
            made = torch.onnx.export(
                module, tuple(example_inputs), dynamo=True, verbose=False, dynamic_shapes=dynamic_shapes,
                input_names=input_names, output_names=output_names,
            )  # fmt: skip
            model = made.model_proto
    except Exception as error:  # PyTorch says by many types that it cannot
        expected = "one that PyTorch exports to ONNX"
        raise OptcError("torch-export", type(module).__name__, "module", expected, _reason(error)) from error
    finally:
        if was_training:
            module.train()
    return program_of(model, where=type(module).__name__)


def read_torch(path: Path) -> Program:
    """The program in a `.pt2` file that `torch.export.save` wrote; nothing of it is unpickled or executed.

    Raises:
        OptcError: slugs `no-torch`, `not-pt2`, `pt2-unsafe`, `torch-export`; see `optc.formats.torch.archive`.
    """
    torch = _torch()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        copy_harmless(path, copy)
        try:
            with _quiet():
                exported = torch.export.load(str(copy))
        except Exception as error:  # whatever a malformed program makes PyTorch raise
            expected = "an exported program that PyTorch reads"
            raise OptcError("not-pt2", str(path), "content", expected, _reason(error)) from None
        return program_of_module(exported)


def _reason(error: Exception) -> str:
    """The first line of a message, which may be pages long."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _torch() -> Any:
    try:
        import onnxscript  # noqa: F401  (the exporter needs it, and says so only in the middle)
        import torch
    except ImportError as error:
        hint = "pip install 'optc[torch]'"
        raise OptcError("no-torch", "optc", f"the package {error.name}", "installed", hint=hint) from None
    return torch


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what PyTorch logs, warns of and prints."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
