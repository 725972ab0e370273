"""Sizes of groups and blocks that divide a dimension."""


def nearest_divisor(dim: int, wanted: int, most: int | None = None) -> int:
    """The divisor of `dim` (at least 1) that is nearest to `wanted` (at least 1) by ratio; the smaller on a tie.

    With `most`, of those that are no greater.
    """
    small = [size for size in range(1, int(dim**0.5) + 1) if dim % size == 0]
    divisors = sorted(size for size in {*small, *(dim // size for size in small)} if most is None or size <= most)
    return min(divisors, key=lambda size: max(size / wanted, wanted / size))


def legal_size(dim: int, wanted: int, unit: int = 1, most: int | None = None) -> int:
    """The size of groups along a dimension (at least 1): as wanted, 0 being the whole, or the nearest that divides it.

    It is a multiple of `unit`, a divisor of `dim`, and at most `most`.
    """
    size = min(wanted, dim) or dim
    if dim % size == 0 and size % unit == 0 and size <= (most or size):
        return size
    return unit * nearest_divisor(dim // unit, max(1, round(size / unit)), most)
