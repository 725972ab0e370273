"""The element types that MIL's operations take, and what to do about others.

Facts of the format: the type domains in the operator definitions of coremltools 9.0. Operations that only move, pick or
compare elements do so with a wider type just as well; others are refused.
"""

from collections.abc import Mapping

from optc.formats.coreml.targets import IOS17, Target
from optc.ir.dtypes import DType

FLOAT = frozenset({DType.F16, DType.F32})
NUMBER = FLOAT | {DType.I32}
PLAIN = NUMBER | {DType.BOOL}
SMALL = frozenset({DType.I8, DType.U8, DType.I16, DType.U16})
Domain = frozenset[DType]

_FLOAT_KINDS = (
    "acos asin atan atanh avg_pool batch_norm ceil clamped_relu clip conv conv_transpose cos cosh depth_to_space elu "
    "erf exp floor gelu instance_norm inverse l2_norm l2_pool layer_norm leaky_relu linear_activation log max_pool pad "
    "pixel_shuffle prelu quantize relu relu6 resize_bilinear resize_nearest_neighbor round rsqrt scaled_tanh sigmoid "
    "sigmoid_hard silu sin sinh softmax softplus softsign space_to_depth sqrt tan tanh thresholded_relu "
    "upsample_bilinear upsample_nearest_neighbor scaled_dot_product_attention"
)
_NUMBER_KINDS = (
    "abs add cumsum equal floor_div greater greater_equal less less_equal linear matmul maximum minimum mod mul "
    "not_equal pow range_1d real_div reduce_argmax reduce_argmin reduce_l1_norm reduce_l2_norm reduce_log_sum_exp "
    "reduce_max reduce_mean reduce_min reduce_prod reduce_sum reduce_sum_square scatter_along_axis scatter_nd sign "
    "square sub threshold"
)
_PLAIN_KINDS = "band_part fill flatten2d non_zero select shape split tile"
_GATHERS = "gather gather_along_axis gather_nd topk"
_MOVEMENTS = "cast expand_dims reshape reverse reverse_sequence slice_by_index squeeze transpose"
_RECURRENT = "lstm"

_DOMAINS: Mapping[str, tuple[Domain, Domain]] = {
    kind: (before, since)
    for kinds, before, since in (
        (_FLOAT_KINDS, FLOAT, FLOAT),
        (_NUMBER_KINDS, NUMBER, NUMBER),
        (_PLAIN_KINDS, PLAIN, PLAIN),
        (_GATHERS, NUMBER, NUMBER | SMALL),
        (_MOVEMENTS, PLAIN, PLAIN | SMALL),
        (_RECURRENT, frozenset({DType.F32}), FLOAT),
    )
    for kind in kinds.split()
}
_EXACT_IN_A_WIDER_TYPE = frozenset(
    (
        "pad depth_to_space pixel_shuffle space_to_depth resize_nearest_neighbor upsample_nearest_neighbor max_pool "
        "equal greater greater_equal less less_equal not_equal maximum minimum reduce_argmax reduce_argmin reduce_max "
        "reduce_min sign scatter_along_axis scatter_nd lstm threshold "
        f"{_PLAIN_KINDS} {_GATHERS} {_MOVEMENTS}"
    ).split()
)
_OTHER_RESULTS = "equal greater greater_equal less less_equal not_equal reduce_argmax reduce_argmin"
OTHER_RESULTS = frozenset(_OTHER_RESULTS.split())
"""Operations whose results are not of the type of their data."""
_WIDER: Mapping[DType, tuple[DType, ...]] = {
    DType.BOOL: (DType.I32, DType.F16), DType.I8: (DType.I32, DType.F16), DType.U8: (DType.I32, DType.F16),
    DType.I16: (DType.I32, DType.F32), DType.U16: (DType.I32, DType.F32), DType.F16: (DType.F32,),
}  # fmt: skip
CAST_NAMES: Mapping[DType, str] = {
    DType.F16: "fp16", DType.F32: "fp32", DType.I32: "int32", DType.BOOL: "bool", DType.I8: "int8", DType.U8: "uint8",
    DType.I16: "int16", DType.U16: "uint16", DType.I64: "int32",
}  # fmt: skip
"""What `cast` calls element types; integers of 64 bits are such of 32."""
DATA = frozenset({"x", "y", "a", "b", "data", "updates", "initial_h", "initial_c", "start", "end", "step", "query"})
"""Names of the inputs whose element type counts."""


def takes(kind: str, target: Target, dtype: DType) -> bool:
    """Whether an operation takes data of this type."""
    if kind not in _DOMAINS:
        return True
    before, since = _DOMAINS[kind]
    return dtype in (since if target >= IOS17 else before)


def wider(kind: str, target: Target, dtype: DType) -> DType | None:
    """A type that the operation takes and in which it does the same; None if there is none."""
    if kind not in _EXACT_IN_A_WIDER_TYPE:
        return None
    return next((d for d in _WIDER.get(dtype, ()) if takes(kind, target, d)), None)
