"""Curves of trials and variants on one axis, without interpolation.

On step, epoch and samples, the seeds of a variant were observed at the same places, and statistics
are taken place by place. Training seconds differ between seeds. There a trial's curve is a
staircase that holds the last observed value, and a variant's curve ends where its first seed ends,
because a mean that loses members would jump. Trials that trained as one network share their
seconds, so they have no curve there. A diverged trial is not part of a mean and is never
padded: its own line ends where it diverged, and `endings` returns that point.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import polars as pl

from benchmark.analysis.frame import Frames
from benchmark.analysis.intervals import (
    Array,
    mean_bounds,
    mean_method,
    median_bounds,
    median_method,
)
from benchmark.analysis.shares import shares_of
from benchmark.axes import AXES, SECONDS, STEP, AxisName
from benchmark.metrics import metric_of

Center = Literal["mean", "median"]
WHO = ("setting", "optimizer", "label", "variant")  # columns that identify a variant
_RESULTS = ("done", "diverged")
_MOST_TIMES = 200  # most points of a variant's curve over seconds


def lines(frames: Frames, metric: str, axis: AxisName) -> pl.DataFrame:
    """Return every observed point of every trial that is done or diverged.

    Returns:
        Columns ``setting, optimizer, label, variant, trial, seed, status, x, y``, sorted by trial
        and x; if there are several values at one x, the last is kept.
    """
    _check_axis(axis)
    if metric not in frames.curves.columns:
        return _EMPTY_LINES
    who = on_axis(frames.trials, axis).filter(pl.col("status").is_in(_RESULTS))
    points = frames.curves.select("trial", x=pl.col(axis).cast(pl.Float64), y=metric).drop_nulls()
    ordered = points.sort("trial", "x", maintain_order=True)
    is_followed = (pl.col("trial", "x") == pl.col("trial", "x").shift(-1)).fill_null(False)
    return (
        ordered.filter(~pl.all_horizontal(is_followed))
        .join(who.select("trial", *WHO, "seed", "status"), on="trial", maintain_order="left")
        .select(_EMPTY_LINES.columns)
    )


def on_axis(trials: pl.DataFrame, axis: AxisName) -> pl.DataFrame:
    """Return the trials that can be compared on an axis; stacked ones have no seconds of their own.

    Args:
        trials: Rows of `Frames.trials`.
        axis: The axis.
    """
    return trials.filter(pl.col("stacked").is_null()) if axis == SECONDS else trials


def bands(frames: Frames, metric: str, axis: AxisName, *, center: Center = "mean") -> pl.DataFrame:
    """Return each variant's curve over its seeds that are done, with all kinds of bands.

    Returns:
        Columns ``setting, optimizer, label, variant, x, center``; ``low, high``, the 95 % interval
        of the center, null with too few seeds; ``method``, the method of the interval; ``q25, q75,
        minimum, maximum``; ``seeds``, their number in the curve; ``diverged``, the number left out.
        Sorted by variant and x.
    """
    wide = both_bands(frames, metric, axis)
    names = {f"{center}_{name}": name for name in ("center", "low", "high", "method")}
    return wide.rename(names).select(*_BANDS)


def both_bands(
    frames: Frames, metric: str, axis: AxisName, *, intervals_of: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return `bands` around the mean and around the median, side by side.

    Args:
        frames: Trials and their curves.
        metric: Name, such as ``val/loss``.
        axis: The axis of ``x``.
        intervals_of: Variants that get 95 % intervals, which take the most time; those of others
            are null. None computes all.

    Returns:
        The columns of `bands`, with ``mean_center, mean_low, mean_high, mean_method`` and the same
        columns of the median in place of ``center, low, high, method``.
    """
    observed = lines(frames, metric, axis).filter(status="done")
    together = _staircases if axis == SECONDS else _common_places
    datasets = frames.trials.select("variant", "dataset").unique("variant")
    found = together(observed).with_columns(pl.col("variant").cast(pl.String))  # or null, if empty
    places = found.join(datasets, on="variant", how="left", maintain_order="left")
    statistics = [
        _statistics(group, seeds, intervals_of, metric)
        for (seeds, _), group in places.group_by("seeds", "dataset", maintain_order=True)
    ]
    names = frames.trials.select(WHO).unique("variant", keep="first", maintain_order=True)
    trials = on_axis(frames.trials, axis)
    diverged = trials.filter(status="diverged").group_by("variant").agg(diverged=pl.len())
    return (
        pl.concat([pl.DataFrame(schema=_STATISTICS), *statistics])
        .join(names.with_row_index("order"), on="variant", how="left")
        .join(diverged, on="variant", how="left")
        .sort("order", "x")
        .with_columns(pl.col("diverged").fill_null(0))
        .select(*_BOTH_BANDS)
        .cast(_BOTH_BANDS)
    )


