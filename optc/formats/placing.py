"""Files that appear whole or not at all: written aside, then moved to their place."""

import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """An empty file in the folder of `path`, to be written; it takes the place of `path` when the block ends well.

    When the block raises, the new file is removed and whatever was at `path` stays. A link is followed; a file that is
    replaced keeps its permissions; a device or a pipe is written to directly.

    Raises:
        OSError: there is no such folder, it cannot be written, or `path` is a folder or write-protected.
    """
    path = checked_place(path)
    if path.exists() and not path.is_file():
        yield path
        return
    path = Path(os.path.realpath(path))
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    made = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}")
    # Not by `tempfile`: its files may be read by their owner only, and the umask is what should say that.
    os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield made
        if mode is not None:
            made.chmod(mode)
        os.replace(made, path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise


@contextmanager
def both_aside(path: Path, beside: Path) -> Iterator[tuple[Path, Path]]:
    """As `aside`, for a model of two files: a crash leaves the old model, the new one, or none, but no half of each.

    Raises:
        OSError: as `aside`.
    """
    with aside(path) as made, aside(beside) as made_beside:
        yield made, made_beside
        # Both files are complete. Without its own file beside it, the old one would be half a model.
        Path(os.path.realpath(path)).unlink(missing_ok=True)


@contextmanager
def folder_aside(path: Path) -> Iterator[Path]:
    """As `aside`, for a folder: an empty one to be filled; one that is there is replaced.

    Raises:
        OSError: as `aside`, or `path` is a file, or a folder that holds no package.
    """
    path = checked_folder_place(path)
    made = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}")
    made.mkdir()
    try:
        yield made
        if path.exists():
            old = made.with_name(made.name + ".old")
            path.rename(old)
            made.rename(path)
            shutil.rmtree(old)
        else:
            made.rename(path)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def checked_folder_place(path: Path) -> Path:
    """The path, links followed, if a package can be put there.

    Raises:
        OSError: there is no such folder, it cannot be written, or at `path` is what no package is.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(20, "it is a file, not a folder", str(path))
    if path.is_dir() and any(path.iterdir()) and not (path / "Manifest.json").is_file():
        raise FileExistsError(17, "it is a folder that holds no package", str(path))
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(2, f"there is no folder {folder}", str(path))
    if not os.access(folder, os.W_OK):
        raise PermissionError(13, f"the folder {folder} is write-protected", str(path))
    return path


def checked_place(path: Path) -> Path:
    """The path, if a file can be put there.

    Raises:
        OSError: there is no such folder, it cannot be written, or `path` is a folder or write-protected.
    """
    if path.is_dir():
        raise IsADirectoryError(21, "it is a folder", str(path))
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise FileNotFoundError(2, f"there is no folder {folder}", str(path))
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "the file is write-protected", str(path))
    if (path.is_file() or not path.exists()) and not os.access(folder, os.W_OK):
        raise PermissionError(13, f"the folder {folder} is write-protected", str(path))
    return path
