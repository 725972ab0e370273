"""Quantized activations in MIL, which has them from iOS 17 on."""

from collections.abc import Mapping

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.targets import IOS17
from optc.ir.dtypes import DType
from optc.ir.interpreter import evaluate
from optc.ir.tensor import Tensor
from optc.ops.quantize import Dequantize, Quantize

_DTYPES = {"int8": DType.I8, "uint8": DType.U8}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


def _import_quantize(o: Operation) -> Imported:
    x, dtype = o.value("input"), _DTYPES[o.text("output_dtype", "")]
    axis = o.axis("axis", o.kind_of("input").rank, 0)
    return o.add(Quantize(x, o.value("scale"), o.optional("zero_point"), dtype, axis))


def _import_dequantize(o: Operation) -> Imported:
    axis = o.axis("axis", o.kind_of("input").rank, 0)
    return o.add(Dequantize(o.value("input"), o.value("scale"), o.optional("zero_point"), axis))


IMPORTERS: Mapping[str, Importer] = {"quantize": _import_quantize, "dequantize": _import_dequantize}


def _check(op: Quantize | Dequantize, b: Body, codes: DType) -> None:
    b.require(IOS17, op.describe())
    if codes not in _NAMES or op.block_size:
        raise OptcError("not-in-coreml", op.describe(), "quantization", "to 8 bits, not in blocks", codes)


def _export_quantize(op: Quantize, b: Body) -> None:
    _check(op, b, op.dtype)
    axis = op.axis if op.scale.tensor.rank else None
    given = {"zero_point": op.zero_point, "scale": op.scale, "output_dtype": _NAMES[op.dtype], "axis": axis}
    b.emit(op, "quantize", input=op.x, **given)


def _export_dequantize(op: Dequantize, b: Body) -> None:
    """Constants of other types than 8 bits, as biases are, are dense."""
    held = [b.tensor(v) for v in (op.x, op.scale, op.zero_point)]
    constant = all(h is not None or v is None for h, v in zip(held, op.arguments(), strict=True))
    if constant and op.x.tensor.dtype not in _NAMES:
        x, scale, zero = (None if tensor is None else tensor.array() for tensor in held)
        b.hold(op.results[0], Tensor.of(evaluate(op, (x, scale, zero))[0], op.scale.tensor.dtype))
        return
    _check(op, b, op.x.tensor.dtype)
    axis = op.axis if op.scale.tensor.rank else None
    b.emit(op, "dequantize", input=op.x, zero_point=op.zero_point, scale=op.scale, axis=axis)


EXPORTERS: Exporters = {Quantize: _export_quantize, Dequantize: _export_dequantize}
