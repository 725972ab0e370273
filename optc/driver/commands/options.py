"""Options that several commands have."""

import click

from optc.driver.suffixes import COREML_TARGETS

target = click.option(
    "--target", default="", metavar="TARGET", help=f"What the model must run on: {', '.join(COREML_TARGETS)} or onnx."
)
inputs = click.option(
    "--input", "inputs", multiple=True, metavar="NAME=FILE|FILE.npz",
    help="An input (.npy, or a picture where the model takes one), or several.",
)  # fmt: skip
