"""The reference, which is written from the code when the site is built, leaves nothing out."""

import importlib
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

import optc
from backends.capability import RULES
from backends.device_files import device_names, load_device
from backends.figure_paths import figures_of
from optc.driver.main import COMMANDS
from optc.formats.coreml.tables import IMPORTERS as COREML
from optc.formats.onnx.tables import IMPORTERS as ONNX
from optc.ops.catalog import OPS
from optc.pipeline.options import options_of
from passes.catalog import CATALOG
from tests.command_line import optc as command

HOOK = Path(__file__).resolve().parent.parent / "docs" / "_ext"

if not HOOK.is_dir():
    pytest.skip("the docs are not beside the tests", allow_module_level=True)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The package that writes the pages."""
    sys.path.insert(0, str(HOOK))
    try:
        return importlib.import_module("optc_reference")
    finally:
        sys.path.remove(str(HOOK))


@pytest.fixture(scope="module")
def pages(reference: ModuleType) -> Mapping[str, str]:
    made: Mapping[str, str] = reference.pages()
    return made


def sections(page: str) -> dict[str, str]:
    """What stands under each heading."""
    parts = re.split(r"^#{1,4} (.+)\n", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_op_has_its_signature(pages: Mapping[str, str]) -> None:
    found = sections(pages["ops.md"])
    for op in OPS:
        for field in (*op.spec.operands, *op.spec.attributes):
            assert f"| `{field.name}` |" in found[op.op_name], op.op_name
        assert all(f"| `{field.word}` |" in found[op.op_name] for field in op.spec.regions)


def test_every_pass_has_its_options_and_every_preset_its_text(pages: Mapping[str, str]) -> None:
    found = sections(pages["passes.md"])
    for cls in CATALOG.passes:
        for option in options_of(cls):
            assert f"| `{option.name}` |" in found[cls.name], cls.name
            assert option.help.split("`")[0].split("_")[0] in found[cls.name]
    assert all(f"`@{name}` | `{text}`" in found["Presets"] for name, text in CATALOG.presets)


def test_every_command_has_what_it_says_of_itself(pages: Mapping[str, str]) -> None:
    found = sections(pages["commands.md"])
    for name in COMMANDS:
        said = command(name, "--help").out
        told = found[f"optc {name}"]
        assert sorted(set(re.findall(r"--[a-z-]+", said))) == sorted(set(re.findall(r"--[a-z-]+", told)))
        assert f"Usage: optc {name}" in told


def test_every_device_has_its_figures_and_every_rule_its_reason(pages: Mapping[str, str]) -> None:
    for name in device_names():
        assert f"(device-{name}.md)" in pages["devices.md"]
        page = pages[f"device-{name}.md"]
        for path, figure in figures_of(load_device(name)):
            assert f"| `{path}` | {figure.value:g} | {figure.how} |" in page
    assert all(f"| `{unit}-{rule.slug}` |" in pages["devices.md"] for unit, rules in RULES.items() for rule in rules)


def test_every_operator_that_is_read_is_listed(pages: Mapping[str, str]) -> None:
    found = sections(pages["operators.md"])
    assert all(f"`{name}`" in found["Operators of ONNX that are read"] for name in ONNX)
    assert all(f"`{name}`" in found["Operations of Core ML that are read"] for name in COREML)


def test_everything_that_optc_offers_in_python_is_described(pages: Mapping[str, str]) -> None:
    found = sections(pages["python.md"])
    assert [name for name in dir(optc) if name != "__version__" and not found.get(name, "").strip()] == []


def test_slugs_that_users_meet_are_listed(pages: Mapping[str, str]) -> None:
    known = ("no-such-device", "unknown-pass", "option-range", "target-too-old", "no-such-weight", "not-in-coreml")
    assert all(f"| `{slug}` |" in pages["errors.md"] for slug in known)


def test_pages_that_are_up_to_date_are_not_written_again(reference: ModuleType, tmp_path: Path) -> None:
    reference.write(tmp_path)
    (tmp_path / "gone.md").write_text("# Gone", "utf-8")
    times = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.md")}
    reference.write(tmp_path)
    del times["gone.md"]
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.md")} == times


def test_docstrings_become_prose_programs_lists_and_examples(reference: ModuleType) -> None:
    text = """Say `a*b`, but escape a*b.

    before:  %y = neg(%x)
    after:   %y = abs(%x)

    Raises:
        OptcError: slug `a`: it is
            wrong.
    """
    assert importlib.import_module("optc_reference.markdown").from_docstring(text) == (
        "Say `a*b`, but escape a\\*b.\n\n```text\nbefore:  %y = neg(%x)\nafter:   %y = abs(%x)\n```\n\n\n"
        "Raises:\n\n- OptcError: slug `a`: it is wrong."
    )
