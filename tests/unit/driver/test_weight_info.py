"""What `optc.weights` says of weights, without reading more than is asked for."""

from pathlib import Path

import numpy as np
import pytest

import optc
from optc.ops.weights import Weight
from tests.unit.driver.small_model import write_model


@pytest.fixture
def program(tmp_path: Path) -> optc.Program:
    return optc.load(write_model(tmp_path / "model.onnx"))


def test_it_tells_what_a_weight_is_and_who_uses_it(program: optc.Program) -> None:
    sparse = optc.compress(program, optc.Sparsify(sparsity=0.75, force=True))
    found = optc.weights(sparse)
    assert set(found) == {"first", "bias", "second"}
    second = found["second"]
    assert (second.shape, second.dtype, second.elements, second.dense_bytes) == ((96, 64), "f32", 6144, 4 * 6144)
    assert (second.scheme, second.form, second.stored_bytes) == ("sparse", "sparse", 6144 + 6144 // 8)
    assert (second.sparsity, second.unique_values) == (0.75, 6144 // 4 + 1)
    assert second.consumers == (("matmul", "y"),)
    assert second.value.shape == (96, 64)
    assert np.count_nonzero(second.value) == 6144 // 4
    assert repr(second) == "WeightInfo(second: f32[96x64], sparse, 6,912 bytes)"


def test_small_weights_can_be_left_out(program: optc.Program) -> None:
    assert set(optc.weights(program, min_elements=6144)) == {"first", "second"}
    assert optc.weights(program, min_elements=6145) == {}


def test_values_are_read_only_when_they_are_asked_for(program: optc.Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(weight: Weight) -> None:
        raise AssertionError(weight.name)

    monkeypatch.setattr(Weight, "expanded", refuse)
    found = optc.weights(program)
    assert sum(held.stored_bytes for held in found.values()) == 4 * (2 * 6144 + 96)
    with pytest.raises(AssertionError, match="first"):
        _ = found["first"].sparsity
