"""When a target is reached, in steps, epochs, samples or seconds, and what if it never is.

The moment is the first evaluation that reaches the target, not an interpolated one. A trial that
ends its budget without reaching it is censored there: it is known to need longer, not how long. A
trial that diverged will never reach it, so it counts as unreached for as long as anyone is watched.

The 95 % interval of a median time is by order statistics (`intervals.median_bounds`) where the
order of all seeds is known: where each that missed the target was watched until the last of the
others had reached it, or never will reach it. That is exact for any distribution. Else, as over
seconds, it is the set of times at which a test on the Kaplan-Meier curve would not refuse one half,
with Greenwood's variance on the log-log scale (Brookmeyer & Crowley 1982, doi:10.2307/2530286;
Klein & Moeschberger, Survival Analysis, 2003, 4.5). It is not defined where all have reached it.
"""

import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from benchmark.analysis.curves import WHO, lines
from benchmark.analysis.frame import Frames
from benchmark.analysis.intervals import LEVEL, Array, median_bounds
from benchmark.metrics import AxisName, higher_is_better

_INTERVAL_FROM = 6  # seeds; with fewer no distribution-free interval of a median reaches 95 %


def time_to_target(frames: Frames, metric: str, target: float, axis: AxisName) -> pl.DataFrame:
    """Return when each trial that is done or diverged first reached `target`.

    A trial that reached it and diverged later has reached it.

    Returns:
        Columns ``problem, setting, optimizer, label, variant, trial, seed, status``; ``time``, null
        if not reached; ``until``, where it was last observed, null if never.
    """
    reaches = pl.col("y") >= target if higher_is_better(metric) else pl.col("y") <= target
    observed = lines(frames, metric, axis)
    first = observed.group_by("trial").agg(
        time=pl.col("x").filter(reaches).first(), until=pl.col("x").last()
    )
    who = frames.trials.filter(pl.col("status").is_in(["done", "diverged"]))
    joined = who.join(first, on="trial", how="left", maintain_order="left")
    # Done but never measured: nothing is known, neither that it reached the target nor otherwise.
    known = joined.filter((pl.col("status") == "diverged") | pl.col("until").is_not_null())
    return known.select("problem", *WHO, "trial", "seed", "status", "time", "until")


def target_table(times: pl.DataFrame) -> pl.DataFrame:
    """Return one row per variant: how many seeds reach the target, and the median time.

    Returns:
        Columns ``problem, setting, optimizer, label, variant``; ``seeds``, ``reached``,
        ``diverged``; ``time``, the Kaplan-Meier median, the first moment by which half have
        reached it, null if fewer than half ever did, for over seconds those that missed it leave
        one after the other, and the last that is watched would speak for all; ``low, high``, its
        95 % interval, null where unbounded or with fewer than 6 seeds.
    """
    rows = [_target_row(group) for _, group in times.group_by("problem", *WHO, maintain_order=True)]
    return pl.DataFrame(rows, schema=_TABLE)


def reaching(times: pl.DataFrame) -> pl.DataFrame:
    """Return the share of seeds that has reached the target, over time, by Kaplan & Meier.

    Returns:
        Columns ``setting, optimizer, label, variant, x, share, low, high``: a staircase that rises
        at each ``x`` and begins at share 0; ``low, high`` is Greenwood's 95 % interval on the
        log-log scale, null where it is not defined. Variants that never reach it have one row.
    """
    who, stairs = [], []
    for names, group in times.group_by(*WHO, maintain_order=True):
        found = _kaplan_meier(*_times_and_ends(group))
        who += [names] * len(found[0])
        stairs.append(np.stack(found))  # (x share low high, moments)
    if not stairs:
        return pl.DataFrame(schema=_STAIRS)
    numbers = dict(zip(("x", "share", "low", "high"), np.concatenate(stairs, axis=1), strict=True))
    frame = pl.DataFrame(who, schema=dict.fromkeys(WHO, pl.String), orient="row")
    return frame.with_columns(**numbers).with_columns(pl.col("low", "high").fill_nan(None))


