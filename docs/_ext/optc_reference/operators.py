"""The page of what is read of ONNX and Core ML, and written: from the tables of the formats."""

from collections.abc import Iterable, Mapping

from optc.formats.coreml.tables import EXPORTERS as COREML_WRITTEN
from optc.formats.coreml.tables import IMPORTERS as COREML_READ
from optc.formats.onnx.tables import EXPORTERS as ONNX_WRITTEN
from optc.formats.onnx.tables import IMPORTERS as ONNX_READ
from optc.ops.catalog import OPS
from optc_reference.markdown import code, page, table


def _names(names: Iterable[str]) -> str:
    return ", ".join(code(name) for name in sorted(names, key=str.lower))


def pages() -> Mapping[str, str]:
    """The page of the operators of formats."""
    rows = (
        (code(op.op_name),
         "yes" if op in ONNX_WRITTEN else "", "yes" if op in COREML_WRITTEN else "")
        for op in OPS if op in ONNX_WRITTEN or op in COREML_WRITTEN
    )  # fmt: skip
    intro = "From the tables that readers and writers work with; see also the page [Formats](../formats.md)."
    return {
        "operators.md": page(
            "Operators of formats", intro,
            "## Operators of ONNX that are read", _names(ONNX_READ),
            "Others are carried: their weights can be compressed, and they are written back to ONNX.",
            "## Operations of Core ML that are read", _names(COREML_READ),
            "Others are carried in the same way, and written back to Core ML.",
            "## Ops that are written", "An empty cell: the format has no such op, and writing one is refused by name.",
            table(("op", "to ONNX", "to Core ML"), rows),
        )
    }  # fmt: skip
