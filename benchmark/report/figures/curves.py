"""Figures of curves over epochs: means over seeds with 95 % intervals, or points of few seeds."""

from collections.abc import Mapping

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.analysis.curves import lines, thin
from benchmark.analysis.intervals import NOTES
from benchmark.axes import EPOCH
from benchmark.metrics import metric_of, metric_words
from benchmark.report.figures.caption import not_drawn, seeds_in_words
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import (
    add_legend,
    count_x,
    line,
    looks,
    new_figure,
    scale_y,
)
from benchmark.report.findings import METRIC, SettingFindings
from benchmark.report.palette import Style
from benchmark.report.units import axis_words

_POINTS = 200  # per line; a printed column resolves no more
_MARKERS = 6  # per line
FEWEST_FOR_BANDS = 4  # seeds
_FEWEST_POINTS = 3  # start and end are no curve
_NEVER_DONE = "since no trial is done that measured it"


def draw_curves(setting: SettingFindings, metric: str) -> tuple[Figure, str] | None:
    """Return the figure of one setting and a sentence on it; None if no trial has the metric.

    There is none either of a metric that was evaluated at start and end alone.

    Args:
        setting: The numbers of the setting.
        metric: Name in the records, such as ``val/loss``.
    """
    curves = thin(setting.findings.metrics[metric].curves.filter(setting=setting.name), _POINTS)
    if curves.is_empty() or (metric != METRIC and curves["x"].n_unique() < _FEWEST_POINTS):
        return None
    names = curves["label"].unique(maintain_order=True).to_list()
    figure, axes = new_figure(names)
    seen = lines(setting.best, metric, EPOCH).filter(status="done")
    _fill(axes, curves, seen, looks(setting.best), metric)
    axes.set_ylabel(axis_words(metric, setting.problem))
    add_legend(figure, [axes])
    return figure, _what(curves, metric) + not_drawn(setting.best, curves, _NEVER_DONE)


def _fill(
    axes: Axes, curves: pl.DataFrame, seen: pl.DataFrame, found: Mapping[str, Style], metric: str
) -> None:
    for (label,), curve in curves.group_by("label", maintain_order=True):
        _draw(axes, curve, seen.filter(label=label), found[curve["optimizer"][0]])
    low, high = curves["center"].min(), curves["center"].max()
    scale_y(axes, float(low), float(high), may_be_log=metric_of(metric).logarithmic)  # type: ignore[arg-type]
    count_x(axes, EPOCH)


def _draw(axes: Axes, curve: pl.DataFrame, seen: pl.DataFrame, style: Style) -> None:
    """Draw a mean with its band; with fewer than four seeds, with their values as points."""
    label = curve["label"][0]
    x = curve["x"].to_numpy()
    every = max(1, len(x) // _MARKERS)
    axes.plot(x, curve["center"].to_numpy(), label=lettering(label), markevery=every, **line(style))
    if 1 < curve["seeds"][0] < FEWEST_FOR_BANDS:
        at = seen.filter(pl.col("x").is_in(x[::every].tolist()))
        axes.plot(at["x"], at["y"], ls="none", marker=".", ms=2, color=style.color, alpha=0.6)
        return
    sure = curve.drop_nulls(["low", "high"])
    if sure.height:
        bounds = sure["low"].to_numpy(), sure["high"].to_numpy()
        axes.fill_between(sure["x"].to_numpy(), *bounds, color=style.color, alpha=0.15, lw=0)


def _what(curves: pl.DataFrame, metric: str) -> str:
    seeds = seeds_in_words(curves["seeds"].unique().to_list())
    banded = curves.filter(pl.col("seeds") >= FEWEST_FOR_BANDS)
    notes = "; ".join(NOTES[method] for method in banded["method"].unique(maintain_order=True))
    bands = f" Bands: {notes}." if notes else ""
    few = curves.filter(pl.col("seeds").is_between(2, FEWEST_FOR_BANDS - 1)).height
    points = f" Points are single seeds, where there are fewer than {FEWEST_FOR_BANDS}." * bool(few)
    how = (
        "of the minibatches since the point before, as trained on"
        if metric_of(metric).in_training
        else "evaluated without dropout"
    )
    return f"Mean {metric_words(metric)} over {seeds}, {how}.{bands}{points}"
