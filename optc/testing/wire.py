"""Faults in protobuf files: fields that are changed, dropped, repeated, nested, without a schema.

Flipping bytes at random breaks the framing of a file, which any parser refuses. These faults keep it, so that what is
wrong is what the file says. Source of the wire format: https://protobuf.dev/programming-guides/encoding/.
"""

import random
import struct
from typing import Any

import attrs

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_ODD_NUMBERS = (
    0, 1, 2, 3, 7, 8, 16, 127, 255, 1 << 31, (1 << 31) - 1, 1 << 32, 1 << 40, (1 << 62) + 1, (1 << 63) - 1, 1 << 63,
    (1 << 64) - 1,
)  # fmt: skip
_ODD_FLOATS = (float("nan"), float("inf"), -float("inf"), -0.0, 1e308, -1.0)
_ODD_BYTES = (b"", b"\0", b"\xff\xfe", b"../../etc/passwd", b"/etc/passwd", b"x" * 300, "ünï".encode(), b"-1", b"nan")
_DEEPEST = 24


@attrs.define
class Field:
    """One field: a number, bytes, or the fields of a message."""

    number: int
    wire: int
    value: Any
    """An int for numbers of any width, bytes, or a list of fields."""


def parse(data: bytes, depth: int = 0) -> list[Field] | None:
    """The fields of a message, nested ones where bytes can be read as such; None if the bytes are no message."""
    fields, at = [], 0
    while at < len(data):
        key, at = _varint(data, at)
        if key is None or key >> 3 == 0 or key & 7 not in (VARINT, FIXED64, BYTES, FIXED32):
            return None
        value, at = _value(data, at, key & 7, depth)
        if value is None:
            return None
        fields.append(Field(key >> 3, key & 7, value))
    return fields


def _value(data: bytes, at: int, wire: int, depth: int) -> tuple[Any, int]:
    """What a field holds, and where the next begins; None if the bytes end before."""
    if wire == VARINT:
        return _varint(data, at)
    size: int | None = {FIXED64: 8, FIXED32: 4}.get(wire)
    if size is None:
        size, at = _varint(data, at)
    if size is None or at + size > len(data):
        return None, at
    held = data[at : at + size]
    if wire != BYTES:
        return int.from_bytes(held, "little"), at + size
    inner = parse(held, depth + 1) if depth < _DEEPEST and 1 < size < 1 << 16 else None
    return inner or held, at + size


def serialize(fields: list[Field]) -> bytes:
    """The bytes of a message."""
    out = bytearray()
    for field in fields:
        out += _key(field)
        if field.wire == VARINT:
            out += _encoded(field.value)
        elif field.wire == BYTES:
            held = serialize(field.value) if isinstance(field.value, list) else field.value
            out += _encoded(len(held)) + held
        else:
            size = 8 if field.wire == FIXED64 else 4
            out += (field.value % (1 << 8 * size)).to_bytes(size, "little")
    return bytes(out)


def mutated(data: bytes, rng: random.Random, faults: int = 1) -> bytes:
    """The message with some faults; bytes that are no message come back cut or with a byte changed."""
    fields = parse(data)
    if not fields or rng.random() < 0.1:
        return _damaged(data, rng)
    for _ in range(faults):
        _add_fault(fields, rng)
    return serialize(fields)


def _add_fault(fields: list[Field], rng: random.Random) -> None:
    """One fault in a field that lies anywhere in the message."""
    holder = fields
    while True:
        nested = [f.value for f in holder if isinstance(f.value, list) and f.value]
        if not nested or rng.random() < 0.15:
            break
        holder = rng.choice(nested)
    if not holder:
        return
    index = rng.randrange(len(holder))
    field = holder[index]
    kind = rng.randrange(8)
    if kind == 0:
        del holder[index]
    elif kind == 1:
        holder.insert(rng.randrange(len(holder) + 1), attrs.evolve(field))
    elif kind == 2:
        other = rng.choice([f for f in holder if f.wire == field.wire])
        field.value, other.value = other.value, field.value
    elif kind == 3:
        field.number = rng.choice((field.number + 1, max(1, field.number - 1), rng.randrange(1, 20)))
    elif kind == 4 and isinstance(field.value, list):
        field.value = [Field(field.number, BYTES, field.value)]
    else:
        field.value = _odd(field, rng)


def _odd(field: Field, rng: random.Random) -> Any:
    if field.wire == VARINT:
        near = (field.value + 1) % (1 << 64), (field.value - 1) % (1 << 64), field.value * 2 % (1 << 64)
        return rng.choice((*_ODD_NUMBERS, *near))
    if field.wire == BYTES:
        held = serialize(field.value) if isinstance(field.value, list) else field.value
        return rng.choice((*_ODD_BYTES, held[: len(held) // 2], held + held[:64], _damaged(held, rng)))
    pack = "<d" if field.wire == FIXED64 else "<f"
    try:
        return int.from_bytes(struct.pack(pack, rng.choice(_ODD_FLOATS)), "little")
    except OverflowError:
        return rng.choice(_ODD_NUMBERS)


def _damaged(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return bytes([rng.randrange(256)])
    at = rng.randrange(len(data))
    if rng.random() < 0.3:
        return data[:at]
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _varint(data: bytes, at: int) -> tuple[int | None, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value % (1 << 64), at
    return None, at


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _key(field: Field) -> bytes:
    return _encoded(field.number << 3 | field.wire)
