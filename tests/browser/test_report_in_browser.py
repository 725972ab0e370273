"""The page of a report as a reader has it: with keyboard, in light and dark, at the width of a phone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.device_files import load_device
from backends.explanation import explain
from backends.plan import Plan, make_plan
from optc.driver.facade import compress
from optc.driver.report.page import Model, report_page
from optc.ir.builder import Builder
from optc.ir.dtypes import DType
from optc.ir.types import TensorType
from optc.ops.activations import Relu
from optc.ops.matmul import Linear
from passes.compress.palettize import Palettize

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
LAYERS = 70


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    b = Builder()
    x = b.param(TensorType(DType.F32, (1, 64)), "x")
    rng = np.random.default_rng(0)
    for number in range(LAYERS):
        rows = 64 if number % 2 else 64 + 8 * number
        weight = rng.standard_normal((rows, 64)).astype(np.float32)
        up = b.add(Linear(x, b.const(weight, HOSTILE if number == 3 else f"layer{number}.up")), f"up{number}")
        down = b.const(rng.standard_normal((64, rows)).astype(np.float32), f"layer{number}.down")
        x = b.add(Linear(b.add(Relu(up), f"relu{number}"), down), f"down{number}")
    dense = b.program(y=x)
    programs = (compress(dense, Palettize(bits=4)), dense)
    return [make_plan(program, load_device(name)) for program in programs for name in ("iphone14pro", "macbook-m2")]


@pytest.fixture(scope="module")
def file(plans: list[Plan], tmp_path_factory: pytest.TempPathFactory) -> Path:
    small, dense = Model("small.onnx", plans[0].program, plans[:2]), Model("model.onnx", plans[2].program, plans[2:])
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page(small, dense), "utf-8")
    return path


class Opened:
    """A page in the browser, and what went wrong in it."""

    def __init__(self, chromium: Any, file: Path, **options: Any) -> None:
        self.context = chromium.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html[data-ready=true]", state="attached")

    def texts(self, table: str, column: int) -> list[str]:
        """What a column of a table shows."""
        cells = self.page.locator(f"{table} tbody tr:not(.unfolded) > :nth-child({column + 1})")
        return [text.removeprefix("▸ ") for text in cells.all_text_contents()]

    def head(self, table: str, label: str) -> Any:
        """The button that sorts by a column."""
        return self.page.locator(f"{table} thead").get_by_role("button", name=label, exact=True)


@pytest.fixture
def opened(chromium: Any, file: Path) -> Iterator[Opened]:
    """The page at the size of a desk's screen; it must have loaded nothing else, and said nothing on the console."""
    found = Opened(chromium, file, viewport={"width": 1280, "height": 900})
    yield found
    assert found.wrong == []
    assert found.asked == [file.as_uri()]
    assert found.page.title() == "small.onnx: optc report"
    found.context.close()


def test_it_shows_what_the_plans_say(opened: Opened, plans: list[Plan]) -> None:
    summary = opened.page.locator("#summary").inner_text()
    for plan in plans:
        assert plan.device.title in summary
        assert f"{plan.totals.predict_ms:.4g}" in summary
    assert opened.page.locator("#errors .bars li").count() == 30
    assert opened.page.locator("#decision-table .status").inner_text().startswith(f"{len(plans[0].decisions)} of ")
    assert opened.texts("#decision-table", 0)[:3] == [d.name for d in plans[0].decisions[:3]]


def test_a_hostile_name_is_text(opened: Opened) -> None:
    assert HOSTILE in opened.texts("#decision-table", 0)
    opened.page.locator("#histogram select").select_option(label=HOSTILE)
    assert HOSTILE in opened.page.locator("#histogram figcaption").inner_text()
    assert opened.page.locator("main img").count() == 0


def test_a_table_sorts_both_ways_and_says_so(opened: Opened, plans: list[Plan]) -> None:
    head = opened.head("#decision-table", "bytes if load")
    cell = head.locator("xpath=..")
    assert cell.get_attribute("aria-sort") == "none"
    sizes = sorted(d.resident_bytes_if_load for d in plans[0].decisions)
    for order, expected in (("descending", sizes[::-1]), ("ascending", sizes)):
        head.click()
        assert cell.get_attribute("aria-sort") == order
        assert opened.texts("#decision-table", 7) == [f"{size:,}" for size in expected[:25]]
    opened.head("#decision-table", "weight").click()
    assert cell.get_attribute("aria-sort") == "none"
    assert opened.texts("#decision-table", 0)[1:4] == ["layer0.down", "layer0.up", "layer1.down"]


def test_a_table_filters_by_text_and_by_choice(opened: Opened, plans: list[Plan]) -> None:
    opened.page.get_by_label("Filter ops").fill("RELU1")
    assert opened.texts("#op-table", 0)[0] == "relu1"
    assert all("relu1" in row.lower() for row in opened.page.locator("#op-table tbody tr").all_text_contents())
    opened.page.get_by_label("Filter ops").fill("")
    opened.page.locator("#op-table .controls").get_by_label("op", exact=True).select_option(label="linear")
    assert set(opened.texts("#op-table", 1)) == {"linear"}
    assert opened.page.locator("#op-table .status").inner_text().startswith(f"{2 * LAYERS} of {3 * LAYERS} rows")
    opened.page.get_by_label("Filter ops").fill("no such thing")
    assert opened.texts("#op-table", 0) == []


