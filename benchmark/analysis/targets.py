"""Times to a target, in steps, epochs, samples or seconds.

The time is that of the first evaluation that reaches the target, without interpolation. A trial
that ends its budget without reaching it is censored there: it needs longer, but how much longer is
unknown. A trial that diverged never reaches it, so it counts as unreached until the last
observation of any trial.

The 95 % interval of a median time is by order statistics (`intervals.median_bounds`) if the order
of all seeds is known: each seed that missed the target diverged, or was observed until the last of
the others had reached it. That interval is exact for any distribution. Otherwise, as over seconds,
it is the set of times at which a test on the Kaplan-Meier curve would not reject one half, with
Greenwood's variance on the log-log scale (Brookmeyer & Crowley 1982, doi:10.2307/2530286; Klein &
Moeschberger, Survival Analysis, 2003, 4.5). This variance is undefined once all have reached it.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import polars as pl

from benchmark.analysis.curves import WHO, lines, on_axis
from benchmark.analysis.frame import Frames
from benchmark.analysis.intervals import LEVEL, Array, median_bounds
from benchmark.axes import AxisName
from benchmark.metrics import LOSS, higher_is_better
from benchmark.problems import PROBLEMS
from benchmark.store import FINISHED

_INTERVAL_FROM = 6  # seeds; fewer allow no distribution-free 95 % interval of a median


def time_to_target(frames: Frames, metric: str, target: float, axis: AxisName) -> pl.DataFrame:
    """Return when each trial that is done or diverged first reached `target`.

    A trial that reached it and diverged later has reached it. Over seconds, trials that trained as
    one network are left out.

    Returns:
        Columns ``problem, setting, optimizer, label, variant, trial, seed, status``; ``time``, null
        if not reached; ``until``, the last observation, null if there is none.
    """
    reaches = pl.col("y") >= target if higher_is_better(metric) else pl.col("y") <= target
    observed = lines(frames, metric, axis)
    first = observed.group_by("trial").agg(
        time=pl.col("x").filter(reaches).first(), until=pl.col("x").last()
    )
    who = on_axis(frames.trials, axis).filter(pl.col("status").is_in(FINISHED))
    joined = who.join(first, on="trial", how="left", maintain_order="left")
    # A trial that is done but never measured is left out: it is unknown if it reached the target.
    known = joined.filter((pl.col("status") == "diverged") | pl.col("until").is_not_null())
    return known.select("problem", *WHO, "trial", "seed", "status", "time", "until")


def target_table(times: pl.DataFrame) -> pl.DataFrame:
    """Return one row per variant: how many seeds reach the target, and the median time.

    Returns:
        Columns ``problem, setting, optimizer, label, variant``; ``seeds``, ``reached``,
        ``diverged``, numbers of seeds; ``time``, the Kaplan-Meier median, which is the first moment
        by which half have reached the target; ``low, high``, its 95 % interval, null if unbounded
        or with fewer than 6 seeds. ``time`` is null if fewer than half of the seeds reached the
        target: over seconds, seeds that missed it are censored one after the other, and the last
        one observed would decide alone.
    """
    rows = [_target_row(group) for _, group in times.group_by("problem", *WHO, maintain_order=True)]
    return pl.DataFrame(rows, schema=_TABLE)


def reaching(times: pl.DataFrame) -> pl.DataFrame:
    """Return the Kaplan-Meier estimate of the share of seeds that have reached the target.

    Returns:
        Columns ``setting, optimizer, label, variant, x, share, low, high``: a staircase that begins
        at share 0 and rises at each ``x``; ``low, high`` is Greenwood's 95 % interval on the
        log-log scale, null if undefined. Variants that never reach the target have one row.
    """
    who, stairs = [], []
    for names, group in times.group_by(*WHO, maintain_order=True):
        found = _kaplan_meier(*_times_and_ends(group))
        who += [names] * len(found[0])
        stairs.append(np.stack(found))  # (4, moments): x, share, low, high
    if not stairs:
        return pl.DataFrame(schema=_STAIRS)
    numbers = dict(zip(("x", "share", "low", "high"), np.concatenate(stairs, axis=1), strict=True))
    frame = pl.DataFrame(who, schema=dict.fromkeys(WHO, pl.String), orient="row")
    return frame.with_columns(**numbers).with_columns(pl.col("low", "high").fill_nan(None))


@dataclass(frozen=True, kw_only=True)
class Target:
    """A value that optimizers race to.

    Args:
        value: Value of the metric.
        source: ``given`` by the user, from the ``table`` of problems, or from the ``race`` itself.
        epochs: Number of epochs of the budget that a value from the table is about; otherwise 0.
    """

    value: float
    source: Literal["given", "table", "race"]
    epochs: int = 0


def target_of(
    problem: str, metric: str, scores: pl.DataFrame, given: Mapping[str, float]
) -> Target | None:
    """Return the target of one setting; None if there is none.

    Args:
        problem: The setting's problem, whose row in the table may have a validation loss.
        metric: Name, such as ``val/loss``.
        scores: As for `suggested_target`, which decides where nothing else does.
        given: Targets that come before all others, by metric or by ``problem:metric``.
    """
    for key in (f"{problem}:{metric}", metric):
        if key in given:
            return Target(value=given[key], source="given")
    row = PROBLEMS.get(problem)
    if metric == LOSS.on("val") and row is not None and row.target is not None:
        return Target(value=row.target, source="table", epochs=row.workload.epochs)
    value = suggested_target(scores)
    return None if value is None else Target(value=value, source="race")


def suggested_target(scores: pl.DataFrame) -> float | None:
    """Return a target that the median of at least half of the optimizers' variants reaches.

    It is the middle optimizer's median over seeds, with divergence as worst, rounded to three
    digits in the easier direction. It is None if less than half have a finite median.

    Args:
        scores: Result of `finals.scores` (kind ``final``) for best variants of one setting.
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
    return sign * rounded_up(middle)


