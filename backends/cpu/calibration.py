"""From what was seen of a machine to its cost table: arithmetic only, nothing is run."""

import statistics
from collections.abc import Mapping

import attrs

from backends.cost_table import SCHEMES, Device, SchemeCosts, Unit
from backends.cpu import jobs
from backends.cpu.cache_fit import CacheFit, fit_cache
from backends.cpu.measure import Observations
from backends.cpu.sample_weights import FORMS, SampleForm
from backends.figures import Figure

_TINY = 1e-9
"""The least value of a figure that must be positive, where differences of times leave nothing."""
_LEAST_PART = 0.05
"""What expansion takes at least of a product with it; noise may make a product without it as slow."""


@attrs.frozen
class Machine:
    """What a table says of the machine that it is for: its processor, how many cores ONNX Runtime had, its version."""

    name: str
    processor: str
    cores: int
    engine: str

    @property
    def title(self) -> str:
        return f"{self.processor}, {self.cores} core{'s' * (self.cores != 1)}"

    @property
    def source(self) -> str:
        return f"{self.engine}, {self.cores} core{'s' * (self.cores != 1)}"


def device_of(seen: Observations, machine: Machine) -> Device:
    """The complete table of the machine, with one unit, `cpu`; figures that were not measured are `assumed`."""
    return Device(machine.name, machine.title, _disk(seen, machine), {"cpu": Calibration(seen, machine).unit()})


def _disk(seen: Observations, machine: Machine) -> Figure:
    found = seen.samples.get(jobs.DISK)
    if found is None:
        return Figure(1.0, "assumed", f"not measured ({seen.refused.get(jobs.DISK, 'left out')}); order of magnitude")
    source = f"reading a file of {jobs.DISK_BYTES >> 20} MiB that the system had forgotten"
    return measured(jobs.DISK_BYTES / found.quick * 1e-9, source, found.rounds, found.spread)


def measured(value: float, what: str, rounds: int, spread: float, of: str = "") -> Figure:
    """A measured figure, to four digits."""
    tail = f"; {of}" if of else ""
    kept = float(f"{max(value, _TINY):.4g}")
    return Figure(kept, "measured", f"{what}: lower quartile of {rounds} rounds, spread {spread:.0%}{tail}")


