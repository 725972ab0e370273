"""The page of what `import optc` offers."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import optc
from optc_reference.markdown import code, fenced, from_docstring, page

NAMES = tuple(name for name in dir(optc) if name != "__version__")
MADE_BY_USERS = ("Configuration", "Palettize", "Pipeline", "Quantize", "Sparsify")
"""Classes whose constructors are for users; objects of the others come out of functions."""
WITH_MEMBERS = ("Pipeline", "Plan", "Program", "Simulation", "WeightInfo")
_MODULES = re.compile(r"\b(?:[a-z_][a-z0-9_]*\.)+(?=[A-Za-z])")
_ARRAYS = "ndarray[Any, dtype[Any]]"


def signature(name: str, held: Callable[..., Any]) -> str:
    """How something is called, on one line or one for each parameter, types without their modules."""
    found = inspect.signature(held)
    parameters = [_MODULES.sub("", str(parameter)).replace(_ARRAYS, "Array") for parameter in found.parameters.values()]
    kinds = [parameter.kind for parameter in found.parameters.values()]
    if inspect.Parameter.KEYWORD_ONLY in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        parameters.insert(kinds.index(inspect.Parameter.KEYWORD_ONLY), "*")
    given = inspect.formatannotation(found.return_annotation)
    back = "" if found.return_annotation in (inspect.Signature.empty, None) else f" -> {_MODULES.sub('', given)}"
    back = back.replace(_ARRAYS, "Array")
    line = f"{name}({', '.join(parameters)}){back}"
    return line if len(line) <= 100 else f"{name}(\n" + "".join(f"    {p},\n" for p in parameters) + f"){back}"


def _member(owner: type, name: str, member: Any) -> str:
    """A public method or property that a class itself defines; nothing of the rest."""
    bound = getattr(owner, name)
    plain = member.fget if isinstance(member, property) else getattr(member, "func", member)
    doc = inspect.getdoc(plain)
    if name.startswith("_") or not doc or not (inspect.isroutine(plain) or isinstance(member, classmethod)):
        return ""
    called = inspect.ismethod(bound) or inspect.isfunction(bound)
    shown = signature(name, bound).replace("(self, ", "(").replace("(self)", "()") if called else name
    return f"#### {owner.__name__}.{name}\n\n{fenced(shown, 'python')}\n{from_docstring(doc)}"


def _entry(name: str) -> str:
    held = getattr(optc, name)
    if not inspect.isclass(held):
        return "\n\n".join(
            (f"### {name}", fenced(signature(f"optc.{name}", held), "python"), from_docstring(held.__doc__))
        )
    made = fenced(signature(f"optc.{name}", held), "python") if name in MADE_BY_USERS else ""
    members = [_member(held, *item) for item in vars(held).items()] if name in WITH_MEMBERS else []
    parts = (f"### {name}", made, from_docstring(vars(held).get("__doc__")), *members)
    return "\n\n".join(part for part in parts if part)


def pages() -> Mapping[str, str]:
    """The page of the Python interface."""
    intro = "What `import optc` offers. Everything else in the packages may change from one release to the next."
    functions = [name for name in NAMES if not inspect.isclass(getattr(optc, name))]
    classes = [name for name in NAMES if name not in functions]
    listed = ", ".join(code(name) for name in (*functions, *classes))
    entries = ("## Functions", *map(_entry, functions), "## Classes", *map(_entry, classes))
    return {"python.md": page("Python", intro, listed, *entries)}
