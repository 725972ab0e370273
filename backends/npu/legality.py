"""What a neural accelerator cannot run: the rules that are known of Apple's."""

from backends.rule import Rule, gives, named, ranks_above, uses
from optc.ir.op import Op
from optc.ops.conv import Convolution
from optc.ops.pool import Pool
from optc.ops.window import Window

_HOLLANCE = "hollance/neural-engine, docs/unsupported-layers.md"
_CORE_ML = "Core ML tools guide: flexible input shapes"
LARGEST_WINDOW, LARGEST_STRIDE = 13, 2


def _large_pool(op: Op) -> bool:
    """A window that is too wide, or moves too far; one that lies in one place only does not move."""
    if not isinstance(op, Pool):
        return False
    places = op.result.tensor.shape[2:]
    strides = [step for step, count in zip(op.window.strides, places, strict=True) if count != 1]
    return _widest(op.window) > LARGEST_WINDOW or max(strides, default=1) > LARGEST_STRIDE


def _large_kernel(op: Op) -> bool:
    window = op.window if isinstance(op, Convolution) else None
    return window is not None and _widest(window) > LARGEST_WINDOW + 3


def _widest(window: Window) -> int:
    return max((size for size in window.kernel if isinstance(size, int)), default=1)


RULES = (
    Rule("opaque", "an op that optc does not know", named("opaque"), "it may be anything"),
    Rule("control-flow", "runs ops one after the other, without branches", named("cond", "while_loop"), _HOLLANCE),
    Rule("recurrent", "has no recurrent layers", named("lstm", "gru"), _HOLLANCE),
    Rule("state", "keeps no state of more than one type", named("state.*"), "assumed"),
    Rule(
        "dynamic-shape", "sizes that only the data decide",
        named("dynamic_*", "nonzero", "reverse_sequence"), _CORE_ML,
    ),
    Rule("dtype", "computes in float16 and 8-bit integers", uses("f64", "str"), _HOLLANCE),
    Rule("rank", "tensors of at most 5 dimensions", ranks_above(5), "Core ML: the highest rank of a multi-array"),
    Rule("window", f"pooling over at most {LARGEST_WINDOW}, by at most {LARGEST_STRIDE}", _large_pool, _HOLLANCE),
    Rule("kernel", f"kernels of at most {LARGEST_WINDOW + 3}", _large_kernel, "ane-guide, arXiv 2606.22283: assumed"),
    Rule(
        "data-dependent", "picks and sorts by what the data say",
        named("top_k", "scatter_*", "gather_nd", "cumsum", "one_hot", "arg_max", "arg_min"), _HOLLANCE,
    ),
    Rule("integers", "gives no wide integers", gives("i32", "i64", "u32", "u64", "i16", "u16"), _HOLLANCE),
)  # fmt: skip
