"""Deployment targets: what a Core ML model must run on, and with it the operators that it may use."""

import attrs

from optc.errors import OptcError


@attrs.frozen(order=True)
class Target:
    """One deployment target; later ones are greater."""

    specification: int
    opset: str
    name: str


TARGETS = (
    Target(6, "CoreML5", "ios15"),
    Target(7, "CoreML6", "ios16"),
    Target(8, "CoreML7", "ios17"),
    Target(9, "CoreML8", "ios18"),
    Target(10, "CoreML9", "ios26"),
)
IOS15, IOS16, IOS17, IOS18, IOS26 = TARGETS


def target_of_opset(opset: str, where: str) -> Target:
    """The target whose operators an opset has (`CoreML5` to `CoreML9`).

    Raises:
        OptcError: slug `opset`.
    """
    for target in TARGETS:
        if target.opset == opset:
            return target
    expected = f"from {TARGETS[0].opset} to {TARGETS[-1].opset}"
    raise OptcError("opset", where, "opset", expected, opset)


def target_named(name: str) -> Target:
    """The target of that name.

    Raises:
        OptcError: slug `target`.
    """
    for target in TARGETS:
        if target.name == name.lower():
            return target
    raise OptcError("target", "Core ML", "target", f"one of {', '.join(t.name for t in TARGETS)}", name)
