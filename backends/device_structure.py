"""From the plain data of a table to a `Device`: complete and valid, or one message that says what is not."""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

from backends.cost_table import SCHEMES, UNITS, Device
from optc.errors import OptcError
from optc.pipeline.suggest import did_you_mean

if TYPE_CHECKING:
    from cattrs import Converter

ARITHMETIC = ("f16", "bf16", "f32", "i8")
"""The element types that `arithmetic_tflops` may have rates for."""
WIDTHS = tuple(str(bits) for bits in range(1, 9))
"""The keys of `decode_by_bits`: how wide a code can be."""

_UNKNOWN, _WRONG, _MISSING = range(3)
_MOST_SHOWN = 5
_LEAST = re.compile(r"'(?P<name>\w+)' must be >= (?P<least>[^:]+): (?P<got>.*)")
_SHORT = re.compile(r"Length of '(?P<name>\w+)' must be >= (?P<least>\d+): (?P<got>\d+)")
_OWN = re.compile(r"(?P<name>[\w.]+) must (?P<verb>be|have) (?P<expected>.*?)(?: \(got (?P<got>.*)\))?")


@attrs.frozen
class _Problem:
    """One thing that is wrong with a table; what is unknown is said first, as what is missing often follows from it."""

    rank: int
    path: str
    expected: str = ""
    actual: str = ""
    hint: str = ""


class _WrongError(ValueError):
    """A value that is not of the kind that its place asks for."""

    def __init__(self, expected: str, actual: str) -> None:
        super().__init__(expected, actual)
        self.expected = expected
        self.actual = actual


def device_of(data: Mapping[str, Any], where: str) -> Device:
    """The device that the plain data of a TOML table describe.

    Raises:
        OptcError: slug `cost-table`; the message names what is unknown, wrong or missing by its dotted path.
    """
    from cattrs.errors import BaseValidationError

    problems = list(_wrong_keys(data))
    try:
        device: Device = _converter().structure(data, Device)
    except BaseValidationError as error:
        problems += _problems(error, ())
    if problems:
        raise _error(problems, where) from None
    return device


def _error(problems: list[_Problem], where: str) -> OptcError:
    rank = min(problem.rank for problem in problems)
    found = list({problem.path: problem for problem in reversed(problems) if problem.rank == rank}.values())[::-1]
    if rank == _MISSING:
        names = [problem.path for problem in found]
        more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
        verb = "is" if len(names) == 1 else "are"
        return OptcError(
            "cost-table", where, "table", "complete", hint=f"missing {verb} {', '.join(names[:_MOST_SHOWN])}{more}"
        )
    first = found[0]
    more = f"{len(found) - 1} more {'is' if len(found) == 2 else 'are'} wrong" if len(found) > 1 else ""
    hint = "; ".join(part for part in (first.hint, more) if part)
    what = f"key {first.path}" if rank == _UNKNOWN else first.path
    return OptcError("cost-table", where, what, first.expected, first.actual, hint)


def _unknown(path: str, known: Iterable[str]) -> _Problem:
    names = tuple(known)
    hint = did_you_mean(path.rpartition(".")[2], names) or f"known are {', '.join(names)}"
    return _Problem(_UNKNOWN, path, "one that tables have", hint=hint)


def _wrong_keys(data: Mapping[str, Any]) -> Iterator[_Problem]:
    """Units and schemes that nothing knows, and those that are not there."""
    units = data.get("units")
    if not isinstance(units, dict):
        return
    if not units:
        yield _Problem(_WRONG, "units", f"at least one of {', '.join(UNITS)}", "none")
    yield from (_unknown(f"units.{name}", UNITS) for name in units if name not in UNITS)
    for name, unit in units.items():
        if isinstance(unit, dict) and name in UNITS:
            others = [other for other in units if other != name and other in UNITS]
            yield from _keys_of(unit.get("schemes"), f"units.{name}.schemes", SCHEMES, SCHEMES)
            yield from _keys_of(unit.get("handover", {}), f"units.{name}.handover", others, others)
            yield from _keys_of(unit.get("arithmetic_tflops"), f"units.{name}.arithmetic_tflops", ARITHMETIC)
            yield from _wrong_in_schemes(unit.get("schemes"), f"units.{name}.schemes")


def _wrong_in_schemes(schemes: object, path: str) -> Iterator[_Problem]:
    for name, scheme in schemes.items() if isinstance(schemes, dict) else ():
        if isinstance(scheme, dict):
            yield from _keys_of(scheme.get("decode_by_bits"), f"{path}.{name}.decode_by_bits", WIDTHS)
            yield from _wrong_ops(scheme.get("ops"), f"{path}.{name}.ops")


def _wrong_ops(names: object, path: str) -> Iterator[_Problem]:
    if isinstance(names, list) and names:
        from optc.ops.catalog import CATALOG  # most tables name no ops

        for name in names:
            if isinstance(name, str) and name not in CATALOG:
                yield _Problem(_WRONG, path, "names of ops", name, did_you_mean(name, CATALOG))


