"""Attributes for the op of the tests that has one of each kind."""

from hypothesis import strategies as st

from optc.testing.strategies import dims, dtypes, extras, floats, integers, names, tensors

attributes = st.fixed_dictionaries(
    {},
    optional={
        "a_int": integers,
        "a_float": floats,
        "a_bool": st.booleans(),
        "a_str": names,
        "a_dtype": dtypes,
        "a_tensor": st.none() | tensors(),
        "a_dim": dims,
        "ints": st.lists(integers, max_size=3).map(tuple),
        "floats": st.lists(floats, max_size=3).map(tuple),
        "strs": st.lists(names, max_size=3).map(tuple),
        "dims": st.lists(dims, max_size=3).map(tuple),
        "extras": extras,
        "maybe": st.none() | integers,
        "choice": st.sampled_from(["left", "right"]),
        "positive": st.lists(st.integers(1, 9), max_size=3).map(tuple),
    },
)
