"""The page of a report: whole in itself, safe before hostile names, the same each time."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import attrs
import numpy as np
import pytest

from backends.device_files import load_device
from backends.explanation import explain
from backends.plan import make_plan
from optc.driver.facade import compress
from optc.driver.report.page import Model, report_page, unpacked
from optc.driver.report.skeletons import restored
from optc.driver.report.totals import TOTALS
from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.activations import Relu
from optc.ops.matmul import Linear
from passes.compress.palettize import Palettize
from tests.command_line import optc
from tests.unit.driver.small_model import write_model

HOSTILE = (
    "</script><script>alert(1)</script>", "<img src=x onerror=alert(2)>", '" autofocus onfocus="alert(3)', "{{ 7*7 }}",
    "<!--<script>", "a\u202eb\x00\x1b[31m\ud800", "&lt;&amp;", "x" * 100_000,
)  # fmt: skip
DEVICES = ("iphone14pro", "macbook-m2")


class Page(HTMLParser):
    """What a page is made of: its tags with their attributes, and the text of its script and style elements."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.said: list[str] = []
        self.text = text
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.cdata_elem in self.raw:
            self.raw[str(self.cdata_elem)][-1] += data
        else:
            self.said.append(data)

    @property
    def data(self) -> dict[str, dict]:
        """What the script works on."""
        found: dict[str, dict] = unpacked(self.text)
        return found


def program_of(names: tuple[str, ...] = HOSTILE) -> Program:
    """A chain of layers whose weights and results have these names."""
    b = Builder()
    x = b.param(TensorType(DType.F32, (1, 64)), "x")
    rng = np.random.default_rng(0)
    for name in names:
        weight = b.const(rng.standard_normal((64, 64)).astype(np.float32), name)
        x = b.add(Relu(b.add(Linear(x, weight), name)), name)
    return b.program(y=x)


def both(names: tuple[str, ...], file: str) -> tuple[Model, Model]:
    """A palettized model and the dense one, each planned for all devices."""
    dense = program_of(names)
    programs = ((file, compress(dense, Palettize(bits=4))), ("model.onnx", dense))
    first, second = (
        Model(name, program, [make_plan(program, load_device(device)) for device in DEVICES])
        for name, program in programs
    )
    return first, second


@pytest.fixture(scope="module")
def models() -> tuple[Model, Model]:
    return both(HOSTILE, "<b>small</b>.onnx")


@pytest.fixture(scope="module")
def text(models: tuple[Model, Model]) -> str:
    return report_page(*models)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_names_never_become_markup(page: Page, text: str) -> None:
    harmless = Page(report_page(*both(tuple("abcdefgh"), "small.onnx")))
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in harmless.tags]
    assert [tag for tag, _ in page.tags].count("script") == 2
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    assert "<b>small" not in text
    assert "<b>small</b>.onnx" in "".join(page.said)


def test_names_reach_the_script_as_they_are_without_what_steers_text_and_cut_where_long(page: Page) -> None:
    names = page.data["weights"]["columns"][0]["texts"]
    assert names[:5] == list(HOSTILE[:5])
    assert names[5] == "a\\u202eb\\x00\\x1b[31m\\ud800"
    assert len(names[7]) < 200
    page_text = json.dumps(page.data)
    assert len(page_text) < 400_000


