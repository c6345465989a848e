"""The verb ``report``: a page, a document, figures and W&B Reports from records of studies."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmark.atomic import write_text
from benchmark.cli.options import OptimizerList, results_option
from benchmark.errors import UsageError
from benchmark.metrics import METRICS
from benchmark.mirror.destination import PROJECT
from benchmark.plain_text import LABEL_LENGTH, plain
from benchmark.problems import problem_and_metric
from benchmark.store import Store, open_study
from optimizers.pick import near, shown
from optimizers.registry import OPTIMIZERS

if TYPE_CHECKING:
    from benchmark.report.page.section import Section

FIGURES = ("pdf", "svg", "png")


@click.command(name="report")
@click.argument("studies", nargs=-1, required=True, metavar="STUDY...")
@results_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "md", *FIGURES]),
    help="html: a page; md: a Markdown document with pictures; pdf, svg, png: figures for papers.  "
    "[default: html, unless --wandb is given]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File to write the page or document to, or folder for the figures.  "
    "[default: report.html, report.md, figures in the folder of the first study]",
)
@click.option(
    "--reference",
    metavar="OPTIMIZER",
    help="Optimizer to compare all others with. If it is named beforehand, there are fewer "
    "comparisons, which need fewer seeds.  "
    "[default: what the study declared, otherwise each setting's best]",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="[PROBLEM:]METRIC=VALUE",
    callback=lambda _, __, given: _targets(given),
    help="Value to race to, such as val/loss=0.1, as recorded (a share of 90 % is 0.9), or "
    "mlp/digits:val/loss=0.1 for one problem; repeat it for others.  "
    "[default: the problem's own, otherwise one that half of the optimizers reach]",
)
@click.option(
    "--landscape",
    is_flag=True,
    help="Add the paths of the study's optimizers on test surfaces to the page; takes up to a "
    "minute.",
)
@click.option(
    "--opts",
    type=OptimizerList(),
    help="Optimizers for --landscape. An import path is loaded only if it is named here.  "
    "[default: the study's optimizers, except import paths]",
)
@click.option(
    "--wandb", is_flag=True, help="Save a W&B Report, or its spec if W&B cannot be reached."
)
@click.option("--wandb-project", metavar="PROJECT", help=f"W&B project.  [default: {PROJECT}]")
@click.option("--wandb-entity", metavar="ENTITY", help="W&B team or user that owns it.")
def command(
    studies: tuple[str, ...],
    results: Path,
    kind: str | None,
    out: Path | None,
    reference: str | None,
    targets: Mapping[str, float],
    landscape: bool,
    opts: str | None,
    wandb: bool,
    wandb_project: str | None,
    wandb_entity: str | None,
) -> int:
    """Write the results of STUDY as one self-contained HTML page, a document or figures."""
    stores = [open_study(results, study) for study in dict.fromkeys(studies)]
    _check_targets(targets, stores)
    kind = kind or ("" if wandb else "html")
    reference = None if reference is None else plain(reference, LABEL_LENGTH)
    place, compares = (wandb_project, wandb_entity), wandb or kind not in FIGURES
    useless = {
        "--landscape is a part of the page: give --format html with it": landscape
        and kind != "html",
        "--opts says who moves in --landscape: give it too": opts is not None and not landscape,
        "--reference: figures compare with nobody; give --format html or md": reference is not None
        and not compares,
        "--wandb-project and --wandb-entity say where --wandb goes: give it too": any(place)
        and not wandb,
    }
    _refuse([message for message, is_given in useless.items() if is_given])
    if kind == "html":
        extra = partial(_landscape, stores, opts) if landscape else None
        _page(stores, out or stores[0].folder / "report.html", reference, targets, extra)
    elif kind == "md":
        _document(stores, out or stores[0].folder / "report.md", reference, targets)
    elif kind:
        _figures(stores, kind, out or stores[0].folder / "figures", targets)
    if wandb:
        from benchmark.report.wandb_publish import publish
        from benchmark.report.wandb_report import Project

        project = Project(name=wandb_project or PROJECT, entity=wandb_entity or "")
        click.echo(publish(stores, project, reference, targets))
    return 0


def _refuse(complaints: Sequence[str]) -> None:
    """Raise UsageError for the first of `complaints`: options that would have no effect."""
    if complaints:
        raise UsageError(complaints[0])


def _targets(given: Sequence[str]) -> dict[str, float]:
    """Return the targets in texts such as ``val/loss=0.1`` and ``mlp/digits:val/loss=0.1``.

    `_check_targets` checks their names.

    Raises:
        UsageError: a text is not of this form.
    """
    found = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not name or not math.isfinite(value):
            raise UsageError(
                f"--target {plain(text, 60)}: expected METRIC=NUMBER, such as val/loss=0.1, or "
                f"PROBLEM:METRIC=NUMBER. Metrics: {', '.join(_with_targets())}"
            )
        found[name] = value
    return found


def _check_targets(targets: Mapping[str, float], stores: Sequence[Store]) -> None:
    """Check the metrics of targets; those of users' tasks become known as records are read.

    Raises:
        UsageError: a metric is unknown, or has no better direction.
    """
    names = [problem_and_metric(key)[1] for key in targets]
    if all(name in _with_targets() for name in names):
        return
    for store in stores:
        store.records()
    known = dict.fromkeys(_with_targets())
    for name in names:
        if name not in known:
            raise UsageError(
                f"--target: unknown metric {shown(name)}, or one of which neither lower nor higher "
                f"values are better.{near(name, known)} Known: {', '.join(known)}"
            )


def _with_targets() -> list[str]:
    directed = [metric for metric in METRICS.values() if metric.better]
    return [metric.on(split) for metric in directed for split in metric.splits]


def _page(
    stores: list[Store],
    target: Path,
    reference: str | None,
    targets: Mapping[str, float],
    extra: "Callable[[], Section] | None",
) -> None:
    _check_file(target)
    section = extra() if extra else None
    from benchmark.report.page.build import build

    text = build(stores, reference=reference, targets=targets, extra=section)
    write_text(target, text)
    click.echo(f"wrote {target}, {len(text.encode()) / 1e6:.1f} MB; open it in any browser:")
    click.echo(target.resolve().as_uri())


def _document(
    stores: list[Store], target: Path, reference: str | None, targets: Mapping[str, float]
) -> None:
    _check_file(target)
    if target.suffix != ".md":
        raise UsageError(f"--out {target}: expected a name that ends in .md")
    from benchmark.report.document import write_document

    for path in write_document(stores, target, reference, targets):
        click.echo(path)


def _check_file(target: Path) -> None:
    if target.is_dir() or not target.absolute().parent.is_dir():
        raise UsageError(f"--out {target}: expected a file in a folder that exists")


def _figures(stores: list[Store], kind: str, folder: Path, targets: Mapping[str, float]) -> None:
    from benchmark.report.figures.write import write_figures

    written = write_figures(stores, kind, folder, targets)  # type: ignore[arg-type]
    for path in written:
        click.echo(path)
    if not written:
        click.echo("nothing to draw: no trial is done")


def _landscape(stores: Sequence[Store], opts: str | None) -> "Section":
    """Compute paths of the optimizers in `opts`, by default the studies' own at their defaults.

    Import paths in records are never imported, because a record may come from anyone.
    """
    from benchmark.cli.rates import DEFAULT_RATES, rate_shown
    from benchmark.workbench.landscape.compute import Grid, compute
    from benchmark.workbench.landscape.page import section
    from benchmark.workbench.landscape.surfaces import SURFACES
    from benchmark.workbench.landscape.view import View
    from optimizers.grammar import parse

    opts = opts or _registered(stores)
    trajectories = compute(
        Grid(
            optimizers=parse(opts),
            surfaces=list(SURFACES.values()),
            lrs=tuple(map(float, DEFAULT_RATES.split(","))),
            steps=300,
            noise=0.1,
            seed=0,
        )
    )
    return section(trajectories, View(lr=rate_shown(opts)))


def _registered(stores: Sequence[Store]) -> str:
    """Return the registered optimizers of the studies, and print which others are left out."""
    records = [record for store in stores for record in store.records()]
    names = dict.fromkeys(record.trial.optimizer.name for record in records)
    if not names:
        raise UsageError(
            "--landscape: the study has no record yet, so it names no optimizer to show"
        )
    known = [name for name in names if name in OPTIMIZERS]
    others = ", ".join(plain(name, LABEL_LENGTH) for name in names if name not in OPTIMIZERS)
    if not known:
        raise UsageError(
            f"--landscape: {others} must be imported first: allow it by naming them with --opts"
        )
    if others:
        click.echo(
            f"no paths are shown of import paths that --opts does not name: {others}", err=True
        )
    return ",".join(known)
