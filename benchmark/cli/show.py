"""The verb ``show``: the tables of a study, printed again from its records."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import click

from benchmark.cli.console import console
from benchmark.cli.options import results_option
from benchmark.cli.sentences import print_statements
from benchmark.errors import UsageError
from benchmark.report.kept import verdicts_in
from benchmark.report.table import print_tables, tables_as_json
from benchmark.report.words import waiting_words
from benchmark.store import Store, open_study


@click.command(name="show")
@click.argument("study")
@results_option
@click.option(
    "--reference",
    help="Optimizer to compare all with, in a study without verdicts or with --json.  "
    "[default: each table's best]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
@click.option("--tui", is_flag=True, help="Open W&B's terminal viewer on the study's offline runs.")
def command(study: str, results: Path, reference: str | None, as_json: bool, tui: bool) -> int:
    """Print the tables of STUDY again, with curves and paired comparisons."""
    store = open_study(results, study)
    if tui:
        return _view(store)
    records = store.records()
    if not records:
        click.echo("[]" if as_json else f"study {study!r} has no records yet")
        return 0
    from benchmark.report.evidence import gather

    evidence = gather(store, reference, records)
    verdicts = verdicts_in(store, lambda: records)
    if as_json:
        # In a study with verdicts these are the comparisons, unless others are asked for.
        is_compared = verdicts is None or reference is not None
        tables = tables_as_json(records, evidence if is_compared else None)
        found = tables if verdicts is None else {"tables": tables, **verdicts.as_json}
        click.echo(json.dumps(found, indent=1, allow_nan=False))
        return 0
    if verdicts is not None and reference is not None:
        declared = verdicts.as_json["reference"]
        if evidence.references != gather(store, declared, records).references:
            raise UsageError(_other_reference(study, results, declared, reference))
    print_tables(console(), records, evidence, verdicts)
    if verdicts is not None:
        print_statements(console(), verdicts.statements)
    elif words := waiting_words(store.num_waiting()):
        console().print(words, style="yellow")
    return 0


def _other_reference(study: str, results: Path, declared: str, reference: str) -> str:
    """Return why tables with verdicts compare with no other reference, and what does."""
    elsewhere = [] if results == Path("results") else ["--results", str(results)]
    again = shlex.join(["report", study, "--reference", reference, *elsewhere])
    return (
        f"--reference {reference}: these tables have verdicts, and the study declared {declared} "
        f"as their reference before its evaluation. For differences from {reference}: "
        f"python -m benchmark {again}, or --json here"
    )


def _view(store: Store) -> int:
    """Hand the terminal over to wandb's viewer until the user leaves it."""
    runs = store.folder / "wandb"
    if not any(runs.glob("*run-*/*.wandb")):
        raise UsageError(
            f"no W&B runs in {runs}: python -m benchmark push {store.study} --wandb offline "
            "writes them from the study's files"
        )
    if not sys.stdout.isatty():
        raise UsageError("--tui needs a terminal; without one, leave it out")
    return subprocess.run(
        [sys.executable, "-m", "wandb", "leet", str(runs)], check=False
    ).returncode
