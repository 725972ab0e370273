"""Weights by the names and patterns that users give: which are meant, or why plans do not decide on one."""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from backends.costs import CHOICES
from backends.uses import MIN_ELEMENTS, is_small
from optc.errors import UsageError
from optc.ir.block import Program
from optc.ops.weights import Weight, weights_of
from optc.pipeline.suggest import did_you_mean


def not_decided(name: str, where: str, decided: Collection[str], source: Program) -> UsageError:
    """The error for a name that is not among those of the weights that a plan of the program decides on.

    Its slug is `no-such-weight`, or `undecided-weight` for one of the program's that plans do not decide on.
    """
    weight = next((w for w in weights_of(source) if w.name == name), None)
    if weight is None:
        hint = did_you_mean(name, decided)
        return UsageError("no-such-weight", where, "name", "that of a weight of the model that an op uses", name, hint)
    if is_small(weight):
        expected = f"of {MIN_ELEMENTS} elements or more to be decided on; smaller ones are part of their ops"
        return UsageError("undecided-weight", where, f"weight {name}", expected, f"{weight.elements:,} elements")
    if any(weight.value in op.results for op in source.main.body.ops):
        expected = "one that is left when the model is cleaned up at the sizes that are given"
        return UsageError("undecided-weight", where, f"weight {name}", expected)
    return UsageError("undecided-weight", where, f"weight {name}", "one of the main function, outside nested blocks")


def pins_by_weight(pins: Mapping[str, str], weights: Sequence[Weight], source: Program) -> dict[str, str]:
    """What is pinned of each weight that is decided on, by its name, from pins by name or by pattern.

    A pattern (`features.*`, as `fnmatch` has them) is of all compressed weights whose names match; a name counts before
    patterns.

    Raises:
        UsageError: slugs `no-such-weight`, `undecided-weight`, `pin-choice`; `pin-conflict` where patterns contradict
            each other.
    """
    names = {weight.name for weight in weights}
    compressed = [weight.name for weight in weights if weight.scheme != "dense"]
    by_pattern: dict[str, str] = {}
    found: dict[str, str] = {}
    for pattern, choice in pins.items():
        if choice not in CHOICES:
            hint = did_you_mean(choice, CHOICES)
            raise UsageError("pin-choice", f"pin {pattern}", "choice", "load or predict", choice, hint)
        if pattern in names:
            continue
        matched = [name for name in compressed if fnmatchcase(name, pattern)]
        if not matched:
            raise _matches_nothing(pattern, names, source)
        for name in matched:
            other = by_pattern.setdefault(name, pattern)
            if name not in pins and pins[other] != choice:
                both = f"{other}={pins[other]} and {pattern}={choice}"
                raise UsageError(
                    "pin-conflict", f"pin {pattern}", f"choice for {name}", "one only", both, f"pin {name} by its name"
                )
            found[name] = choice
    return {**found, **{name: choice for name, choice in pins.items() if name in names}}


def _matches_nothing(pattern: str, names: Collection[str], source: Program) -> UsageError:
    if not any(mark in pattern for mark in "*?["):
        return not_decided(pattern, "pin", names, source)
    return UsageError(
        "no-such-weight", "pin", "pattern", "such that the name of a compressed weight matches", pattern,
        did_you_mean(pattern, names),
    )  # fmt: skip