@attrs.frozen
class Calibration:
    """The figures of one machine."""

    seen: Observations
    machine: Machine

    def unit(self) -> Unit:
        """The processor."""
        cache = self.cache()
        sizes = f"one row by matrices of {_mb(jobs.SIDES[0]):.0f} to {_mb(jobs.SIDES[-1]):.0f} MB"
        near, far = jobs.dense(jobs.SIDES[0]), jobs.dense(jobs.SIDES[-1])
        return Unit(
            title=self.machine.title,
            dtype="f32",
            arithmetic_tflops=self.arithmetic(),
            overlap="full",
            activation_gbps=self.figure(
                self.activation_gbps(), jobs.ADDITION, f"adding tensors of {4e-6 * jobs.ADDED:.0f} MB"
            ),
            weight_gbps=self.figure(cache.stream_gbps, far, f"{far}, float32"),
            weight_cache_mb=self.figure(cache.cache_mb, near, f"fits the times of {sizes}"),
            weight_cache_gbps=self.figure(cache.cached_gbps, near, f"{near}, float32"),
            weights_overlap="op",
            launch_ms=self.figure(1e3 * (self.seconds(jobs.LAUNCH) - self.op_seconds()), jobs.LAUNCH, jobs.LAUNCH),
            op_us=self.figure(1e6 * self.op_seconds(), jobs.CHAIN, f"{jobs.CHAIN}, less one op, for each op"),
            on_chip_mb=self.on_chip(cache),
            expand_gweights_per_s=self.expansion_at_load(),
            schemes={scheme: self.scheme(scheme, cache) for scheme in SCHEMES},
        )

    def seconds(self, job: str) -> float:
        return self.seen.samples[job].quick

    def figure(self, value: float, job: str, what: str) -> Figure:
        """A figure that a job was measured for."""
        found = self.seen.samples[job]
        return measured(value, what, found.rounds, found.spread, self.machine.source)

    def net(self, job: str) -> float:
        """Seconds of a job of one op beyond what a prediction of one small op takes."""
        return max(self.seconds(job) - self.seconds(jobs.LAUNCH), _LEAST_PART * self.seconds(job))

    def op_seconds(self) -> float:
        return max(0.0, self.seconds(jobs.CHAIN) - self.seconds(jobs.LAUNCH)) / (jobs.LONG_CHAIN - 1)

    def activation_gbps(self) -> float:
        return 12e-9 * jobs.ADDED / self.net(jobs.ADDITION)  # two tensors of float32 read, one written

    def cache(self) -> CacheFit:
        return fit_cache({_mb(side): self.net(jobs.dense(side)) for side in jobs.SIDES})

    def on_chip(self, cache: CacheFit) -> Figure:
        source = "kernels cut operands themselves; what the cache holds is not read again"
        return Figure(float(f"{max(cache.cache_mb, 1.0):.4g}"), "assumed", source)

    def arithmetic(self) -> dict[str, Figure]:
        """By element type; types that the runtime does not multiply are left out."""
        found = {}
        for dtype in ("f32", "bf16", "i8"):
            job = jobs.arithmetic(dtype)
            if job in self.seen.samples:
                found[dtype] = self.figure(self.tflops(job), job, f"{job} of {jobs.SIDE} by {jobs.SIDE}")
        return found

    def tflops(self, job: str) -> float:
        """The rate of a product of large matrices."""
        return 2e-12 * jobs.ROWS * jobs.SIDE**2 / self.net(job)

    def expansion_at_load(self) -> Figure:
        """The middle of all forms; the source has each."""
        rates = {name: 1e-9 * form.side**2 / self.seconds(jobs.expansion(name)) for name, form in FORMS.items()}
        each = ", ".join(f"{name} {rate:.2g}" for name, rate in rates.items())
        spread = max(self.seen.samples[jobs.expansion(name)].spread for name in FORMS)
        rounds = min(self.seen.samples[jobs.expansion(name)].rounds for name in FORMS)
        return measured(
            statistics.median(rates.values()), f"optc's own kernels, the middle of {each}", rounds, spread
        )  # fmt: skip

    def scheme(self, scheme: str, cache: CacheFit) -> SchemeCosts:
        """How the runtime treats weights of a scheme; the widest codes that were measured stand for the rest."""
        forms = {name: form for name, form in FORMS.items() if form.scheme == scheme}
        streams = scheme in jobs.STREAMING and all(self.seen.fused[jobs.fused(name)] for name in forms)
        decode = {form.bits: self.decode(name, form, streams, cache) for name, form in forms.items()}
        widest = max(decode)
        # Codes of no width of their own are unpacked as those of 3 bits are, where these were measured.
        alike = {bits: _as(decode[3], 3) for bits in (1, 2, 6)} if 3 in decode else {}
        by_bits = {str(bits): figure for bits, figure in sorted({**decode, **alike}.items()) if bits != widest}
        if not streams:
            source = f"expanded into a buffer, where constants are not folded at load; {self.machine.source}"
            return SchemeCosts("explicit", source, decode[widest], by_bits)
        return SchemeCosts(
            "streams", f"expanded inside the matrix product; {self.machine.source}", decode[widest], by_bits,
            buffer_gweights_per_s=self.into_a_buffer(forms, cache),
            arithmetic_tflops=self.fused_arithmetic(forms), ops=self.fused_ops(),
            axes=(0,) if scheme == "quantized_block" else (1,),
            granularities=("block",) if scheme == "quantized_block" else ("tensor", "channel"),
            least_group=self.least_group() if scheme == "quantized_block" else 1,
        )  # fmt: skip

    def decode(self, name: str, form: SampleForm, streams: bool, cache: CacheFit) -> Figure:
        """Weights expanded per second at each prediction."""
        job = jobs.kept(name)
        return self.rate(job, form, self.net(job) if streams else self.beside_product(job, form, cache))

    def into_a_buffer(self, forms: Mapping[str, SampleForm], cache: CacheFit) -> Figure | None:
        """Weights expanded per second in front of an op that does not do so itself; None if that expands them, too."""
        name = next(name for name in jobs.IN_A_BUFFER if name in forms)
        job = jobs.in_a_buffer(name)
        if self.seen.fused[jobs.LINEAR_FUSED] or job not in self.seen.samples:
            return None
        return self.rate(job, forms[name], self.beside_product(job, forms[name], cache))

    def beside_product(self, job: str, form: SampleForm, cache: CacheFit) -> float:
        """Seconds of a job beyond the product with the dense weight, and writing that."""
        mb, taken = _mb(form.side), self.net(job)
        beside = cache.seconds(mb) + 1e-3 * mb / self.activation_gbps()
        return max(taken - beside, _LEAST_PART * taken)

    def rate(self, job: str, form: SampleForm, seconds: float) -> Figure:
        return self.figure(1e-9 * form.side**2 / seconds, job, f"{job} of {form.side} by {form.side}")

    def fused_arithmetic(self, forms: Mapping[str, SampleForm]) -> Figure:
        """The rate of products that expand their weight, the slowest of the forms."""
        job = min(map(jobs.arithmetic, forms), key=self.tflops)
        return self.figure(self.tflops(job), job, f"{job} of {jobs.SIDE} by {jobs.SIDE}")

    def fused_ops(self) -> tuple[str, ...]:
        return ("matmul", "linear") if self.seen.fused[jobs.LINEAR_FUSED] else ("matmul",)

    def least_group(self) -> int:
        return min((size for size in jobs.BLOCKS if self.seen.fused[jobs.blocks_fused(size)]), default=jobs.BLOCKS[-1])


def _mb(side: int) -> float:
    """Size of a square matrix of float32."""
    return 4e-6 * side * side


def _as(figure: Figure, bits: int) -> Figure:
    return Figure(figure.value, "assumed", f"as codes of {bits} bits")
