"""The page of the ops: their signatures, read from the declarations."""

import re
from collections.abc import Iterable, Mapping
from types import ModuleType

import attrs

from optc.formats.coreml.tables import EXPORTERS as COREML
from optc.formats.onnx.tables import EXPORTERS as ONNX
from optc.ir.const import Const
from optc.ir.dtypes import FLOATS, INTEGERS, NUMERIC, SIGNED, DType
from optc.ir.fields import AttributeField, OperandField
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ops.catalog import FAMILIES
from optc_reference.markdown import code, escaped, from_docstring, page, table

_GROUPS = {"numbers": NUMERIC, "signed numbers": SIGNED, "floats": FLOATS, "integers": INTEGERS}
"""Names for the sets of element types that many operands share."""
_FORMS = {"one": "", "optional": "may be absent", "many": "several", "gaps": "several, some of which may be absent"}


def _dtypes(field: OperandField) -> str:
    if field.of != "tensor":
        return field.of
    if field.same_as and field.same_as != field.name:
        return f"as {code(field.same_as)}"
    if not field.dtypes or len(field.dtypes) == len(DType):
        return "any"
    named = [name for name, group in _GROUPS.items() if set(group) == set(field.dtypes)]
    return named[0] if named else _names(field.dtypes)


def _names(dtypes: Iterable[DType]) -> str:
    return " ".join(code(dtype.value) for dtype in dtypes)


def _operand(field: OperandField) -> tuple[str, ...]:
    notes = [_FORMS[field.form], "known at compile time" if field.const else ""]
    notes += ["all of one type"] if field.same_as == field.name else []
    return code(field.name), "operand", _dtypes(field), "", ", ".join(filter(None, notes))


def _shown(value: object) -> str:
    return str(value.value if isinstance(value, DType) else list(value) if isinstance(value, tuple) else value)


def _attribute(field: AttributeField) -> tuple[str, ...]:
    notes = [f"one of {', '.join(code(_shown(choice)) for choice in field.one_of)}"] if field.one_of else []
    notes += [f"at least {field.minimum}"] if field.minimum is not None else []
    default = "must be given" if field.default is attrs.NOTHING else code(_shown(field.default)) or "empty"
    return code(field.name), "attribute", code(field.kind), default.replace("`None`", "absent"), ", ".join(notes)


def signature(op: type[Op]) -> str:
    """The op in one line, as the text form writes it."""
    marks = {"one": "{}", "optional": "{}?", "many": "{}...", "gaps": "{}?..."}
    operands = ", ".join(marks[field.form].format(f"%{field.name}") for field in op.spec.operands)
    attributes = ", ".join(field.name for field in op.spec.attributes)
    return f"{op.op_name}({operands})" + (f" {{{attributes}}}" if attributes else "")


def _op(op: type[Op]) -> str:
    spec = op.spec
    rows = [*map(_operand, spec.operands), *map(_attribute, spec.attributes)]
    rows += [(code(f.word), "region", "several blocks" if f.many else "block", "", "") for f in spec.regions]
    fields = table(("name", "is", "type", "default", ""), rows)
    written = [name for name, exporters in (("ONNX", ONNX), ("Core ML", COREML)) if op in exporters]
    said = f"Written to {' and '.join(written)}." if written else ""
    parts = (f"### {op.op_name}", code(signature(op)), from_docstring(op.__doc__), fields, said)
    return "\n\n".join(part for part in parts if part)


def _family(family: ModuleType) -> str:
    title, _, rest = (family.__doc__ or "").partition("\n\n")
    sentence = " ".join(title.split())
    heading = re.split(r"[:;,] | of images of | of `?\[", sentence)[0].rstrip(".")
    says = escaped(sentence) if sentence.rstrip(".") != heading else ""
    parts = (f"## {escaped(heading)}", says, from_docstring(rest), *map(_op, family.OPS))
    return "\n\n".join(part for part in parts if part)


def pages() -> Mapping[str, str]:
    """The page of the ops."""
    intro = (
        "The ops that programs are made of, by family. Operands are values (`%x`), attributes are known when the "
        "program is made, and regions are nested blocks. `?` marks what may be absent, `...` what there may be several "
        "of."
    )
    kinds = (
        f"Element types: {', '.join(code(dtype.value) for dtype in DType)}. Kinds of attributes: `int`, `float`, "
        "`bool`, `str`, `dtype`, `tensor`, `dim` (an integer or a symbolic size), and lists of these (`ints`, ...)."
    )
    groups = (f"- *{name}*: {_names(group)}" for name, group in _GROUPS.items())
    first = "\n\n".join(("## Constants, and what optc does not know", *map(_op, (Const, Opaque))))
    return {"ops.md": page("Ops", intro, kinds, "\n".join(groups), first, *map(_family, FAMILIES))}
