"""Plans: what `optc.plan` and `optc.explain` offer."""

from collections.abc import Mapping, Sequence

from backends.device_files import load_device
from backends.explanation import explain as explain_plan
from backends.plan import Plan, Request, make_plan
from backends.sizes import Sizes
from optc.driver.sized import sized, symbols
from optc.errors import UsageError
from optc.ir.block import Program
from optc.pipeline.suggest import did_you_mean

__all__ = ["Plan", "explain", "plan"]


def plan(
    program: Program,
    device: str,
    units: str = "all",
    pins: Mapping[str, str] | None = None,
    sizes: Mapping[str, int] | None = None,
    *,
    memory_limit: int | None = None,
    objective: str = "latency",
    settings: Sequence[str] = (),
) -> Plan:
    """Say where each op runs on a device, and for each weight whether it is expanded at load or at prediction.

    `device` is a name, or the path of a `.toml` file; `settings` such as `npu.weight_gbps=60` override its figures.
    `units` are those that may be used: `all`, `cpu`, `cpu+gpu`, `cpu+npu`. `pins` says `load` or `predict` for weights
    by name, or for all compressed ones whose names match a pattern (`features.*`); a name counts before patterns.
    `sizes` says what symbolic dimensions are taken to be (1); a program that has such is cleaned up, and if it computes
    sizes planned, and lowered, for these alone (`optc.driver.sized`). `memory_limit` is in resident bytes of weights;
    `objective` is what is made least: `latency`, `memory` or `load`.

        optc.plan(program, "iphone14pro", memory_limit=4_000_000).totals.predict_ms

    Raises:
        UsageError: there is no such device, unit, figure, pinned weight, objective, or symbolic dimension.
        OptcError: slug `memory-limit`: the weights do not fit, however they are expanded.
    """
    table = load_device(device, settings)
    sizes_by_program([program], sizes or {})
    given = Sizes(sizes or {})
    assumed = tuple(sorted({n for p in program.main.body.params for n in given.unknown(p.type)} - {"?"}))
    request = Request(units, pins or {}, given, memory_limit, objective, assumed)
    return make_plan(sized(program, sizes or {}), table, request, program)


def sizes_by_program(programs: Sequence[Program], sizes: Mapping[str, int]) -> list[dict[str, int]]:
    """Of sizes for several programs, those for each: the ones of dimensions that it has.

    Raises:
        UsageError: slug `no-such-dimension`: no program has the dimension.
    """
    own = [symbols(program) for program in programs]
    known = set().union(*own)
    for name in sizes:
        if name not in known:
            raise UsageError(
                "no-such-dimension", "plan", "size", "of a symbolic dimension of the model", name,
                did_you_mean(name, known) or (f"known are {', '.join(sorted(known))}" if known else "it has none"),
            )  # fmt: skip
    return [{name: size for name, size in sizes.items() if name in mine} for mine in own]


def explain(
    program: Program, weight: str, device: str, units: str = "all", sizes: Mapping[str, int] | None = None
) -> str:
    """The whole arithmetic of the decision on one weight, as text.

    Raises:
        UsageError: as `plan` does, or there is no such weight.
    """
    return explain_plan(plan(program, device, units, sizes=sizes), weight)
