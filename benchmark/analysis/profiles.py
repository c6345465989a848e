"""Performance profiles over several settings, and AlgoPerf's score of them.

A profile (Dolan & Moré 2002, doi:10.1007/s101070100263) is the share of settings in which an
optimizer needs at most τ times the time of the fastest one. AlgoPerf's score is the area under it.

Times are tables with columns ``optimizer, setting, time``, one row per pair, such as `target_times`
returns for best variants. A null, infinite or missing time means that the target was not reached.
Shares are of all settings, including those in which no optimizer reached the target.
"""

import numpy as np
import polars as pl

from benchmark.analysis.finals import only, scores
from benchmark.analysis.frame import Frames
from benchmark.analysis.intervals import Array
from benchmark.analysis.targets import target_of, target_table, time_to_target
from benchmark.axes import STEP, AxisName

TAU_MAX = 4.0
FEWEST_SETTINGS = 5  # with fewer, one setting more or less reverses a profile
FEWEST_SEEDS = 5
_TAUS = 100  # AlgoPerf's grid from 1 to TAU_MAX, ends included


def target_times(frames: Frames, metric: str, axis: AxisName = STEP) -> pl.DataFrame:
    """Return `targets.target_table` of all settings, each with its own target.

    Args:
        frames: Trials of one variant per optimizer and setting. Settings without a target are left
            out.
        metric: Name, such as ``val/loss``.
        axis: Axis of the times.
    """
    numbers = scores(frames, metric)
    found = [target_table(time_to_target(only(frames, []), metric, 0.0, axis))]  # its schema
    for (setting,), group in numbers.group_by("setting", maintain_order=True):
        target = target_of(group["problem"][0], metric, group, {})
        if target is not None:
            trials = frames.trials.filter(setting=setting)
            here = only(frames, trials["variant"].unique().to_list())
            found.append(target_table(time_to_target(here, metric, target.value, axis)))
    return pl.concat(found)


def comparable(times: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `target_times` from which profiles may be drawn.

    They are of settings that all optimizers ran, each with `FEWEST_SEEDS` seeds or more; there are
    none with less than `FEWEST_SETTINGS` such settings.
    """
    every = times["optimizer"].n_unique()
    fair = (pl.col("optimizer").n_unique() == every) & (pl.col("seeds").min() >= FEWEST_SEEDS)
    kept = times.filter(fair.over("setting"))
    return kept if kept["setting"].n_unique() >= FEWEST_SETTINGS else kept.clear()


def ratios(times: pl.DataFrame) -> pl.DataFrame:
    """Return each time divided by the smallest time of its setting.

    Returns:
        Columns ``optimizer, setting, ratio`` for every optimizer and setting: ≥ 1, infinite where
        the target was not reached.

    Raises:
        ValueError: an optimizer has two times in one setting.
    """
    _check(times)
    every = times.select(pl.col("optimizer").unique(maintain_order=True)).join(
        times.select(pl.col("setting").unique(maintain_order=True)), how="cross"
    )
    known = times.select("optimizer", "setting", pl.col("time").fill_null(np.inf))
    filled = every.join(known, on=["optimizer", "setting"], how="left", maintain_order="left")
    time = pl.col("time").fill_null(np.inf)
    fastest = time.min().over("setting")
    # The ratio to an equal time is 1, even at time 0 (the target was met before the first step).
    ratio = pl.when(time.is_infinite()).then(np.inf).when(time == fastest).then(1.0)
    return filled.select("optimizer", "setting", ratio=ratio.otherwise(time / fastest))


def profile(times: pl.DataFrame, *, tau_max: float = TAU_MAX) -> pl.DataFrame:
    """Return the performance profiles as staircases.

    Returns:
        Columns ``optimizer, tau, share``, from τ = 1 to `tau_max`, with a row wherever the share
        rises. A share holds until the next row.
    """
    parts = []
    for (optimizer,), group in ratios(times).group_by("optimizer", maintain_order=True):
        own = np.sort(group["ratio"].to_numpy())
        taus = np.unique([1.0, *own[own <= tau_max], tau_max])
        shares = np.searchsorted(own, taus, side="right") / len(own)
        stairs = pl.DataFrame({"tau": taus, "share": shares})
        parts.append(stairs.select(pl.lit(optimizer).alias("optimizer"), pl.all()))
    empty = pl.DataFrame(schema={"optimizer": pl.String, "tau": pl.Float64, "share": pl.Float64})
    return pl.concat([empty, *parts])


def profile_scores(times: pl.DataFrame, *, tau_max: float = TAU_MAX) -> pl.DataFrame:
    """Return the integrated performance profile of each optimizer, best first.

    The score (AlgoPerf, DOCUMENTATION.md, "Scoring") is the trapezoid rule over 100 equally spaced
    τ from 1 to `tau_max`, divided by `tau_max` − 1. It is 1 for an optimizer that is fastest
    everywhere, and 0 for one that is never within `tau_max`.

    Returns:
        Columns ``optimizer, score, exact``: ``exact`` is the integral itself, which differs from
        AlgoPerf's sum by up to 0.002.
    """
    taus = np.linspace(1.0, tau_max, _TAUS)
    scored = ratios(times).group_by("optimizer", maintain_order=True).agg("ratio")
    rows = [
        (optimizer, _trapezoid(np.array(own), taus), _exact(np.array(own), tau_max))
        for optimizer, own in scored.iter_rows()
    ]
    schema = {"optimizer": pl.String, "score": pl.Float64, "exact": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.sort("score", descending=True, maintain_order=True)


def _trapezoid(own: Array, taus: Array) -> float:
    shares = (own[:, None] <= taus[None, :]).mean(axis=0)
    return float((shares[:-1] + shares[1:]).mean() / 2)


def _exact(own: Array, tau_max: float) -> float:
    return float(np.maximum(0.0, tau_max - own).mean() / (tau_max - 1.0))


def _check(times: pl.DataFrame) -> None:
    twice = times.filter(times.select("optimizer", "setting").is_duplicated())
    if twice.height:
        optimizer, setting = twice.select("optimizer", "setting").row(0)
        raise ValueError(f"{optimizer} has several times in {setting}: expected its best variant's")
