"""The forms in which a weight is stored, between arrays and constexpr ops.

A weight is dense values, codes with scales, or indices into tables; of all elements, or of those that a mask keeps.
A table may itself be codes with scales, and the values that tables give may be multiplied by scales.
"""

import attrs
import numpy as np

from optc.ir.const import Const
from optc.ir.dtypes import FLOAT8S, Array, DType
from optc.ir.op import Op
from optc.ir.tensor import Tensor
from optc.ir.value import Value
from optc.ops.constexpr import ConstexprCast, LutToDense, LutToSparse, ShiftScale, SparseShiftScale, SparseToDense
from optc.ops.weights import Weight


@attrs.frozen(eq=False)
class Plain:
    """Values as they are (those that the mask keeps, flat)."""

    values: Array


@attrs.frozen(eq=False)
class Codes:
    """`scale * (data - offset)`.

    `data` are codes of type `dtype`, flat where there is a mask; `scale` has the rank of the weight, and each of its
    dimensions divides the weight's; `offset` is in codes, of the scale's shape.
    """

    data: Array
    dtype: DType
    scale: Array
    offset: Array | None = None


@attrs.frozen(eq=False)
class Indices:
    """Indices of `bits` bits (flat where there is a mask) into `table`, `[g0, ..., gK-1, 2**bits, vector]`.

    `table` is an array of floats, or codes for one. `narrow` is the type of a table that is stored in a narrower float
    than the weight's. `scale`, of the rank of the weight, multiplies what the table gives.
    """

    data: Array
    bits: int
    table: Array | Codes
    vector_axis: int | None = None
    scale: Array | None = None
    offset: Array | None = None
    narrow: DType | None = None

    @property
    def table_shape(self) -> tuple[int, ...]:
        table = self.table.data if isinstance(self.table, Codes) else self.table
        return tuple(table.shape)

    @property
    def vector(self) -> int:
        """How many elements one index stands for."""
        return self.table_shape[-1]


Body = Plain | Codes | Indices


@attrs.frozen(eq=False)
class Stored:
    """A weight of type `dtype`: what is stored of it, and the mask of what is kept (booleans), None if all is."""

    dtype: DType
    body: Body
    mask: Array | None = None

    def ops(self, name: str) -> tuple[Op, ...]:
        """The ops that make the weight, the one whose only result it is last; constants are named after it."""
        return tuple(_Maker(name, self.dtype).weight(self))


class _Maker:
    def __init__(self, name: str, dtype: DType) -> None:
        self.name = name
        self.dtype = dtype
        self.made: list[Op] = []

    def weight(self, stored: Stored) -> list[Op]:
        mask = None if stored.mask is None else self._const(stored.mask.view(np.uint8), DType.U1, "mask")
        body = stored.body
        if isinstance(body, Plain):
            value = self._const(body.values, self.dtype, "values")
        elif isinstance(body, Codes):
            mask, value = self._codes(body, mask)
        else:
            mask, value = self._looked_up(body, mask)
        if mask is not None:
            self._add(SparseToDense(mask, value))
        return self.made

    def _const(self, values: Array, dtype: DType, suffix: str) -> Value:
        return self._add(Const(Tensor.of(values, dtype, copy=False)).named(f"{self.name}.{suffix}"))[0]

    def _add(self, op: Op) -> tuple[Value, ...]:
        self.made.append(op)
        return op.results

    def _codes(self, codes: Codes, mask: Value | None) -> tuple[Value | None, Value]:
        return self._scaled(self._data(codes, "data"), mask, codes.scale, codes.offset, codes.dtype)

    def _data(self, codes: Codes, suffix: str) -> Value:
        """Codes as they are scaled: those that are floats of 8 bits in the weight's type."""
        data = self._const(codes.data, codes.dtype, suffix)
        return self._add(ConstexprCast(data, self.dtype))[0] if codes.dtype in FLOAT8S else data

    def _scaled(
        self, data: Value, mask: Value | None, scale: Array, offset: Array | None, codes: DType
    ) -> tuple[Value | None, Value]:
        by = self._const(scale, self.dtype, "scale")
        shift = None if offset is None else self._const(offset, codes, "offset")
        if mask is None:
            return None, self._add(ShiftScale(data, by, shift))[0]
        kept, values = self._add(SparseShiftScale(mask, data, by, shift))
        return kept, values

    def _looked_up(self, body: Indices, mask: Value | None) -> tuple[Value | None, Value]:
        indices = self._const(body.data, DType(f"u{body.bits}"), "indices")
        table = self._table(body)
        if mask is None:
            kept, values = None, self._add(LutToDense(indices, table, body.vector_axis))[0]
        else:
            kept, values = self._add(LutToSparse(mask, indices, table, body.vector_axis))
        if body.scale is None:
            return kept, values
        return self._scaled(values, kept, body.scale, body.offset, values.tensor.dtype)

    def _table(self, body: Indices) -> Value:
        table = body.table
        if isinstance(table, Codes):
            data = self._data(table, "lut.data")
            scale = self._const(table.scale, self.dtype, "lut.scale")
            offset = None if table.offset is None else self._const(table.offset, table.dtype, "lut.offset")
            return self._add(ShiftScale(data, scale, offset))[0]
        if body.narrow is not None:
            return self._add(ConstexprCast(self._const(table, body.narrow, "lut"), self.dtype))[0]
        kinds = {np.dtype(np.int8): DType.I8, np.dtype(np.uint8): DType.U8}
        return self._const(table, kinds.get(table.dtype, self.dtype), "lut")


