"""Figures of a claim: measured costs over the printed curves, and variants as small multiples."""

from collections.abc import Sequence
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.metrics import EPOCH
from benchmark.paper.bands import Band
from benchmark.paper.curves import printed_over
from benchmark.paper.rules import Scale, Series
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import RC, add_legend, count_x, line, new_figure, scale_y
from benchmark.report.palette import Style, styles

PRINTED = "printed in the paper"
COST = "training cost"
_MARKERS = 6  # per line
_DASHED = {"linestyle": (0, (4, 2)), "linewidth": 0.8}
_COLUMNS = 2
_TITLE_LETTERS = 36  # of a line above a panel
_PANEL_INCHES = (2.2, 1.7)
_LEGEND_INCHES = 0.2


def draw_claim(bands: Sequence[Band], scale: Scale) -> Figure:
    """Return the figure of the costs over the printed curves, on the same axes.

    Args:
        bands: Costs of each series, not all of them empty.
        scale: Scale of the claim; on log10 the axis is logarithmic.
    """
    named = [each.series.name for each in bands]
    figure, axes = new_figure([*named, PRINTED])
    _fill(axes, bands, scale)
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
    rows = -(-len(panels) // _COLUMNS)
    width, height = _PANEL_INCHES
    size = (_COLUMNS * width, rows * height + _LEGEND_INCHES)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, sharex=True, sharey=True, squeeze=False).flat
    used = [next(grid) for _ in panels]
    for axes in grid:
        axes.set_visible(False)
    for axes, (title, bands) in zip(used, panels, strict=True):
        _fill(axes, bands, scale)
        axes.set_title("\n".join(wrap(lettering(title), _TITLE_LETTERS)))
        axes.tick_params(labelbottom=True)  # of an odd number of panels, the last has none below
    figure.supxlabel(EPOCH, fontsize=RC["axes.labelsize"])
    figure.supylabel(COST, fontsize=RC["axes.labelsize"])
    add_legend(figure, used)
    return figure


def _fill(axes: Axes, bands: Sequence[Band], scale: Scale) -> None:
    values: list[float] = []
    for band, style in zip(bands, styles([each.series.optimizer for each in bands]), strict=True):
        values += [*_draw_band(axes, band, style), *_draw_printed(axes, band.series, band, style)]
    axes.plot([], [], color="0.4", label=PRINTED, **_DASHED)  # type: ignore[arg-type]
    if values:
        low, high = min(values), max(values)
        scale_y(axes, low, high, may_be_log=scale == "log10")
        if scale == "linear" and low < high:
            axes.set_ylim(low - 0.04 * (high - low), high)
    count_x(axes, EPOCH)
    axes.set_xlabel("")


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
    axes.plot(*zip(*within, strict=True), color=style.color, **_DASHED)  # type: ignore[arg-type]
    return [y for _, y in within]