def test_long_tables_show_more_when_asked(opened: Opened) -> None:
    assert len(opened.texts("#op-table", 0)) == 25
    opened.page.locator("#op-table").get_by_role("button", name="Show 25 more").click()
    assert len(opened.texts("#op-table", 0)) == 50
    opened.page.locator("#op-table").get_by_role("button", name=f"Show all {3 * LAYERS}").click()
    assert len(opened.texts("#op-table", 0)) == 3 * LAYERS


def test_a_name_unfolds_the_arithmetic_of_its_decision_with_the_keyboard(opened: Opened, plans: list[Plan]) -> None:
    button = opened.page.locator("#decision-table tbody button").nth(2)
    button.focus()
    opened.page.keyboard.press("Enter")
    assert button.get_attribute("aria-expanded") == "true"
    assert opened.page.locator("#decision-table pre").inner_text() == explain(plans[0], plans[0].decisions[2].name)
    opened.page.keyboard.press("Space")
    assert opened.page.locator("#decision-table pre").count() == 0


def test_another_device_shows_its_own_plan(opened: Opened, plans: list[Plan]) -> None:
    opened.page.locator("#devices").get_by_label(plans[1].device.title).check()
    opened.page.locator("#decision-table tbody button").first.click()
    assert opened.page.locator("#decision-table pre").inner_text() == explain(plans[1], plans[1].decisions[0].name)


def test_the_histogram_is_of_the_chosen_weight_with_its_palette(opened: Opened) -> None:
    select = opened.page.locator("#histogram select")
    select.select_option(label="layer5.up")
    assert opened.page.locator("#histogram figcaption").inner_text().startswith("layer5.up: ")
    assert len((opened.page.locator("#histogram path.c-palette").get_attribute("d") or "").split("M")) == 17
    assert opened.page.locator("#histogram path.c-before").get_attribute("d")
    opened.page.locator("#histogram").get_by_role("button", name="Next").click()
    assert opened.page.locator("#histogram figcaption").inner_text().startswith("layer5.down: ")


def test_the_timeline_is_stepped_through_and_zoomed_with_the_keyboard(opened: Opened) -> None:
    picture = opened.page.locator("#tracks svg.tracks")
    said = opened.page.locator("#tracks .event")
    picture.focus()
    opened.page.keyboard.press("ArrowDown")
    first = said.inner_text()
    assert first.endswith(" ms from 0 ms on")
    opened.page.keyboard.press("ArrowDown")
    assert said.inner_text() != first
    opened.page.keyboard.press("ArrowUp")
    assert said.inner_text() == first
    before = picture.inner_html()
    opened.page.keyboard.press("+")
    assert picture.inner_html() != before
    opened.page.keyboard.press("Home")
    assert picture.inner_html() == before


def test_stepping_forward_comes_past_every_event_once(opened: Opened) -> None:
    events = opened.page.evaluate(
        "async () => { const data = await pageData();"
        " return data.plans[0].timelines[0].tracks.reduce((sum, track) => sum + track.gaps.length, 0); }"
    )
    steps = opened.page.evaluate(
        """() => {
          const next = [...document.querySelectorAll("#tracks button")].find((b) => b.textContent === "Next event");
          const said = document.querySelector("#tracks .event");
          let steps = 0;
          for (let before = null; before !== said.textContent && steps < 5000; steps += 1) {
            before = said.textContent;
            next.click();
          }
          return steps - 1;
        }"""
    )
    assert steps == events


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_at_the_width_of_a_phone_nothing_sticks_out(chromium: Any, file: Path, scheme: str) -> None:
    opened = Opened(chromium, file, viewport={"width": 340, "height": 700}, color_scheme=scheme, has_touch=True)
    for table in ("#weight-table", "#decision-table"):
        opened.page.locator(f"{table} tbody button").first.click()
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 340
    assert opened.wrong == []
    opened.context.close()


def contrast(a: list[float], b: list[float]) -> float:
    """The contrast of two colours, as the Web Content Accessibility Guidelines 2.2 have it."""

    def luminance(colour: list[float]) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_in_light_and_dark(chromium: Any, file: Path, scheme: str) -> None:
    opened = Opened(chromium, file, color_scheme=scheme)
    found = opened.page.evaluate(
        """() => ["--ink", "--soft", "--link", "--paper", "--panel"].map((name) => {
          const box = document.body.appendChild(document.createElement("i"));
          box.style.color = `var(${name})`;
          return getComputedStyle(box).color.match(/[0-9.]+/g).slice(0, 3).map(Number);
        })"""
    )
    *inks, paper, panel = found
    assert (sum(paper) < 200) is (scheme == "dark")
    assert min(contrast(ink, ground) for ink in inks for ground in (paper, panel)) >= 4.5
    opened.context.close()


def test_a_browser_that_cannot_inflate_is_told_so(chromium: Any, file: Path) -> None:
    context = chromium.new_context()
    context.add_init_script("delete globalThis.DecompressionStream")
    page = context.new_page()
    page.goto(file.as_uri())
    assert "need a browser of 2023 or later" in page.locator("#weights").inner_text()
    assert "palettized 4-bit" in page.locator("#sizes").inner_text()
    context.close()


def test_without_the_script_the_page_still_tells_sizes_and_totals(chromium: Any, file: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert "need JavaScript" in page.locator("noscript").inner_text()
    assert "palettized 4-bit" in page.locator("#sizes").inner_text()
    context.close()
