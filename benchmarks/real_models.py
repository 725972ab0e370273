"""The trained networks in the folder of real models, and all schemes that are tried on them.

A scheme is a row of `SCHEMES`: a name, and options of `optc compress`. One whose options the installed optc does not
have is `UnknownError`, and shown as a gap.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from peer import MODELS, AbsentError, RefusedError

NAMES: Mapping[str, int] = {
    "efficientnet_lite0.onnx": 1, "efficientnet_lite0_fp16.mlpackage": 1, "minilm_l6_trimvocab.onnx": 16,
    "aidreams260k_llama.onnx": 16, "ppocrv4_rec.onnx": 1, "fastestdet.onnx": 1, "silero_vad_16k_seq.onnx": 4,
    "crepe_tiny.onnx": 2, "crepe_tiny.mlpackage": 2,
}  # fmt: skip
"""The models, and what sizes that may differ are taken to be."""
SCHEMES: Mapping[str, tuple[str, ...]] = {
    **{f"palette {bits}-bit": ("--palettize", str(bits)) for bits in (8, 6, 4, 3, 2, 1)},
    "palette 8-bit, channel scales": ("--palettize", "8", "--per-channel-scale"),
    "palette 4-bit, groups of 16": ("--palettize", "4", "--group-size", "16"),
    "palette 3-bit, groups of 16": ("--palettize", "3", "--group-size", "16"),
    "palette 4-bit, channel scales": ("--palettize", "4", "--per-channel-scale"),
    "palette 4-bit, groups of 16, channel scales": ("--palettize", "4", "--group-size", "16", "--per-channel-scale"),
    "palette 4-bit, uniform": ("--palettize", "4", "--mode", "uniform"),
    "palette 6-bit, table int8": ("--palettize", "6", "--table", "int8"),
    "palette 6-bit, table float16": ("--palettize", "6", "--table", "float16"),
    "palette 4-bit, vectors of 2": ("--palettize", "4", "--cluster-dim", "2"),
    "palette 8-bit, vectors of 2": ("--palettize", "8", "--cluster-dim", "2"),
    "palette 8-bit, vectors of 4": ("--palettize", "8", "--cluster-dim", "4"),
    "int8": ("--quantize", "int8"),
    "int8 per tensor": ("--quantize", "int8", "--granularity", "per_tensor"),
    "int8 asymmetric": ("--quantize", "int8", "--mode", "asymmetric"),
    "uint8 asymmetric": ("--quantize", "uint8", "--mode", "asymmetric"),
    "int8 in blocks of 32": ("--quantize", "int8", "--block-size", "32"),
    **{f"int{bits}": ("--quantize", f"int{bits}") for bits in range(7, 1, -1)},
    "int4 in blocks of 32": ("--quantize", "int4", "--block-size", "32"),
    "uint4 asymmetric in blocks of 32": ("--quantize", "uint4", "--mode", "asymmetric", "--block-size", "32"),
    "int8, least error": ("--quantize", "int8", "--range", "mse"),
    "int4, least error": ("--quantize", "int4", "--range", "mse"),
    "int4 in blocks of 32, least error": ("--quantize", "int4", "--block-size", "32", "--range", "mse"),
    "float8 e4m3": ("--quantize", "float8e4m3"),
    "float8 e5m2": ("--quantize", "float8e5m2"),
    **{f"sparse {percent} %": ("--sparsify", str(percent / 100)) for percent in (10, 20, 30, 50)},
    "sparse 30 % over the model": ("--pipeline", "@cleanup,sparsify{sparsity=0.3,scope=model}"),
    "sparse 2 of 4": ("--pipeline", "@cleanup,sparsify{zeros=2,of=4}"),
    "sparse 30 %, palette 6-bit": ("--sparsify", "0.3", "--palettize", "6"),
    "sparse 30 %, int8": ("--sparsify", "0.3", "--quantize", "int8"),
    "palette 6-bit, then int8": ("--palettize", "6", "--quantize", "int8"),
}


class UnknownError(Exception):
    """The installed optc does not have the option, or not the value."""


def model(name: str) -> Path:
    """The place of a real model.

    Raises:
        AbsentError: it is not there.
    """
    path = MODELS / name
    if not path.exists():
        raise AbsentError(f"no real models at {MODELS}; OPTC_MODELS says where they are")
    return path


def optc(*arguments: object) -> None:
    """Run a command.

    Raises:
        UnknownError: it refused the arguments.
        RefusedError: it failed.
    """
    command = [sys.executable, "-m", "optc", *(str(argument) for argument in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        kind = UnknownError if done.returncode == 2 else RefusedError
        raise kind(done.stderr.strip().splitlines()[-1])


def chosen(known: Iterable[str], asked: Iterable[str]) -> list[str]:
    """Those whose name contains one of the words that were asked for; all, if none was."""
    words = list(asked)
    return [name for name in known if not words or any(word in name for word in words)]