def suggested_target(scores: pl.DataFrame) -> float | None:
    """Return a target that at least half of the optimizers' best variants reach by the median.

    The middle optimizer's median over seeds, with divergence as worst, rounded to three digits on
    the easy side. None if less than half have a finite median.

    Args:
        scores: From `finals.scores` (kind ``final``), of one setting.
    """
    if scores.is_empty():
        return None
    sign = -1.0 if higher_is_better(scores["metric"][0]) else 1.0
    cost = pl.when(status="diverged").then(math.inf).otherwise(sign * pl.col("value"))
    medians = (
        scores.group_by("optimizer", "variant")
        .agg(cost.drop_nulls().median().alias("cost"))
        .group_by("optimizer")
        .agg(pl.col("cost").min())["cost"]
        .drop_nulls()
        .sort()
    )
    if not len(medians) or not math.isfinite(middle := medians[(len(medians) - 1) // 2]):
        return None
    return sign * _round_up(middle)


def _round_up(value: float) -> float:
    if value == 0.0:
        return value
    digits = 2 - math.floor(math.log10(abs(value)))
    # The inner rounding keeps 0.25·10⁴ from becoming 2500.0000000000005 and then 2501; where it
    # takes away what is there, as of 0.1 + 0.3 + 0.01, the value itself is the easier one.
    return max(value, round(math.ceil(round(value * 10.0**digits, 6)) / 10.0**digits, digits))


def _target_row(group: pl.DataFrame) -> dict[str, Any]:
    times, ends = _times_and_ends(group)
    xs, share, _, _ = _kaplan_meier(times, ends)
    low, high = _median_bounds(times, ends)
    have_half = 2 * len(times) >= group.height
    return {
        **{name: group[name][0] for name in ("problem", *WHO)},
        "seeds": group.height,
        "reached": group["time"].count(),
        "diverged": (group["status"] == "diverged").sum(),
        "time": _first_half(xs, share) if have_half else None,
        "low": low,
        "high": high if have_half else None,
    }


def _median_bounds(
    times: tuple[float, ...], ends: tuple[float, ...]
) -> tuple[float | None, float | None]:
    """Return the ends of the 95 % interval of the median time, None where it is unbounded."""
    if len(times) + len(ends) < _INTERVAL_FROM:
        return None, None
    if not times or min(ends, default=math.inf) >= max(times):
        in_order = np.array([[*times, *[math.inf] * len(ends)]])
        (low,), (high,) = median_bounds(in_order)
        return _finite(low), _finite(high)
    xs, share, low_share, high_share = _kaplan_meier(times, ends)
    # By the moment at which all have reached it the share is one half at least, for sure.
    upper = np.where(share >= 1, 1.0, high_share)
    return _first_half(xs, upper), _first_half(xs, low_share)  # the upper band is there first


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _first_half(xs: Array, share: Array) -> float | None:
    places = np.flatnonzero(share >= 0.5 - 1e-9)
    return float(xs[places[0]]) if len(places) else None


def _times_and_ends(group: pl.DataFrame) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return when the target was reached, and until when those that missed it are unreached."""
    times = group["time"].to_numpy()
    is_missed = np.isnan(times)
    until = group["until"].to_numpy()[is_missed]
    diverged = (group["status"] == "diverged").to_numpy()[is_missed]
    ends = np.where(diverged, np.inf, until)
    return tuple(times[~is_missed].tolist()), tuple(ends.tolist())


@lru_cache(maxsize=4096)  # a table and its staircases ask for the same
def _kaplan_meier(
    times: tuple[float, ...], ends: tuple[float, ...]
) -> tuple[Array, Array, Array, Array]:
    """Return the moments at which a seed reached the target, the share by then, and its bounds.

    Args:
        times: When the target was reached.
        ends: Until when those that missed it are unreached; infinite for those that diverged.
    """
    from scipy.stats import CensoredData, ecdf

    if not times:
        return np.zeros(1), np.zeros(1), np.full(1, np.nan), np.full(1, np.nan)
    # Who diverged never reaches it: unreached for as long as anyone is watched.
    watched = max([*times, *(end for end in ends if end < math.inf), 0.0])
    censored = [min(end, watched) for end in ends]
    distribution = ecdf(CensoredData(times, right=censored)).cdf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the bounds at share 1 are NaN, as is said
        bounds = distribution.confidence_interval(LEVEL, method="log-log")
    rises = np.isin(distribution.quantiles, times)
    keep = (distribution.quantiles[rises], distribution.probabilities[rises])
    return *keep, bounds.low.probabilities[rises], bounds.high.probabilities[rises]


_TABLE = pl.Schema(
    {
        "problem": pl.String,
        **dict.fromkeys(WHO, pl.String),
        **dict.fromkeys(("seeds", "reached", "diverged"), pl.Int64),
        **dict.fromkeys(("time", "low", "high"), pl.Float64),
    }
)
_STAIRS = pl.Schema(
    {
        **dict.fromkeys(WHO, pl.String),
        **dict.fromkeys(("x", "share", "low", "high"), pl.Float64),
    }
)
