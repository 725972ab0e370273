"""A place in a text that is being parsed, and the errors that point at it."""

from collections.abc import Iterable
from difflib import get_close_matches

from optc.errors import OptcError, excerpt_of
from optc.ir.lexer import place_of, tokens_of, unquote


class Cursor:
    """The tokens of a text and how far they are read; `where` is how messages name the text."""

    def __init__(self, text: str, where: str) -> None:
        self.text = text
        self.where = where
        self.tokens = tokens_of(text)
        self.at = 0

    @property
    def token(self) -> str:
        """The token that comes next; empty at the end."""
        return self.tokens[self.at]

    def take(self) -> str:
        """The next token, read; the end can be read any number of times."""
        token = self.tokens[self.at]
        if token:
            self.at += 1
        return token

    def skip(self, token: str) -> bool:
        """Read the next token if it is this one."""
        if self.tokens[self.at] == token:
            self.at += 1
            return True
        return False

    def expect(self, token: str) -> None:
        """Read this token.

        Raises:
            OptcError: slug `syntax`, if another one comes.
        """
        if self.tokens[self.at] != token:
            raise self.syntax(f"`{token}`")
        self.at += 1

    def string(self) -> str:
        """Read a string literal."""
        at = self.at
        return self.unquoted(self.take(), at)

    def unquoted(self, literal: str, at: int) -> str:
        """The string of a literal that stands at token `at`."""
        if len(literal) < 2 or literal[0] != '"':
            raise self.syntax("a string in quotes", at)
        try:
            return unquote(literal)
        except ValueError as error:
            raise self.fail("syntax", "string", "written with JSON's escapes", error, at) from None

    def syntax(self, expected: str, at: int | None = None) -> OptcError:
        """The error that something else should stand here (or at token `at`)."""
        index = self.at if at is None else at
        token = self.tokens[index][:80]
        return self.fail("syntax", "text", expected, f"`{token}`" if token else "the end of the text", index)

    def fail(
        self, slug: str, what: str, expected: str, actual: object = "", at: int | None = None, hint: str = ""
    ) -> OptcError:
        """An error that points at the next token, or at token `at`."""
        where, excerpt = self.place(self.at if at is None else at)
        return OptcError(slug, where, what, expected, actual, hint, excerpt)

    def located(self, error: OptcError, at: int) -> OptcError:
        """An error of an inner layer, said of token `at`."""
        return error.at(*self.place(at))

    def place(self, index: int) -> tuple[str, str]:
        """How messages name the place of a token, and the lines round it."""
        line, column = place_of(self.text, index)
        return f"{self.where}: line {line} column {column}", excerpt_of(self.text, line, column)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint that names what is spelt most alike; empty if nothing is."""
    close = get_close_matches(word[:100], list(known), 3)
    return f"did you mean {' or '.join(close)}?" if close else ""
