"""Paired comparisons of variants over seeds, which share weights, batches and dropout masks.

The test is the paired t test, as in verdicts (`paired.t_p`). Where a seed diverged it is Wilcoxon's
signed-rank test, which takes the diverged trial as the worst possible value (`signed_rank`). Gains
that differ by less than the rounding error count as equal. All comparisons in one setting are
corrected together by Holm's method: the comparisons with a reference that was named beforehand,
otherwise those of all pairs, because the best variant is not known before the results are. They are
exploratory: whether one optimizer is better is said of declared studies only (`verdicts`).
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from benchmark.analysis.intervals import Array, Interval, mean_interval
from benchmark.analysis.paired import t_p
from benchmark.analysis.signed_rank import effect_and_p, signed_ranks
from benchmark.metrics import higher_is_better, is_share

ALPHA = 0.05
# Gains that differ by no more than this are equal. For shares it is absolute: accuracies are counts
# over less than a million examples, known to 10⁻⁷ (`rounding.rounded`). For other metrics it is
# relative to the larger value of a pair.
_SAME_SHARE, _SAME_DIGITS = 5e-7, 1e-9


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The comparison of a variant with a reference variant.

    Args:
        setting: The setting of both variants.
        metric: The compared metric.
        variant: The compared variant.
        reference: The reference variant.
        pairs: Number of seeds that both have; only these count.
        wins: Pairs in which the variant is better; a diverged trial loses against one that is done.
        ties: Pairs in which both are equal, or both diverged.
        difference: Mean of variant − reference with its 95 % interval, over pairs in which both
            are done; None if there are none.
        effect: Matched-pairs rank-biserial correlation, 1 if the variant is better in every pair,
            −1 if it is worse in every pair (Kerby 2014, doi:10.2466/11.IT.3.1).
        p: Two-sided p of the paired t test, or of the signed-rank test if a trial of a pair
            diverged; 1 below two pairs.
        corrected_for: Number of comparisons that are corrected together, this one included.
        p_holm: Holm-corrected p.
    """

    setting: str
    metric: str
    variant: str
    reference: str
    pairs: int
    wins: int
    ties: int
    difference: Interval | None
    effect: float
    p: float
    corrected_for: int = 1
    p_holm: float = 1.0


def against(scores: pl.DataFrame, reference: str) -> list[Comparison]:
    """Compare every variant of `scores` with the reference of its setting.

    Args:
        scores: Result of `finals.scores` for one metric.
        reference: An optimizer, label or variant that was named before the results were known.
            Settings that lack it are left out.

    Raises:
        ValueError: no setting has the reference, or one has several variants of it.
    """
    found: list[Comparison] = []
    for (setting,), group in scores.group_by("setting", maintain_order=True):
        named = pl.any_horizontal(pl.col("optimizer", "label", "variant") == reference)
        variants = group.filter(named)["variant"].unique().to_list()
        if len(variants) > 1:
            raise ValueError(
                f"reference {reference!r} is {len(variants)} variants in {setting}: "
                "choose one, for example by best_variants"
            )
        if variants:
            table = _by_seed(group)
            others = [variant for variant in table if variant != variants[0]]
            found += _family(group, table, [(other, variants[0]) for other in others])
    if not found and not _names(scores, reference):
        known = ", ".join(scores["optimizer"].unique(maintain_order=True))
        raise ValueError(f"no trials of reference {reference!r}. Known: {known}")
    return found


def pairwise(scores: pl.DataFrame, references: Sequence[str] = ()) -> list[Comparison]:
    """Compare all variants of each setting with each other, each pair once.

    Args:
        scores: Result of `finals.scores` for one metric.
        references: Variants that are the reference in all of their pairs.
    """
    found: list[Comparison] = []
    for _, group in scores.group_by("setting", maintain_order=True):
        table = _by_seed(group)
        order = sorted(table, key=lambda variant: variant in references)
        found += _family(group, table, list(itertools.combinations(order, 2)))
    return found


