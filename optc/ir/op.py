"""Ops: declared signatures with type inference, reference semantics and cost facts.

An op is a frozen attrs class. Its fields are its signature (`optc.ir.fields`); its methods say what type its
results have (`infer`), what it computes (`evaluate`) and how much arithmetic that is (`operations`). Two ops
with equal fields are the same computation, whatever values they define.
"""

from collections.abc import Callable, Iterator, Mapping
from threading import RLock
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast, dataclass_transform

import attrs

from optc.errors import OptcError
from optc.ir.dims import Dim
from optc.ir.fields import (
    AttributeField,
    OperandField,
    RegionField,
    attribute,
    complete_field,
    operand,
    read_field,
    region,
    result_values,
)
from optc.ir.types import HIGHEST_RANK, LARGEST_SIZE, StateType, TensorType, Type, UnknownType
from optc.ir.value import Value

if TYPE_CHECKING:
    from optc.ir.block import Block

C = TypeVar("C", bound="type[Op]")
Inferred = Type | tuple[Type, ...]
RunBlock = Callable[["Block", tuple[Any, ...]], tuple[Any, ...]]
"""Runs a nested block on arrays for its parameters; gives the arrays of its results."""


@attrs.frozen
class OpSpec:
    """What an op's declaration says, read once from its fields."""

    name: str
    operands: tuple[OperandField, ...]
    attributes: tuple[AttributeField, ...]
    regions: tuple[RegionField, ...]


@attrs.frozen
class Cost:
    """Cost facts of one op: arithmetic operations (a multiply-add is two) and bytes; symbolic where shapes are."""

    operations: Dim
    bytes_read: Dim
    bytes_written: Dim


def bytes_of(kind: Type) -> Dim:
    """Bytes of a value of this type, packed; symbolic where the shape is."""
    if isinstance(kind, UnknownType):
        return 0
    tensor = kind.tensor if isinstance(kind, StateType) else kind
    elements: Any = tensor.elements
    return (elements * tensor.dtype.bits + 7) // 8  # type: ignore[no-any-return]  # Dim arithmetic is Any


class _Declaration:
    """Makes a class an attrs class when it is first used: most runs use few ops, and attrs compiles code for each.

    It stands in for the spec of the class until then; making an op goes through `__init__` below.
    """

    def __init__(self, cls: "type[Op]") -> None:
        self.cls = cls

    def __get__(self, instance: object, owner: type) -> OpSpec:
        with _DECLARING:
            if self.cls.__dict__.get("spec") is self:
                self._declare()
        spec: OpSpec = owner.spec  # type: ignore[attr-defined]  # that of the class, or of a base
        return spec

    def _declare(self) -> None:
        cls: Any = self.cls
        for base in cls.__bases__:
            getattr(base, "spec", None)  # attrs takes the fields of bases that are attrs classes
        # In place of `first_init`, which is there until then, as another thread may be making the first op.
        attrs.frozen(cls, field_transformer=complete_field, repr=False, slots=False, init=True)
        specs = [read_field(f) for f in attrs.fields(cls)]
        cls.spec = OpSpec(
            cls.op_name,
            tuple(s for s in specs if isinstance(s, OperandField)),
            tuple(s for s in specs if isinstance(s, AttributeField)),
            tuple(s for s in specs if isinstance(s, RegionField)),
        )


_DECLARING = RLock()


def _declare(cls: C, name: str) -> C:
    declared: Any = cls

    def first_init(self: "Op", *args: Any, **fields: Any) -> None:
        _ = type(self).spec
        type(self).__init__(self, *args, **fields)

    declared.op_name = name
    declared.spec = _Declaration(cls)
    declared.__init__ = first_init
    return cls


@dataclass_transform(frozen_default=True, field_specifiers=(operand, attribute, region, result_values))
def op(name: str) -> Callable[[C], C]:
    """Declare the class below as the op called `name` in the text form."""
    return lambda cls: _declare(cls, name)


@dataclass_transform(frozen_default=True, field_specifiers=(operand, attribute, region, result_values))
def abstract_op(cls: C) -> C:
    """Declare a base class that lends its fields to ops, without being an op itself."""
    return _declare(cls, "")


