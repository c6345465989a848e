"""Sensitivity to the learning rate, and the expected gain from searching hyperparameters.

All three functions choose something: the variant of each learning rate, the best learning rate, or
the best of k variants. Test metrics must not choose. They can be given as ``reported``: the choice
by validation is then shown with its test value.
"""

import math

import numpy as np
import polars as pl

from benchmark.analysis.finals import leaderboard
from benchmark.analysis.intervals import Array
from benchmark.metrics import higher_is_better

_WHO = ("setting", "optimizer", "metric")


def by_learning_rate(scores: pl.DataFrame, reported: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return each optimizer's result at each tried learning rate.

    If other hyperparameters were searched too, each learning rate has the best of their values.
    Optimizers without a learning rate are left out.

    Args:
        scores: Result of `finals.scores` for the metric that chooses.
        reported: Result of `finals.scores` for the metric to return; None returns that of `scores`.

    Returns:
        The columns of `finals.leaderboard` and ``tried``, the number of variants at that learning
        rate, sorted by learning rate within an optimizer.
    """
    board = leaderboard(scores.filter(pl.col("lr").is_not_null()))
    chosen = board.with_columns(tried=pl.len().over(*_WHO, "lr")).unique(
        [*_WHO, "lr"], keep="first", maintain_order=True
    )
    if reported is not None:
        tried = chosen.select("variant", "tried")
        of_chosen = reported.filter(pl.col("variant").is_in(tried["variant"].implode()))
        chosen = leaderboard(of_chosen).join(tried, on="variant", maintain_order="left")
    return chosen.sort(*_WHO, "lr", maintain_order=True)


def basins(
    responses: pl.DataFrame, reported: pl.DataFrame | None = None, *, within: float = 0.1
) -> pl.DataFrame:
    """Return the range of learning rates that are about as good as the best one.

    The basin is the longest contiguous range of tried learning rates around the best one whose
    means are within the share `within` of the best mean and that have no diverged seed. Nothing is
    interpolated, so its width, between tried learning rates, is a lower bound.

    Args:
        responses: Result of `by_learning_rate` for the metric that chooses.
        reported: Result of `by_learning_rate` for the metric of ``best``; None takes `responses`.
        within: Largest relative distance from the best mean; 0.1 is at most 10 % above the best
            loss, or below the best accuracy.

    Returns:
        One row per optimizer and setting: ``setting, optimizer, metric, best_lr``; ``best``, the
        mean at ``best_lr``; ``low_lr, high_lr``; ``decades``, log₁₀ of their ratio; ``inside``, the
        number of tried learning rates in the basin, and ``tried``, that of all; ``edge``,
        ``lowest`` or ``highest`` if the best learning rate is the last one on that side, so that a
        better one may lie beyond, ``only`` if just one was tried, otherwise null. Optimizers
        without a seed that is done have nulls except in ``tried``. If the best mean is not
        positive, a share of it is not defined: ``low_lr, high_lr, decades, inside`` are null.
    """
    rows = [_basin(group, within) for _, group in responses.group_by(*_WHO, maintain_order=True)]
    found = pl.DataFrame(rows, schema=_BASINS)
    if reported is None:
        return found
    means = reported.select("setting", "optimizer", "metric", best_lr="lr", best="mean")
    return (
        found.drop("metric", "best")
        .join(means, on=["setting", "optimizer", "best_lr"], how="left", maintain_order="left")
        .select(_BASINS.names())
    )


def expected_best(scores: pl.DataFrame, reported: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return the expected best of k randomly chosen variants, for k from 1 to all that were tried.

    A variant counts with its mean over seeds, or as worst if a seed diverged. ``expected`` is the
    unbiased estimator: the mean over all choices of k from the n tried, without replacement (Tang
    et al. 2020, Showing Your Work Doesn't Always Work). The plug-in estimator with replacement of
    Dodge et al. 2019 is too optimistic.

    Args:
        scores: Result of `finals.scores` for the metric that chooses, a validation metric.
        reported: Result of `finals.scores` for the metric to return, such as a test metric; None
            returns that of `scores`.

    Returns:
        Columns ``setting, optimizer, metric, k, tried, expected, q25, median, q75``; quantiles are
        over the choices, from better to worse. Values are null if all k variants may diverge.
    """
    higher = not scores.is_empty() and higher_is_better(scores["metric"][0])
    means = _means(scores, "merit").with_columns(pl.col("merit") * (-1.0 if higher else 1.0))
    shown = _means(scores if reported is None else reported, "value")
    both = shown.join(means.select("variant", "merit"), on="variant", maintain_order="left")
    known = both.drop_nulls(["merit", "value"])
    rows = [
        dict(zip(_WHO, who, strict=True)) | row
        for who, group in known.group_by(*_WHO, maintain_order=True)
        for row in best_after(group.sort("merit", maintain_order=True)["value"].to_numpy())
    ]
    return pl.DataFrame(rows, schema=_EXPECTED)


def _means(scores: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return ``setting, optimizer, metric, variant`` and the mean, NaN if a seed diverged."""
    shaky = pl.when((pl.col("status") == "diverged").any()).then(math.nan)
    mean = shaky.otherwise(pl.col("value").mean()).alias(name)
    return scores.group_by(*_WHO, "variant", maintain_order=True).agg(mean)


def choice_weights(tried: int, k: int) -> Array:
    """Return the chances that the i-th best of `tried` is the best of `k` chosen, i = 1 … tried.

    The chance is C(tried − i, k − 1) / C(tried, k).

    >>> choice_weights(3, 2).round(4).tolist()
    [0.6667, 0.3333, 0.0]
    """
    total = math.comb(tried, k)
    return np.array([math.comb(tried - i, k - 1) / total for i in range(1, tried + 1)])


def best_after(values: Array) -> list[dict[str, float | int | None]]:
    """Return the columns of `expected_best` from ``k`` on, a row for each k.

    Args:
        values: Values of all variants that were tried, from best to worst; not finite where a
            variant diverged.
    """
    rows = []
    for k in range(1, len(values) + 1):
        weights = choice_weights(len(values), k)
        possible = weights > 0
        below = np.cumsum(weights)
        quantiles = {
            name: values[np.searchsorted(below, share - 1e-12)]
            for name, share in (("q25", 0.25), ("median", 0.5), ("q75", 0.75))
        }
        numbers = {"expected": (weights[possible] * values[possible]).sum()} | quantiles
        finite = {name: float(v) if np.isfinite(v) else None for name, v in numbers.items()}
        rows.append({"k": k, "tried": len(values)} | finite)
    return rows


def _basin(group: pl.DataFrame, within: float) -> dict[str, object]:
    row: dict[str, object] = {name: group[name][0] for name in _WHO} | {"tried": group.height}
    usable = group.with_row_index("place").filter(pl.col("mean").is_not_null())
    steady = usable.filter(diverged=0)
    candidates = steady if steady.height else usable
    if candidates.is_empty():
        return row
    higher = higher_is_better(group["metric"][0])
    best = candidates.sort("mean", descending=higher)
    place, mean = best["place"][0], best["mean"][0]
    found = {"best_lr": group["lr"][place], "best": mean, "edge": _edge(place, group.height)}
    if mean <= 0:
        return row | found
    slack = within * mean
    good = pl.col("mean") >= mean - slack if higher else pl.col("mean") <= mean + slack
    inside = set(steady.filter(good)["place"]) | {place}
    low = high = place
    while low - 1 in inside:
        low -= 1
    while high + 1 in inside:
        high += 1
    lrs = group["lr"]
    return (
        row
        | found
        | {
            "low_lr": lrs[low],
            "high_lr": lrs[high],
            "decades": math.log10(lrs[high] / lrs[low]) if lrs[low] > 0 else None,
            "inside": high - low + 1,
        }
    )


def _edge(place: int, tried: int) -> str | None:
    if tried == 1:
        return "only"
    return {0: "lowest", tried - 1: "highest"}.get(place)


_BASINS = pl.Schema(
    {
        **dict.fromkeys(_WHO, pl.String),
        **dict.fromkeys(("best_lr", "best", "low_lr", "high_lr", "decades"), pl.Float64),
        "inside": pl.Int64,
        "tried": pl.Int64,
        "edge": pl.String,
    }
)
_EXPECTED = pl.Schema(
    {
        **dict.fromkeys(_WHO, pl.String),
        "k": pl.Int64,
        "tried": pl.Int64,
        **dict.fromkeys(("expected", "q25", "median", "q75"), pl.Float64),
    }
)
