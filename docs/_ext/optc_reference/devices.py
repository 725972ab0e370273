"""The pages of the devices: every figure of their cost tables, and the rules of what units cannot run."""

from collections import Counter
from collections.abc import Mapping

from backends.capability import RULES
from backends.cost_table import Device, SchemeCosts, Unit
from backends.device_files import device_names, load_device
from backends.figure_paths import figures_of
from backends.figures import HOW
from optc_reference.markdown import code, escaped, page, table

_LEGAL = ("bits", "granularities", "vectors", "axes", "ops")
_WAYS = tuple(how for how in HOW if how != "set")


def _legal(costs: SchemeCosts) -> str:
    lists = [f"{name} {' '.join(map(str, held))}" for name in _LEGAL if (held := getattr(costs, name))]
    return "; ".join(lists + ([f"groups from {costs.least_group} on"] if costs.least_group > 1 else [])) or "all"


def _unit(name: str, unit: Unit) -> str:
    rows = (
        (code(kind), code(costs.expansion), escaped(_legal(costs)), escaped(costs.source))
        for kind, costs in unit.schemes.items()
    )
    says = (
        f"Computes in `{unit.dtype}`; overlap of arithmetic and activations: `{unit.overlap}`; what hides the arrival "
        f"of weights: `{unit.weights_overlap}`."
    )
    schemes = table(("scheme", "expansion", "legal at prediction", "source"), rows)
    return "\n\n".join((f"## {name}: {escaped(unit.title)}", says, schemes))


def _device(device: Device) -> str:
    figures = table(
        ("figure", " value", "how", "source"),
        ((code(path), f"{f.value:g}", f.how, escaped(f.source)) for path, f in figures_of(device)),
    )
    intro = f"`--device {device.name}`. What the fields mean is on the page [Cost tables](../cost-tables.md)."
    units = (_unit(name, unit) for name, unit in device.units.items())
    return page(escaped(device.title), intro, *units, "## Figures", figures)


def _row(device: Device) -> tuple[str, ...]:
    counts = Counter(figure.how for _, figure in figures_of(device))
    return (
        f"[{device.name}](device-{device.name}.md)", escaped(device.title), ", ".join(device.units),
        *(str(counts[how]) for how in _WAYS),
    )  # fmt: skip


def _rules() -> list[str]:
    parts = []
    for unit, rules in RULES.items():
        rows = ((code(f"{unit}-{rule.slug}"), escaped(rule.says), escaped(rule.source)) for rule in rules)
        parts += [f"### {unit}", table(("reason", "why", "source"), rows) or "It runs everything."]
    return parts


def pages() -> Mapping[str, str]:
    """The overview, and a page for each device."""
    devices = [load_device(name) for name in device_names()]
    toctree = "```{toctree}\n:hidden:\n\n" + "\n".join(f"device-{device.name}" for device in devices) + "\n```"
    overview = page(
        "Devices", "The devices whose cost tables ship with optc, and how many of their figures were got in each way.",
        table(("device", "title", "units", *(f" {how}" for how in _WAYS)), map(_row, devices)),
        "## What units cannot run", "An op that a rule refuses runs on another unit; the reason stands in the plan.",
        *_rules(), toctree,
    )  # fmt: skip
    return {"devices.md": overview, **{f"device-{device.name}.md": _device(device) for device in devices}}
