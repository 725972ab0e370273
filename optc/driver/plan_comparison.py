"""What `optc plan --against` prints: two plans beside each other, A and B."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from optc.driver.console import console, counted, grouped, plain_table
from optc.driver.output import printable
from optc.driver.plan_tables import notes_of

if TYPE_CHECKING:
    from backends.decision import Decision
    from backends.plan import Plan
    from backends.reasons import PlannedOp

MOST_ALONE = 10
"""Rows that are shown of what only one of the plans has."""


@attrs.frozen
class Side:
    """One of the two: the model's name and its plan."""

    model: str
    plan: "Plan"


@attrs.frozen
class Row:
    """A weight or an op by its name, with what each plan says of it; None where it has none of that name."""

    name: str
    a: Any
    b: Any

    @property
    def first(self) -> Any:
        """What A says, or else B."""
        return self.b if self.a is None else self.a


def rows_of(a: "Plan", b: "Plan", rows: str, by: str) -> list[Row]:
    """What differs, weight by weight or op by op: first what both have, then what only A has, then B.

    Ops are matched by the names of their results, those that run with the same op in both plans are left out.
    """
    if rows == "weight":
        return _ordered(_matched(a.decisions, b.decisions), _weight_differs, by, lambda d: d.resident_bytes)
    from backends.reasons import planned_ops

    both = _matched(planned_ops(a), planned_ops(b))
    return _ordered(both, _op_differs, by, lambda op: op.ms)


def _matched(a: Iterable[Any], b: Iterable[Any]) -> list[Row]:
    """Rows by name; the second of a name goes with the second of that name."""
    first, second = (_by_name(items) for items in (a, b))
    return [Row(key[0], first.get(key), second.get(key)) for key in dict.fromkeys([*first, *second])]


def _by_name(items: Iterable[Any]) -> Mapping[tuple[str, int], Any]:
    seen: dict[str, int] = {}
    found = {}
    for item in items:
        seen[item.name] = seen.get(item.name, -1) + 1
        found[item.name, seen[item.name]] = item
    return found


def _ordered(rows: Sequence[Row], differs: Callable[[Row], bool], by: str, size: Callable[[Any], float]) -> list[Row]:
    keys: Mapping[str, Callable[[Row], Any]] = {
        "time": lambda row: -_ms(row.first), "name": lambda row: row.name, "size": lambda row: -size(row.first),
        "order": lambda row: 0,
    }  # fmt: skip
    kept = [row for row in rows if row.a is None or row.b is None or differs(row)]
    return sorted(sorted(kept, key=keys[by]), key=lambda row: 2 if row.a is None else int(row.b is None))


def _ms(item: Any) -> float:
    return float(item.ms if hasattr(item, "ms") else item.predict_ms)


def _weight_differs(row: Row) -> bool:
    return bool((row.a.unit, row.a.choice, row.a.form, row.a.predict_ms) != (
        row.b.unit, row.b.choice, row.b.form, row.b.predict_ms
    ))  # fmt: skip


def _op_differs(row: Row) -> bool:
    if row.a.fused_into and row.b.fused_into:
        return False
    return bool(
        (row.a.op, row.a.unit, row.a.ms, row.a.fused_into) != (row.b.op, row.b.unit, row.b.ms, row.b.fused_into)
    )


def comparison_json(a: Side, b: Side, rows: str, by: str) -> dict[str, Any]:
    """Both plans as plain data, and the rows that differ, by `rows` and `by`."""
    from backends.record import plan_json

    cells: Callable[[Any], dict[str, Any]] = _weight_json if rows == "weight" else _op_json
    return {
        "a": plan_json(a.plan), "b": plan_json(b.plan), "models": {"a": a.model, "b": b.model},
        "differences": [
            {"name": row.name, **{side: None if item is None else cells(item) for side, item in _sides(row)}}
            for row in rows_of(a.plan, b.plan, rows, by)
        ],
    }  # fmt: skip


