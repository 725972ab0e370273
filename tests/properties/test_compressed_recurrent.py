"""Compressed weights of recurrent layers go to Core ML packages and come back: the same bits, in the same form."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optc.errors import OptcError
from optc.formats.coreml.reader import read_coreml
from optc.formats.coreml.weight_rows import Rows, rows_of
from optc.formats.coreml.writer import write_coreml
from optc.formats.interface import restored
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.op import Op
from optc.ir.verifier import verify
from optc.ops.constexpr import ConstexprCast, LutToDense, ShiftScale, SparseToDense
from optc.ops.weights import Weight, chain_of
from optc.testing.samplers.catalog import SAMPLERS
from optc.testing.source import Source
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.weights import Compression
from tests.recurrent_layers import FORMS, compressed, layers, matrices_of

NOT_THERE = ("target-too-old", "not-in-coreml")


def bits(weight: Weight) -> tuple[tuple[int, ...], bytes]:
    array = weight.expanded()
    return array.shape, array.tobytes()


def may_straddle(passes: Sequence[Compression]) -> bool:
    """Whether vectors may lie in two gates, or groups and blocks, whose parts would take more than the weight."""
    return any(one.cluster_dim > 1 or one.group_size for one in passes if isinstance(one, Palettize)) or any(
        one.block_sizes for one in passes if isinstance(one, Quantize)
    )


@pytest.mark.parametrize("passes", FORMS, ids=lambda passes: "-".join(map(str, passes)))
def test_compressed_layers_come_back_with_the_same_weights_in_the_same_form(
    passes: tuple[Compression, ...], tmp_path: Path
) -> None:
    written = 0

    @settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
    @given(layers(), st.sampled_from(["ios18", "ios18", "ios17", "ios16"]))
    def law(program: Program, target: str) -> None:
        nonlocal written
        program = compressed(program, passes)
        path = tmp_path / "model.mlpackage"
        try:
            write_coreml(program, path, target)
        except OptcError as error:
            if error.slug in NOT_THERE[: 1 + may_straddle(passes)]:
                return
            raise
        written += 1
        back = restored(read_coreml(path))
        verify(back)
        for before, after in zip(matrices_of(program), matrices_of(back), strict=True):
            assert before.scheme == after.scheme
            if before.scheme == "dense":  # before iOS 17, a layer in float16 computes in float32
                assert np.array_equal(before.expanded(), after.expanded())
                continue
            assert bits(before) == bits(after)
            if before.value.tensor.shape[1] in (24, 48):  # sizes of groups and blocks divide gates
                assert before.form == after.form
        once = {weight.value for weight in matrices_of(back)}
        assert all(user.name == "lstm" or user.constant for user in back.walk() if once & set(user.operands))

    law()
    assert written


@pytest.mark.parametrize("kind", [ShiftScale, LutToDense, SparseToDense, ConstexprCast], ids=lambda kind: kind.op_name)
def test_rows_of_a_compressed_weight_are_those_of_the_dense_one(kind: type[Op]) -> None:
    made = 0

    @settings(suppress_health_check=list(HealthCheck))
    @given(st.data())
    def law(data: st.DataObject) -> None:
        nonlocal made
        builder = Builder()
        (value,) = builder.append(SAMPLERS[kind](Source(data.draw, builder)))
        defined = {result: op for op in builder.ops for result in op.results}
        weight = Weight("w", value, chain_of(value, defined.__getitem__), ())
        shape = value.tensor.static_shape
        direction = data.draw(st.integers(0, shape[0] - 1)) if len(shape) > 1 and data.draw(st.booleans()) else None
        of = shape[0 if direction is None else 1]
        numbers = np.array(data.draw(st.permutations(range(of)) | st.lists(st.integers(0, of - 1), min_size=1)))
        rows = Rows(numbers, of, direction, shape[0])
        try:
            cut = rows_of(weight, rows)
        except OptcError as error:
            if "vectors" in str(error):
                return
            raise
        made += 1
        dense = weight.expanded()
        wanted = dense[numbers][np.newaxis] if direction is None else dense[direction][numbers]
        assert bits(cut) == (wanted.shape, wanted.tobytes())
        assert [type(op) for op in cut.chain] == [type(op) for op in weight.chain]

    law()
    assert made