def rounded_up(value: float) -> float:
    """Return `value` with three digits, rounded up.

    >>> rounded_up(0.12341), rounded_up(0.25)
    (0.124, 0.25)
    """
    if value == 0.0:
        return value
    digits = 2 - math.floor(math.log10(abs(value)))
    # The inner rounding prevents that 0.25·10⁴ becomes 2500.0000000000005 and then 2501. If it
    # rounds below the value, as for 0.1 + 0.3 + 0.01, the value itself is the easier target.
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
    """Return the ends of the 95 % interval of the median time; None for an unbounded end."""
    if len(times) + len(ends) < _INTERVAL_FROM:
        return None, None
    if not times or min(ends, default=math.inf) >= max(times):
        in_order = np.array([[*times, *[math.inf] * len(ends)]])
        (low,), (high,) = median_bounds(in_order)
        return _finite(low), _finite(high)
    xs, share, low_share, high_share = _kaplan_meier(times, ends)
    # Once all have reached the target, the share is at least one half with certainty.
    upper = np.where(share >= 1, 1.0, high_share)
    return _first_half(xs, upper), _first_half(xs, low_share)  # the upper bound rises first


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _first_half(xs: Array, share: Array) -> float | None:
    places = np.flatnonzero(share >= 0.5 - 1e-9)
    return float(xs[places[0]]) if len(places) else None


def _times_and_ends(group: pl.DataFrame) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the times at the target, and the censoring times of seeds that missed it."""
    times = group["time"].to_numpy()
    is_missed = np.isnan(times)
    until = group["until"].to_numpy()[is_missed]
    diverged = (group["status"] == "diverged").to_numpy()[is_missed]
    ends = np.where(diverged, np.inf, until)
    return tuple(times[~is_missed].tolist()), tuple(ends.tolist())


@lru_cache(maxsize=4096)  # a table and its staircases need the same estimates
def _kaplan_meier(
    times: tuple[float, ...], ends: tuple[float, ...]
) -> tuple[Array, Array, Array, Array]:
    """Return the moments at which a seed reached the target, with the share by then and its bounds.

    Args:
        times: Times at which seeds reached the target.
        ends: Censoring times of seeds that missed it; infinite for those that diverged.
    """
    from scipy.stats import CensoredData, ecdf

    if not times:
        return np.zeros(1), np.zeros(1), np.full(1, np.nan), np.full(1, np.nan)
    # A diverged seed never reaches the target: it is censored at the last observation of any.
    watched = max([*times, *(end for end in ends if end < math.inf), 0.0])
    censored = [min(end, watched) for end in ends]
    distribution = ecdf(CensoredData(times, right=censored)).cdf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the bounds at share 1 are NaN
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
