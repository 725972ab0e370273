"""Break-even: the figure of the cost table at which the choice for a weight flips."""

from collections.abc import Sequence

import attrs

from backends.cost_table import SchemeCosts
from backends.costs import PREDICT, SOFT, UnitCosts, decode_figure
from backends.uses import Use, Work

_STEPS = 200


@attrs.frozen
class BreakEven:
    """The value of a figure of the table, named by its path, at which both choices predict equally fast."""

    figure: str
    value: float
    now: float


def break_evens(
    uses: Sequence[Use], works: Sequence[Work], costs: UnitCosts, scheme: SchemeCosts, load_ms: float, smaller: bool
) -> tuple[BreakEven, ...]:
    """The decode rate, and the price of a lookup table, at which expanding at prediction takes `load_ms`.

    That is what expanding at load takes. Slower decoding and dearer tables only ever make prediction slower, so that
    there is at most one value of each; none where the other terms take longer by themselves. `smaller`: the stored
    weight takes less memory, so that it wins where both take equally long.
    """
    use = uses[0]
    path = f"{costs.name}.schemes.{use.form.kind}"
    terms = [_Terms.of(u, works[u.kernel], costs, scheme) for u in uses]
    name, decode = decode_figure(scheme, use.form.bits)
    found = []
    if all(term.elements for term in terms):
        per_weight = _solved([t.without_decode() for t in terms], load_ms, smaller)
        if per_weight > 0:
            found.append(BreakEven(f"{path}.{name}", 1 / per_weight, decode.value))
    if scheme.table_ns is not None and all(term.tables for term in terms):
        price = _solved([t.without_tables() for t in terms], load_ms, smaller)
        if price >= 0:
            found.append(BreakEven(f"{path}.table_ns", price, scheme.table_ns.value))
    return tuple(found)


@attrs.frozen
class _Terms:
    """What the time of one use at prediction is made of, in ms; `elements` and `tables` in 1e6 per ms and unit."""

    base: float
    hidden: float
    stream: float
    decode: float
    tables_ms: float
    elements: float
    tables: float
    after: float
    streams: bool

    @classmethod
    def of(cls, use: Use, work: Work, costs: UnitCosts, scheme: SchemeCosts) -> "_Terms":
        part = costs.part(work, use, PREDICT)
        stream, decode, tables = costs.streaming_ms(use, scheme)
        streams = scheme.expansion == "streams"
        after = 0.0 if streams else part.expansion_ms - max(stream, decode) - tables + part.exposed_ms
        return cls(
            part.base_ms, part.hidden_ms, stream, decode, tables, use.streamed * 1e-6,
            (use.form.tables - 1) * use.touched * 1e-6, after, streams,
        )  # fmt: skip

    def without_decode(self) -> "_Cost":
        return _Cost(self, self.stream, self.elements, self.tables_ms, 0.0)

    def without_tables(self) -> "_Cost":
        return _Cost(self, max(self.stream, self.decode), 0.0, 0.0, self.tables)


@attrs.frozen
class _Cost:
    """The time of a use as a function of one price: `per_weight` elements and `per_table` tables at that price."""

    terms: _Terms
    stream: float
    per_weight: float
    tables_ms: float
    per_table: float

    def at(self, price: float) -> float:
        """Time in ms; never falls as the price rises."""
        moved = max(self.stream, self.per_weight * price)
        tables = self.tables_ms + self.per_table * price
        if not self.terms.streams:
            return self.terms.base + moved + tables + self.terms.after
        arrival = float((moved**SOFT + tables**SOFT) ** (1 / SOFT)) if tables else moved
        return self.terms.base + max(0.0, arrival - self.terms.hidden)

    def solved(self, ms: float) -> float:
        """The price at which the time is `ms`, worked out; negative if there is none."""
        rest = ms - self.terms.base
        if rest < 0:
            return -1.0
        if not self.terms.streams:
            left = rest - self.terms.after - (self.tables_ms if self.per_weight else self.stream)
            return (
                (left / self.per_weight if left >= self.stream else -1.0) if self.per_weight else left / self.per_table
            )
        other = self.tables_ms if self.per_weight else self.stream
        left = (rest + self.terms.hidden) ** SOFT - other**SOFT
        if left < 0:
            return -1.0
        part = float(left ** (1 / SOFT))
        return (part / self.per_weight if part >= self.stream else -1.0) if self.per_weight else part / self.per_table


def _solved(costs: Sequence[_Cost], ms: float, smaller: bool) -> float:
    """The price at which the times add up to `ms`: in closed form for one use, by bisection for several."""
    least = sum(c.at(0.0) for c in costs)
    if least > ms or (least == ms and not smaller):
        return -1.0
    if len(costs) == 1:
        return costs[0].solved(ms)
    low, high = 0.0, 1.0
    while sum(c.at(high) for c in costs) <= ms and high < 1e30:
        high *= 2
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(c.at(middle) for c in costs) <= ms else (low, middle)
    return low
