"""Numbers of seeds with which a paired comparison would probably be decided.

The observed mean and spread of the differences are taken as the true ones. After few seeds they are
rough, and a large effect is more often overestimated than underestimated. So the numbers are
estimates for planning, not promises.
"""

import math
from bisect import bisect_left
from collections.abc import Callable
from functools import cache

import numpy as np

from benchmark.analysis.intervals import Array

POWER = 0.8
MOST_FURTHER = 200  # seeds; more are not worth saying
_NODES = 400  # of the integral over the spread; power is then exact to 2·10⁻⁴


def difference_power(dz: float, seeds: int, level: float) -> float:
    """Return the power of the two-sided paired t test for a true effect `dz`.

    Args:
        dz: Mean divided by the standard deviation of the differences.
        seeds: Number of seeds, 2 or more.
        level: Level of this one test, after its correction.

    >>> round(difference_power(1.4, 10, 0.05 / 6), 2)
    0.82
    """
    return _beyond(level / 2, seeds, abs(dz))


def equivalence_power(dz: float, margin: float, seeds: int, level: float) -> float:
    """Return a lower bound of the power of two one-sided tests, close to it above one half.

    Args:
        dz: Mean divided by the standard deviation of the differences.
        margin: Margin divided by the same standard deviation.
        seeds: Number of seeds, 2 or more.
        level: Level of each one-sided test, after its correction.
    """
    both = _beyond(level, seeds, margin - dz) + _beyond(level, seeds, margin + dz)
    return max(both - 1, 0.0)


def further_seeds_without_spread(
    *, seeds: int, is_inside: bool, level: float, equivalence_level: float
) -> int:
    """Return the further seeds needed if all differences have the same value other than 0.

    The future differences are assumed to have this value too.

    The p values are those of the sign test (`paired`): 2·½ⁿ, or ½ⁿ for equivalence.

    Args:
        seeds: Number of seeds so far.
        is_inside: The value lies inside the margin.
        level: Level of the two-sided test, after its correction.
        equivalence_level: Level of the test of equivalence, after its correction.

    >>> further_seeds_without_spread(
    ...     seeds=5, is_inside=False, level=0.05, equivalence_level=0.05
    ... )
    1
    """
    totals = [math.ceil(1 - math.log2(level))]
    if is_inside:
        totals.append(math.ceil(-math.log2(equivalence_level)))
    return max(1, min(totals) - seeds)


def further_seeds(
    *, seeds: int, dz: float, margin: float, level: float, equivalence_level: float
) -> int | None:
    """Return the number of further seeds that would decide with a power of 80 %.

    It is the smaller of two numbers: one would show a difference, the other equivalence.

    Args:
        seeds: Number of seeds so far, 2 or more.
        dz: Observed mean divided by the standard deviation of the differences.
        margin: Margin divided by the same standard deviation.
        level: Level of the two-sided test, after its correction.
        equivalence_level: Level of the one-sided tests of equivalence, after their correction.

    Returns:
        A number from 1 on; None above `MOST_FURTHER`.
    """
    routes = (
        _first(seeds, lambda totals: difference_power(dz, totals, level)),
        _first(seeds, lambda totals: equivalence_power(dz, margin, totals, equivalence_level)),
    )
    return min((found for found in routes if found is not None), default=None)


def _first(seeds: int, power: Callable[[int], float]) -> int | None:
    """Return the least number of further seeds whose power suffices; power grows with seeds."""
    place = bisect_left(range(1, MOST_FURTHER + 1), POWER, key=lambda more: power(seeds + more))
    return place + 1 if place < MOST_FURTHER else None


def _beyond(level: float, seeds: int, effect: float) -> float:
    """Return P(t > its upper `level` quantile) for a true `effect`, by the noncentral t.

    The normal probability is averaged over quantiles of the spread, because scipy's `nctdtr` and
    `nct` are NaN for some large effects (scipy 1.17).
    """
    from scipy.special import ndtr, stdtrit

    bound = stdtrit(seeds - 1, 1 - level)
    return float(ndtr(effect * math.sqrt(seeds) - bound * _spread(seeds - 1)).mean())


@cache
def _spread(freedom: int) -> Array:
    """Return quantiles of the estimated standard deviation over the true one."""
    from scipy.special import chdtri

    spread: Array = np.sqrt(chdtri(freedom, (np.arange(_NODES) + 0.5) / _NODES) / freedom)
    return spread
