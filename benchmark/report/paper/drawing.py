"""Figures of a claim: measured costs over the printed curves, and variants as small multiples.

Where the paper prints costs by learning rate, so do the figures here.
"""

from collections.abc import Sequence
from statistics import fmean
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from benchmark.axes import EPOCH
from benchmark.paper.bands import Band
from benchmark.paper.curves import printed_over
from benchmark.paper.rate_curves import RateCurve, printed_at
from benchmark.paper.rules import Claim, Scale, Series
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import RC, add_legend, count_x, line, log_x, new_figure, scale_y
from benchmark.report.palette import Style, styles
from benchmark.report.paper.colors import told_apart

PRINTED = "printed in the paper"
COST = "training cost"
BEYOND = "diverged, or above the axis"
_MARKERS = 6  # per line
_DASHED: Any = {"linestyle": (0, (4, 2)), "linewidth": 0.8, "zorder": 3}  # over lines
_DOTS: Any = {"marker": ".", "markersize": 4}  # a curve of one point is a dot
_RING: Any = {"linestyle": "none", "marker": "o", "markerfacecolor": "none", "markersize": 6}
_CROSS: Any = {"linestyle": "none", "marker": "x", "markersize": 3.5}
_ON_EDGE: Any = {"clip_on": False, "in_layout": False}  # whole, without more room for it
_CROSSES_APART = 0.07  # of the height of a panel
_CHOICES_APART = 0.16  # decades of the learning rate
_WIDTHS = (1.7, 1.0)  # of all epochs, and of those that a claim compares
_BELOW = 1.5  # times below the lowest cost, where such an axis begins
_FAR = 100  # times the lowest cost, above which an axis is logarithmic
_DESCENT = 10  # the first tenth of a curve, which may reach far above the rest
_MARGIN = 0.06  # of the height of an axis, beyond its costs
_COLUMNS = 2
_RATE_COLUMNS = 3
_RATE_PANEL_INCHES = (1.6, 1.5)
MOST = 1.5  # times the lowest cost; higher ones are cut off where costs are drawn by rate
_TITLE_LETTERS = 36  # of a line above a panel
_PANEL_INCHES = (2.2, 1.7)
_LEGEND_INCHES = 0.2
_GAP_INCHES = 0.07  # above and below a panel


def draw_claim(bands: Sequence[Band], claim: Claim, marked: int | None = None) -> Figure:
    """Return the figure of the costs over the printed curves, on the same axes.

    Where a claim compares means over epochs, a second panel has these epochs.

    Args:
        bands: Costs of each series, not all of them empty.
        claim: The claim; if its scale is log10, the axis is logarithmic.
        marked: An epoch with a vertical line; None for no line.
    """
    named = [each.series.name for each in bands]
    figure, axes = new_figure([*named, PRINTED])
    looks = _styles([each.series for each in bands])
    if has_window(bands, claim):
        figure.clear()
        axes, window = figure.subplots(1, 2, width_ratios=_WIDTHS)
        _fill_window(window, bands, looks, claim)
    _fill(axes, bands, looks, claim)
    if marked is not None:
        axes.axvline(marked, color="0.6", lw=0.6, zorder=0)
    axes.set_xlabel(EPOCH)
    axes.set_ylabel(COST)
    add_legend(figure, [axes])
    return figure


def has_window(bands: Sequence[Band], claim: Claim) -> bool:
    """Return whether the figure of a claim has a panel of the epochs that it compares."""
    return 1 < claim.window < max(len(each.mean) for each in bands)


