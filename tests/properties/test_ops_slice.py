"""What slices of symbolic sizes are said to be is what they turn out to be."""

from hypothesis import given
from hypothesis import strategies as st

from optc.ir.dims import Dim, SymDim
from optc.ops.extent import least_size, lower_bound
from optc.ops.slice import BEYOND, sliced_size, taken

N, M = SymDim.named("n"), SymDim.named("m")
bounds = st.one_of(st.integers(-6, 6), st.sampled_from([BEYOND, -BEYOND - 1, 2**63 - 1, -(2**63)]))
steps = st.sampled_from([1, 2, 3, -1, -2])
dims = st.builds(
    lambda a, b, c, d: (N * a + M * b + c) // d,
    st.integers(0, 3), st.integers(0, 2), st.integers(0, 9), st.integers(1, 3),
)  # fmt: skip


def at(dim: Dim, n: int, m: int) -> int:
    found = dim if isinstance(dim, int) else dim.substitute({"n": n, "m": m})
    assert isinstance(found, int)
    return found


@given(dims, bounds, bounds, steps, st.integers(0, 5), st.integers(0, 5))
def test_a_symbolic_slice_has_the_size_that_it_is_said_to_have(
    dim: Dim, start: int, end: int, step: int, n: int, m: int
) -> None:
    said = sliced_size(dim, start, end, step)
    size = at(dim, n, m)
    if "?" not in str(said):
        assert at(said, n, m) == len(taken(size, start, end, step))


@given(st.integers(0, 9), bounds, bounds, steps)
def test_a_slice_takes_only_what_is_there(size: int, start: int, end: int, step: int) -> None:
    assert all(0 <= place < size for place in taken(size, start, end, step))


@given(dims, st.integers(0, 5), st.integers(0, 5))
def test_no_size_is_below_its_lower_bound(dim: Dim, n: int, m: int) -> None:
    size, bound = at(dim, n, m), lower_bound(dim)
    assert bound is not None
    assert least_size(dim) == max(0, bound) <= size


def test_an_expression_with_a_minus_has_no_lower_bound() -> None:
    assert lower_bound(N - M) is None
    assert lower_bound(N - 3) == -3
    assert least_size(N - 3) == 0
