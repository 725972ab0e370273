"""Identities: what may go, what only looks as if it might, and casts checked value by value."""

from itertools import product

import numpy as np
import pytest

from optc.ir.builder import Builder
from optc.ir.dtypes import FLOAT8S, FLOATS, INTEGERS, SUB_BYTES, DType
from optc.ir.types import TensorType
from optc.ops.cast import Cast, convert
from optc.pipeline.passes import PassContext
from passes.cleanup.remove_identities import RemoveIdentities
from passes.rules.identities import keeps
from tests.unit.passes.texts import main, names, run

GONE = [
    ("f32[2,3]", "%y = cast(%x) {to = f32} : f32[2,3]"),
    ("f16[2,3]", "%a = cast(%x) {to = f32} : f32[2,3]\n%y = cast(%a) {to = f16} : f16[2,3]"),
    ("f32[2,3]", "%y = reshape(%x) {shape = [2, 3]} : f32[2,3]"),
    ("f32[n,3]", "%y = reshape(%x) {shape = [-1, 3]} : f32[n,3]"),
    ("f32[?,3]", "%y = reshape(%x) {shape = [-1, 3]} : f32[?,3]"),
    ("f32[?,?]", "%y = reshape(%x) {shape = [0, -1]} : f32[?,?]"),
    ("f32[2,3]", "%a = reshape(%x) {shape = [6]} : f32[6]\n%y = reshape(%a) {shape = [2, 3]} : f32[2,3]"),
    ("f32[n,3]", "%a = unsqueeze(%x) {axes = [1]} : f32[n,1,3]\n%y = squeeze(%a) {axes = [1]} : f32[n,3]"),
    ("f32[?,?]", "%y = flatten(%x) : f32[?,?]"),
    ("f32[?,?]", "%y = squeeze(%x) {axes = []} : f32[?,?]"),
    ("f32[?,?]", "%y = transpose(%x) {perm = [0, 1]} : f32[?,?]"),
    ("f32[2,3]", "%a = transpose(%x) {perm = [1, 0]} : f32[3,2]\n%y = transpose(%a) {perm = [1, 0]} : f32[2,3]"),
    ("f32[n,3]", "%y = expand(%x) {shape = [1, 3]} : f32[n,3]"),
    ("f32[n,3]", "%y = expand(%x) {shape = [3]} : f32[n,3]"),
    ("f32[2,3]", "%y = slice(%x) {starts = [0, -9], ends = [2, 99], axes = [0, 1], steps = [1, 1]} : f32[2,3]"),
    ("f32[n,3]", "%y = slice(%x) {starts = [0], ends = [2147483647], axes = [0], steps = [1]} : f32[n,3]"),
    ("f32[1,3]", "%y = slice(%x) {starts = [0], ends = [-9], axes = [0], steps = [-1]} : f32[1,3]"),
    ("f32[n,3]", "%y = pad(%x) {pads = [0, 0, 0, 0]} : f32[n,3]"),
    ("f32[n,3]", "%y = concat([%x]) {axis = 1} : f32[n,3]"),
    ("f32[n,3]", "%y = split(%x) {parts = 1} : f32[n,3]"),
    ("f32[n,3]", "%y = tile(%x) {repeats = [1, 1]} : f32[n,3]"),
    ("f32[n,3]", "%y = clip(%x) : f32[n,3]"),
]

KEPT = [
    ("f32[2,3]", "%y = cast(%x) {to = f16} : f16[2,3]"),
    ("f32[2]", "%a = cast(%x) {to = f16} : f16[2]\n%y = cast(%a) {to = f32} : f32[2]"),
    ("i32[2]", "%a = cast(%x) {to = f64} : f64[2]\n%y = cast(%a) {to = i8} : i8[2]"),
    ("f8e5m2[2]", "%y = cast(%x) {to = f8e5m2} : f8e5m2[2]"),
    ("f32[?,?]", "%y = reshape(%x) {shape = [-1, 2]} : f32[?,2]"),
    ("f32[?,n]", "%y = transpose(%x) {perm = [1, 0]} : f32[n,?]"),
    ("f32[1,3]", "%y = expand(%x) {shape = [2, 3]} : f32[2,3]"),
    ("f32[n,3]", "%y = slice(%x) {starts = [0], ends = [9], axes = [0], steps = [1]} : f32[?,3]"),
    ("f32[2,3]", "%y = slice(%x) {starts = [-1], ends = [-9], axes = [0], steps = [-1]} : f32[2,3]"),
    ("f32[3]", "%y = pad(%x) {pads = [1, -1]} : f32[3]"),
    ("f32[3]", "%y = clip(%x) {max = 0.0} : f32[3]"),
    ("f32[1]", "%y = tile(%x) {repeats = [2]} : f32[2]"),
]


@pytest.mark.parametrize(("kind", "lines"), GONE, ids=range(len(GONE)))
def test_it_gives_back_what_it_is_given(kind: str, lines: str) -> None:
    before = main(f"%x: {kind}", lines, f"%y: {kind}")
    after = run(RemoveIdentities(), before, clean=True)
    assert names(after) == []
    assert after.main.body.results == before.main.body.params


