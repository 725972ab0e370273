"""The passes and presets that pipeline text may name."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import attrs

from optc.errors import UsageError
from optc.pipeline.options import check_names, options_of
from optc.pipeline.passes import Pass
from optc.pipeline.suggest import did_you_mean

GROUP = "fixpoint"
"""The word for a group that is repeated until nothing changes; no pass may have it as its name."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def _classes(classes: Iterable[type[Pass]]) -> tuple[type[Pass], ...]:
    return tuple(classes)


def _table(presets: Any) -> Any:
    return tuple(sorted(presets.items() if isinstance(presets, Mapping) else presets))


class Others(Protocol):
    """Passes beside those of a catalog; see `optc.pipeline.pass_plugins`."""

    def names(self) -> tuple[str, ...]:
        """Their names."""

    def find(self, name: str) -> type[Pass] | None:
        """The pass class of that name."""


@attrs.frozen
class Catalog:
    """An explicit tuple of pass classes, and presets: pipeline texts by name, in which `@name` stands for the text.

        catalog = Catalog((FoldConstants, DeadCode), {"cleanup": "fold-constants,dead-code"})

    What it does not have itself it looks for among `others`, if there are any.

    Raises:
        TypeError: a pass or a preset is declared wrongly, or two have the same name.
    """

    passes: tuple[type[Pass], ...] = attrs.field(converter=_classes)
    presets: tuple[tuple[str, str], ...] = attrs.field(default=(), converter=_table)
    others: Others | None = None

    def __attrs_post_init__(self) -> None:
        names = [GROUP, *self.names]
        for name in self.names:
            if not _NAME.fullmatch(name) or names.count(name) > 1:
                raise TypeError(f"{name!r} is no name for a pass or a preset, or it is used twice")
        for cls in self.passes:
            if "__attrs_attrs__" not in cls.__dict__:
                raise TypeError(f"pass {cls.__name__} must be declared with @attrs.frozen")
            for option in options_of(cls):
                if hasattr(Pass, option.name):
                    raise TypeError(f"option {option.name} of {cls.__name__} has the name of something every pass has")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the passes, then of the presets."""
        return (*(cls.name for cls in self.passes), *(name for name, _ in self.presets))

    @property
    def every_name(self) -> tuple[str, ...]:
        """Names of the passes, those among `others` too."""
        own = tuple(cls.name for cls in self.passes)
        return (*own, *(name for name in (self.others.names() if self.others else ()) if name not in own))

    def find(self, name: str) -> type[Pass] | None:
        """The pass class of that name.

        Raises:
            OptcError: it is one of `others`, and cannot be used.
        """
        own = next((cls for cls in self.passes if cls.name == name), None)
        if own is not None or self.others is None or self.preset(name) is not None:
            return own
        return self.others.find(name)

    def preset(self, name: str) -> str | None:
        """The text of a preset, named with or without `@`."""
        return dict(self.presets).get(name.removeprefix("@"))

    def make(self, name: str, options: Mapping[str, Any], where: str = "pass") -> Pass:
        """A pass from the plain values of a configuration file or a command line.

            catalog.make("palettize", {"bits": 4})

        Raises:
            UsageError: slugs `unknown-pass`, `unknown-option`, `missing-option`, and those of `Option.check`.
        """
        cls = self.find(name)
        if cls is None:
            raise self.unknown(name, where)
        check_names(cls, options, where)
        declared = {option.name: option for option in options_of(cls)}
        return cls(**{key: declared[key].check(value, where) for key, value in options.items()})

    def unknown(self, name: str, where: str, excerpt: str = "") -> UsageError:
        """The error for a name that is neither a pass nor a preset."""
        presets = [known for known, _ in self.presets]
        known = [f"@{one}" for one in presets] if name.startswith("@") else [GROUP, *self.every_name, *presets]
        hint = did_you_mean(name, known) or f"known are {', '.join(known)}"
        return UsageError("unknown-pass", where, "step", "a pass or a preset", name, hint, excerpt)
