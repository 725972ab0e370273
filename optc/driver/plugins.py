"""The passes that commands know: optc's own, and those of plug-ins."""

from functools import cache

import attrs

from optc.pipeline.catalog import Catalog
from optc.pipeline.pass_plugins import PassPlugins
from passes.catalog import CATALOG


@cache
def catalog() -> Catalog:
    """Optc's own passes and presets, and behind them what plug-ins offer; those are looked for only then."""
    return attrs.evolve(CATALOG, others=PassPlugins())
