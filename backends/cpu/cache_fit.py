"""How large the cache is, as products see it: from the times of matrices of several sizes."""

import math
from collections.abc import Mapping

import attrs


@attrs.frozen
class CacheFit:
    """What stays near from one prediction to the next: its size in MB, its rate and that of the rest in GB/s."""

    cached_gbps: float
    stream_gbps: float
    cache_mb: float

    def seconds(self, mb: float) -> float:
        """The time of a matrix of `mb` 1e6 bytes, as the cost model has it."""
        near = min(mb, self.cache_mb)
        return 1e-3 * (near / self.cached_gbps + (mb - near) / self.stream_gbps)


def fit_cache(seconds: Mapping[float, float]) -> CacheFit:
    """The fit to times in seconds by sizes in MB, of which there are at least two.

    The smallest matrix says the rate of what is near, the largest that of the rest: read in turn, a matrix that is
    larger than a cache leaves nothing in it for the next time. The size of the cache is, of those with which the model
    gives one of the times exactly, the one with the least squared error of the logarithms of all but the largest.
    """
    smallest, largest = min(seconds), max(seconds)
    stream = 1e-3 * largest / seconds[largest]
    cached = max(1e-3 * smallest / seconds[smallest], stream)
    others = {mb: taken for mb, taken in seconds.items() if mb != largest}
    fits = [CacheFit(cached, stream, _exact(mb, taken, cached, stream)) for mb, taken in others.items()]
    return min(fits, key=lambda fit: sum(math.log(fit.seconds(mb) / taken) ** 2 for mb, taken in others.items()))


def _exact(mb: float, taken: float, cached: float, stream: float) -> float:
    """The size of the cache with which a matrix of `mb` takes this long; at most all of it fits."""
    gained = 1 / stream - 1 / cached
    return min(mb, max(0.0, (mb / stream - 1e3 * taken) / gained)) if gained > 0 else 0.0
