"""What `optc simulate` prints."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from optc.driver.console import console, plain_table
from optc.driver.output import printable

if TYPE_CHECKING:
    from backends.plan import Plan
    from backends.simulation import Simulation
    from optc.driver.comparison import Difference

_OF_OUTPUTS = ("name", "snr_db", "max_error", "exact", "problem")


def simulation_json(found: "Simulation", rows: "Sequence[Difference]") -> dict[str, Any]:
    """A simulation as plain data; `outputs` are held against the reference, and empty where no inputs were given."""
    outputs = [{key: row.to_json()[key] for key in _OF_OUTPUTS} for row in rows]
    return {**found.to_json(), "outputs": outputs}


def show_simulation(plan: "Plan", found: "Simulation", rows: "Sequence[Difference]") -> None:
    """How busy each resource is, the longest kernels, what outputs differ by, and the totals."""
    out = console()
    busy = plain_table("unit", "resource", " busy ms", " of the time")
    for row in found.utilisation():
        busy.add_row(row["unit"], row["resource"], f"{row['busy_ms']:.4f}", f"{row['utilisation']:.1%}")
    out.print(busy)
    longest = plain_table("longest steps", "unit", " ms", " from ms", "busy with")
    for span in found.to_json()["longest"]:
        times = f"{span['ms']:.4f}", f"{span['start_ms']:.4f}"
        longest.add_row(printable(span["name"]), span["unit"], *times, span["bound"])
    out.print(longest)
    if rows:
        outputs = plain_table("output", " SNR dB", " largest error", " ")
        for difference in rows:
            outputs.add_row(*_output_row(difference))
        out.print(outputs)
    predict = f"{found.predict_ms:.3f}"
    planned = "" if f"{found.planned_ms:.3f}" == predict else f" ({found.planned_ms:.3f} by the plan)"
    memory = f"bytes: {found.resident_bytes:,} resident, {found.peak_bytes:,} peak"
    out.print(printable(f"{plan.device.title}: load {found.load_ms:.2f} ms, predict {predict} ms{planned}; {memory}"))


def _output_row(row: "Difference") -> tuple[str, ...]:
    if row.same:
        return printable(row.name), "", "0", "the same as the reference"
    snr = "" if row.snr_db is None else f"{row.snr_db:.1f}"
    return printable(row.name), snr, "" if row.max_error is None else f"{row.max_error:.3g}", row.problem
