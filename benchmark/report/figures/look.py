"""Sizes, fonts, colours and axes shared by all figures."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.path import Path as MarkerPath
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from benchmark.analysis.frame import Frames
from benchmark.report.figures.lettering import FONT, lettering
from benchmark.report.palette import Style, styles

COLUMN_INCHES = 3.25  # an ICML column; fits an IEEE column or half a NeurIPS page with margins
HEIGHT_INCHES = 2.0  # axes with their labels; the legend comes on top
_LEGEND_ROW_INCHES = 0.15
_LEGEND_COLUMNS = 3
_WIDE_LEGEND_COLUMNS = 7  # for short names, such as those of optimizers
_LONGEST_NAME = 18  # letters; three such names fit into one row
_DECADES = 3.0  # an axis over fewer decades has ticks at 2 and 5 too
_LOG_FROM = 3.0  # smallest ratio of highest to lowest value for a logarithmic axis

RC: Any = {  # matplotlib's type for these is a dictionary of its own
    "font.size": 7,
    "font.family": FONT,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "text.parse_math": False,  # names may contain a dollar sign
    "pdf.fonttype": 42,  # TrueType, embedded; publishers refuse Type 3
    "svg.fonttype": "path",  # looks the same if the font is not installed
    "svg.hashsalt": "optimizer-benchmark",  # the same numbers give the same bytes
}


def looks(frames: Frames) -> dict[str, Style]:
    """Return the style of each optimizer, the same as on the page."""
    names = frames.trials.select("optimizer", "name").unique("optimizer", maintain_order=True)
    found = styles(names["name"].to_list())
    return dict(zip(names["optimizer"].to_list(), found, strict=True))


def line(style: Style) -> dict[str, Any]:
    """Return matplotlib's keyword arguments for a line with markers in `style`."""
    return {
        "color": style.color,
        "marker": MarkerPath([*style.marker, style.marker[0]], closed=True),
        "linestyle": (0, style.dash) if style.dash else "solid",
        "markeredgewidth": 0.0,
    }


def new_figure(names: list[str]) -> tuple[Figure, Axes]:
    """Return a figure as wide as a column, with room for a legend of `names` above its axes."""
    names = list(map(lettering, names))
    height = HEIGHT_INCHES + _LEGEND_ROW_INCHES * _legend_rows(names, _LEGEND_COLUMNS)
    figure = Figure(figsize=(COLUMN_INCHES, height), layout="constrained")
    return figure, figure.add_subplot()


def add_legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """Add one legend above `panels`, never over data, that names each line once."""
    named = {
        name: handle
        for axes in reversed(panels)
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    names = list(dict.fromkeys([*panels[0].get_legend_handles_labels()[1], *named]))
    most = _LEGEND_COLUMNS if len(panels) == 1 else _WIDE_LEGEND_COLUMNS
    figure.legend(
        [named[name] for name in names],
        names,
        loc="outside upper center",
        ncols=_legend_columns(names, most),
        frameon=False,
        handlelength=2.2,
        columnspacing=1.0,
        borderpad=0.0,
        labelspacing=0.3,
    )


def _legend_columns(names: list[str], most: int) -> int:
    longest = max(map(len, names), default=0)
    fitting = most * _LONGEST_NAME // max(longest, _LONGEST_NAME)
    return max(1, min(fitting, len(names)))


def _legend_rows(names: list[str], most: int) -> int:
    return -(-len(names) // _legend_columns(names, most)) if names else 0


def scale_y(axes: Axes, low: float, high: float, *, may_be_log: bool) -> None:
    """Set plain ticks on the y axis; make it logarithmic if allowed and the values spread."""
    if may_be_log and low > 0 and high / low > _LOG_FROM:
        axes.set_yscale("log")
        _plain_log_ticks(axes.yaxis, high / low)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(plain))


def log_x(axes: Axes, low: float, high: float) -> None:
    """Make the x axis logarithmic, with plain ticks."""
    axes.set_xscale("log")
    _plain_log_ticks(axes.xaxis, high / low)


def count_x(axes: Axes, what: str) -> None:
    """Make the x axis count in whole numbers, and label it."""
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel(what)
    axes.margins(x=0.02)


def plain(value: float, _: Any = None) -> str:
    """Return a tick's label with as few digits as possible.

    >>> plain(0.1), plain(1e-05), plain(1000.0)
    ('0.1', '1e-05', '1000')
    """
    return f"{value:.4g}"


def _plain_log_ticks(axis: Any, ratio: float) -> None:
    subs = (1.0, 2.0, 5.0) if ratio < 10 ** (_DECADES / 2) else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs, numticks=6))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=6))
    axis.set_minor_formatter(NullFormatter())
