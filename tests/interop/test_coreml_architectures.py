"""Packages that coremltools wrote for published architectures, dense and compressed in each of its ways.

They load; their weights expand to the bits that coremltools expands them to; and what is written back is the same
program to coremltools.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from optc.formats.coreml.reader import read_coreml
from optc.formats.coreml.writer import write_coreml
from optc.ir.opaque import Opaque
from optc.ir.verifier import verify
from optc.ops.weights import Weight, weights_of
from tests.interop.coreml_programs import differences, loaded

SMALL = ("mobilenetv3s", "transformer")
LARGE = ("mobilenetv2", "mobilevitv2", "resnet50", "centernet34")
Compress = Callable[[Any], Any]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # coremltools and torch warn of each other


def convert(architectures: ModuleType, name: str, target: str) -> Any:
    ct = pytest.importorskip("coremltools", reason="coremltools is not installed")
    import torch

    try:
        module, example = architectures.build(name)
    except ImportError as error:
        pytest.skip(f"{name} cannot be built: {error}")
    traced = torch.jit.trace(module, example)
    dtype = np.int32 if example.dtype == torch.int32 else np.float32
    return ct.convert(
        traced, inputs=[ct.TensorType(name="input", shape=example.shape, dtype=dtype)], convert_to="mlprogram",
        minimum_deployment_target=getattr(ct.target, target), compute_precision=ct.precision.FLOAT16,
        skip_model_load=True,
    )  # fmt: skip


def quantized(joint: bool = False, **options: Any) -> Compress:
    import coremltools.optimize.coreml as cto

    config = cto.OptimizationConfig(global_config=cto.OpLinearQuantizerConfig(**options))
    return lambda model: cto.linear_quantize_weights(model, config, joint_compression=joint)


def palettized(joint: bool = False, **options: Any) -> Compress:
    import coremltools.optimize.coreml as cto

    config = cto.OptimizationConfig(global_config=cto.OpPalettizerConfig(**{"mode": "uniform", **options}))
    return lambda model: cto.palettize_weights(model, config, joint_compression=joint)


def pruned(**options: Any) -> Compress:
    import coremltools.optimize.coreml as cto

    config = cto.OptimizationConfig(global_config=cto.OpMagnitudePrunerConfig(**options))
    return lambda model: cto.prune_weights(model, config)


def schemes(target: str, *, all_of_them: bool) -> dict[str, Compress]:
    """coremltools' compressions for a target, by a name for messages."""
    found: dict[str, Compress] = {
        "int8": quantized(mode="linear_symmetric"),
        "palette4": palettized(nbits=4),
        "sparse": pruned(target_sparsity=0.5),
    }
    if all_of_them:
        found |= {
            "uint8": quantized(mode="linear"),
            "palette1": palettized(nbits=1),
            "palette2": palettized(nbits=2),
            "palette6": palettized(nbits=6),
            "palette8": palettized(nbits=8),
        }
    if target == "iOS18":
        found["int4 blocks"] = quantized(dtype="int4", granularity="per_block", block_size=16)
        found["palette groups"] = palettized(nbits=4, granularity="per_grouped_channel", group_size=16)
    if target == "iOS18" and all_of_them:
        sparse = pruned(target_sparsity=0.5)
        found |= {
            "int4": quantized(dtype="int4", granularity="per_tensor"),
            "uint4": quantized(mode="linear", dtype="uint4"),
            "palette3": palettized(nbits=3),
            "palette vectors": palettized(nbits=4, mode="kmeans", cluster_dim=4),
            "palette and scale": palettized(
                nbits=4, granularity="per_grouped_channel", group_size=16, enable_per_channel_scale=True
            ),
            "n of m": pruned(n_m_ratio=(2, 4)),
            "sparse palette": lambda model: palettized(nbits=4, joint=True)(sparse(model)),
            "sparse int8": lambda model: quantized(joint=True)(sparse(model)),
        }
    return found


def expanded(weight: Weight) -> bytes:
    return np.ascontiguousarray(weight.expanded()).tobytes()


def check(package: Path, dense: Path | None, again: Path) -> None:
    """Hold what optc reads, expands and writes against coremltools; `dense` is what that expanded."""
    program = read_coreml(package)
    verify(program)
    assert not [op for op in program.walk() if isinstance(op, Opaque)]
    if dense is not None:
        theirs = {weight.name: weight for weight in weights_of(read_coreml(dense))}
        ours = {weight.name: weight for weight in weights_of(program)}
        assert set(ours) == set(theirs)
        assert any(weight.scheme != "dense" for weight in ours.values())
        assert [name for name in ours if expanded(ours[name]) != expanded(theirs[name])] == []
    write_coreml(program, again)
    assert read_coreml(again) == program
    assert differences(loaded(package), loaded(again)) == []


@pytest.mark.parametrize("target", ["iOS16", "iOS18"])
@pytest.mark.parametrize("name", [*SMALL, *LARGE])
def test_packages_of_coremltools_expand_to_its_bits_and_come_back_as_the_same_program(
    name: str, target: str, architectures: ModuleType, tmp_path: Path
) -> None:
    package, dense, again = (tmp_path / f"{n}.mlpackage" for n in ("package", "dense", "again"))
    model = convert(architectures, name, target)
    import coremltools.optimize.coreml as cto

    model.save(str(package))
    check(package, None, again)
    for scheme, compress in schemes(target, all_of_them=name in SMALL).items():
        print(scheme)  # shown if the test fails
        small = compress(model)
        small.save(str(package))
        cto.decompress_weights(small).save(str(dense))
        check(package, dense, again)
