"""Configurations: which weights get which schemes, from plain data or in Python.

    min_elements: 1000                          # for all schemes that do not say it themselves (2048)
    min_rank: 1                                 # the same (2)
    default: palettize{bits=6}                  # a scheme as pipeline text ...
    op_types:
      conv: {scheme: palettize, bits: 4, group_size: 16}                    # ... or as a table
      linear: sparsify{sparsity=0.5},quantize{dtype=int8}                   # a joint form; a list does as well
      gather: null                              # left as they are
    names:                                      # of weights, or of ops that use them
      "head.*": quantize{dtype=int8}

Files for coremltools are read as well, see `passes.compress.optimization_config`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from optc.errors import UsageError
from optc.pipeline.options import options_of
from passes.compress.configured import SCHEMES, Configured, Rule, schemes_of
from passes.compress.optimization_config import converted
from passes.compress.plain_data import kind, table
from passes.compress.weights import Compression

Schemes = tuple[Compression, ...]
"""Passes that are applied in order; none leaves a weight as it is."""
MOST_SCHEMES = 3
_KEYS = ("min_elements", "min_rank", "default", "op_types", "names")
_FOR_ALL = tuple(each for each in options_of(Compression) if each.name in ("min_elements", "min_rank"))
"""Options that a configuration may give once for all schemes."""


def _schemes(given: Any) -> Schemes:
    if given is None:
        return ()
    return (given,) if isinstance(given, Compression) else tuple(given)


def _table(given: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> tuple[tuple[str, Schemes], ...]:
    pairs = given.items() if isinstance(given, Mapping) else given
    return tuple((name, _schemes(value)) for name, value in pairs)


@attrs.frozen
class Configuration:
    """Schemes by default, by type of op, and by name of weight or op; see `Configured` for which has precedence.

    Configuration(Palettize(bits=6), op_types={"linear": None}, names={"head*": (Sparsify(), Quantize())})

    """

    default: Schemes = attrs.field(default=(), converter=_schemes)
    op_types: tuple[tuple[str, Schemes], ...] = attrs.field(default=(), converter=_table)
    names: tuple[tuple[str, Schemes], ...] = attrs.field(default=(), converter=_table)

    @classmethod
    def of(cls, data: Any, where: str) -> "Configuration":
        """The configuration that plain data say, of a file `where`; they may be those of a coremltools' file.

        Raises:
            UsageError: slugs `configuration-form`, `configuration-key`, `rule-scheme`, and those of options.
        """
        if "config_type" in table(data, where, "configuration"):
            return cls(**converted(data, where))
        held = table(data, where, "configuration", _KEYS)
        usual = {each.name: each.check(held[each.name], where) for each in _FOR_ALL if each.name in held}
        default = _read(held.get("default"), f"{where}: default", usual)
        tables = {
            key: {
                name: _read(value, f"{where}: {key}.{name}", usual)
                for name, value in table(held.get(key, {}), f"{where}: {key}", "rules").items()
            }
            for key in ("op_types", "names")
        }
        return cls(default, tables["op_types"], tables["names"])

    def passes(self) -> tuple[Configured, ...]:
        """The passes that do it, one for each step of the longest joint form."""
        rules = [("default", "", self.default)]
        rules += [(level, name, schemes) for level in ("op_types", "names") for name, schemes in getattr(self, level)]
        count = max((len(schemes) for _, _, schemes in rules), default=0)
        return tuple(
            Configured.of(
                Rule(level, name, _step(schemes, step), done=0 < len(schemes) <= step) for level, name, schemes in rules
            )
            for step in range(max(1, count))
        )


def _step(schemes: Schemes, step: int) -> Compression | None:
    """A pass of a joint form; those after the first take what is compressed."""
    if step >= len(schemes):
        return None
    return attrs.evolve(schemes[step], joint=True) if step else schemes[step]


def _read(data: Any, where: str, usual: Mapping[str, Any]) -> Schemes:
    """Schemes as a file has them: nothing, a text, a table, or a list of these."""
    if isinstance(data, list):
        if len(data) > MOST_SCHEMES:
            raise UsageError("rule-scheme", where, "schemes of a joint form", f"at most {MOST_SCHEMES}", len(data))
        return tuple(one for at, item in enumerate(data) for one in _read_one(item, f"{where}[{at}]", usual))
    return () if data is None else _read_one(data, where, usual)


def _read_one(data: Any, where: str, usual: Mapping[str, Any]) -> Schemes:
    if isinstance(data, str):
        made = schemes_of(data, where)
        return tuple(_with(_plain(one, where), one.changed_options(), usual) for one in made)
    given = table(data, where, "scheme")
    name = given.pop("scheme", None)
    if not isinstance(name, str):
        known = ", ".join(SCHEMES.names)
        raise UsageError("rule-scheme", where, "scheme", f"one of {known}", kind(name), "scheme: palettize")
    try:
        one = SCHEMES.make(name, given, where)
    except UsageError as error:  # options that do not go together know nothing of the file
        raise (error if error.where.startswith(where) else error.at(f"{where}: {error.where}")) from None
    assert isinstance(one, Compression)  # there are no others in the catalog
    return (_with(_plain(one, where), given, usual),)


def _plain(one: Compression, where: str) -> Compression:
    """The scheme, if it calls no function: a file must not be able to have any called.

    Raises:
        UsageError: slug `configuration-function`.
    """
    if getattr(one, "function", ""):
        raise UsageError(
            "configuration-function", where, "option function", "absent in a configuration file",
            hint="give it in Python, or as --pipeline",
        )  # fmt: skip
    return one


def _with(one: Compression, given: Mapping[str, Any], usual: Mapping[str, Any]) -> Compression:
    """The scheme with the usual options that it is not given."""
    return attrs.evolve(one, **{name: value for name, value in usual.items() if name not in given})
