"""The arithmetic of one use of a weight: each line a term, its formula of bytes, counts and rates, and its value.

Times are of six decimals of a ms, and each follows from what is printed, to the last digit or two. `GB/s`, `G/s` and
`T/s` are 1e9 bytes, 1e9 weights and 1e12 operations per second; behind each figure stands its name in the table.
"""

from collections.abc import Iterator

from backends.cost_table import SchemeCosts
from backends.costs import CHOICES, PREDICT, SOFT, Part, UnitCosts
from backends.figures import Figure
from backends.uses import Use, Work


def use_lines(work: Work, use: Use, costs: UnitCosts) -> Iterator[str]:
    """The time of a use by choice: its terms, and what they add up to."""
    for choice in CHOICES:
        yield f"    if expanded at {choice}:"
        for line in _terms(work, use, costs, choice):
            yield f"      {line}"


def count(number: float) -> str:
    """A count or a size; fractions of a weight that is read in part have up to three decimals."""
    text = f"{number:,.3f}"
    return text.rstrip("0").rstrip(".")


def at(figure: Figure, unit: str, name: str) -> str:
    """A figure with its unit, and its name in the table."""
    return f"{figure.value:.9g} {unit} ({name})"


def _terms(work: Work, use: Use, costs: UnitCosts, choice: str) -> Iterator[str]:
    part = costs.part(work, use, choice)
    scheme = costs.scheme(use) if choice == PREDICT else None
    yield from _base(work, use, costs, scheme, part)
    if scheme is None:
        size = use.dense_bytes(costs.bits)
        yield from _stream("arrival", size, size, use, costs, None, part.arrival_ms)
    else:
        yield from _expanded(use, costs, scheme, part)
    yield _hidden(use, costs, part)
    terms = f"{part.base_ms:.6f} + {part.expansion_ms:.6f} + max(0, {part.arrival_ms:.6f} - {part.hidden_ms:.6f})"
    yield f"base + expansion + what is not hidden: {terms} = {part.ms:.6f} ms"


def _base(work: Work, use: Use, costs: UnitCosts, scheme: SchemeCosts | None, part: Part) -> Iterator[str]:
    share, kept = costs.share(work, use), costs.kept(use, scheme)
    name, rate = costs.arithmetic_figure(work, scheme, use)
    zeros = f" x {kept:.9g} (all but zeros)" if kept != 1 else ""
    operations = f"{count(work.operations * share)} operations{zeros} / {at(rate, 'T/s', name)}"
    yield f"arithmetic: {operations} = {part.arithmetic_ms:.6f} ms"
    activation = at(costs.unit.activation_gbps, "GB/s", "activation_gbps")
    moved = count(costs.moved_bytes(work) * share)
    yield f"activations: {moved} bytes / {activation} = {part.activation_ms:.6f} ms"
    both = f"{part.arithmetic_ms:.6f}, {part.activation_ms:.6f}"
    formula = f"max({both})" if costs.unit.overlap == "full" else both.replace(", ", " + ")
    yield f"base: {formula} = {part.base_ms:.6f} ms"


def _expanded(use: Use, costs: UnitCosts, scheme: SchemeCosts, part: Part) -> Iterator[str]:
    stream, decode, tables = costs.streaming_ms(use, scheme)
    stored, dense = use.weight.stored_bytes, use.dense_bytes(costs.bits)
    yield from _stream("stream, as stored", stored, dense, use, costs, scheme, stream)
    name, rate = costs.decode_figure(use, scheme)
    yield f"decoding: {count(use.streamed)} weights / {at(rate, 'G/s', name)} = {decode:.6f} ms"
    if tables and scheme.table_ns is not None:
        beyond = count((use.form.tables - 1) * use.touched)
        price = at(scheme.table_ns, "ns", f"schemes.{use.form.kind}.table_ns")
        yield f"tables beyond the first: {beyond} x {price} = {tables:.6f} ms"
    longer = f"max({stream:.6f}, {decode:.6f})"
    if costs.streams(use, scheme):
        soft = f"({longer}^{SOFT} + {tables:.6f}^{SOFT})^(1/{SOFT})" if tables else longer
        yield f"arrival: {soft} = {part.arrival_ms:.6f} ms"
        return
    size = f"{count(dense * use.touched)} bytes"
    written = part.expansion_ms - max(stream, decode) - tables
    yield f"writing the buffer: {size} / {at(costs.unit.activation_gbps, 'GB/s', 'activation_gbps')} = {written:.6f} ms"
    more = f" + {tables:.6f}" if tables else ""
    yield f"expansion into the buffer: {longer}{more} + {written:.6f} = {part.expansion_ms:.6f} ms"
    cached = at(costs.unit.weight_cache_gbps, "GB/s", "weight_cache_gbps")
    yield f"arrival, from the buffer: {size} / {cached} = {part.arrival_ms:.6f} ms"


def _stream(
    what: str, size: int, dense: int, use: Use, costs: UnitCosts, scheme: SchemeCosts | None, ms: float
) -> Iterator[str]:
    """Bytes that arrive from the cache, from beyond it, or in part from each."""
    moved, miss = size * use.touched, costs.miss(size, dense)
    name, rate = costs.stream_figure(use, scheme)
    far, near = at(rate, "GB/s", name), at(costs.unit.weight_cache_gbps, "GB/s", "weight_cache_gbps")
    alike, cache = costs.stored_alike(size, dense), at(costs.unit.weight_cache_mb, "MB", "weight_cache_mb")
    formula = f"{count(costs.dense_bytes)} bytes x {count(size)} / {count(dense)}"
    yield f"all weights, if each were stored so: {formula} = {count(alike)} bytes"
    if 0 < miss < 1:
        yield f"from the cache: {count(moved)} bytes x {cache} / {count(alike)} = {count(moved * (1 - miss))} bytes"
        formula = f"{count(moved * miss)} bytes / {far} + {count(moved * (1 - miss))} bytes / {near}"
    else:
        formula = f"{count(moved)} bytes / {far if miss else near}"
        yield f"the cache of {cache} holds {'none' if miss else 'all'} of that"
    yield f"{what}: {formula} = {ms:.6f} ms"


def _hidden(use: Use, costs: UnitCosts, part: Part) -> str:
    overlap = costs.unit.weights_overlap
    if overlap == "program":
        dense = f"{count(use.dense_bytes(costs.bits))} / {count(costs.dense_bytes)}"
        share = "its share, by dense bytes, of all work that may run on the unit"
        return f"hidden ({share}): {costs.base_ms:.6f} x {dense} = {part.hidden_ms:.6f} ms"
    why = "the base of its own op" if overlap == "op" else "nothing hides it"
    return f"hidden ({why}): {part.hidden_ms:.6f} ms"
