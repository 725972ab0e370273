"""Weights by the names that users give: which one is meant, or why plans do not decide on it."""

from collections.abc import Collection

from backends.uses import MIN_ELEMENTS, is_small
from optc.errors import UsageError
from optc.ir.block import Program
from optc.ops.weights import weights_of
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
