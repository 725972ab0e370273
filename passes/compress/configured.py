"""Compression by rules: which scheme a weight gets follows from its name and from the ops that use it."""

import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import ClassVar

import attrs

from optc.errors import UsageError
from optc.formats.node_names import default_name, names_of
from optc.ir.block import Program
from optc.ir.op import Op
from optc.ir.opaque import Opaque
from optc.ops.weights import Weight, weights_of
from optc.pipeline.catalog import Catalog
from optc.pipeline.passes import Pass, PassContext, option
from optc.pipeline.pipeline import Pipeline
from optc.pipeline.suggest import did_you_mean
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from passes.compress.weights import Compression, Numbers, compress_weights

SCHEMES = Catalog((Sparsify, Palettize, Quantize))
NONE, DONE = "none", "done"
LEVELS = ("names", "op_types", "default")
"""Where a rule is written; the first has precedence."""
_RULE = re.compile(r"(?P<scheme>.*?) for (?P<pattern>.+)", re.DOTALL)
_KIND = re.compile(r"(?:[^:]*:)?(?:.*/)?(?P<kind>[^@]*)(?:@.*)?", re.DOTALL)


@attrs.frozen
class Rule:
    """A scheme, or None to leave weights as they are, for what a pattern matches at one of the `LEVELS`.

    Of a joint form whose steps are all made, nothing is left to do: it is `done`.
    """

    level: str
    pattern: str
    scheme: Compression | None
    done: bool = False

    @property
    def place(self) -> str:
        """Where a configuration has it: `names.head`, `op_types.conv`, `default`."""
        return f"{self.level}.{self.pattern}" if self.pattern else self.level

    @property
    def text(self) -> str:
        """The rule as an option of the pass has it."""
        scheme = DONE if self.done else NONE if self.scheme is None else str(self.scheme)
        return f"{scheme} for {self.pattern}" if self.pattern else scheme


@attrs.frozen
class Configured(Pass):
    """Compress each weight by the scheme of the rule that fits it best.

    before:  %w = const() {value = f32[64,32] ...} : f32[64,32]
             %y = linear(%x, %w) : f32[n,64]
    after:   configured{op_types=["palettize{bits=4} for linear"]}: as `palettize{bits=4}` makes it

    A rule is `SCHEME for PATTERN`, where the scheme is a compression pass with its options, `none` to leave weights as
    they are, or `done` where such a pass before this one has made all that was asked for. A pattern is a name, or has
    `*`, `?` and `[...]` for parts of names; the name itself goes before patterns, and of several patterns the first
    that matches counts.

    Precedence: `names` over `op_types` over `default`. A name is that of the weight, or else of an op that uses it.
    Where ops that share a weight have rules of different schemes, there is one compression for all: that of the level
    of highest precedence; within it `none` goes first, as one of the ops is to have exact weights, and then the op that
    comes first in the program. The remark names the rule, and the one that was overruled.

    A rule that matches nothing leaves a remark on the program, `matches-nothing`.
    """

    name: ClassVar[str] = "configured"
    default: str = option(NONE, help="scheme of weights that no rule is for")
    op_types: tuple[str, ...] = option((), help="rules by the type of the op that uses a weight")
    names: tuple[str, ...] = option((), help="rules by the name of a weight, or of an op that uses it")

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.rules()

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Configured":
        """The pass with these rules."""
        texts: dict[str, list[str]] = {level: [] for level in LEVELS}
        for rule in rules:
            texts[rule.level].append(rule.text)
        default = texts["default"][0] if texts["default"] else NONE
        return cls(default, tuple(texts["op_types"]), tuple(texts["names"]))

    def rules(self) -> tuple[Rule, ...]:
        """All rules, those of highest precedence first.

        Raises:
            UsageError: slugs `rule-form`, `rule-twice`, or what is wrong with a scheme.
        """
        found = [_rule(level, text) for level in LEVELS[:-1] for text in getattr(self, level)]
        places = [rule.place for rule in found]
        for place in places:
            if places.count(place) > 1:
                raise UsageError("rule-twice", "pass configured", f"rule {place}", "given once")
        return (*found, Rule("default", "", _scheme(self.default), self.default == DONE))

    def run(self, program: Program, cx: PassContext) -> Program:
        book = _Rules(self.rules(), names_of(dict(program.metadata)))
        weights = weights_of(program)
        chosen = {weight.value: book.choice(weight) for weight in weights}
        for rule in book.unmatched(weights):
            hint = did_you_mean(rule.pattern, book.known(rule.level, weights))
            cx.remark(rule.place, "skipped", "matches-nothing", kind="program", message=hint)

        return compress_weights(
            program, cx, lambda weight: chosen[weight.value].rule.scheme, lambda weight: chosen[weight.value].numbers
        )


