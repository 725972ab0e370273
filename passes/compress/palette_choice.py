"""How the entries of a palette are chosen: the modes of `palettize`, for single values and for vectors."""

import importlib
from collections.abc import Callable
from typing import Any

import attrs
import numpy as np

from optc.errors import OptcError
from optc.ir.dtypes import Array
from optc.numerics.certificate import lower_bound
from optc.numerics.grouped_palette import Choose, ChooseVectors
from optc.numerics.histogram import histogram
from optc.numerics.palette import Palette, kmeans_of_histogram, uniform_palette, unique_palette
from optc.numerics.partition import Rounding
from optc.numerics.vector_palette import VectorPalette, assign_vectors, kmeans_vectors, unique_vectors

Function = Callable[[Array, int], Any]
"""Gives a table for an array of values, and the number of entries that there may be."""
_NOTHING = Palette(np.zeros(1), 0.0, 0.0)


def imported(path: str) -> Function:
    """The function that `package.module:function` names.

    Raises:
        OptcError: there is none (`custom-function`).
    """
    module, _, name = path.partition(":")
    try:
        found: Function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise OptcError(
            "custom-function", "pass palettize", "option function", "package.module:function", path, str(error)
        ) from None
    return found


@attrs.frozen
class Choice:
    """A mode, the width of indices, what to call and to name in errors if the mode is `custom`, and whether to certify.

    `proof` has the errors of all tables that were chosen, and the bound on them.
    """

    mode: str
    bits: int
    custom: Function | None
    where: str
    certify: bool = False
    proof: dict[str, float] = attrs.field(factory=dict, init=False, eq=False)

    def scalars(self, rounding: Rounding) -> Choose:
        """Chooses among the tables that can be stored; of no values, a table of zeros."""

        def choose(values: Array, weights: Array | None) -> Palette:
            if not values.size:
                return _NOTHING
            if self.mode == "kmeans":
                return self._kmeans(values, _counting(weights), rounding)
            if self.mode == "uniform":
                return uniform_palette(values, self.bits).rounded(rounding)
            if self.mode == "unique":
                return unique_palette(values, self.bits).rounded(rounding)
            histogram(values)  # which refuses what is not finite
            return Palette(np.unique(self._table(values.reshape(-1), 1)), np.inf, np.inf).rounded(rounding)

        return choose

    def _kmeans(self, values: Array, weights: Array | None, rounding: Rounding) -> Palette:
        counted = histogram(values, weights)
        found = kmeans_of_histogram(counted, 1 << self.bits, rounding)
        if self.certify and found.certificate is not None:
            least = lower_bound(found.certificate, counted, min(1 << self.bits, len(counted.points)), rounding)
            for name, number in (("sse", found.sse), ("sse_at_least", least)):
                self.proof[name] = self.proof.get(name, 0.0) + number
        return found

    def vectors(self, rounding: Rounding) -> ChooseVectors:
        """The same for vectors, of which there is at least one."""

        def choose(vectors: Array, weights: Array | None) -> VectorPalette:
            if self.mode == "kmeans":
                return kmeans_vectors(vectors, 1 << self.bits, _counting(weights), rounding)
            if self.mode == "unique":
                return unique_vectors(vectors, self.bits)
            return assign_vectors(vectors, rounding.nearest_to_all(self._table(vectors, vectors.shape[1])))

        return choose

    def _table(self, values: Array, length: int) -> Array:
        """What the function of the user gives: `float64[m]`, or `[m, length]` for vectors."""
        assert self.custom is not None  # the pass checks that custom and a function come together
        size = 1 << self.bits
        try:
            table = np.asarray(self.custom(values.astype(np.float64), size), np.float64)
        except Exception as error:
            raise OptcError("custom-function", self.where, "function", "able to give a table", str(error)) from None
        shape = (table.size // max(1, length), *([length] if length > 1 else []))
        if table.shape != shape or not 1 <= len(table) <= size or not np.isfinite(table).all():
            what = f"1 to {size} finite " + ("numbers" if length == 1 else f"vectors of {length}")
            raise OptcError("custom-table", self.where, "table", what, f"an array of shape {list(table.shape)}")
        return table


def _counting(weights: Array | None) -> Array | None:
    """The weights, or None where none of them counts."""
    return None if weights is None or not weights.any() else weights
