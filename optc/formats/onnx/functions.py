"""Model-local functions: the forms of compressed weights that no single ONNX operator has.

A model carries the functions that it uses, written in standard operators, so that any runtime expands the weights
(ONNX Runtime does it while it loads the model). A reader knows them again by their whole text: a function that only
bears the same name is as foreign as any other.
"""

import re
from collections.abc import Collection, Iterable
from functools import cache

import onnx
import onnx.inliner
import onnx.parser
from google.protobuf.message import DecodeError

from optc.errors import OptcError
from optc.ir.dtypes import DType

DOMAIN = "optc"
VERSION = 1
_DEEPEST_CALL = 100
_MOST_GROWTH, _ALWAYS_FINE = 20, 1 << 21
"""By how much the nodes of a model may grow, and to how many bytes in any case, when calls are replaced by bodies."""
UNPACKED = {DType.U1: "Unpack1", DType.U2: "Unpack2", DType.U3: "Unpack3", DType.U6: "Unpack6"}
"""Element types that opset 21 does not have: stored as packed bytes, seen by operators as `uint8`."""
GROUP_BYTES = {DType.U1: 1, DType.U2: 1, DType.U3: 3, DType.U6: 3}
"""Packed bytes are padded with zeros to a multiple of this, so that values never straddle a group."""

