"""``show``: print the tables of a study again, from its records."""

import json
from pathlib import Path

import click

from benchmark.cli.run import console
from benchmark.report.table import print_tables, tables_as_json
from benchmark.store import open_study


@click.command(name="show")
@click.argument("study")
@click.option(
    "--results",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results"),
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def command(study: str, results: Path, as_json: bool) -> int:
    """Print the tables of STUDY again."""
    records = open_study(results, study).records()
    if as_json:
        click.echo(json.dumps(tables_as_json(records), indent=1))
    elif records:
        print_tables(console(), records)
    else:
        click.echo(f"study {study!r} has no records yet")
    return 0
