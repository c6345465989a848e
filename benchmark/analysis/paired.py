"""Tests of paired gains over seeds: t, equivalence, and max-T for many comparisons at once.

A gain is the amount by which a variant is better than its reference on one seed. The last axis of
all arrays is the seeds, so a simulation can test thousands of studies in one call.

Equal gains have no standard error. If all are 0, the two variants do not differ: p = 1, and they
are equivalent. If all have the same other value, t would be infinite, and p = 0 after only
two seeds; coarse metrics such as accuracies reach this by chance. Then the sign test gives p: 2·½ⁿ
for a difference, and ½ⁿ for equivalence if the value lies inside the margin.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from benchmark.analysis.intervals import Array, student_bounds
from benchmark.analysis.signed_rank import effect_and_p, signed_ranks

EXACT_UP_TO = 13  # seeds; 4,096 sign vectors, as each has the same |t| as its opposite
_SAMPLED = 2 ** (EXACT_UP_TO - 1)  # sign vectors above that
_SAME = 1e-12  # two statistics between 0 and 1 that differ by less are equal


@dataclass(frozen=True, kw_only=True)
class PairedT:
    """The paired t test of one comparison.

    Args:
        n: Number of pairs.
        difference: Mean of the differences; None without pairs.
        low, high: 95 % interval of the difference by Student's t; None below two pairs.
        deviation: Standard deviation of the differences (n − 1); None below two pairs.
        dz: Mean divided by the standard deviation of the differences (Cohen's d_z); 0 if all
            differences are 0; None below two pairs, and if all have the same other value.
        p: Two-sided p; 1 below two pairs.
    """

    n: int
    difference: float | None
    low: float | None
    high: float | None
    deviation: float | None
    dz: float | None
    p: float


def paired_t(differences: Array) -> PairedT:
    """Return the paired t test of finite `differences`, shape (pairs,).

    >>> found = paired_t(np.array([1.0, 2.0, 3.0]))
    >>> found.difference, found.n, round(found.p, 4)
    (2.0, 3, 0.0742)
    >>> paired_t(np.zeros(5)).p
    1.0
    """
    n = differences.size
    if n < 2:
        only = float(differences[0]) if n else None
        return PairedT(n=n, difference=only, low=None, high=None, deviation=None, dz=None, p=1.0)
    mean, dz = float(_mean(differences)), float(effect_size(differences))
    is_constant = bool(_is_constant(differences))
    low, high = (mean, mean) if is_constant else student_bounds(differences)
    return PairedT(
        n=n,
        difference=mean,
        low=float(low),
        high=float(high),
        deviation=0.0 if is_constant else float(differences.std(ddof=1)),
        dz=dz if math.isfinite(dz) else None,
        p=float(t_p(differences)),
    )


def effect_size(gains: Array) -> Array:
    """Return d_z, the mean divided by the standard deviation, of finite gains.

    Args:
        gains: Shape (…, seeds), with two seeds or more.

    Returns:
        Shape (…); 0 where all gains are 0, infinite where all have the same other value.
    """
    largest = np.abs(gains).max(axis=-1, keepdims=True)
    scaled = np.divide(gains, largest, out=np.zeros_like(gains), where=largest > 0)
    mean, constant = _mean(scaled), _is_constant(gains)
    spread = np.where(constant, 1.0, scaled.std(axis=-1, ddof=1))
    dz: Array = np.where(constant & (mean != 0), np.copysign(np.inf, mean), mean / spread)
    return dz


def t_p(gains: Array) -> Array:
    """Return the two-sided p that the mean of finite gains is 0 (Student 1908).

    Args:
        gains: Shape (…, seeds).

    Returns:
        Shape (…); 1 where all gains are 0, and 2·½ⁿ where all n have the same other value.
    """
    from scipy.special import stdtr

    seeds = gains.shape[-1]
    if seeds < 2:
        return np.ones(gains.shape[:-1])
    dz = effect_size(gains)
    p: Array = 2 * stdtr(seeds - 1, -np.abs(dz) * math.sqrt(seeds))
    return np.where(np.isinf(dz), 2.0 ** (1 - seeds), p)


def equivalence_p(gains: Array, margin: float | Array) -> Array:
    """Return the p of the hypothesis that the mean gain is at least `margin` away from 0.

    Two one-sided t tests (Schuirmann 1987, doi:10.1007/BF01068419). p ≤ 5 % says the same as a 90 %
    interval inside the margin.

    Args:
        gains: Finite gains, shape (…, seeds).
        margin: The largest difference that does not matter, 0 or more, shape (…).

    Returns:
        Shape (…); 0 where all gains are 0. Where all n have the same other value, ½ⁿ if it lies
        inside the margin and 1 otherwise; 1 below two seeds.
    """
    from scipy.special import stdtr

    seeds = gains.shape[-1]
    if seeds < 2:
        return np.ones(gains.shape[:-1])
    distance, constant = np.abs(_mean(gains)), _is_constant(gains)
    spread = np.where(constant, 1.0, gains.std(axis=-1, ddof=1))
    p = stdtr(seeds - 1, (distance - margin) / spread * math.sqrt(seeds))
    without_spread = np.where(distance < margin, 0.5**seeds, 1.0)
    found: Array = np.where(constant, np.where(distance == 0, 0.0, without_spread), p)
    return found


def rank_p(gains: Array) -> Array:
    """Return the two-sided p of Wilcoxon's signed-rank test; gains may be infinite.

    Args:
        gains: Shape (…, seeds).

    Returns:
        Shape (…).
    """
    if gains.shape[-1] == 0:
        return np.ones(gains.shape[:-1])
    ranks = signed_ranks(gains).reshape(-1, gains.shape[-1])
    return np.array([effect_and_p(row)[1] for row in ranks]).reshape(gains.shape[:-1])


def max_t(gains: Array) -> Array:
    """Return the two-sided p of each comparison, corrected for all of them by step-down max-T.

    Westfall & Young 1993, Resampling-Based Multiple Testing, algorithm 2.8; signs of whole seeds
    are flipped together, so the dependence between comparisons is kept. The smallest p is 2·½ⁿ for
    any number of comparisons. |t| grows with |Σ gain| / √(n·Σ gain²), whose denominator no flip
    changes, and that is compared in place of |t|; it has a value without spread too. All sign
    vectors are tried up to `EXACT_UP_TO` seeds, otherwise a fixed sample of 4,096.

    Args:
        gains: Shape (comparisons, seeds). A row with infinite gains is replaced by its signed
            ranks.

    Returns:
        Shape (comparisons,).
    """
    comparisons, seeds = gains.shape
    if gains.size == 0:
        return np.ones(comparisons)
    is_ranked = ~np.isfinite(gains).all(axis=1, keepdims=True)
    sizes = np.where(is_ranked, signed_ranks(gains), gains)
    largest = np.abs(sizes).max(axis=1, keepdims=True)
    sizes = np.divide(sizes, largest, out=np.zeros_like(sizes), where=largest > 0)
    norms = np.sqrt(seeds * (sizes**2).sum(axis=1))
    unit = np.divide(sizes, norms[:, None], out=np.zeros_like(sizes), where=norms[:, None] > 0)
    order = np.argsort(-np.abs(unit.sum(axis=1)), kind="stable")
    statistics = np.abs(
        _signs(seeds) @ unit[order].T
    )  # (sign vectors, comparisons); the first is no flip
    largest_below = np.maximum.accumulate(statistics[:, ::-1], axis=1)[:, ::-1]
    p = (largest_below >= statistics[0] - _SAME).mean(axis=0)
    corrected = np.empty(comparisons)
    corrected[order] = np.maximum.accumulate(p)
    return corrected


def _signs(seeds: int) -> Array:
    """Return sign vectors, shape (vectors, seeds), of which the first flips nothing."""
    if seeds <= EXACT_UP_TO:
        return np.array([(1.0, *rest) for rest in itertools.product((1.0, -1.0), repeat=seeds - 1)])
    sampled = np.random.default_rng(seeds).choice([1.0, -1.0], size=(_SAMPLED, seeds))
    sampled[0] = 1.0
    return sampled


def _is_constant(gains: Array) -> Array:
    constant: Array = gains.max(axis=-1) == gains.min(axis=-1)
    return constant


def _mean(gains: Array) -> Array:
    """Return means, which equal the gains exactly where these are all the same."""
    mean: Array = np.where(_is_constant(gains), gains[..., 0], gains.mean(axis=-1))
    return mean
