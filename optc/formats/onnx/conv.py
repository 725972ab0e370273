"""Convolutions in ONNX."""

from collections.abc import Mapping

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.windowed import export_window, import_window, without_default
from optc.ops.conv import Conv, ConvTranspose
from optc.ops.window import MOST_AXES


def import_conv(node: Node) -> Imported:
    """`Conv`; `kernel_shape` repeats the shape of the weight."""
    window = import_window(node)
    if window is None or node.tensor(0).rank > 2 + MOST_AXES:
        return None
    operands = node.input(0), node.input(1), node.optional(2)
    return node.add(Conv(*operands, groups=node.get("group", 1), **window))


def import_conv_transpose(node: Node) -> Imported:
    """`ConvTranspose`; beside `output_shape`, which may name all axes, `pads` mean nothing."""
    window = import_window(node)
    if window is None or node.tensor(0).rank > 2 + MOST_AXES:
        return None
    operands = node.input(0), node.input(1), node.optional(2)
    output_shape = node.get("output_shape", ())[2 - node.tensor(0).rank :]
    if output_shape:
        window["pads"] = ()
    padding = without_default(node.get("output_padding", ()), 0)
    groups = node.get("group", 1)
    return node.add(
        ConvTranspose(*operands, groups=groups, output_padding=padding, output_shape=output_shape, **window)
    )


def export_conv(op: Conv, graph: Graph) -> None:
    """`Conv`."""
    graph.emit(op, "Conv", (op.x, op.w, op.bias), group=op.groups, **export_window(op, op.window))


def export_conv_transpose(op: ConvTranspose, graph: Graph) -> None:
    """`ConvTranspose`."""
    graph.emit(
        op, "ConvTranspose", (op.x, op.w, op.bias), group=op.groups, output_padding=op.output_padding or None,
        output_shape=op.output_shape or None, **export_window(op, op.window),
    )  # fmt: skip


IMPORTERS: Mapping[str, Importer] = {"Conv": import_conv, "ConvTranspose": import_conv_transpose}
EXPORTERS: Exporters = {Conv: export_conv, ConvTranspose: export_conv_transpose}
