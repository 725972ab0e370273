"""The catalog of passes: complete, and its presets mean something."""

import ast
from importlib.util import find_spec
from pathlib import Path

from optc.pipeline.pipeline import Pipeline
from passes.catalog import CATALOG, EXACT
from tests.unit.passes.texts import main, names, run


def declared() -> set[str]:
    """Names of the pass classes in the package."""
    spec = find_spec("passes")
    assert spec is not None
    assert spec.origin is not None
    trees = [ast.parse(path.read_text("utf-8")) for path in Path(spec.origin).parent.rglob("*.py")]
    return {
        node.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in ("Pass", "Compression") for base in node.bases)
    } - {"Compression"}


def test_every_pass_is_in_the_catalog() -> None:
    assert declared()
    assert {cls.__name__ for cls in CATALOG.passes} == declared()


def test_the_presets_can_be_read() -> None:
    for name, _ in CATALOG.presets:
        assert list(Pipeline.parse(f"@{name}", CATALOG).passes())


def test_exact_passes_say_so() -> None:
    assert all(cls.exact and cls.idempotent for cls in EXACT)


def test_cleanup_leaves_only_the_work() -> None:
    before = main(
        "%x: f32[4,6]",
        "%s = shape(%x) : i64[2]\n%i = const() {value = i64[1] [1]} : i64[1]\n%n = gather(%s, %i) : i64[1]\n"
        "%m = const() {value = i64[1] [-1]} : i64[1]\n%t = concat([%n, %m]) {axis = 0} : i64[2]\n"
        "%a = dynamic_reshape(%x, %t) : f32[?,?]\n%w = const() {value = f32[1] [1.0]} : f32[1]\n"
        "%v = const() {value = f32[1] [1.0]} : f32[1]\n%b = mul(%w, %a) : f32[?,?]\n%c = relu(%b) : f32[?,?]\n"
        "%d = relu(%a) : f32[?,?]\n%e = add(%c, %d) : f32[?,?]\n%f = add(%e, %v) : f32[?,?]\n"
        "%y = add(%f, %w) : f32[?,?]",
        "%y: f32[?,?]",
    )
    after = Pipeline.parse("@cleanup", CATALOG).run(before)
    assert names(after) == ["reshape", "const", "relu", "add", "add", "add"]
    for cls in EXACT:
        assert run(cls(), after) is after
