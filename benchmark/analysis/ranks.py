"""Average ranks over blocks, with a test of their differences.

The test is Friedman's with Nemenyi's critical difference, as in Demšar 2006, Statistical
Comparisons of Classifiers over Multiple Data Sets (JMLR 7). Blocks should be settings. The seeds of
one setting repeat one experiment, so ranks over them hold for that setting only.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import polars as pl

from benchmark.analysis.compare import ALPHA
from benchmark.analysis.intervals import Array
from benchmark.metrics import higher_is_better

_PERMUTATIONS = 20_000  # with no more, p is exact; otherwise ±0.003 near p = 0.05


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Average ranks, best first.

    Args:
        optimizers: Names of the optimizers.
        average_ranks: Average ranks, 1 is best; ties share their mean rank.
        blocks: Number of blocks; those that lack an optimizer are left out.
        p: p of Friedman's test of equal ranks, by permutation within blocks.
        critical_difference: Nemenyi's critical difference: average ranks further apart differ
            significantly at 5 %.
        groups: Largest sets of neighbours without a significant difference, which are the bars of a
            critical-difference diagram. If Friedman's test does not reject, one group has all.
    """

    optimizers: tuple[str, ...]
    average_ranks: tuple[float, ...]
    blocks: int
    p: float
    critical_difference: float
    groups: tuple[tuple[str, ...], ...]


def setting_blocks(scores: pl.DataFrame) -> pl.DataFrame:
    """Return one block per setting: each optimizer's median over seeds, with divergence as worst.

    Args:
        scores: Result of `finals.scores` for best variants.

    Returns:
        Columns ``block, optimizer, cost``; a lower cost is better, and costs may be infinite.
    """
    return (
        scores.select("optimizer", block="setting", cost=_cost(scores))
        .drop_nulls()
        .group_by("block", "optimizer", maintain_order=True)
        .agg(pl.col("cost").median())
    )


def seed_blocks(scores: pl.DataFrame) -> pl.DataFrame:
    """Return one block per seed of each setting, with the columns of `setting_blocks`."""
    block = pl.format("{}, seed {}", "setting", "seed")
    return scores.select("optimizer", block=block, cost=_cost(scores)).drop_nulls()


def rank(blocks: pl.DataFrame) -> Ranking | None:
    """Return the average ranks over `blocks`, None with fewer than two optimizers or no block.

    Args:
        blocks: Columns ``block, optimizer, cost``, from `setting_blocks` or `seed_blocks`.

    Raises:
        ValueError: an optimizer occurs twice in one block.
    """
    if blocks.select("block", "optimizer").is_duplicated().any():
        raise ValueError("an optimizer comes twice in a block: expected its best variant alone")
    names = blocks["optimizer"].unique(maintain_order=True).to_list()
    complete = blocks.filter(pl.len().over("block") == len(names))
    if len(names) < 2 or complete.is_empty():
        return None
    order = {name: i for i, name in enumerate(names)}
    ordered = complete.sort("block", pl.col("optimizer").replace_strict(order))
    costs = ordered["cost"].to_numpy().reshape(-1, len(names))  # (blocks, optimizers)
    return _ranking(names, costs)


def critical_difference(optimizers: int, blocks: int) -> float:
    """Return Nemenyi's critical difference of average ranks at 5 % (Demšar 2006, 3.2.2).

    >>> round(critical_difference(4, 14), 2)  # Demšar's example
    1.25
    """
    q = _studentized_range(optimizers) / math.sqrt(2)
    return q * math.sqrt(optimizers * (optimizers + 1) / (6 * blocks))


@cache
def _studentized_range(optimizers: int) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.ppf(1 - ALPHA, optimizers, np.inf))


def _ranking(names: Sequence[str], costs: Array) -> Ranking:
    from scipy.stats import rankdata

    ranks = rankdata(costs, axis=1)
    averages = ranks.mean(axis=0)
    best_first = np.argsort(averages, kind="stable")
    ordered = tuple(names[i] for i in best_first)
    p = _friedman(ranks)
    difference = critical_difference(len(names), len(ranks))
    reach = difference if p <= ALPHA else math.inf
    return Ranking(
        optimizers=ordered,
        average_ranks=tuple(float(averages[i]) for i in best_first),
        blocks=len(ranks),
        p=p,
        critical_difference=difference,
        groups=_groups(ordered, averages[best_first], reach),
    )


def _friedman(ranks: Array) -> float:
    """Return p of Friedman's statistic by permuting `ranks`, shape (blocks, k), within blocks.

    The usual χ² approximation needs more blocks than a study has. The statistic is the sum of
    squared rank sums, which equals Friedman's up to constants.
    """
    if len(ranks) < 2:
        return 1.0  # every order of one block has the same statistic
    # The null distribution depends on the ranks in each block, not on their order. Without ties
    # these are 1 … k in every block, so all rankings of the same size share one distribution.
    chances = _null_distribution(tuple(sorted(map(tuple, np.sort(ranks, axis=1).tolist()))))
    observed = float(np.square(ranks.sum(axis=0)).sum())
    as_large = int((chances >= observed * (1 - 1e-12)).sum())
    is_exact = math.factorial(ranks.shape[1]) ** len(ranks) <= _PERMUTATIONS
    return as_large / len(chances) if is_exact else (as_large + 1) / (len(chances) + 1)


@cache
def _null_distribution(blocks: tuple[tuple[float, ...], ...]) -> Array:
    """Return the statistic of all permutations within `blocks`, or of `_PERMUTATIONS` random ones.

    With random ones p is (as large + 1) / (all + 1), because the observed one is possible too
    (Phipson & Smyth 2010, Permutation p-values should never be zero).
    """
    from scipy.stats import permutation_test

    def statistic(*samples: Any, axis: int) -> Any:
        return sum(np.square(np.sum(sample, axis=axis)) for sample in samples)

    tested = permutation_test(
        tuple(np.array(blocks).T),
        statistic,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_PERMUTATIONS,
        alternative="greater",
        rng=np.random.default_rng(0),
    )
    distribution: Array = tested.null_distribution
    return distribution


def _groups(names: tuple[str, ...], averages: Array, reach: float) -> tuple[tuple[str, ...], ...]:
    """Return the maximal runs of two or more neighbours whose averages lie within `reach`."""
    ends = np.searchsorted(averages, averages + reach, side="right")
    return tuple(
        names[start:end]
        for start, end in enumerate(ends)
        if end - start > 1 and (start == 0 or end > ends[start - 1])
    )


def _cost(scores: pl.DataFrame) -> pl.Expr:
    higher = not scores.is_empty() and higher_is_better(scores["metric"][0])
    value = pl.col("value") * (-1.0 if higher else 1.0)
    return pl.when(status="diverged").then(math.inf).otherwise(value)
