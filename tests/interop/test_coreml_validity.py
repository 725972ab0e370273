"""What optc writes is valid to coremltools: each op that Core ML can express, in random programs."""

import traceback
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from optc.errors import OptcError
from optc.formats.coreml.tables import EXPORTERS
from optc.formats.coreml.writer import model_of, write_coreml
from optc.ir.block import Program
from optc.ir.op import Op
from optc.testing.programs import programs
from optc.testing.samplers.catalog import SAMPLERS
from tests.interop.coreml_programs import loaded


def of_constants(error: Exception) -> bool:
    """Whether coremltools failed where it computes constants, which some of its operators cannot."""
    return any(entry.name in ("value_inference", "_auto_val") for entry in traceback.extract_tb(error.__traceback__))


@pytest.mark.filterwarnings("ignore")  # of coremltools
@pytest.mark.parametrize("target", ["ios16", "ios18"])
@pytest.mark.parametrize("op", sorted(EXPORTERS, key=lambda op: op.spec.name), ids=lambda op: op.spec.name)
def test_coremltools_finds_programs_of_one_op_valid(op: type[Op], target: str, tmp_path: Path) -> None:
    pytest.importorskip("coremltools", reason="coremltools is not installed")

    @settings(max_examples=15, suppress_health_check=list(HealthCheck), deadline=None)
    @given(programs({op: SAMPLERS[op]}, most=2))
    def law(program: Program) -> None:
        try:
            model_of(program, target)
        except OptcError:
            return
        path = tmp_path / "model.mlpackage"
        write_coreml(program, path, target)
        try:
            assert loaded(path).functions["main"]
        except Exception as error:
            if not of_constants(error):
                raise

    law()
