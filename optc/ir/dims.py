"""Dimensions of shapes: integers, or symbolic expressions over named sizes.

A symbolic dimension is kept in one normal form, a sum of integer multiples of products of *atoms*; an
atom is a name (`n`) or a floor division (`(n + 1) // 2`). Equal expressions are then equal objects, and
shape inference can compute with dimensions as if they were numbers. `?` is the dimension of which nothing
is known: every expression with it is `?`, and it agrees with anything. So is an expression that would grow too long
to be read back: a file of a few ops could ask for one of any length.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import attrs

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_MOST_TOKENS = 256
_MOST_TERMS = 64  # of a product of sums; what is printed has such products only under a division
_DEEPEST = 50
_LEAST_TOO_LARGE = 10**19


@attrs.frozen(order=True)
class FloorDiv:
    """The atom `numerator // divisor`, with `divisor` at least 2."""

    text: str
    numerator: "SymDim" = attrs.field(order=False)
    divisor: int = attrs.field(order=False)

    @property
    def tokens(self) -> int:
        return 6 + _tokens(self.numerator.terms)

    @property
    def depth(self) -> int:
        """Parentheses in each other."""
        return 2 + _depth(self.numerator.terms)


Atom = str | FloorDiv
Term = tuple[tuple[Atom, ...], int]


def _atom_key(atom: Atom) -> str:
    return _name_text(atom) if isinstance(atom, str) else atom.text


@lru_cache(maxsize=4096)
def _name_text(name: str) -> str:
    """A name as it is written; one that does not look like a name (models have such) is in quotes."""
    return name if name == "?" or NAME.fullmatch(name) else json.dumps(name)


@attrs.frozen(hash=True, cache_hash=True, repr=False)
class SymDim:
    """A symbolic dimension: `sum(coefficient * product(atoms))`, terms sorted, no zero coefficient."""

    terms: tuple[Term, ...]

    @classmethod
    def named(cls, name: str) -> "SymDim":
        """The size called `name`; `?` gives the unknown dimension."""
        return cls((((name,), 1),))

    @property
    def is_unknown(self) -> bool:
        return self == UNKNOWN

    def _combine(self, other: "Dim", build: Callable[[Iterable[Term], Iterable[Term]], Iterable[Term]]) -> "Dim":
        if UNKNOWN in (self, other):
            return UNKNOWN
        return _normal(build(self.terms, _terms(other)))

    def __add__(self, other: "Dim") -> Any:
        return self._combine(other, lambda a, b: [*a, *b])

    def __mul__(self, other: "Dim") -> Any:
        if other == 0:
            return 0
        if len(self.terms) * len(_terms(other)) > _MOST_TERMS:
            return UNKNOWN
        return self._combine(other, lambda a, b: [(x + y, m * n) for x, m in a for y, n in b])

    def __sub__(self, other: "Dim") -> Any:
        return self + other * -1

    def __neg__(self) -> Any:
        return self * -1

    def __rsub__(self, other: "Dim") -> Any:
        return self * -1 + other

    def __floordiv__(self, divisor: "Dim") -> Any:
        if self.is_unknown or divisor == UNKNOWN:
            return UNKNOWN
        if isinstance(divisor, SymDim):
            return self._divide_exactly(divisor)
        if divisor < 0:
            return -self // -divisor
        # Whole multiples of the divisor come out, so that (h - 1) // 2 + 1 and (h + 1) // 2 are the same.
        whole = tuple((atoms, c // divisor) for atoms, c in self.terms)
        rest = _normal((atoms, c % divisor) for atoms, c in self.terms)
        if isinstance(rest, int):
            return _normal([*whole, *_constant(rest // divisor).terms])
        atom = FloorDiv(f"(({rest})//{divisor})", rest, divisor)
        return _normal([*whole, ((atom,), 1)])

    def _divide_exactly(self, divisor: "SymDim") -> "Dim":
        """Division by a symbolic dimension, known only where one term divides all terms."""
        if len(divisor.terms) != 1:
            return 1 if self == divisor else UNKNOWN
        ((atoms, coefficient),) = divisor.terms
        out: list[Term] = []
        for own, c in self.terms:
            left = list(own)
            for atom in atoms:
                if atom not in left:
                    return UNKNOWN
                left.remove(atom)
            if c % coefficient:
                return UNKNOWN
            out.append((tuple(left), c // coefficient))
        return _normal(out)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rfloordiv__(self, other: int) -> Any:
        return UNKNOWN if other else 0

    def substitute(self, sizes: Mapping[str, "Dim"]) -> "Dim":
        """This dimension with names replaced by sizes; names that are absent stay."""
        total: Any = 0
        for atoms, coefficient in self.terms:
            product: Any = coefficient
            for atom in atoms:
                if isinstance(atom, str):
                    product = product * sizes.get(atom, SymDim.named(atom))
                else:
                    product = product * (atom.numerator.substitute(sizes) // atom.divisor)
            total = total + product
        return total  # type: ignore[no-any-return]  # Dim arithmetic is typed Any: int and SymDim mix

    def names(self) -> frozenset[str]:
        """The names that this expression mentions."""
        found: set[str] = set()
        for atoms, _ in self.terms:
            for atom in atoms:
                found |= {atom} if isinstance(atom, str) else atom.numerator.names()
        return frozenset(found)

    def __str__(self) -> str:
        parts: list[str] = []
        for atoms, coefficient in self.terms:
            factors = [_atom_key(a) for a in atoms]
            if abs(coefficient) != 1 or not factors:
                factors.insert(0, str(abs(coefficient)))
            sign = "-" if coefficient < 0 else "+" if parts else ""
            parts.append(sign + "*".join(factors))
        return "".join(parts)

    __repr__ = __str__


Dim = int | SymDim
Shape = tuple[Dim, ...]


def _constant(value: int) -> SymDim:
    return SymDim((((), value),) if value else ())


def _terms(dim: Dim) -> tuple[Term, ...]:
    return dim.terms if isinstance(dim, SymDim) else _constant(dim).terms


def _normal(terms: Iterable[Term]) -> Dim:
    totals: dict[tuple[Atom, ...], int] = {}
    for atoms, coefficient in terms:
        key = tuple(sorted(atoms, key=_atom_key))
        totals[key] = totals.get(key, 0) + coefficient
    kept = [(atoms, c) for atoms, c in totals.items() if c]
    kept.sort(key=lambda term: (-len(term[0]), [_atom_key(a) for a in term[0]]))
    if not kept:
        return 0
    if len(kept) == 1 and not kept[0][0]:
        return kept[0][1]
    too_long = _tokens(kept) > _MOST_TOKENS or _depth(kept) > _DEEPEST
    if too_long or any(abs(c) >= _LEAST_TOO_LARGE for _, c in kept):
        return UNKNOWN
    return SymDim(tuple(kept))


def _tokens(terms: Iterable[Term]) -> int:
    """Tokens of a sum as it is written, or a few more."""
    return sum(1 + sum(2 if isinstance(a, str) else 1 + a.tokens for a in atoms) for atoms, _ in terms)


def _depth(terms: Iterable[Term]) -> int:
    return max((a.depth for atoms, _ in terms for a in atoms if not isinstance(a, str)), default=0)


UNKNOWN = SymDim.named("?")


def is_static(shape: Iterable[Dim]) -> bool:
    """Whether every dimension is an integer."""
    return all(type(d) is int for d in shape)


def product(dims: Iterable[Dim]) -> Dim:
    """The product of dimensions (1 for none)."""
    total: Any = 1
    for dim in dims:
        total = total * dim
    return total  # type: ignore[no-any-return]  # Dim arithmetic is typed Any: int and SymDim mix


def dim_agrees(a: Dim, b: Dim) -> bool:
    """Whether two dimensions may be the same size: equal, or one of them unknown."""
    return a in (b, UNKNOWN) or b == UNKNOWN


def refines(written: Dim, inferred: Dim) -> bool:
    """Whether a written dimension says what inference found, or more where inference knows nothing."""
    return written == inferred or inferred == UNKNOWN


class _Reader:
    """Recursive descent over the text of one dimension, bounded in length, depth and growth."""

    TOKEN = re.compile(rf'\s*(//|[-+*()?]|[0-9]{{1,19}}|{NAME.pattern}|"(?:[^"\\]|\\.)*")')

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            match = self.TOKEN.match(text, at)
            if match is None or len(self.tokens) == _MOST_TOKENS:
                raise ValueError(f"not a dimension, or too long a one: {text[:100]!r}")
            self.tokens.append(match[1])
            at = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def sum(self, depth: int) -> Any:
        parts: list[Any] = [-self.product(depth) if self._skip("-") else self.product(depth)]
        while self.peek() in ("+", "-"):
            parts.append(self.product(depth) if self.take() == "+" else -self.product(depth))
        if UNKNOWN in parts:
            return UNKNOWN
        return _normal(term for part in parts for term in _terms(part))

    def product(self, depth: int) -> Any:
        total = self.atom(depth)
        while self.peek() in ("*", "//"):
            operator = self.take()
            factor = self.atom(depth)
            if operator == "//":
                if factor == 0:
                    raise ValueError("a dimension is divided by zero")
                total = total // factor
            elif len(_terms(total)) * len(_terms(factor)) > _MOST_TERMS:
                raise ValueError("a dimension multiplies sums that are too long")
            else:
                total = total * factor
        return total

    def atom(self, depth: int) -> Any:
        token = self.take()
        if token.isdigit():
            return int(token)
        if token == "(" and depth < _DEEPEST:
            inner = self.sum(depth + 1)
            if self.take() == ")":
                return inner
        elif token[:1] == '"':
            return SymDim.named(json.loads(token))
        elif token == "?" or NAME.fullmatch(token):
            return SymDim.named(token)
        raise ValueError(f"a dimension cannot have {token!r} here")

    def _skip(self, token: str) -> bool:
        if self.peek() == token:
            self.at += 1
            return True
        return False

    def finish(self, value: Dim) -> Dim:
        if self.at != len(self.tokens):
            raise ValueError(f"a dimension cannot have {self.peek()!r} here")
        return value


def parse_dim(text: str) -> Dim:
    """The dimension that `str(dim)` wrote.

    Raises:
        ValueError: the text is not a dimension.
    """
    reader = _Reader(text)
    return reader.finish(reader.sum(0))
