"""Palettes of vectors: a few vectors that stand for all runs of neighbours in a tensor.

The best palette of vectors is out of reach (the problem is NP-hard in the plane already: Mahajan, Nimbhorkar and
Varadarajan 2009, "The planar k-means problem is NP-hard"), so this is Lloyd's iteration (1982) from several seeds:

1. A weighted sample, in which far-off vectors are sure to be (Bachem, Lucic and Krause 2018, "Scalable k-means
   clustering via lightweight coresets").
2. Seeds on the sample by greedy k-means++ (Arthur and Vassilvitskii 2007), improved there; the best one goes on.
3. Lloyd's iteration on all vectors, where centres go further than to the means (`_REACH`): the error still falls at
   each step, as a step of less than twice the way is no worse for the vectors that a centre has, and falls faster.
4. If the vectors lie so near to a line that a palette on that line could be better, the exact palette of their places
   on it is a seed, too: on data that are in truth one-dimensional, the result is never worse than exact scalar k-means.

There is no randomness: what k-means++ draws comes from multiples of the golden ratio. Distances are in float32,
component by component in order, compiled or not, and sums in float64 in order, so that the bits are the same.
"""

import math
from operator import itemgetter

import attrs
import numpy as np

from optc.errors import OptcError
from optc.numerics import native
from optc.numerics.arrays import SLICE, Array
from optc.numerics.finite import all_finite
from optc.numerics.palette import kmeans_1d
from optc.numerics.partition import Rounding

LONGEST = 16
"""Components that a vector may have."""
_FEW, _SEEDS, _TRIALS = 32, (2, 6), (2, 4)
"""How many seeds there are, and how many vectors are tried for each centre: for more centres than few, and for few. The
more centres, the longer it takes, and the better one seed does."""
_GOLDEN = (math.sqrt(5) - 1) / 2
_PLASTIC = 0.7548776662466927
_SAMPLE_PER_CENTRE, _LEAST_SAMPLE = 64, 1 << 14
_REACH = 1.8
_MOST_STEPS, _SAMPLE_GAIN, _GAIN = 40, 1e-3, 3e-4
"""Lloyd's iteration ends after so many steps, or when one takes off less than this share of the error."""


@attrs.frozen(eq=False)
class VectorPalette:
    """Vectors that stand for others.

    Attributes:
        centres: `float64[m, d]`.
        codes: `uint8[n]`, which centre stands for each vector: the nearest one, the first of equally near ones.
        sse: weighted sum of squared errors, as far as float32 tells.
    """

    centres: Array
    codes: Array
    sse: float


@attrs.frozen(eq=False)
class _Data:
    """Vectors `float32[n, d]`, and how much each component's squared error counts (the same shape; None for 1)."""

    vectors: Array
    weights: Array | None


def kmeans_vectors(
    vectors: Array, k: int, weights: Array | None = None, rounding: Rounding | None = None
) -> VectorPalette:
    """A palette of at most `k` vectors with a small weighted sum of squared errors, the same on every machine.

    Args:
        vectors: real numbers `[n, d]`, `n` at least 1; they are taken as float32.
        k: from 1 to 256.
        weights: non-negative, of the same shape; 1 each if not given.
        rounding: the numbers that components of centres can be; any if not given.

    Raises:
        OptcError: a value or weight is not finite (`not-finite`), a weight is negative (`negative-weight`), `k` or the
            length of vectors is out of range (`palette-size`, `vector-length`).
    """
    if not 1 <= k <= 256:
        raise OptcError("palette-size", "k-means of vectors", "number of centres", "from 1 to 256", k)
    _check(vectors, weights)
    top = float(np.abs(vectors).max())
    exponent = int(np.frexp(top)[1])  # powers of two take out the scale without rounding, so that no square overflows
    data = _Data(_scaled(vectors, exponent), None if weights is None else _normalised(weights))
    near = None if rounding is None else rounding.scaled(-exponent)
    found = _best(data, k, near)
    with np.errstate(over="ignore"):
        return VectorPalette(np.ldexp(found.centres, exponent), found.codes, float(np.ldexp(found.sse, 2 * exponent)))


def unique_vectors(vectors: Array, bits: int) -> VectorPalette:
    """The distinct vectors themselves, in lexicographic order: a palette without any error.

    Raises:
        OptcError: there are more than `2**bits` of them (`too-many-values`), or one is not finite (`not-finite`).
    """
    _check(vectors, None)
    distinct, codes = np.unique(vectors + 0.0, axis=0, return_inverse=True)
    if len(distinct) > 1 << bits:
        raise OptcError(
            "too-many-values", "unique palette", "number of distinct vectors", f"at most {1 << bits} for {bits} bits",
            len(distinct), "use more bits, or k-means",
        )  # fmt: skip
    return VectorPalette(distinct.astype(np.float64), codes.reshape(-1).astype(np.uint8), 0.0)


