"""`optc compress`."""

import json
from pathlib import Path
from typing import Any

import click

from optc.errors import UsageError


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the smaller model goes.")
@click.option("--palettize", "bits", type=int, metavar="BITS", help="Indices of BITS bits into a table of values.")
@click.option("--quantize", "dtype", metavar="DTYPE", help="Integers with a scale for each channel: int8, int4, ...")
@click.option("--pipeline", "text", metavar="TEXT", help="Any pipeline of passes instead.")
@click.option("--min-elements", type=int, help="Leave smaller weights dense (2048).")
@click.option("--force", is_flag=True, help="Compress even weights that become larger.")
@click.option("--remarks", type=click.Path(path_type=Path), metavar="FILE", help="Write what was done, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(
    model: Path, output: Path, bits: int | None, dtype: str | None, text: str | None, min_elements: int | None,
    force: bool, remarks: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make MODEL smaller.

    \b
    optc compress model.onnx --palettize 8 -o small.onnx
    optc compress model.onnx --quantize int8 -o small.onnx --remarks remarks.json
    """
    from optc.driver.facade import Pipeline, compress_with_remarks
    from optc.driver.models import load, save
    from optc.driver.output import place_text, working
    from optc.driver.tables import show_remarks
    from optc.pipeline.manager import run_pipeline
    from passes.catalog import CATALOG

    if sum(given is not None for given in (bits, dtype, text)) != 1:
        raise UsageError(
            "compress-choice", "compress", "number of schemes", "one",
            hint="give --palettize BITS, --quantize DTYPE or --pipeline TEXT",
        )  # fmt: skip
    options: dict[str, Any] = {"force": True} if force else {}
    if min_elements is not None:
        options["min_elements"] = min_elements
    if text is None:
        name, own = ("palettize", {"bits": bits}) if bits is not None else ("quantize", {"dtype": dtype})
        chosen = CATALOG.make(name, {**own, **options}, f"--{name}")
        with working(f"reading {model.name}"):
            program = load(model)
        with working(str(chosen)):
            outcome = compress_with_remarks(program, chosen)
    else:
        pipeline = Pipeline.parse(text, label="--pipeline")
        with working(str(pipeline)):
            outcome = run_pipeline(pipeline, load(model))
    save(outcome.program, output)
    if remarks is not None:
        place_text(remarks, json.dumps(outcome.ledger.to_json(), indent=2) + "\n")
    show_remarks(outcome.ledger, model, output, as_json)
