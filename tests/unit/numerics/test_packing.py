"""Examples of packing, checked against weight files of Core ML."""

import numpy as np
import pytest

from optc.errors import OptcError
from optc.numerics.packing import pack, packed_size, unpack

# bits, signed, values, bytes in a weight file
WEIGHT_FILES = [
    (3, False, [3, 2, 1, 0, 7, 6, 5, 4, 3, 2, 1], "53 70 97 53 00"),
    (6, False, [3, 10, 17, 24, 31, 38, 45, 52, 59, 2, 9], "83 12 61 9f d9 d2 bb 90 00"),
    (4, True, [-8, -7, -1, 0, 1, 7, 3, -3, 2], "98 0f 71 d3 02"),
    (1, False, [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1], "55 05"),
]


@pytest.mark.parametrize(("bits", "signed", "values", "stored"), WEIGHT_FILES)
def test_bytes_are_those_of_core_ml_weight_files(bits: int, signed: bool, values: list[int], stored: str) -> None:
    array = np.array(values, np.int8 if signed else np.uint8)
    packed = pack(array, bits)
    assert packed.tobytes() == bytes.fromhex(stored)
    assert packed.size == packed_size(len(values), bits)
    np.testing.assert_array_equal(unpack(packed, bits, len(values), signed), array)


def test_unused_bits_of_the_last_byte_are_ignored() -> None:
    np.testing.assert_array_equal(unpack(np.array([0xFD], np.uint8), 3, 1), [5])


@pytest.mark.parametrize("bits", range(1, 9))
def test_slices_join_without_a_seam(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(bits).integers(0, 2**bits, 1003).astype(np.uint8)
    whole = pack(values, bits)
    monkeypatch.setattr("optc.numerics.packing.SLICE", 16)
    np.testing.assert_array_equal(pack(values, bits), whole)
    np.testing.assert_array_equal(unpack(whole, bits, values.size), values)


@pytest.mark.parametrize(("value", "dtype"), [(8, np.uint8), (4, np.int8), (-5, np.int8)])
def test_a_value_that_does_not_fit_is_refused(value: int, dtype: type) -> None:
    with pytest.raises(OptcError) as caught:
        pack(np.array([0, value], dtype), 3)
    assert caught.value.slug == "value-out-of-range"


def test_other_dtypes_are_refused() -> None:
    with pytest.raises(OptcError) as caught:
        pack(np.array([1], np.int32), 3)
    assert caught.value.slug == "wrong-dtype"


@pytest.mark.parametrize(("data", "count"), [([1, 2], 1), ([], 1), ([1], 3)])
def test_data_of_another_size_is_refused(data: list[int], count: int) -> None:
    with pytest.raises(OptcError) as caught:
        unpack(np.array(data, np.uint8), 4, count)
    assert caught.value.slug == "packed-size"


@pytest.mark.parametrize(
    ("count", "bits", "slug"), [(1, 0, "packed-bits"), (1, 9, "packed-bits"), (-1, 4, "negative-count")]
)
def test_impossible_sizes_are_refused(count: int, bits: int, slug: str) -> None:
    with pytest.raises(OptcError) as caught:
        packed_size(count, bits)
    assert caught.value.slug == slug
