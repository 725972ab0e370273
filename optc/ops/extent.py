"""What is certain about the size of symbolic dimensions."""

from optc.ir.dims import Dim


def lower_bound(dim: Dim) -> int | None:
    """The least value that an expression has for any sizes from 0 on; None where it has no such bound."""
    if isinstance(dim, int):
        return dim
    total = 0
    for atoms, coefficient in dim.terms:
        product = coefficient
        for atom in atoms:
            least = 0 if isinstance(atom, str) else lower_bound(atom.numerator)
            if least is None or least < 0:
                return None
            product *= 0 if isinstance(atom, str) else least // atom.divisor
        if atoms and coefficient < 0:
            return None
        total += product
    return total


def least_size(dim: Dim) -> int:
    """The least size of a dimension, which is never negative."""
    return max(0, lower_bound(dim) or 0)
