"""Distinct names: every one once, the first of its kind as it is."""

from hypothesis import given
from hypothesis import strategies as st

from optc.ir.names import distinct


@given(st.lists(st.sampled_from(["", "a", "b", "a#1", "a#2", "w", "w#1"])))
def test_names_come_out_distinct_and_the_first_of_each_as_it_is(names: list[str]) -> None:
    out = distinct(names, "w")
    assert len(set(out)) == len(out) == len(names)
    given_names = [name or "w" for name in names]
    assert all(out[given_names.index(name)] == name for name in given_names)
    assert all(new == old or new.startswith(f"{old}#") for old, new in zip(given_names, out, strict=True))


def test_later_ones_are_numbered_round_names_that_are_taken() -> None:
    assert distinct(["a", "", "a", "a#1", "a", ""], "w") == ["a", "w", "a#2", "a#1", "a#3", "w#1"]
