"""All importers and exporters, by ONNX operator and by op class."""

from collections.abc import Mapping

from optc.formats.onnx import (
    activations,
    attention,
    cast,
    constexpr,
    control,
    conv,
    create,
    elementwise,
    gather,
    join,
    matmul,
    norm,
    order,
    pool,
    quantize,
    recurrent,
    reduce,
    resize,
    shape,
)
from optc.formats.onnx.graph import Exporters
from optc.formats.onnx.node import Importer

FAMILIES = (
    elementwise,
    activations,
    cast,
    reduce,
    order,
    conv,
    matmul,
    pool,
    norm,
    attention,
    recurrent,
    constexpr,
    quantize,
    control,
    shape,
    join,
    resize,
    gather,
    create,
)

IMPORTERS: Mapping[str, Importer] = {name: entry for family in FAMILIES for name, entry in family.IMPORTERS.items()}
EXPORTERS: Exporters = {op: entry for family in FAMILIES for op, entry in family.EXPORTERS.items()}
