"""Laws of cost tables that are measured: valid whatever the times are, and of the cache fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.cpu.cache_fit import CacheFit, fit_cache
from backends.cpu.calibration import Machine, device_of
from backends.cpu.jobs import arithmetic, fusions
from backends.cpu.measure import Observations
from backends.cpu.timing import Sample
from backends.device_files import parse_device
from backends.device_text import device_text
from tests.unit.backends.cpu.observed import NAMES

TIMES = st.lists(st.floats(1e-7, 10), min_size=1, max_size=4)
NAMES_OF_MACHINES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@st.composite
def observations(draw: st.DrawFn) -> Observations:
    samples = {name: Sample(tuple(draw(TIMES))) for name in NAMES}
    refused = {arithmetic("bf16"): "it cannot"} if draw(st.booleans()) else {}
    for name in refused:
        del samples[name]
    return Observations(samples, refused, {name: draw(st.booleans()) for name in fusions()})


@given(observations(), NAMES_OF_MACHINES, NAMES_OF_MACHINES, st.integers(1, 256))
def test_whatever_was_seen_the_table_is_valid_and_reads_back_as_it_is(
    seen: Observations, name: str, processor: str, cores: int
) -> None:
    device = device_of(seen, Machine(name, processor, cores, "ONNX Runtime 1.0"))
    assert parse_device(device_text(device), "a test") == device


SIZES = (4.0, 16.0, 36.0, 144.0)


@given(st.floats(1, 100), st.floats(1, 20), st.sampled_from(SIZES[:-1]), st.floats(0, 1))
def test_times_of_the_cost_model_give_its_cache_back(stream: float, ratio: float, least: float, part: float) -> None:
    # The largest matrix has nothing in the cache in truth, however the model has it.
    truth = CacheFit(stream * ratio, stream, least + part * (SIZES[SIZES.index(least) + 1] - least))
    times = {mb: truth.seconds(mb) for mb in SIZES[:-1]} | {SIZES[-1]: 1e-3 * SIZES[-1] / stream}
    found = fit_cache(times)
    assert found.stream_gbps == pytest.approx(truth.stream_gbps)
    assert found.cached_gbps == pytest.approx(truth.cached_gbps)
    for mb in SIZES[:-1]:
        assert found.seconds(mb) == pytest.approx(truth.seconds(mb), rel=1e-6)


@given(st.lists(st.floats(1e-6, 10), min_size=4, max_size=4))
def test_the_cache_is_no_larger_than_the_largest_matrix_and_no_slower_than_the_stream(times: list[float]) -> None:
    found = fit_cache(dict(zip(SIZES, times, strict=True)))
    assert 0 <= found.cache_mb <= SIZES[-1]
    assert found.cached_gbps >= found.stream_gbps > 0
