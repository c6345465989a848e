"""Final scores: one number per trial, one row per variant, and each optimizer's best variant.

A trial that is not done has no number: the last finite loss of a diverged trial is not its result.
Where leaving it out could flatter a variant, as in choosing the best or in ranks, divergence counts
as worst.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal

import numpy as np
import polars as pl

from benchmark.analysis.curves import WHO, lines
from benchmark.analysis.frame import Frames
from benchmark.analysis.intervals import mean_bounds, mean_method, median_bounds
from benchmark.analysis.rounding import TIE_DECIMALS
from benchmark.analysis.shares import shares_of
from benchmark.axes import STEP, AxisName
from benchmark.metrics import CHOOSING, has_direction, higher_is_better, is_share, metric_of
from benchmark.store import FINISHED

Kind = Literal["final", "best", "area"]


def scores(
    frames: Frames, metric: str, *, kind: Kind = "final", axis: AxisName = STEP, by: str = ""
) -> pl.DataFrame:
    """Return one number per trial that is done or diverged.

    Args:
        frames: Trials and their curves.
        metric: Name, such as ``test/accuracy``.
        kind: ``final`` is the last value; ``best`` is the best value of the curve; ``area`` is the
            area under the curve divided by its width (its mean height), by the trapezoid rule
            between observed points.
        axis: The axis of ``area``; the other kinds do not depend on it.
        by: The metric whose best moment gives the value of ``best``, so that a test metric is taken
            where validation was best among the moments at which both were measured. Empty means
            `metric` itself, which flatters test metrics. Without a better direction no moment is
            best, and no trial has a value.

    Returns:
        Columns ``study, problem, setting, optimizer, label, variant, lr, trial, seed, status,
        metric, value``; ``value`` is null unless the trial is done and has the metric.
    """
    of_trial = {"final": _final, "best": _best, "area": _area}[kind](frames, metric, axis, by)
    who = frames.trials.filter(pl.col("status").is_in(FINISHED))
    joined = who.join(of_trial, on="trial", how="left", maintain_order="left")
    value = pl.when(status="done").then(pl.col("value")).cast(pl.Float64)
    columns = ("study", "problem", *WHO, "lr", "trial", "seed", "status")
    return joined.select(*columns, metric=pl.lit(metric), value=value)


def leaderboard(scores: pl.DataFrame) -> pl.DataFrame:
    """Return one row per variant of `scores`, best mean first within a setting.

    Of a metric without a better direction, they stay in the order of `scores`.

    Returns:
        Columns ``setting, optimizer, label, variant, lr, metric``; ``seeds``, the number done and
        measured; ``diverged``, the number that diverged; ``mean, low, high, method``; ``median,
        median_low, median_high``; ``std`` over seeds (n − 1), ``minimum, maximum``. Statistics are
        over the seeds that are done, null if there are too few. Variants with a diverged seed come
        after the others, and variants without a value come last.
    """
    if scores.is_empty():
        return pl.DataFrame(schema=_LEADERBOARD)
    variants = scores.group_by(*WHO, "lr", "metric", maintain_order=True).agg(
        pl.col("value").drop_nulls(),
        problem=pl.col("problem").first(),
        seeds=pl.col("value").count().cast(pl.Int64),
        diverged=(pl.col("status") == "diverged").sum().cast(pl.Int64),
        std=pl.col("value").std(),
        minimum=pl.col("value").min(),
        maximum=pl.col("value").max(),
    )
    parts = [_with_intervals(group) for _, group in variants.group_by("seeds", "problem")]
    first = variants.with_row_index("order").select("order", "variant")
    frame = pl.concat(parts).join(first, on="variant").sort("order").select(_LEADERBOARD.names())
    metric = frame["metric"][0]
    order = [pl.col("setting"), pl.col("mean").is_null(), pl.col("diverged") > 0]
    if has_direction(metric):
        order.append(pl.col("mean") * (-1 if higher_is_better(metric) else 1))
    return frame.sort(*order, nulls_last=True, maintain_order=True)


def best_variants(frames: Frames, *, by: Sequence[str] = CHOOSING) -> list[str]:
    """Return the variant with the best mean final `by` of each optimizer in each setting.

    The first metric of `by` decides; ties are broken by the next, then by order. A variant without
    diverged seeds comes before all others, which rank by the share of seeds that diverged. An
    optimizer without a trial that is done keeps one variant, so that it stays on the page. Report
    test metrics of the chosen variants: the metric that chose them is optimistic.
    """
    ranked = _ranked_variants(frames, by)
    return ranked.unique(["setting", "optimizer"], keep="first", maintain_order=True)[
        "variant"
    ].to_list()


def winners(frames: Frames, *, by: Sequence[str] = CHOOSING) -> dict[str, list[str]]:
    """Return the best variants of each setting, which the terminal and the page mark with a star.

    Several variants are best if their means of all metrics in `by` are equal; they are in the order
    of the frames. A setting is left out if each of its variants has a diverged seed or none that is
    done. The terminal, which starts without polars, has the same rule in `summary.summarize`.
    """
    ranked = _ranked_variants(frames, by).filter((pl.col("diverged") == 0) & pl.col("is_measured"))
    merits = [name for name in ranked.columns if name.startswith(_MERIT)]
    found: dict[str, list[str]] = {}
    for (setting,), group in ranked.group_by("setting", maintain_order=True):
        rows = group.select("variant", *merits).rows()
        found[str(setting)] = [variant for variant, *merit in rows if merit == list(rows[0][1:])]
    return found


def passed_over(frames: Frames, *, by: Sequence[str] = CHOOSING) -> pl.DataFrame:
    """Return the variants with a better mean than their setting's winner, but diverged seeds.

    Returns:
        Columns ``setting, variant, label, mean, seeds, diverged``: ``mean`` is that of the first
        metric in `by` over the ``seeds`` that are done. The best come first within a setting.
    """
    ranked = _ranked_variants(frames, by)
    best = [variants[0] for variants in winners(frames, by=by).values()]
    merits = [name for name in ranked.columns if name.startswith(_MERIT)]
    if not merits:
        return ranked.head(0)
    bar = ranked.filter(pl.col("variant").is_in(best)).select("setting", bar=merits[0])
    seeds = frames.trials.group_by("setting", "variant", "label").agg(
        mean=pl.col(merits[0].removeprefix(_MERIT)).mean(),
        seeds=(pl.col("status") == "done").sum(),
        failed=(pl.col("status") == "diverged").sum(),
    )
    return (
        ranked.join(bar, on="setting")
        .filter((pl.col("diverged") > 0) & (pl.col(merits[0]) < pl.col("bar")))
        .join(seeds, on=["setting", "variant"])
        .sort("setting", merits[0])
        .select("setting", "variant", "label", "mean", "seeds", diverged="failed")
    )


def only(frames: Frames, variants: list[str]) -> Frames:
    """Return the part of `frames` that belongs to `variants`."""
    trials = frames.trials.filter(pl.col("variant").is_in(variants))
    curves = frames.curves.join(trials.select("trial"), on="trial", how="semi")
    return replace(frames, trials=trials, curves=curves)


def _ranked_variants(frames: Frames, by: Sequence[str]) -> pl.DataFrame:
    """Return ``setting, optimizer, variant, diverged, is_measured`` and merits, best first."""
    measured = [name for name in by if name in frames.trials.columns]
    merits = {f"{_MERIT}{name}": _merit(name) for name in measured}
    return (
        frames.trials.filter(pl.col("status").is_in(FINISHED))
        .group_by("setting", "optimizer", "variant", maintain_order=True)
        .agg(
            diverged=(pl.col("status") == "diverged").mean(),
            is_measured=pl.any_horizontal(
                pl.lit(False), *(pl.col(name).is_not_null().any() for name in measured)
            ),
            **merits,
        )
        .sort("diverged", *merits, nulls_last=True, maintain_order=True)
    )


_MERIT = "merit "  # prefix of the names of columns that order variants


def _merit(name: str) -> pl.Expr:
    """Return the sort key of variants by their mean `name`; lower is better."""
    mean = pl.col(name).drop_nulls().map_batches(_mean, returns_scalar=True)
    mean = mean.round(TIE_DECIMALS) if is_share(name) else mean
    return mean * (-1 if higher_is_better(name) else 1)


def _mean(values: pl.Series) -> pl.Series:
    """Return the mean as the terminal computes it, independent of the order of seeds."""
    return pl.Series([fmean(values) if len(values) else None], dtype=pl.Float64)


def _final(frames: Frames, metric: str, axis: AxisName, by: str) -> pl.DataFrame:
    known = metric in frames.trials.columns
    return frames.trials.select("trial", value=pl.col(metric) if known else pl.lit(None))


def _best(frames: Frames, metric: str, axis: AxisName, by: str) -> pl.DataFrame:
    decides = by or metric
    observed = lines(frames, metric, STEP)
    if not has_direction(decides):
        return observed.head(0).select("trial", value="y")
    if decides != metric:
        other = lines(frames, decides, STEP).select("trial", "x", decides="y")
        observed = observed.join(other, on=["trial", "x"], maintain_order="left")
    else:
        observed = observed.with_columns(decides="y")
    first_best = (
        pl.col("decides").arg_max() if higher_is_better(decides) else pl.col("decides").arg_min()
    )
    return observed.group_by("trial").agg(value=pl.col("y").get(first_best))


def _area(frames: Frames, metric: str, axis: AxisName, by: str) -> pl.DataFrame:
    observed = lines(frames, metric, axis)
    width = pl.col("x").diff()
    height = (pl.col("y") + pl.col("y").shift(1)) / 2
    span = pl.col("x").last() - pl.col("x").first()
    area = (width * height).sum() / span
    return observed.group_by("trial").agg(value=pl.when(span > 0).then(area))


def _with_intervals(variants: pl.DataFrame) -> pl.DataFrame:
    """Add intervals to rows of `leaderboard` that have the same ``seeds`` and ``problem``."""
    seeds = variants["seeds"][0]
    if seeds == 0:
        return variants.with_columns(pl.lit(None).alias(name) for name in _INTERVALS).select(
            pl.col(name).cast(kind) for name, kind in _LEADERBOARD.items()
        )
    values = variants["value"].list.explode().to_numpy().reshape(-1, seeds)  # (variants, seeds)
    dataset = variants["problem"][0].rpartition("/")[2]
    metric = variants["metric"][0]
    shares = shares_of(metric, dataset, values)
    low, high = mean_bounds(values, shares, metric_of(metric).least)
    median_low, median_high = median_bounds(values)
    numbers = pl.DataFrame(
        {
            "mean": values.mean(axis=1),
            "low": low,
            "high": high,
            "median": np.median(values, axis=1),
            "median_low": median_low,
            "median_high": median_high,
        }
    )
    return pl.concat([variants, numbers.fill_nan(None)], how="horizontal").select(
        pl.col(name).cast(kind)
        if name != "method"
        else pl.lit(mean_method(seeds, shares)).alias(name)
        for name, kind in _LEADERBOARD.items()
    )


_INTERVALS = ("mean", "low", "high", "median", "median_low", "median_high", "method")
_NUMBERS = (
    "mean",
    "low",
    "high",
    "median",
    "median_low",
    "median_high",
    "std",
    "minimum",
    "maximum",
)
_LEADERBOARD = pl.Schema(
    {
        **dict.fromkeys(WHO, pl.String),
        "lr": pl.Float64,
        "metric": pl.String,
        "seeds": pl.Int64,
        "diverged": pl.Int64,
        **dict.fromkeys(_NUMBERS, pl.Float64),
        "method": pl.String,
    }
)