def draw_variants(panels: Sequence[tuple[str, Sequence[Band]]], scale: Scale) -> Figure:
    """Return small multiples on axes with the same limits, which are those of the measured costs.

    Args:
        panels: Title and costs of each panel.
        scale: Scale of the claim; on log10 the axes are logarithmic.
    """
    figure, used = _panels(len(panels), _COLUMNS, _PANEL_INCHES)
    every = [band for _, bands in panels for band in bands]
    series = list({each.series.name: each.series for each in every}.values())
    looks = dict(zip((each.name for each in series), _styles(series), strict=True))
    for axes, (title, bands) in zip(used, panels, strict=True):
        _draw_costs(axes, bands, [looks[each.series.name] for each in bands])
        axes.set_title("\n".join(wrap(lettering(title), _TITLE_LETTERS)))
    levels = [cost for band in every for cost in band.mean[len(band.mean) // _DESCENT :]]
    if levels:
        _limit_y(used[0], min(levels), max(levels), scale)
    _label_columns(used, _COLUMNS, EPOCH)
    figure.supylabel(COST, fontsize=RC["axes.labelsize"])
    add_legend(figure, used)
    return figure


def _panels(count: int, columns: int, inches: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Return a figure with room for a legend, and `count` panels on axes with the same limits."""
    rows = -(-count // columns)
    size = (columns * inches[0], rows * inches[1] + _LEGEND_INCHES)
    figure = Figure(figsize=size, layout=ConstrainedLayoutEngine(h_pad=_GAP_INCHES))
    grid = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for axes in grid[count:]:
        axes.set_visible(False)
    return figure, grid[:count]


def _label_columns(used: Sequence[Axes], columns: int, what: str) -> None:
    """Label the x axis of the lowest panel of each column, and no other."""
    for at, axes in enumerate(used):
        is_lowest = at + columns >= len(used)
        axes.set_xlabel(what if is_lowest else "")
        axes.tick_params(labelbottom=is_lowest)


def _fill(axes: Axes, bands: Sequence[Band], looks: Sequence[Style], claim: Claim) -> None:
    """Draw the costs of all epochs on an axis that has the printed ones, too."""
    values = _draw_costs(axes, bands, looks, claim.rate)
    if values:
        low, high = min(values), max(values)
        is_far = low > 0 and high > _FAR * low  # on a linear axis all but the highest would be flat
        scale_y(axes, low, high, may_be_log=claim.scale == "log10" or is_far)
        if axes.get_yscale() == "linear" and low < high:
            axes.set_ylim(low - 0.04 * (high - low), high)
        elif is_far and claim.scale == "linear":
            axes.set_ylim(low / _BELOW, high)


def _fill_window(axes: Axes, bands: Sequence[Band], looks: Sequence[Style], claim: Claim) -> None:
    """Draw the epochs that a claim compares on an axis for the measured costs.

    The axis is at least as high as the margin of the claim, so that what is within it looks near.
    """
    _draw_costs(axes, bands, looks)
    end = max(len(band.mean) for band in bands)
    first = end - claim.window + 1
    axes.set_xlim(first - 0.5, end + 0.5)
    axes.set_xticks([first, end])
    low = min(cost for band in bands for cost in band.low[-claim.window :])
    high = max(cost for band in bands for cost in band.high[-claim.window :])
    margin = max(each.margin for each in claim.contrasts)
    if claim.scale == "log10":
        factor = max(1.0, 10**margin * low / high) ** 0.5
        low, high = low / factor, high * factor
    else:
        pad = max(0.0, margin - (high - low)) / 2
        low, high = low - pad, high + pad
    _limit_y(axes, low, high, claim.scale)


def _limit_y(axes: Axes, low: float, high: float, scale: Scale) -> None:
    """Set the limits of the y axis a little beyond the given ones."""
    scale_y(axes, low, high, may_be_log=scale == "log10")
    if axes.get_yscale() == "log":
        axes.set_ylim(low * (low / high) ** _MARGIN, high * (high / low) ** _MARGIN)
    elif low < high:
        pad = _MARGIN * (high - low)
        axes.set_ylim(low - pad, high + pad)


def _draw_costs(
    axes: Axes, bands: Sequence[Band], looks: Sequence[Style], rate: float | None = None
) -> list[float]:
    """Draw measured and printed costs; return them."""
    values: list[float] = []
    look = None  # of what is printed
    for band, style in zip(bands, looks, strict=True):
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
    count_x(axes, EPOCH)
    return values


def draw_rates(panels: Sequence[Sequence[RateCurve]]) -> Figure:
    """Return small multiples of costs by learning rate over the printed ones, on equal axes.

    Args:
        panels: The series of each panel. Their names begin with the word that tells them apart and
            go on with what they share.
    """
    figure, used = _panels(len(panels), _RATE_COLUMNS, _RATE_PANEL_INCHES)
    tried = [[*curve.costs, *curve.diverged] for curves in panels for curve in curves]
    rates = [rate for some in tried for rate in some]
    low, high = cost_limits(panels)
    is_any_beyond = any(curve.beyond(high) for curves in panels for curve in curves)
    for axes, curves in zip(used, panels, strict=True):
        looks = _styles([each.series for each in curves])
        for at, (curve, style) in enumerate(zip(curves, looks, strict=True)):
            _draw_rates(axes, curve, style)
            _draw_choice(axes, curve, style, _beside(curve, curves))
            lost = curve.beyond(high)
            heights = [1 - at * _CROSSES_APART] * len(lost)  # of the axis
            place = axes.get_xaxis_transform()
            axes.plot(lost, heights, color=style.color, transform=place, **_CROSS, **_ON_EDGE)
        axes.plot([], [], color="0.4", label=PRINTED, **_DASHED, **_DOTS)
        if is_any_beyond:
            axes.plot([], [], color="0.4", label=BEYOND, **_CROSS)
        axes.set_title(lettering(curves[0].series.name.partition(" ")[2]))
        scale_y(axes, low, high, may_be_log=False)
        axes.set_ylim(low - 0.06 * (high - low), high)
        log_x(axes, min(rates), max(rates))
    _label_columns(used, _RATE_COLUMNS, "learning rate")
    figure.supylabel(COST, fontsize=RC["axes.labelsize"])
    add_legend(figure, used)
    return figure


def cost_limits(panels: Sequence[Sequence[RateCurve]]) -> tuple[float, float]:
    """Return the lowest cost, and the highest that is drawn."""
    costs = [cost for curves in panels for curve in curves for cost in curve.costs.values()]
    return min(costs), min(max(costs), MOST * min(costs))


def _draw_rates(axes: Axes, curve: RateCurve, style: Style) -> None:
    """Draw the costs on tuning seeds and the printed curve."""
    name = lettering(curve.series.name.partition(" ")[0])
    look = line(style) | {"markersize": 3}
    axes.plot(list(curve.costs), list(curve.costs.values()), label=name, **look)
    if curve.printed:
        rates = [10**x for x in curve.printed.x]
        axes.plot(rates, curve.printed.y, color=style.color, **_DASHED, **_DOTS)


def _draw_choice(axes: Axes, curve: RateCurve, style: Style, rate: float) -> None:
    """Draw mean and range of the compared seeds at the chosen rate, or beside it."""
    if not curve.compared:
        return
    ends = [min(curve.compared), max(curve.compared)]
    axes.plot([rate, rate], ends, color=style.color, lw=3.0, alpha=0.4)
    edge = {"markeredgewidth": 0.8, "markeredgecolor": style.color, "zorder": 4}
    open_marker = {"linestyle": "none", "markersize": 6, "markerfacecolor": "white"}
    axes.plot([rate], [fmean(curve.compared)], **line(style) | open_marker | edge)


def _beside(curve: RateCurve, curves: Sequence[RateCurve]) -> float:
    """Return the chosen rate, moved a little where other curves have the same."""
    same = [each.series.name for each in curves if each.best == curve.best]
    place = same.index(curve.series.name) - (len(same) - 1) / 2
    moved: float = curve.best * 10 ** (place * _CHOICES_APART)
    return moved


def _styles(series: Sequence[Series]) -> list[Style]:
    """Return a style for each series: its optimizer's, unless another of them looks like it."""
    names: list[str] = []
    for each in series:
        is_new = each.optimizer not in names
        names.append(each.optimizer if is_new else each.name.partition(" ")[0])
    return told_apart(styles(names))


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
