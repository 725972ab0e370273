"""Configurations that are written for coremltools (`OptimizationConfig.from_yaml`), as this compiler's own rules.

    config_type: OpPalettizerConfig
    global_config: {mode: kmeans, nbits: 4}
    op_type_configs: {conv: {nbits: 8}, linear: null}
    op_name_configs: {conv_1: {config_type: OpLinearQuantizerConfig, dtype: int8}}

Keys, defaults and meanings are those of coremltools 9.0 (`coremltools/optimize/coreml/_config.py`): a weight is
compressed if it has more than `weight_threshold` elements and at least two axes, structured pruning is for the weights
of `conv` and `linear`, and names are those of constants or operations. What differs is how awkward shapes are treated:
where a block or group does not divide a dimension, coremltools leaves the weight, and optc takes the nearest size that
does. `num_kmeans_workers` makes no difference to the result, and has no meaning here.
"""

import abc
import glob
from collections.abc import Mapping
from typing import Any

import attrs

from optc.errors import UsageError
from optc.numerics.vector_palette import LONGEST
from optc.pipeline.options import check_names, option, options_of
from optc.pipeline.suggest import did_you_mean
from passes.compress.palettize import Palettize
from passes.compress.plain_data import kind, table
from passes.compress.quantize import Quantize
from passes.compress.sparsify import Sparsify
from passes.compress.weights import Compression

_KEYS = ("config_type", "global_config", "op_type_configs", "op_name_configs")
_OP_TYPES = {
    "maximum": "max", "minimum": "min", "real_div": "div", "gather_along_axis": "gather_elements",
    "expand_dims": "unsqueeze",
}  # fmt: skip
"""Operations of MIL that may hold weights, where the catalog has another name for them."""
_STRUCTURED = ("conv", "linear")
_LEAST_STORED = 10
"""coremltools leaves smaller constants where they are, whatever the threshold."""


@attrs.frozen
class _Config(abc.ABC):
    """What the configurations of ops share."""

    weight_threshold: int = option(2048, minimum=0)

    @property
    def min_elements(self) -> int:
        return max(self.weight_threshold + 1, _LEAST_STORED)

    @property
    def is_structured(self) -> bool:
        return False

    @abc.abstractmethod
    def scheme(self, where: str) -> Compression:
        """The pass that does it.

        Raises:
            UsageError: slug `configuration-form`: fields do not go together.
        """


@attrs.frozen
class _LinearQuantizer(_Config):
    mode: str = option("linear_symmetric", one_of=("linear_symmetric", "linear"))
    dtype: str = option("int8", one_of=("int8", "uint8", "int4", "uint4"))
    granularity: str = option("per_channel", one_of=("per_tensor", "per_channel", "per_block"))
    block_size: tuple[int, ...] = option((32,), minimum=0)

    def scheme(self, where: str) -> Compression:
        mode = "symmetric" if self.mode == "linear_symmetric" else "asymmetric"
        given: dict[str, Any] = {"dtype": self.dtype, "mode": mode, "min_elements": self.min_elements}
        if self.granularity != "per_block":
            return Quantize(granularity=self.granularity, **given)
        if len(self.block_size) > 1:
            return Quantize(granularity="per_block", block_sizes=self.block_size, **given)
        if self.block_size in ((), (0,)):  # the whole axis
            return Quantize(granularity="per_channel", **given)
        return Quantize(granularity="per_block", block_size=self.block_size[0], **given)


@attrs.frozen
class _ThresholdPruner(_Config):
    threshold: float = option(1e-12, minimum=0)
    minimum_sparsity_percentile: float = option(0.5, minimum=0, maximum=1)

    def scheme(self, where: str) -> Compression:
        return Sparsify(
            threshold=self.threshold, min_sparsity=self.minimum_sparsity_percentile, min_elements=self.min_elements
        )


@attrs.frozen
class _MagnitudePruner(_Config):
    target_sparsity: float | None = option(None, minimum=0, maximum=1)
    block_size: int | None = option(None, minimum=2)
    n_m_ratio: tuple[int, ...] | None = option(None, minimum=0)
    dim: int | None = option(None, one_of=(0, 1))

    @property
    def is_structured(self) -> bool:
        return self.block_size is not None or self.n_m_ratio is not None

    def scheme(self, where: str) -> Compression:
        if (self.target_sparsity is None) is (self.n_m_ratio is None):
            raise _wrong(where, "pruning", "said by one of target_sparsity, n_m_ratio")
        if self.block_size is not None and self.n_m_ratio is not None:
            raise _wrong(where, "block_size", "absent beside n_m_ratio")
        if self.dim is not None and not self.is_structured:
            raise _wrong(where, "dim", "beside block_size or n_m_ratio")
        if self.n_m_ratio is not None:
            if len(self.n_m_ratio) != 2 or self.n_m_ratio[0] > self.n_m_ratio[1]:
                raise _wrong(where, "n_m_ratio", "two integers, the first at most the second", list(self.n_m_ratio))
            zeros, of = self.n_m_ratio
            axis = 1 if self.dim is None else self.dim
            return Sparsify(zeros=zeros, of=of, axis=axis, min_elements=self.min_elements)
        given: dict[str, Any] = {"sparsity": self.target_sparsity, "min_elements": self.min_elements}
        if self.block_size is None:
            return Sparsify(**given)
        return Sparsify(block_size=self.block_size, axis=self.dim or 0, **given)


