"""Plug-ins: what they offer is known by name, what is wrong with them is said, and who uses none pays nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.capability import RULES, rules_of
from backends.device_files import load_device
from optc.driver import facade
from optc.errors import OptcError
from tests.command_line import optc
from tests.plugins import install, install_acme, on_the_path
from tests.unit.driver.small_model import write_model


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """An empty folder for packages, which is on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    with on_the_path(folder):
        yield folder


@pytest.fixture
def acme(site: Path) -> Path:
    install_acme(site)
    return site


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "model.onnx")


def test_a_pass_of_a_plug_in_runs_under_its_name_in_pipelines_and_in_python(acme: Path, model: Path) -> None:
    done = optc("opt", model, "--pipeline", "@cleanup,drop-names{everything=true},dead-code", "--json")
    assert (done.code, done.err) == (0, "")
    ran = {record["text"]: record["changed"] for record in json.loads(done.out)["passes"]}
    assert ran["drop-names{everything=true}"]
    program = facade.Pipeline.parse("drop-names{everything=true}").run(facade.load(model))
    assert program.metadata == ()
    assert "did you mean drop-names?" in optc("opt", model, "--pipeline", "drop-name").err


def test_passes_lists_what_plug_ins_offer_and_where_it_is_from(acme: Path) -> None:
    row = next(line for line in optc("passes").out.splitlines() if line.startswith("drop-names "))
    assert row.split()[1:3] == ["acme-optc", "1.0"]
    listed = json.loads(optc("passes", "--json").out)
    (found,) = (held for held in listed["passes"] if held["name"] == "drop-names")
    assert (found["from"], found["exact"]) == ("acme-optc 1.0", True)
    assert [option["name"] for option in found["options"]] == ["everything"]
    assert listed["problems"] == []
    assert "everything" in optc("passes", "drop-names").out


def test_a_device_of_a_plug_in_is_planned_for_by_the_rules_of_its_backend(acme: Path, model: Path) -> None:
    device = load_device("acme-board")
    assert (device.title, device.backend) == ("Acme board", "acme")
    assert device.units["npu"].weight_gbps.value == 12
    rules = rules_of(device)
    assert [rule.slug for rule in rules["npu"]] == ["acme-ops"]
    assert rules["gpu"] == RULES["gpu"]
    for name, refused in (("acme-board", True), ("iphone14pro", False)):
        ops = json.loads(optc("plan", model, "--device", name, "--json").out)["ops"]
        assert any("acme-ops" in op["reason"] for op in ops) == refused


