"""Pipeline text: what it is made of, before any name in it means anything.

    fold-constants,palettize{bits=4,mode="x y",names=[a,b]},@cleanup,fixpoint{max=5}(common-subexpressions,dead-code)

Steps are separated by commas; a step is a name, options in braces, and for a group its steps in parentheses. A value
is a word, a JSON string, or a list of these in brackets. White space between the parts means nothing.
"""

import json
import re
from typing import NoReturn

import attrs

from optc.errors import UsageError, excerpt_of

_TOKEN = re.compile(r'(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<mark>[,{}()\[\]=])|(?P<word>[^\s,{}()\[\]="]+)')
_SPACE = re.compile(r"\s*")
_DEEPEST = 16
_WIDEST = 120


@attrs.frozen
class Source:
    """A text with a label for messages: knows the line and column of each offset."""

    text: str
    label: str = "pipeline"

    def where(self, at: int) -> str:
        line = self.text.count("\n", 0, at) + 1
        return f"{self.label} line {line} column {self._column(at)}"

    def excerpt(self, at: int) -> str:
        """The lines round the place, with a caret; of a long line the part round the place."""
        lines = self.text.split("\n")
        line, column = self.text.count("\n", 0, at), self._column(at)
        if len(lines[line]) > _WIDEST:
            start = max(0, column - 1 - _WIDEST // 2)
            end = start + _WIDEST
            before, after = "..." if start else "", "..." if end < len(lines[line]) else ""
            lines[line] = f"{before}{lines[line][start:end]}{after}"
            column += len(before) - start
        return excerpt_of("\n".join(lines), line + 1, column)

    def _column(self, at: int) -> int:
        return at - self.text.rfind("\n", 0, at)

    def error(self, at: int, slug: str, what: str, expected: str, actual: str = "", hint: str = "") -> UsageError:
        """The error that points at this place, for `raise`."""
        return UsageError(slug, self.where(at), what, expected, actual, hint, self.excerpt(at))


@attrs.frozen
class Literal:
    """A value as written: one text (in quotes or not), or the items of a list."""

    at: int
    text: str = ""
    quoted: bool = False
    items: "tuple[Literal, ...] | None" = None


@attrs.frozen
class OptionText:
    """`name=value`."""

    at: int
    name: str
    value: Literal


@attrs.frozen
class StepText:
    """A step as written; `body` is None where there are no parentheses."""

    at: int
    name: str
    options: tuple[OptionText, ...] = ()
    body: "tuple[StepText, ...] | None" = None


def parse_steps(source: Source) -> tuple[StepText, ...]:
    """Read a pipeline text into its steps.

    Raises:
        UsageError: slugs `pipeline-syntax`, `pipeline-string`, `pipeline-nesting`, with place and excerpt.
    """
    reader = _Reader(source)
    steps = reader.steps("", 0)
    if reader.kind != "end":
        reader.fail("',' or the end")
    return steps


class _Reader:
    """Walks over the tokens of one text; `kind`, `text` and `at` are those of the current token."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.end = 0
        self.advance()

    def advance(self) -> None:
        text = self.source.text
        self.at = _SPACE.match(text, self.end).end()  # type: ignore[union-attr]  # it matches the empty text
        found = _TOKEN.match(text, self.at)
        if found is None and self.at < len(text):
            raise self.source.error(self.at, "pipeline-string", "string", 'closed by " on its line')
        self.kind = str(found.lastgroup) if found else "end"
        self.text = found.group() if found else ""
        self.end = found.end() if found else self.at

    def fail(self, expected: str) -> NoReturn:
        actual = self.text if len(self.text) <= 40 else f"{self.text[:37]}..."
        raise self.source.error(self.at, "pipeline-syntax", "text", expected, actual or "the end of the text")

    def skip(self, mark: str) -> bool:
        """Step over a mark if it is the current token."""
        if self.kind != "mark" or self.text != mark:
            return False
        self.advance()
        return True

    def word(self, what: str) -> tuple[int, str]:
        if self.kind != "word":
            self.fail(what)
        at, text = self.at, self.text
        self.advance()
        return at, text

    def steps(self, closing: str, depth: int) -> tuple[StepText, ...]:
        if depth > _DEEPEST:
            raise self.source.error(self.at, "pipeline-nesting", "groups", f"nested at most {_DEEPEST} deep")
        if self.kind == "end" or (closing and self.text == closing):
            return ()
        out = [self.step(depth)]
        while self.skip(","):
            out.append(self.step(depth))
        return tuple(out)

    def step(self, depth: int) -> StepText:
        at, name = self.word("the name of a pass")
        options = self.options() if self.skip("{") else ()
        body = None
        if self.skip("("):
            body = self.steps(")", depth + 1)
            if not self.skip(")"):
                self.fail("',' or ')'")
        return StepText(at, name, options, body)

    def options(self) -> tuple[OptionText, ...]:
        out: dict[str, OptionText] = {}
        while not out or self.skip(","):
            at, name = self.word("the name of an option")
            if name in out:
                raise self.source.error(at, "duplicate-option", f"option {name}", "given once")
            if not self.skip("="):
                self.fail("'=' and a value")
            out[name] = OptionText(at, name, self.value())
        if not self.skip("}"):
            self.fail("',' or '}'")
        return tuple(out.values())

    def value(self) -> Literal:
        at = self.at
        if not self.skip("["):
            return self.scalar()
        items = []
        if not self.skip("]"):
            items.append(self.scalar())
            while self.skip(","):
                items.append(self.scalar())
            if not self.skip("]"):
                self.fail("',' or ']'")
        return Literal(at, items=tuple(items))

    def scalar(self) -> Literal:
        if self.kind not in ("word", "string"):
            self.fail("a value")
        at, text, quoted = self.at, self.text, self.kind == "string"
        if quoted:
            text = self.unquote(text)
        self.advance()
        return Literal(at, text, quoted)

    def unquote(self, text: str) -> str:
        try:
            return str(json.loads(text))
        except ValueError:
            raise self.source.error(self.at, "pipeline-string", "string", "a JSON string", text) from None
