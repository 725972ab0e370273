"""Random pipelines over the passes of a catalog: every option takes any value that its declaration allows."""

from collections.abc import Mapping
from typing import Any

import attrs
from hypothesis import strategies as st

from optc.pipeline.catalog import Catalog
from optc.pipeline.options import Option, options_of
from optc.pipeline.passes import Pass
from optc.pipeline.pipeline import Fixpoint, Pipeline, Step

_MOST = (1 << 63) - 1  # integers of options are of 64 bits


def pipelines(
    catalog: Catalog, special: Mapping[type[Pass], st.SearchStrategy[Pass]] | None = None, most: int = 4
) -> st.SearchStrategy[Pipeline]:
    """Pipelines of at most `most` steps, fixpoint groups among them.

    `special` draws the passes that have a rule between options, which no declaration says.
    """
    known = special or {}
    single: st.SearchStrategy[Step] = st.one_of([known[cls] if cls in known else passes(cls) for cls in catalog.passes])

    def group(steps: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
        return st.builds(Fixpoint, st.lists(steps, max_size=3), st.integers(1, 1000))

    return st.builds(Pipeline, st.lists(st.recursive(single, group, max_leaves=6), max_size=most))


def passes(cls: type[Pass]) -> st.SearchStrategy[Pass]:
    """A pass of this class with any options; those that have a default are now and then left at it."""
    required: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for option in options_of(cls):
        (required if option.default is attrs.NOTHING else others)[option.name] = values(option)
    return st.fixed_dictionaries(required, optional=others).map(lambda given: cls(**given))


def values(option: Option) -> st.SearchStrategy[Any]:
    """Values that an option may have."""
    one = _one(option)
    held: st.SearchStrategy[Any] = st.lists(one, max_size=3).map(tuple) if option.many else one
    return st.none() | held if option.optional else held


def _one(option: Option) -> st.SearchStrategy[Any]:
    if option.one_of:
        return st.sampled_from(option.one_of)
    low, high = option.minimum, option.maximum
    if option.kind == "int":
        return st.integers(int(-_MOST if low is None else low), int(_MOST if high is None else high))
    if option.kind == "float":
        return st.floats(low, high, allow_nan=False)
    return st.booleans() if option.kind == "bool" else st.text(max_size=8)
