"""Figures: the numbers of a cost table, each with where it comes from."""

from collections.abc import Mapping
from typing import Any

import attrs

HOW = ("published", "measured", "fitted", "assumed", "set")
"""How a number was got; `set` is by the user, for one run."""


@attrs.frozen
class Figure:
    """One number of a table; its unit is in the name of the field that holds it.

    `how` is one of `HOW`; `source` says where, or on which rows it was fitted, or what it was assumed from.
    """

    value: float = attrs.field(validator=attrs.validators.ge(0))
    how: str = attrs.field(validator=attrs.validators.in_(HOW))
    source: str = attrs.field(validator=attrs.validators.min_len(3))


def positive(_: object, field: "attrs.Attribute[Any]", figure: Figure | None) -> None:
    """An attrs validator: the figure, if there is one, is greater than 0."""
    if figure is not None and not figure.value > 0:
        raise ValueError(f"{field.name} must be greater than 0 (got {figure.value})")


def all_positive(_: object, field: "attrs.Attribute[Any]", figures: Mapping[str, Figure]) -> None:
    """An attrs validator: each of the figures is greater than 0."""
    for name, figure in figures.items():
        if not figure.value > 0:
            raise ValueError(f"{field.name}.{name} must be greater than 0 (got {figure.value})")
