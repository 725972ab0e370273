"""Compressed weights of recurrent layers, between optc and coremltools."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from optc.errors import OptcError
from optc.formats.coreml.reader import read_coreml
from optc.formats.coreml.writer import write_coreml
from optc.formats.interface import restored
from optc.ir.block import Program
from optc.ir.dtypes import Array, DType
from optc.pipeline.passes import PassContext
from passes.compress.decompress import Decompress
from passes.compress.weights import Compression
from tests.interop.coreml_programs import loaded
from tests.recurrent_layers import FORMS, compressed, layer, layers, matrices_of

pytestmark = pytest.mark.filterwarnings("ignore")  # of coremltools
NAMES = ("weight_ih", "weight_hh", "weight_ih_back", "weight_hh_back")


def weights_in(model: Any) -> list[Array]:
    """The weights of the only layer of a package, which coremltools has expanded, as they lie in it."""
    program = loaded(model)
    (layer,) = (op for op in program.functions["main"].operations if op.op_type == "lstm")
    return [layer.inputs[name].val for name in NAMES if layer.inputs.get(name) is not None]


def expanded_by_coremltools(package: Path, out: Path) -> list[Array]:
    import coremltools

    model = coremltools.models.MLModel(str(package), skip_model_load=True)
    coremltools.optimize.coreml.decompress_weights(model).save(str(out))
    return weights_in(out)


def written(program: Program, package: Path, target: str) -> bool:
    """Whether the target has a form for the program, which then is there."""
    try:
        write_coreml(program, package, target)
    except OptcError:
        return False
    return True


def same(a: list[Array], b: list[Array]) -> bool:
    return [(x.shape, x.tobytes()) for x in a] == [(x.shape, x.tobytes()) for x in b]


@pytest.mark.parametrize("passes", FORMS, ids=lambda passes: "-".join(map(str, passes)))
def test_coremltools_expands_compressed_layers_to_the_weights_of_dense_ones(
    passes: tuple[Compression, ...], tmp_path: Path
) -> None:
    pytest.importorskip("coremltools", reason="coremltools is not installed")
    small, dense = tmp_path / "small.mlpackage", tmp_path / "dense.mlpackage"
    done = 0

    @settings(max_examples=4, suppress_health_check=list(HealthCheck), deadline=None)
    @given(layers())
    def law(program: Program) -> None:
        nonlocal done
        program = compressed(program, passes)
        for target in ("ios16", "ios18"):
            if not written(program, small, target):
                continue
            done += 1
            write_coreml(compressed(Decompress().run(program, PassContext()), ()), dense, target)
            assert same(expanded_by_coremltools(small, tmp_path / "expanded.mlpackage"), weights_in(dense))

    law()
    assert done


def by_coremltools(model: Any) -> dict[str, Callable[[], Any]]:
    """Models that coremltools makes of one with dense weights."""
    from coremltools.optimize import coreml as cto

    def configured(kind: str, **options: Any) -> Any:
        return cto.OptimizationConfig(getattr(cto, f"Op{kind}Config")(weight_threshold=0, **options))

    ints = configured("LinearQuantizer", dtype="int4", granularity="per_block", block_size=2)
    tables = configured("Palettizer", nbits=2, granularity="per_grouped_channel", group_size=4)
    sparse = configured("MagnitudePruner", target_sparsity=0.5)
    channels = configured("LinearQuantizer", mode="linear_symmetric", dtype="int8")
    whole = configured("LinearQuantizer", mode="linear_symmetric", dtype="int8", granularity="per_tensor")
    return {
        "int8": lambda: cto.linear_quantize_weights(model, channels),
        "int4 in blocks": lambda: cto.linear_quantize_weights(model, ints),
        "palettes": lambda: cto.palettize_weights(model, tables),
        "unique": lambda: cto.palettize_weights(model, configured("Palettizer", mode="unique")),
        "sparse": lambda: cto.prune_weights(model, sparse),
        "sparse palettes": lambda: cto.palettize_weights(
            cto.prune_weights(model, sparse), tables, joint_compression=True
        ),
        "sparse int8": lambda: cto.linear_quantize_weights(
            cto.prune_weights(model, sparse), channels, joint_compression=True
        ),
        "palettes int8": lambda: cto.linear_quantize_weights(
            cto.palettize_weights(model, tables), whole, joint_compression=True
        ),
    }


SCHEMES = {
    "int8": "quantized int8 per-channel", "int4 in blocks": "quantized int4 per-block",
    "palettes": "palettized 2-bit grouped", "unique": "palettized 8-bit", "sparse": "sparse",
    "sparse palettes": "sparse, palettized 2-bit grouped", "sparse int8": "sparse, quantized int8 per-channel",
    "palettes int8": "palettized 2-bit grouped, table int8",
}  # fmt: skip


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_layers_that_coremltools_compressed_are_read_as_they_are_stored(
    scheme: str, direction: str, tmp_path: Path
) -> None:
    coremltools = pytest.importorskip("coremltools", reason="coremltools is not installed")
    package, made, expanded = (tmp_path / f"{name}.mlpackage" for name in ("dense", "made", "expanded"))
    write_coreml(layer(direction, DType.F16), package, "ios18")
    model = coremltools.models.MLModel(str(package), skip_model_load=True)
    by_coremltools(model)[scheme]().save(str(made))
    program = restored(read_coreml(made))
    for weight, dense in zip(matrices_of(program), matrices_of(restored(read_coreml(package))), strict=True):
        if direction == "forward":
            assert weight.form == SCHEMES[scheme]
        assert weight.scheme == SCHEMES[scheme].split()[0].rstrip(",")
        assert weight.value.tensor == dense.value.tensor
    wanted = expanded_by_coremltools(made, expanded)
    write_coreml(compressed(Decompress().run(program, PassContext()), ()), package, "ios18")
    assert same(weights_in(package), wanted)
