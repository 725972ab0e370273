"""What an op gives whose operands are all constants."""

from collections.abc import Callable
from typing import Any

import numpy as np

from optc.errors import OptcError
from optc.ir.interpreter import evaluate
from optc.ir.op import Op, bytes_of
from optc.ir.tensor import Tensor
from optc.ir.types import TensorType, type_refines
from optc.ir.value import Value
from optc.ops.create import NonZero
from optc.ops.quantize import Dequantize

TensorOf = Callable[[Value], Tensor | None]


def evaluated(op: Op, tensor_of: TensorOf, max_bytes: int) -> tuple[Tensor, ...] | None:
    """The results of an op whose operands are constants; None where that is not known or not wanted.

    Not wanted are results of more than `max_bytes`, unless they are no larger than the operands together, and the
    expansion of compressed weights (constexpr ops, and `dequantize` of a constant).
    """
    if op.constant or not op.pure or op.spec.regions or isinstance(op, Dequantize):
        return None
    tensors: dict[Value, Tensor] = {}
    for value in op.operands:
        tensor = tensor_of(value)
        if tensor is None:
            return None
        tensors[value] = tensor
    limit = max(max_bytes, sum(tensor.stored_bytes for tensor in tensors.values()))
    if most_bytes(op) > limit:
        return None
    try:
        results = _run(op, tensors)
    except OptcError:  # it cannot be computed: that is for the one to hear who runs the program
        return None
    kinds = [TensorType(tensor.dtype, tensor.shape) for tensor in results]
    agree = all(type_refines(kind, value.type) for kind, value in zip(kinds, op.results, strict=True))
    return results if agree and sum(tensor.stored_bytes for tensor in results) <= limit else None


def most_bytes(op: Op) -> float:
    """Bytes that the results take at most, packed; infinite where their shapes do not say it."""
    if isinstance(op, NonZero) and op.x.tensor.is_static:
        return 8 * op.x.tensor.rank * int(op.x.tensor.elements)  # type: ignore[arg-type]  # is_static is the proof
    sizes = [bytes_of(value.type) for value in op.results]
    return sum(size if isinstance(size, int) else np.inf for size in sizes)


def _run(op: Op, tensors: dict[Value, Tensor]) -> tuple[Tensor, ...]:
    def fetch(argument: Any) -> Any:
        if type(argument) is tuple:
            return tuple(map(fetch, argument))
        return None if argument is None else tensors[argument].array()

    arrays = evaluate(op, tuple(map(fetch, op.arguments())))
    return tuple(Tensor.of(a, value.tensor.dtype) for a, value in zip(arrays, op.results, strict=True))
