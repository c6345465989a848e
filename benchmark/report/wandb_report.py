"""A study as a W&B Report: our statistics as text, and the mirrored runs as W&B draws them.

Here it is built; `wandb_publish` saves it.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from benchmark.analysis.compare import Comparison
from benchmark.analysis.finals import best_variants, only
from benchmark.analysis.frame import Frames
from benchmark.report import markdown
from benchmark.report.verdicts import METRIC, compare, references
from benchmark.spec import UsageError

_WIDTH, _HEIGHT = 12, 8  # of a panel, in 24 columns
_CURVES = (  # metric, axis, logarithmic
    ("train/running_loss", "step", True),
    ("val/loss", "epoch", True),
    ("val/accuracy", "epoch", False),
    ("val/loss", "train_seconds", True),
)


@dataclass(frozen=True, kw_only=True)
class Project:
    """Where the runs are; an empty entity is not known yet, and found only online."""

    name: str
    entity: str = ""


def build_report(frames: Frames, project: Project, reference: str | None = None) -> Any:
    """Return the report, a `wandb_workspaces.reports.v2.Report`, not saved.

    Raises:
        UsageError: wandb-workspaces is not installed, or there is no `reference`.
    """
    wr = _workspaces()
    chosen = references(frames, reference)
    compared = compare(frames, chosen)
    studies = frames.trials["study"].unique(maintain_order=True).to_list()
    blocks = [wr.TableOfContents()]
    for (setting,), trials in frames.trials.group_by("setting", maintain_order=True):
        here = only(frames, trials["variant"].unique().to_list())
        name = str(setting)
        blocks += _setting(wr, name, here, project, chosen.get(name), compared.get(name, []))
    blocks += _section(wr, "Average ranks", markdown.ranking(frames))
    blocks += _section(wr, "Cost", markdown.cost(frames))
    blocks += _section(wr, "Diverged, failed and skipped trials", markdown.failures(frames))
    blocks += _section(wr, "Provenance", markdown.provenance(frames))
    return wr.Report(
        project=project.name,
        entity=project.entity,
        title=f"Optimizers: {', '.join(studies)}"[:128],
        description="Statistics by optimizer-benchmark, from the files of the study.",
        blocks=blocks,
        width="fluid",
    )


def spec_of(report: Any) -> dict[str, Any]:
    """Return what W&B keeps of `report`; asks a server only if its project has an entity."""
    spec: dict[str, Any] = report._to_model().spec.model_dump(by_alias=True, exclude_none=True)
    return spec


def _workspaces() -> Any:
    try:
        import wandb_workspaces.reports.v2 as wr
    except ImportError:
        raise UsageError(
            "report --wandb needs wandb-workspaces: pip install wandb-workspaces"
        ) from None
    return wr


def _setting(
    wr: Any,
    setting: str,
    frames: Frames,
    project: Project,
    reference: str | None,
    compared: list[Comparison],
) -> list[Any]:
    blocks = [wr.H1(text=setting), wr.P(text=markdown.headline(frames, compared))]
    blocks += _section(wr, "Leaderboard", markdown.board(frames, reference, compared))
    blocks += [wr.H2(text="Curves"), _curves(wr, frames, project)]
    blocks += _section(wr, "Time to target", markdown.targets(frames))
    widths = markdown.sensitivity(frames)
    if widths:
        blocks += [*_section(wr, "Learning rate", widths), _scatter(wr, frames, project)]
    return blocks


def _section(wr: Any, title: str, text: str) -> list[Any]:
    return [wr.H2(text=title), wr.MarkdownBlock(text=text)] if text else []


def _curves(wr: Any, frames: Frames, project: Project) -> Any:
    best = only(frames, best_variants(frames))
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
        for i, (metric, axis, logarithmic) in enumerate(_known(frames))
    ]
    runsets = [
        *_runsets(wr, "each optimizer's best hyperparameters", best, project),
        *_runsets(wr, "all", frames, project),
    ]
    return wr.PanelGrid(runsets=runsets, panels=panels, active_runset=0)


def _known(frames: Frames) -> list[tuple[str, str, bool]]:
    return [row for row in _CURVES if row[0] in frames.metrics]


def _scatter(wr: Any, frames: Frames, project: Project) -> Any:
    plot = wr.ScatterPlot(
        title=f"{METRIC} at the end over learning rate",
        x=wr.Config("lr"),
        y=wr.SummaryMetric(f"final/{METRIC}"),
        log_x=True,
        log_y=True,
        layout=wr.Layout(x=0, y=0, w=2 * _WIDTH, h=_HEIGHT),
    )
    return wr.PanelGrid(runsets=_runsets(wr, "all", frames, project), panels=[plot])


def _runsets(wr: Any, name: str, frames: Frames, project: Project) -> list[Any]:
    """Return a run set for each study, for two may have an optimizer of one name."""
    studies = list(frames.trials.group_by("study", maintain_order=True))
    return [
        _runset(wr, name if len(studies) == 1 else f"{study}: {name}", trials, project)
        for (study,), trials in studies
    ]


def _runset(wr: Any, name: str, trials: pl.DataFrame, project: Project) -> Any:
    """Return the runs of the trials that are done: a mean over diverged ones would mislead."""
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
