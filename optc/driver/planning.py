"""Plans: what `optc.plan` offers."""

from collections.abc import Mapping

from backends.cost_table import load_device
from backends.costs import Sizes
from backends.plan import Plan, make_plan
from optc.errors import UsageError
from optc.ir.block import Program
from optc.ir.dims import SymDim
from optc.ir.types import TensorType
from optc.pipeline.suggest import did_you_mean

__all__ = ["Plan", "plan"]


def plan(
    program: Program,
    device: str,
    unit: str = "npu",
    pins: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Plan:
    """Decide for each weight whether it is expanded at load or at prediction, on a unit of a device.

    `device` is a name, or the path of a `.toml` file; `pins` says `load` or `predict` for weights by name; `sizes`
    says what symbolic dimensions are taken to be (1).

    Raises:
        UsageError: there is no such device, unit, pinned weight, or symbolic dimension.
    """
    table = load_device(device)
    known = _symbols(program)
    for name in sizes or {}:
        if name not in known:
            raise UsageError(
                "no-such-dimension", "plan", "size", "of a symbolic dimension of the model", name,
                did_you_mean(name, known) or (f"known are {', '.join(sorted(known))}" if known else "it has none"),
            )  # fmt: skip
    return make_plan(program, table, unit, pins, Sizes(sizes or {}))


def _symbols(program: Program) -> set[str]:
    """The names in the dimensions of the main function's values."""
    body = program.main.body
    values = (*body.params, *(value for op in body.ops for value in op.results))
    shapes = (value.type.shape for value in values if isinstance(value.type, TensorType))
    return {name for shape in shapes for dim in shape if isinstance(dim, SymDim) for name in dim.names()}
