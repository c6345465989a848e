"""The critical-difference diagram of Demšar 2006: average ranks, with bars over equal ones."""

from typing import Any

from matplotlib.figure import Figure

from benchmark.analysis.compare import ALPHA
from benchmark.analysis.frame import Frames
from benchmark.analysis.ranks import Ranking
from benchmark.metrics import metric_words
from benchmark.report.figures.lettering import lettering
from benchmark.report.figures.look import COLUMN_INCHES, looks
from benchmark.report.findings import Findings

_ROW_INCHES = 0.17
_FRAME_INCHES = 0.75  # the axis, its label and the critical-difference bar
_BAR_STEP = 0.35  # rows between two bars


def draw_ranks(findings: Findings, metric: str) -> tuple[Figure, str] | None:
    """Return the diagram over all settings; None if Friedman's test tells no ranks apart.

    Args:
        findings: The numbers of all settings.
        metric: Name, such as ``val/loss``.
    """
    found = findings.metrics[metric].ranking
    if found is None or found.blocks < 2 or not found.p < ALPHA:
        return None
    apart = "are joined by a bar" if found.groups else "would be joined by a bar"
    what = (
        f"Average ranks by {metric_words(metric)} at the end over {found.blocks} settings, 1 is "
        f"best. Those that Friedman's test (p = {found.p:.2g}) with Nemenyi's critical difference "
        f"({found.critical_difference:.2f}) cannot tell apart at 5 % {apart}."
    )
    return _diagram(found, findings.best), what


def _diagram(found: Ranking, frames: Frames) -> Figure:
    styles, count = looks(frames), len(found.optimizers)
    bars = len(found.groups)
    rows = count + 1 + bars * _BAR_STEP
    height = _FRAME_INCHES + _ROW_INCHES * rows
    figure = Figure(figsize=(COLUMN_INCHES, height), layout="constrained")
    axes = figure.add_subplot()
    ranks = dict(zip(found.optimizers, found.average_ranks, strict=True))
    for i, (name, average) in enumerate(ranks.items()):
        y = bars * _BAR_STEP + 1 + i
        color = styles[name].color
        axes.plot([average, average, count + 0.15], [0, y, y], color=color, lw=0.8, clip_on=False)
        label: Any = {
            "xytext": (3, 0),
            "textcoords": "offset points",
            "va": "center",
            "fontsize": 6,
            "annotation_clip": False,  # the labels lie beside the axes
        }
        axes.annotate(f"{lettering(name)}  {average:.2f}", (count + 0.15, y), color=color, **label)
    for i, group in enumerate(found.groups):
        y = 0.4 + i * _BAR_STEP
        ends = [ranks[group[0]] - 0.03, ranks[group[-1]] + 0.03]
        axes.plot(ends, [y, y], color="black", lw=2.2, solid_capstyle="butt")
    axes.set(xlim=(1, count), ylim=(rows, 0), xlabel="average rank")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(range(1, count + 1))
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.yaxis.set_visible(False)
    return figure
