"""The journey of `optc demo`: plans of one network on several devices, and the files that it ends with."""

import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs

from backends.decision import Decision
from backends.plan import Plan
from backends.record import plan_json
from optc.driver.demo.schemes import Measured, Subject
from optc.driver.demo.shipped import HELD_OUT, demo_model
from optc.driver.models import bytes_of, check_output, load, save
from optc.driver.output import check_place, place_text, unwritable
from optc.driver.planning import plan
from optc.driver.report.page import Model, report_page
from optc.formats.placing import aside
from optc.ir.block import Program


@attrs.frozen
class Setting:
    """A device, and how many pictures are handed to it at once."""

    device: str
    batch: int

    @property
    def options(self) -> str:
        """What says the same to `optc plan`."""
        return f"--device {self.device}" + (f" --size batch={self.batch}" if self.batch > 1 else "")


SETTINGS = (Setting("iphone14pro", 1), Setting("iphone14pro", 64), Setting("x86-server", 1), Setting("nvidia-h100", 1))
"""On a phone, what few pictures ask for is done before the neural engine has started; many at once are worth that."""

COPIES = (demo_model(), HELD_OUT)
CLEAN, SMALL, PACKAGE, REPORT = "clean.onnx", "small.onnx", "small.mlpackage", "report.html"


@attrs.frozen(eq=False)
class Planned:
    """The plan of the compressed network in a setting, and that of the network as it came."""

    setting: Setting
    plan: Plan
    dense: Plan

    @property
    def decisions(self) -> list[Decision]:
        """Those on compressed weights."""
        return [decision for decision in self.plan.decisions if decision.scheme != "dense"]

    def to_json(self) -> dict[str, Any]:
        """The plan as `optc plan --json` gives it, the pictures at once, and the totals of the dense network."""
        return {**plan_json(self.plan), "batch": self.setting.batch, "dense_totals": attrs.asdict(self.dense.totals)}


def plans(program: Program, dense: Program) -> Iterator[Planned]:
    """The plans of a network, and of what it was compressed from, in each setting."""
    for setting in SETTINGS:
        sizes = {"batch": setting.batch}
        yield Planned(setting, plan(program, setting.device, sizes=sizes), plan(dense, setting.device, sizes=sizes))


@attrs.frozen
class Written:
    """A file of the journey; `right`: the pictures that it recognises as it is read back, if it is a network."""

    path: Path
    what: str
    bytes: int
    right: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**attrs.asdict(self), "path": str(self.path)}


def check_folder(folder: Path) -> None:
    """Check that the files can be put into a folder, before the work that they are for.

    Raises:
        OptcError: slug `unwritable`.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise unwritable(folder, NotADirectoryError(20, f"{there} is a file, not a folder"))
    if not os.access(there, os.W_OK):
        raise unwritable(folder, PermissionError(13, f"the folder {there} is write-protected"))
    if there == folder:
        for name in (COPIES[0].name, COPIES[1].name, REPORT):
            check_place(folder / name)
        for name in (CLEAN, SMALL, PACKAGE):
            check_output(folder / name)


def write(subject: Subject, chosen: Measured, planned: Sequence[Planned], folder: Path) -> Iterator[Written]:
    """Put the files into a folder, which is made if it is not there. Each appears whole or not at all.

    The report has the first plan for each device.

    Raises:
        OptcError: slug `unwritable`.
    """
    _make(folder)
    came, held_out = (_copied(source, folder) for source in COPIES)
    yield _written(came, "the network as it came", subject)
    yield _written(held_out, "pictures it never saw", None)
    for name, (what, program) in {
        CLEAN: ("cleaned up, still dense", subject.clean),
        SMALL: ("for ONNX Runtime", chosen.program),
        PACKAGE: ("for Core ML", chosen.program),
    }.items():
        save(program, folder / name)
        yield _written(folder / name, what, subject)
    plans = _first_of_each_device(planned)
    small = Model(SMALL, chosen.program, [each.plan for each in plans])
    place_text(folder / REPORT, report_page(small, Model(CLEAN, subject.clean, [each.dense for each in plans])))
    yield _written(folder / REPORT, "open it in a browser", None)


def _first_of_each_device(planned: Sequence[Planned]) -> list[Planned]:
    found: dict[str, Planned] = {}
    for each in planned:
        found.setdefault(each.setting.device, each)
    return list(found.values())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def _copied(source: Path, folder: Path) -> Path:
    path = folder / source.name
    try:
        with aside(path) as made:
            made.write_bytes(source.read_bytes())
    except OSError as error:
        raise unwritable(path, error) from None
    return path


def _written(path: Path, what: str, subject: Subject | None) -> Written:
    right = None if subject is None else subject.count(subject.answers(load(path)))
    return Written(path, what, bytes_of(path), right)


def typed(folder: Path, name: str) -> str:
    """A file of the folder as a shell takes it, where the command was started."""
    path = str(folder / name)
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def same_command(folder: Path, chosen: Measured) -> str:
    """What compresses the network as it was compressed here."""
    return f"optc compress {typed(folder, COPIES[0].name)} {chosen.scheme.options} -o {typed(folder, SMALL)}"


def plan_command(folder: Path, setting: Setting) -> str:
    """What shows the plan of the compressed network in a setting."""
    return f"optc plan {typed(folder, SMALL)} {setting.options}"


def next_commands(folder: Path, planned: Planned) -> list[tuple[str, str]]:
    """What to type next, and what it shows."""
    clean, small = typed(folder, CLEAN), typed(folder, SMALL)
    most = max(planned.decisions, key=lambda decision: decision.elements)
    device = planned.setting.device
    return [
        (f"optc inspect {small}", "how each weight is stored"),
        (f"optc diff {clean} {small}", "what was lost"),
        (f"optc explain {small} {shlex.quote(most.name)} --device {device}", "the arithmetic of one decision"),
        (f"{plan_command(folder, planned.setting)} --against {clean}", "what it costs, next to the dense network"),
        ("optc compress YOUR_MODEL.onnx --palettize 8 -o smaller.onnx", "the same for a network of yours"),
    ]
