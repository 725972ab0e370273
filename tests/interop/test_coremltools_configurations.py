"""Configurations written for coremltools mean here what they mean there: the same weights, in the same schemes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optc.driver.configuration_file import read_configuration
from optc.driver.facade import compress, load
from optc.formats.coreml.reader import read_coreml
from optc.ops.weights import weights_of

coremltools: Any = pytest.importorskip("coremltools", reason="coremltools is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of coremltools

RANDOM = np.random.default_rng(0)
SUFFIXES = ("_palettized", "_quantized", "_sparsified", "_pcs")
CONSTANTS = ("conv_w", "conv_b", "up_w", "fc_w", "mm_w", "mt_w", "table", "shift")
NAMES = (*CONSTANTS, "conv", "fc", "mm", "look", "moved", "unknown")
TYPES = ("conv", "conv_transpose", "linear", "matmul", "gather", "add", "lstm")


def values(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that coremltools built, whose weights are used in all the ways that matter."""
    mil = coremltools.converters.mil.mil
    mb = mil.Builder

    @mb.program(
        input_specs=[mb.TensorSpec((1, 16, 8, 8)), mb.TensorSpec((4,), dtype=mil.types.int32)],
        opset_version=coremltools.target.iOS18,
    )
    def program(x: Any, ids: Any) -> Any:
        w, b = mb.const(val=values(32, 16, 3, 3), name="conv_w"), mb.const(val=values(32), name="conv_b")
        y = mb.conv(x=x, weight=w, bias=b, pad_type="same", name="conv")
        y = mb.conv_transpose(x=y, weight=mb.const(val=values(32, 16, 3, 3), name="up_w"), pad_type="same", name="up")
        y = mb.reshape(x=y, shape=(16, 64), name="flat")
        y = mb.linear(x=y, weight=mb.const(val=values(96, 64), name="fc_w"), name="fc")
        y = mb.matmul(x=y, y=mb.const(val=values(96, 48), name="mm_w"), name="mm")
        y = mb.matmul(x=y, y=mb.const(val=values(64, 48), name="mt_w"), transpose_y=True, name="mt")
        y = mb.add(x=y, y=mb.const(val=values(16, 64), name="small"), name="plus")
        z = mb.gather(x=mb.const(val=values(80, 64), name="table"), indices=ids, axis=0, name="look")
        y = mb.matmul(x=y, y=z, transpose_y=True, name="meet")
        return mb.add(x=y, y=mb.const(val=values(640, 16, 4), name="shift"), name="moved")

    model = coremltools.convert(
        program, convert_to="mlprogram", minimum_deployment_target=coremltools.target.iOS18, skip_model_load=True,
        compute_precision=coremltools.precision.FLOAT32, pass_pipeline=coremltools.PassPipeline.EMPTY,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("package") / "model.mlpackage"
    model.save(str(path))
    return path


def theirs(package: Path, folder: Path) -> dict[str, str]:
    """Forms of the weights that coremltools makes."""
    optimize = coremltools.optimize.coreml
    work = {
        "OpLinearQuantizerConfig": optimize.linear_quantize_weights, "OpPalettizerConfig": optimize.palettize_weights,
    }  # fmt: skip
    data = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    made = work.get(data["config_type"], optimize.prune_weights)
    model = coremltools.models.MLModel(str(package), skip_model_load=True)
    config = optimize.OptimizationConfig.from_yaml(str(folder / "config.yaml"))
    path = folder / "theirs.mlpackage"
    made(model, config).save(str(path))
    found = {}
    for weight in weights_of(read_coreml(path)):
        name = weight.name
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        found[name] = weight.form
    return found


def ours(package: Path, folder: Path) -> dict[str, str]:
    made = compress(load(package), read_configuration(folder / "config.yaml"))
    return {weight.name: weight.form for weight in weights_of(made)}


def assert_agreement(package: Path, text: str, folder: Path) -> None:
    (folder / "config.yaml").write_text(text, "utf-8")
    assert ours(package, folder) == theirs(package, folder)


EXAMPLES = """
config_type: OpLinearQuantizerConfig
global_config: {}
---
config_type: OpPalettizerConfig
global_config: {nbits: 4, cluster_dim: 2, weight_threshold: 4000}
op_type_configs:
    linear: {nbits: 6, cluster_dim: 4, granularity: per_grouped_channel, group_size: 16}
---
config_type: OpLinearQuantizerConfig
global_config: {mode: linear, dtype: uint8}
---
config_type: OpLinearQuantizerConfig
op_type_configs:
    conv: {dtype: int4, granularity: per_block, block_size: 8}
---
config_type: OpLinearQuantizerConfig
global_config: {granularity: per_tensor}
op_type_configs:
    gather: null
    matmul: {}
---
config_type: OpLinearQuantizerConfig
op_name_configs:
    fc_w: {granularity: per_block, block_size: [1, 32]}
    conv: {dtype: uint4}
---
config_type: OpPalettizerConfig
global_config: {nbits: 4}
op_type_configs:
    conv: {nbits: 6, mode: uniform}
op_name_configs:
    mt_w: null
    up: {nbits: 2}
---
config_type: OpPalettizerConfig
global_config: {nbits: 2, granularity: per_grouped_channel, group_size: 16}
---
config_type: OpMagnitudePrunerConfig
global_config: {target_sparsity: 0.75}
op_name_configs:
    look: null
---
config_type: OpMagnitudePrunerConfig
global_config: {n_m_ratio: [2, 4]}
---
config_type: OpMagnitudePrunerConfig
global_config: {target_sparsity: 0.5, block_size: 4, dim: 0}
---
config_type: OpThresholdPrunerConfig
global_config: {threshold: 0.9, weight_threshold: 5000}
op_type_configs:
    conv: {config_type: OpMagnitudePrunerConfig, n_m_ratio: [3, 4]}
---
config_type: OpThresholdPrunerConfig
global_config: {threshold: 0.1}
"""


@pytest.mark.parametrize("text", EXAMPLES.split("---"))
def test_a_file_for_coremltools_compresses_the_weights_that_coremltools_compresses(
    text: str, package: Path, tmp_path: Path
) -> None:
    assert_agreement(package, text, tmp_path)


def drawn(fields: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={**fields, "weight_threshold": st.sampled_from([0, 1024, 4000])})


# Sizes divide every dimension that they are for, and what is made is smaller: elsewhere optc does more, or less.
CODES = {
    "mode": st.sampled_from(["linear_symmetric", "linear", "LINEAR"]),
    "dtype": st.sampled_from(["int8", "uint8", "int4", "uint4"]),
}
BLOCKS = st.builds(
    lambda given, size: {**given, "granularity": "per_block", "block_size": size},
    drawn(CODES), st.sampled_from([0, 8, 16]),
)  # fmt: skip
QUANTIZER = BLOCKS | drawn({**CODES, "granularity": st.sampled_from(["per_tensor", "per_channel"])})
PALETTIZER = st.builds(
    lambda given, bits, mode, grouped: {
        **given, "nbits": bits, "mode": mode,
        **({"granularity": "per_grouped_channel", "group_size": 16} if grouped and bits < 6 else {}),
    },
    drawn({}), st.sampled_from([1, 2, 3, 4, 6, 8]), st.sampled_from(["kmeans", "uniform", "Uniform"]), st.booleans(),
)  # fmt: skip
THRESHOLD = st.builds(lambda given: {**given, "threshold": 0.9}, drawn({"minimum_sparsity_percentile": st.just(0.4)}))
TARGET = st.builds(lambda given, share: {**given, "target_sparsity": share}, drawn({}), st.sampled_from([0.25, 0.9]))
KINDS = {
    "OpLinearQuantizerConfig": QUANTIZER, "OpPalettizerConfig": PALETTIZER, "OpThresholdPrunerConfig": THRESHOLD,
    "OpMagnitudePrunerConfig": TARGET,
}  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(sorted(KINDS)))
    one = st.none() | KINDS[kind]
    return {
        "config_type": kind,
        "global_config": draw(one),
        "op_type_configs": draw(st.dictionaries(st.sampled_from(TYPES), one, max_size=3)),
        "op_name_configs": draw(st.dictionaries(st.sampled_from(NAMES), one, max_size=3)),
    }


@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(files())
def test_generated_files_for_coremltools_mean_the_same(
    package: Path, tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    assert_agreement(package, yaml.safe_dump(data), tmp_path_factory.mktemp("drawn"))


def test_what_coremltools_leaves_because_a_size_does_not_divide_is_compressed(package: Path, tmp_path: Path) -> None:
    given = "{granularity: per_block, block_size: 24, dtype: int4}"
    text = f"config_type: OpLinearQuantizerConfig\nglobal_config: {given}\n"
    (tmp_path / "config.yaml").write_text(text, "utf-8")
    mine, other = ours(package, tmp_path), theirs(package, tmp_path)
    left = {name for name, form in other.items() if form == "dense"} & set(CONSTANTS) - {"conv_b"}
    assert left
    assert all(mine[name] != "dense" for name in left)
