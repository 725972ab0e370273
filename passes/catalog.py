"""The passes and presets of optc, by name. Listed here, never registered by import."""

from optc.pipeline.catalog import Catalog
from passes.cleanup.canonicalize import Canonicalize
from passes.cleanup.common_subexpressions import CommonSubexpressions
from passes.cleanup.dead_code import DeadCode
from passes.cleanup.deduplicate_weights import DeduplicateWeights
from passes.cleanup.fold_batch_norm import FoldBatchNorm
from passes.cleanup.fold_constants import FoldConstants
from passes.cleanup.fuse_attention import FuseAttention
from passes.cleanup.fuse_gelu import FuseGelu
from passes.cleanup.fuse_hard_swish import FuseHardSwish
from passes.cleanup.fuse_layer_norm import FuseLayerNorm
from passes.cleanup.fuse_silu import FuseSilu
from passes.cleanup.push_transposes import PushTransposes
from passes.cleanup.remove_identities import RemoveIdentities
from passes.compress.configured import Configured
from passes.compress.decompress import Decompress
from passes.compress.float16 import Float16
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify

EXACT = (
    FoldConstants, DeadCode, CommonSubexpressions, DeduplicateWeights, RemoveIdentities, Canonicalize, PushTransposes,
)  # fmt: skip
"""Results stay the same, bit for bit."""
ROUNDING = (FoldBatchNorm, FuseAttention, FuseGelu, FuseHardSwish, FuseLayerNorm, FuseSilu)
"""Results stay the same but for rounding."""
COMPRESS = (Sparsify, Palettize, Quantize, Configured, Decompress, Float16)
"""Weights become constant expressions, and back."""

# `dead-code` goes first so that no other pass works on what nothing needs, and last to clear up after the others.
# `canonicalize` makes shapes static, which is what lets the rest of the round see how large things are.
_CLEANUP = (
    "dead-code,"
    "fixpoint(canonicalize,fold-constants,remove-identities,push-transposes,fold-batch-norm,"
    "deduplicate-weights,common-subexpressions,dead-code)"
)
# Not part of `cleanup`: where a format has no such op, the writer would have to take it apart again.
_FUSE = "fuse-gelu,fuse-hard-swish,fuse-silu,fuse-layer-norm,fuse-attention,dead-code"

PRESETS = {
    "cleanup": _CLEANUP,
    "fuse": _FUSE,
    "compress-prepare": "@cleanup",  # everything that changes which weights there are has its place here
}

CATALOG = Catalog((*EXACT, *ROUNDING, *COMPRESS), PRESETS)
