"""`optc compress`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optc.driver import completions
from optc.driver.commands import options
from optc.errors import UsageError

if TYPE_CHECKING:
    from optc.pipeline.passes import Pass
    from optc.pipeline.pipeline import Pipeline


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the smaller model goes; MODEL is replaced if it is that.",
)
@click.option("--palettize", "bits", type=int, metavar="BITS",
              shell_complete=completions.of_option("bits", "palettize"),
              help="Indices of 1, 2, 3, 4, 6 or 8 bits into a table.")  # fmt: skip
@click.option("--quantize", "dtype", metavar="DTYPE", shell_complete=completions.of_option("dtype", "quantize"),
              help="Codes with a scale for each channel: int8, uint4, ...")  # fmt: skip
@click.option(
    "--sparsify", "sparsity", type=float, metavar="FRACTION", help="Drop this fraction of each weight's elements."
)
@click.option("--pipeline", "text", metavar="TEXT", shell_complete=completions.pipelines,
              help="Any pipeline of passes instead, see optc passes.")  # fmt: skip
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Which weights get which schemes: YAML, TOML, JSON, or a YAML file for coremltools.",
)
@options.importance
@click.option(
    "--granularity",
    metavar="G",
    shell_complete=completions.one_of("per_tensor", "per_channel", "per_block", "per_grouped_channel"),
    help="What shares a scale: per_tensor, per_channel, per_block; or a table: per_tensor, per_grouped_channel.",
)
@click.option("--group-size", type=click.IntRange(1), metavar="N", help="Output channels that share a table (all).")
@click.option("--cluster-dim", type=click.IntRange(1, 16), metavar="N", help="Channels that one index stands for (1).")
@click.option("--block-size", type=click.IntRange(1), metavar="N", help="Input channels that share a scale (all).")
@click.option(
    "--mode",
    metavar="MODE",
    shell_complete=completions.of_option("mode", "palettize", "quantize"),
    help="How entries are chosen: kmeans, uniform, unique; or codes: symmetric, asymmetric.",
)
@click.option("--range", metavar="RANGE", shell_complete=completions.of_option("range", "quantize"),
              help="What codes reach: minmax, or mse for the least squared error.")  # fmt: skip
@click.option("--per-channel-scale", is_flag=True, help="A scale for each channel of a palettized weight.")
@click.option("--table", metavar="DTYPE", shell_complete=completions.of_option("table", "palettize"),
              help="Type of a table's entries: float32, float16, int8, uint8.")  # fmt: skip
@click.option("--certify", is_flag=True, help="Prove in the remarks how near to the best each palette is.")
@click.option("--joint", is_flag=True, help="Compress weights that are compressed already, too.")
@click.option("--strict", is_flag=True, help="Refuse sizes that do not fit, rather than take the nearest that do.")
@click.option("--min-elements", type=click.IntRange(0), metavar="N", help="Leave smaller weights dense (2048).")
@click.option("--min-rank", type=click.IntRange(0), metavar="N", help="Leave weights of fewer axes dense (2).")
@click.option("--force", is_flag=True, help="Compress even weights that become larger.")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Threads; by default one for each core.")
@click.option("--remarks", type=click.Path(path_type=Path), metavar="FILE", help="Write what was done, as JSON.")
@options.target
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def command(
    model: Path, output: Path, bits: int | None, dtype: str | None, sparsity: float | None, text: str | None,
    config: Path | None, importance: Path | None, workers: int | None, remarks: Path | None, target: str, as_json: bool,
    **shape: Any,
) -> None:  # fmt: skip
    """Make MODEL smaller.

    \b
    optc compress model.onnx --palettize 8 -o small.onnx
    optc compress model.onnx --quantize int8 -o small.onnx --remarks remarks.json
    optc compress model.onnx --palettize 4 --group-size 16 -o small.onnx
    optc compress model.onnx --palettize 8 --cluster-dim 4 -o small.onnx
    optc compress model.onnx --quantize int4 --block-size 32 -o small.onnx
    optc compress model.onnx --sparsify 0.5 --quantize int8 -o small.onnx
    optc compress model.onnx --config config.yaml -o small.onnx
    optc compress model.onnx --pipeline '@cleanup,palettize{bits=4}' -o small.onnx
    """
    # NumPy's linear algebra starts a thread for each core when it is loaded, which no compression uses.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from optc.driver.failures import bundles
    from optc.driver.importance import naming_importance, read_importance
    from optc.driver.models import bytes_on_disk, check_output, files_of, save
    from optc.driver.output import check_places, place_text, working
    from optc.driver.progress import watched
    from optc.driver.reading import read
    from optc.driver.tables import show_remarks
    from optc.driver.threads import cores
    from optc.pipeline.manager import run_pipeline

    schemes = {"--sparsify": sparsity, "--palettize": bits, "--quantize": dtype}
    pipeline = _pipeline({**schemes, "--config": config, "--pipeline": text}, shape)
    counts = read_importance(importance)
    check_output(output, target)
    places = {"--remarks": remarks}
    check_places("optc compress", places, (model, output, config, importance))
    program = read(model)
    check_places("optc compress", places, files_of(program, model))
    before = bytes_on_disk(program, model)
    with working("compressing") as report, naming_importance(importance):
        instruments = watched(report, bundles=bundles(), workers=workers or cores(), importance=counts)
        outcome = run_pipeline(pipeline, program, instruments)
    with working(f"writing {output.name}"):
        written = save(outcome.program, output, target=target)
    if remarks is not None:
        place_text(remarks, json.dumps(outcome.ledger.to_json(), indent=2) + "\n")
    show_remarks(outcome.ledger, before, written, as_json)


_SCHEMES = {
    "--sparsify": ("sparsify", "sparsity"),
    "--palettize": ("palettize", "bits"),
    "--quantize": ("quantize", "dtype"),
}
"""The pass that an option stands for, and the option of the pass that it gives."""
_SHAPES = {
    "granularity": ("palettize", "quantize"),
    "group_size": ("palettize",),
    "cluster_dim": ("palettize",),
    "block_size": ("quantize",),
    "mode": ("palettize", "quantize"),
    "range": ("quantize",),
    "per_channel_scale": ("palettize",),
    "table": ("palettize",),
    "certify": ("palettize",),
    "joint": ("sparsify", "palettize", "quantize"),
    "strict": ("palettize", "quantize"),
    "min_elements": ("sparsify", "palettize", "quantize"),
    "min_rank": ("sparsify", "palettize", "quantize"),
    "force": ("sparsify", "palettize", "quantize"),
}
"""The passes that each further option is for."""


def _pipeline(schemes: dict[str, Any], shape: dict[str, Any]) -> "Pipeline":
    """The passes that the options ask for."""
    from optc.driver.facade import Pipeline, with_cleanup
    from passes.catalog import CATALOG

    chosen = {option: value for option, value in schemes.items() if value is not None}
    whole = next((option for option in ("--config", "--pipeline") if option in chosen), "")
    if not chosen or (whole and len(chosen) > 1) or len(chosen) > 2:
        raise UsageError(
            "compress-choice", "optc compress", "scheme", "one, or two of a joint form", " and ".join(chosen) or "none",
            hint="give --sparsify FRACTION, --palettize BITS, --quantize DTYPE, --config FILE or --pipeline TEXT",
        )  # fmt: skip
    given = {name: value for name, value in shape.items() if value is not None and value is not False}
    running = [_SCHEMES[option][0] for option in chosen if option in _SCHEMES]
    misplaced = [name for name in given if not set(_SHAPES[name]) & set(running)]
    if misplaced:
        raise _out_of_place(misplaced, running, whole)
    if "--config" in chosen:
        from optc.driver.configuration_file import read_configuration

        return with_cleanup(read_configuration(chosen["--config"]))
    if "--pipeline" in chosen:
        return Pipeline.parse(chosen["--pipeline"], label="--pipeline")
    steps: list[Pass] = []
    for option, value in chosen.items():
        name, field = _SCHEMES[option]
        own = {key: item for key, item in given.items() if name in _SHAPES[key]}
        joint = {"joint": True} if steps else {}
        steps.append(CATALOG.make(name, {field: value, **_as_options(name, own), **joint}, option))
    return with_cleanup(*steps)


def _as_options(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The options of a pass; groups and blocks follow from a size, and a granularity from none."""
    granularity = given.pop("granularity", None)
    if name == "quantize":
        if "block_size" in given:
            if granularity not in (None, "per_block"):
                raise UsageError(
                    "compress-granularity", "optc compress", "--block-size", f"absent beside {granularity}"
                )
            granularity = "per_block"
        return {**given, **({} if granularity is None else {"granularity": granularity})}
    if granularity not in (None, "per_tensor", "per_grouped_channel"):
        raise UsageError(
            "compress-granularity", "optc compress --palettize", "--granularity", "per_tensor or per_grouped_channel",
            granularity,
        )  # fmt: skip
    if granularity == "per_tensor" and "group_size" in given:
        raise UsageError("compress-granularity", "optc compress", "--group-size", "absent beside per_tensor")
    return {**({"group_size": 32} if granularity == "per_grouped_channel" else {}), **given}


def _out_of_place(names: list[str], running: list[str], whole: str) -> UsageError:
    given = " and ".join(f"--{name.replace('_', '-')}" for name in names)
    if not running:
        place = "configuration" if whole == "--config" else "pipeline"
        hint = f"write the options in the {place}, for example palettize{{bits=4,force=true}}"
        return UsageError("compress-options", "optc compress", given, f"absent beside {whole}", hint=hint)
    wanted = " or ".join(f"--{scheme}" for scheme in _SHAPES[names[0]])
    actual = " and ".join(f"--{name}" for name in running)
    return UsageError("compress-options", "optc compress", given, f"beside {wanted}", actual)
