"""The one form in which optc says that something is wrong.

Every message reads `<where>: <what> must be <expected> (got <actual>); <hint>`, followed, when the
place lies in a text or a program, by a few numbered lines round it and a caret. The parts travel on
the exception as data, with a stable slug, so that tools and tests need not read prose.
"""

from typing import ClassVar, Self


class OptcError(Exception):
    """An input, a program or an option that cannot be accepted.

    Attributes:
        slug: stable identifier of the rule that failed, for example `type-mismatch`.
        where: the place, in the reader's terms (`model.onnx`, `line 3 column 7`, `op %y = relu`).
        what: the thing that is wrong.
        expected: what it must be.
        actual: what it is; empty if there is nothing to show.
        hint: what to do about it; empty if nothing useful can be said.
        excerpt: numbered lines round the place, with a caret line; empty if there is no text.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        slug: str,
        where: str,
        what: str,
        expected: str,
        actual: object = "",
        hint: str = "",
        excerpt: str = "",
    ) -> None:
        super().__init__(slug, where, what, expected, actual, hint, excerpt)
        self.slug = slug
        self.where = where
        self.what = what
        self.expected = expected
        self.actual = str(actual)
        self.hint = hint
        self.excerpt = excerpt

    def __str__(self) -> str:
        got = f" (got {_shortened(self.actual)})" if self.actual else ""
        hint = f"; {self.hint}" if self.hint else ""
        excerpt = f"\n{self.excerpt}" if self.excerpt else ""
        return f"{_shortened(self.where)}: {self.what} must be {self.expected}{got}{hint}{excerpt}"

    def at(self, where: str, excerpt: str = "") -> Self:
        """The same error, said of a more precise place (an outer layer knows it, the raiser did not)."""
        return type(self)(self.slug, where, self.what, self.expected, self.actual, self.hint, excerpt or self.excerpt)


class UsageError(OptcError):
    """A command line, option or pipeline text that is wrong before any model is touched (exit code 2)."""

    exit_code: ClassVar[int] = 2


_LONGEST = 2000


def _shortened(text: str) -> str:
    """A text as a message shows it: what a file holds may be of any length."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"


_WIDEST = 180  # characters of a line that a message shows


def excerpt_of(text: str, line: int, column: int, context: int = 2) -> str:
    """Numbered lines of `text` round 1-based `line`, with a caret under 1-based `column`."""
    lines = text.split("\n")
    first = max(1, line - context)
    last = min(len(lines), line + context)
    while last > line and not lines[last - 1].strip():  # blank lines behind the place say nothing
        last -= 1
    width = len(str(last))
    left = max(0, column - _WIDEST // 2) if column > _WIDEST else 0  # long lines are cut round the column
    shown = []
    for number in range(first, last + 1):
        shown.append(f"{number:>{width}} | {lines[number - 1][left : left + _WIDEST]}")
        if number == line:
            shown.append(" " * width + " | " + " " * (column - 1 - left) + "^")
    return "\n".join(shown)
