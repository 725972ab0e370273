"""All passes and presets, by the names that pipeline text uses."""

from optc.pipeline.catalog import Catalog
from passes.cleanup.canonicalize import Canonicalize
from passes.cleanup.common_subexpressions import CommonSubexpressions
from passes.cleanup.dead_code import DeadCode
from passes.cleanup.deduplicate_weights import DeduplicateWeights
from passes.cleanup.fold_constants import FoldConstants
from passes.cleanup.remove_identities import RemoveIdentities
from passes.compress.palettize import Palettize
from passes.compress.quantize import Quantize

CATALOG = Catalog(
    (
        Canonicalize, CommonSubexpressions, DeadCode, DeduplicateWeights, FoldConstants, RemoveIdentities,
        Palettize, Quantize,
    ),
    {
        "cleanup": "fixpoint(canonicalize,fold-constants,remove-identities,common-subexpressions,dead-code),"
        "deduplicate-weights,dead-code",
    },
)  # fmt: skip
