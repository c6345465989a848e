"""Figures of a claim: measured costs over the printed curves, and variants as small multiples.

Where the paper prints costs by learning rate, so do the figures here.
"""

from collections.abc import Sequence
from statistics import fmean
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.metrics import EPOCH
from benchmark.paper.bands import Band
from benchmark.paper.curves import printed_over
from benchmark.paper.rate_curves import RateCurve, printed_at
from benchmark.paper.rules import Scale, Series
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import RC, add_legend, count_x, line, log_x, new_figure, scale_y
from benchmark.report.palette import Style, styles

PRINTED = "printed in the paper"
COST = "training cost"
_MARKERS = 6  # per line
_DASHED: Any = {"linestyle": (0, (4, 2)), "linewidth": 0.8}
_RING: Any = {"linestyle": "none", "marker": "o", "markerfacecolor": "none", "markersize": 6}
_COLUMNS = 2
_RATE_COLUMNS = 3
_RATE_PANEL_INCHES = (1.6, 1.5)
_MOST = 1.5  # times the lowest cost; higher ones are cut off where costs are drawn by rate
_TITLE_LETTERS = 36  # of a line above a panel
_PANEL_INCHES = (2.2, 1.7)
_LEGEND_INCHES = 0.2


def draw_claim(bands: Sequence[Band], scale: Scale, rate: float | None = None) -> Figure:
    """Return the figure of the costs over the printed curves, on the same axes.

    Args:
        bands: Costs of each series, not all of them empty.
        scale: Scale of the claim; on log10 the axis is logarithmic.
        rate: The learning rate at which the series are compared, if the claim names it.
    """
    named = [each.series.name for each in bands]
    figure, axes = new_figure([*named, PRINTED])
    _fill(axes, bands, scale, rate)
    axes.set_xlabel(EPOCH)
    axes.set_ylabel(COST)
    add_legend(figure, [axes])
    return figure


def draw_variants(panels: Sequence[tuple[str, Sequence[Band]]], scale: Scale) -> Figure:
    """Return small multiples on axes with the same limits.

    Args:
        panels: Title and costs of each panel.
        scale: As in `draw_claim`.
    """
    figure, used = _panels(len(panels), _COLUMNS, _PANEL_INCHES)
    for axes, (title, bands) in zip(used, panels, strict=True):
        _fill(axes, bands, scale)
        axes.set_title("\n".join(wrap(lettering(title), _TITLE_LETTERS)))
        axes.tick_params(labelbottom=True)  # of an odd number of panels, the last has none below
    figure.supxlabel(EPOCH, fontsize=RC["axes.labelsize"])
    figure.supylabel(COST, fontsize=RC["axes.labelsize"])
    add_legend(figure, used)
    return figure


def _panels(count: int, columns: int, inches: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Return a figure with room for a legend, and `count` panels on axes with the same limits."""
    rows = -(-count // columns)
    size = (columns * inches[0], rows * inches[1] + _LEGEND_INCHES)
    figure = Figure(figsize=size, layout="constrained")
    grid = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes in grid[count:]:
        axes.set_visible(False)
    return figure, grid[:count]


def _fill(axes: Axes, bands: Sequence[Band], scale: Scale, rate: float | None = None) -> None:
    values: list[float] = []
    look = None  # of what is printed
    for band, style in zip(bands, _styles([each.series for each in bands]), strict=True):
        values += _draw_band(axes, band, style)
        printed = _draw_printed(axes, band.series, band, style)
        values += printed
        look = _DASHED if printed else look
        point = printed_at(band.series.published, len(band.mean), rate) if rate else None
        if point is not None:
            look = _RING
            axes.plot([len(band.mean)], [point], color=style.color, **look)
    if look:
        axes.plot([], [], color="0.4", label=PRINTED, **look)
    if values:
        low, high = min(values), max(values)
        scale_y(axes, low, high, may_be_log=scale == "log10")
        if scale == "linear" and low < high:
            axes.set_ylim(low - 0.04 * (high - low), high)
    count_x(axes, EPOCH)
    axes.set_xlabel("")


def draw_rates(panels: Sequence[Sequence[RateCurve]]) -> Figure:
    """Return small multiples of costs by learning rate over the printed ones, on equal axes.

    Args:
        panels: The series of each panel. Their names begin with the word that tells them apart and
            go on with what they share.
    """
    figure, used = _panels(len(panels), _RATE_COLUMNS, _RATE_PANEL_INCHES)
    costs = [cost for curves in panels for curve in curves for cost in curve.costs.values()]
    rates = [rate for curves in panels for curve in curves for rate in curve.costs]
    low, high = min(costs), min(max(costs), _MOST * min(costs))
    for axes, curves in zip(used, panels, strict=True):
        for curve, style in zip(curves, _styles([each.series for each in curves]), strict=True):
            _draw_rates(axes, curve, style)
        axes.plot([], [], color="0.4", label=PRINTED, **_DASHED)
        axes.set_title(lettering(curves[0].series.name.partition(" ")[2]))
        scale_y(axes, low, high, may_be_log=False)
        axes.set_ylim(low - 0.06 * (high - low), high)
        log_x(axes, min(rates), max(rates))
    figure.supxlabel("learning rate", fontsize=RC["axes.labelsize"])
    figure.supylabel(COST, fontsize=RC["axes.labelsize"])
    add_legend(figure, used)
    return figure


def _draw_rates(axes: Axes, curve: RateCurve, style: Style) -> None:
    """Draw the costs on tuning seeds, the seeds at the chosen rate, and the printed curve."""
    name = lettering(curve.series.name.partition(" ")[0])
    look = line(style)
    axes.plot(list(curve.costs), list(curve.costs.values()), label=name, **look)
    if curve.compared:
        axes.plot(
            [curve.best, curve.best],
            [min(curve.compared), max(curve.compared)],
            color=style.color,
            lw=3.0,
            alpha=0.4,
        )
        chosen = {"linestyle": "none", "markersize": 8, "markerfacecolor": "none"}
        ring = look | chosen | {"markeredgewidth": 0.8, "markeredgecolor": style.color}
        axes.plot([curve.best], [fmean(curve.compared)], **ring)
    if curve.printed:
        rates = [10**x for x in curve.printed.x]
        axes.plot(rates, curve.printed.y, color=style.color, **_DASHED)


def _styles(series: Sequence[Series]) -> list[Style]:
    """Return a style for each series: its optimizer's, or another if it is not the first such."""
    names: list[str] = []
    for each in series:
        is_new = each.optimizer not in names
        names.append(each.optimizer if is_new else each.name.partition(" ")[0])
    return styles(names)


def _draw_band(axes: Axes, band: Band, style: Style) -> Sequence[float]:
    """Draw mean and range of a series; return its costs but the first, which may be far above."""
    epochs = range(1, len(band.mean) + 1)
    every = max(1, len(band.mean) // _MARKERS)
    name = lettering(band.series.name)
    axes.plot(epochs, band.mean, label=name, markevery=every, **line(style))
    axes.fill_between(epochs, band.low, band.high, color=style.color, alpha=0.2, lw=0)
    return band.mean[1:] or band.mean


def _draw_printed(axes: Axes, series: Series, band: Band, style: Style) -> Sequence[float]:
    """Draw the printed curve of a series, if there is one; return its costs."""
    curve = printed_over(series.published, len(band.mean))
    if curve is None:
        return ()
    within = [(x, y) for x, y in zip(curve.x, curve.y, strict=True) if x <= len(band.mean) + 0.5]
    axes.plot(*zip(*within, strict=True), color=style.color, **_DASHED)
    return [y for _, y in within]
