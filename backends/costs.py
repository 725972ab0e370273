"""The cost model: how long a kernel takes on a unit, and what each of its weights adds, in milliseconds.

A kernel takes as long as its arithmetic or its activations, whichever is longer (their sum, on units where they do
not overlap), and an overhead. A weight arrives while that goes on, so that only what cannot be hidden counts:

    use time = base + expansion + max(0, arrival - hidden)

`base` is the weight's share of the kernel's arithmetic and activations (kernels of several weights are divided by
their dense sizes). `expansion` is what is expanded into a buffer first. `arrival` is the stream of the weight, dense
or as stored, whichever is longer of its bytes and its decoding, with what lookup tables cost added in the 4-norm: they
overlap softly (see the sources of the iphone tables). `hidden` is what the arrival may hide behind: where weights are
fetched ahead through the whole program, its share of all bases by dense bytes. When all weights are of one scheme, the
sum over a program is then exactly the longer of its work and its weights; otherwise it is at most too long. So the
time is a sum over weights, and each decision is a function of its own record.
"""

import math
from collections.abc import Mapping, Sequence

import attrs

from backends.cost_table import SchemeCosts, Unit
from backends.figures import Figure
from backends.forms import DENSE, why_not
from backends.uses import Use, Work, dtype_bits

LOAD, PREDICT = "load", "predict"
CHOICES = (LOAD, PREDICT)
Named = tuple[str, Figure]
"""A figure of the table with its name there."""
SOFT = 4
"""The norm in which the time of lookup tables adds to that of the stream."""


@attrs.frozen
class Part:
    """Times in ms of one use of a weight (or of a kernel without), by what they are spent on."""

    arithmetic_ms: float
    activation_ms: float
    base_ms: float
    expansion_ms: float = 0.0
    arrival_ms: float = 0.0
    hidden_ms: float = 0.0
    decoding: bool = False

    @property
    def exposed_ms(self) -> float:
        """What of the arrival is not hidden."""
        return max(0.0, self.arrival_ms - self.hidden_ms)

    @property
    def ms(self) -> float:
        return self.base_ms + self.expansion_ms + self.exposed_ms

    def causes(self) -> dict[str, float]:
        """The time by cause, which adds up to `ms`."""
        if self.base_ms < self.arithmetic_ms + self.activation_ms:
            longer = "arithmetic" if self.arithmetic_ms >= self.activation_ms else "activations"
            spent = {longer: self.base_ms}
        else:
            spent = {"arithmetic": self.arithmetic_ms, "activations": self.activation_ms}
        exposed = "expansion" if self.decoding else "weights"
        spent[exposed] = spent.get(exposed, 0.0) + self.exposed_ms
        spent["expansion"] = spent.get("expansion", 0.0) + self.expansion_ms
        return spent