def holm(p: Sequence[float] | Array) -> Array:
    """Return p values, shape (…, tests), corrected by Holm's step-down method along the last axis.

    Holm 1979, A simple sequentially rejective multiple test procedure.

    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable", axis=-1)
    remaining = values.shape[-1] - np.arange(values.shape[-1])
    stepped = np.take_along_axis(values, order, axis=-1) * remaining
    corrected = np.empty_like(values)
    limited = np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0)
    np.put_along_axis(corrected, order, limited, axis=-1)
    return corrected


def gains(metric: str, of_a: Mapping[int, float], of_b: Mapping[int, float]) -> Array:
    """Return by how much a is better than b in each common seed, in the order of seeds.

    Gains that differ by less than the rounding error are equal. Where one of both has the worst
    infinity the gain is infinite, and where both have it, it is 0.
    """
    seeds = sorted(of_a.keys() & of_b.keys())
    a, b = (np.array([of[seed] for seed in seeds]) for of in (of_a, of_b))
    is_apart = a != b  # two infinities, both diverged, are a tie
    difference = np.subtract(a, b, out=np.zeros(len(seeds)), where=is_apart)
    size = np.maximum(np.abs(a), np.abs(b))
    noise = np.full(len(seeds), _SAME_SHARE) if is_share(metric) else _SAME_DIGITS * size
    return _without_noise(difference if higher_is_better(metric) else -difference, noise)


def _names(scores: pl.DataFrame, reference: str) -> bool:
    return any(reference in scores[column] for column in ("optimizer", "label", "variant"))


def _by_seed(group: pl.DataFrame) -> dict[str, dict[int, float]]:
    """Return the values by variant and seed; a diverged trial has the worst infinity."""
    worst = -math.inf if higher_is_better(group["metric"][0]) else math.inf
    value = pl.when(status="diverged").then(worst).otherwise("value")
    measured = group.select("variant", "seed", value=value).drop_nulls()
    table: dict[str, dict[int, float]] = {
        v: {} for v in group["variant"].unique(maintain_order=True)
    }
    for variant, seed, number in measured.iter_rows():
        table[variant][seed] = number
    return table


def _family(
    group: pl.DataFrame, table: dict[str, dict[int, float]], pairs: list[tuple[str, str]]
) -> list[Comparison]:
    setting, metric = group["setting"][0], group["metric"][0]
    each = [gains(metric, table[a], table[b]) for a, b in pairs]
    found = [
        _compare(setting, metric, a, b, table[a], table[b], gain, ranks)
        for (a, b), gain, ranks in zip(pairs, each, _ranked(each), strict=True)
    ]
    corrected = holm([comparison.p for comparison in found])
    return [
        replace(one, corrected_for=len(found), p_holm=float(p))
        for one, p in zip(found, corrected, strict=True)
    ]


def _without_noise(gains: Array, noise: Array) -> Array:
    """Return `gains` with sizes that differ only by noise made equal, to the smallest of them.

    >>> _without_noise(np.array([0.1, -0.3, 0.3 + 1e-12, 1e-13]), np.full(4, 1e-9)).tolist()
    [0.1, -0.3, 0.3, 0.0]
    """
    is_finite = np.isfinite(gains)
    order = np.flatnonzero(is_finite)[np.argsort(np.abs(gains[is_finite]))]
    sizes = np.abs(gains[order])
    is_new = np.diff(sizes, prepend=0.0) > noise[order]
    steps = np.concatenate([[0.0], sizes[is_new]])
    cleaned = gains.copy()
    cleaned[order] = np.sign(gains[order]) * steps[np.cumsum(is_new)]
    return cleaned


def _compare(
    setting: str,
    metric: str,
    a: str,
    b: str,
    of_a: dict[int, float],
    of_b: dict[int, float],
    gains: Array,
    ranks: Array,
) -> Comparison:
    both = of_a.keys() & of_b.keys()
    done = [seed for seed in sorted(both) if math.isfinite(of_a[seed] - of_b[seed])]
    differences = [of_a[seed] - of_b[seed] for seed in done]
    effect, rank_p = effect_and_p(ranks)
    return Comparison(
        setting=setting,
        metric=metric,
        variant=a,
        reference=b,
        pairs=len(both),
        wins=int((gains > 0).sum()),
        ties=int((gains == 0).sum()),
        difference=mean_interval(differences) if differences else None,
        effect=effect,
        p=float(t_p(gains)) if len(done) == len(both) else rank_p,
    )


def _ranked(gains: Sequence[Array]) -> list[Array]:
    """Return the signed ranks of each array of gains.

    Arrays of equal length are ranked in one call, because calling scipy costs more than ranking.
    """
    found: list[Array] = [np.zeros(0)] * len(gains)
    for length in {len(each) for each in gains} - {0}:
        places = [i for i, each in enumerate(gains) if len(each) == length]
        block = signed_ranks(np.stack([gains[i] for i in places]))  # (pairs of variants, seeds)
        for i, row in zip(places, block, strict=True):
            found[i] = row
    return found
