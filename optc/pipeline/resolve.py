"""From pipeline text to passes: names looked up in the catalog, values read as the options' types say."""

import re
from typing import Any

from optc.errors import OptcError, UsageError
from optc.pipeline.catalog import GROUP, Catalog
from optc.pipeline.options import Option, options_of, unknown_option
from optc.pipeline.passes import Pass
from optc.pipeline.pipeline import MAX_ROUNDS, Fixpoint, Step
from optc.pipeline.text import Literal, OptionText, Source, StepText, parse_steps

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|[+-]?inf")


def resolve_steps(source: Source, catalog: Catalog, inside: tuple[str, ...] = ()) -> tuple[Step, ...]:
    """The steps that a text means; `inside` names the presets that are being expanded.

    Raises:
        UsageError: slugs `unknown-pass`, `unknown-option`, `missing-option`, `option-kind`, `option-choice`,
            `option-range`, `group-without-steps`, `pass-with-steps`, `preset-with-options`, `preset-loop`, and those of
            `parse_steps`.
    """
    return _Resolver(source, catalog, inside).steps(parse_steps(source))


class _Resolver:
    def __init__(self, source: Source, catalog: Catalog, inside: tuple[str, ...]) -> None:
        self.source = source
        self.catalog = catalog
        self.inside = inside

    def steps(self, written: tuple[StepText, ...]) -> tuple[Step, ...]:
        return tuple(step for text in written for step in self.step(text))

    def step(self, written: StepText) -> tuple[Step, ...]:
        if written.name == GROUP:
            return (self.fixpoint(written),)
        cls = self.catalog.find(written.name)
        if cls is not None:
            return (self.make(cls, written),)
        preset = self.catalog.preset(written.name)
        if preset is None:
            raise self.catalog.unknown(written.name, *self.place(written.at))
        return self.preset(written, preset)

    def place(self, at: int) -> tuple[str, str]:
        return self.source.where(at), self.source.excerpt(at)

    def fixpoint(self, written: StepText) -> Fixpoint:
        if written.body is None:
            raise self.source.error(written.at, "group-without-steps", GROUP, "followed by its steps in parentheses")
        options = self.options((MAX_ROUNDS,), written)
        return Fixpoint(self.steps(written.body), options.get(MAX_ROUNDS.name, MAX_ROUNDS.default))

    def preset(self, written: StepText, text: str) -> tuple[Step, ...]:
        name = written.name.removeprefix("@")
        if written.options or written.body is not None:
            raise self.source.error(
                written.at, "preset-with-options", f"preset {name}", "named without options or steps"
            )
        if name in self.inside:
            raise self.source.error(written.at, "preset-loop", f"preset {name}", "made without itself")
        return resolve_steps(Source(text, f"preset @{name}"), self.catalog, (*self.inside, name))

    def make(self, cls: type[Pass], written: StepText) -> Pass:
        if written.body is not None:
            raise self.source.error(
                written.at, "pass-with-steps", f"pass {cls.name}", "written without parentheses", "",
                f"only {GROUP} holds steps",
            )  # fmt: skip
        options = self.options(options_of(cls), written)
        try:
            return cls(**options)
        except OptcError as error:  # a rule between options, which the pass checks itself
            raise error.at(*self.place(written.at)) from None

    def options(self, declared: tuple[Option, ...], written: StepText) -> dict[str, Any]:
        known = {option.name: option for option in declared}
        values = {}
        for given in written.options:
            if given.name not in known:
                raise unknown_option(tuple(known), given.name, *self.place(given.at))
            values[given.name] = self.value(known[given.name], given)
        for option in declared:
            if option.required and option.name not in values:
                where, excerpt = self.place(written.at)
                raise UsageError("missing-option", where, f"option {option.name}", "given", excerpt=excerpt)
        return values

    def value(self, option: Option, given: OptionText) -> Any:
        return option.check(read_literal(option, given.value), *self.place(given.value.at))


def read_literal(option: Option, literal: Literal) -> Any:
    """The value that a literal means for an option; where it cannot be one, its text, which `check` then refuses."""
    if literal.items is not None:
        return tuple(_read_scalar(option.kind, item) for item in literal.items)
    if option.optional and literal.text == "none" and not literal.quoted:
        return None
    return _read_scalar(option.kind, literal)


def _read_scalar(kind: str, literal: Literal) -> Any:
    text = literal.text
    if literal.quoted or kind == "str":
        return text
    if kind == "bool":
        return {"true": True, "false": False}.get(text, text)
    if kind == "int":
        return int(text) if _INTEGER.fullmatch(text) else text
    return float(text) if _NUMBER.fullmatch(text) else text
