"""The verb ``push``: W&B runs of a study rebuilt from its files, or copies in other loggers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from benchmark.cli.loggers import logger_option, logger_sinks, try_loggers
from benchmark.cli.options import results_option
from benchmark.errors import UsageError
from benchmark.mirror.destination import PROJECT, Destination, choose_destination
from benchmark.mirror.logger import FOLDER, LoggerSpec
from benchmark.record import Record
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
    help="Mode of W&B; auto means online if you are logged in and the server answers, otherwise "
    "offline.",
)
@click.option("--wandb-project", default=PROJECT, show_default=True, help="W&B project.")
@click.option("--wandb-entity", help="W&B team or user that owns the runs.")
@logger_option(
    "Feed a Lightning logger instead, with every trial from its start; may be given several "
    f"times. A logger that takes a folder writes to RESULTS/STUDY/{FOLDER} by default."
)
@click.pass_context
def command(
    context: click.Context,
    study: str,
    results: Path,
    mode: Any,
    wandb_project: str,
    wandb_entity: str,
    loggers: tuple[LoggerSpec, ...],
) -> int:
    """Rebuild the Weights & Biases runs of STUDY from its files.

    Runs that are already there and complete are left alone, so pushing twice changes nothing.
    """
    store = open_study(results, study)
    if loggers:
        given = map(context.get_parameter_source, ("mode", "wandb_project", "wandb_entity"))
        if any(source is not ParameterSource.DEFAULT for source in given):
            raise UsageError("--logger replaces W&B: leave the --wandb options out")
        return _feed(loggers, store)
    destination, place = choose_destination(
        mode, project=wandb_project, entity=wandb_entity, folder=store.folder, study=store.study
    )
    if destination is None:
        raise UsageError("$WANDB_MODE is 'disabled': unset it, or give --wandb online or offline")
    click.echo(place)
    return _push(destination, store)


def _push(destination: Destination, store: Store) -> int:
    from benchmark.cli.console import console
    from benchmark.errors import PushError
    from benchmark.mirror.push import push

    records = _records(store)
    counts = {"pushed": 0, "there": 0}
    error = ""
    with console(stderr=True).status("pushing") as status:
        try:
            for each in push(destination, store, records):
                counts[each.outcome] += 1
                status.update(f"pushing {sum(counts.values())}/{len(records)}")
        except PushError as found:
            error = str(found)
    done = "written offline" if destination.mode == "offline" else "pushed"
    click.echo(f"{counts['pushed']} runs {done}, {counts['there']} were there already")
    if error:
        left = len(records) - sum(counts.values())
        click.echo(f"Error: {error}; {left} runs are left, the same command goes on", err=True)
    return 1 if error else 0


def _feed(loggers: Sequence[LoggerSpec], store: Store) -> int:
    from benchmark.cli.console import console
    from benchmark.errors import PushError
    from benchmark.mirror.push import feed

    records = _records(store)
    sinks = logger_sinks(loggers, store)
    for line in try_loggers(sinks, records[0].trial) if records else ():
        click.echo(line)
    errors = 0
    for sink in sinks:
        fed = 0
        with console(stderr=True).status("feeding") as status:
            try:
                for fed, _ in enumerate(feed(sink, store, records), 1):
                    status.update(f"{sink.name}: feeding {fed}/{len(records)}")
            except PushError as error:
                errors += 1
                click.echo(f"Error: {error}; {len(records) - fed} trials are left", err=True)
        click.echo(f"{sink.name}: {fed} trials fed")
    return 1 if errors else 0


def _records(store: Store) -> list[Record]:
    return [record for record in store.records() if record.status != "skipped"]
