"""What this machine is, for the cost table that is measured on it."""

import platform
from importlib import metadata
from pathlib import Path

from backends.cpu.calibration import Machine
from optc.driver.threads import cores
from optc.formats.onnx.runtime import onnxruntime_for

_CPUINFO = Path("/proc/cpuinfo")


def this_machine(name: str, command: str, one_core: bool = False) -> Machine:
    """This machine, or one core of it, under a name.

    Raises:
        UsageError: slug `engine-missing`: onnxruntime is not installed.
    """
    onnxruntime_for(command)
    return Machine(name, processor(), 1 if one_core else cores(), f"ONNX Runtime {metadata.version('onnxruntime')}")


def processor(cpuinfo: Path = _CPUINFO) -> str:
    """What the system calls the processor."""
    try:
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next((name for name in named if name), "") or platform.processor() or platform.machine() or "processor"