def stored(weight: Weight) -> Stored | None:
    """What is stored of a weight; None for a form that is none of these."""
    defined = {result: op for op in weight.chain for result in op.results}
    dtype = weight.value.tensor.dtype
    op = defined[weight.value]
    if isinstance(op, Const):
        return Stored(dtype, Plain(op.value.array()))
    if len(op.results) > 1:  # the values of a sparse weight, used by themselves
        return None
    if not isinstance(op, SparseToDense):
        body = _body(op, defined)
        return None if body is None else Stored(dtype, body)
    body = _body(defined[op.values], defined)
    mask = op.mask
    while not isinstance(defined[mask], Const):
        maker = defined[mask]
        if not isinstance(maker, LutToSparse | SparseShiftScale) or getattr(maker, "vector_axis", None) is not None:
            return None
        mask = maker.mask
    return None if body is None else Stored(dtype, body, _array(defined[mask]).astype(np.bool_))


def _array(op: Op) -> Array:
    return op.value.array() if isinstance(op, Const) else np.empty(0)


def _body(op: Op, defined: dict[Value, Op]) -> Body | None:
    if isinstance(op, Const):
        return Plain(op.value.array())
    if isinstance(op, LutToDense | LutToSparse):
        return _indices(op, defined)
    if not isinstance(op, ShiftScale | SparseShiftScale):
        return None
    scaling = _scaling(op, defined)
    if scaling is None:
        return None
    scale, offset = scaling
    data = _data_of(op.data, defined)
    if data is not None:
        return Codes(data.array(), data.dtype, scale, offset)
    inner = _body(defined[op.data], defined)
    if isinstance(inner, Indices) and inner.scale is None:
        return attrs.evolve(inner, scale=scale, offset=offset)
    return None


def _data_of(value: Value, defined: dict[Value, Op]) -> Tensor | None:
    """The codes that are stored for what is scaled; None if that is something else."""
    op = defined[value]
    if isinstance(op, ConstexprCast) and op.x.tensor.dtype in FLOAT8S:
        op = defined[op.x]
    return op.value if isinstance(op, Const) else None


def _indices(op: LutToDense | LutToSparse, defined: dict[Value, Op]) -> Indices | None:
    data = _constant(op.indices, defined)
    made = defined[op.lut]
    if data is None:
        return None
    bits = op.indices.tensor.dtype.bits
    if isinstance(made, Const):
        return Indices(data, bits, made.value.array(), op.vector_axis)
    if isinstance(made, ConstexprCast) and isinstance(defined[made.x], Const):
        return Indices(data, bits, _array(defined[made.x]), op.vector_axis, narrow=made.x.tensor.dtype)
    if isinstance(made, ShiftScale):
        codes, scaling = _data_of(made.data, defined), _scaling(made, defined)
        if codes is not None and scaling is not None:
            return Indices(data, bits, Codes(codes.array(), codes.dtype, *scaling), op.vector_axis)
    return None


def _scaling(op: ShiftScale | SparseShiftScale, defined: dict[Value, Op]) -> tuple[Array, Array | None] | None:
    """Scale and offset, if both are constants and the offset is in codes."""
    scale = _constant(op.scale, defined)
    if scale is None or op.offset is None:
        return None if scale is None else (scale, None)
    offset = _constant(op.offset, defined)
    in_codes = op.offset.tensor.dtype is op.data.tensor.dtype
    return (scale, offset) if offset is not None and in_codes else None


def _constant(value: Value, defined: dict[Value, Op]) -> Array | None:
    """The array of a constant; None for what is none."""
    op = defined[value]
    return op.value.array() if isinstance(op, Const) else None
