"""`optc report`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from optc.driver import completions
from optc.driver.commands import options
from optc.driver.plan_options import any_device_options, planned_on
from optc.driver.verbosity import say
from optc.errors import OptcError, UsageError

if TYPE_CHECKING:
    from backends.plan import Plan
    from optc.ir.block import Program


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), metavar="OTHER", help="A model to hold it against.")
@click.option(
    "--device", "devices", multiple=True, metavar="NAME|FILE.toml", shell_complete=completions.devices,
    help="Show the plan for a device; may be repeated.",
)  # fmt: skip
@any_device_options
@options.clean
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT.html", help="The page.")
def command(
    model: Path, against: Path | None, devices: tuple[str, ...], clean: bool, output: Path, **choices: Any,
) -> None:  # fmt: skip
    """Write one page about MODEL: sizes, errors, histograms, plans, timelines.

    The page needs no network. Errors are those of MODEL, held against OTHER; what is pinned are weights of MODEL.

    \b
    optc report small.onnx -o report.html
    optc report small.onnx --against model.onnx --clean --device iphone14pro --device macbook-m2 -o report.html
    """
    from optc.driver import planning
    from optc.driver.facade import cleaned
    from optc.driver.models import files_of
    from optc.driver.output import check_places, place_text, printable
    from optc.driver.progress import working
    from optc.driver.reading import read
    from optc.driver.report.page import Model, report_page

    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError("report-suffix", str(output), "suffix of the report", ".html", output.suffix or "none")
    if clean and against is None:
        hint = "without one there is no original to clean up"
        raise UsageError("option-alone", "optc report", "option --clean", "given with --against OTHER", hint=hint)
    if not devices:
        _check_nothing_planned(choices)
    asked = planned_on(tuple(dict.fromkeys(devices)), where="optc report", **choices) if devices else []
    places = {"--output": output}
    check_places("optc report", places, (model, against, *devices))

    paths = [path for path in (model, against) if path is not None]
    programs = [cleaned(read(path)) if clean and path is against else read(path) for path in paths]
    for path, program in zip(paths, programs, strict=True):
        check_places("optc report", places, files_of(program, path))
    own_sizes = planning.sizes_by_program(programs, asked[0]["sizes"] if asked else {})
    models = []
    for path, program, sizes in zip(paths, programs, own_sizes, strict=True):
        own = {"sizes": sizes} if path is model else {"sizes": sizes, "pins": {}}
        plans = []
        with working(f"planning {path.name}") as report:
            for wanted in asked:
                plans.append(_planned(path, program, {**wanted, **own}))
                report(f"planning {path.name}", len(plans), len(asked))
        models.append(Model(path.name, program, plans))
    with working("looking at weights") as report:
        page = report_page(models[0], models[1] if against is not None else None, report)
    place_text(output, page)
    say(f"{printable(str(output))}: {output.stat().st_size:,} bytes")


def _planned(path: Path, program: "Program", wanted: dict[str, Any]) -> "Plan":
    from optc.driver import planning

    try:
        return planning.plan(program, **wanted)
    except OptcError as error:
        raise (error.at(f"{path} on {wanted['device']}") if error.slug == "memory-limit" else error) from None


def _check_nothing_planned(choices: dict[str, Any]) -> None:
    """Check that no option about plans was given.

    Raises:
        UsageError: slug `option-alone`.
    """
    context = click.get_current_context()
    for param in context.command.params:
        if param.name in choices and context.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
            hint = "without one nothing is planned"
            raise UsageError(
                "option-alone", "optc report", f"option {param.opts[0]}", "given with --device NAME", hint=hint
            )
