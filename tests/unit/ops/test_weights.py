"""What the weights of a program are, and how they are said to be stored."""

import numpy as np
import pytest

from optc.ir.parser import parse_program
from optc.ops.catalog import CATALOG
from optc.ops.weights import weights_of

SPARSE = "%m = const() {value = u1[4] [1, 0, 1, 1]} : u1[4]\n"
LUT = "%l = const() {value = f32[1,2,1] [0.5, 2.0]} : f32[1,2,1]\n"
PALETTE = "%i = const() {value = u1[4] [1, 0, 1, 1]} : u1[4]\n" + LUT
CODES = "%d = const() {value = i8[4] [1, -2, 3, 4]} : i8[4]\n"
SCALE = "%s = const() {value = f32[1] [0.5]} : f32[1]\n"
DENSE = "%w = const() {value = f32[4] [1.0, 2.0, 3.0, 4.0]} : f32[4]"


@pytest.mark.parametrize(
    ("lines", "scheme", "form", "stored", "dense"),
    [
        (DENSE, "dense", "dense", 16, [1, 2, 3, 4]),
        (PALETTE + "%w = constexpr.lut_to_dense(%i, %l) : f32[4]", "palettized", "palettized 1-bit", 9, [2, 0.5, 2, 2]),
        (
            CODES + SCALE + "%w = constexpr.shift_scale(%d, %s) : f32[4]",
            "quantized", "quantized int8 per-tensor", 8, [0.5, -1, 1.5, 2],
        ),
        (
            CODES + "%s = const() {value = f32[2] [0.5, 1.0]} : f32[2]\n%w = constexpr.shift_scale(%d, %s) : f32[4]",
            "quantized", "quantized int8 per-block", 12, [0.5, -1, 3, 4],
        ),
        (
            CODES.replace("i8[4] [1, -2, 3, 4]", "f16[4] [1.0, 2.0, 3.0, 4.0]").replace("i8", "f16")
            + "%w = constexpr.cast(%d) : f32[4]",
            "quantized", "stored as f16", 8, [1, 2, 3, 4],
        ),
        (
            SPARSE + "%v = const() {value = f32[3] [1.0, 2.0, 3.0]} : f32[3]\n"
            "%w = constexpr.sparse_to_dense(%m, %v) : f32[4]",
            "sparse", "sparse", 13, [1, 0, 2, 3],
        ),
        (
            SPARSE + "%i = const() {value = u1[3] [1, 0, 1]} : u1[3]\n" + LUT
            + "%k, %v = constexpr.lut_to_sparse(%m, %i, %l) : u1[4], f32[3]\n"
            "%w = constexpr.sparse_to_dense(%k, %v) : f32[4]",
            "sparse", "sparse, palettized 1-bit", 10, [2, 0, 0.5, 2],
        ),
        (
            "%i = const() {value = u1[4] [1, 0, 1, 1]} : u1[4]\n"
            "%t = const() {value = i8[1,2,1] [1, 4]} : i8[1,2,1]\n"
            "%s = const() {value = f32[1,1,1] [0.5]} : f32[1,1,1]\n"
            "%l = constexpr.shift_scale(%t, %s) : f32[1,2,1]\n%w = constexpr.lut_to_dense(%i, %l) : f32[4]",
            "palettized", "palettized 1-bit, table int8", 7, [2, 0.5, 2, 2],
        ),
    ],
    ids=lambda held: held if isinstance(held, str) and "\n" not in held and "%" not in held else "",
)  # fmt: skip
def test_each_form_is_named_measured_and_expanded(
    lines: str, scheme: str, form: str, stored: int, dense: list[float]
) -> None:
    text = f"func @main(%x: f32[4]) -> (y: f32[4]) {{\n{lines}\n%y = add(%x, %w) : f32[4]\nreturn %y\n}}"
    (weight,) = weights_of(parse_program(text, CATALOG))
    assert (weight.name, weight.scheme, weight.form) == ("w", scheme, form)
    assert (weight.stored_bytes, weight.dense_bytes, weight.elements) == (stored, 16, 4)
    assert weight.expanded().tolist() == dense
    assert weight.expanded().dtype == np.float32
    assert [op.name for op in weight.consumers] == ["add"]


def test_constants_that_only_make_others_scalars_integers_and_results_alone_are_no_weights() -> None:
    text = """func @main(%x: f32[4]) -> (y: f32[4], k: f32[2]) {
      %c = const() {value = f32[] [1.0]} : f32[]
      %n = const() {value = i64[1] [4]} : i64[1]
      %k = const() {value = f32[2] [1.0, 2.0]} : f32[2]
      %a = dynamic_reshape(%x, %n) : f32[4]
      %y = add(%a, %c) : f32[4]
      return %y, %k
    }"""
    assert weights_of(parse_program(text, CATALOG)) == ()
