"""The whole arithmetic of one decision, line by line, so that a reader can redo it with a pocket calculator."""

from collections.abc import Iterator

from backends.cost_table import SchemeCosts
from backends.costs import CHOICES, LOAD, UnitCosts, decode_figure
from backends.decision import Decision, root_name
from backends.explained_use import at, use_lines
from backends.figures import Figure
from backends.forms import DENSE
from backends.named_weights import not_decided
from backends.plan import Plan


def explain(plan: Plan, weight: str) -> str:
    """The arithmetic of the decisions on a weight, one for each unit that uses it.

    Raises:
        UsageError: slugs `no-such-weight`, `undecided-weight`.
    """
    found = [d for d in plan.decisions if d.name == weight]
    if not found:
        raise not_decided(weight, "explain", {d.name for d in plan.decisions}, plan.source)
    return "\n\n".join("\n".join(_lines(plan, decision)) for decision in found)


def _lines(plan: Plan, d: Decision) -> Iterator[str]:
    costs = plan.costs[d.unit]
    yield f"{d.name} on {d.unit} of {plan.device.title}: expanded at {d.choice} ({d.reason})"
    sizes = f"{d.stored_bytes:,} bytes; expanded {d.resident_bytes_if_load:,}"
    yield f"  stored as {d.form}: {d.elements:,} elements, {sizes}"
    yield f"  the unit: {_EXPANSION[d.expansion]}" if d.scheme != DENSE else "  dense: there is nothing to expand"
    yield from _figures(plan, d, costs)
    for work, unit in zip(plan.works, plan.units, strict=True):
        for use in (u for u in work.uses if u.weight.name == d.name and unit == d.unit):
            yield f"  in {root_name(work)}:"
            yield from use_lines(work, use, costs)
    for choice in CHOICES:
        times = " + ".join(f"{use.parts[choice].ms:.6f}" for use in d.uses)
        total = d.predict_ms_if_load if choice == LOAD else d.predict_ms_if_predict
        yield f"  predict if expanded at {choice}: {times} = {total:.6f} ms"
    yield from _load_and_memory(plan, d, costs)
    yield from _verdict(d)


_EXPANSION = {
    "streams": "can expand it inside the op, at each prediction",
    "explicit": "can expand it into a buffer before the op, at each prediction",
    "folds": "can expand it at load only; what stands under predict is what it would take",
}


def _figures(plan: Plan, d: Decision, costs: UnitCosts) -> Iterator[str]:
    unit, scheme = costs.unit, costs.unit.schemes.get(d.scheme)
    yield "  figures of the table:"
    shown: list[tuple[str, Figure | None]] = [
        (f"arithmetic_tflops.{name}", figure) for name, figure in unit.arithmetic_tflops.items()
    ]
    names = (
        "activation_gbps",
        "weight_gbps",
        "weight_cache_mb",
        "weight_cache_gbps",
        "on_chip_mb",
        "expand_gweights_per_s",
    )
    shown += [(name, getattr(unit, name)) for name in names]
    if scheme is not None:
        shown += _scheme_figures(d, scheme)
    shown.append(("disk_gbps", plan.device.disk_gbps))
    for name, figure in shown:
        if figure is not None:
            yield f"    {name} = {figure.value:.9g} ({figure.how}: {figure.source})"
    weights = f"{costs.dense_bytes:,} bytes of dense weights"
    yield f"  all that may run on the unit: {costs.base_ms:.6f} ms of work, {weights}"


def _scheme_figures(d: Decision, scheme: SchemeCosts) -> list[tuple[str, Figure | None]]:
    prefix = f"schemes.{d.scheme}"
    name, decode = decode_figure(scheme, d.storage.bits)
    return [
        (f"{prefix}.{name}", decode),
        (f"{prefix}.stream_gbps", scheme.stream_gbps),
        (f"{prefix}.buffer_gweights_per_s", scheme.buffer_gweights_per_s),
        (f"{prefix}.table_ns", scheme.table_ns),
        (f"{prefix}.arithmetic_tflops", scheme.arithmetic_tflops),
        (f"{prefix}.skips_zeros_from", scheme.skips_zeros_from),
    ]  # fmt: skip


def _load_and_memory(plan: Plan, d: Decision, costs: UnitCosts) -> Iterator[str]:
    read = d.load_ms_if_predict
    disk = at(plan.device.disk_gbps, "GB/s", "disk_gbps")
    yield f"  load, reading: {d.stored_bytes:,} bytes / {disk} = {read:.6f} ms"
    if d.scheme != DENSE:
        rate = at(costs.unit.expand_gweights_per_s, "G/s", "expand_gweights_per_s")
        yield f"  if expanded at load, more: {d.elements:,} weights / {rate} = {d.load_ms_if_load - read:.6f} ms"
    yield (
        f"  memory: {d.resident_bytes_if_load:,} bytes if expanded at load, "
        f"{d.resident_bytes_if_predict:,} if at predict"
    )


def _verdict(d: Decision) -> Iterator[str]:
    word = "costs" if d.price_ms > 0 else "saves"
    yield f"  the choice {word} {abs(d.price_ms):.6f} ms at each prediction against the other one"
    for flip in d.flips:
        yield f"  by time it flips where {flip.figure} = {flip.value:.6g} (it is {flip.now:g})"
    if not d.flips and d.scheme != DENSE and d.expansion != "folds":
        yield "  no decode rate and no price of a table makes both choices alike"