def endings(frames: Frames, metric: str, axis: AxisName) -> pl.DataFrame:
    """Return the last observed point of each trial that diverged.

    Returns:
        Columns ``setting, optimizer, label, variant, trial, seed, reason, x, y``, one row per
        diverged trial; ``x, y`` are null if the trial was never observed.
    """
    _check_axis(axis)
    last = lines(frames, metric, axis).group_by("trial").agg(pl.col("x", "y").last())
    gone = (
        on_axis(frames.trials, axis)
        .filter(status="diverged")
        .select("trial", *WHO, "seed", "reason")
    )
    joined = gone.join(last, on="trial", how="left", maintain_order="left")
    return joined.select(*WHO, "trial", "seed", "reason", "x", "y")


def thin(points: pl.DataFrame, count: int, *, by: str = "variant") -> pl.DataFrame:
    """Return at most `count` (≥ 2) points of each curve, evenly spaced by rank and with both ends.

    >>> frame = pl.DataFrame({"variant": ["a"] * 5, "x": [0, 1, 2, 3, 4]})
    >>> thin(frame, 3)["x"].to_list()
    [0, 2, 4]
    """
    if count < 2:
        raise ValueError(f"a curve keeps at least its two ends, got count={count}")
    place, length = pl.int_range(pl.len()).over(by), pl.len().over(by).cast(pl.Int64)
    # The points are numbered 0 … count − 1 by their place, and the first of each number is kept.
    spread = pl.max_horizontal(length - 1, 1)
    number, before = (p * (count - 1) // spread for p in (place, place - 1))
    return points.filter((length <= count) | (number > before))


def sparse(frames: Frames, metric: str, count: int) -> Frames:
    """Return `frames` with at most `count` (≥ 2) observations of `metric` per variant.

    All seeds of a variant keep the same places, and every trial keeps its last one. `lines` and
    `bands` of the result are therefore those of `frames` at fewer points.
    """
    if metric not in frames.curves.columns:
        return replace(frames, curves=frames.curves.clear())
    seen = frames.curves.select("trial", *AXES, metric).drop_nulls([STEP, metric])
    whose = frames.trials.select("trial", "variant")
    rows = seen.join(whose, on="trial", how="inner", maintain_order="left")
    places = thin(rows.select("variant", STEP).unique().sort("variant", STEP), count)
    kept = rows.join(
        places.with_columns(is_kept=True), on=["variant", STEP], how="left", maintain_order="left"
    )
    is_last = pl.col(STEP) == pl.col(STEP).max().over("trial")
    curves = kept.filter(pl.col("is_kept").is_not_null() | is_last).drop("variant", "is_kept")
    return replace(frames, curves=curves)


def _common_places(observed: pl.DataFrame) -> pl.DataFrame:
    """Return the points at which all seeds of a variant were observed.

    Returns:
        Columns ``variant, x, y, seeds``, with one row per seed at each x of a variant.
    """
    seeds = pl.col("trial").n_unique().over("variant")
    shared = observed.with_columns(seeds=seeds).filter(
        pl.len().over("variant", "x") == pl.col("seeds")
    )
    return shared.sort("variant", "x", "trial").select("variant", "x", "y", "seeds")


def _staircases(observed: pl.DataFrame) -> pl.DataFrame:
    """Return each seed's latest value, at times when all have begun and none has ended.

    Returns:
        Columns as in `_common_places`.
    """
    names: list[str] = []
    columns: list[tuple[Array, Array, Array]] = []
    for (variant,), group in observed.group_by("variant", maintain_order=True):
        x, y = group["x"].to_numpy(), group["y"].to_numpy()
        starts = np.flatnonzero(np.diff(group["trial"].to_numpy())) + 1
        times, latest = _read_off(np.split(x, starts), np.split(y, starts))
        seeds = len(starts) + 1
        names += [str(variant)] * latest.size
        columns.append((np.repeat(times, seeds), latest.ravel(), np.full(latest.size, seeds)))
    if not columns:
        return pl.DataFrame(schema=dict.fromkeys(("variant", "x", "y", "seeds"), pl.Null))
    joined = map(np.concatenate, zip(*columns, strict=True))
    return pl.DataFrame({"variant": names, **dict(zip(("x", "y", "seeds"), joined, strict=True))})


def _read_off(xs: Sequence[Array], ys: Sequence[Array]) -> tuple[Array, Array]:
    """Return times, shape (times,), and the latest value by each, shape (times, seeds)."""
    begin, end = max(x[0] for x in xs), min(x[-1] for x in xs)
    times = np.unique(np.concatenate(xs))
    times = times[(times >= begin) & (times <= end)]
    if len(times) > _MOST_TIMES:
        times = times[np.linspace(0, len(times) - 1, _MOST_TIMES).round().astype(int)]
    latest = [y[np.searchsorted(x, times, side="right") - 1] for x, y in zip(xs, ys, strict=True)]
    return times, np.stack(latest, axis=1)


def _statistics(
    group: pl.DataFrame, seeds: int, intervals_of: Sequence[str] | None, metric: str
) -> pl.DataFrame:
    """Return statistics over blocks of `seeds` consecutive rows; columns as in `_STATISTICS`.

    All rows are of one ``dataset``.
    """
    values = group["y"].to_numpy().reshape(-1, seeds)  # (places, seeds)
    variants = group["variant"].gather_every(seeds)
    rows = slice(None) if intervals_of is None else variants.is_in(intervals_of).to_numpy()
    ends = np.full((4, len(values)), np.nan)
    shares = shares_of(metric, group["dataset"][0], values)
    ends[:2, rows] = mean_bounds(values[rows], shares, metric_of(metric).least)
    ends[2:, rows] = median_bounds(values[rows])
    mean_low, mean_high, median_low, median_high = ends
    q25, q75 = np.quantile(values, [0.25, 0.75], axis=1)
    columns = {
        "variant": variants,
        "x": group["x"].gather_every(seeds),
        "mean_center": values.mean(axis=1),
        "mean_low": mean_low,
        "mean_high": mean_high,
        "median_center": np.median(values, axis=1),
        "median_low": median_low,
        "median_high": median_high,
        "q25": q25,
        "q75": q75,
        "minimum": values.min(axis=1),
        "maximum": values.max(axis=1),
    }
    frame = pl.DataFrame(columns).with_columns(pl.selectors.ends_with("low", "high").fill_nan(None))
    return frame.with_columns(
        seeds=pl.lit(seeds, pl.Int64),
        mean_method=pl.lit(mean_method(seeds, shares)),
        median_method=pl.lit(median_method(seeds)),
    )


def _check_axis(axis: str) -> None:
    if axis not in AXES:
        raise ValueError(f"unknown axis {axis!r}. Known: {', '.join(AXES)}")


_NAMES: dict[str, type[pl.DataType]] = dict.fromkeys(WHO, pl.String)
_EMPTY_LINES = pl.DataFrame(
    schema={
        **_NAMES,
        "trial": pl.UInt32,
        "seed": pl.Int64,
        "status": pl.String,
        "x": pl.Float64,
        "y": pl.Float64,
    }
)
_SPREAD = ("q25", "q75", "minimum", "maximum")
_BOTH = tuple(f"{c}_{name}" for c in ("mean", "median") for name in ("center", "low", "high"))
_METHODS: dict[str, type[pl.DataType]] = dict.fromkeys(("mean_method", "median_method"), pl.String)
_COUNTS: dict[str, type[pl.DataType]] = dict.fromkeys(("seeds", "diverged"), pl.Int64)
_NUMBERS: dict[str, type[pl.DataType]] = dict.fromkeys(("x", *_BOTH, *_SPREAD), pl.Float64)
_STATISTICS = pl.Schema({"variant": pl.String} | _NUMBERS | {"seeds": pl.Int64} | _METHODS)
_BOTH_BANDS = pl.Schema(_NAMES | _NUMBERS | _COUNTS | _METHODS)
_BANDS = (*WHO, "x", "center", "low", "high", *_SPREAD, *_COUNTS, "method")