def _keys_of(table: object, path: str, known: Iterable[str], needed: Iterable[str] = ()) -> Iterator[_Problem]:
    if isinstance(table, dict):
        names = tuple(known)
        yield from (_unknown(f"{path}.{key}", names) for key in table if key not in names)
        yield from (_Problem(_MISSING, f"{path}.{key}") for key in needed if key not in table)


def _problems(error: Exception, path: tuple[str, ...]) -> Iterator[_Problem]:
    """What cattrs found, with dotted paths."""
    from cattrs.errors import (
        AttributeValidationNote,
        BaseValidationError,
        ForbiddenExtraKeysError,
        IterableValidationNote,
    )

    dotted = ".".join(path)
    if isinstance(error, BaseValidationError):
        for inner in error.exceptions:
            at = path
            for note in getattr(inner, "__notes__", ()):
                if isinstance(note, AttributeValidationNote):
                    at = (*path, note.name)
                elif isinstance(note, IterableValidationNote) and isinstance(note.index, str):
                    at = (*path, note.index)
            yield from _problems(inner, at)
    elif isinstance(error, ForbiddenExtraKeysError):
        known = [field.name for field in attrs.fields(error.cl)]
        yield from (_unknown(".".join((*path, key)), known) for key in sorted(error.extra_fields))
    elif isinstance(error, _WrongError):
        yield _Problem(_WRONG, dotted, error.expected, error.actual)
    elif isinstance(error, KeyError):
        yield _Problem(_MISSING, dotted)
    else:
        yield _of_validator(error, path)


def _of_validator(error: Exception, path: tuple[str, ...]) -> _Problem:
    """What a validator of the attrs classes says, of the field that it says it of."""
    if len(error.args) == 4:  # attrs.validators.in_: its message, the field, what is allowed, and what is there
        _, field, allowed, value = error.args
        known = [str(one) for one in allowed]
        at = ".".join((*path, field.name))
        return _Problem(_WRONG, at, f"one of {', '.join(known)}", str(value), did_you_mean(str(value), known))
    text = str(error)
    least = _LEAST.fullmatch(text)
    if least is not None:
        return _Problem(_WRONG, ".".join((*path, least["name"])), f"at least {least['least']}", least["got"])
    short = _SHORT.fullmatch(text)
    if short is not None:
        at = ".".join((*path, short["name"]))
        return _Problem(_WRONG, at, f"of a length of at least {short['least']}", short["got"])
    own = _OWN.fullmatch(text)
    if own is not None:
        expected = own["expected"] if own["verb"] == "be" else f"a table that has {own['expected']}"
        return _Problem(_WRONG, ".".join((*path, own["name"])), expected, own["got"] or "")
    return _Problem(_WRONG, ".".join(path) or "table", "valid", text)


@cache
def _converter() -> "Converter":
    """A converter that takes nothing for something else: no text for a number, no number for a text or a table."""
    from cattrs import Converter
    from cattrs.cols import homogenous_tuple_structure_factory, is_mapping, mapping_structure_factory
    from cattrs.gen import make_dict_structure_fn

    made = Converter(forbid_extra_keys=True)
    made.register_structure_hook(float, lambda value, _: _number(value))
    made.register_structure_hook(int, lambda value, _: _integer(value))
    made.register_structure_hook(str, lambda value, _: _text(value))

    def of_class(kind: Any, converter: "Converter") -> Callable[[Any, Any], Any]:
        inner = make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True)
        return lambda value, target: inner(_table(value, kind), target)

    def of_mapping(kind: Any, converter: "Converter") -> Callable[[Any, Any], Any]:
        inner = mapping_structure_factory(kind, converter)
        return lambda value, target: inner(_table(value, None), target)

    def of_list(kind: Any, converter: "Converter") -> Callable[[Any, Any], Any]:
        inner = homogenous_tuple_structure_factory(kind, converter)
        return lambda value, target: inner(_list(value), target)

    made.register_structure_hook_factory(attrs.has, of_class)
    made.register_structure_hook_factory(is_mapping, of_mapping)
    made.register_structure_hook_factory(lambda kind: getattr(kind, "__origin__", None) is tuple, of_list)
    return made


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _WrongError("a number", _shown(value))
    if not (math.isfinite(value) if isinstance(value, float) else abs(value) < 1 << 1000):
        raise _WrongError("a finite number", _shown(value))
    return float(value)


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _WrongError("an integer", _shown(value))
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _WrongError("a text", _shown(value))
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _WrongError("a list", _shown(value))
    return value


def _table(value: object, kind: type | None) -> dict[str, Any]:
    if not isinstance(value, dict):
        fields = ", ".join(f.name for f in attrs.fields(kind) if f.default is attrs.NOTHING) if kind else ""
        raise _WrongError(f"a table of {fields}" if fields else "a table", _shown(value))
    return value


def _shown(value: object) -> str:
    """A value of a TOML file, in a few words."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
