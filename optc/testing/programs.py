"""Random programs: well typed by construction, drawn over all families of ops.

Nothing is drawn and thrown away: each step asks a sampler for one op on the values that exist, so every draw is a
program that the verifier accepts. An *idiom* adds several ops at once, to give a pass its work.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from optc.ir.block import Program
from optc.ir.builder import Builder
from optc.ir.dims import is_static
from optc.ir.dtypes import Array
from optc.ir.interpreter import Cell
from optc.ir.op import Op
from optc.ir.types import StateType, TensorType
from optc.ir.value import Value
from optc.testing.samplers.catalog import SAMPLERS
from optc.testing.source import Sampler, Source, random_array

Idiom = Callable[[Source], Value]
"""Adds ops to the source's block; the value that they compute."""


@st.composite
def programs(
    draw: st.DrawFn,
    samplers: Mapping[type[Op], Sampler] = SAMPLERS,
    idioms: Sequence[Idiom] = (),
    least: int = 1,
    most: int = 8,
) -> Program:
    """Programs of one function, `main`, of `least` to `most` steps; each step is an op or an idiom.

    Where there are idioms, about half of the steps are idioms, and the value of the last one is an output: what
    nothing needs is no work for most passes.
    """
    builder = Builder()
    planted: list[Value] = []
    source = Source(draw, builder)
    kinds = sorted(samplers, key=lambda op: op.spec.name)
    for _ in range(draw(st.integers(least, most))):
        if idioms and (not kinds or draw(st.booleans())):
            planted = [draw(st.sampled_from(idioms))(source)]
            source.offer(*planted)
        else:
            source.offer(*builder.append(samplers[draw(st.sampled_from(kinds))](source)))
    return builder.program(**_outputs(draw, builder, planted))


def _outputs(draw: st.DrawFn, builder: Builder, planted: list[Value]) -> dict[str, Value]:
    """The last op's results, what is planted, and now and then others, by the names `out0`, `out1`, ..."""
    made = [v for op in builder.ops for v in op.results if isinstance(v.type, TensorType)]
    last = [v for op in builder.ops[-1:] for v in op.results if isinstance(v.type, TensorType)]
    more = draw(st.lists(st.sampled_from(made), max_size=3)) if made else []
    chosen = dict.fromkeys([*last, *planted, *more])
    return {f"out{index}": value for index, value in enumerate(chosen)}


def random_inputs(program: Program, seed: int) -> dict[str, Any]:
    """Arrays for the inputs of the main function (cells for its states); symbolic dimensions take sizes 1 to 4.

    The same seed gives the same arrays.
    """
    rng = np.random.default_rng(seed)
    params = program.main.body.params
    kinds = [p.type.tensor if isinstance(p.type, StateType) else p.tensor for p in params]
    names = sorted({n for k in kinds for d in k.shape if not is_static((d,)) for n in _names(d)})
    sizes = {name: int(size) for name, size in zip(names, rng.integers(1, 5, len(names)), strict=True)}
    out: dict[str, Any] = {}
    for number, (param, kind) in enumerate(zip(params, kinds, strict=True)):
        shape = [_size(d, sizes) for d in kind.shape]
        array: Array = random_array(seed + number, kind.dtype, shape)
        out[param.name] = Cell(array) if isinstance(param.type, StateType) else array
    return out


def _names(dim: Any) -> frozenset[str]:
    found: frozenset[str] = dim.names()
    return found


def _size(dim: Any, sizes: Mapping[str, int]) -> int:
    if isinstance(dim, int):
        return dim
    known = dim.substitute(sizes)
    return max(0, int(known)) if isinstance(known, int) else 1
