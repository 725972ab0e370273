"""Markdown from plain values, and from docstrings as this project writes them."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([*_<\[\]\\])")
_SECTIONS = ("Raises:", "Attributes:", "Args:")


def escaped(text: str) -> str:
    """Plain text in which nothing but `code` is markup."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else _SPECIAL.sub(r"\\\1", part) for part in parts)


def code(text: object) -> str:
    """Text as code, or nothing."""
    return f"`{text}`" if str(text) else ""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; columns that start with a space are of numbers. Cells are Markdown. Nothing if there are no rows."""
    lines = [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    if not lines:
        return ""
    rule = " | ".join("--:" if column.startswith(" ") else "---" for column in columns)
    head = " | ".join(column.strip() for column in columns)
    return "\n".join(f"| {line} |" for line in (head, rule, *lines)) + "\n"


def fenced(text: str, language: str = "text") -> str:
    """A block of code, or of text."""
    return f"```{language}\n{text.rstrip()}\n```\n"


def page(title: str, *parts: str) -> str:
    """A page: its title and what it holds, blank lines between."""
    return "\n\n".join(part.strip("\n") for part in (f"# {title}", *parts) if part.strip()) + "\n"


def from_docstring(text: str | None) -> str:
    """The Markdown of a docstring: prose, examples, programs before and after, and sections such as `Raises:`."""
    return "\n\n".join(_block(block) for block in _blocks(inspect.cleandoc(text or "")))


def _blocks(text: str) -> list[str]:
    """What stands between blank lines; indented pieces that follow each other are one."""
    blocks: list[str] = []
    for block in filter(None, (part.strip("\n") for part in re.split(r"\n\s*\n", text))):
        if blocks and _indented(block) and (_indented(blocks[-1])):
            blocks[-1] += f"\n\n{block}"
        else:
            blocks.append(block)
    return blocks


def _indented(block: str) -> bool:
    return all(line.startswith("    ") or not line for line in block.split("\n"))


def _block(block: str) -> str:
    first, _, rest = block.partition("\n")
    if _indented(block):
        return fenced(textwrap.dedent(block))
    if first.startswith("before:"):
        return fenced(block)
    if first in _SECTIONS:
        return f"{first}\n\n{_items(rest)}"
    return fenced(block, "python") if _is_python(block) else escaped(block)


def _items(text: str) -> str:
    """The entries of a section as a list; what is indented further belongs to the entry before it."""
    items: list[str] = []
    for line in textwrap.dedent(text).split("\n"):
        if line.startswith(" ") and items:
            items[-1] += f" {line.strip()}"
        else:
            items.append(line)
    return "\n".join(f"- {escaped(item)}" for item in items)


def _is_python(block: str) -> bool:
    """Whether a block of a docstring is an example: Python with a call or an assignment in it."""
    try:
        tree = ast.parse(block)
    except SyntaxError:
        return False
    return any(isinstance(node, ast.Call | ast.Assign) for node in ast.walk(tree))