def _rule(level: str, text: str) -> Rule:
    match = _RULE.fullmatch(text)
    if match is None:
        raise UsageError(
            "rule-form", "pass configured", f"rule in {level}", "SCHEME for PATTERN", text,
            "for example: palettize{bits=4} for conv",
        )  # fmt: skip
    return Rule(level, match["pattern"], _scheme(match["scheme"]), match["scheme"] == DONE)


def _scheme(text: str) -> Compression | None:
    if text in (NONE, DONE):
        return None
    steps = schemes_of(text, "scheme")
    if len(steps) != 1:
        raise UsageError(
            "rule-scheme", "pass configured", "scheme", f"one pass, or {NONE}", text,
            "a joint form is two such passes, the second with joint=true",
        )  # fmt: skip
    return steps[0]


def schemes_of(text: str, label: str) -> tuple[Compression, ...]:
    """The compression passes of a pipeline text.

    Raises:
        UsageError: the text is wrong, or holds something else.
    """
    steps = Pipeline.parse(text, SCHEMES, label).steps
    found = tuple(step for step in steps if isinstance(step, Compression))
    if len(found) < len(steps):
        raise UsageError("rule-scheme", label, "scheme", f"passes out of {', '.join(SCHEMES.names)}", text)
    return found


@attrs.frozen
class _Choice:
    """The rule that a weight follows, and another that had to give way."""

    rule: Rule
    overruled: Rule | None = None

    @property
    def numbers(self) -> Numbers:
        """What the remark says."""
        given: Numbers = {"rule": self.rule.place}
        return given if self.overruled is None else {**given, "overruled": self.overruled.place}


@attrs.frozen
class _Rules:
    """Rules, and the names of nodes by first output."""

    rules: tuple[Rule, ...]
    node_names: Mapping[str, str]

    def choice(self, weight: Weight) -> _Choice:
        """The rule that a weight follows; see `Configured` for which that is."""
        own = self._best("names", (weight.name, weight.value.name))
        if own is not None:
            return _Choice(own)
        found = [self._of_op(op) for op in weight.consumers]
        rule = min(found, key=lambda rule: (LEVELS.index(rule.level), rule.scheme is not None or rule.done))
        return _Choice(rule, next((other for other in found if other.scheme != rule.scheme), None))

    def _of_op(self, op: Op) -> Rule:
        by_name = self._best("names", self._names(op))
        return by_name or self._best("op_types", types_of(op)) or self.rules[-1]

    def _best(self, level: str, words: tuple[str, ...]) -> Rule | None:
        rules = [rule for rule in self.rules if rule.level == level]
        exact = next((rule for rule in rules if rule.pattern in words), None)
        return exact or next((rule for rule in rules if _matches(rule, words)), None)

    def _names(self, op: Op) -> tuple[str, ...]:
        """The names that an op goes by: that of the file's operator, and those of its results."""
        results = tuple(value.name for value in op.results if value.name)
        if not results:
            return ()
        node = self.node_names.get(results[0], default_name(op.name, results[0]))
        return (node, *results)

    def unmatched(self, weights: Iterable[Weight]) -> list[Rule]:
        """The rules that match no weight and no op that uses one."""
        words = {level: self._words(level, weights) for level in LEVELS[:-1]}
        return [rule for rule in self.rules[:-1] if not any(_matches(rule, found) for found in words[rule.level])]

    def known(self, level: str, weights: Iterable[Weight]) -> set[str]:
        """The names, or types of ops, that a rule could have meant."""
        return {word for words in self._words(level, weights) for word in words}

    def _words(self, level: str, weights: Iterable[Weight]) -> set[tuple[str, ...]]:
        ops: dict[int, Op] = {id(op): op for weight in weights for op in weight.consumers}
        if level == "op_types":
            return {types_of(op) for op in ops.values()}
        own = {(weight.name, weight.value.name) for weight in weights if weight.value.name}
        return own | {self._names(op) for op in ops.values()}


def types_of(op: Op) -> tuple[str, ...]:
    """What an op's type is called; of an operator that is carried, also by the format that it is from."""
    if not isinstance(op, Opaque):
        return (op.name,)
    match = _KIND.fullmatch(op.operator)
    return (op.operator, match["kind"]) if match else (op.operator,)


def _matches(rule: Rule, words: tuple[str, ...]) -> bool:
    return any(rule.pattern == word or fnmatchcase(word, rule.pattern) for word in words)