@pytest.mark.parametrize(("kind", "lines"), KEPT, ids=range(len(KEPT)))
def test_it_only_looks_like_an_identity(kind: str, lines: str) -> None:
    before = main(f"%x: {kind}", lines, f"%y: {lines.rsplit(' : ', 1)[1]}")
    assert RemoveIdentities().run(before, PassContext()) is before


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        (
            "f16[2]",
            "%a = cast(%x) {to = f32} : f32[2]\n%y = cast(%a) {to = i8} : i8[2]",
            "%y = cast(%x) {to = i8} : i8[2]",
        ),
        (
            "f32[2,3,4]",
            "%a = reshape(%x) {shape = [6, 4]} : f32[6,4]\n%y = reshape(%a) {shape = [3, -1]} : f32[3,8]",
            "%y = reshape(%x) {shape = [3, 8]} : f32[3,8]",
        ),
        (
            "f32[n,2,4]",
            "%a = reshape(%x) {shape = [-1, 8]} : f32[n,8]\n%y = unsqueeze(%a) {axes = [0]} : f32[1,n,8]",
            "%y = reshape(%x) {shape = [1, -1, 8]} : f32[1,n,8]",
        ),
        (
            "f32[2,3,4]",
            "%a = transpose(%x) {perm = [1, 2, 0]} : f32[3,4,2]\n%y = transpose(%a) {perm = [0, 2, 1]} : f32[3,2,4]",
            "%y = transpose(%x) {perm = [1, 0, 2]} : f32[3,2,4]",
        ),
        (
            "f32[0,3]",
            "%a = reshape(%x) {shape = [-1]} : f32[0]\n%y = reshape(%a) {shape = [5, 0], allowzero = true} : f32[5,0]",
            "%y = reshape(%x) {shape = [5, 0], allowzero = true} : f32[5,0]",
        ),
    ],
    ids=["casts", "reshapes", "reshapes of an open size", "transposes", "reshapes of nothing"],
)
def test_a_chain_becomes_one_link(kind: str, before: str, after: str) -> None:
    result = f"%y: {after.rsplit(' : ', 1)[1]}"
    shortened = run(RemoveIdentities(), main(f"%x: {kind}", before, result), clean=True)
    assert str(shortened) == str(main(f"%x: {kind}", after, result))


def test_two_open_sizes_cannot_be_left_to_one_reshape() -> None:
    before = main(
        "%x: f32[n,m,4]",
        "%a = reshape(%x) {shape = [0, 0, 2, 2]} : f32[n,m,2,2]\n%y = unsqueeze(%a) {axes = [0]} : f32[1,n,m,2,2]",
        "%y: f32[1,n,m,2,2]",
    )
    assert RemoveIdentities().run(before, PassContext()) is before


ELEMENTS = (DType.BOOL, *SUB_BYTES, *INTEGERS, *FLOATS, *FLOAT8S)


def telling_values(dtype: DType) -> np.ndarray:
    """Values at the edges of all types, and some between, as this type has them."""
    whole = [
        0,
        1,
        2,
        3,
        7,
        8,
        15,
        16,
        100,
        127,
        128,
        255,
        256,
        257,
        2047,
        2049,
        32767,
        32768,
        65503,
        65504,
        65519,
        65535,
    ]
    whole += [(1 << k) + d for k in (24, 31, 32, 53, 63) for d in (-1, 0, 1)] + [16777217 * 3, 65520, 65536]
    numbers = [sign * n for n in whole for sign in (1, -1)]
    if dtype is DType.BOOL:
        return np.array([False, True])
    if dtype.is_integer:
        low, high = dtype.integer_range
        return np.array([n for n in [*numbers, low, high] if low <= n <= high], dtype.numpy)
    halves = [0.5, -0.5, -0.0, 1e-8, -1e-40, 3.4e38, 1e300, np.inf, -np.inf, np.nan, 447.9, 449.0, 57344.0, 61440.0]
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array([float(n) for n in numbers] + halves).astype(dtype.numpy)


def test_casts_that_are_joined_give_the_same_for_every_telling_value() -> None:
    joined = [way for way in product(ELEMENTS, repeat=3) if keeps(*way)]
    assert len(joined) > len(ELEMENTS) ** 2
    with np.errstate(all="ignore"):
        for a, b, to in joined:
            x = telling_values(a)
            direct, by_way = convert(x, to), convert(convert(x, b), to)
            same = (direct == by_way) | ((direct != direct) & (by_way != by_way))
            assert same.all(), (a, b, to, x[~same])
            assert np.array_equal(np.signbit(direct.astype(np.float64)), np.signbit(by_way.astype(np.float64)))


@pytest.mark.parametrize("dtype", [d for d in ELEMENTS if d is not DType.F8E5M2], ids=str)
def test_a_cast_to_the_same_type_changes_no_value(dtype: DType) -> None:
    b = Builder()
    x = b.param(TensorType(dtype, (2,)), "x")
    before = b.program(y=b.add(Cast(x, dtype)))
    assert names(run(RemoveIdentities(), before)) == []
    values = telling_values(dtype)
    with np.errstate(all="ignore"):
        out = convert(values, dtype)
    assert ((out == values) | ((out != out) & (values != values))).all()
