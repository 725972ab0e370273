"""Shapes in MIL."""

from collections.abc import Mapping

import numpy as np

from optc.errors import OptcError
from optc.formats.coreml.body import Body, Exporters
from optc.formats.coreml.operation import Imported, Importer, Operation
from optc.formats.coreml.vectors import number_type
from optc.ir.dims import UNKNOWN
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops import shape, space
from optc.ops.cast import Cast


def _import_reshape(o: Operation) -> Imported:
    x = o.value("x")
    if o.is_constant("shape"):
        return o.add(shape.Reshape(x, o.integers("shape")))
    return o.add(shape.DynamicReshape(x, o.value("shape")))


def _import_squeeze(o: Operation) -> Imported:
    kind = o.kind_of()
    axes = o.axes("axes", kind.rank) if o.has("axes") else tuple(i for i, d in enumerate(kind.shape) if d == 1)
    return o.add(shape.Squeeze(o.value("x"), axes))


def _import_expand_dims(o: Operation) -> Imported:
    axes = o.integers("axes")
    rank = o.kind_of().rank + len(axes)
    return o.add(shape.Unsqueeze(o.value("x"), tuple(sorted(a + rank if a < 0 else a for a in axes))))


def _import_transpose(o: Operation) -> Imported:
    rank = o.kind_of().rank
    return o.add(shape.Transpose(o.value("x"), tuple(a + rank if a < 0 else a for a in o.integers("perm"))))


def _import_shape(o: Operation) -> Imported:
    return o.add(Cast(o.add(shape.ShapeOf(o.value("x"))), DType.I32))


IMPORTERS: Mapping[str, Importer] = {
    "reshape": _import_reshape,
    "squeeze": _import_squeeze,
    "expand_dims": _import_expand_dims,
    "transpose": _import_transpose,
    "flatten2d": lambda o: o.add(shape.Flatten(o.value("x"), o.axis("axis", o.kind_of().rank, 1))),
    "shape": _import_shape,
    "depth_to_space": lambda o: o.add(space.DepthToSpace(o.value("x"), o.integer("block_size", 0))),
    "space_to_depth": lambda o: o.add(space.SpaceToDepth(o.value("x"), o.integer("block_size", 0))),
    "pixel_shuffle": lambda o: o.add(space.DepthToSpace(o.value("x"), o.integer("upscale_factor", 0), "CRD")),
}


def _export_reshape(op: shape.Reshape, b: Body) -> None:
    """A 0 stands for the operand's size only among as many sizes as it has."""
    own = op.x.tensor.shape
    sizes = list(op.shape)
    if not op.allowzero:
        sizes = [own[i] if s == 0 and isinstance(own[i], int) else s for i, s in enumerate(sizes)]  # type: ignore[misc]
    if 0 in sizes and (op.allowzero or len(sizes) != len(own)):
        open_ = [i for i, s in enumerate(sizes) if s == 0]
        if op.allowzero or len(open_) > 1 or -1 in sizes:
            raise OptcError("not-in-coreml", op.describe(), "shape", "known but for one size", op.shape)
        sizes[open_[0]] = -1
    b.emit(op, "reshape", x=op.x, shape=tuple(sizes))


def _export_flatten(op: shape.Flatten, b: Body) -> None:
    if op.x.tensor.rank:
        b.emit(op, "flatten2d", x=op.x, axis=op.axis)
    else:
        b.emit(op, "reshape", x=op.x, shape=(1, 1))


def _export_squeeze(op: shape.Squeeze, b: Body) -> None:
    """`squeeze` wants sizes that Core ML can infer; of others the first element is all there is."""
    rank = op.x.tensor.rank
    if not op.axes:
        b.alias(op.results[0], op.x)
        return
    if op.x.tensor.is_static:
        b.emit(op, "squeeze", x=op.x, axes=op.axes)
        return
    dropped = tuple(i in op.axes for i in range(rank))
    whole = tuple(not d for d in dropped)
    b.emit(
        op, "slice_by_index", x=op.x, begin=(0,) * rank, end=tuple(map(int, dropped)), begin_mask=whole, end_mask=whole,
        squeeze_mask=dropped,
    )  # fmt: skip


