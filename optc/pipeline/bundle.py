"""Failure bundles: a folder from which one command runs a failing pass again on the program that it failed on."""

import json
import os
import platform
import re
import shlex
import shutil
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from optc.errors import OptcError
from optc.ir.block import Program
from optc.ir.dtypes import Array
from optc.numerics.arrays import write_archive

_TRIES = 10_000
_IMPORTANCE = "importance.npz"


@attrs.frozen
class Failure:
    """What failed: the name and the text of the pass, the text of the steps from it to the end (`remaining`), that of
    the whole pipeline, the place of the pass in the order of runs from 1, the program before it, and the importance
    of its weights."""

    name: str
    text: str
    remaining: str
    pipeline: str
    number: int
    before: Program
    importance: Mapping[str, Array] = {}


@attrs.frozen
class Bundles:
    """Saves failures under `folder`, as `failure-PASS-1`, `failure-PASS-2`, ...

    `write_program(program, path)` writes the file `path`, and may put files beside it; formats are no matter of this
    package.
    """

    folder: Path
    write_program: Callable[[Program, Path], object]

    def write(self, failure: Failure, error: Exception) -> str:
        """Save a failure; the command that replays it.

        The folder is filled aside and then moved to its place, so that a bundle is whole or absent.

        Raises:
            OSError: the folder cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".failure-", dir=self.folder))
        try:
            self.write_program(failure.before, aside / "program.optc")
            if failure.importance:
                with (aside / _IMPORTANCE).open("wb") as file:
                    write_archive(file, failure.importance)
            (aside / "error.txt").write_text("".join(traceback.format_exception(error)), "utf-8", "backslashreplace")
            stem = f"failure-{re.sub('[^a-z0-9-]', '_', failure.name)}"
            return self._move(aside, stem, failure, error)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _move(self, aside: Path, stem: str, failure: Failure, error: Exception) -> str:
        for number in range(1, _TRIES):
            place = self.folder / f"{stem}-{number}"
            if place.exists():
                continue
            command = _replay_command(place, failure)
            facts = json.dumps(_facts(failure, error, command), indent=2)
            (aside / "bundle.json").write_text(facts + "\n", "utf-8")
            try:
                os.rename(aside, place)
            except FileExistsError:  # another process was quicker
                continue
            os.chmod(place, 0o755)  # mkdtemp makes folders that only their owner may enter
            return command
        raise OSError(f"{self.folder} holds {_TRIES} bundles of this pass already")


def _replay_command(place: Path, failure: Failure) -> str:
    """The command that runs the pass again on the program that is saved in `place`."""
    words = ["optc", "opt", str(place / "program.optc"), "--pipeline", failure.text]
    if failure.importance:
        words += ["--importance", str(place / _IMPORTANCE)]
    return shlex.join(words)


def _facts(failure: Failure, error: Exception, command: str) -> dict[str, Any]:
    return {
        "pass": failure.text,
        "number": failure.number,
        "remaining": failure.remaining,
        "pipeline": failure.pipeline,
        "error": {"kind": type(error).__name__, "slug": getattr(error, "slug", ""), "message": str(error)},
        "replay": command,
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    from importlib import metadata

    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in ("optc", "attrs", "numpy", "ml-dtypes"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def with_replay(error: OptcError, where: str, command: str) -> OptcError:
    """The error said of a run of a pass, its message ending in the command that replays it."""
    replay = f"replay: {command}" if command else ""
    return error.at(where, "\n".join(part for part in (error.excerpt, replay) if part))