@abstract_op
class Op:
    """Base of all ops. `results` are the values it defines; their types are inferred unless they are given."""

    op_name: ClassVar[str] = ""
    spec: ClassVar[OpSpec]
    """What the fields of the class declare; reading it makes the class ready for use."""
    pure: ClassVar[bool] = True
    """No effect but its results: may be removed, merged, moved."""
    constant: ClassVar[bool] = False
    """The result is known at compile time: `const` and the constexpr ops."""
    commutative: ClassVar[bool] = False
    """The first two operands may be exchanged without changing a bit of the result."""

    results: tuple[Value, ...] = result_values(kw_only=True, default=())

    def __attrs_post_init__(self) -> None:
        from optc.ir.check import check_fields

        check_fields(self)
        if not self.results:
            object.__setattr__(self, "results", tuple(Value(t) for t in self.inferred()))

    def infer(self) -> Inferred:
        """The type of the result, or a tuple of types of the results.

        Raises:
            OptcError: the operands' types break the op's rule.
        """
        raise TypeError(f"{type(self).__name__} declares no type inference")

    def evaluate(self, *operands: Any) -> Any:
        """Reference semantics: the result's array, or a tuple of arrays, from the operands' arrays.

        Operands come as NumPy arrays of `dtype.numpy` in the order of `operands`; an absent optional operand
        is None, and an operand that takes several values is one tuple.
        """
        raise TypeError(f"{type(self).__name__} declares no reference semantics")

    def execute(self, operands: tuple[Any, ...], run: "RunBlock") -> Any:
        """What `evaluate` computes, for ops that must also run nested blocks: `run(block, arrays)` does that."""
        return self.evaluate(*operands)

    def operations(self) -> Dim:
        """Arithmetic operations of one execution; one per element of the results unless an op says otherwise."""
        total: Any = 0
        for value in self.results:
            total = total + (value.type.elements if isinstance(value.type, TensorType) else 0)
        return total  # type: ignore[no-any-return]  # Dim arithmetic is typed Any

    def cost(self) -> Cost:
        """Arithmetic, and the bytes of operands and results."""
        read: Any = 0
        written: Any = 0
        for value in self.operands:
            read = read + bytes_of(value.type)
        for value in self.results:
            written = written + bytes_of(value.type)
        return Cost(self.operations(), read, written)

    def inferred(self) -> tuple[Type, ...]:
        """The result of `infer` as a tuple.

        Raises:
            OptcError: slug `result-size`: no array could be of such a type; or what `infer` raises.
        """
        types = self.infer()
        types = types if isinstance(types, tuple) else (types,)
        for kind in types:
            if isinstance(kind, TensorType) and not kind.is_representable:
                expected = f"at most {HIGHEST_RANK}, each at most {LARGEST_SIZE}"
                raise self.refuse("result-size", "dimensions of a result", expected, kind)
        return types

    @property
    def name(self) -> str:
        return self.op_name

    @property
    def result(self) -> Value:
        """The only result.

        Raises:
            ValueError: the op has several results, or none.
        """
        (value,) = self.results
        return value

    @property
    def operands(self) -> tuple[Value, ...]:
        """All values used, in order, absent ones left out, nested blocks not looked into."""
        out: list[Value] = []
        for field in self.spec.operands:
            held = getattr(self, field.name)
            if field.form == "one":
                out.append(held)
            elif field.form == "optional":
                if held is not None:
                    out.append(held)
            else:
                out.extend(v for v in held if v is not None)
        return tuple(out)

    @property
    def blocks(self) -> "tuple[Block, ...]":
        """The nested blocks, in order of the declaration."""
        return tuple(block for _, block in self.named_blocks())

    def named_blocks(self) -> "Iterator[tuple[str, Block]]":
        """The nested blocks, each with the name that it has in the text form."""
        for field in self.spec.regions:
            held = getattr(self, field.name)
            for block in held if field.many else (held,):
                yield field.word, block

    def arguments(self) -> tuple[Any, ...]:
        """The operand fields as `evaluate` takes them: values, None, or tuples of these."""
        return tuple(getattr(self, field.name) for field in self.spec.operands)

    def with_operands(self, substitute: Callable[[Value], Value]) -> Self:
        """This op on other operands; itself if none changes. Results stay the same values."""
        changed: dict[str, Any] = {}
        for field in self.spec.operands:
            held = getattr(self, field.name)
            if held is None:
                continue
            if field.form in ("one", "optional"):
                new: Any = substitute(held)
                if new is not held:
                    changed[field.name] = new
            else:
                new = tuple(None if v is None else substitute(v) for v in held)
                if any(a is not b for a, b in zip(new, held, strict=True)):
                    changed[field.name] = new
        return self.evolve(**changed) if changed else self

    def with_blocks(self, change: "Callable[[Block], Block]") -> Self:
        """This op with `change` made to its nested blocks; itself if none changes. Results stay the same values."""
        changed: dict[str, Any] = {}
        for field in self.spec.regions:
            held = getattr(self, field.name)
            old = held if field.many else (held,)
            new = tuple(change(block) for block in old)
            if any(a is not b for a, b in zip(new, old, strict=True)):
                changed[field.name] = new if field.many else new[0]
        return self.evolve(**changed) if changed else self

    def evolve(self, **changes: Any) -> Self:
        """A copy with some fields changed; the results are kept unless they are among the changes."""
        evolved: Self = attrs.evolve(cast(Any, self), **changes)
        return evolved

    def named(self, *names: str) -> Self:
        """The same op with fresh results of these names."""
        fresh = tuple(v.renamed(n) for v, n in zip(self.results, names, strict=True))
        return self.evolve(results=fresh)

    def attribute_values(self) -> Mapping[str, Any]:
        """Attributes by name, defaults included."""
        return {field.name: getattr(self, field.name) for field in self.spec.attributes}

    def refuse(self, slug: str, what: str, expected: object, actual: object = "", hint: str = "") -> OptcError:
        """The error that says what is wrong with this op, for `raise`."""
        return OptcError(slug, self.describe(), what, str(expected), actual, hint)

    def describe(self) -> str:
        """How messages name this op: `op %y = relu`, or `op relu of %x` where the result has no name."""
        named = ", ".join(f"%{v.name}" for v in self.results if type(v) is Value and v.name)
        if named:
            return f"op {named} = {self.name}"
        held = (getattr(self, field.name) for field in self.spec.operands)  # what is broken is described, too
        given = next((v.name for v in held if type(v) is Value and v.name), "")
        return f"op {self.name} of %{given}" if given else f"op {self.name}"
