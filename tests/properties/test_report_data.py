"""What a report's page holds is what it was made from, and any program has a page."""

import base64
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from backends.device_files import load_device
from backends.plan import make_plan
from optc.driver.report.columns import EXACT, Column, number
from optc.driver.report.histograms import BINS, PLACES, Histogram, histogram
from optc.driver.report.names import shown
from optc.driver.report.page import Model, report_page, unpacked
from optc.driver.report.skeletons import restored, skeletons
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.constexpr import LutToDense
from optc.ops.elementwise import Add
from optc.ops.weights import Weight, weights_of
from optc.testing.programs import programs
from tests.properties.stored_weights import IDIOMS

LINES = st.lists(st.sampled_from(["", "at 1,024 of 3.5e-07 ms", "7 8 9", "a1b2", "- 0.5", "1e5e5 .5", "x"])).map(
    "\n".join
)
TEXTS = LINES | st.text(st.characters(exclude_characters="\x01", exclude_categories=["Cs"]))
VECTORS = arrays.arrays(np.float32, st.integers(1, 40), elements=st.floats(width=32))
DEVICE = load_device("iphone15pro")


def weight_of(array: np.ndarray, indices: list[int] | None = None) -> Weight:
    """A weight of these values; with indices, palettized, the array being the table of four entries."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (1,)), "x")
    value = b.const(array)
    if indices is not None:
        value = b.add(LutToDense(b.const(np.array(indices, np.uint8), dtype=DType.U2), b.const(array.reshape(1, 4, 1))))
    (weight,) = weights_of(b.program(y=b.add(Add(x, value))))
    return weight


def of_weight(weight: Weight, before: np.ndarray | None = None) -> Histogram | None:
    return histogram(weight.expanded(), before, weight)


@given(st.lists(TEXTS, max_size=6))
def test_texts_come_back_from_their_skeletons(texts: list[str]) -> None:
    coded = skeletons(texts)
    assert [restored(coded, at) for at in range(len(texts))] == texts


@given(st.lists(st.text(max_size=3)))
def test_a_column_of_texts_holds_each_text_once(texts: list[str]) -> None:
    coded = Column("c", "text", texts).to_json()
    assert [coded["texts"][at] for at in coded["at"]] == texts
    assert len(set(coded["texts"])) == len(coded["texts"])


@given(st.floats() | st.integers())
def test_a_number_is_kept_to_six_digits_and_is_one_that_json_has(value: float) -> None:
    kept = number(value)
    if math.isnan(value):
        assert kept is None
    elif math.isinf(value):
        assert kept == math.copysign(EXACT, value)
    else:
        assert kept is not None
        assert math.isclose(kept, value, rel_tol=1e-5)


@given(st.text(), st.integers(2, 40))
def test_a_name_is_shown_in_one_line_that_steers_nothing(text: str, longest: int) -> None:
    line = shown(text, longest)
    assert line.isprintable()
    assert line == text or not text.isprintable() or len(text) > longest


@given(VECTORS, st.none() | VECTORS)
def test_a_histogram_counts_every_finite_element_where_it_lies(array: np.ndarray, before: np.ndarray | None) -> None:
    found = of_weight(weight_of(array), before)
    finite = array[np.isfinite(array)].astype(np.float64)
    if found is None:
        assert finite.size == 0
        return
    assert int(found.counts.sum()) == finite.size
    assert found.left_out == array.size - finite.size
    width = (found.high - found.low) / BINS
    for value in finite:
        place = (value - found.low) / width
        near = found.counts[max(0, math.ceil(place - 1) - 1) : math.floor(place) + 2]
        assert near.sum() > 0
    if before is not None:
        assert found.before is not None
        assert int(found.before.sum()) == int(np.isfinite(before).sum())


@given(VECTORS)
def test_what_is_there_has_a_height_and_what_is_not_has_none(array: np.ndarray) -> None:
    found = of_weight(weight_of(array))
    if found is not None:
        coded = np.frombuffer(base64.b64decode(found.to_json()["counts"]), np.uint8)
        assert ((coded > 0) == (found.counts > 0)).all()
        assert coded.max() == 255


@given(arrays.arrays(np.float32, 4, elements=st.floats(width=32)), st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_the_entries_of_a_palette_are_marked_where_they_lie(entries: np.ndarray, indices: list[int]) -> None:
    found = of_weight(weight_of(entries, indices))
    if found is None:
        return
    coded = found.to_json()
    assert coded["listed"] == [number(float(v)) for v in np.unique(entries[np.isfinite(entries)].astype(np.float64))]
    bits = np.flatnonzero(np.unpackbits(np.frombuffer(base64.b64decode(coded["palette"]), np.uint8)))
    marked = found.low + bits / (PLACES - 1) * (found.high - found.low)
    half_a_place = (found.high - found.low) / (PLACES - 1) * 0.51
    for entry in found.palette:
        assert np.abs(marked - entry).min() <= half_a_place
    assert len(bits) <= len(found.palette)


@settings(max_examples=15)
@given(programs(idioms=IDIOMS))
def test_every_program_has_a_page_that_says_all_its_weights(program: Program) -> None:
    page = report_page(Model("a.onnx", program, [make_plan(program, DEVICE)]), Model("b.onnx", program))
    data = unpacked(page)
    assert data["weights"]["rows"] == len(weights_of(program)) == len(data["histograms"])
    (plan,) = data["plans"]
    assert plan["decisions"]["rows"] == len(make_plan(program, DEVICE).decisions)
