"""Wilcoxon's signed-rank test, exact even with ties.

With ties and more than 13 pairs, scipy replaces the exact distribution by an approximation: 14 wins
of 14 then have p = 0.00098 instead of 2·½¹⁴. This module counts all assignments of signs to ranks.
"""

from functools import cache

import numpy as np

from benchmark.analysis.intervals import Array

EXACT_UP_TO = 50  # pairs with a gain; double precision counts up to 2⁵³ assignments exactly


def signed_ranks(gains: Array) -> Array:
    """Return the ranks of |gains| along the last axis, with the signs of the gains.

    Equal sizes share the mean of their ranks. Zeros get rank 0 and are not counted (Wilcoxon).

    >>> signed_ranks(np.array([0.0, 3.0, -1.0, 3.0])).tolist()
    [0.0, 2.5, -1.0, 2.5]
    """
    from scipy.stats import rankdata

    zeros = (gains == 0).sum(axis=-1, keepdims=True)
    ranks: Array = np.sign(gains) * (rankdata(np.abs(gains), axis=-1) - zeros)
    return ranks


def effect_and_p(ranks: Array) -> tuple[float, float]:
    """Return the rank-biserial correlation and the two-sided p of `ranks`, shape (pairs,)."""
    signed = ranks[ranks != 0]
    if signed.size == 0:
        return 0.0, 1.0
    return float(signed.sum() / np.abs(signed).sum()), _p(tuple(np.sort(signed).tolist()))


@cache  # comparisons of few pairs often have the same ranks
def _p(signed: tuple[float, ...]) -> float:
    if len(signed) > EXACT_UP_TO:
        from scipy.stats import wilcoxon

        return float(wilcoxon(signed, method="asymptotic").pvalue)
    doubled = np.rint(2 * np.abs(signed)).astype(int)  # mean ranks are multiples of ½
    positive = int(doubled[np.array(signed) > 0].sum())
    smaller = min(positive, int(doubled.sum()) - positive)
    ways = _ways(tuple(doubled.tolist()))
    return min(1.0, 2.0 * float(ways[: smaller + 1].sum()) / 2.0 ** len(signed))


@cache
def _ways(ranks: tuple[int, ...]) -> Array:
    """Return the number of subsets of `ranks` that add up to 0, 1, …, their sum.

    >>> _ways((1, 2, 3)).tolist()
    [1.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0]
    """
    ways = np.zeros(sum(ranks) + 1)
    ways[0] = 1.0
    for rank in ranks:
        ways[rank:] += ways[:-rank].copy()
    return ways
