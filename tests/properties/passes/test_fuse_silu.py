"""Laws of fuse-silu."""

from optc.ir.value import Value
from optc.ops.activations import Sigmoid
from optc.ops.elementwise import Mul
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.fuse_silu import FuseSilu
from tests.properties.passes.planting import add, mixed, smooth


def silu(s: Source) -> Value:
    """In either order."""
    x = smooth(s)
    return mixed(s, Mul, x, add(s, Sigmoid(x)))


def nearly_silu(s: Source) -> Value:
    """The gate of another value, or a gate that is used besides."""
    x = smooth(s)
    gate = add(s, Sigmoid(s.value(x.tensor.dtype, x.tensor.static_shape)))
    if s.boolean():
        s.offer(gate)
    return mixed(s, Mul, x, gate)


FORMS = (silu,)
IDIOMS = (*FORMS, *FORMS, nearly_silu)


def test_silus_are_found_and_results_stay_the_same_but_for_rounding() -> None:
    check_pass(FuseSilu(), IDIOMS)
