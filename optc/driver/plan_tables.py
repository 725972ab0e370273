"""What `optc plan` prints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from optc.driver.console import console, counted, grouped, plain_table
from optc.driver.output import printable

if TYPE_CHECKING:
    from backends.decision import Decision
    from backends.plan import Plan
    from backends.reasons import PlannedOp


def show_plan(plan: "Plan", rows: str, by: str) -> None:
    """The decision on each compressed weight or the place of each op, the totals, and why it is not faster."""
    from backends.uses import MIN_ELEMENTS
    from optc.ops.weights import stored_bytes

    shown = console()
    shown.print(_weight_table(plan, by) if rows == "weight" else _op_table(plan, by))
    dense = [d for d in plan.decisions if d.scheme == "dense"]
    if dense and rows == "weight":
        stay = "stays as it is" if len(dense) == 1 else "stay as they are"
        size = grouped(sum(d.resident_bytes for d in dense))
        shown.print(f"{counted(len(dense), 'dense weight')} {stay} ({size} bytes resident)")
    if plan.small_weights and rows == "weight":
        count, size = len(plan.small_weights), grouped(stored_bytes(plan.small_weights))
        are = "is part of its op" if count == 1 else "are part of their ops"
        shown.print(f"{counted(count, 'weight')} of fewer than {MIN_ELEMENTS} elements {are} ({size} bytes stored)")
    for line in _totals(plan):
        shown.print(printable(line))


def _weight_table(plan: "Plan", by: str) -> Table:
    table = plain_table(
        "weight", "unit", "stored as", "expand at", "why", " ms if load", " ms if predict", " bytes if load",
        " if predict", "flips where",
    )  # fmt: skip
    keys = {
        "time": lambda d: -d.predict_ms, "name": lambda d: d.name, "size": lambda d: -d.resident_bytes,
        "order": lambda d: 0,
    }  # fmt: skip
    for decision in sorted((d for d in plan.decisions if d.scheme != "dense"), key=keys[by]):
        table.add_row(*_decision_row(decision))
    return table


def _decision_row(decision: "Decision") -> tuple[str, ...]:
    flips = decision.break_even
    return (
        printable(decision.name), decision.unit, decision.form, decision.choice, decision.reason,
        f"{decision.predict_ms_if_load:.4f}", f"{decision.predict_ms_if_predict:.4f}",
        grouped(decision.resident_bytes_if_load), grouped(decision.resident_bytes_if_predict),
        "" if flips is None else f"{flips.figure.split('.', 3)[3]} = {flips.value:.4g}",
    )  # fmt: skip


def _op_table(plan: "Plan", by: str) -> Table:
    from backends.reasons import planned_ops

    table = plain_table("op", "result", "unit", " ms", "bound by", "why here", "runs with")
    keys = {"time": lambda o: -o.ms, "name": lambda o: o.name, "size": lambda o: -o.ms, "order": lambda o: 0}
    for op in sorted(planned_ops(plan), key=keys[by]):
        table.add_row(*_op_row(op))
    return table


def _op_row(op: "PlannedOp") -> tuple[str, ...]:
    return (
        op.op, printable(op.name), op.unit, "" if op.fused_into else f"{op.ms:.4f}",
        "" if op.fused_into else op.bound, op.reason, printable(op.fused_into),
    )  # fmt: skip


def _totals(plan: "Plan") -> Sequence[str]:
    """Totals, where the time goes, what would help, and what the certificate leaves open."""
    from backends.advice import advice_of

    totals = plan.totals
    counts = {unit: sum(u == unit for u in plan.units) for unit in plan.costs}
    places = [f"{counted(number, 'kernel')} on {unit}" for unit, number in counts.items() if number]
    sizes = {"stored": totals.disk_bytes, "resident": totals.resident_bytes, "peak": totals.peak_bytes}
    lines = [
        f"{plan.device.title}: load {totals.load_ms:.2f} ms, predict {totals.predict_ms:.3f} ms; bytes: "
        + ", ".join(f"{grouped(size)} {word}" for word, size in sizes.items()),
        f"{', '.join(places) or 'no kernels'}; {counted(len(plan.transfers), 'hand-over')}",
    ]
    shares = sorted(plan.shares.items(), key=lambda share: -share[1])
    lines.append("where the time goes: " + ", ".join(f"{cause} {share:.1%}" for cause, share in shares if share))
    for number, advice in enumerate(advice_of(plan), 1):
        lines.append(f"{number}. up to {advice.saves_ms:.4f} ms: {advice.says}")
    return lines + notes_of(plan)


def notes_of(plan: "Plan") -> list[str]:
    """What else a reader should know: slower weights, gaps of certificates, sizes that were taken to be 1."""
    from backends.reasons import is_slower

    notes = []
    slower = [d for d in plan.decisions if is_slower(d)]
    if slower:
        more = sum(d.price_ms for d in slower)
        names = ", ".join(d.name for d in slower[:3]) + (", ..." if len(slower) > 3 else "")
        notes.append(f"slower than dense, by {more:.3g} ms: {counted(len(slower), 'weight')} ({names})")
    pins = plan.request.pins
    unpinned: dict[str, list[str]] = {}
    for d in plan.decisions:
        if d.choice != pins.get(d.name, d.choice):
            unpinned.setdefault(f"cannot be expanded at {pins[d.name]} on the {d.unit} ({d.reason})", []).append(d.name)
    for why, held in unpinned.items():
        names = ", ".join(held[:3]) + (f", ... ({counted(len(held), 'weight')})" if len(held) > 3 else "")
        notes.append(f"not pinned: {names}, as {'it' if len(held) == 1 else 'they'} {why}")
    if not plan.placement.exact:
        notes.append(f"placement: at most {plan.placement.ms - plan.placement.bound_ms:.4f} ms from the best")
    if plan.selection.gap_ms:
        notes.append(f"memory limit: at most {plan.selection.gap_ms:.2g} ms from the best choices")
    if plan.request.assumed:
        notes.append(f"taken to be 1: {', '.join(plan.request.assumed)}; give them with --size NAME=N")
    return notes
