"""optc: a compression compiler for neural networks.

    import optc
    program = optc.load("model.onnx")
    small = optc.compress(program, optc.Palettize(bits=4))
    optc.save(small, "small.onnx")

Names are taken from the driver when they are first used, so that importing optc costs nothing.
"""

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optc.driver.configuration_file import read_configuration as read_configuration
    from optc.driver.demo.shipped import demo_data as demo_data
    from optc.driver.demo.shipped import demo_model as demo_model
    from optc.driver.facade import Configuration as Configuration
    from optc.driver.facade import OptcError as OptcError
    from optc.driver.facade import Palettize as Palettize
    from optc.driver.facade import Pipeline as Pipeline
    from optc.driver.facade import Program as Program
    from optc.driver.facade import Quantize as Quantize
    from optc.driver.facade import Sparsify as Sparsify
    from optc.driver.facade import UsageError as UsageError
    from optc.driver.facade import WeightInfo as WeightInfo
    from optc.driver.facade import compress as compress
    from optc.driver.facade import from_torch as from_torch
    from optc.driver.facade import load as load
    from optc.driver.facade import parse as parse
    from optc.driver.facade import run as run
    from optc.driver.facade import save as save
    from optc.driver.facade import stored_bytes as stored_bytes
    from optc.driver.facade import weights as weights
    from optc.driver.planning import Plan as Plan
    from optc.driver.planning import explain as explain
    from optc.driver.planning import plan as plan
    from optc.driver.simulating import Simulation as Simulation
    from optc.driver.simulating import simulate as simulate

_NAMES = {
    "facade": (
        "Configuration", "OptcError", "Palettize", "Pipeline", "Program", "Quantize", "Sparsify", "UsageError",
        "WeightInfo", "compress", "from_torch", "load", "parse", "run", "save", "stored_bytes", "weights",
    ),
    "planning": ("Plan", "explain", "plan"),
    "simulating": ("Simulation", "simulate"),
    "demo.shipped": ("demo_data", "demo_model"),
    "configuration_file": ("read_configuration",),
}  # fmt: skip
"""Public names by the module of the driver that has them."""


def _check_not_shadowed() -> None:
    """`passes` and `backends` are plain names: another package on the path may have taken them."""
    home = Path(__file__).resolve().parent.parent
    for name in ("passes", "backends"):
        spec = find_spec(name)
        origin = spec.origin if spec else None
        if origin is None or Path(origin).resolve().parent.parent != home:
            raise ImportError(
                f"optc: package {name} must be the one installed with optc in {home} (got {origin}); "
                f"take the other package off the path"
            )


_check_not_shadowed()


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("optc")
    for module, names in _NAMES.items():
        if name in names:
            return getattr(import_module(f"optc.driver.{module}"), name)
    raise AttributeError(f"module 'optc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*(name for names in _NAMES.values() for name in names), "__version__"]
