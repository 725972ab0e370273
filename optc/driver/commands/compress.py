"""`optc compress`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optc.driver.commands import options
from optc.errors import UsageError

if TYPE_CHECKING:
    from optc.pipeline.pipeline import Pipeline


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the smaller model goes.")
@click.option("--palettize", "bits", type=int, metavar="BITS", help="Indices of BITS bits into a table of values.")
@click.option("--quantize", "dtype", metavar="DTYPE", help="Integers with a scale for each channel: int8, int4, ...")
@click.option("--pipeline", "text", metavar="TEXT", help="Any pipeline of passes instead.")
@click.option("--min-elements", type=click.IntRange(0), metavar="N", help="Leave smaller weights dense (2048).")
@click.option("--force", is_flag=True, help="Compress even weights that become larger.")
@click.option("--remarks", type=click.Path(path_type=Path), metavar="FILE", help="Write what was done, as JSON.")
@options.target
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(
    model: Path, output: Path, bits: int | None, dtype: str | None, text: str | None, min_elements: int | None,
    force: bool, remarks: Path | None, target: str, as_json: bool,
) -> None:  # fmt: skip
    """Make MODEL smaller.

    \b
    optc compress model.onnx --palettize 8 -o small.onnx
    optc compress model.onnx --quantize int8 -o small.onnx --remarks remarks.json
    optc compress model.onnx --pipeline '@cleanup,palettize{bits=4}' -o small.onnx
    """
    from optc.driver.failures import bundles
    from optc.driver.models import bytes_on_disk, check_output, load, save
    from optc.driver.output import check_place, place_text, working
    from optc.driver.tables import show_remarks
    from optc.pipeline.instrumentation import Instruments
    from optc.pipeline.manager import run_pipeline

    pipeline = _pipeline(bits, dtype, text, min_elements, force)
    check_output(output, target)
    check_place(remarks)
    with working(f"reading {model.name}"):
        program = load(model)
        before = bytes_on_disk(program, model)
    with working(str(pipeline)):
        outcome = run_pipeline(pipeline, program, Instruments(bundles=bundles()))
    with working(f"writing {output.name}"):
        written = save(outcome.program, output, target=target)
    if remarks is not None:
        place_text(remarks, json.dumps(outcome.ledger.to_json(), indent=2) + "\n")
    show_remarks(outcome.ledger, before, written, as_json)


def _pipeline(
    bits: int | None, dtype: str | None, text: str | None, min_elements: int | None, force: bool
) -> "Pipeline":
    """The passes that the options ask for."""
    from optc.driver.facade import Pipeline, with_cleanup
    from passes.catalog import CATALOG

    schemes = {"--palettize": bits, "--quantize": dtype, "--pipeline": text}
    chosen = [option for option, given in schemes.items() if given is not None]
    if len(chosen) != 1:
        raise UsageError(
            "compress-choice", "optc compress", "scheme", "exactly one", " and ".join(chosen) or "none",
            hint="give --palettize BITS, --quantize DTYPE or --pipeline TEXT",
        )  # fmt: skip
    options: dict[str, Any] = {"force": True} if force else {}
    if min_elements is not None:
        options["min_elements"] = min_elements
    if text is None:
        name, own = ("palettize", {"bits": bits}) if bits is not None else ("quantize", {"dtype": dtype})
        return with_cleanup(CATALOG.make(name, {**own, **options}, f"--{name}"))
    if options:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in options)
        raise UsageError(
            "compress-options", "optc compress", names, "absent beside --pipeline",
            hint="write the options in the pipeline, for example palettize{bits=4,force=true}",
        )  # fmt: skip
    return Pipeline.parse(text, label="--pipeline")
