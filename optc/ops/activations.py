"""Activation functions: elementwise, of one tensor (and a slope)."""

import math
from typing import Any, ClassVar

import numpy as np

from optc.ir.dims import Dim
from optc.ir.dtypes import FLOATS, SIGNED, Array
from optc.ir.fields import attribute, operand
from optc.ir.op import Op, op
from optc.ir.types import TensorType
from optc.ir.value import Value
from optc.numerics.erf import erf
from optc.ops.broadcast import broadcast
from optc.ops.elementwise import Unary, widened


def _relu(x: Array) -> Any:
    return np.maximum(x, np.zeros((), x.dtype))


@op("relu")
class Relu(Unary):
    """`max(x, 0)`."""

    x: Value = operand(*SIGNED)
    formula = staticmethod(_relu)


@op("leaky_relu")
class LeakyRelu(Unary):
    """`x` where it is not negative, `alpha * x` elsewhere."""

    alpha: float = attribute(default=0.01)
    steps = 2

    def evaluate(self, x: Array) -> Array:
        return widened(lambda v: np.where(v < 0, self.alpha * v, v), x)


@op("prelu")
class Prelu(Op):
    """`x` where it is not negative, `slope * x` elsewhere; `slope` is broadcast to the shape of `x`."""

    x: Value = operand(*FLOATS)
    slope: Value = operand(*FLOATS, same_as="x")

    def infer(self) -> TensorType:
        x, slope = self.x.tensor, self.slope.tensor
        wide = any(a == 1 != b for a, b in zip(reversed(x.shape), reversed(slope.shape), strict=False))
        if slope.rank > x.rank or wide:
            raise self.refuse("prelu-slope", "shape of operand slope", f"broadcastable to that of {x}", slope)
        broadcast(self, x.shape, slope.shape)
        return x

    def evaluate(self, x: Array, slope: Array) -> Array:
        return widened(lambda v, s: np.where(v < 0, s * v, v), x, slope)

    def operations(self) -> Dim:
        return self.x.tensor.elements * 2


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


@op("elu")
class Elu(Unary):
    """`x` where it is not negative, `alpha * (exp(x) - 1)` elsewhere."""

    alpha: float = attribute(default=1.0)
    steps = 3

    def evaluate(self, x: Array) -> Array:
        return widened(lambda v: _elu(v, self.alpha), x)


@op("selu")
class Selu(Unary):
    """`gamma` times the `elu` of `alpha` (Klambauer et al., "Self-Normalizing Neural Networks", 2017)."""

    alpha: float = attribute(default=1.67326319217681884765625)
    gamma: float = attribute(default=1.05070102214813232421875)
    steps = 4

    def evaluate(self, x: Array) -> Array:
        return widened(lambda v: self.gamma * _elu(v, self.alpha), x)


@op("celu")
class Celu(Unary):
    """`x` where it is not negative, `alpha * (exp(x / alpha) - 1)` elsewhere (Barron, 2017); `alpha` is not 0."""

    alpha: float = attribute(default=1.0)
    steps = 4

    def infer(self) -> TensorType:
        if self.alpha == 0:
            raise self.refuse("celu-alpha", "attribute alpha", "other than 0", self.alpha)
        return self.x.tensor

    def evaluate(self, x: Array) -> Array:
        return widened(lambda v: np.maximum(v, 0) + np.minimum(0, self.alpha * np.expm1(v / self.alpha)), x)


@op("thresholded_relu")
class ThresholdedRelu(Unary):
    """`x` where it is greater than `alpha`, 0 elsewhere."""

    alpha: float = attribute(default=1.0)

    def evaluate(self, x: Array) -> Array:
        return widened(lambda v: np.where(v > self.alpha, v, np.zeros_like(v)), x)


def _gelu_exact(x: Array) -> Array:
    wide = x.astype(np.float64)
    return np.asarray(0.5 * wide * (1 + erf(wide / math.sqrt(2))))


def _gelu_tanh(x: Array) -> Any:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))


@op("gelu")
class Gelu(Unary):
    """`x` times the normal distribution's share below `x` (Hendrycks and Gimpel, 2016).

    `approximate` is `none` (by the error function) or `tanh` (their formula with the hyperbolic tangent).
    """

    approximate: str = attribute(default="none", one_of=("none", "tanh"))
    steps: ClassVar[int] = 5

    def evaluate(self, x: Array) -> Array:
        return widened(_gelu_exact if self.approximate == "none" else _gelu_tanh, x)


def _sigmoid(x: Array) -> Any:
    return 1 / (1 + np.exp(-x))


@op("sigmoid")
class Sigmoid(Unary):
    """`1 / (1 + exp(-x))`."""

    formula = staticmethod(_sigmoid)
    steps = 4


@op("hard_sigmoid")
class HardSigmoid(Unary):
    """`alpha * x + beta`, limited to 0 and 1."""

    alpha: float = attribute(default=0.2)
    beta: float = attribute(default=0.5)
    steps = 4

    def evaluate(self, x: Array) -> Array:
        return widened(lambda v: np.clip(self.alpha * v + self.beta, 0, 1), x)


def _hard_swish(x: Array) -> Any:
    return x * np.clip(x / 6 + 0.5, 0, 1)


@op("hard_swish")
class HardSwish(Unary):
    """`x` times `x / 6 + 1 / 2` limited to 0 and 1 (Howard et al., MobileNetV3, 2019)."""

    formula = staticmethod(_hard_swish)
    steps = 5


def _silu(x: Array) -> Any:
    return x * _sigmoid(x)


@op("silu")
class Silu(Unary):
    """`x * sigmoid(x)`."""

    formula = staticmethod(_silu)
    steps = 5


def _softplus(x: Array) -> Any:
    return np.logaddexp(x, np.zeros((), x.dtype))


@op("softplus")
class Softplus(Unary):
    """`log(1 + exp(x))`."""

    formula = staticmethod(_softplus)
    steps = 3


def _mish(x: Array) -> Any:
    return x * np.tanh(_softplus(x))


@op("mish")
class Mish(Unary):
    """`x * tanh(softplus(x))` (Misra, 2019)."""

    formula = staticmethod(_mish)
    steps = 5


def _softsign(x: Array) -> Any:
    return x / (1 + np.abs(x))


@op("softsign")
class Softsign(Unary):
    """`x / (1 + |x|)`."""

    formula = staticmethod(_softsign)
    steps = 3


OPS: tuple[type[Op], ...] = (
    Relu, LeakyRelu, Prelu, Elu, Selu, Celu, ThresholdedRelu, Gelu, Sigmoid, HardSigmoid, HardSwish, Silu, Softplus,
    Mish, Softsign,
)  # fmt: skip
