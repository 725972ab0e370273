"""Dimensions compute like the numbers that they stand for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optc.ir.dims import UNKNOWN, SymDim, dim_agrees, parse_dim, product, refines
from optc.testing.strategies import dims, known_dims

N = SymDim.named("n")
M = SymDim.named("m")
SIZES = st.fixed_dictionaries({name: st.integers(0, 9) for name in ("n", "m", "k.1", "batch size", 'q"', "_")})


def value_of(dim: Any, sizes: dict[str, int]) -> Any:
    return dim.substitute(sizes) if isinstance(dim, SymDim) else dim


@given(dims)
def test_a_dimension_is_read_back_as_it_was_written(dim: Any) -> None:
    assert parse_dim(str(dim)) == dim


@given(known_dims, known_dims, SIZES, st.integers(1, 4) | st.integers(-4, -1))
def test_arithmetic_agrees_with_the_arithmetic_of_the_sizes(a: Any, b: Any, sizes: dict[str, int], d: int) -> None:
    x, y = value_of(a, sizes), value_of(b, sizes)
    assert value_of(a + b, sizes) == x + y
    assert value_of(a - b, sizes) == x - y
    assert value_of(a * b, sizes) == x * y
    assert value_of(a // d, sizes) == x // d


@given(dims, dims)
def test_equal_expressions_are_equal_objects(a: Any, b: Any) -> None:
    assert a + b == b + a
    assert a * b == b * a
    if UNKNOWN not in (a, b):
        assert a + b - b == a


@given(known_dims, known_dims)
def test_a_division_by_a_symbolic_dimension_is_exact_or_unknown(a: Any, b: Any) -> None:
    divisor = b + N * 100
    assert (a * divisor) // divisor in (a, UNKNOWN)
    assert (a * N) // N == a


@given(dims)
def test_nothing_is_known_of_what_is_computed_with_the_unknown(dim: Any) -> None:
    assert dim + UNKNOWN == UNKNOWN
    assert (UNKNOWN * dim) == (0 if dim == 0 else UNKNOWN)
    assert dim_agrees(dim, UNKNOWN)
    assert refines(dim, UNKNOWN)
    assert refines(UNKNOWN, dim) == (dim == UNKNOWN)


@given(st.text(max_size=12) | st.text("()*/+-?n12 ", max_size=20))
def test_any_text_is_a_dimension_or_a_value_error(text: str) -> None:
    try:
        dim = parse_dim(text)
    except ValueError:
        return
    assert parse_dim(str(dim)) == dim


@pytest.mark.parametrize(
    ("dim", "text"),
    [
        (N * 2 + 1, "2*n+1"),
        (1 - N, "-n+1"),
        ((N + 1) // 2 * 3, "3*((n+1)//2)"),
        ((N * 4 + 2) // 2, "2*n+1"),
        (N // -2, "((n)//2)-n"),
        (SymDim.named("a b") * -2, '-2*"a b"'),
        (N * M // N, "m"),
        (N // M, "?"),
        (product([N, 2, M]), "2*m*n"),
    ],
)
def test_text(dim: Any, text: str) -> None:
    assert str(dim) == text


@pytest.mark.parametrize(
    "text",
    ["", "n+", "(n", "n)", "n//0", "1.5", "(a+b)*" * 70 + "c", "(" * 60 + "n" + ")" * 60, "9" * 30, "n+" * 300 + "n"],
)
def test_what_is_no_dimension_or_too_big_a_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="dimension"):
        parse_dim(text)


def test_names_are_found_inside_divisions() -> None:
    assert ((N + M) // 2 + 1).names() == {"n", "m"}


def test_whole_multiples_come_out_of_a_floor_division() -> None:
    h: Any = SymDim.named("h")
    assert (h - 1) // 2 + 1 == (h + 1) // 2
    assert (5 * h + 7) // 3 == h + 2 + (2 * h + 1) // 3