def test_a_table_that_extends_that_of_a_plug_in_keeps_its_rules(acme: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('extends = "acme-board"\nname = "own"\n', "utf-8")
    device = load_device(str(own))
    assert (device.name, device.backend, device.title) == ("own", "acme", "Acme board")
    assert "plug-in acme" in optc("devices", own).out


def test_devices_lists_those_of_plug_ins(acme: Path) -> None:
    assert ["acme-board", "Acme", "board"] in [line.split()[:3] for line in optc("devices").out.splitlines()]
    listed = json.loads(optc("devices", "--json").out)
    assert [d["backend"] for d in listed["devices"] if d["name"] == "acme-board"] == ["acme"]
    assert "did you mean acme-board?" in optc("plan", "m.onnx", "--device", "acme-bord").err


def test_a_table_whose_backend_is_not_installed_is_refused(site: Path, tmp_path: Path, model: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('extends = "iphone14pro"\nbackend = "acme"\n', "utf-8")
    done = optc("plan", model, "--device", own)
    assert done.code == 1
    assert done.err == (
        "error: device iphone14pro: backend must be one of a plug-in that is installed (none) (got acme)\n"
    )


BROKEN = {
    "absent": ("no_such_module:Thing", {}, "one that can be imported (got ModuleNotFoundError: No module named"),
    "crashing": ("bad:Thing", {"bad.py": "1 / 0\n"}, "one that can be imported (got ZeroDivisionError: division by"),
    "exiting": ("bad:Thing", {"bad.py": "raise SystemExit(3)\n"}, "one that can be imported (got SystemExit: 3)"),
    "other": ("bad:Thing", {"bad.py": "Thing = 3\n"}, "one that is a class of passes that have a method run (got 3)"),
    "abstract": (
        "bad:Thing",
        {"bad.py": "from optc.pipeline.passes import Pass as Thing\n"},
        "one that is a class of passes that have a method run (got <class",
    ),
    "misnamed": (
        "bad:Thing", {"bad.py": "from passes.cleanup.dead_code import DeadCode as Thing\n"},
        "one that has the name of the pass (got dead-code)",
    ),
    "undeclared": (
        "bad:Thing",
        {"bad.py": "from passes.cleanup.dead_code import DeadCode\nclass Thing(DeadCode):\n    name = 'undeclared'\n"},
        "one that is declared as passes are (got pass Thing must be declared with @attrs.frozen)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_pass_that_cannot_be_used_is_said_by_its_name_and_harms_nothing_else(
    name: str, site: Path, model: Path
) -> None:
    value, files, message = BROKEN[name]
    install(site, "acme-bad", {"optc.passes": {name: value}}, files)
    done = optc("opt", model, "--pipeline", name)
    assert (done.code, done.out) == (1, "")
    what = f"optc.passes entry point {name} ({value})"
    assert done.err.startswith(f"error: plug-in acme-bad 1.0: {what} must be {message}")
    assert "; install a version of it that fits this optc, or uninstall it" in done.err
    assert optc("opt", model, "--pipeline", "@cleanup", "--quiet").code == 0
    listed = json.loads(optc("passes", "--json").out)
    assert name not in [held["name"] for held in listed["passes"]]
    assert len(listed["problems"]) == 1
    assert message in listed["problems"][0]
    assert message in optc("passes").out


def test_a_pass_that_two_plug_ins_offer_is_refused_and_one_that_optc_has_is_optcs(acme: Path, model: Path) -> None:
    twice = {"drop-names": "acme_optc.drop_names:DropNames", "dead-code": "acme_optc.drop_names:DropNames"}
    install(acme, "other-optc", {"optc.passes": twice}, {})
    done = optc("opt", model, "--pipeline", "drop-names")
    assert done.code == 1
    assert done.err == (
        "error: plug-ins: optc.passes entry point drop-names must be offered by one of them "
        "(got acme-optc 1.0 and other-optc 1.0); uninstall the others\n"
    )
    assert optc("opt", model, "--pipeline", "dead-code", "--quiet").code == 0
    problems = "\n".join(json.loads(optc("passes", "--json").out)["problems"])
    assert "name of a pass must be one that optc does not have (got dead-code); optc's own is used" in problems
    assert "must be offered by one of them" in problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("backend = 3\n", "one that is a backends.plugins.Backend (got 3)"),
        ("from backends.plugins import Backend\nbackend = Backend({}, {'tpu': ()})\n", "can be imported (got Value"),
        (
            "from pathlib import Path\nfrom backends.plugins import Backend\n"
            "backend = Backend({'nowhere': Path('/no/such.toml')})\n",
            "one that has a readable table of nowhere",
        ),
    ],
    ids=["other", "unit", "table"],
)  # fmt: skip
def test_a_backend_that_cannot_be_used_is_said_where_it_could_be_meant(text: str, message: str, site: Path) -> None:
    install(site, "acme-bad", {"optc.backends": {"bad": "bad:backend"}}, {"bad.py": text})
    done = optc("devices", "nowhere")
    assert done.code == 1
    assert message in done.err
    assert optc("devices", "iphone12").code == 0
    listed = optc("devices")
    assert listed.code == 0
    assert message in listed.out


def test_a_device_of_two_plug_ins_is_refused_and_one_of_optcs_name_is_optcs(acme: Path) -> None:
    board = (
        "from importlib.resources import files\nfrom backends.plugins import Backend\n"
        "table = files('acme_optc') / 'board.toml'\nbackend = Backend({'acme-board': table, 'iphone12': table})\n"
    )
    install(acme, "other-optc", {"optc.backends": {"other": "other:backend"}}, {"other.py": board})
    with pytest.raises(OptcError, match=r"device acme-board must be offered by one of them \(got acme-optc 1\.0 and"):
        load_device("acme-board")
    assert load_device("iphone12").backend == ""
    assert "name of a device must be one that optc does not have (got iphone12)" in optc("devices").out


def test_plug_ins_are_not_looked_for_before_they_are_needed(acme: Path, model: Path) -> None:
    code = (
        "import sys, importlib.metadata as m; from optc.driver.main import run\n"
        "m.entry_points = lambda **_: sys.exit('looked for')\n"
        "for words in (['--help'], ['opt', sys.argv[1], '--pipeline', '@cleanup,palettize', '--quiet'],\n"
        "              ['plan', sys.argv[1], '--device', 'iphone14pro', '--quiet']):\n"
        "    assert run(words) == 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code, model], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["acme_optc", "bad"])
def test_listing_nothing_of_a_plug_in_imports_nothing_of_it(acme: Path, model: Path, name: str) -> None:
    install(acme, "acme-bad", {"optc.passes": {"bad": "bad:Thing"}}, {"bad.py": "Thing = 3\n"})
    sys.modules.pop(name, None)
    assert optc("opt", model, "--pipeline", "palettise").code == 2
    assert name not in sys.modules
