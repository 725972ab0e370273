"""Convolutions in ONNX."""

from collections.abc import Mapping

from optc.formats.onnx.graph import Exporters, Graph
from optc.formats.onnx.node import Imported, Importer, Node
from optc.formats.onnx.windowed import export_input_window, export_window, import_window, without_default
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
    graph.emit(op, "Conv", (op.x, op.w, op.bias), group=op.groups, **export_input_window(op, op.window))


def export_conv_transpose(op: ConvTranspose, graph: Graph) -> None:
    """`ConvTranspose`."""
    graph.emit(
        op, "ConvTranspose", (op.x, op.w, op.bias), group=op.groups, output_padding=_output_padding(op) or None,
        output_shape=op.output_shape or None, **export_window(op),
    )  # fmt: skip


def _output_padding(op: ConvTranspose) -> tuple[int, ...]:
    """The padding of the output; in a `same` mode at least what a kernel shorter than the stride falls short.

    ONNX says that `size * stride` elements come out, but runtimes give only those that the kernel covers.
    """
    if not op.pad_mode.startswith("same") or op.output_shape:
        return op.output_padding
    window = op.window
    own = op.output_padding or (0,) * window.rank
    short = (s - e if isinstance(e, int) else 0 for s, e in zip(window.strides, window.extents, strict=True))
    return without_default(tuple(map(max, own, short)), 0)


IMPORTERS: Mapping[str, Importer] = {"Conv": import_conv, "ConvTranspose": import_conv_transpose}
EXPORTERS: Exporters = {Conv: export_conv, ConvTranspose: export_conv_transpose}
