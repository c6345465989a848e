"""Curves over epochs: the mean over seeds and its 95 % interval."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.analysis.curves import bands, thin
from benchmark.analysis.frame import Frames
from benchmark.analysis.intervals import NOTES
from benchmark.report.figures.caption import seeds_in_words
from benchmark.report.figures.look import add_legend, count_x, line, looks, new_figure, scale_y
from benchmark.report.palette import Style

_POINTS = 200  # of a line; a column has no more
_MARKERS = 6  # of a line


def draw_curves(frames: Frames, metric: str, words: str) -> tuple[Figure, str] | None:
    """Return the figure of one setting's `metric`, and what it shows; None if nobody measured it.

    Args:
        frames: One variant of each optimizer.
        metric: Such as ``val/loss``.
        words: What people call it.
    """
    curves = thin(bands(frames, metric, "epoch"), _POINTS)
    if curves.is_empty():
        return None
    names = curves["label"].unique(maintain_order=True).to_list()
    figure, axes = new_figure(names)
    found = looks(frames)
    for (optimizer, label), curve in curves.group_by("optimizer", "label", maintain_order=True):
        _draw(axes, curve, str(label), found[str(optimizer)])
    low, high = curves["center"].min(), curves["center"].max()
    scale_y(axes, float(low), float(high), may_be_log="loss" in metric)  # type: ignore[arg-type]
    count_x(axes, "epoch")
    axes.set_ylabel(words)
    add_legend(figure, axes)
    return figure, _what(curves, words)


def _draw(axes: Axes, curve: pl.DataFrame, label: str, style: Style) -> None:
    x = curve["x"].to_numpy()
    every = max(1, len(x) // _MARKERS)
    axes.plot(x, curve["center"].to_numpy(), label=label, markevery=every, **line(style))
    sure = curve.drop_nulls(["low", "high"])
    if sure.height:
        bounds = sure["low"].to_numpy(), sure["high"].to_numpy()
        axes.fill_between(sure["x"].to_numpy(), *bounds, color=style.color, alpha=0.15, lw=0)


def _what(curves: pl.DataFrame, words: str) -> str:
    seeds = seeds_in_words(curves["seeds"].unique().to_list())
    methods = curves["method"].unique(maintain_order=True).to_list()
    notes = "; ".join(NOTES[method] for method in methods)
    return f"Mean {words} over {seeds}, evaluated without dropout. Bands: {notes}."