def assign_vectors(vectors: Array, centres: Array) -> VectorPalette:
    """The palette of given centres `[m, d]`: each of the vectors `[n, d]` takes the nearest.

    Raises:
        OptcError: a vector is not finite (`not-finite`).
    """
    _check(vectors, None)
    codes, apart = _nearest(_Data(np.ascontiguousarray(vectors, np.float32), None), centres)
    return VectorPalette(centres.astype(np.float64), codes, _total(apart))


def _check(vectors: Array, weights: Array | None) -> None:
    if not 1 <= vectors.shape[-1] <= LONGEST:
        raise OptcError("vector-length", "palette of vectors", "length", f"from 1 to {LONGEST}", vectors.shape[-1])
    if not all_finite(vectors):
        raise OptcError("not-finite", "palette of vectors", "every value", "finite", "NaN or infinity")
    if weights is None:
        return
    if not np.isfinite(weights).all():
        raise OptcError("not-finite", "palette of vectors", "every weight", "finite", "NaN or infinity")
    if (weights < 0).any():
        raise OptcError("negative-weight", "palette of vectors", "every weight", "at least 0", weights.min())


def _scaled(vectors: Array, exponent: int) -> Array:
    scaled = np.ldexp(vectors, -exponent) if vectors.dtype.itemsize > 2 else np.ldexp(np.float32(vectors), -exponent)
    return np.ascontiguousarray(scaled, np.float32)


def _normalised(weights: Array) -> Array:
    top = float(weights.max(initial=0))
    return np.ascontiguousarray(weights / top if top else np.ones_like(weights), np.float32)


def _best(data: _Data, k: int, rounding: Rounding | None) -> VectorPalette:
    sample = _sample(data, max(_SAMPLE_PER_CENTRE * k, _LEAST_SAMPLE))
    starts = [_fraction(number * _PLASTIC) for number in range(_SEEDS[k <= _FEW])]
    seeds = [_improved(sample, _seed(sample, k, start), _SAMPLE_GAIN) for start in starts]
    best, error = _improved(data, min(seeds, key=itemgetter(1))[0], _GAIN)
    line = _on_a_line(data, k, error)
    if line is not None:
        other, its_error = _improved(data, line, _GAIN)
        if its_error < error:
            best = other
    return _settled(data, best, rounding)


def _fraction(number: float) -> float:
    return number - math.floor(number)


def _sample(data: _Data, size: int) -> _Data:
    """About `size` vectors, weighted so that sums over them are near to those over all.

    Half of the chance of each is the same for all, half is its share in the squared distances from the mean. Of such
    chances in order, each step of the same width takes one.
    """
    vectors, weights = data.vectors, data.weights
    if len(vectors) <= size:
        return data
    load = np.ones(1) if weights is None else weights.astype(np.float64)
    total = np.broadcast_to(load, vectors.shape).sum(axis=0)
    mean = (load * vectors).sum(axis=0) / np.where(total > 0, total, 1)
    apart = (load * np.square(vectors - mean)).sum(axis=1)
    share = np.full(len(vectors), 0.5 / len(vectors))
    spread = float(apart.sum())
    share += 0.5 / len(vectors) if spread == 0 else 0.5 / spread * apart
    steps = np.cumsum(share)
    drawn = np.searchsorted(steps, (np.arange(size) + 0.5) * (steps[-1] / size))
    places, times = np.unique(drawn, return_counts=True)
    by = (times / (size * share[places]))[:, np.newaxis]
    own = np.ones((1, vectors.shape[1])) if weights is None else weights[places]
    return _Data(vectors[places], np.ascontiguousarray(by * own, np.float32))


def _seed(data: _Data, k: int, start: float) -> Array:
    """Centres by greedy k-means++: of a few vectors, drawn by their share in the error, the one that lowers it most."""
    vectors = data.vectors
    loads = np.ones(len(vectors)) if data.weights is None else data.weights.sum(axis=1, dtype=np.float64)
    centres = [vectors[_drawn(loads, [start])[0]]]
    apart = _nearest(data, centres[0][np.newaxis])[1]
    place = start
    while len(centres) < k and apart.any():
        draws = [_fraction(place + trial * _GOLDEN) for trial in range(1, _TRIALS[k <= _FEW] + 1)]
        place = draws[-1]
        tried = [(pick, _nearest(data, vectors[pick][np.newaxis])[1]) for pick in _drawn(apart, draws)]
        pick, apart = min(((pick, np.minimum(apart, own)) for pick, own in tried), key=lambda pair: _total(pair[1]))
        centres.append(vectors[pick])
    return np.array(centres, np.float64)


def _drawn(chances: Array, places: list[float]) -> list[int]:
    """Which elements stand at these places, from 0 to 1, when each is as long as its chance."""
    steps = np.cumsum(chances, dtype=np.float64)
    picks = np.searchsorted(steps, np.array(places) * steps[-1], side="right")
    return [int(pick) for pick in np.minimum(picks, len(chances) - 1)]


