"""Sub-byte packing: a continuous stream of bits, least significant bit first.

Value `i` of width `bits` takes the bits `bits * i` to `bits * (i + 1) - 1` of the stream, and bit `j` of the
stream is bit `j % 8` (counted from the least significant) of byte `j // 8`. Values of width 3, 5, 6 and 7 may
straddle bytes. This is the layout of Core ML's weight files (MIL blob storage, version 2).
"""

from collections.abc import Iterator

import numpy as np

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.arrays import SLICE, Array


def packed_size(count: int, bits: int) -> int:
    """Bytes that `count` values of `bits` bits take when packed.

    Raises:
        OptcError: `bits` is not 1 to 8, or `count` is negative.
    """
    _check_bits(bits)
    if count < 0:
        raise OptcError("negative-count", "packed data", "number of values", "at least 0", count)
    return (count * bits + 7) // 8


def pack(values: Array, bits: int) -> Array:
    """Pack an array of any shape, in row-major order, into a flat `uint8` array of `packed_size` bytes.

    `values` is `uint8` (each from 0 to `2**bits - 1`) or `int8` (each from `-2**(bits-1)` to `2**(bits-1) - 1`,
    stored in two's complement). Unused bits of the last byte are 0.

    Raises:
        OptcError: `bits` is not 1 to 8, the array is neither `uint8` nor `int8`, or a value does not fit.
    """
    if values.dtype not in (np.uint8, np.int8):
        raise OptcError("wrong-dtype", "packing", "array", "of dtype uint8 or int8", values.dtype)
    flat = np.ascontiguousarray(values).reshape(-1)
    out = np.empty(packed_size(flat.size, bits), np.uint8)
    for start, stop, first, last in _slices(flat.size, bits):
        part = flat[start:stop]
        _check_fit(part, bits)
        if native.kernels is not None:
            native.kernels.pack(part.view(np.uint8), bits, out[first:last])
        else:
            out[first:last] = _pack_slice(part.view(np.uint8), bits)[: last - first]
    return out


def unpack(data: Array, bits: int, count: int, signed: bool = False) -> Array:
    """Unpack `count` values of `bits` bits from a flat `uint8` array; the inverse of `pack`.

    Returns a new flat array, `int8` (sign-extended) if `signed`, else `uint8`. The unused bits of the last byte
    are ignored.

    Raises:
        OptcError: `bits` is not 1 to 8, or `data` is not exactly `packed_size(count, bits)` bytes.
    """
    needed = packed_size(count, bits)
    if data.dtype != np.uint8 or data.ndim != 1 or data.size != needed:
        actual = f"{data.dtype}{list(data.shape)}"
        raise OptcError(
            "packed-size", "packed data", "array", f"uint8[{needed}] for {count} values of {bits} bits", actual
        )
    out = np.empty(count, np.uint8)
    if native.kernels is not None:
        native.kernels.unpack(np.ascontiguousarray(data), bits, signed, out)
        return out.view(np.int8) if signed else out
    for start, stop, first, last in _slices(count, bits):
        out[start:stop] = _unpack_slice(data[first:last], bits)[: stop - start]
    if not signed:
        return out
    if bits < 8:
        shift = np.uint8(8 - bits)
        np.left_shift(out, shift, out=out)  # in place: the sign bit goes to bit 7 and is then spread
        np.right_shift(out.view(np.int8), np.int8(shift), out=out.view(np.int8))
    return out.view(np.int8)


def _check_bits(bits: int) -> None:
    if not 1 <= bits <= 8:
        raise OptcError("packed-bits", "packed data", "bits per value", "from 1 to 8", bits)


def _slices(count: int, bits: int) -> Iterator[tuple[int, int, int, int]]:
    """Ranges of values and the ranges of bytes that hold them."""
    for start in range(0, count, SLICE):
        stop = min(count, start + SLICE)
        yield start, stop, start * bits // 8, (stop * bits + 7) // 8


def _check_fit(part: Array, bits: int) -> None:
    if bits == 8:
        return
    low, high = (0, 2**bits - 1) if part.dtype == np.uint8 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    least, greatest = int(part.min()), int(part.max())
    if least < low or greatest > high:
        raise OptcError(
            "value-out-of-range",
            f"packing to {bits} bits",
            "every value",
            f"from {low} to {high}",
            f"{least} to {greatest}",
        )


def _pack_slice(part: Array, bits: int) -> Array:
    """Packed bytes of one slice of `uint8`, possibly followed by bytes of padding."""
    if bits == 8:
        return part
    if bits == 1:
        return np.packbits(part, bitorder="little")
    groups = _groups_of_eight(part)
    if bits in (2, 4):
        per_byte = 8 // bits
        lanes = groups.reshape(-1, per_byte) & np.uint8(2**bits - 1)
        packed = lanes[:, 0].copy()
        for lane in range(1, per_byte):
            packed |= lanes[:, lane] << np.uint8(lane * bits)
        return packed
    # Eight values of any width make `bits` whole bytes: gather them in one 64-bit word.
    words = np.zeros(len(groups), "<u8")
    mask = np.uint8(2**bits - 1)
    for lane in range(8):
        words |= (groups[:, lane] & mask).astype("<u8") << np.uint64(lane * bits)
    return words.view(np.uint8).reshape(-1, 8)[:, :bits].reshape(-1)


def _unpack_slice(part: Array, bits: int) -> Array:
    """Values (as `uint8`, not sign-extended) of the bytes of one slice, possibly followed by padding values."""
    if bits == 8:
        return part
    if bits == 1:
        return np.unpackbits(part, bitorder="little")
    mask = np.uint8(2**bits - 1)
    if bits in (2, 4):
        lanes = np.empty((part.size, 8 // bits), np.uint8)
        for lane in range(8 // bits):
            lanes[:, lane] = (part >> np.uint8(lane * bits)) & mask
        return lanes.reshape(-1)
    group_count = -(-part.size // bits)
    padded = np.zeros(group_count * bits, np.uint8)
    padded[: part.size] = part
    octets = np.zeros((group_count, 8), np.uint8)
    octets[:, :bits] = padded.reshape(group_count, bits)
    words = octets.view("<u8").reshape(-1)
    out = np.empty((group_count, 8), np.uint8)
    for lane in range(8):
        out[:, lane] = (words >> np.uint64(lane * bits)).astype(np.uint8) & mask
    return out.reshape(-1)


def _groups_of_eight(part: Array) -> Array:
    """`part` as rows of eight values, padded with zeros at the end."""
    missing = -part.size % 8
    if missing:
        part = np.concatenate([part, np.zeros(missing, np.uint8)])
    return part.reshape(-1, 8)
