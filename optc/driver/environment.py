"""What optc runs in: the versions of what its results depend on. Nothing is imported to find them out."""

import platform
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

NEEDED = ("numpy", "onnx")
OPTIONAL = ("onnxruntime", "torch", "coremltools")


def environment() -> str:
    """Lines that belong into the report of a fault: `optc VERSION`, Python, libraries, compiled kernels."""
    python = f"{platform.python_implementation()} {platform.python_version()}, {platform.platform(terse=True)}"
    lines = [
        f"optc {_version('optc')}",
        f"python: {python}, {platform.machine()}",
        f"libraries: {', '.join(f'{name} {_version(name)}' for name in NEEDED)}",
        f"optional: {', '.join(f'{name} {_version(name)}' for name in OPTIONAL)}",
        f"compiled kernels: {'yes' if has_kernels() else 'no, NumPy computes the same'}",
    ]
    return "\n".join(lines)


def has_kernels() -> bool:
    """Whether the extension was built, for this Python."""
    folder = Path(__file__).resolve().parents[1] / "numerics" / "native"
    return any((folder / f"_kernels{suffix}").is_file() for suffix in EXTENSION_SUFFIXES)


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
