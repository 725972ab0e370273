"""Programs that coremltools builds, of operations that the catalog has and has not: all come back as they were."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from optc.driver.facade import load, run, save
from optc.driver.inputs import read_inputs
from optc.errors import OptcError
from optc.formats.coreml.description import pictures_of
from optc.formats.coreml.package import read_package
from optc.ir.interpreter import Cell, interpret
from optc.ir.opaque import Opaque
from tests.interop.coreml_programs import differences, loaded

ct = pytest.importorskip("coremltools", reason="coremltools is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of coremltools
Build = Callable[..., Any]

W = np.random.default_rng(0).standard_normal((4, 3, 3, 3)).astype(np.float32)
LUT = np.arange(16, dtype=np.float32)


def mb() -> Any:
    from coremltools.converters.mil import Builder

    return Builder


def anchors(x: Any) -> Any:
    return mb().crop_resize(
        x=x, boxes=np.zeros((1, 4), np.float32), target_height=2, target_width=2, normalized_coordinates=True
    )


def lists(x: Any) -> Any:
    made = mb().make_list(init_length=2, dynamic_length=False, elem_shape=(3,), dtype="fp32")
    made = mb().list_write(ls=made, index=0, value=mb().reduce_sum(x=x, axes=[0, 2, 3]))
    return mb().list_read(ls=made, index=0)


def conditional(x: Any) -> Any:
    big = mb().greater(x=mb().reduce_max(x=x), y=0.0)
    return mb().cond(
        pred=big, _true_fn=lambda: mb().mul(x=x, y=2.0), _false_fn=lambda: mb().conv(x=x, weight=W[:3], pad_type="same")
    )


def loop(x: Any) -> Any:
    def more(value: Any, count: Any) -> Any:
        return mb().less(x=count, y=3)

    def body(value: Any, count: Any) -> Any:
        return mb().add(x=value, y=1.0), mb().add(x=count, y=1)

    return mb().while_loop(_cond=more, _body=body, loop_vars=(x, np.int32(0)))[0]


KNOWN: dict[str, Build] = {
    "conv": lambda x: mb().conv(x=x, weight=W, strides=[2, 2], pad_type="same_lower"),
    "conv_transpose": lambda x: mb().conv_transpose(
        x=x, weight=W.transpose(1, 0, 2, 3), strides=[2, 2], pad_type="same"
    ),
    "pool": lambda x: mb().avg_pool(
        x=x, kernel_sizes=[2, 2], strides=[2, 2], pad_type="valid", exclude_padding_from_average=True
    ),
    "gelu": lambda x: mb().gelu(x=x, mode="SIGMOID_APPROXIMATION"),
    "prelu": lambda x: mb().prelu(x=x, alpha=np.array([0.1, 0.2, 0.3], np.float32)),
    "slices": lambda x: mb().slice_by_index(
        x=x,
        begin=[0, 1, -3, 4],
        end=[1, 0, 0, 0],
        end_mask=[False, True, True, False],
        stride=[1, 1, 2, -1],
        squeeze_mask=[True, False, False, False],
    ),
    "argmax": lambda x: mb().reduce_argmax(x=x, axis=-1, keep_dims=False),
    "topk": lambda x: mb().topk(x=x, k=2, axis=3)[0],
    "one_hot": lambda x: mb().one_hot(
        indices=mb().cast(x=mb().reduce_argmax(x=x, axis=-1), dtype="int32"), one_hot_vector_size=8
    ),
    "band": lambda x: mb().band_part(x=x, lower=1, upper=0),
    "pixels": lambda x: mb().depth_to_space(x=mb().space_to_depth(x=x, block_size=2), block_size=2),
    "resize": lambda x: mb().upsample_bilinear(
        x=x, scale_factor_height=2.0, scale_factor_width=2.0, align_corners=False
    ),
    "normed": lambda x: mb().layer_norm(x=x, axes=[2, 3], epsilon=1e-5),
    "instance_norm": lambda x: mb().instance_norm(x=x),
    "l2_norm": lambda x: mb().l2_norm(x=x, epsilon=1e-6),
    "conditional": conditional,
    "loop": loop,
    "stacked": lambda x: mb().stack(values=[x, x], axis=1),
    "einsum": lambda x: mb().einsum(values=(x, mb().transpose(x=x, perm=[0, 3, 2, 1])), equation="nchw,nwhu->nchu"),
    "shapes": lambda x: mb().reshape(
        x=x, shape=mb().concat(values=[mb().slice_by_index(x=mb().shape(x=x), begin=[0], end=[1]), [-1]], axis=0)
    ),
}
CARRIED: dict[str, Build] = {
    "crop_resize": anchors,
    "lists": lists,
    "local_response_norm": lambda x: mb().local_response_norm(x=x, size=3),
    "random": lambda x: mb().add(x=x, y=mb().random_uniform(shape=[1, 3, 8, 8], low=0.0, high=1.0, seed=1)),
    "interleaved": lambda x: mb().concat(values=[x, x], axis=1, interleave=True),
    "sliding_windows": lambda x: mb().sliding_windows(x=x, axis=2, size=3),
    "parametric": lambda x: mb().softplus_parametric(x=x, alpha=np.ones(3, np.float32), beta=np.ones(3, np.float32)),
    "batched_gather": lambda x: mb().gather(x=x, indices=np.zeros((1, 3, 2), np.int32), axis=2, batch_dims=2),
}  # fmt: skip


def package_of(build: Build, path: Path, target: Any = None) -> Path:
    target = target or ct.target.iOS17
    program = mb().program(input_specs=[mb().TensorSpec(shape=(1, 3, 8, 8))], opset_version=target)(build)
    model = ct.convert(
        program, convert_to="mlprogram", minimum_deployment_target=target, compute_precision=ct.precision.FLOAT32,
        pass_pipeline=ct.PassPipeline.EMPTY, skip_model_load=True,
    )  # fmt: skip
    model.save(str(path))
    return path


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_operations_of_the_catalog_are_mapped_and_run(name: str, tmp_path: Path) -> None:
    program = load(package_of(KNOWN[name], tmp_path / "a.mlpackage"))
    assert not [op.operator for op in program.walk() if isinstance(op, Opaque)]
    rng = np.random.default_rng(1)
    inputs = {key: rng.standard_normal((1, 3, 8, 8)).astype(np.float32) for key in program.main.inputs}
    outputs = interpret(program, inputs)
    save(program, tmp_path / "b.mlpackage")
    assert loaded(tmp_path / "b.mlpackage")
    again = interpret(load(tmp_path / "b.mlpackage"), inputs)
    for key, array in outputs.items():
        np.testing.assert_allclose(again[key], array, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", sorted(CARRIED))
def test_other_operations_are_carried_and_written_back_as_they_were(name: str, tmp_path: Path) -> None:
    program = load(package_of(CARRIED[name], tmp_path / "a.mlpackage"))
    assert [op.operator for op in program.walk() if isinstance(op, Opaque)]
    save(program, tmp_path / "b.mlpackage")
    assert load(tmp_path / "b.mlpackage") == program
    assert differences(loaded(tmp_path / "a.mlpackage"), loaded(tmp_path / "b.mlpackage")) == []
    with pytest.raises(OptcError, match="every op must be one that ONNX can express") as caught:
        save(program, tmp_path / "b.onnx")
    assert "mil:" in str(caught.value)


def stateful() -> Any:
    b, types = mb(), ct.converters.mil.mil.types

    @b.program(
        input_specs=[b.TensorSpec((2,), dtype=types.fp16), b.StateTensorSpec((2,), dtype=types.fp16)],
        opset_version=ct.target.iOS18,
    )  # type: ignore[untyped-decorator]  # coremltools has no types
    def program(x: Any, kept: Any) -> Any:
        total = b.add(x=b.read_state(input=kept), y=x)
        return b.mul(x=b.coreml_update_state(state=kept, value=total), y=np.float16(2))

    return program


def test_states_are_read_written_and_kept(tmp_path: Path) -> None:
    a, b = tmp_path / "a.mlpackage", tmp_path / "b.mlpackage"
    ct.convert(stateful(), minimum_deployment_target=ct.target.iOS18, skip_model_load=True).save(str(a))
    program = load(a)
    cell = Cell(np.ones(2, np.float16))
    (first,) = interpret(program, {"x": np.array([1, 2], np.float16)}, states={"kept": cell}).values()
    assert first.tolist() == [4, 6]
    assert cell.array.tolist() == [2, 3]
    save(program, b)
    assert load(b) == program
    assert differences(loaded(a), loaded(b)) == []
    assert [s.name for s in read_package(b).model.description.state] == ["kept"]


def test_a_model_of_several_functions_keeps_them_and_their_shared_weights(tmp_path: Path) -> None:
    small, large, both = (tmp_path / f"{n}.mlpackage" for n in ("small", "large", "both"))
    weight = np.ones((64, 3, 3, 3), np.float32)
    package_of(lambda x: mb().conv(x=x, weight=weight), small, ct.target.iOS18)
    package_of(lambda x: mb().relu(x=mb().conv(x=x, weight=weight)), large, ct.target.iOS18)
    parts = ct.utils.MultiFunctionDescriptor()
    parts.add_function(str(small), src_function_name="main", target_function_name="plain")
    parts.add_function(str(large), src_function_name="main", target_function_name="cut")
    parts.default_function_name = "plain"
    ct.utils.save_multifunction(parts, str(both))
    program = load(both)
    assert [f.name for f in program.functions] == ["plain", "cut"]
    assert program.main.name == "plain"
    save(program, tmp_path / "again.mlpackage")
    assert load(tmp_path / "again.mlpackage") == program
    assert differences(loaded(both), loaded(tmp_path / "again.mlpackage")) == []
    sizes = [
        (p / "Data/com.apple.CoreML/weights/weight.bin").stat().st_size for p in (both, tmp_path / "again.mlpackage")
    ]
    assert sizes[1] <= sizes[0]


def test_pictures_labels_and_authorship_survive_and_pictures_are_inputs(tmp_path: Path) -> None:
    from PIL import Image

    @mb().program(input_specs=[mb().TensorSpec(shape=(1, 3, 8, 6))])  # type: ignore[untyped-decorator]  # no types
    def program(image: Any) -> Any:
        return mb().softmax(x=mb().reduce_mean(x=image, axes=[2, 3], keep_dims=False), name="shares")

    model = ct.convert(
        program, convert_to="mlprogram", skip_model_load=True, minimum_deployment_target=ct.target.iOS16,
        inputs=[ct.ImageType(name="image", shape=(1, 3, 8, 6), scale=1 / 255, color_layout="BGR")],
        classifier_config=ct.ClassifierConfig(["a", "b", "c"]),
    )  # fmt: skip
    model.author, model.short_description = "someone", "what it does"
    model.user_defined_metadata["key"] = "value"
    model.save(str(tmp_path / "a.mlpackage"))
    read = load(tmp_path / "a.mlpackage")
    save(read, tmp_path / "b.mlpackage")
    before, after = (read_package(tmp_path / f"{n}.mlpackage").model.description for n in "ab")
    assert before == after
    assert pictures_of(read)["image"].size == "6 by 8"
    pixels = np.arange(144, dtype=np.uint8).reshape(8, 6, 3)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    given = read_inputs([f"image={tmp_path / 'photo.png'}"], read, "test")["image"]
    np.testing.assert_array_equal(given[0], pixels.transpose(2, 0, 1)[::-1])
    with pytest.raises(OptcError, match="carried, not computed"):  # classify is
        run(read, {"image": given})
