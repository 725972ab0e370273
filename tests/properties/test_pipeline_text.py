"""Pipeline text is a fixed point: what is printed reads back as the same pipeline, however it is laid out."""

import json
import re
from collections.abc import Callable
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from optc.errors import UsageError
from optc.pipeline.pipeline import Pipeline
from optc.pipeline.text import Source, parse_steps
from optc.testing.pipelines import pipelines
from passes.catalog import CATALOG as OURS
from passes.compress.configured import Configured, Rule
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from tests.unit.pipeline.toys import CATALOG, Many, Ordered

ODD_TEXTS = ("none", "true", "-1", "1e5", "a b", "\\", '"', "\ud800", "[x]", "fixpoint")
ORDERED = st.builds(Ordered, st.integers(-9, 0), st.integers(0, 9))
PIPELINES = pipelines(CATALOG, {Ordered: ORDERED})
FRACTIONS = st.floats(0, 1)
PALETTIZING = st.builds(
    Palettize, bits=st.sampled_from([1, 8]), mode=st.sampled_from(["kmeans", "unique"])
) | st.builds(
    Palettize, mode=st.just("custom"), function=st.text(min_size=1, max_size=8), axis=st.none() | st.integers(-9, 9)
)
SPARSIFYING = st.one_of(
    st.builds(Sparsify, sparsity=FRACTIONS, scope=st.sampled_from(["weight", "model"])),
    st.builds(Sparsify, threshold=st.floats(0, allow_nan=False), min_sparsity=FRACTIONS, joint=st.booleans()),
    st.builds(Sparsify, zeros=st.integers(0, 4), of=st.integers(4, 9), axis=st.none() | st.integers(-9, 9)),
    st.builds(Sparsify, sparsity=FRACTIONS, block_size=st.integers(0, 99), strict=st.booleans()),
    st.builds(Sparsify, sparsity=FRACTIONS, structure=st.sampled_from(["element", "channel", "kernel"])),
)
RULES = st.dictionaries(
    st.text(min_size=1, max_size=8) | st.sampled_from(["x for y", "a{b}", "none for none"]),
    st.none() | SPARSIFYING | st.builds(Palettize, bits=st.sampled_from([1, 8])), max_size=3,
)  # fmt: skip
CONFIGURED = st.builds(
    lambda default, types, names: Configured.of(
        [Rule("default", "", default)]
        + [Rule(level, pattern, scheme) for level, rules in (("op_types", types), ("names", names))
           for pattern, scheme in rules.items()]
    ),
    st.none() | SPARSIFYING, RULES, RULES,
)  # fmt: skip
QUANTIZING = st.one_of(
    st.builds(Quantize, dtype=st.sampled_from(["int3", "uint8"]), range=st.sampled_from(["minmax", "mse"])),
    st.builds(
        Quantize,
        dtype=st.just("float8e5m2"),
        granularity=st.just("per_block"),
        block_size=st.integers(0, 9),
        block_sizes=st.lists(st.integers(0, 9), max_size=3),
    ),
)
OUR_PIPELINES = pipelines(
    OURS, {Palettize: PALETTIZING, Quantize: QUANTIZING, Sparsify: SPARSIFYING, Configured: CONFIGURED}
)  # fmt: skip


T = TypeVar("T")


def outcome(read: Callable[[], T]) -> T | UsageError:
    """What is read, or how it is refused."""
    try:
        return read()
    except UsageError as error:
        return error


@given(PIPELINES)
def test_a_printed_pipeline_reads_back_as_itself(pipeline: Pipeline) -> None:
    text = str(pipeline)
    again = Pipeline.parse(text, CATALOG)
    assert again == pipeline
    assert str(again) == text


@given(OUR_PIPELINES)
def test_a_printed_pipeline_of_our_own_passes_reads_back_as_itself(pipeline: Pipeline) -> None:
    assert Pipeline.parse(str(pipeline), OURS) == pipeline


@given(PIPELINES, st.data())
def test_white_space_between_the_parts_means_nothing(pipeline: Pipeline, data: st.DataObject) -> None:
    text = str(pipeline)
    spaces = st.sampled_from(["", " ", "\n", "\t  "])
    parts = re.findall(r'"(?:[^"\\]|\\.)*"|[,{}()\[\]=]|[^,{}()\[\]="]+', text)
    assert "".join(parts) == text
    loose = "".join(part + data.draw(spaces) for part in parts)
    assert Pipeline.parse(data.draw(spaces) + loose, CATALOG) == pipeline


@given(PIPELINES)
def test_presets_are_replaced_by_their_steps(pipeline: Pipeline) -> None:
    tidy = Pipeline.parse("@tidy", CATALOG)
    wrapped = Pipeline.parse(",".join(filter(None, ["tidy", str(pipeline), "@tidy"])), CATALOG)
    assert wrapped == Pipeline((tidy, pipeline, tidy))


@given(PIPELINES, st.data())
def test_a_damaged_text_is_read_or_refused_with_its_place_and_nothing_else(
    pipeline: Pipeline, data: st.DataObject
) -> None:
    text = str(pipeline)
    at = data.draw(st.integers(0, len(text)))
    gone = data.draw(st.integers(0, 3))
    put = data.draw(st.text('{}()[]=,"\\ \n@x1-', max_size=3))
    damaged = text[:at] + put + text[at + gone :]
    result = outcome(lambda: Pipeline.parse(damaged, CATALOG))
    if isinstance(result, UsageError):
        assert re.match(r"(pipeline|preset @\w+) line \d+ column \d+$", result.where)
        assert "^" in result.excerpt
    else:
        assert Pipeline.parse(str(result), CATALOG) == result


@given(st.text(max_size=30) | st.text('ab{}()[]=,"\\ \n@', max_size=30))
def test_any_text_at_all_is_read_or_refused(text: str) -> None:
    result = outcome(lambda: parse_steps(Source(text)))
    if isinstance(result, UsageError):
        line, column = map(int, re.findall(r"\d+", result.where))
        assert 1 <= line <= text.count("\n") + 1
        assert 1 <= column <= len(text.split("\n")[line - 1]) + 1
    else:
        assert [text[step.at :].startswith(step.name) for step in result] == [True] * len(result)


@given(st.text(max_size=8) | st.sampled_from(ODD_TEXTS))
def test_every_text_is_read_back_from_a_json_string(note: str) -> None:
    (step,) = Pipeline.parse(f"many{{needed=1,note={json.dumps(note)}}}", CATALOG).steps
    assert step == Many(needed=1, note=note)
