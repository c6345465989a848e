"""Points of a Halton sequence: evenly spread, nested, and the same for every user.

The first dimension, the learning rate, has base 2 and is not scrambled. So the first 2^k points are
an even grid in its logarithm, and every smaller budget is a prefix of a larger one. Bases from 3 on
are scrambled, because their plain sequences are correlated with one another: each digit is replaced
by a permutation that depends on base, place and seed (Owen, "A randomized Halton algorithm in R",
arXiv 1706.02808, 2017).
"""

import itertools
import math
import random
from collections.abc import Iterable, Iterator
from functools import cache

from optimizers.spec import OptimizerSpec
from optimizers.tunable import Tunable

_MOST_REPEATS = 100  # in a row, of a range so narrow that rounding leaves few values


def points(tunable: Tunable, budget: int, *, seed: int = 0) -> list[OptimizerSpec]:
    """Return the first `budget` points of an optimizer to tune; the first has its defaults.

    All points differ. There are fewer than `budget` only if the space has no more: it consists of
    choices, or its ranges are so narrow that values agree in 6 digits.

    Args:
        tunable: Optimizer to tune.
        budget: Number of points.
        seed: Seed of the scrambling of all dimensions but the first.
    """
    return list(itertools.islice(_sequence(tunable, seed), budget))


class HaltonSampler:
    """A sampler of the points of `points`, which do not depend on values."""

    def __init__(self, tunable: Tunable, *, seed: int = 0) -> None:
        self._points = _sequence(tunable, seed)

    def ask(self, count: int) -> list[OptimizerSpec]:
        """Return the next `count` points; fewer if a space of choices has no more."""
        return list(itertools.islice(self._points, count))

    def tell(self, spec: OptimizerSpec, value: float | None) -> None:
        """Do nothing: the points are chosen before any value is known."""


def halton(index: int, dimensions: int, *, seed: int = 0) -> list[float]:
    """Return a point of the sequence, a number in [0, 1) for each dimension.

    >>> [halton(index, 1) for index in range(4)]
    [[0.0], [0.5], [0.25], [0.75]]
    """
    bases = itertools.islice(_primes(), dimensions)
    return [_radical_inverse(index, base, seed) for base in bases]


def _radical_inverse(index: int, base: int, seed: int) -> float:
    """Return the digits of `index` in reverse order behind the point, as a number in [0, 1)."""
    permutations = _permutations(base, seed)
    numerator, denominator = 0, 1
    for permutation in permutations:
        index, digit = divmod(index, base)
        numerator, denominator = numerator * base + permutation[digit], denominator * base
    return numerator / denominator  # whole numbers until here: rounded once


@cache
def _permutations(base: int, seed: int) -> list[list[int]]:
    """Return the permutation of each digit, for as many digits as a float holds exactly."""
    places = math.floor(52 / math.log2(base))
    if base == 2:
        return [[0, 1]] * places
    draw = random.Random(f"{base} {seed}").random  # Python promises the same numbers for ever
    return [sorted(range(base), key=lambda _: draw()) for _ in range(places)]


def _primes() -> Iterator[int]:
    known: list[int] = []
    for number in itertools.count(2):
        if all(number % prime for prime in known):
            known.append(number)
            yield number


def _sequence(tunable: Tunable, seed: int) -> Iterator[OptimizerSpec]:
    dimensions = len(tunable.space.ranges)
    drawn = (tunable.point(halton(i, dimensions, seed=seed)) for i in itertools.count(1))
    return different(drawn, tunable)


def different(drawn: Iterable[OptimizerSpec], tunable: Tunable) -> Iterator[OptimizerSpec]:
    """Yield the defaults and then every new point of `drawn`, until the space has no more.

    Args:
        drawn: Points of the space without end, some of them repeated.
        tunable: Optimizer to tune.
    """
    first = tunable.defaults()
    yield first
    seen = {first}
    size = tunable.size
    reached: set[OptimizerSpec] = set()  # of the space, which need not have the defaults
    repeats = 0
    points = iter(drawn)
    while len(reached) < size and (size < math.inf or repeats <= _MOST_REPEATS):
        spec = next(points)
        reached.add(spec)
        repeats = repeats + 1 if spec in seen else 0
        if not repeats:
            seen.add(spec)
            yield spec
