"""Trigonometric and hyperbolic functions and their inverses, of one operand, in radians."""

import numpy as np

from optc.ir.op import Op, op
from optc.ops.elementwise import Unary


@op("sin")
class Sin(Unary):
    """The sine."""

    formula = np.sin


@op("cos")
class Cos(Unary):
    """The cosine."""

    formula = np.cos


@op("tan")
class Tan(Unary):
    """The tangent."""

    formula = np.tan


@op("asin")
class Asin(Unary):
    """The angle from -pi/2 to pi/2 with this sine; NaN outside -1 to 1."""

    formula = np.arcsin


@op("acos")
class Acos(Unary):
    """The angle from 0 to pi with this cosine; NaN outside -1 to 1."""

    formula = np.arccos


@op("atan")
class Atan(Unary):
    """The angle from -pi/2 to pi/2 with this tangent."""

    formula = np.arctan


@op("sinh")
class Sinh(Unary):
    """The hyperbolic sine."""

    formula = np.sinh


@op("cosh")
class Cosh(Unary):
    """The hyperbolic cosine."""

    formula = np.cosh


@op("tanh")
class Tanh(Unary):
    """The hyperbolic tangent."""

    formula = np.tanh


@op("asinh")
class Asinh(Unary):
    """The inverse of the hyperbolic sine."""

    formula = np.arcsinh


@op("acosh")
class Acosh(Unary):
    """The inverse of the hyperbolic cosine; NaN below 1."""

    formula = np.arccosh


@op("atanh")
class Atanh(Unary):
    """The inverse of the hyperbolic tangent; NaN outside -1 to 1."""

    formula = np.arctanh


OPS: tuple[type[Op], ...] = (Sin, Cos, Tan, Asin, Acos, Atan, Sinh, Cosh, Tanh, Asinh, Acosh, Atanh)