@attrs.frozen(eq=False)
class UnitCosts:
    """The cost model of one unit for one program.

    `base_ms` and `dense_bytes` are those of all kernels that may run on the unit: what is fetched ahead hides behind
    the first, in proportion to the second. They depend on no placement and no choice.
    """

    name: str
    unit: Unit
    bits: int
    base_ms: float
    dense_bytes: int

    def kernel_part(self, work: Work) -> Part:
        """A kernel without its weights."""
        return self._base(work, 1.0, self.arithmetic_figure(work, None)[1].value, 1.0)

    def overhead_ms(self, work: Work) -> float:
        """What a kernel costs whatever it does; views cost nothing."""
        return 0.0 if work.kernel.is_view else self.unit.op_us.value * 1e-3

    def part(self, work: Work, use: Use, choice: str) -> Part:
        """One use of a weight by a kernel, with the weight expanded at `load` or at each `predict`."""
        costs = self.scheme(use) if choice == PREDICT else None
        share = self.share(work, use)
        base = self._base(work, share, self.arithmetic_figure(work, costs, use)[1].value, self.kept(use, costs))
        dense = use.dense_bytes(self.bits)
        hidden = self.hidden_ms(dense, base.base_ms)
        if costs is None:
            arrival = self.stream_ms(dense * use.touched, dense, dense, self.unit.weight_gbps.value)
            return attrs.evolve(base, arrival_ms=arrival, hidden_ms=hidden)
        stream, decode, tables = self.streaming_ms(use, costs)
        if self.streams(use, costs):
            arrival = soft(max(stream, decode), tables)
            return attrs.evolve(base, arrival_ms=arrival, hidden_ms=hidden, decoding=arrival > stream)
        expansion = max(stream, decode) + tables + ms_at(dense * use.touched, self.unit.activation_gbps.value)
        arrival = ms_at(dense * use.touched, self.unit.weight_cache_gbps.value)
        return attrs.evolve(base, expansion_ms=expansion, arrival_ms=arrival, hidden_ms=hidden)

    def share(self, work: Work, use: Use) -> float:
        """The part of a kernel that goes with one of its weights."""
        if len(work.uses) == 1:
            return 1.0
        return use.dense_bytes(self.bits) / max(1, sum(u.dense_bytes(self.bits) for u in work.uses))

    def hidden_ms(self, dense: int, base_ms: float) -> float:
        """What the arrival of `dense` bytes may hide behind."""
        if self.unit.weights_overlap == "program":
            return self.base_ms * dense / max(1, self.dense_bytes)
        return base_ms if self.unit.weights_overlap == "op" else 0.0

    def stream_ms(self, moved: float, size: int, dense: int, gbps: float) -> float:
        """Time for `moved` bytes of a weight of `size` bytes, `dense` bytes when expanded, to arrive.

        What fits into the cache stays near, if all weights of the program are stored like this one.
        """
        miss = self.miss(size, dense)
        return ms_at(moved * miss, gbps) + ms_at(moved * (1 - miss), self.unit.weight_cache_gbps.value)

    def miss(self, size: int, dense: int) -> float:
        """The fraction of a weight's bytes that do not stay in the cache."""
        total = self.stored_alike(size, dense)
        return max(0.0, 1 - self.unit.weight_cache_mb.value * 1e6 / total) if total else 0.0

    def stored_alike(self, size: int, dense: int) -> float:
        """Bytes of all weights of the program, if each were stored like one of `size` bytes, `dense` expanded."""
        return self.dense_bytes * size / max(1, dense)

    def streaming_ms(self, use: Use, costs: SchemeCosts) -> tuple[float, float, float]:
        """The times of a weight's stored bytes, of its decoding, and of its tables beyond the first."""
        stored = use.weight.stored_bytes
        rate = self.stream_figure(use, costs)[1].value
        stream = self.stream_ms(stored * use.touched, stored, use.dense_bytes(self.bits), rate)
        decode = use.streamed / self.decode_figure(use, costs)[1].value * 1e-6
        per_table = costs.table_ns.value if costs.table_ns is not None else 0.0
        return stream, decode, (use.form.tables - 1) * use.touched * per_table * 1e-6

    def stream_figure(self, use: Use, costs: SchemeCosts | None) -> Named:
        """At what rate bytes arrive that the cache does not hold."""
        if costs is None or costs.stream_gbps is None:
            return "weight_gbps", self.unit.weight_gbps
        return f"schemes.{use.form.kind}.stream_gbps", costs.stream_gbps

    def decode_figure(self, use: Use, costs: SchemeCosts) -> Named:
        """At what rate the weight is decoded: in the op, or into a buffer."""
        inside = self.streams(use, costs) or costs.expansion != "streams"
        name, figure = decode_figure(costs, use.form.bits, inside)
        return f"schemes.{use.form.kind}.{name}", figure

    def streams(self, use: Use, costs: SchemeCosts) -> bool:
        """Whether the op expands the weight itself; where it cannot, a buffer would have to be filled first."""
        return costs.expansion == "streams" and not self.why_not(use)

    def scheme(self, use: Use) -> SchemeCosts | None:
        """What the table says of the weight's scheme; None for dense weights."""
        return None if use.form.kind == DENSE else self.unit.schemes[use.form.kind]

    def why_not(self, use: Use) -> str:
        """Why the weight is not expanded at prediction here: a slug, empty if it can be.

        Where integers are multiplied as such, there is nothing to expand, whatever the op.
        """
        costs = self.scheme(use)
        if costs is None:
            return DENSE
        in_integers = use.codes and "i8" in self.unit.arithmetic_tflops
        return why_not(use.form, costs, () if in_integers else use.ops)

    def arithmetic_figure(self, work: Work, costs: SchemeCosts | None, use: Use | None = None) -> Named:
        """Arithmetic rate in 1e12 operations per second: that of integers where both factors are."""
        rates = self.unit.arithmetic_tflops
        codes = work.codes if use is None else costs is not None and use.codes
        if codes and "i8" in rates:
            return "arithmetic_tflops.i8", rates["i8"]
        if use is not None and costs is not None and costs.arithmetic_tflops is not None and self.streams(use, costs):
            return f"schemes.{use.form.kind}.arithmetic_tflops", costs.arithmetic_tflops
        return f"arithmetic_tflops.{self.unit.dtype}", rates[self.unit.dtype]

    def kept(self, use: Use, costs: SchemeCosts | None) -> float:
        """The fraction of the arithmetic that is left where zeros are skipped."""
        skips = costs.skips_zeros_from if costs is not None else None
        return use.form.density if skips is not None and 1 - use.form.density >= skips.value else 1.0

    def _base(self, work: Work, share: float, rate: float, kept: float) -> Part:
        arithmetic = work.operations * kept * share / rate * 1e-9
        activations = ms_at(self.moved_bytes(work) * share, self.unit.activation_gbps.value)
        base = max(arithmetic, activations) if self.unit.overlap == "full" else arithmetic + activations
        return Part(arithmetic, activations, base)

    def moved_bytes(self, work: Work) -> int:
        """Bytes of activations that a kernel reads, once for each tile, and writes; views move nothing."""
        if work.kernel.is_view:
            return 0
        return work.read.bytes_in(self.bits) * self.tiles(work) + work.written.bytes_in(self.bits)

    def tiles(self, work: Work) -> int:
        """How many tiles the largest weight of a kernel is taken in; activations are read for each."""
        largest = max((use.dense_bytes(self.bits) * use.touched for use in work.uses), default=0.0)
        return max(1, math.ceil(largest / (self.unit.on_chip_mb.value * 1e6)))