def test_nothing_but_its_own_style_and_script_is_allowed(page: Page) -> None:
    (policy,) = (a["content"] for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    assert rules["default-src"] == "'none'"
    for kind, source in (("script", page.raw["script"][-1]), ("style", page.raw["style"][0])):
        digest = base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
        assert rules[f"{kind}-src"] == f"'sha256-{digest}'"


def test_nothing_is_loaded_from_anywhere(page: Page) -> None:
    pointing = [a for _, a in page.tags if {"src", "href", "action", "data", "srcset", "xlink:href"} & set(a)]
    assert pointing
    assert all(str(a.get("href")).startswith("#") and len({"src", "action", "data"} & set(a)) == 0 for a in pointing)
    assert not re.search(
        r"url\(|@import|https?:(?!//www\.w3\.org/2000/svg)", page.raw["style"][0] + page.raw["script"][-1]
    )


def test_the_same_models_give_the_same_page(models: tuple[Model, Model], text: str) -> None:
    again = Model(models[0].name, models[0].program, [make_plan(models[0].program, p.device) for p in models[0].plans])
    assert report_page(again, models[1]) == text


def test_every_id_is_there_once_and_every_link_leads_to_one(page: Page) -> None:
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    links = {str(a["href"])[1:] for t, a in page.tags if t == "a"}
    assert links <= set(ids)
    labels = {a[key] for _, a in page.tags for key in ("aria-labelledby",) if key in a}
    assert labels <= set(ids)


def test_the_plan_of_each_device_is_there_with_its_arithmetic_word_for_word() -> None:
    program = compress(program_of(("a", "b")), Palettize(bits=4))
    plans = [make_plan(program, load_device(device)) for device in DEVICES]
    data = Page(report_page(Model("m.onnx", program, plans))).data
    assert [one["name"] for one in data["plans"]] == [plan.device.title for plan in plans]
    for plan, shown in zip(plans, data["plans"], strict=True):
        for row, decision in enumerate(plan.decisions):
            at = shown["arithmetic"]["of"][row]
            assert restored(shown["arithmetic"], at) == explain(plan, decision.name)
        names, choices = (shown["decisions"]["columns"][n] for n in (0, 3))
        pairs = [(names["texts"][a], choices["texts"][b]) for a, b in zip(names["at"], choices["at"], strict=True)]
        assert pairs == [(d.name, d.choice) for d in plan.decisions]


def totals_of(text: str) -> dict[str, list[str]]:
    """The rows of the table of predicted totals: for each label the texts of its cells."""
    table = text.partition('<table class="compared">')[2].partition("</table>")[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")[1:]]
    return {cells[0]: cells[1:] for cells in rows}


def test_plans_are_compared_with_the_other_model_on_the_same_device_and_not_between_devices() -> None:
    first, second = both(("a", "b"), "small.onnx")
    rows = totals_of(report_page(first, second))
    for key, label in TOTALS.items():
        for at in range(len(DEVICES)):
            mine, other = (getattr(model.plans[at].totals, key) for model in (first, second))
            base, held = rows[label][2 * at : 2 * at + 2]
            said = (f"{number:.4g}" if key.endswith("ms") else f"{number:,}" for number in (other, mine))
            assert (base, held) == (next(said), f"{next(said)} <small>{mine / other:.3f} times</small>")
    alone = report_page(first)
    assert "<small>" not in str(totals_of(alone))
    assert "ratios" not in alone.partition("</caption>")[0]


def test_of_a_device_that_only_one_model_was_planned_for_there_are_no_ratios() -> None:
    first, second = both(("a", "b"), "small.onnx")
    page = report_page(attrs.evolve(first, plans=first.plans[:1]), attrs.evolve(second, plans=second.plans[1:]))
    assert "times</small>" not in page
    assert len(totals_of(page)["load, ms"]) == 2


def test_a_further_device_makes_the_page_larger_by_little_as_its_plan_holds_the_same_names() -> None:
    program = program_of(tuple(f"encoder.layers.{number}.attention.projection.weight" for number in range(50)))
    plans = [
        make_plan(program, load_device(device)) for device in ("iphone14pro", "iphone15pro", "macbook-m1", "macbook-m2")
    ]
    sizes = [len(report_page(Model("m.onnx", program, plans[:count]))) for count in (0, 1, 4)]
    plain = len(json.dumps(Page(report_page(Model("m.onnx", program, plans[:1]))).data["plans"]))
    assert sizes[2] - sizes[1] < 3 * (sizes[1] - sizes[0]) < 3 * plain / 2


def test_the_events_of_a_timeline_end_where_it_ends() -> None:
    program = compress(program_of(("a", "b")), Palettize(bits=4))
    plan = make_plan(program, load_device("iphone14pro"))
    (shown,) = Page(report_page(Model("m.onnx", program, [plan]))).data["plans"]
    predict = shown["timelines"][0]
    ends = [sum(track["gaps"]) + track["ticks"][-1] for track in predict["tracks"]]
    assert max(ends) * predict["tick_ms"] == pytest.approx(predict["total_ms"], rel=1e-5)
    for track in predict["tracks"]:
        assert sum(track["ticks"]) * predict["tick_ms"] == pytest.approx(track["busy_ms"], rel=1e-4)


def test_without_another_model_and_devices_it_tells_of_sizes_alone() -> None:
    page = Page(report_page(Model("m.onnx", program_of(("a",)))))
    ids = {a["id"] for _, a in page.tags if "id" in a}
    assert {"summary", "sizes", "weights"} <= ids
    assert not {"errors", "plan", "timeline"} & ids


def test_a_model_without_weights_has_a_page() -> None:
    b = Builder()
    program = b.program(y=b.add(Relu(b.param(TensorType(DType.F32, (2,)), "x"))))
    page = Page(
        report_page(Model("m.onnx", program, [make_plan(program, load_device("iphone14pro"))]), Model("n", program))
    )
    assert page.data["weights"]["rows"] == 0


def test_the_command_writes_the_page_and_says_its_size(tmp_path: Path) -> None:
    model, small, out = write_model(tmp_path / "model.onnx"), tmp_path / "small.onnx", tmp_path / "report.html"
    assert optc("compress", model, "--palettize", 4, "-o", small).code == 0
    done = optc("report", small, "--against", model, "--device", "iphone14pro", "--size", "batch=2", "-o", out)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{out}: {out.stat().st_size:,} bytes\n"
    data = Page(out.read_text("utf-8")).data
    errors = next(column for column in data["weights"]["columns"] if column["label"] == "SNR dB")
    first = data["weights"]["columns"][0]["texts"].index("first")
    assert 15 < errors["numbers"][first] < 40
    assert data["histograms"][first]["entries"] == 16


def test_plans_of_the_page_are_made_as_optc_plan_makes_them(tmp_path: Path) -> None:
    model, small, out = write_model(tmp_path / "model.onnx"), tmp_path / "small.onnx", tmp_path / "report.html"
    assert optc("compress", model, "--palettize", 4, "-o", small).code == 0
    device = ("--device", "iphone14pro")
    against = ("--against", model)
    for asked, other in (
        (("--pin", "first=predict"), against), (("--pin", "first=load"), against),
        (("--objective", "memory"), against), (("--memory-limit", 20_000), ()),
    ):  # fmt: skip
        planned = json.loads(optc("plan", small, *device, *asked, "--json").out)
        assert optc("report", small, *other, *device, *asked, "-o", out).code == 0
        (shown,) = Page(out.read_text("utf-8")).data["plans"]
        names, choices, reasons = (shown["decisions"]["columns"][n] for n in (0, 3, 4))
        found = zip(*([c["texts"][at] for at in c["at"]] for c in (names, choices, reasons)), strict=True)
        assert list(found) == [(w["name"], w["choice"], w["reason"]) for w in planned["weights"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-o", "%t/report.pdf"), "suffix of the report must be .html (got .pdf)"),
        (("--device", "iphone14prot", "-o", "%t/a.html"), "did you mean iphone14pro?"),
        (("-o", "%t/absent/a.html"), "output file must be writable"),
        (("--against", "%t/none.onnx", "-o", "%t/a.html"), "no such file"),
        (("--clean", "-o", "%t/a.html"), "optc report: option --clean must be given with --against OTHER"),
        (("--pin", "first=load", "-o", "%t/a.html"), "optc report: option --pin must be given with --device NAME"),
        (("--units", "cpu", "-o", "%t/a.html"), "optc report: option --units must be given with --device NAME"),
        (("--device", "iphone14pro", "--pin", "frist=load", "-o", "%t/a.html"), "did you mean first?"),
        (("--device", "iphone14pro", "--objective", "speed", "-o", "%t/a.html"), "objective must be one of latency"),
        (
            ("--device", "iphone14pro", "--memory-limit", "1", "-o", "%t/a.html"),
            "model.onnx on iphone14pro: memory limit",
        ),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    model = write_model(tmp_path / "model.onnx")
    done = optc("report", model, *(word.replace("%t", str(tmp_path)) for word in arguments))
    assert done.code in (1, 2)
    assert message in done.err
    assert not list(tmp_path.glob("*.html"))
