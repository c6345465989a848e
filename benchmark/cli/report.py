"""``report``: figures and W&B Reports from the records of one or more studies."""

from pathlib import Path

import click

from benchmark.spec import UsageError
from benchmark.store import Store, open_study


@click.command(name="report")
@click.argument("studies", nargs=-1, required=True)
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
)
@click.option(
    "--format", "kind", type=click.Choice(["pdf", "svg", "png"]), help="Write figures for papers."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the figures.  [default: figures in the study's folder]",
)
@click.option("--reference", help="Optimizer to compare with.  [default: each setting's best]")
@click.option("--wandb", is_flag=True, help="Save a W&B Report, or its spec if that cannot be.")
@click.option("--wandb-project", default="optimizer-benchmark", show_default=True)
@click.option("--wandb-entity", default="", help="W&B team or user.")
def command(
    studies: tuple[str, ...],
    results: Path,
    kind: str | None,
    out: Path | None,
    reference: str | None,
    wandb: bool,
    wandb_project: str,
    wandb_entity: str,
) -> int:
    """Write figures or a W&B Report of STUDIES."""
    stores = [open_study(results, study) for study in studies]
    if not (kind or wandb):
        raise UsageError("nothing to write: give --format pdf|svg|png, or --wandb")
    if not any(store.records() for store in stores):
        raise UsageError(f"no records yet in {', '.join(studies)}")
    if kind:
        _figures(stores, kind, out or stores[0].folder / "figures")
    if wandb:
        from benchmark.report.wandb_publish import publish
        from benchmark.report.wandb_report import Project

        project = Project(name=wandb_project, entity=wandb_entity)
        click.echo(publish(stores, project, reference))
    return 0


def _figures(stores: list[Store], kind: str, folder: Path) -> None:
    from benchmark.report.figures.write import write_figures

    for path in write_figures(stores, kind, folder):  # type: ignore[arg-type]
        click.echo(path)
