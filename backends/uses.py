"""Uses of weights by kernels: what the cost of a weight is made from, on any unit."""

from collections.abc import Sequence

import attrs

from backends.forms import Form, form_of
from backends.kernels import Kernel
from backends.sizes import Sizes, Traffic
from optc.ir.block import Block, Program
from optc.ir.dtypes import DType
from optc.ir.op import Op
from optc.ops.weights import Weight, weights_of

MIN_ELEMENTS = 256
"""Smaller dense constants (biases, scalars, shapes) are part of their ops, not weights to decide on."""


@attrs.frozen(eq=False)
class Use:
    """One weight in one kernel.

    `kernel` is the number of the kernel, `ops` the names of its ops that take the weight. `touched`: the fraction of
    the weight that one prediction reads (a gather takes rows). `codes`: what it is multiplied with are integers of at
    most 8 bits, and so is it.
    """

    weight: Weight
    form: Form
    kernel: int
    ops: tuple[str, ...]
    touched: float
    codes: bool = False

    def dense_bytes(self, bits: int) -> int:
        """Bytes of the expanded weight, floats in `bits` bits."""
        dtype = self.weight.value.tensor.dtype
        return (self.weight.elements * (bits if dtype.is_float else dtype.bits) + 7) // 8

    @property
    def streamed(self) -> float:
        """Elements that one prediction reads."""
        return self.weight.elements * self.touched


@attrs.frozen(eq=False)
class Work:
    """One kernel, as the cost model sees it: arithmetic operations, traffic, whether integers are multiplied."""

    kernel: Kernel
    operations: int
    read: Traffic
    written: Traffic
    codes: bool
    uses: tuple[Use, ...]


def decided_weights(program: Program, min_elements: int = MIN_ELEMENTS) -> list[Weight]:
    """The weights of the main block that are decided on: all compressed ones, and dense ones that are not small."""
    own = {value for op in program.main.body.ops for value in op.results}
    return [weight for weight in weights_of(program) if weight.value in own and not is_small(weight, min_elements)]


def is_small(weight: Weight, min_elements: int = MIN_ELEMENTS) -> bool:
    """Whether a weight is part of its ops: a dense one of few elements."""
    return weight.scheme == "dense" and weight.elements < min_elements


def works_of(
    body: Block, kernels: Sequence[Kernel], weights: Sequence[Weight], sizes: Sizes
) -> tuple[Work, ...]:  # fmt: skip
    """What each kernel has to do; each weight is a use of every kernel that has a consumer of it."""
    number = _kernel_of_each_op(body, kernels)
    uses: list[list[Use]] = [[] for _ in kernels]
    for weight in weights:
        form = form_of(weight)
        taken: dict[int, list[Op]] = {}
        for op in dict.fromkeys(weight.consumers):
            for kernel in number.get(id(op), ()):
                taken.setdefault(kernel, []).append(op)
        for kernel, ops in taken.items():
            touched = max(_touched(op, weight, sizes) for op in ops)
            narrow = form.kind.startswith("quantized") and form.bits <= 8
            codes = narrow and kernels[kernel].is_product_of_codes
            uses[kernel].append(Use(weight, form, kernel, tuple(op.name for op in ops), touched, codes))
    return tuple(
        Work(k, k.operations(sizes), k.read_traffic(sizes), k.write_traffic(sizes), k.is_product_of_codes, tuple(u))
        for k, u in zip(kernels, uses, strict=True)
    )


def _kernel_of_each_op(body: Block, kernels: Sequence[Kernel]) -> dict[int, list[int]]:
    """The numbers of the kernels that an op is part of, by its identity; nested ops are part of their holder's."""
    found: dict[int, list[int]] = {}
    for number, kernel in enumerate(kernels):
        for op in kernel.all_ops:
            found.setdefault(id(op), []).append(number)
            for block in op.blocks if op.spec.regions else ():
                for nested in block.walk():
                    found.setdefault(id(nested), []).append(number)
    return found


def _touched(op: Op, weight: Weight, sizes: Sizes) -> float:
    """A gather reads what it gives, at most the whole weight; other ops read it all."""
    if op.name not in ("gather", "gather_nd", "gather_elements") or op.operands[0] is not weight.value:
        return 1.0
    given = 1
    for dim in op.results[0].tensor.shape:
        given *= sizes.of(dim)
    return min(1.0, given / max(1, weight.elements))


def dtype_bits(dtype: str) -> int:
    """Bits of an element type by its name."""
    return DType(dtype).bits
