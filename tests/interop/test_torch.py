"""PyTorch modules become programs that compute the same, and keep the names of their parameters."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import optc
from optc.errors import OptcError
from optc.ir.opaque import Opaque
from optc.ops.weights import weights_of

torch = pytest.importorskip("torch", reason="torch is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of torch


def convolutions() -> tuple[Any, Any]:
    nn = torch.nn
    layers = [
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU6(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 4, 1, groups=2),
    ]
    return nn.Sequential(*layers), torch.randn(2, 3, 8, 8)


def perceptron() -> tuple[Any, Any]:
    nn = torch.nn
    return nn.Sequential(nn.Linear(6, 12), nn.GELU(), nn.LayerNorm(12), nn.Linear(12, 2)), torch.randn(3, 6)


def attention() -> tuple[Any, Any]:
    class Block(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
        def __init__(self) -> None:
            super().__init__()
            self.embed = torch.nn.Embedding(50, 16)
            self.attend = torch.nn.MultiheadAttention(16, 4, batch_first=True)

        def forward(self, ids: Any) -> Any:
            x = self.embed(ids)
            return self.attend(x, x, x, need_weights=False)[0]

    return Block(), torch.randint(0, 50, (2, 5))


def assert_same(program: optc.Program, module: Any, given: Any) -> None:
    with torch.no_grad():
        theirs = module.eval()(given).numpy()
    inputs = {program.main.input_names[0]: given.numpy()}
    for engine in ("reference", "onnxruntime"):
        (ours,) = optc.run(program, inputs, engine=engine).values()
        assert np.abs(ours - theirs).max() <= 1e-5 * max(1.0, np.abs(theirs).max())


@pytest.mark.parametrize("make", [convolutions, perceptron, attention])
def test_a_module_and_its_exported_program_compute_what_pytorch_computes(make: Any, tmp_path: Path) -> None:
    module, given = make()
    module.eval()
    program = optc.from_torch(module, (given,))
    assert not [op for op in program.walk() if isinstance(op, Opaque)]
    assert_same(program, module, given)
    path = tmp_path / "module.pt2"
    torch.export.save(torch.export.export(module, (given,)), str(path))
    assert_same(optc.load(path), module, given)


def test_parameters_keep_their_names_and_training_modules_stay_so() -> None:
    module, given = perceptron()
    module.train()
    program = optc.from_torch(module, (given,), input_names=["x"], output_names=["y"])
    assert module.training
    assert {"0.weight", "3.weight"} <= {weight.name for weight in weights_of(program)}
    assert (program.main.input_names, program.main.output_names) == (("x",), ("y",))


def test_sizes_that_may_differ_stay_symbols(tmp_path: Path) -> None:
    module, given = perceptron()
    module.eval()
    batch = torch.export.Dim("batch", min=2, max=64)
    program = optc.from_torch(module, (given,), dynamic_shapes=({0: batch},))
    assert not program.main.body.params[0].tensor.is_static
    assert_same(program, module, torch.randn(7, 6))
    path = tmp_path / "module.pt2"
    torch.export.save(torch.export.export(module, (given,), dynamic_shapes=({0: batch},)), str(path))
    assert_same(optc.load(path), module, torch.randn(9, 6))


def test_what_pytorch_cannot_export_and_reads_no_program_from_are_refused(tmp_path: Path) -> None:
    class Odd(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
        def forward(self, x: Any) -> Any:
            return x.numpy().tolist()

    with pytest.raises(OptcError) as caught:
        optc.from_torch(Odd(), (torch.zeros(2),))
    assert caught.value.slug == "torch-export"
    module, given = perceptron()
    path = tmp_path / "module.pt2"
    torch.export.save(torch.export.export(module.eval(), (given,)), str(path))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b'"schema_version"', b'"schema_versiom"'))
    with pytest.raises(OptcError):
        optc.load(path)


def test_the_published_small_transformer_becomes_a_program(architectures: ModuleType) -> None:
    module, given = architectures.build("transformer")
    program = optc.from_torch(module, (given,))
    assert not [op for op in program.walk() if isinstance(op, Opaque)]
    assert_same(program, module, torch.randint(0, 1000, given.shape, dtype=torch.int32))
