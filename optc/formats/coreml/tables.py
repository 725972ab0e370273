"""All importers and exporters, by MIL operation and by op class."""

from collections.abc import Mapping

from optc.formats.coreml import (
    activations,
    cast,
    constexpr,
    control,
    conv,
    create,
    einsum,
    elementwise,
    gather,
    join,
    matmul,
    norm,
    padding,
    quantize,
    recurrent,
    reduce,
    resize,
    shape,
    slicing,
)
from optc.formats.coreml.body import Exporters
from optc.formats.coreml.operation import Importer

FAMILIES = (
    elementwise,
    activations,
    cast,
    reduce,
    conv,
    matmul,
    einsum,
    norm,
    recurrent,
    constexpr,
    quantize,
    control,
    shape,
    slicing,
    join,
    padding,
    resize,
    gather,
    create,
)

IMPORTERS: Mapping[str, Importer] = {name: entry for family in FAMILIES for name, entry in family.IMPORTERS.items()}
EXPORTERS: Exporters = {op: entry for family in FAMILIES for op, entry in family.EXPORTERS.items()}
