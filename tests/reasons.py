"""The reasons that the compression passes can give, read out of their code."""

import ast
from importlib.util import find_spec
from pathlib import Path

FILES = (
    "weights",
    "sparsify",
    "palettize",
    "palette_choice",
    "quantize",
    "stored",
    "configured",
    "decompress",
    "float16",
)
DEEPER = frozenset({"axis-range", "not-finite", "too-many-values"})
"""Slugs of `optc.numerics` that passes hand on; the others there are about arguments that passes never give."""


def reasons() -> set[str]:
    """Every slug that can be the reason of a remark of a compression pass."""
    return {slug for name in FILES for slug in _in_file(name)} | DEEPER


def _in_file(name: str) -> set[str]:
    spec = find_spec(f"passes.compress.{name}")
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    return {slug for node in ast.walk(tree) for slug in _said(node)}


def _said(node: ast.AST) -> list[str]:
    """Slugs of errors, of remarks, and those that `refusal` and `left` name."""
    match node:
        case ast.Call(func=ast.Name(id="OptcError" | "left"), args=[ast.Constant(value=str(slug)), *_]):
            return [slug]
        case ast.Call(
            func=ast.Name(id="Remark") | ast.Attribute(attr="remark"),
            args=[*_, ast.Constant(), ast.Constant(value=slug)],
        ):
            return [str(slug)]
        case ast.Assign(targets=[ast.Name(id="reason")], value=ast.IfExp(body=ast.Constant(), orelse=ast.Constant())):
            return [str(node.value.body.value), str(node.value.orelse.value)]
        case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=str(slug)), ast.Dict()])):
            return [slug]
    return []
