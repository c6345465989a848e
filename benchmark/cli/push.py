"""``push``: rebuild the W&B runs of a study from its files."""

from pathlib import Path
from typing import Any

import click

from benchmark.cli.options import results_option
from benchmark.mirror.destination import Destination, choose_destination
from benchmark.spec import UsageError
from benchmark.store import Store, open_study


@click.command(name="push")
@click.argument("study")
@results_option
@click.option(
    "--wandb",
    "mode",
    type=click.Choice(["auto", "online", "offline"]),
    default="auto",
    show_default=True,
    help="Where to; auto is online if you are logged in and the server answers.",
)
@click.option("--wandb-project", default="optimizer-benchmark", show_default=True)
@click.option("--wandb-entity", help="W&B team or user.")
def command(study: str, results: Path, mode: Any, wandb_project: str, wandb_entity: str) -> int:
    """Rebuild the Weights & Biases runs of STUDY from its files.

    Runs that are there already and whole are left alone, so pushing twice changes nothing.
    """
    store = open_study(results, study)
    destination, place = choose_destination(
        mode, project=wandb_project, entity=wandb_entity, folder=store.folder, study=store.study
    )
    if destination is None:
        raise UsageError("$WANDB_MODE is 'disabled': unset it, or give --wandb online or offline")
    click.echo(place)
    return _push(destination, store)


def _push(destination: Destination, store: Store) -> int:
    from benchmark.cli.console import console
    from benchmark.mirror.push import PushError, push

    records = [record for record in store.records() if record.status != "skipped"]
    counts = {"pushed": 0, "there": 0}
    error = ""
    with console(stderr=True).status("pushing") as status:
        try:
            for each in push(destination, store, records):
                counts[each.outcome] += 1
                status.update(f"pushing {sum(counts.values())}/{len(records)}")
        except PushError as found:
            error = str(found)
    click.echo(f"{counts['pushed']} runs pushed, {counts['there']} were there already")
    if error:
        left = len(records) - sum(counts.values())
        click.echo(f"Error: {error}; {left} runs are left, the same command goes on", err=True)
    return 1 if error else 0
