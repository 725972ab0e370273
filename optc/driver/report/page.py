"""One self-contained HTML page about a model: no request leaves it, and nothing in it runs but its own script.

Names come from files that are not trusted. The template escapes all of them, data reach the script in base64, in which
no tag can end, the script writes them as text, and a Content-Security-Policy allows this style and this script, by
their hashes, and nothing else.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata, resources
from typing import Any

import attrs
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from backends.decision import Decision
from backends.plan import Plan
from optc.driver.comparison import alike
from optc.driver.report import charts
from optc.driver.report.columns import Column
from optc.driver.report.names import shown
from optc.driver.report.plans import Planned, plan_json
from optc.driver.report.totals import by_device, rows_of_totals
from optc.driver.report.weights import WeightFacts, facts_of, histograms_json, weight_table
from optc.ir.block import Program
from optc.ops.weights import stored_bytes
from optc.pipeline.instrumentation import Progress, ignore_progress

MOST_HISTOGRAMS = 3_000
_DATA = '<script type="text/plain" id="data">'
SCRIPTS = ("table.js", "histogram.js", "timeline.js", "page.js")


@attrs.frozen(eq=False)
class Model:
    """A program with the name of its file, and its plans, one for each device."""

    name: str
    program: Program
    plans: Sequence[Plan] = ()

    def planned(self, with_name: bool) -> list[Planned]:
        """The plans with the names that the page calls them by: of the device, and of the model if asked for."""
        ahead = f"{shown(self.name)}, " if with_name else ""
        return [
            Planned(f"{ahead}{shown(plan.device.title)}", f"{ahead}{shown(plan.device.name)}", shown(self.name), plan)
            for plan in self.plans
        ]


def report_page(model: Model, against: Model | None = None, report: Progress = ignore_progress) -> str:
    """The page; the same models and plans give the same text.

    Errors are of `model`, held against `against`; plans are shown of `model` and compared with those of `against`.
    """
    first, second = model.program, None
    if against is not None:
        second, first = alike(against.program, model.program)
    facts, missing = facts_of(first, second, report)
    planned = model.planned(with_name=against is not None)
    others = [] if against is None else against.planned(with_name=True)
    groups = by_device(planned, others)
    script, style = "".join(map(_read, SCRIPTS)), _read("page.css")
    data = {
        "weights": weight_table(facts, _per_plan(planned, others, facts), against is not None),
        "histograms": histograms_json(facts[:MOST_HISTOGRAMS]),
        "plans": list(_plans(planned, report)),
    }
    return _environment().get_template("page.html").render(
        script=Markup(script), style=Markup(style), policy=_policy(script, style), data=packed(data),
        version=metadata.version("optc"), model=shown(model.name), against=against and shown(against.name),
        totals=_totals(facts), planned=planned, groups=groups, compared=rows_of_totals(groups),
        schemes=charts.sizes_by_scheme(facts), largest=charts.sizes_by_weight(facts),
        errors=charts.errors_by_weight(facts), strip=charts.strip_of_errors(facts),
        missing=[shown(name) for name in missing[:10]], missing_count=len(missing),
        shares=[_shares(one) for group in groups for one in group.plans],
        problems=[(shown(fact.weight.name), fact.problem) for fact in facts if fact.problem][:10],
        count=len(facts), most_histograms=MOST_HISTOGRAMS,
    )  # fmt: skip


def _plans(planned: Sequence[Planned], report: Progress) -> Iterator[dict[str, Any]]:
    for done, one in enumerate(planned):
        report("working plans out", done, len(planned))
        yield plan_json(one)


def _shares(one: Planned) -> charts.Bar:
    return charts.stacked(one.name, one.shares, f"{one.totals['predict_ms']:.4g} ms")


def _per_plan(planned: Sequence[Planned], others: Sequence[Planned], facts: Sequence[WeightFacts]) -> list[Column]:
    """For each of several plans, what the uses of a weight take and when it is expanded."""
    if len(planned) + len(others) < 2:
        return []
    names = [fact.weight.name for fact in facts]
    other_names = ["" if fact.other is None else fact.other.name for fact in facts]
    return [
        column
        for plans, known in ((planned, names), (others, other_names))
        for one in plans
        for column in _of_plan(one, known)
    ]


def _of_plan(one: Planned, names: Sequence[str]) -> list[Column]:
    found: dict[str, list[Decision]] = {}
    for decision in one.plan.decisions:
        found.setdefault(decision.name, []).append(decision)
    own = [found.get(name, []) for name in names]
    choices = [" and ".join(dict.fromkeys(d.choice for d in group)) for group in own]
    return [
        Column(f"ms, {one.short}", "ms", [sum(d.predict_ms for d in group) if group else None for group in own]),
        Column(f"expand at, {one.short}", "text", choices, minor=True),
    ]


def _totals(facts: Sequence[WeightFacts]) -> Mapping[str, int | None]:
    """Bytes of the weights; what several of them share counts once."""
    others = [fact.other for fact in facts if fact.other is not None]
    return {
        "dense": sum(fact.weight.dense_bytes for fact in facts),
        "stored": stored_bytes(fact.weight for fact in facts), "other": stored_bytes(others) if others else None,
    }  # fmt: skip


def packed(data: Mapping[str, object]) -> str:
    """JSON, deflated as zlib does, in base64: plans for several devices, and names in them, are much alike."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode("ascii"))).decode("ascii")


def unpacked(page: str) -> Any:
    """The data that a page holds: what its script does as well."""
    return json.loads(zlib.decompress(base64.b64decode(page.partition(_DATA)[2].partition("<")[0])))


def _policy(script: str, style: str) -> str:
    """The Content-Security-Policy: nothing but this script and this style."""
    hashes = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style))
    of_script, of_style = (f"'sha256-{digest}'" for digest in hashes)
    return f"default-src 'none'; script-src {of_script}; style-src {of_style}; base-uri 'none'; form-action 'none'"


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_read), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
