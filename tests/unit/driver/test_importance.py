"""Importance of elements, from Python and from files: it reaches the passes, and wrong names and files are refused."""

import json
import pickle
import struct
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import optc
from optc.driver.facade import compress_with_remarks
from optc.driver.importance import read_importance
from optc.errors import OptcError, UsageError
from optc.pipeline.instrumentation import Instruments
from tests.command_line import optc as command
from tests.unit.driver.small_model import write_model


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx")


def counts(program: optc.Program) -> dict[str, np.ndarray]:
    """Only half of the output channels of `second` count."""
    channels = optc.weights(program)["second"].shape[1]
    return {"second": (np.arange(channels)[None] < channels // 2).astype(np.float32)}


@pytest.mark.parametrize(
    "running",
    [optc.Sparsify(sparsity=0.5), optc.Sparsify(structure="channel"), optc.Configuration(optc.Sparsify())],
    ids=["elements", "channels", "configuration"],
)
def test_what_counts_for_nothing_is_dropped_first(model: Path, running: optc.Sparsify | optc.Configuration) -> None:
    program = optc.load(model)
    given = counts(program)
    made = optc.compress(program, running, importance=given)
    before, after = (optc.weights(p)["second"].value for p in (program, made))
    assert not (given["second"] * np.square(before - after)).any()
    other = optc.weights(optc.compress(program, running))["second"].value
    assert (given["second"] * np.square(before - other)).any()


def test_importance_over_the_model_drops_only_what_does_not_count(model: Path) -> None:
    program = optc.load(model)
    given = {"first": np.zeros(1, np.float32)}
    made = optc.compress(program, optc.Sparsify(sparsity=0.5, scope="model"), importance=given)
    found = optc.weights(made, 2048)
    assert (found["first"].sparsity, found["second"].scheme) == (1.0, "dense")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_the_command_line_takes_arrays_from_a_file(model: Path, suffix: str) -> None:
    program = optc.load(model)
    path = model.with_suffix(suffix)
    given = counts(program)
    if suffix == ".npz":
        np.savez(path, **given)
    else:
        save_file(given, path)
    small = model.with_name("small.onnx")
    done = command("compress", model, "--sparsify", 0.5, "--importance", path, "-o", small)
    assert (done.code, done.err) == (0, "")
    made = optc.weights(optc.compress(program, optc.Sparsify(sparsity=0.5), importance=given))
    for name, held in optc.weights(optc.load(small)).items():
        np.testing.assert_array_equal(held.value, made[name].value)


def test_importance_in_bfloat16_counts_as_the_same_numbers_in_float32(model: Path) -> None:
    numbers = np.linspace(0, 3, 96, dtype=np.float32).astype(ml_dtypes.bfloat16)
    head = json.dumps({"first": {"dtype": "BF16", "shape": [96], "data_offsets": [0, 192]}}).encode()
    narrow, wide = model.with_name("narrow.safetensors"), model.with_name("wide.npz")
    narrow.write_bytes(struct.pack("<Q", len(head)) + head + numbers.tobytes())
    np.savez(wide, first=numbers.astype(np.float32))
    made = []
    for path in (narrow, wide):
        small = path.with_suffix(".onnx")
        done = command("compress", model, "--palettize", 2, "--importance", path, "-o", small)
        assert (done.code, "refused" in done.out) == (0, False)
        made.append(small.read_bytes())
    assert made[0] == made[1]


def test_a_weight_that_is_not_there_is_said(model: Path) -> None:
    with pytest.raises(UsageError, match=r"\(got secnd\); did you mean second\?") as refused:
        optc.compress(optc.load(model), optc.Sparsify(), importance={"secnd": np.ones(1, np.float32)})
    assert (refused.value.slug, refused.value.where.count("sparsify")) == ("no-such-weight", 1)
    path = model.with_suffix(".npz")
    np.savez(path, secnd=np.ones(1))
    said = f"error: {path}: importance must be of weights of the program (got secnd); did you mean second?\n"
    for line in (
        ("compress", model, "--sparsify", 0.5, "-o", model.with_name("s.onnx")),
        ("opt", model, "--pipeline", "sparsify"),
    ):
        done = command(*line, "--importance", path)
        assert (done.code, done.err) == (2, said)


@pytest.mark.parametrize(
    ("array", "slug"),
    [(np.ones(7, np.float32), "importance-shape"), (-np.ones(1), "importance"), (np.full(1, np.nan), "importance")],
    ids=["shape", "negative", "nan"],
)
@pytest.mark.parametrize("scope", ["weight", "model"])
def test_importance_that_makes_no_sense_leaves_the_weight_with_a_remark(
    model: Path, array: np.ndarray, slug: str, scope: str
) -> None:
    program = optc.load(model)
    instruments = Instruments(importance={"second": array})
    made = compress_with_remarks(program, optc.Sparsify(scope=scope), instruments=instruments)
    (remark,) = made.ledger.about("second")
    assert (remark.decision, remark.reason) == ("refused", slug)
    np.testing.assert_array_equal(optc.weights(made.program)["second"].value, optc.weights(program)["second"].value)


@pytest.mark.parametrize(
    ("name", "held", "slug"),
    [
        ("a.npz", b"PK", "not-an-array"),
        ("a.npz", pickle.dumps({"w": 1}), "not-an-array"),
        ("a.safetensors", b"\x08\0\0\0\0\0\0\0nonsense", "not-an-array"),
        ("a.safetensors", b"", "not-an-array"),
        ("a.npy", b"", "importance-suffix"),
    ],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, name: str, held: bytes, slug: str) -> None:
    (tmp_path / name).write_bytes(held)
    with pytest.raises(OptcError) as refused:
        read_importance(tmp_path / name)
    assert refused.value.slug == slug


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w=np.array([{}], object))
    with pytest.raises(OptcError) as refused:
        read_importance(tmp_path / "a.npz")
    assert refused.value.slug == "not-an-array"


def test_files_that_are_absent_are_said(tmp_path: Path) -> None:
    for name in ("no.npz", "no.safetensors"):
        with pytest.raises(OptcError) as refused:
            read_importance(tmp_path / name)
        assert refused.value.slug == "unreadable"
