"""A device whose every figure is 1, for tests to which only the element types of its units matter."""

from backends.cost_table import Device, Unit
from backends.figures import Figure

ONE = Figure(1.0, "assumed", "a test")


def unit(dtype: str) -> Unit:
    """A unit that computes in an element type."""
    return Unit(
        title="unit", dtype=dtype, arithmetic_tflops={dtype: ONE}, overlap="full", activation_gbps=ONE, weight_gbps=ONE,
        weight_cache_mb=ONE, weight_cache_gbps=ONE, weights_overlap="op", launch_ms=ONE, op_us=ONE, on_chip_mb=ONE,
        expand_gweights_per_s=ONE, schemes={},
    )  # fmt: skip


DEVICE = Device("plain", "plain", ONE, {"cpu": unit("f32"), "gpu": unit("f16"), "npu": unit("f16")})
