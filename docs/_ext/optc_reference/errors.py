"""The page of the errors: every slug that the code raises, with what its message says, read out of the code."""

import ast
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from optc_reference.markdown import code, escaped, page, table

_RAISERS = ("OptcError", "UsageError", "refuse", "_refuse", "_wrong")
_AREAS = (
    ("Command line and Python", "optc/driver"), ("Formats", "optc/formats"), ("Passes and pipelines", "optc/pipeline"),
    ("Passes and pipelines", "passes"), ("Plans and devices", "backends"), ("Programs", "optc/ir"), ("Ops", "optc/ops"),
    ("Arithmetic", "optc/numerics"), ("Testing", "optc/testing"),
)  # fmt: skip


def _sources() -> Iterator[tuple[str, ast.Module]]:
    for package in ("optc", "passes", "backends"):
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*.py")):
            yield path.relative_to(root.parent).as_posix(), ast.parse(path.read_text("utf-8"))


def _said(node: ast.expr | None) -> str:
    """A text of the code as a reader sees it; what is filled in is `...`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_said(part) if isinstance(part, ast.Constant) else "..." for part in node.values)
    if isinstance(node, ast.IfExp):
        return f"{_said(node.body)} / {_said(node.orelse)}"
    return "..."


def _raised(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each slug with the words of its message: `what must be expected`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if name not in _RAISERS or not (isinstance(first, ast.Constant) and isinstance(first.value, str)):
            continue
        words = node.args[2:4] if name in ("OptcError", "UsageError") else node.args[1:3]
        if " " not in first.value and len(words) == 2:
            yield first.value, " must be ".join(_said(word) for word in words)


def slugs() -> dict[str, dict[str, list[str]]]:
    """By area and slug, the messages."""
    found: dict[str, dict[str, list[str]]] = {area: {} for area, _ in _AREAS}
    for path, tree in _sources():
        area = next((area for area, folder in _AREAS if path.startswith(folder)), None)
        if area is None:
            continue
        for slug, message in _raised(tree):
            messages = found[area].setdefault(slug, [])
            if message not in messages:
                messages.append(message)
    return found


def pages() -> Mapping[str, str]:
    """The page of the errors."""
    intro = (
        "Every error reads `<where>: <what> must be <expected> (got <actual>); <hint>`. In Python it is an "
        "`optc.OptcError`, or for wrong usage an `optc.UsageError`, whose `slug` stays what it is from release to "
        "release. A command exits with 1, or for wrong usage with 2. With `OPTC_DEBUG=1` the traceback is printed too."
    )
    parts = []
    for area, held in slugs().items():
        rows = ((code(slug), "; or ".join(map(escaped, messages))) for slug, messages in sorted(held.items()))
        parts += [f"## {area}", table(("slug", "what the message says"), rows)]
    return {"errors.md": page("Errors", intro, *parts)}
