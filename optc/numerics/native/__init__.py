"""The compiled kernels, if they were built: the hot loops of `optc.numerics`, giving the same bits as the NumPy ones.

The extension is optional. `kernels` is the module, or None; whoever uses a kernel asks it each time, so that `without`
can switch them off.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


def _built() -> ModuleType | None:
    try:
        return importlib.import_module("optc.numerics.native._kernels")
    except ImportError:
        return None


kernels = _built()


@contextmanager
def without() -> Iterator[None]:
    """Compute with NumPy alone for a while, in this process."""
    global kernels
    kept, kernels = kernels, None
    try:
        yield
    finally:
        kernels = kept
