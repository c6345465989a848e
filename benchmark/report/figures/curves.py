"""Figures of curves over epochs: means over seeds with 95 % intervals, for one or all settings."""

from collections.abc import Mapping, Sequence

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.analysis.curves import thin
from benchmark.analysis.intervals import NOTES
from benchmark.metrics import EPOCH, metric_of, metric_words
from benchmark.report.figures.caption import not_drawn, seeds_in_words
from benchmark.report.figures.look import (
    add_legend,
    count_x,
    lettering,
    line,
    looks,
    new_figure,
    new_panels,
    scale_y,
)
from benchmark.report.findings import METRIC, Findings, SettingFindings
from benchmark.report.palette import Style

_POINTS = 200  # per line; a printed column resolves no more
_MARKERS = 6  # per line
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
    _fill(axes, curves, "label", looks(setting.best), metric)
    axes.set_ylabel(metric_words(metric))
    add_legend(figure, [axes])
    return figure, _what(curves, metric) + not_drawn(setting.best, curves, _NEVER_DONE)


def draw_overview(findings: Findings, metric: str) -> tuple[Figure, str] | None:
    """Return the curves of all settings side by side; None with fewer than two settings.

    Args:
        findings: The numbers of all settings.
        metric: Name in the records, such as ``val/loss``.
    """
    curves = thin(findings.metrics[metric].curves, _POINTS)
    settings = curves["setting"].unique(maintain_order=True).to_list()
    if len(settings) < 2:
        return None
    names = curves["optimizer"].unique(maintain_order=True).to_list()
    figure, panels = new_panels(names, len(settings))
    found = looks(findings.best)
    for axes, setting in zip(panels, settings, strict=True):
        _fill(axes, curves.filter(setting=setting), "optimizer", found, metric)
        axes.set_title(lettering(_title(setting, settings)))
        axes.set_ylabel(metric_words(metric))
    add_legend(figure, panels)
    return figure, _what(curves, metric) + not_drawn(findings.best, curves, _NEVER_DONE)


def _title(setting: str, settings: Sequence[str]) -> str:
    """Return the problem if no other setting has it, otherwise the whole setting."""
    problem = setting.partition(",")[0]
    alike = [other for other in settings if other.partition(",")[0] == problem]
    return problem if len(alike) == 1 else setting


def _fill(
    axes: Axes, curves: pl.DataFrame, name: str, found: Mapping[str, Style], metric: str
) -> None:
    for _, curve in curves.group_by("optimizer", "label", maintain_order=True):
        _draw(axes, curve, curve[name][0], found[curve["optimizer"][0]])
    low, high = curves["center"].min(), curves["center"].max()
    scale_y(axes, float(low), float(high), may_be_log=metric_of(metric).logarithmic)  # type: ignore[arg-type]
    count_x(axes, EPOCH)


def _draw(axes: Axes, curve: pl.DataFrame, label: str, style: Style) -> None:
    x = curve["x"].to_numpy()
    every = max(1, len(x) // _MARKERS)
    axes.plot(x, curve["center"].to_numpy(), label=lettering(label), markevery=every, **line(style))
    sure = curve.drop_nulls(["low", "high"])
    if sure.height:
        bounds = sure["low"].to_numpy(), sure["high"].to_numpy()
        axes.fill_between(sure["x"].to_numpy(), *bounds, color=style.color, alpha=0.15, lw=0)


def _what(curves: pl.DataFrame, metric: str) -> str:
    seeds = seeds_in_words(curves["seeds"].unique().to_list())
    methods = curves["method"].unique(maintain_order=True).to_list()
    notes = "; ".join(NOTES[method] for method in methods)
    how = (
        "of the minibatches since the point before, as trained on"
        if metric_of(metric).in_training
        else "evaluated without dropout"
    )
    return f"Mean {metric_words(metric)} over {seeds}, {how}. Bands: {notes}."
