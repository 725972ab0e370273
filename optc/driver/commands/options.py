"""Options that several commands have."""

import math
from pathlib import Path
from typing import Any

import click

from optc.driver import completions
from optc.driver.suffixes import COREML_TARGETS, TARGETS


class Numbers(click.FloatRange):
    """A range of numbers; what is not a number is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number that a text says, inside the range."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number


target = click.option(
    "--target",
    default="",
    metavar="TARGET",
    shell_complete=completions.one_of(*TARGETS),
    help=f"What the model must run on: {', '.join(COREML_TARGETS)} or onnx.",
)
inputs = click.option(
    "--input", "inputs", multiple=True, metavar="NAME=FILE|FILE.npz",
    help="An input (.npy, or a picture where the model takes one), or several.",
)  # fmt: skip
importance = click.option(
    "--importance", type=click.Path(path_type=Path), metavar="FILE",
    help="How much the error of each element counts: arrays by name of weight (.npz, .safetensors).",
)  # fmt: skip
clean = click.option(
    "--clean", is_flag=True,
    help="Clean up the original first, as compress does: else batch norms that were folded count as errors.",
)  # fmt: skip
settings = click.option(
    "--set", "settings", multiple=True, metavar="PATH=NUMBER", shell_complete=completions.figures,
    help="Another figure of the device's table for this run, such as npu.weight_gbps=60 (see optc devices NAME).",
)  # fmt: skip