def _improved(data: _Data, centres: Array, gain: float) -> tuple[Array, float]:
    """Lloyd's iteration: better centres, and the error of those that came before them."""
    error = math.inf
    for _ in range(_MOST_STEPS):
        codes, apart = _nearest(data, centres)
        before, error = error, _total(apart)
        means = _means(data, centres, codes, apart)
        if before - error < gain * error:
            break
        centres = centres + _REACH * (means - centres)
    return means, error


def _means(data: _Data, centres: Array, codes: Array, apart: Array) -> Array:
    """The weighted mean of the vectors of each centre; one that has none goes to the vector that is worst off."""
    sums, loads = _sums(data, codes, len(centres))
    means = np.where(loads > 0, sums / np.where(loads > 0, loads, 1), centres)
    lonely = np.flatnonzero(np.bincount(codes, minlength=len(centres)) == 0)
    if lonely.size:
        worst = np.argsort(-apart, kind="stable")[: lonely.size]
        worst = worst[apart[worst] > 0]
        means[lonely[: worst.size]] = data.vectors[worst]
    return means


def _settled(data: _Data, centres: Array, rounding: Rounding | None) -> VectorPalette:
    """Centres as they can be stored, and the means of what they then stand for, as long as the error falls."""
    best: VectorPalette | None = None
    while True:
        stored = centres if rounding is None else rounding.nearest_to_all(centres)
        codes, apart = _nearest(data, stored)
        error = _total(apart)
        if best is not None and not error < best.sse * (1 - _GAIN):
            return best
        best = VectorPalette(stored, codes, error)
        centres = _means(data, stored, codes, apart)


def _on_a_line(data: _Data, k: int, error: float) -> Array | None:
    """The exact palette of the vectors' places on a line; None where no palette on it has less than this error.

    The line goes through the mean and the vector farthest from it. What lies off the line is part of every such error.
    """
    vectors = data.vectors.astype(np.float64)
    centre = vectors.mean(axis=0)
    vectors -= centre
    apart = np.square(vectors).sum(axis=1)
    way = vectors[int(apart.argmax())]
    length = math.sqrt(float(np.square(way).sum()))
    if not length:
        return None
    way = way / length
    places = (vectors * way).sum(axis=1)
    off = vectors - places[:, np.newaxis] * way
    weights = 1.0 if data.weights is None else data.weights
    if not float((weights * np.square(off)).sum()) < error:
        return None
    along = None if data.weights is None else (data.weights * np.square(way)).sum(axis=1, dtype=np.float64)
    if along is not None and not along.any():
        return None
    return np.asarray(centre + kmeans_1d(places, k, along).centres[:, np.newaxis] * way)


def _total(apart: Array) -> float:
    return float(apart.sum(dtype=np.float64))


def _nearest(data: _Data, centres: Array) -> tuple[Array, Array]:
    """The nearest centre to each vector (`uint8`), and how far it is, squared (`float32`)."""
    vectors, weights = data.vectors, data.weights
    places = np.ascontiguousarray(centres, np.float32)
    count, length = vectors.shape
    codes, apart = np.zeros(count, np.uint8), np.full(count, np.inf, np.float32)
    if native.kernels is not None:
        native.kernels.nearest_vectors(vectors, weights, count, length, len(places), places, codes, apart)
        return codes, apart
    for start in range(0, count, SLICE):
        part = slice(start, start + SLICE)
        _nearest_in_slice(vectors[part], None if weights is None else weights[part], places, codes[part], apart[part])
    return codes, apart


def _nearest_in_slice(vectors: Array, weights: Array | None, places: Array, codes: Array, apart: Array) -> None:
    for code, place in enumerate(places):
        distance = np.zeros(len(vectors), np.float32)
        for axis, at in enumerate(place):
            square = np.square(vectors[:, axis] - at)
            distance += square if weights is None else weights[:, axis] * square
        nearer = distance < apart
        codes[nearer] = code
        apart[nearer] = distance[nearer]


def _sums(data: _Data, codes: Array, count: int) -> tuple[Array, Array]:
    """For each centre, the weighted sum of its vectors and the sum of their weights, `float64[count, d]`."""
    vectors, weights = data.vectors, data.weights
    length = vectors.shape[1]
    sums, loads = np.zeros((256, length)), np.zeros((256, length))
    if native.kernels is not None:
        native.kernels.add_vectors(vectors, weights, len(vectors), length, codes, sums, loads)
        return sums[:count], loads[:count]
    for axis in range(length):
        by = np.ones(len(vectors)) if weights is None else weights[:, axis].astype(np.float64)
        sums[:, axis] = np.bincount(codes, by * vectors[:, axis], minlength=256)
        loads[:, axis] = np.bincount(codes, by, minlength=256)
    return sums[:count], loads[:count]
