"""The passes and presets of optc, by name. Listed here, never registered by import."""

from optc.pipeline.catalog import Catalog
from passes.cleanup.canonicalize import Canonicalize
from passes.cleanup.common_subexpressions import CommonSubexpressions
from passes.cleanup.dead_code import DeadCode
from passes.cleanup.deduplicate_weights import DeduplicateWeights
from passes.cleanup.fold_constants import FoldConstants
from passes.cleanup.remove_identities import RemoveIdentities
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize

EXACT = (FoldConstants, DeadCode, CommonSubexpressions, DeduplicateWeights, RemoveIdentities, Canonicalize)
"""Results stay the same, bit for bit."""
COMPRESS = (Palettize, Quantize)
"""Weights become constant expressions."""

# `dead-code` goes first so that no other pass works on what nothing needs, and last to clear up after the others.
# `canonicalize` makes shapes static, which is what lets the rest of the round see how large things are.
_CLEANUP = (
    "dead-code,"
    "fixpoint(canonicalize,fold-constants,remove-identities,deduplicate-weights,common-subexpressions,dead-code)"
)

PRESETS = {
    "cleanup": _CLEANUP,
    "compress-prepare": "@cleanup",  # everything that changes which weights there are has its place here
}

CATALOG = Catalog((*EXACT, *COMPRESS), PRESETS)