@attrs.frozen
class _Palettizer(_Config):
    mode: str = option("kmeans", one_of=("kmeans", "uniform", "unique"))
    nbits: int | None = option(None, one_of=(1, 2, 3, 4, 6, 8))
    granularity: str = option("per_tensor", one_of=("per_tensor", "per_grouped_channel"))
    group_size: int = option(32, minimum=1)
    channel_axis: int | None = option(None)
    cluster_dim: int = option(1, minimum=1, maximum=LONGEST)
    enable_per_channel_scale: bool = option(False)
    num_kmeans_workers: int = option(1, minimum=1)

    def scheme(self, where: str) -> Compression:
        if (self.nbits is None) is not (self.mode == "unique"):
            expected = "absent in mode unique" if self.nbits is not None else f"given in mode {self.mode}"
            raise _wrong(where, "nbits", expected)
        given: dict[str, Any] = {"bits": self.nbits or 8, "mode": self.mode, "min_elements": self.min_elements}
        if self.granularity == "per_grouped_channel":
            given |= {"group_size": self.group_size, "axis": self.channel_axis}
        return Palettize(
            per_channel_scale=self.enable_per_channel_scale, cluster_dim=self.cluster_dim, **given
        )  # fmt: skip


_CONFIGS: Mapping[str, type[_Config]] = {
    "OpLinearQuantizerConfig": _LinearQuantizer,
    "OpThresholdPrunerConfig": _ThresholdPruner,
    "OpMagnitudePrunerConfig": _MagnitudePruner,
    "OpPalettizerConfig": _Palettizer,
}


def converted(data: Any, where: str) -> dict[str, Any]:
    """The fields of a `Configuration` that means the same; `data` are of a file `where`.

    Raises:
        UsageError: slugs `configuration-form`, `configuration-key`, and those of options.
    """
    held = table(data, where, "configuration", _KEYS)
    usual = held["config_type"]
    everywhere = _config(held.get("global_config"), usual, f"{where}: global_config")
    types: dict[str, tuple[Compression, ...]] = {}
    if everywhere is not None and everywhere.is_structured:
        types = dict.fromkeys(_STRUCTURED, _schemes(everywhere, f"{where}: global_config"))
        everywhere = None
    for name, given in _entries(held, "op_type_configs", where):
        place = f"{where}: op_type_configs.{name}"
        config = _config(given, usual, place)
        if config is not None and config.is_structured and name not in _STRUCTURED:
            raise _wrong(place, "type of op for structured pruning", " or ".join(_STRUCTURED), name)
        types[_OP_TYPES.get(name, name)] = _schemes(config, place)
    names = {}
    for name, given in _entries(held, "op_name_configs", where):
        place = f"{where}: op_name_configs.{name}"
        names[glob.escape(name)] = _schemes(_config(given, usual, place), place)
    return {
        "default": _schemes(everywhere, f"{where}: global_config"), "op_types": types, "names": names,
    }  # fmt: skip


def _entries(held: Mapping[str, Any], key: str, where: str) -> list[tuple[str, Any]]:
    given = held.get(key)
    return [] if given is None else list(table(given, f"{where}: {key}", "configurations").items())


def _config(data: Any, usual: Any, where: str) -> _Config | None:
    """One configuration, of its own type or the usual one."""
    if data is None:
        return None
    given = table(data, where, "configuration")
    name = given.pop("config_type", usual)
    if not isinstance(name, str) or name not in _CONFIGS:
        hint = did_you_mean(name, _CONFIGS) if isinstance(name, str) else ""
        raise UsageError(
            "configuration-form", where, "config_type", f"one of {', '.join(_CONFIGS)}",
            name if isinstance(name, str) else kind(name), hint,
        )  # fmt: skip
    if isinstance(given.get("mode"), str):
        given["mode"] = given["mode"].lower()
    if name == "OpLinearQuantizerConfig" and isinstance(given.get("block_size"), int):
        given["block_size"] = (given["block_size"],)
    cls = _CONFIGS[name]
    check_names(cls, given, where)
    declared = {each.name: each for each in options_of(cls)}
    return cls(**{key: declared[key].check(value, where) for key, value in given.items()})


def _schemes(config: _Config | None, where: str) -> tuple[Compression, ...]:
    return () if config is None else (config.scheme(where),)


def _wrong(where: str, what: str, expected: str, actual: object = "") -> UsageError:
    return UsageError("configuration-form", where, what, expected, actual)
