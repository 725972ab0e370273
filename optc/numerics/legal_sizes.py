"""Sizes of groups and blocks that divide a dimension."""


def nearest_divisor(dim: int, wanted: int) -> int:
    """The divisor of `dim` (at least 1) that is nearest to `wanted` (at least 1) by ratio; the smaller on a tie."""
    small = [size for size in range(1, int(dim**0.5) + 1) if dim % size == 0]
    divisors = sorted({*small, *(dim // size for size in small)})
    return min(divisors, key=lambda size: max(size / wanted, wanted / size))
