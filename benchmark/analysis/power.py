"""Numbers of seeds with which a paired comparison would probably be decided.

They take the observed mean and spread of the differences as the true ones. After few seeds these
are rough, and a large effect is more often overrated than underrated: the numbers are estimates for
planning, and no promise.
"""

import math
from collections.abc import Callable

import numpy as np

from benchmark.analysis.intervals import Array

POWER = 0.8
MOST_FURTHER = 200  # seeds; more are not worth saying
_LARGEST_SHIFT = 37.0  # of a noncentral t whose distribution scipy's sum still has


def difference_power(dz: float, seeds: Array, level: float) -> Array:
    """Return the power of the two-sided paired t test for a true effect `dz`.

    Args:
        dz: Mean divided by the standard deviation of the differences.
        seeds: Numbers of seeds, 2 or more, shape (…).
        level: Level of this one test, after its correction.

    >>> difference_power(1.4, np.array([10]), 0.05 / 6).round(2).tolist()
    [0.82]
    """
    from scipy.special import stdtrit

    bound = stdtrit(seeds - 1, 1 - level / 2)
    return _beyond(bound, seeds - 1, abs(dz) * np.sqrt(seeds))


def equivalence_power(dz: float, margin: float, seeds: Array, level: float) -> Array:
    """Return a lower bound of the power of two one-sided tests, close to it above one half.

    Args:
        dz: Mean divided by the standard deviation of the differences.
        margin: Margin divided by the same standard deviation.
        seeds: Numbers of seeds, 2 or more, shape (…).
        level: Level of each one-sided test, after its correction.
    """
    from scipy.special import stdtrit

    bound = stdtrit(seeds - 1, 1 - level)
    root = np.sqrt(seeds)
    upper = _beyond(bound, seeds - 1, (margin - dz) * root)
    lower = _beyond(bound, seeds - 1, (margin + dz) * root)
    return np.maximum(upper + lower - 1, 0.0)


def further_seeds_without_spread(
    *, seeds: int, is_inside: bool, level: float, equivalence_level: float
) -> int:
    """Return the same where all differences so far have one value other than 0, and stay so.

    The p values are then those of signs (`paired`): 2·½ⁿ, or ½ⁿ for equivalence.

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
    """Return how many further seeds would decide with a power of 80 %, by the shorter route.

    One route shows a difference, the other equivalence.

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


def _first(seeds: int, power: Callable[[Array], Array]) -> int | None:
    further = np.arange(1.0, MOST_FURTHER + 1)
    enough = further[power(seeds + further) >= POWER]
    return int(enough[0]) if enough.size else None


def _beyond(bound: Array, freedom: Array, shift: Array) -> Array:
    """Return P(T > bound) of the noncentral t distribution.

    Beyond the largest shift, it is certain whether T passes a bound that is so far away.
    """
    from scipy.special import nctdtr

    is_computed = np.abs(shift) < _LARGEST_SHIFT
    inside = nctdtr(freedom, np.where(is_computed, shift, 0.0), bound)
    return np.where(is_computed, 1 - inside, np.where(shift > bound, 1.0, 0.0))