def ms_at(size: float, gbps: float) -> float:
    """Time for `size` bytes at `gbps` 1e9 bytes per second."""
    return size / gbps * 1e-6


def soft(stream: float, tables: float) -> float:
    """The two times in the 4-norm: nearly the longer, more where they are alike."""
    if not tables:
        return stream
    longest = max(stream, tables)
    return float(longest * ((stream / longest) ** SOFT + (tables / longest) ** SOFT) ** (1 / SOFT))


def decode_figure(costs: SchemeCosts, bits: int, inside: bool = True) -> Named:
    """1e9 weights per second, for codes of `bits` bits; not `inside` the op, where the scheme streams."""
    if not inside and costs.buffer_gweights_per_s is not None:
        return "buffer_gweights_per_s", costs.buffer_gweights_per_s
    if str(bits) in costs.decode_by_bits:
        return f"decode_by_bits.{bits}", costs.decode_by_bits[str(bits)]
    return "decode_gweights_per_s", costs.decode_gweights_per_s


def unit_costs(name: str, unit: Unit, works: Sequence[Work], legal: Sequence[bool]) -> UnitCosts:
    """The cost model of a unit for a program whose kernels may run there as `legal` says."""
    bare = UnitCosts(name, unit, dtype_bits(unit.dtype), 0.0, 0)
    here = [work for work, allowed in zip(works, legal, strict=True) if allowed]
    base = math.fsum(bare.kernel_part(work).base_ms for work in here)
    dense = sum(use.dense_bytes(bare.bits) for work in here for use in work.uses)
    return attrs.evolve(bare, base_ms=base, dense_bytes=dense)


def kernel_ms(costs: UnitCosts, work: Work, choices: Mapping[str, str]) -> tuple[float, dict[str, float]]:
    """The time of a kernel, and the same by cause; `choices` by the name of the weight, `load` where there is none."""
    parts = [costs.part(work, use, choices.get(use.weight.name, LOAD)) for use in work.uses]
    spent: dict[str, float] = {"overhead": costs.overhead_ms(work)}
    for part in parts or [costs.kernel_part(work)]:
        for cause, ms in part.causes().items():
            spent[cause] = spent.get(cause, 0.0) + ms
    return math.fsum(p.ms for p in parts or [costs.kernel_part(work)]) + spent["overhead"], spent
