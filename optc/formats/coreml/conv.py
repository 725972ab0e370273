"""Convolutions and poolings in MIL."""

from collections.abc import Callable, Mapping
from typing import Any

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporter, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.targets import IOS16, IOS17
from optc.ir.op import Op
from optc.ops import pool as p
from optc.ops.conv import Conv, ConvTranspose

_PAD_MODES = {"custom": "explicit", "valid": "valid", "same": "same_upper", "same_lower": "same_lower"}
_PAD_TYPES = {mode: name for name, mode in _PAD_MODES.items()}


def _window(o: Operation) -> dict[str, Any]:
    """Strides, dilations, pads and pad mode, defaults left empty; MIL pads axis by axis."""
    mode = _PAD_MODES[o.text("pad_type", "valid")]
    pad = o.integers("pad")
    pads = (*pad[::2], *pad[1::2]) if mode == "explicit" else ()
    found = {"strides": (o.integers("strides"), 1), "pads": (pads, 0)}
    given = {name: () if all(v == default for v in values) else values for name, (values, default) in found.items()}
    return {**given, "pad_mode": mode}


def _import_conv(o: Operation) -> Imported:
    window = _window(o)
    dilations = o.integers("dilations")
    if any(d != 1 for d in dilations):
        window["dilations"] = dilations
    groups = o.integer("groups", 1)
    return o.add(Conv(o.value("x"), o.value("weight"), o.optional("bias"), groups=groups, **window))


def _import_conv_transpose(o: Operation) -> Imported:
    """`output_shape` says how much of a window is padding at the end; what it cannot say is carried as it is."""
    window = _window(o)
    dilations = o.integers("dilations")
    if any(d != 1 for d in dilations):
        window["dilations"] = dilations
    wanted = o.integers("output_shape")
    operands = o.value("x"), o.value("weight"), o.optional("bias")
    made = ConvTranspose(*operands, groups=o.integer("groups", 1), **window)
    if wanted and (made.results[0].tensor.shape[2:] != wanted[-made.x.tensor.rank + 2 :]):
        return None
    return o.add(made)


def _pool(op: type[Op], **attributes: Callable[[Operation], Any]) -> Importer:
    build: Callable[..., Op] = op

    def run(o: Operation) -> Imported:
        window = _window(o)
        given = {name: read(o) for name, read in attributes.items()}
        ceil_mode = o.flag("ceil_mode", False)
        if ceil_mode and window["pad_mode"] == "valid":
            window["pad_mode"] = "explicit"  # no padding either way, but only here may the last window be partial
        return o.add(build(o.value("x"), o.integers("kernel_sizes"), ceil_mode=ceil_mode, **window, **given))

    return run


IMPORTERS: Mapping[str, Importer] = {
    "conv": _import_conv,
    "conv_transpose": _import_conv_transpose,
    "max_pool": _pool(p.MaxPool),
    "avg_pool": _pool(p.AvgPool, count_include_pad=lambda o: not o.flag("exclude_padding_from_average", False)),
    "l2_pool": _pool(p.LpPool, p=lambda o: 2),
}


def _padding(op: Any, b: Body, rank: int) -> dict[str, Any]:
    """`pad_type` and `pad` of an op with a window."""
    if op.pad_mode == "same_lower":
        b.require(IOS16, op.describe())
    begins_ends = op.pads or (0,) * (2 * rank)
    pads = tuple(begins_ends[i + side * rank] for i in range(rank) for side in (0, 1))
    return {"pad_type": _PAD_TYPES[op.pad_mode], "pad": pads}


def _conv_inputs(op: Conv | ConvTranspose, b: Body) -> dict[str, Any]:
    rank = op.x.tensor.rank - 2
    if not b.is_constant(op.w) and any(d != 1 for d in op.dilations):
        raise OptcError("not-in-coreml", op.describe(), "dilations of a computed weight", "1", op.dilations)
    computed = [v for v in (op.w, op.bias) if v is not None and not b.is_constant(v)]
    if computed and isinstance(op, ConvTranspose):
        raise OptcError("not-in-coreml", op.describe(), "weight and bias", "constants", "a computed one")
    if computed and computed != [op.w]:
        b.require(IOS17, op.describe())  # until then a convolution computes with a computed weight at most
    return {
        "x": op.x, "weight": op.w, "bias": op.bias, "strides": op.strides or (1,) * rank,
        "dilations": op.dilations or (1,) * rank, "groups": op.groups, **_padding(op, b, rank),
    }  # fmt: skip


def _export_conv_transpose(op: ConvTranspose, b: Body) -> None:
    """Padding of the output is that much less cropping at its end."""
    given = _conv_inputs(op, b)
    extra = op.output_padding
    if op.output_shape or (op.pad_mode != "explicit" and any(extra)):
        raise OptcError("not-in-coreml", op.describe(), "size of the output", "said by pads", "an output shape")
    if any(extra):
        pads = list(given["pad"])
        for axis, more in enumerate(extra):
            pads[2 * axis + 1] -= more
        if min(pads) < 0:
            raise OptcError("not-in-coreml", op.describe(), "output padding", "at most the padding", extra)
        given["pad"] = tuple(pads)
    whole = op.results[0].tensor
    b.emit(op, "conv_transpose", output_shape=whole.static_shape if whole.is_static else None, **given)


def _pool_exporter(kind: str) -> Exporter:
    def run(op: Any, b: Body) -> None:
        rank = op.x.tensor.rank - 2
        if any(d != 1 for d in op.dilations) or (isinstance(op, p.LpPool) and op.p != 2):
            raise OptcError("not-in-coreml", op.describe(), "window", "not dilated, of a norm of 2 at most")
        if isinstance(op, p.LpPool) and rank > 2:
            raise OptcError("not-in-coreml", op.describe(), "spatial axes", "at most 2", rank)
        # Where no window is partial, the mode makes no difference.
        partial = op.ceil_mode and op.evolve(ceil_mode=False, results=()).results[0].type != op.inferred()[0]
        if partial and (rank > 2 or op.pads[:rank] != op.pads[rank:]):
            expected = "of at most 2 axes, and padded the same before and after"
            raise OptcError("not-in-coreml", op.describe(), "window with ceil_mode", expected, op.pads)
        given = {"exclude_padding_from_average": not op.count_include_pad} if isinstance(op, p.AvgPool) else {}
        b.emit(
            op, kind, x=op.x, kernel_sizes=op.kernel_shape, strides=op.strides or (1,) * rank, ceil_mode=partial,
            **given, **_padding(op, b, rank),
        )  # fmt: skip

    return run


def _global_exporter(kind: str) -> Exporter:
    return lambda op, b: b.emit(op, kind, x=op.x, axes=tuple(range(2, op.x.tensor.rank)), keep_dims=True)


EXPORTERS: Exporters = {
    Conv: lambda op, b: b.emit(op, "conv", **_conv_inputs(op, b)),
    ConvTranspose: _export_conv_transpose,
    p.MaxPool: _pool_exporter("max_pool"),
    p.AvgPool: _pool_exporter("avg_pool"),
    p.LpPool: _pool_exporter("l2_pool"),
    p.GlobalAvgPool: _global_exporter("reduce_mean"),
    p.GlobalMaxPool: _global_exporter("reduce_max"),
}
