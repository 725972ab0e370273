"""Capability: which kernels a unit can run, by rules that are rows of data.

A unit's rules stand in its own folder (`backends/cpu`, `gpu`, `npu`). A kernel is legal on a unit if no rule refuses
any of its ops; the first rule that does is what the plan names.
"""

from collections.abc import Mapping

import attrs

from backends.cost_table import Device
from backends.cpu.legality import RULES as CPU_RULES
from backends.gpu.legality import RULES as GPU_RULES
from backends.kernels import Kernel
from backends.npu.legality import RULES as NPU_RULES
from backends.plugins import backend_named
from backends.rule import Rule

RULES: Mapping[str, tuple[Rule, ...]] = {"cpu": CPU_RULES, "gpu": GPU_RULES, "npu": NPU_RULES}
"""The rules of each unit, in the order in which they are tried."""


@attrs.frozen
class Refusal:
    """Why an op cannot run on a unit: the slug of the rule, what it says, and its source."""

    unit: str
    op: str
    slug: str
    says: str
    source: str


def rules_of(device: Device) -> Mapping[str, tuple[Rule, ...]]:
    """The rules of a device's units: those of optc, with those of its backend in their places.

    Raises:
        OptcError: its table names a backend that no plug-in offers, or one that cannot be used.
    """
    if not device.backend:
        return RULES
    return {**RULES, **backend_named(device.backend, f"device {device.name}").rules}


def refusal(kernel: Kernel, unit: str, rules: Mapping[str, tuple[Rule, ...]] = RULES) -> Refusal | None:
    """The first rule of the unit that refuses an op of the kernel; None if the kernel is legal there."""
    for op in kernel.all_ops:
        for rule in rules.get(unit, ()):
            if rule.refuses(op):
                return Refusal(unit, op.name, rule.slug, rule.says, rule.source)
    return None
