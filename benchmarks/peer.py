"""What optc is measured against: coremltools, the schemes that both have, and the packages that both are tried on.

The packages are those of `architectures.py`, which lies in a folder `peer` beside the real models (`OPTC_MODELS`, by
default `../shared/models`): published networks with random weights in float16, as coremltools itself converts them.
They, and what coremltools makes of them, are made once and kept in `OPTC_BENCHMARKS`, by default a folder for
temporary files.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import attrs

MODELS = Path(os.environ.get("OPTC_MODELS") or Path(__file__).parents[1] / ".." / "shared" / "models").resolve()
FOLDER = Path(os.environ.get("OPTC_BENCHMARKS") or Path(tempfile.gettempdir()) / "optc-benchmarks")
ARCHITECTURES = ("mobilenetv2", "mobilenetv3s", "resnet50", "mobilevitv2", "centernet34", "transformer")


class AbsentError(Exception):
    """What a benchmark needs is not on this machine; the message says what."""


class RefusedError(Exception):
    """A tool did not do what it was asked for; the message is its own."""


@attrs.frozen
class Scheme:
    """A way to store weights, as each tool is asked for it.

    `ours` are options of `optc compress`; `call` and `config` are a function of `coremltools.optimize.coreml` and the
    class of its configuration, `theirs` the arguments of that.
    """

    name: str
    ours: tuple[str, ...]
    call: str
    config: str
    theirs: Mapping[str, Any]


def palette(bits: int, group_size: int = 0, cluster_dim: int = 0) -> Scheme:
    """Palettes by k-means: one for a weight, or for groups of channels; of numbers, or of vectors."""
    ours: tuple[str, ...] = ("--palettize", str(bits))
    theirs: dict[str, Any] = {"mode": "kmeans", "nbits": bits}
    name = f"palette {bits}-bit"
    if group_size:
        ours += ("--group-size", str(group_size))
        theirs |= {"granularity": "per_grouped_channel", "group_size": group_size}
        name += f", groups of {group_size}"
    if cluster_dim:
        ours += ("--cluster-dim", str(cluster_dim))
        theirs |= {"cluster_dim": cluster_dim}
        name += f", vectors of {cluster_dim}"
    return Scheme(name, ours, "palettize_weights", "OpPalettizerConfig", theirs)


def quantized(dtype: str) -> Scheme:
    """Symmetric codes with a scale for each channel."""
    theirs = {"mode": "linear_symmetric", "dtype": dtype}
    return Scheme(dtype, ("--quantize", dtype), "linear_quantize_weights", "OpLinearQuantizerConfig", theirs)


def sparse(percent: int) -> Scheme:
    """The least elements of each weight dropped."""
    ours = ("--sparsify", str(percent / 100))
    theirs = {"target_sparsity": percent / 100}
    return Scheme(f"sparse {percent} %", ours, "prune_weights", "OpMagnitudePrunerConfig", theirs)


@attrs.frozen
class Usage:
    """What a process took: processor time of all its threads and wall time in seconds, peak of resident bytes."""

    processor: float
    wall: float
    peak: int


# The peak is not that of `resource`, which is at least that of the process which started this one.
_PEAK = 'int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) * 1024'
_OURS = f"""
import sys
from optc.driver.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print(ended.code, {_PEAK})
"""
_OUR_CALL = f"""
import json, sys, time
import optc
package, out, options = json.loads(sys.argv[1])
program = optc.load(package)
wall, processor = time.perf_counter(), time.process_time()
optc.save(optc.compress(program, optc.Palettize(**options)), out)
print(json.dumps([time.process_time() - processor, time.perf_counter() - wall, {_PEAK}]))
"""
_THEIRS = f"""
import json, logging, sys, time, warnings
warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
import coremltools
from coremltools.optimize import coreml
package, out, call, config, options = json.loads(sys.argv[1])
model = coremltools.models.MLModel(package, skip_model_load=True)
settings = coreml.OptimizationConfig(global_config=getattr(coreml, config)(**options))
wall, processor = time.perf_counter(), time.process_time()
small = getattr(coreml, call)(model, settings)
print(json.dumps([time.process_time() - processor, time.perf_counter() - wall, {_PEAK}]))
small.save(out)
"""


def compress_ours(package: Path, scheme: Scheme, out: Path) -> Usage:
    """Run `optc compress` in a process of its own; what all of it took, from its start to its end.

    Raises:
        RefusedError: the command failed.
    """
    command = [sys.executable, "-c", _OURS, "compress", str(package), *scheme.ours, "-o", str(out)]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    code, peak = (int(word) for word in (done.stdout.split() or ["1", "0"])[-2:]) if done.returncode == 0 else (1, 0)
    if code:
        raise RefusedError((done.stderr.strip().splitlines() or ["no message"])[-1])
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Usage(processor, wall, peak)


def palettize_with_ours(package: Path, options: Mapping[str, int], out: Path) -> Usage:
    """Palettize a loaded package and write it, in a process of its own; the times are of these calls alone.

    Raises:
        RefusedError: it failed.
    """
    arguments = json.dumps([str(package), str(out), dict(options)])
    command = [sys.executable, "-c", _OUR_CALL, arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    if done.returncode:
        raise RefusedError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return Usage(*json.loads(done.stdout.strip().splitlines()[-1]))


def compress_theirs(package: Path, scheme: Scheme, out: Path) -> Usage:
    """Let coremltools compress a package, in a process of its own; the times are of that call alone.

    Raises:
        AbsentError: coremltools is not installed.
        RefusedError: it failed.
    """
    version()
    arguments = json.dumps([str(package), str(out), scheme.call, scheme.config, dict(scheme.theirs)])
    done = subprocess.run([sys.executable, "-c", _THEIRS, arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RefusedError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return Usage(*json.loads(done.stdout.strip().splitlines()[-1]))


def compressed_by_them(package: Path, scheme: Scheme) -> Path:
    """What coremltools makes of a package, kept for the next time.

    Raises:
        AbsentError, RefusedError: as `compress_theirs`.
    """
    settings = "-".join(f"{key}={value}" for key, value in scheme.theirs.items())
    out = FOLDER / f"coremltools-{version()}" / f"{package.stem}-{scheme.call}-{settings}.mlpackage"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        made = out.with_name(f"making-{os.getpid()}-{out.name}")
        compress_theirs(package, scheme, made)
        made.rename(out)
    return out


def package(name: str) -> Path:
    """A published network as a float16 package, kept for the next time.

    Raises:
        AbsentError: PyTorch, coremltools or `architectures.py` are not here.
        RefusedError: it cannot be converted.
    """
    script = MODELS.parent / "peer" / "architectures.py"
    if not script.is_file():
        raise AbsentError(f"no architectures at {script}; OPTC_MODELS says where the folder beside it is")
    folder = FOLDER / f"coremltools-{version()}"
    path = folder / f"{name}_iOS18.mlpackage"
    if not path.exists():
        with tempfile.TemporaryDirectory() as made:
            command = [sys.executable, str(script), made, name, "--target", "iOS18"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RefusedError(f"{name}: {(done.stderr.strip().splitlines() or ['no message'])[-1]}")
            folder.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(made) / path.name, path)
    return path


def version() -> str:
    """The version of coremltools.

    Raises:
        AbsentError: it is not installed.
    """
    try:
        return metadata.version("coremltools")
    except metadata.PackageNotFoundError:
        raise AbsentError("coremltools is not installed") from None


def _environment() -> dict[str, str]:
    """That of this process; modules may be kept compiled, as those of an installed package are."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