def _export_expand(op: shape.Expand, b: Body) -> None:
    """Copies along each axis of size 1, after the leading axes that are new."""
    want = op.inferred()[0]
    assert isinstance(want, TensorType)  # what expand gives
    lead = want.rank - op.x.tensor.rank
    x, kind = op.x, op.x.tensor
    if lead:
        kind = kind.with_shape((*(1,) * lead, *kind.shape))
        x = b.make("expand_dims", kind, x=x, axes=tuple(range(lead)))
    if not want.rank:
        b.alias(op.results[0], op.x)
        return
    sizes = (*(1,) * (want.rank - len(op.shape)), *op.shape)
    if any(size > 1 and not isinstance(d, int) for d, size in zip(kind.shape, sizes, strict=True)):
        raise OptcError("not-in-coreml", op.describe(), "sizes of what is copied", "known", op.x.type)
    reps = tuple(size if d == 1 else 1 for d, size in zip(kind.shape, sizes, strict=True))
    if 0 in reps:
        raise OptcError("not-in-coreml", op.describe(), "each size", "at least 1", op.shape)
    b.emit(op, "tile", x=x, reps=reps)


def _export_dynamic_expand(op: shape.DynamicExpand, b: Body) -> None:
    """The sum with zeros (for truth values the disjunction with falsehoods) of that shape broadcasts."""
    kind = op.x.tensor
    if kind.dtype is DType.BOOL:
        raise OptcError("not-in-coreml", op.describe(), "element type of a sizable copy", "a number", kind)
    (count,) = op.shape.tensor.static_shape
    filled = TensorType(kind.dtype, (UNKNOWN,) * count)
    zeros = b.make("fill", filled, shape=op.shape, value=np.zeros((), number_type(kind.dtype)))
    b.emit(op, "add", x=op.x, y=zeros)


def _export_shape(op: shape.ShapeOf, b: Body) -> None:
    rank = op.x.tensor.rank
    end = rank if op.end is None else min(op.end, rank)
    if (op.start, end) == (0, rank):
        b.emit(op, "shape", x=op.x)
        return
    whole = b.make("shape", TensorType(DType.I32, (rank,)), x=op.x)
    b.emit(op, "slice_by_index", x=whole, begin=(op.start,), end=(end,))


def _export_size(op: shape.Size, b: Body) -> None:
    whole = b.make("shape", TensorType(DType.I32, (op.x.tensor.rank,)), x=op.x)
    b.emit(op, "reduce_prod", x=whole, axes=(0,), keep_dims=False)


EXPORTERS: Exporters = {
    shape.Reshape: _export_reshape,
    shape.DynamicReshape: lambda op, b: b.emit(op, "reshape", x=op.x, shape=op.shape),
    shape.Flatten: _export_flatten,
    shape.Squeeze: _export_squeeze,
    shape.Unsqueeze: lambda op, b: b.emit(op, "expand_dims", x=op.x, axes=op.axes),
    shape.Transpose: lambda op, b: b.emit(op, "transpose", x=op.x, perm=op.perm),
    shape.Expand: _export_expand,
    shape.DynamicExpand: _export_dynamic_expand,
    shape.ShapeOf: _export_shape,
    shape.Size: _export_size,
    space.SpaceToDepth: lambda op, b: b.emit(op, "space_to_depth", x=op.x, block_size=op.blocksize),
    space.DepthToSpace: lambda op, b: (
        b.emit(op, "depth_to_space", x=op.x, block_size=op.blocksize)
        if op.mode == "DCR"
        else b.emit(op, "pixel_shuffle", x=op.x, upscale_factor=op.blocksize)
    ),
}
