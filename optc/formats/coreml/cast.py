"""Conversion between element types in MIL."""

from collections.abc import Mapping

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.domains import CAST_NAMES
from optc.formats.coreml.operation import Importer
from optc.formats.coreml.targets import IOS17
from optc.ir.dtypes import DType
from optc.ops.cast import Cast

NAMES = {name: dtype for dtype, name in CAST_NAMES.items() if dtype is not DType.I64}
_EARLY = (DType.F16, DType.F32, DType.I32, DType.BOOL)


def _export_cast(op: Cast, b: Body) -> None:
    """Integers of 64 bits are those of 32 in MIL: between the two there is nothing to do."""
    given, to = (DType.I32 if d is DType.I64 else d for d in (op.x.tensor.dtype, op.to))
    if to not in CAST_NAMES or given not in CAST_NAMES:
        raise OptcError("not-in-coreml", op.describe(), "element types", "those that MIL casts", f"{given} to {to}")
    if given is to:
        b.alias(op.results[0], op.x)
        return
    if not {given, to} <= set(_EARLY):
        b.require(IOS17, op.describe())
    b.emit(op, "cast", x=op.x, dtype=CAST_NAMES[to])


IMPORTERS: Mapping[str, Importer] = {"cast": lambda o: o.add(Cast(o.value("x"), NAMES[o.text("dtype", "")]))}
EXPORTERS: Exporters = {Cast: _export_cast}
