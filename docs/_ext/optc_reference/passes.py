"""The page of the passes, their options, and the presets."""

from collections.abc import Mapping

from optc.pipeline.options import Option, options_of, show
from optc.pipeline.passes import Pass
from optc_reference.markdown import code, escaped, fenced, from_docstring, page, table
from passes.catalog import CATALOG, COMPRESS, EXACT, ROUNDING

GROUPS = (
    ("Cleanup, bit for bit", "Results stay the same, bit for bit.", EXACT),
    ("Cleanup, but for rounding", "Results stay the same but for rounding.", ROUNDING),
    ("Compression", "Weights become constant expressions, and back. Each leaves one remark for each weight.", COMPRESS),
)


def _kind(option: Option) -> str:
    kind = f"list of {option.kind}" if option.many else option.kind
    return f"{kind} or none" if option.optional else kind


def _allowed(option: Option) -> str:
    if option.one_of:
        return ", ".join(code(show(choice)) for choice in option.one_of)
    low, high = option.minimum, option.maximum
    bounds = [f"from {low:g}"] if low is not None else []
    return " ".join(bounds + ([f"to {high:g}"] if high is not None else []))


def _options(cls: type[Pass]) -> str:
    rows = (
        (
            code(option.name), _kind(option), "must be given" if option.required else code(show(option.default)),
            _allowed(option), escaped(option.help),
        )
        for option in options_of(cls)
    )  # fmt: skip
    return table(("option", "type", "default", "allowed", "what it is"), rows)


def _pass(cls: type[Pass]) -> str:
    facts = [word for word, there in (("a second run changes nothing", cls.idempotent),) if there]
    said = f"Of this pass, {facts[0]}.\n" if facts else ""
    return "\n\n".join(part for part in (f"### {cls.name}", from_docstring(cls.__doc__), said, _options(cls)) if part)


def pages() -> Mapping[str, str]:
    """The page of the passes."""
    intro = (
        "Passes are functions from program to program. `optc opt MODEL --pipeline TEXT`, and `optc compress` in the "
        "same way, run them by name; options stand in braces, and a preset is named with `@`."
    )
    presets = table(("preset", "stands for"), ((code(f"@{name}"), code(text)) for name, text in CATALOG.presets))
    example = (
        "fold-constants,palettize{bits=4,group_size=16},dead-code\nfixpoint(canonicalize,dead-code)\n@cleanup,quantize"
    )
    groups = ("\n\n".join([f"## {title}", says, *map(_pass, classes)]) for title, says, classes in GROUPS)
    return {
        "passes.md": page("Passes", intro, fenced(example), "## Presets", presets,
                          "`fixpoint(...)` repeats what it holds until nothing changes.", *groups),
    }  # fmt: skip
