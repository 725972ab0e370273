"""Sizes of groups and blocks that divide a dimension."""


def nearest_divisor(dim: int, wanted: int, most: int | None = None) -> int:
    """The divisor of `dim` (at least 1) that is nearest to `wanted` (at least 1) by ratio; the smaller on a tie.

    With `most`, of those that are no greater.
    """
    small = [size for size in range(1, int(dim**0.5) + 1) if dim % size == 0]
    divisors = sorted(size for size in {*small, *(dim // size for size in small)} if most is None or size <= most)
    return min(divisors, key=lambda size: max(size / wanted, wanted / size))
