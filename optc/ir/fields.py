"""The fields that an op declares: operands, attributes and regions, and what may stand in each.

The annotation says the form (`Value`, `Value | None`, `tuple[Value, ...]`, `int`, `tuple[Dim, ...]`,
`Block`, ...), the specifier says what is allowed in it. Everything that must know an op's signature (the
checks, the printer, the parser, the generator of random programs, the reference page) reads it from here.
"""

import struct
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from optc.ir.dims import Dim, SymDim
from optc.ir.dtypes import DType
from optc.ir.tensor import Tensor
from optc.ir.value import Value

_KEY = "optc"


@attrs.frozen
class OperandField:
    """A value that the op uses.

    `form` is `one`, `optional`, `many` (a tuple) or `gaps` (a tuple in which places may be empty).
    `same_as` names an earlier operand whose element type this one must share (with `many`, its own name:
    all members share one). `const` marks what must be known at compile time. `of` is `tensor`, `state`, or
    `any` type.
    """

    name: str
    form: str
    dtypes: tuple[DType, ...]
    same_as: str
    const: bool
    of: str


@attrs.frozen
class AttributeField:
    """A compile-time parameter; `kind` names its text form (see `KINDS`)."""

    name: str
    kind: str
    optional: bool
    default: Any
    one_of: tuple[Any, ...]
    minimum: int | None

    @property
    def required(self) -> bool:
        return self.default is attrs.NOTHING


@attrs.frozen
class RegionField:
    """A nested block; `many` is a tuple of blocks."""

    name: str
    many: bool

    @property
    def word(self) -> str:
        """Its name in the text form: a field that would be a keyword of Python ends in an underscore (`else_`)."""
        return self.name.removesuffix("_")


def operand(
    *dtypes: DType, same_as: str = "", const: bool = False, of: str = "tensor", default: Any = attrs.NOTHING
) -> Any:
    """Declare an operand that takes tensors of `dtypes` (any, if none is given), a state, or anything."""
    return attrs.field(default=default, metadata={_KEY: ("operand", dtypes, same_as, const, of)})


def attribute(default: Any = attrs.NOTHING, *, one_of: tuple[Any, ...] = (), minimum: int | None = None) -> Any:
    """Declare a compile-time parameter; `minimum` bounds an integer or each of several."""
    return attrs.field(default=default, metadata={_KEY: ("attribute", one_of, minimum)})


def region(default: Any = attrs.NOTHING) -> Any:
    """Declare a nested block."""
    return attrs.field(default=default, metadata={_KEY: ("region",)})


def result_values(*, kw_only: bool, default: Any) -> Any:
    """Declare where an op keeps the values it defines; they are no part of its content."""
    return attrs.field(default=default, kw_only=kw_only, eq=False, repr=False, converter=_as_tuple)


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: type(value) in kinds


def _all(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: type(value) is tuple and all(check(item) for item in value)


def _is_extras(value: Any) -> bool:
    """Whether a value is a tuple of (name, value) pairs, each value of one of the other kinds."""
    return type(value) is tuple and all(
        type(pair) is tuple and len(pair) == 2 and type(pair[0]) is str
        and any(KINDS[kind][1](pair[1]) for kind in ("int", "float", "str", "tensor", "ints", "floats", "strs"))
        for pair in value
    )  # fmt: skip


# Every kind of attribute: its annotation, and the check of a value. Text forms are in printer and parser.
KINDS: dict[str, tuple[Any, Callable[[Any], bool]]] = {
    "int": (int, _is(int)),
    "float": (float, _is(float)),
    "bool": (bool, _is(bool)),
    "str": (str, _is(str)),
    "dtype": (DType, _is(DType)),
    "tensor": (Tensor, _is(Tensor)),
    "dim": (Dim, _is(int, SymDim)),
    "ints": (tuple[int, ...], _all(_is(int))),
    "floats": (tuple[float, ...], _all(_is(float))),
    "strs": (tuple[str, ...], _all(_is(str))),
    "dims": (tuple[Dim, ...], _all(_is(int, SymDim))),
    "extras": (tuple[tuple[str, Any], ...], lambda value: _is_extras(value)),
}


def float_bits(value: Any) -> Any:
    """The identity of a float attribute: its bits, so that -0.0 is not 0.0 and a NaN equals itself."""
    if isinstance(value, tuple):
        return tuple(float_bits(item) for item in value)
    return struct.pack("<d", value) if isinstance(value, float) else value


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) in (types.UnionType, typing.Union):
        rest = tuple(a for a in typing.get_args(annotation) if a is not type(None))
        if len(rest) < len(typing.get_args(annotation)):
            return (rest[0] if len(rest) == 1 else typing.Union[rest]), True  # noqa: UP007  (built at run time)
    return annotation, False


_OPERAND_FORMS: dict[Any, str] = {
    Value: "one",
    Value | None: "optional",
    tuple[Value, ...]: "many",
    tuple[Value | None, ...]: "gaps",
}


def read_field(field: "attrs.Attribute[Any]") -> "OperandField | AttributeField | RegionField | None":
    """The declaration behind one attrs field; None for fields that are not part of a signature.

    Raises:
        TypeError: the annotation is none that an op may have (a mistake in the op's declaration).
    """
    declared = field.metadata.get(_KEY)
    if declared is None:
        return None
    if declared[0] == "operand":
        form = _OPERAND_FORMS.get(field.type)
        if form is None:
            raise TypeError(f"operand {field.name!r} cannot be annotated {field.type!r}")
        return OperandField(field.name, form, *declared[1:])
    if declared[0] == "region":
        return RegionField(field.name, typing.get_origin(field.type) is tuple)
    annotation, optional = _without_none(field.type)
    for kind, (expected, _) in KINDS.items():
        if annotation == expected:
            return AttributeField(field.name, kind, optional, field.default, *declared[1:])
    raise TypeError(f"attribute {field.name!r} cannot be annotated {field.type!r}")


def complete_field(cls: type, fields: list["attrs.Attribute[Any]"]) -> list["attrs.Attribute[Any]"]:
    """attrs' field transformer: sequences become tuples, floats compare by their bits."""
    out = []
    for field in fields:
        spec = read_field(field)
        if isinstance(spec, AttributeField) and spec.kind in ("float", "floats", "extras"):
            field = field.evolve(eq_key=float_bits)
        if isinstance(spec, AttributeField) and spec.kind == "float":
            field = field.evolve(converter=_to_float)
        many = (isinstance(spec, AttributeField) and spec.kind.endswith("s")) or (
            isinstance(spec, OperandField) and spec.form in ("many", "gaps")
        )
        if many or (isinstance(spec, RegionField) and spec.many):
            field = field.evolve(converter=_to_tuple)
        out.append(field)
    return out


def _as_tuple(values: Iterable[Any]) -> tuple[Any, ...]:
    # Not `tuple` itself: attrs asks for the signature, and to make one up for a built-in takes Python long, at each op.
    return tuple(values)


def _to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _to_float(value: Any) -> Any:
    return float(value) if type(value) is int else value