# packed u8[m], shape i64[r] -> u8 of `shape`: values of `BITS` bits within one byte, least significant first.
_UNPACK_BYTES = """
UnpackBITS (packed, shape) => (values) {
  last = Constant <value_ints = [-1]> ()
  zero = Constant <value_ints = [0]> ()
  shifts = Constant <value = uint8[COUNT] {SHIFTS}> ()
  low = Constant <value = uint8 {MASK}> ()
  column = Unsqueeze (packed, last)
  moved = BitShift <direction = "RIGHT"> (column, shifts)
  lanes = BitwiseAnd (moved, low)
  flat = Reshape (lanes, last)
  count = ReduceProd <keepdims = 1> (shape)
  kept = Slice (flat, zero, count)
  values = Reshape (kept, shape)
}"""
# The same for values that straddle bytes: three bytes make one number, which holds whole values.
_UNPACK_TRIPLES = """
UnpackBITS (packed, shape) => (values) {
  last = Constant <value_ints = [-1]> ()
  zero = Constant <value_ints = [0]> ()
  rows = Constant <value_ints = [-1, 3]> ()
  weights = Constant <value = int32[3] {1, 256, 65536}> ()
  divisors = Constant <value = int32[COUNT] {DIVISORS}> ()
  low = Constant <value = int32 {MASK}> ()
  bytes = Cast <to = 6> (packed)
  triples = Reshape (bytes, rows)
  weighted = Mul (triples, weights)
  words = ReduceSum (weighted, last)
  moved = Div (words, divisors)
  lanes = BitwiseAnd (moved, low)
  narrow = Cast <to = 2> (lanes)
  flat = Reshape (narrow, last)
  count = ReduceProd <keepdims = 1> (shape)
  kept = Slice (flat, zero, count)
  values = Reshape (kept, shape)
}"""
# mask u8 (0 and 1) of any shape, values [D] -> dense: place in the values by a running count, the last place is 0.
_SPARSE_TO_DENSE = """
SparseToDense <wide, to> (mask, values) => (dense) {
  last = Constant <value_ints = [-1]> ()
  zero = Constant <value = int64 {0}> ()
  one_more = Constant <value_ints = [0, 1]> ()
  wide_values = Cast <to: int = @wide> (values)
  padded = Pad (wide_values, one_more)
  flat = Reshape (mask, last)
  ones = Cast <to = 6> (flat)
  kept = Cast <to = 9> (flat)
  places = CumSum <exclusive = 1> (ones, zero)
  count = Shape (values)
  nowhere = Cast <to = 6> (count)
  chosen = Where (kept, places, nowhere)
  picked = Gather <axis = 0> (padded, chosen)
  shape = Shape (mask)
  shaped = Reshape (picked, shape)
  dense = Cast <to: int = @to> (shaped)
}"""
# data of rank K, scale and offset of rank K whose dimensions divide those of data -> scale * (data - offset).
_SHIFT_SCALE = """
ShiftScale <to> (data, scale, offset) => (dense) {
  last = Constant <value_ints = [-1]> ()
  column = Constant <value_ints = [1]> ()
  codes = Cast <to = 1> (data)
  steps = Cast <to = 1> (scale)
  shifts = Cast <to = 1> (offset)
  shape = Shape (codes)
  counts = Shape (steps)
  sizes = Div (shape, counts)
  ones = Div (counts, counts)
  counts_column = Unsqueeze (counts, column)
  sizes_column = Unsqueeze (sizes, column)
  ones_column = Unsqueeze (ones, column)
  block_pairs = Concat <axis = 1> (counts_column, sizes_column)
  step_pairs = Concat <axis = 1> (counts_column, ones_column)
  blocked = Reshape (block_pairs, last)
  spread = Reshape (step_pairs, last)
  codes_in_blocks = Reshape (codes, blocked)
  steps_of_blocks = Reshape (steps, spread)
  shifts_of_blocks = Reshape (shifts, spread)
  centred = Sub (codes_in_blocks, shifts_of_blocks)
  products = Mul (centred, steps_of_blocks)
  shaped = Reshape (products, shape)
  dense = Cast <to: int = @to> (shaped)
}"""
_SCALE = """
Scale <to> (data, scale) => (dense) {
  counts = Shape (scale)
  shifts = ConstantOfShape (counts)
  wide_data = Cast <to = 1> (data)
  dense = optc.ShiftScale <to: int = @to> (wide_data, scale, shifts)
}"""
# indices of rank K, lut [groups..., entries, vector] -> dense. `perm` moves the vector behind its axis in
# [group 0, place 0, group 1, place 1, ..., vector]; `stretch` is by how much each axis grows.
_LUT_TO_DENSE = """
LutToDense <perm, stretch> (indices, lut) => (dense) {
  last = Constant <value_ints = [-1]> ()
  column = Constant <value_ints = [1]> ()
  start = Constant <value = int64 {0}> ()
  none = Constant <value = int64[0] {}> ()
  factors = Constant <value_ints: ints = @stretch> ()
  codes = Cast <to = 6> (indices)
  shape = Shape (codes)
  groups = Shape <start = 0, end = -2> (lut)
  entries_row = Shape <start = -2, end = -1> (lut)
  sizes = Div (shape, groups)
  ones = Div (groups, groups)
  groups_column = Unsqueeze (groups, column)
  sizes_column = Unsqueeze (sizes, column)
  ones_column = Unsqueeze (ones, column)
  block_pairs = Concat <axis = 1> (groups_column, sizes_column)
  table_pairs = Concat <axis = 1> (groups_column, ones_column)
  blocked = Reshape (block_pairs, last)
  spread = Reshape (table_pairs, last)
  rows = Flatten <axis = -1> (lut)
  rows_row = Shape <start = 0, end = 1> (rows)
  entries = Reshape (entries_row, none)
  limit = Reshape (rows_row, none)
  first_rows = Range (start, limit, entries)
  narrow_rows = Cast <to = 6> (first_rows)
  rows_of_groups = Reshape (narrow_rows, spread)
  codes_in_groups = Reshape (codes, blocked)
  places = Add (codes_in_groups, rows_of_groups)
  picked = Gather <axis = 0> (rows, places)
  ordered = Transpose <perm: ints = @perm> (picked)
  dense_shape = Mul (shape, factors)
  dense = Reshape (ordered, dense_shape)
}"""
# mask, indices [D], lut -> mask of the dense tensor, values. The mask is expanded by a table too: of zeros and ones.
_LUT_TO_SPARSE = """
LutToSparse <perm, stretch> (mask, indices, lut) => (dense_mask, values) {
  last = Constant <value_ints = [-1]> ()
  two = Constant <value_ints = [2]> ()
  bits = Constant <value = uint8[2, 1] {0, 1}> ()
  groups = Shape <start = 0, end = -2> (lut)
  vector = Shape <start = -1> (lut)
  ones = Div (groups, groups)
  bit_table_shape = Concat <axis = 0> (ones, two, vector)
  bit_table = Expand (bits, bit_table_shape)
  dense_mask = optc.LutToDense <perm: ints = @perm, stretch: ints = @stretch> (mask, bit_table)
  bytes = Cast <to = 2> (indices)
  codes = optc.SparseToDense <wide = 2, to = 2> (mask, bytes)
  dense = optc.LutToDense <perm: ints = @perm, stretch: ints = @stretch> (codes, lut)
  flat_mask = Reshape (dense_mask, last)
  kept = Cast <to = 9> (flat_mask)
  values = Compress (dense, kept)
}"""
_SPARSE_SHIFT_SCALE = """
SparseShiftScale <wide, to> (mask, data, scale, offset) => (same_mask, values) {
  same_mask = Identity (mask)
  last = Constant <value_ints = [-1]> ()
  wide_data = Cast <to: int = @wide> (data)
  shifts = Cast <to = 1> (offset)
  codes = optc.SparseToDense <wide: int = @wide, to: int = @wide> (mask, wide_data)
  dense = optc.ShiftScale <to: int = @to> (codes, scale, shifts)
  flat_mask = Reshape (mask, last)
  kept = Cast <to = 9> (flat_mask)
  values = Compress (dense, kept)
}"""
_SPARSE_SCALE = """
SparseScale <wide, to> (mask, data, scale) => (same_mask, values) {
  counts = Shape (scale)
  shifts = ConstantOfShape (counts)
  wide_data = Cast <to: int = @wide> (data)
  same_mask, values = optc.SparseShiftScale <wide: int = @wide, to: int = @to> (mask, wide_data, scale, shifts)
}"""


