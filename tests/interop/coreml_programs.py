"""Programs as coremltools loads them, and how two of them differ."""

from pathlib import Path
from typing import Any

import numpy as np


def loaded(package: Path) -> Any:
    """The program of a package as coremltools' own; each op is checked by it, and its types inferred."""
    from coremltools.converters.mil.frontend.milproto.load import load
    from coremltools.models.utils import load_spec

    spec = load_spec(str(package))
    return load(spec, spec.specificationVersion, str(package / "Data" / "com.apple.CoreML" / "weights"))


def differences(a: Any, b: Any) -> list[str]:
    """Where two programs of coremltools differ: ops, types of results, constants, names of outputs.

    Axes that count from the back are the same as those that count from the front; bounds of slices that are masked,
    and whether a number is written in float16 or float32, make no difference.
    """
    found = []
    for name in {*a.functions, *b.functions}:
        first, second = (_operations(program.functions[name]) for program in (a, b))
        if [op.op_type for op in first] != [op.op_type for op in second]:
            found.append(f"{name}: kinds of operations")
            continue
        for x, y in zip(first, second, strict=True):
            found += [f"{x.name}: {part}" for part in _differ(x, y)]
        outputs = [[v.name for v in program.functions[name].outputs] for program in (a, b)]
        if outputs[0] != outputs[1]:
            found.append(f"{name}: outputs {outputs}")
    return found


def _operations(function: Any) -> list[Any]:
    return [op for op in function.operations if op.op_type != "const"]


def _differ(x: Any, y: Any) -> list[str]:
    found = []
    types = [[_type(v) for v in op.outputs] for op in (x, y)]
    if types[0] != types[1]:
        found.append(f"types {types}")
    if x.op_type == "slice_by_index":
        return found
    for key in {*x.inputs, *y.inputs}:
        given = [_seen(op.inputs.get(key), key, _rank(op)) for op in (x, y)]
        if not key.startswith("_") and given[0] != given[1]:
            found.append(key)
    return found


def _type(value: Any) -> tuple[str, tuple[int | None, ...]]:
    if hasattr(value, "elem_type"):  # a list
        return f"list of {value.elem_type}", ()
    return str(value.dtype), _sizes(value)


def _sizes(value: Any) -> tuple[int | None, ...]:
    """The shape; of sizes that are not known each program has symbols of its own."""
    return tuple(int(d) if isinstance(d, int | np.integer) else None for d in value.shape)


def _rank(op: Any) -> int:
    data = op.inputs.get("x", op.inputs.get("values"))
    data = data[0] if isinstance(data, list | tuple) else data
    return 0 if data is None else len(data.shape)


def _seen(value: Any, key: str, rank: int) -> Any:
    """What must be the same of an input."""
    if isinstance(value, list | tuple):
        return [_seen(item, key, rank) for item in value]
    if value is None:
        return None
    expanded = value.op is not None and value.op.op_type.startswith("constexpr")
    if expanded or value.val is None:
        return _type(value)
    array = np.asarray(value.val)
    if key in ("axis", "axes"):
        return sorted(int(axis) % max(rank, 1) for axis in array.reshape(-1))
    if not array.shape and array.dtype.kind == "f":
        return float(array)
    return array.dtype.kind, array.shape, array.tolist() if array.dtype.kind == "U" else array.tobytes()
