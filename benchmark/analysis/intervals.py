"""95 % intervals of a mean or a median over seeds, or None if there are too few seeds.

Intervals of means are Student's. Coverage of a nominal 95 %, in per cent, on 200,000 simulated
studies per cell (tests/benchmark/analysis/test_intervals.py repeats it on 4,000); * marks values
outside 93 to 97:

    mean              n = 3      5     10     30
    normal             95.1   95.0   95.0   95.0
    uniform            92.2*  93.4   94.6   94.9
    t3                 96.2   96.2   96.0   95.5    heavy tails on both sides
    lognormal, σ = ½   92.3*  91.6*  92.1*  93.5
    exponential        88.4*  88.2*  90.2*  92.7*
    lognormal, σ = 1   83.8*  82.2*  83.9*  88.3*
    median, of any       --     --   97.9*  95.7    by order statistics: never below 95, from n = 6

The mean of skewed values is covered too rarely, and `NOTES` has the sentence to print beside it. No
bootstrap is used: the studentized one covers the lognormal better (91 % at n = 10), but heavy tails
worse (t3: 92 %) with intervals up to three times as wide, and it would change the rule at some
number of seeds. Percentile bootstraps cover only 75 % of the normal's at n = 3 and 90 % at 10.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.floating[Any]]
Method = Literal["Student's t", "Student's t of logits", "order statistics", "too few seeds"]

LEVEL = 0.95
# 97.5 % quantiles of Student's t with 1 to 19 degrees of freedom, equal in all digits to those of
# scipy.special.stdtrit. Importing scipy would take longer than all the rest of a table.
_STUDENT = (
    12.706204736174694,
    4.302652729749462,
    3.1824463052837078,
    2.7764451051977934,
    2.5705818356363146,
    2.4469118511449786,
    2.364624251592784,
    2.306004135204166,
    2.262157162798205,
    2.228138851986274,
    2.200985160091639,
    2.1788128296672284,
    2.1603686564627913,
    2.144786687917804,
    2.131449545559776,
    2.1199052992212546,
    2.1098155778333156,
    2.1009220402410382,
    2.0930240544083087,
)

NOTES: dict[Method, str] = {
    "Student's t": "95 % interval by Student's t, which takes the seeds as normally distributed: "
    "the mean of strongly skewed (lognormal) values is covered in 82 to 88 % of cases",
    "Student's t of logits": "95 % interval by Student's t on the logit scale, so that it stays "
    "within 0 to 100 %",
    "order statistics": "95 % interval by order statistics, for any distribution; up to 99 % when "
    "there are few seeds",
    "too few seeds": "no interval: a mean takes 2 seeds, a median 6",
}


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its 95 % interval; ``low`` and ``high`` are None with too few values."""

    estimate: float
    low: float | None
    high: float | None
    seeds: int
    method: Method


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Values that are shares of examples, such as accuracies, between 0 and 1.

    Args:
        examples: The number of examples; None if it is unknown.
    """

    examples: int | None = None


def mean_interval(
    values: Array | list[float], shares: Shares | None = None, least: float | None = None
) -> Interval:
    """Return the mean of independent `values`, shape (seeds,), with its 95 % interval.

    `shares` and `least` are as for `mean_bounds`.

    >>> mean_interval([1.0, 2.0, 3.0]).method
    "Student's t"
    >>> mean_interval([5.0])
    Interval(estimate=5.0, low=None, high=None, seeds=1, method='too few seeds')
    """
    array = np.asarray(values, dtype=float)
    low, high = mean_bounds(array[None, :], shares, least)
    method = mean_method(array.size, shares)
    return _interval(float(array.mean()), low[0], high[0], array.size, method)


def median_interval(values: Array | list[float]) -> Interval:
    """Return the median of independent `values`, shape (seeds,); they may be infinite.

    >>> median_interval([3.0, 1.0, 2.0, 6.0, 5.0, 4.0])
    Interval(estimate=3.5, low=1.0, high=6.0, seeds=6, method='order statistics')
    """
    array = np.asarray(values, dtype=float)
    low, high = median_bounds(array[None, :])
    return _interval(
        float(np.median(array)), low[0], high[0], array.size, median_method(array.size)
    )


def mean_method(seeds: int, shares: Shares | None = None) -> Method:
    """Return the method that `mean_bounds` uses."""
    if seeds < 2:
        return "too few seeds"
    return "Student's t of logits" if shares and shares.examples else "Student's t"


def median_method(seeds: int) -> Method:
    """Return the method that `median_bounds` uses."""
    return "order statistics" if _order(seeds) else "too few seeds"


def mean_bounds(
    values: Array, shares: Shares | None = None, least: float | None = None
) -> tuple[Array, Array]:
    """Return the ends of the 95 % interval of each row's mean; NaN with fewer than two values.

    Args:
        values: Finite values, shape (rows, seeds).
        shares: Says that they are shares of examples. Without the number of examples, Student's
            interval is cut off at 0 and 1.
        least: The least possible value. Student's interval is cut off there, which covers as often,
            because no mean lies below it. If one of the values does, nothing is cut off.

    Returns:
        Two arrays of shape (rows,).

    Raises:
        ValueError: a share is outside 0 to 1.
    """
    if shares is None:
        low, high = student_bounds(values)
        if least is None or bool((values < least).any()):
            return low, high
        return np.maximum(low, least), high
    if shares.examples:
        return share_bounds(values, shares.examples)
    low, high = student_bounds(values)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def student_bounds(values: Array, level: float = LEVEL) -> tuple[Array, Array]:
    """Return the ends of Student's interval of each row's mean; NaN with fewer than two values.

    Args:
        values: Finite values, shape (…, seeds).
        level: Nominal coverage, between 0 and 1.

    Returns:
        Two arrays of shape (…).
    """
    seeds = values.shape[-1]
    if seeds < 2:
        return np.full(values.shape[:-1], np.nan), np.full(values.shape[:-1], np.nan)
    mean = values.mean(axis=-1)
    error = values.std(axis=-1, ddof=1) / math.sqrt(seeds)
    quantile = _student_quantile(seeds - 1, level)
    return mean - quantile * error, mean + quantile * error


def share_bounds(shares: Array, examples: int, level: float = LEVEL) -> tuple[Array, Array]:
    """Return the ends of an interval of each row's mean share, which never leave 0 to 1.

    The interval is Student's on the logit scale, with the delta method's standard error. There k
    successes of n are the share (k + ½) / (n + 1), so that the logit is finite at 0 and n successes
    (Haldane 1956, Anscombe 1956). The ends are converted back to k / n: equal shares have an
    interval of no width, and the mean always lies inside.

    Args:
        shares: Shares of `examples`, such as accuracies between 0 and 1, shape (…, seeds).
        examples: Number of examples of which each is a share.
        level: Nominal coverage, between 0 and 1.

    Returns:
        Two arrays of shape (…), NaN with fewer than two seeds.

    Raises:
        ValueError: a share is outside 0 to 1, or there are no examples.
    """
    if examples < 1 or not ((shares >= 0) & (shares <= 1)).all():
        raise ValueError(
            f"expected shares between 0 and 1 of at least 1 example, got {shares.min():g} to "
            f"{shares.max():g} of {examples}"
        )
    smoothed = (shares * examples + 0.5) / (examples + 1)
    mean = smoothed.mean(axis=-1)
    low, high = student_bounds(smoothed, level)
    width = (high - low) / 2 / (mean * (1 - mean))  # on the logit scale
    is_constant = (np.ptp(shares, axis=-1) == 0) & ~np.isnan(width)

    def convert(end: Array) -> Array:
        back = ((examples + 1) / (1 + np.exp(-end)) - 0.5) / examples
        return np.where(is_constant, shares[..., 0], np.clip(back, 0.0, 1.0))

    logit = np.log(mean / (1 - mean))
    return convert(logit - width), convert(logit + width)


def median_bounds(values: Array) -> tuple[Array, Array]:
    """Return the ends of the 95 % interval of each row's median; NaN with fewer than six values.

    The ends are the k-th smallest and the k-th largest value, with the largest k that covers at
    least 95 % for any distribution (Conover, Practical Nonparametric Statistics, 1999, 3.2).

    Args:
        values: Values, possibly infinite, shape (rows, seeds).

    Returns:
        Two arrays of shape (rows,).
    """
    rows, seeds = values.shape
    k = _order(seeds)
    if k == 0:
        return np.full(rows, np.nan), np.full(rows, np.nan)
    ordered = np.sort(values, axis=1)
    return ordered[:, k - 1], ordered[:, seeds - k]


def _student_quantile(freedom: int, level: float) -> float:
    """Return the (1 + level) / 2 quantile of Student's t."""
    if level == LEVEL and freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


@cache
def _order(seeds: int) -> int:
    """Return the largest k with 2·P(Binomial(seeds, ½) < k) ≤ 5 %, or 0."""
    from scipy.special import bdtr

    ks = [k for k in range(1, seeds // 2 + 1) if 2 * bdtr(k - 1, seeds, 0.5) <= 1 - LEVEL]
    return max(ks, default=0)


def _interval(estimate: float, low: float, high: float, seeds: int, method: Method) -> Interval:
    if method == "too few seeds":
        return Interval(estimate=estimate, low=None, high=None, seeds=seeds, method=method)
    return Interval(estimate=estimate, low=float(low), high=float(high), seeds=seeds, method=method)
