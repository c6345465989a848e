"""The overview: every optimizer's difference from the reference on every problem, with verdicts."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from benchmark.analysis.intervals import Interval
from benchmark.analysis.judging import Judgement
from benchmark.metrics import higher_is_better, metric_words
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import COLUMN_INCHES
from benchmark.report.findings import METRIC, Findings, SettingFindings
from benchmark.report.verdicts import PICTURE_COLORS, relative_in_short, shown_word
from optimizers.pick import is_import_path

_ROW_INCHES = 0.19
_FRAME_INCHES = 0.62  # a panel's title and axis
_LEGEND_INCHES = 0.5
_LINEAR_UP_TO = 1.2  # share of the reference's value; wider axes are logarithmic beyond a tenth
_LINEAR_PART = 0.1
_LARGEST = 1000.0
_MARKERS = {"better": "o", "worse": "s", "equivalent": "D", "undecided": "o", "untuned": "X"}
_HOLLOW = ("undecided",)
_PLAIN = "#333333"


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """The difference of one optimizer from the reference on one problem.

    Args:
        share: Mean difference as a share of the size of the reference's mean; None if unknown.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        word: The verdict; empty in studies that were not tuned.
        is_reference: The optimizer is the reference.
    """

    share: float | None
    low: float | None = None
    high: float | None = None
    word: str = ""
    is_reference: bool = False


def draw_overview(
    findings: Findings, judgement: Judgement | None = None
) -> tuple[Figure, str] | None:
    """Return the picture and a sentence on it; None if nothing can be compared.

    Args:
        findings: The numbers of all settings.
        judgement: The verdicts; without them the differences have no verdict's colour.
    """
    cells = cells_of(findings, judgement)
    if not any(not cell.is_reference for panel in cells.values() for cell in panel.values()):
        return None
    names = _in_order(findings, cells)
    metric = judgement.declaration.confirmatory if judgement else METRIC
    figure, panels = _new(len(cells), len(names))
    for place, (axes, title) in enumerate(zip(panels, cells, strict=True)):
        _fill(axes, cells[title], names, has_names=place % _columns(len(cells)) == 0)
        axes.set_title(lettering(title))
    side = "right" if higher_is_better(metric) else "left"
    is_wide = any(axes.get_xscale() == "symlog" for axes in panels)
    figure.supxlabel(
        f"{metric_words(metric)} against the reference's; {side} is better"
        + f"; wide axes are logarithmic beyond ±{100 * _LINEAR_PART:g} %" * is_wide,
        fontsize=7,
    )
    words = {cell.word for panel in cells.values() for cell in panel.values() if cell.word}
    _add_legend(figure, [word for word in _MARKERS if word in words])
    return figure, _what(findings, judgement, metric)


def cells_of(findings: Findings, judgement: Judgement | None) -> dict[str, dict[str, Contrast]]:
    """Return the cells by title of the setting and optimizer; those of one setting if any exist."""
    found = {}
    for setting in findings.settings.values():
        cells = _judged(setting, judgement) if judgement else _compared(setting)
        if cells:
            found[setting.title] = cells
    return found


def _judged(setting: SettingFindings, judgement: Judgement) -> dict[str, Contrast]:
    family = [one for one in judgement.confirmatory if one.setting == setting.name]
    cells = {
        one.optimizer: Contrast(
            share=one.relative, low=one.relative_low, high=one.relative_high, word=one.word
        )
        for one in family
    }
    return cells | {one.reference: Contrast(share=0.0, is_reference=True) for one in family}


def _compared(setting: SettingFindings) -> dict[str, Contrast]:
    versus, names = setting.versus, _optimizers(setting)
    board = setting.board(METRIC).filter(variant=versus.reference or "")
    mean = None if board.is_empty() else board["mean"][0]
    if not mean or not versus.family:
        return {}
    cells = {names[one.variant]: _cell(one.difference, abs(mean)) for one in versus.family}
    return cells | {names[str(versus.reference)]: Contrast(share=0.0, is_reference=True)}


def _cell(difference: Interval | None, size: float) -> Contrast:
    if difference is None:
        return Contrast(share=None)
    low, high = difference.low, difference.high
    return Contrast(
        share=difference.estimate / size,
        low=None if low is None else low / size,
        high=None if high is None else high / size,
    )


def _optimizers(setting: SettingFindings) -> Mapping[str, str]:
    rows = setting.frames.trials.select("variant", "optimizer").unique()
    return dict(rows.iter_rows())


def _in_order(findings: Findings, cells: Mapping[str, Mapping[str, Contrast]]) -> dict[str, bool]:
    """Return the optimizers, best average first, and whether each is the user's own.

    Among equals the user's own come first. The average is that of the signed logarithm, so that
    one large difference does not decide.
    """
    trials = findings.frames.trials.select("optimizer", "name").unique(maintain_order=True)
    own = {optimizer: is_import_path(name) for optimizer, name in trials.iter_rows()}
    labels = dict.fromkeys(label for panel in cells.values() for label in panel)
    metric = METRIC

    def average(label: str) -> float:
        shares = [panel[label].share if label in panel else None for panel in cells.values()]
        sizes = [
            math.copysign(math.log1p(abs(share) / _LINEAR_PART), share)
            for share in shares
            if share is not None
        ]
        mean = sum(sizes) / len(sizes) if sizes else math.inf
        return -mean if higher_is_better(metric) else mean

    order = sorted(labels, key=lambda label: (average(label), not own.get(label, False)))
    return {label: own.get(label, False) for label in order}


def _columns(count: int) -> int:
    return 2 if count == 4 else min(count, 3)


def _new(count: int, rows: int) -> tuple[Figure, list[Axes]]:
    columns = _columns(count)
    lines = -(-count // columns)
    height = lines * (_FRAME_INCHES + _ROW_INCHES * rows) + _LEGEND_INCHES
    width = COLUMN_INCHES if count == 1 else 2 * COLUMN_INCHES
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, [figure.add_subplot(lines, columns, i + 1) for i in range(count)]


def _fill(
    axes: Axes,
    cells: Mapping[str, Contrast],
    names: Mapping[str, bool],
    *,
    has_names: bool,
) -> None:
    axes.axvline(0.0, color="#999999", lw=0.6, zorder=0)
    for y, label in enumerate(names):
        _draw(axes, y, cells.get(label))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.yaxis.set_major_locator(FixedLocator(range(len(names))))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([lettering(label) if has_names else "" for label in names])
    for text, is_own in zip(axes.get_yticklabels(), names.values(), strict=True):
        text.set_fontweight("bold" if is_own else "normal")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    _scale(axes, cells.values())


def _draw(axes: Axes, y: int, cell: Contrast | None) -> None:
    color = PICTURE_COLORS.get(cell.word, _PLAIN) if cell else _PLAIN
    if cell is not None and cell.share is not None:
        if cell.low is not None and cell.high is not None:
            ends = [_within(cell.low), _within(cell.high)]
            axes.plot(ends, [y, y], color=color, lw=1.6, alpha=0.55, solid_capstyle="butt")
        marker = "|" if cell.is_reference else _MARKERS.get(cell.word, "o")
        axes.plot([_within(cell.share)], [y], **_mark(marker, color, cell.word), zorder=3)
    share = cell.share if cell else None
    said = "reference" if cell and cell.is_reference else relative_in_short(share)
    axes.annotate(
        said,
        (1.02, y),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=6,
        color=color,
        annotation_clip=False,
    )


def _mark(marker: str, color: str, word: str) -> dict[str, Any]:
    return {
        "marker": marker,
        "color": color,
        "ls": "none",
        "ms": 4.5,
        "mfc": "white" if word in _HOLLOW else color,
        "mew": 1.0,
    }


def _within(share: float) -> float:
    return max(-_LARGEST, min(_LARGEST, share))


def _scale(axes: Axes, cells: Any) -> None:
    """Scale the x axis over all intervals: linear, or logarithmic beyond a tenth."""
    ends = [
        abs(_within(value))
        for cell in cells
        for value in (cell.share, cell.low, cell.high)
        if value is not None
    ]
    most = max([*ends, 0.01]) * 1.15
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    if most <= _LINEAR_UP_TO:
        axes.xaxis.set_major_locator(MaxNLocator(4))
    else:
        axes.set_xscale("symlog", linthresh=_LINEAR_PART)
        powers = [10.0**power for power in range(-1, 4) if 10.0**power <= most]
        shown = [powers[-1]] if len(powers) > 3 else powers[:1] + powers[1:][-1:]
        axes.xaxis.set_major_locator(FixedLocator([*(-each for each in shown), 0.0, *shown]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
    low = min([0.0, *(_within(c.low if c.low is not None else c.share or 0.0) for c in cells)])
    axes.set_xlim(min(low * 1.15, -most * 0.12), most)


def _tick(value: float) -> str:
    """Return the label of a share on the axis.

    >>> _tick(0.1), _tick(-10.0), _tick(0.0)
    ('+10 %', '−1000 %', '0')
    """
    return (
        f"{100 * value:+.3g} %".replace("-", "−")
        .replace("+1e+03", "+1000")
        .replace("−1e+03", "−1000")
        if value
        else "0"
    )


def _add_legend(figure: Figure, words: Sequence[str]) -> None:
    if not words:
        return
    marks = [Line2D([], [], **_mark(_MARKERS[word], PICTURE_COLORS[word], word)) for word in words]
    figure.legend(
        marks,
        list(map(shown_word, words)),
        loc="outside upper center",
        ncols=len(words),
        frameon=False,
        handlelength=1.0,
        columnspacing=1.2,
        borderpad=0.0,
    )


def _what(findings: Findings, judgement: Judgement | None, metric: str) -> str:
    if judgement:
        against, colors = f"that of {judgement.reference}", "colours are the verdicts"
    elif findings.reference:
        against, colors = f"that of {findings.reference}", "nothing is a verdict"
    else:
        against, colors = "that of each problem's best", "nothing is a verdict"
    return (
        f"Mean difference in {metric_words(metric)} at the end of training from "
        f"{against}, as a share of it, with 95 % intervals over seeds by Student's t; {colors}."
    )
