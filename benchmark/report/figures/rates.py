"""The learning-rate figure: final results over the learning rate."""

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.metrics import metric_of, metric_words
from benchmark.report.figures.caption import not_drawn
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import (
    add_legend,
    line,
    log_x,
    looks,
    new_figure,
    scale_y,
)
from benchmark.report.findings import SettingFindings
from benchmark.report.palette import Style
from benchmark.report.units import axis_words

_CROSS_HEIGHT = 0.97  # share of the axes' height


def draw_rates(setting: SettingFindings, metric: str) -> tuple[Figure, str] | None:
    """Return the figure of one setting and a sentence on it; None if no two rates were tried.

    Args:
        setting: The numbers of the setting.
        metric: Name, such as ``val/loss``.
    """
    responses = setting.findings.metrics[metric].responses.filter(setting=setting.name)
    tried, words = responses.filter(pl.col("lr") > 0), metric_words(metric)
    curves = tried.filter(pl.len().over("optimizer") > 1)
    measured = curves.drop_nulls("mean")
    if measured.is_empty():
        return None
    names = curves["optimizer"].unique(maintain_order=True).to_list()
    figure, axes = new_figure(names)
    found = looks(setting.frames)
    for (optimizer,), curve in curves.group_by("optimizer", maintain_order=True):
        _draw(axes, curve, str(optimizer), found[str(optimizer)])
    low, high = measured["mean"].min(), measured["mean"].max()
    scale_y(axes, float(low), float(high), may_be_log=metric_of(metric).logarithmic)  # type: ignore[arg-type]
    log_x(axes, float(curves["lr"].min()), float(curves["lr"].max()))  # type: ignore[arg-type]
    axes.set_xlabel("learning rate")
    axes.set_ylabel(f"{axis_words(metric, setting.problem)} at the end")
    axes.margins(x=0.05)
    add_legend(figure, [axes])
    what = f"Mean {words} at the end of training over the learning rate; bars: 95 % intervals."
    crosses = " Crosses at the top: seeds diverged." * bool((curves["diverged"] > 0).any())
    return figure, what + crosses + not_drawn(
        setting.frames, curves, "since fewer than two of its rates have a result"
    )


def _draw(axes: Axes, curve: pl.DataFrame, name: str, style: Style) -> None:
    known = curve.drop_nulls("mean")
    x, y = known["lr"].to_numpy(), known["mean"].to_numpy()
    below = (known["mean"] - known["low"]).fill_null(0.0).to_numpy()
    above = (known["high"] - known["mean"]).fill_null(0.0).to_numpy()
    axes.errorbar(x, y, yerr=[below, above], label=lettering(name), elinewidth=0.6, **line(style))
    gone = curve.filter(pl.col("diverged") > 0)["lr"].to_numpy()
    top = axes.get_xaxis_transform()
    height = [_CROSS_HEIGHT] * len(gone)
    axes.plot(gone, height, "x", color=style.color, transform=top, clip_on=False)
