"""The words of the text form: how names and strings are quoted, and how a text falls into tokens.

Tokens are plain strings that tell their kind by their first characters; a whole type, dimension or tensor in base64
is one token. Places in the text are worked out only when a message needs one.
"""

import re

BARE = re.compile(r"[A-Za-z0-9_.$/:-]*[A-Za-z0-9_.$/-]")
"""Names of values and functions that need no quotes; they may hold a colon, but not at the end."""
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")

_STRING = r'"(?:[^"\\\n]++|\\.)*+"'
_NAME = rf"(?:{_STRING}|{BARE.pattern})"
_SHAPE = rf'\[(?:[^\]\["\n]++|{_STRING})*+\]'
_TOKEN = re.compile(
    rf"""
    (?: \s++ | //[^\n]*+ )*+
    (
      %{_NAME}(?:\#[0-9]++)?                      # a value, with the number that tells equal names apart
    | state<[a-z][a-z0-9]*{_SHAPE}> | [a-z][a-z0-9]*{_SHAPE}     # a type
    | nan\([0-9a-f]{{16}}\) | -inf\b
    | -?[0-9]++(?:\.[0-9]*+)?(?:[eE][+-]?[0-9]++)?
    | b64{_STRING} | {_STRING}
    | {IDENTIFIER.pattern}
    | <(?:[^<>"\n]++|{_STRING})*+>                # a symbolic dimension
    | @{_NAME}
    | \#[0-9a-f]{{64}}                            # a tensor that lies elsewhere, by its hash
    | ->
    | .                                           # punctuation, or what the parser will refuse
    | \Z
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_NEEDS_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f\ud800-\udfff]')
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_LONG = {short[1]: char for char, short in _SHORT.items()} | {"/": "/"}


def tokens_of(text: str) -> list[str]:
    """The tokens of a text, with at least one empty one at the end."""
    found: list[str] = _TOKEN.findall(text)
    found.append("")
    return found


def place_of(text: str, index: int) -> tuple[int, int]:
    """1-based line and column of the token of that index."""
    at = len(text.rstrip())
    for number, match in enumerate(_TOKEN.finditer(text)):
        if number == index:
            at = match.start(1) if match[1] else at
            break
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def quote(text: str) -> str:
    """A string literal, with JSON's escapes."""
    return f'"{_NEEDS_ESCAPE.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def unquote(literal: str) -> str:
    """The string that a literal stands for.

    Raises:
        ValueError: an escape is not one of JSON's.
    """
    inner = literal[1:-1]
    return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) == 5:
        return chr(int(code[1:], 16))
    if code not in _LONG:
        raise ValueError(f"a string cannot have the escape \\{code}")
    return _LONG[code]


def value_word(name: str) -> str:
    """How a named value is written; digits alone are quoted, because they stand for values without a name."""
    return f"%{name}" if BARE.fullmatch(name) and not name.isdigit() else f"%{quote(name)}"


def function_word(name: str) -> str:
    """How a function's name is written."""
    return f"@{name}" if BARE.fullmatch(name) else f"@{quote(name)}"


def key_word(name: str) -> str:
    """How the name of an output or of an opaque op's attribute is written."""
    return name if IDENTIFIER.fullmatch(name) else quote(name)
