"""Cost tables: what a device can do and how fast. `backends.device_files` reads them from TOML.

The fields say what the cost model (`backends.costs`) needs to know, each number with its unit in its name. Rates are
in 1e12 operations per second (`tflops`; a multiply-add is two), 1e9 bytes per second (`gbps`) and 1e9 weights per
second (`gweights_per_s`); sizes are in 1e6 bytes (`mb`).
"""

from collections.abc import Mapping
from typing import Any

import attrs

from backends.figures import Figure, all_positive, positive
from optc.errors import UsageError
from optc.pipeline.suggest import did_you_mean

UNITS = ("cpu", "gpu", "npu")
SCHEMES = (
    "palettized", "palettized_vector", "palettized_quantized", "quantized", "quantized_block", "sparse",
    "sparse_palettized", "sparse_quantized",
)  # fmt: skip
"""The kinds of compressed weights that a table knows, see `backends.forms`."""
EXPANSIONS = ("streams", "explicit", "folds")
OVERLAPS = ("full", "none")
WEIGHT_OVERLAPS = ("program", "op", "none")
GRANULARITIES = ("tensor", "channel", "group", "block")


def _each_in(known: tuple[object, ...]) -> "attrs._ValidatorType[Any]":
    return attrs.validators.deep_iterable(attrs.validators.in_(known))


@attrs.frozen
class SchemeCosts:
    """How a unit treats weights of one scheme.

    `expansion`: `streams` (can be expanded inside the op that uses it, at each prediction), `explicit` (can be expanded
    into a buffer before the op, at each prediction) or `folds` (only at load). Where a form is not legal, it folds.
    `stream_gbps`: rate at which stored bytes arrive, that of dense weights if not given.
    `decode_gweights_per_s`: weights expanded per second; `decode_by_bits` has other rates by the width of a code.
    `buffer_gweights_per_s`: of a scheme that streams, weights expanded per second into a buffer where the op does not
    expand this form itself, which happens in programs that do not fold constants; the decode rate, if not given.
    `table_ns`: time that each lookup table (or, for blocks, each scale) beyond the first costs, nothing if not given.
    `arithmetic_tflops`: rate of the arithmetic of an op that expands its weight itself, if it is not the usual one.
    `skips_zeros_from`: the fraction of zeros from which arithmetic on zeros is skipped; never, if not given.
    `bits`, `granularities`, `vectors`, `axes`, `ops`: what is legal; an empty list allows all. `least_group`: the
    fewest channels that may share a table, or elements that may share a scale, along the axis that is cut.
    """

    expansion: str = attrs.field(validator=attrs.validators.in_(EXPANSIONS))
    source: str = attrs.field(validator=attrs.validators.min_len(3))
    decode_gweights_per_s: Figure = attrs.field(validator=positive)
    decode_by_bits: Mapping[str, Figure] = attrs.field(factory=dict, validator=all_positive)
    stream_gbps: Figure | None = attrs.field(default=None, validator=positive)
    buffer_gweights_per_s: Figure | None = attrs.field(default=None, validator=positive)
    table_ns: Figure | None = None
    arithmetic_tflops: Figure | None = attrs.field(default=None, validator=positive)
    skips_zeros_from: Figure | None = None
    bits: tuple[int, ...] = ()
    granularities: tuple[str, ...] = attrs.field(default=(), validator=_each_in(GRANULARITIES))
    vectors: tuple[int, ...] = ()
    axes: tuple[int, ...] = ()
    ops: tuple[str, ...] = ()
    least_group: int = attrs.field(default=1, validator=attrs.validators.ge(1))


@attrs.frozen
class HandOver:
    """What it costs to give one tensor to another unit: `fixed_us` once, and its bytes at `gbps`."""

    fixed_us: Figure
    gbps: Figure = attrs.field(validator=positive)


@attrs.frozen
class Unit:
    """One compute unit.

    `dtype`: the floats that it computes in, and holds expanded weights in (`f16`, `bf16`, `f32`).
    `arithmetic_tflops`: peak by element type, that of `dtype` among them; `i8` where integers are multiplied as such.
    `activation_gbps`: rate of what ops read and write. `overlap`: whether arithmetic and that traffic overlap (`full`:
    the longer counts; `none`: both do).
    `weight_gbps`: rate at which dense weights arrive; up to `weight_cache_mb` of weights stay near from one prediction
    to the next, and arrive at `weight_cache_gbps`. `weights_overlap`: what hides their arrival: the arithmetic and
    activations of the whole `program` (weights are fetched ahead), of their own `op`, or `none`.
    `launch_ms`: once per prediction, if the unit is used. `op_us`: for each op that is not fused into another.
    `on_chip_mb`: the largest operand that an op takes whole; larger weights are taken in tiles, and activations are
    read again for each tile. `expand_gweights_per_s`: weights expanded per second at load.
    `handover`: by unit, what it costs to give a tensor to it.
    """

    title: str
    dtype: str = attrs.field(validator=attrs.validators.in_(("f16", "bf16", "f32")))
    arithmetic_tflops: Mapping[str, Figure] = attrs.field(validator=[attrs.validators.min_len(1), all_positive])
    overlap: str = attrs.field(validator=attrs.validators.in_(OVERLAPS))
    activation_gbps: Figure = attrs.field(validator=positive)
    weight_gbps: Figure = attrs.field(validator=positive)
    weight_cache_mb: Figure
    weight_cache_gbps: Figure = attrs.field(validator=positive)
    weights_overlap: str = attrs.field(validator=attrs.validators.in_(WEIGHT_OVERLAPS))
    launch_ms: Figure
    op_us: Figure
    on_chip_mb: Figure = attrs.field(validator=positive)
    expand_gweights_per_s: Figure = attrs.field(validator=positive)
    schemes: Mapping[str, SchemeCosts]
    handover: Mapping[str, HandOver] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if self.dtype not in self.arithmetic_tflops:
            raise ValueError(f"arithmetic_tflops must have {self.dtype}, the unit's own dtype")


@attrs.frozen
class Device:
    """A named set of units. `disk_gbps` is the rate at which a model file is read.

    `backend` names the plug-in whose rules say what the units cannot run; those of optc do if it is empty.
    """

    name: str
    title: str
    disk_gbps: Figure = attrs.field(validator=positive)
    units: Mapping[str, Unit] = attrs.field(validator=attrs.validators.min_len(1))
    backend: str = ""

    def unit(self, name: str) -> Unit:
        """The unit of that name.

        Raises:
            UsageError: slug `no-such-unit`.
        """
        if name not in self.units:
            known = ", ".join(self.units)
            hint = did_you_mean(name, self.units)
            raise UsageError("no-such-unit", f"device {self.name}", "unit", f"one of {known}", name, hint)
        return self.units[name]
