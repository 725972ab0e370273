"""Samplers of convolutions and poolings."""

from collections.abc import Mapping
from typing import Any

from optc.ir.dtypes import FLOATS, DType
from optc.ir.op import Op
from optc.ir.value import Value
from optc.ops import conv as c
from optc.ops import pool as p
from optc.ops.window import PAD_MODES
from optc.testing.source import Sampler, Source

_RANKS = (3, 5)


def weight(s: Source, dtype: DType, shape: tuple[int, ...]) -> Value:
    """A parameter of a layer: a constant, or now and then a value that is computed."""
    return s.value(dtype, shape) if s.integer(0, 3) == 0 else s.constant(s.array(dtype, shape), dtype)


def _axis(s: Source, size: int, mode: str, most_pad: int) -> tuple[int, int, int, int]:
    """Kernel, dilation and the padding on both sides, so that at least one window fits an axis of this size."""
    if mode == "valid":
        kernel = s.integer(1, min(3, size))
        return kernel, s.integer(1, min(2, max(1, (size - 1) // max(1, kernel - 1)))), 0, 0
    kernel = s.integer(1, 3)
    dilation = s.integer(1, 2)
    if mode != "explicit":
        return kernel, dilation, 0, 0
    begin, end = s.integer(0, most_pad), s.integer(0, most_pad)
    return kernel, dilation, begin, max(end, (kernel - 1) * dilation + 1 - size - begin)


def _attributes(s: Source, spatial: tuple[int, ...]) -> tuple[tuple[int, ...], dict[str, Any]]:
    """A kernel and the attributes of a window that fits."""
    mode = s.choice(PAD_MODES)
    axes = [_axis(s, size, mode, 2) for size in spatial]
    kernel, dilations, begins, ends = zip(*axes, strict=True)
    strides = tuple(s.integer(1, 3) for _ in spatial) if s.boolean() else ()
    pads = (*begins, *ends) if mode == "explicit" else ()
    return kernel, {"strides": strides, "dilations": dilations, "pads": pads, "pad_mode": mode}


def _divisor(s: Source, number: int) -> int:
    return s.choice([n for n in range(1, number + 1) if number % n == 0])


def conv(s: Source) -> Op:
    """Dense, grouped or depthwise, in all pad modes."""
    x = s.some(FLOATS, *_RANKS)
    channels, *spatial = x.tensor.static_shape[1:]
    kernel, attributes = _attributes(s, tuple(spatial))
    groups = _divisor(s, channels)
    out = groups * s.integer(1, 3)
    w = weight(s, x.tensor.dtype, (out, channels // groups, *kernel))
    bias = weight(s, x.tensor.dtype, (out,)) if s.boolean() else None
    return c.Conv(x, w, bias, groups=groups, **attributes)


def conv_transpose(s: Source) -> Op:
    """With padding, padding of the output, or a wanted shape of the output."""
    x = s.some(FLOATS, *_RANKS)
    channels, *spatial = x.tensor.static_shape[1:]
    rank = len(spatial)
    mode = s.choice(PAD_MODES)
    strides, dilations, kernel = (tuple(s.integer(1, most) for _ in spatial) for most in (3, 2, 3))
    extra = tuple(s.integer(0, stride - 1) for stride in strides) if s.boolean() else ()
    covered = [
        (size - 1) * stride + (k - 1) * dilation + 1 + more
        for size, stride, k, dilation, more in zip(
            spatial, strides, kernel, dilations, extra or (0,) * rank, strict=True
        )
    ]
    pads: tuple[int, ...] = ()
    shape: tuple[int, ...] = ()
    if s.boolean():
        shape = tuple(s.integer(max(1, n - 3), n) for n in covered)
    elif mode == "explicit":
        begins = [s.integer(0, min(2, n - 1)) for n in covered]
        pads = (*begins, *(s.integer(0, min(2, n - 1 - b)) for n, b in zip(covered, begins, strict=True)))
    groups = _divisor(s, channels)
    out = s.integer(1, 3)
    w = weight(s, x.tensor.dtype, (channels, out, *kernel))
    bias = weight(s, x.tensor.dtype, (out * groups,)) if s.boolean() else None
    return c.ConvTranspose(
        x, w, bias, strides=strides, dilations=dilations, pads=pads, groups=groups, pad_mode=mode,
        output_padding=extra, output_shape=shape,
    )  # fmt: skip


def _pool_axis(s: Source, size: int, mode: str) -> tuple[int, int, int, int]:
    """No longer than the axis, so that each window sees an element of it."""
    kernel = s.integer(1, min(3, size))
    dilation = s.integer(1, min(2, max(1, (size - 1) // max(1, kernel - 1))))
    pads = [s.integer(0, kernel - 1) if mode == "explicit" else 0 for _ in range(2)]
    return kernel, dilation, pads[0], pads[1]


def pool(op: Any, dtypes: tuple[DType, ...] = FLOATS, **drawn: tuple[Any, ...]) -> Sampler:
    """All modes; further attributes are drawn from `drawn`."""

    def sample(s: Source) -> Op:
        x = s.some(dtypes, *_RANKS)
        mode = s.choice(PAD_MODES)
        axes = [_pool_axis(s, size, mode) for size in x.tensor.static_shape[2:]]
        kernel, dilations, begins, ends = zip(*axes, strict=True)
        made: Op = op(
            x, kernel,
            strides=tuple(s.integer(1, 3) for _ in kernel),
            dilations=dilations,
            pads=(*begins, *ends) if mode == "explicit" else (),
            pad_mode=mode,
            ceil_mode=mode == "explicit" and s.boolean(),
            **{name: s.choice(choices) for name, choices in drawn.items()},
        )  # fmt: skip
        return made

    return sample


SAMPLERS: Mapping[type[Op], Sampler] = {
    c.Conv: conv,
    c.ConvTranspose: conv_transpose,
    p.MaxPool: pool(p.MaxPool, (*FLOATS, DType.I8, DType.U8)),
    p.AvgPool: pool(p.AvgPool, count_include_pad=(False, True)),
    p.LpPool: pool(p.LpPool, p=(1, 2, 3)),
    p.GlobalAvgPool: lambda s: p.GlobalAvgPool(s.some(FLOATS, *_RANKS)),
    p.GlobalMaxPool: lambda s: p.GlobalMaxPool(s.some(FLOATS, *_RANKS)),
}