def _sides(row: Row) -> tuple[tuple[str, Any], tuple[str, Any]]:
    return ("a", row.a), ("b", row.b)


def _weight_json(d: "Decision") -> dict[str, Any]:
    return {
        "unit": d.unit, "form": d.form, "choice": d.choice, "ms": d.predict_ms, "resident_bytes": d.resident_bytes
    }  # fmt: skip


def _op_json(op: "PlannedOp") -> dict[str, Any]:
    return {"op": op.op, "unit": op.unit, "ms": op.ms, "fused_into": op.fused_into}


def show_comparison(a: Side, b: Side, rows: str, by: str) -> None:
    """Which is A and which is B, totals and shares, the weights or ops that differ, and what else to know of each."""
    shown = console()
    for word, side in (("A", a), ("B", b)):
        units = side.plan.request.units
        only = "" if units == "all" else f", units {units}"
        shown.print(printable(f"{word}: {side.model} on {side.plan.device.name}{only}"))
    shown.print(_totals(a.plan, b.plan))
    found = rows_of(a.plan, b.plan, rows, by)
    alone = {word: [row for row in found if getattr(row, other) is None] for word, other in (("A", "b"), ("B", "a"))}
    left_out = {id(row) for group in alone.values() for row in _least(group)}
    table = plain_table(*_COLUMNS[rows])
    for row in found:
        if id(row) not in left_out:
            table.add_row(*(_weight_cells(row) if rows == "weight" else _op_cells(row)))
    if table.row_count:
        shown.print(table)
    else:
        shown.print(f"no {rows} differs")
    for word, group in alone.items():
        if group:
            more = f", {len(_least(group)):,} of them not shown" if _least(group) else ""
            shown.print(f"only in {word}: {counted(len(group), rows)}{more}")
    for word, side in (("A", a), ("B", b)):
        for note in notes_of(side.plan):
            shown.print(printable(f"{word}: {note}"))


_COLUMNS = {
    "weight": ("weight", "in A", "in B", " ms in A", " ms in B", " bytes in A", " bytes in B"),
    "op": ("op", "result", "in A", "in B", " ms in A", " ms in B"),
}


def _least(group: Sequence[Row]) -> list[Row]:
    """Of what one plan has alone, that which takes least time, if there is much of it."""
    return sorted(group, key=lambda row: -_ms(row.first))[MOST_ALONE:]


def _totals(a: "Plan", b: "Plan") -> Any:
    table = plain_table("", " A", " B", " B / A")
    for name in ("load_ms", "predict_ms", "disk_bytes", "resident_bytes", "peak_bytes"):
        first, second = getattr(a.totals, name), getattr(b.totals, name)
        both = [f"{v:.4f}" if name.endswith("ms") else grouped(v) for v in (first, second)]
        table.add_row(name.replace("_", " "), *both, f"{second / first:.3f}" if first else "")
    for cause in a.shares:
        table.add_row(f"share of {cause}", f"{a.shares[cause]:.1%}", f"{b.shares[cause]:.1%}", "")
    return table


def _weight_cells(row: Row) -> tuple[str, ...]:
    sides: tuple[Decision | None, ...] = (row.a, row.b)
    return (
        printable(row.name), *("" if d is None else f"{d.form}, {d.choice}, {d.unit}" for d in sides),
        *("" if d is None else f"{d.predict_ms:.4f}" for d in sides),
        *("" if d is None else grouped(d.resident_bytes) for d in sides),
    )  # fmt: skip


def _op_cells(row: Row) -> tuple[str, ...]:
    sides: tuple[PlannedOp | None, ...] = (row.a, row.b)
    names = dict.fromkeys(op.op for op in sides if op is not None)
    return (
        ", ".join(names), printable(row.name), *("" if op is None else _place(op) for op in sides),
        *("" if op is None or op.fused_into else f"{op.ms:.4f}" for op in sides),
    )  # fmt: skip


def _place(op: "PlannedOp") -> str:
    return printable(f"{op.unit}, with {op.fused_into}" if op.fused_into else op.unit)
