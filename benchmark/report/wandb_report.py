"""A study as a W&B Report: our statistics as text, and panels in which W&B draws the runs.

This module builds the report; `wandb_publish` saves it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmark.analysis.diagnostics import QUANTITIES
from benchmark.analysis.frame import Frames
from benchmark.analysis.judging import Judgement
from benchmark.axes import BY_CLOCK, STEP, AxisName
from benchmark.errors import UsageError
from benchmark.metrics import CHOOSING, INSIDE, RUNNING, metric_of
from benchmark.report import markdown, markdown_verdicts
from benchmark.report.budgets import budget_table
from benchmark.report.findings import METRIC, Findings, SettingFindings
from benchmark.report.pairs import pair_table

_WIDTH, _HEIGHT = 12, 8  # of a panel; a report is 24 units wide
_OVERALL = {  # sections over all settings, with the same titles as on the page
    "Performance profiles": markdown.profiles,
    "Ranks": markdown.ranking,
    "Diverged and failed": markdown.failures,
    "Cost": markdown.cost,
    "Where this comes from": markdown.provenance,
}

_VERDICTS = {
    "Verdicts": markdown_verdicts.verdicts,
    "Verdicts in words": markdown_verdicts.in_words,
    "Optimization and generalization": markdown_verdicts.aspects,
    "All pairs": pair_table,
    "Performance against budget": budget_table,
    "Costs over the reference's": markdown_verdicts.costs,
}


@dataclass(frozen=True, kw_only=True)
class Project:
    """The W&B project of the runs; an empty entity means that W&B has not been asked for it yet."""

    name: str
    entity: str = ""


def build_report(
    findings: Findings, project: Project, judged: Mapping[str, Judgement] | None = None
) -> Any:
    """Return the report, an unsaved `wandb_workspaces.reports.v2.Report`.

    Args:
        findings: The numbers.
        project: The W&B project of the runs.
        judged: The verdicts of the studies that were tuned, by study.

    Raises:
        UsageError: wandb-workspaces is not installed, or the reference is unknown.
    """
    wr = _workspaces()
    blocks = [wr.TableOfContents()]
    for judgement in (judged or {}).values():
        blocks.append(wr.MarkdownBlock(text=markdown_verdicts.opening(judgement)))
        for title, write in _VERDICTS.items():
            blocks += _section(wr, title, write(judgement))
    how = markdown.how_to_read(findings, has_verdicts=bool(judged))
    blocks.append(wr.MarkdownBlock(text=how))
    for name, setting in findings.settings.items():
        blocks += [wr.H1(text=name), *_setting(wr, setting, project)]
    for title, describe in _OVERALL.items():
        blocks += _section(wr, title, describe(findings))
    return wr.Report(
        project=project.name,
        entity=project.entity,
        title=f"Optimizers: {', '.join(findings.studies)}"[:128],
        description="Statistics by optimizer-benchmark, from the files of the study.",
        blocks=blocks,
        width="fluid",
    )


def _workspaces() -> Any:
    try:
        import wandb_workspaces.reports.v2 as wr
    except ImportError:
        raise UsageError(
            "report --wandb needs wandb-workspaces: pip install wandb-workspaces"
        ) from None
    return wr


def _setting(wr: Any, setting: SettingFindings, project: Project) -> list[Any]:
    blocks = [wr.MarkdownBlock(text=markdown.headline(setting))]
    board = markdown.board(setting, setting.variants, setting.versus)
    blocks += _section(wr, "Leaderboard", board)
    blocks += _curves(wr, setting, project)
    blocks += _section(wr, "Time to target", markdown.targets(setting))
    blocks += _rates(wr, setting, project)
    return blocks + _inside(wr, setting, project)


def _section(wr: Any, title: str, text: str) -> list[Any]:
    return [wr.H2(text=title), wr.MarkdownBlock(text=text)] if text else []


def _curves(wr: Any, setting: SettingFindings, project: Project) -> list[Any]:
    """Return the curves of each optimizer's best variant, then those of all variants, if more.

    Each has its own grid, because W&B draws all run sets of a grid together.
    """
    frames, best = setting.frames, setting.best
    metrics = setting.findings.metrics
    rows = [(name, axis, metrics[name].is_logarithmic) for name, axis in _drawn(frames)]
    blocks = [wr.H2(text="Curves"), _grid(wr, _BEST, best, project, rows)]
    if best.trials.height == frames.trials.height:
        return blocks
    return [*blocks, wr.P(text="All that was tried:"), _grid(wr, "all", frames, project, rows)]


def _drawn(frames: Frames) -> list[tuple[str, AxisName]]:
    """Return (metric, axis) pairs: each metric on its own axis, and `METRIC` over time as well."""
    own = [(name, metric_of(name).axis) for name in (RUNNING, *CHOOSING)]
    over_time = [(METRIC, axis) for axis in BY_CLOCK]
    return [row for row in [*own, *over_time] if row[0] in frames.metrics]


_BEST = "each optimizer's best hyperparameters"


def _inside(wr: Any, setting: SettingFindings, project: Project) -> list[Any]:
    """Return panels of diagnostics over all parameters together; empty if none were recorded."""
    best = setting.best
    rows = [
        (name, STEP, "cosine" not in name)
        for quantity in QUANTITIES
        if (name := f"{INSIDE}all/{quantity}") in best.curves.columns and best.curves[name].count()
    ]
    if not rows:
        return []
    return [wr.H2(text="Inside the optimizer"), _grid(wr, _BEST, best, project, rows)]


def _grid(
    wr: Any, name: str, frames: Frames, project: Project, rows: Sequence[tuple[str, str, bool]]
) -> Any:
    """Return a grid with one panel per row (metric, axis, whether its scale is logarithmic)."""
    panels = [
        wr.LinePlot(
            title=f"{metric} over {axis}: mean and range of the seeds",
            x=axis,
            y=[metric],
            log_y=logarithmic,
            groupby=wr.Config("label"),
            groupby_aggfunc="mean",
            groupby_rangefunc="minmax",
            smoothing_type="none",
            max_runs_to_show=100,
            layout=_place(wr, i),
        )
        for i, (metric, axis, logarithmic) in enumerate(rows)
    ]
    runsets = _runsets(wr, name, frames, project)
    return wr.PanelGrid(runsets=runsets, panels=panels, active_runset=0)


def _rates(wr: Any, setting: SettingFindings, project: Project) -> list[Any]:
    search = markdown.search(setting)
    widths = markdown.sensitivity(setting)
    texts = "\n\n".join(text for text in (widths, search) if text)
    plot = [_scatter(wr, setting, project)] if widths else []
    return [*_section(wr, "Learning rate", texts), *plot]


def _scatter(wr: Any, setting: SettingFindings, project: Project) -> Any:
    plot = wr.ScatterPlot(
        title=f"{METRIC} at the end over learning rate",
        x=wr.Config("lr"),
        y=wr.SummaryMetric(f"final/{METRIC}"),
        log_x=True,
        log_y=setting.findings.metrics[METRIC].is_logarithmic,
        layout=wr.Layout(x=0, y=0, w=2 * _WIDTH, h=_HEIGHT),
    )
    return wr.PanelGrid(runsets=_runsets(wr, "all", setting.frames, project), panels=[plot])


def _runsets(wr: Any, name: str, frames: Frames, project: Project) -> list[Any]:
    """Return a run set for each study, because two may have an optimizer of the same name."""
    studies = list(frames.trials.group_by("study", maintain_order=True))
    return [
        _runset(wr, name if len(studies) == 1 else f"{study}: {name}", trials, project)
        for (study,), trials in studies
    ]


def _runset(wr: Any, name: str, trials: pl.DataFrame, project: Project) -> Any:
    """Return the runs of the trials that are done; a mean over diverged ones would mislead."""
    from wandb_workspaces import expr

    done = trials.filter(status="done")
    filters = expr.And(
        expr.Config("study") == trials["study"][0],
        expr.Config("key").isin(done["key"].to_list()),
        expr.Summary("status") == "done",
    )
    return wr.Runset(
        entity=project.entity,
        project=project.name if project.entity else "",
        name=name,
        filters=filters,
        groupby=["config.optimizer", "config.label"],
    )


def _place(wr: Any, i: int) -> Any:
    return wr.Layout(x=_WIDTH * (i % 2), y=_HEIGHT * (i // 2), w=_WIDTH, h=_HEIGHT)
