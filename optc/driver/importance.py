"""How much elements of weights count, from files: arrays by the name of the weight. Nothing is unpickled."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from optc.driver.inputs import read_archive
from optc.driver.output import unreadable
from optc.errors import OptcError, UsageError
from optc.ir.dtypes import Array


def read_importance(path: Path | None) -> dict[str, Array]:
    """The arrays of an `.npz` or `.safetensors` file by name; none without a file.

    Raises:
        UsageError: the suffix is neither.
        OptcError: the file cannot be read, or holds no plain arrays.
    """
    if path is None:
        return {}
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return read_archive(path)
    if suffix != ".safetensors":
        raise UsageError("importance-suffix", str(path), "suffix", ".npz or .safetensors", suffix or "none")
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except OSError as error:
        raise unreadable(path, "importance", error) from None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise OptcError("not-an-array", str(path), "content", "a safetensors file of arrays", error) from None


@contextmanager
def naming_importance(path: Path | None) -> Iterator[None]:
    """Let errors of passes that are about the arrays of a file, for weights that there are not, name the file."""
    try:
        yield
    except UsageError as error:
        if path is not None and (error.slug, error.what) == ("no-such-weight", "importance"):
            raise error.at(str(path)) from None
        raise
