"""A board with an accelerator that runs nothing but convolutions and what goes with them."""

from importlib.resources import files

from backends.plugins import Backend
from backends.rule import Rule
from optc.ir.op import Op

RUNS = ("conv", "relu", "add", "max_pool", "reshape")


def _is_other(op: Op) -> bool:
    return op.name not in RUNS


backend = Backend(
    devices={"acme-board": files("acme_optc") / "board.toml"},
    rules={"npu": (Rule("acme-ops", f"runs {', '.join(RUNS)} only", _is_other, "Acme board manual, table 7"),)},
)
