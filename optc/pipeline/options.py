"""The options of a pass: declared as fields, checked in one place, printed in one way.

An option is an `int`, a `float`, a `bool`, a `str` or a tuple of one of these (`tuple[int, ...]`), and any of them may
be `| None`. The Python API, the pipeline text, configuration files and the command line all go through `Option.check`.
"""

import json
import math
import re
import types
import typing
from functools import cache
from numbers import Integral, Real
from typing import Any

import attrs

from optc.errors import UsageError
from optc.pipeline.suggest import did_you_mean

_KEY = "optc.option"
_KINDS: dict[Any, str] = {int: "int", float: "float", bool: "bool", str: "str"}
_NOUNS = {"int": "an integer", "float": "a number", "bool": "true or false", "str": "a text"}
_PLURALS = {"int": "integers", "float": "numbers", "bool": "truth values", "str": "texts"}
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/+-]*")
KEYWORDS = frozenset({"true", "false", "none"})
_WRONG = object()
_INT64 = range(-(1 << 63), 1 << 63)  # so that every integer can be printed, read again and written to a file


def option(
    default: Any = attrs.NOTHING,
    *,
    one_of: tuple[Any, ...] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    help: str = "",
) -> Any:
    """Declare an option of a pass; without a default it must be given.

    `one_of`, `minimum` and `maximum` bound the value, or each member of a tuple.

        bits: int = option(4, one_of=(1, 2, 3, 4, 6, 8), help="bits per index")
    """
    return attrs.field(default=default, metadata={_KEY: (tuple(one_of), minimum, maximum, help)})


@attrs.frozen
class Option:
    """What a pass declares of one option; `kind` is `int`, `float`, `bool` or `str`, `many` a tuple of that.

    `default` is `attrs.NOTHING` where the option must be given.
    """

    name: str
    kind: str
    default: Any
    many: bool = False
    optional: bool = False
    one_of: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    help: str = ""

    @property
    def required(self) -> bool:
        return self.default is attrs.NOTHING

    def check(self, value: Any, where: str, excerpt: str = "") -> Any:
        """The value in its one form: a tuple for a list, an `int` for a NumPy integer, 0.0 for -0.0.

        Raises:
            UsageError: slugs `option-kind`, `option-choice`, `option-range`.
        """
        if value is None and self.optional:
            return None
        if not self.many:
            plain = _plain(self.kind, value)
        else:
            plain = tuple(_plain(self.kind, item) for item in value) if isinstance(value, list | tuple) else _WRONG
        if plain is _WRONG or (self.many and _WRONG in plain):
            noun = f"a list of {_PLURALS[self.kind]}" if self.many else _NOUNS[self.kind]
            raise self._refuse("option-kind", where, noun, value, excerpt)
        for item in plain if self.many else (plain,):
            self._check_bounds(item, where, excerpt)
        return plain

    def _check_bounds(self, plain: Any, where: str, excerpt: str) -> None:
        if self.one_of and plain not in self.one_of:
            choices = [show(choice) for choice in self.one_of]
            hint = did_you_mean(plain, self.one_of) if self.kind == "str" else ""
            raise self._refuse("option-choice", where, f"one of {', '.join(choices)}", plain, excerpt, hint)
        low, high = self.minimum, self.maximum
        if (low is not None and plain < low) or (high is not None and plain > high):
            raise self._refuse("option-range", where, _range_text(low, high), plain, excerpt)

    def _refuse(self, slug: str, where: str, expected: str, value: Any, excerpt: str, hint: str = "") -> UsageError:
        actual = show(value)
        actual = actual if len(actual) <= 80 else f"{actual[:77]}..."
        return UsageError(slug, where, f"option {self.name}", expected, actual, hint, excerpt)


def _range_text(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"from {low} to {high}"


def _plain(kind: str, value: Any) -> Any:
    """The value as a plain Python one of this kind, or `_WRONG`. Truth values are no numbers here."""
    if kind == "bool" or isinstance(value, bool):
        return value if kind == "bool" and isinstance(value, bool) else _WRONG
    if kind == "str":
        return value if type(value) is str else _WRONG
    if isinstance(value, Integral) and int(value) not in _INT64:
        return _WRONG
    if kind == "int":
        return int(value) if isinstance(value, Integral) else _WRONG
    number = float(value) if isinstance(value, Real) else math.nan
    # A NaN is not equal to itself, and -0.0 is equal to another text: neither survives printing and parsing.
    return _WRONG if math.isnan(number) else number + 0.0


def show(value: Any) -> str:
    """The value as pipeline text writes it: `4`, `0.5`, `true`, `none`, `kmeans`, `"two words"`, `[1,2]`."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(show(item) for item in value)}]"
    if type(value) is str:
        return value if _BARE.fullmatch(value) and value not in KEYWORDS else json.dumps(value)
    return repr(value)


@cache
def options_of(cls: type) -> tuple[Option, ...]:
    """The options that a pass class declares, in order, its own before those that it inherits.

    Raises:
        TypeError: an annotation is none that an option may have (a mistake in the declaration).
    """
    hints = typing.get_type_hints(cls)
    found = []
    for field in sorted(attrs.fields(cls), key=lambda field: field.inherited):
        if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]  # typed as a function, but it is a class
            raise TypeError(f"option {field.name} of {cls.__name__} cannot have a default that is made anew each time")
        kind, many, optional = _read_annotation(cls, field.name, hints[field.name])
        bounds = field.metadata.get(_KEY, ((), None, None, ""))
        found.append(Option(field.name, kind, field.default, many, optional, *bounds))
    return tuple(found)


def _read_annotation(cls: type, name: str, annotation: Any) -> tuple[str, bool, bool]:
    optional = many = False
    held = annotation
    if typing.get_origin(held) in (types.UnionType, typing.Union):
        rest = [a for a in typing.get_args(held) if a is not type(None)]
        optional = len(rest) < len(typing.get_args(held))
        held = rest[0] if len(rest) == 1 else None
    if typing.get_origin(held) is tuple and typing.get_args(held)[1:] == (...,):
        many, held = True, typing.get_args(held)[0]
    if held not in _KINDS:
        raise TypeError(f"option {name} of {cls.__name__} cannot be annotated {annotation!r}")
    return _KINDS[held], many, optional


def check_names(cls: type, given: typing.Iterable[str], where: str) -> None:
    """Check that a pass has each of these options, and that none that it needs is missing.

    Raises:
        UsageError: slugs `unknown-option`, `missing-option`.
    """
    known = [option.name for option in options_of(cls)]
    names = list(given)
    for name in names:
        if name not in known:
            raise unknown_option(known, name, where)
    for option in options_of(cls):
        if option.required and option.name not in names:
            raise UsageError("missing-option", where, f"option {option.name}", "given, as it has no default")


def unknown_option(known: typing.Sequence[str], name: str, where: str, excerpt: str = "") -> UsageError:
    """The error for an option that a step does not have."""
    expected = f"one of {', '.join(known)}" if known else "absent, as there are no options here"
    return UsageError("unknown-option", where, "option", expected, name, did_you_mean(name, known), excerpt)
