"""Laws of fuse-hard-swish."""

from optc.ir.value import Value
from optc.ops.activations import HardSigmoid
from optc.ops.clip import Clip
from optc.ops.elementwise import Mul
from optc.testing.check_pass import check_pass
from optc.testing.source import Source
from passes.cleanup.fuse_hard_swish import FuseHardSwish
from tests.properties.passes.planting import add, mixed, plus, product, smooth


def hard_swish_by_clip(s: Source) -> Value:
    """In any order of the factors."""
    x = smooth(s)
    return product(s, x, add(s, Clip(plus(s, x, 3), 0, 6)), 1 / 6)


def hard_swish_by_hard_sigmoid(s: Source) -> Value:
    """In either order."""
    x = smooth(s)
    return mixed(s, Mul, x, add(s, HardSigmoid(x, alpha=1 / 6, beta=0.5)))


def nearly_hard_swish(s: Source) -> Value:
    """With one number wrong."""
    x = smooth(s)
    if s.boolean():
        alpha, beta = s.choice(((0.2, 0.5), (1 / 6, 0.4)))
        return mixed(s, Mul, x, add(s, HardSigmoid(x, alpha=alpha, beta=beta)))
    shift, top, share = s.choice(((2.0, 6.0, 1 / 6), (3.0, 5.0, 1 / 6), (3.0, 6.0, 1 / 5)))
    return product(s, x, add(s, Clip(plus(s, x, shift), 0, top)), share)


FORMS = (hard_swish_by_clip, hard_swish_by_hard_sigmoid)
IDIOMS = (*FORMS, *FORMS, nearly_hard_swish)


def test_hard_swishes_are_found_and_results_stay_the_same_but_for_rounding() -> None:
    check_pass(FuseHardSwish(), IDIOMS)
