"""`optc report`."""

from pathlib import Path

import click

from optc.driver.commands import options
from optc.driver.plan_options import planned_with
from optc.driver.verbosity import say
from optc.errors import UsageError


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), metavar="OTHER", help="A model to hold it against.")
@click.option(
    "--device", "devices", multiple=True, metavar="NAME|FILE.toml", help="Show the plan for a device; may be repeated."
)
@click.option("--units", default="all", show_default=True, help="Units that may be used: all, cpu, cpu+gpu, cpu+npu.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N", help="What a symbolic dimension is taken to be (1).")
@options.settings
@options.clean
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.html", help="The page.")
def command(
    model: Path, against: Path | None, devices: tuple[str, ...], units: str, sizes: tuple[str, ...],
    settings: tuple[str, ...], clean: bool, output: Path,
) -> None:  # fmt: skip
    """Write one page about MODEL: sizes, errors, histograms, plans, timelines.

    The page needs no network. Errors are those of MODEL, held against OTHER.

    \b
    optc report small.onnx -o report.html
    optc report small.onnx --against model.onnx --clean --device iphone14pro --device macbook-m2 -o report.html
    """
    from optc.driver import planning
    from optc.driver.facade import cleaned
    from optc.driver.models import load
    from optc.driver.output import check_place, place_text, printable
    from optc.driver.progress import working
    from optc.driver.report.page import Model, report_page

    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError("report-suffix", str(output), "suffix of the report", ".html", output.suffix or "none")
    asked = [
        planned_with(device, units, (), sizes, settings, None, "latency", "optc report")
        for device in dict.fromkeys(devices)
    ]
    check_place(output)

    def read(path: Path) -> Model:
        with working(f"reading {path.name}"):
            program = cleaned(load(path)) if clean and path is against else load(path)
        with working(f"planning {path.name}"):
            return Model(path.name, program, [planning.plan(program, **wanted) for wanted in asked])

    models = [read(path) for path in (model, against) if path is not None]
    with working("looking at weights") as report:
        page = report_page(models[0], models[1] if against is not None else None, report)
    place_text(output, page)
    say(f"{printable(str(output))}: {output.stat().st_size:,} bytes")