def _unpack(template: str, bits: int, count: int) -> str:
    places = [bits * lane for lane in range(count)]
    words = {
        "BITS": str(bits),
        "COUNT": str(count),
        "MASK": str((1 << bits) - 1),
        "SHIFTS": ", ".join(map(str, places)),
        "DIVISORS": ", ".join(str(1 << place) for place in places),
    }
    return re.sub("|".join(words), lambda match: words[match[0]], template)


_TEXTS = (
    _unpack(_UNPACK_BYTES, 1, 8), _unpack(_UNPACK_BYTES, 2, 4), _unpack(_UNPACK_TRIPLES, 3, 8),
    _unpack(_UNPACK_TRIPLES, 6, 4), _SPARSE_TO_DENSE, _SHIFT_SCALE, _SCALE, _LUT_TO_DENSE, _LUT_TO_SPARSE,
    _SPARSE_SHIFT_SCALE, _SPARSE_SCALE,
)  # fmt: skip


@cache
def functions() -> dict[str, onnx.FunctionProto]:
    """All functions by name.

    Operands that may be 4-bit integers are cast before anything else: ONNX Runtime derives what a function accepts
    from the operators of its own body, and takes calls of other functions for operators that have no such types.
    """
    header = f'<domain: "{DOMAIN}", opset_import: ["": 21, "{DOMAIN}": {VERSION}]>'
    parsed = [onnx.parser.parse_function(header + text) for text in _TEXTS]
    return {function.name: function for function in parsed}


def with_callees(name: str) -> list[onnx.FunctionProto]:
    """The function of that name, after those that it calls."""
    function = functions()[name]
    called = dict.fromkeys(node.op_type for node in function.node if node.domain == DOMAIN)
    return [*(inner for callee in called for inner in with_callees(callee)), function]


def is_own(function: onnx.FunctionProto) -> bool:
    """Whether a function of a model is one of ours, word for word."""
    own = functions().get(function.name)
    return function.domain == DOMAIN and own is not None and own == function


def inline_foreign(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """The model with every call of a function replaced by its body, but for the functions that are ours.

    If any function of our domain is not word for word ours, none of them is trusted.

    Raises:
        OptcError: slug `onnx-functions`: the functions go neither with each other nor with the model.
    """
    own = [(f.domain, f.name) for f in model.functions if is_own(f)]
    if len(own) < sum(1 for f in model.functions if f.domain == DOMAIN):
        own = []
    if len(own) == len(model.functions):
        return model
    _check_growth(model, set(own), where)
    try:
        return onnx.inliner.inline_selected_functions(model, own, exclude=True)
    except (RuntimeError, ValueError, DecodeError, onnx.checker.ValidationError) as error:
        raise OptcError("onnx-functions", where, "functions", "such as go with the model", error) from None


def _check_growth(model: onnx.ModelProto, kept: Collection[tuple[str, str]], where: str) -> None:
    """Check that the model does not grow without bound when calls are replaced: functions may double each other.

    Raises:
        OptcError: slug `onnx-functions`.
    """
    bodies = {(f.domain, f.name): f.node for f in model.functions if (f.domain, f.name) not in kept}
    sizes: dict[tuple[str, str], int] = {}

    def size_of(nodes: Iterable[onnx.NodeProto], depth: int) -> int:
        if depth > _DEEPEST_CALL:
            raise OptcError("onnx-functions", where, "calls of functions in functions", f"at most {_DEEPEST_CALL} deep")
        total = 0
        for node in nodes:
            total += node.ByteSize()
            called = (node.domain, node.op_type)
            if called in bodies:
                if called not in sizes:
                    sizes[called] = size_of(bodies[called], depth + 1)
                total += sizes[called]
            total += sum(size_of(a.g.node, depth + 1) for a in node.attribute if a.HasField("g"))
        return total

    before = sum(node.ByteSize() for nodes in (model.graph.node, *bodies.values()) for node in nodes)
    most = _MOST_GROWTH * before + _ALWAYS_FINE
    if size_of(model.graph.node, 0) > most:
        raise OptcError("onnx-functions", where, "nodes with functions inlined", f"at most {most} bytes", "more")
